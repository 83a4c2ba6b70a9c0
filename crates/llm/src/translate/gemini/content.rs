use std::collections::{HashMap, VecDeque};

use super::{is, member, needed, text};
use crate::translate::conversation::{Arguments, Call, Kind, Maker, Outcome, Part, Source};
use crate::translate::event::MOST_CALLS;
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// What is known of the calls so far: Gemini's may be without ids, and are
/// then answered by name and in order.
#[derive(Default)]
pub(super) struct Reading<'a> {
    /// By name, in order: the ids of calls that wait for an answer.
    open: HashMap<String, VecDeque<Text<'a>>>,
    unnamed: u32,
}

impl<'a> Reading<'a> {
    pub(super) fn parts(&mut self, list: Raw<'a>) -> Read<'a, Vec<Part<'a>>> {
        let mut parts = Vec::new();
        for at in list.elements()? {
            let part = self.part(at)?;
            // Empty text says nothing; it is how streams are ended.
            let empty = matches!(&part.kind, Kind::Text(text) if text.is_empty());
            if !empty {
                parts.push(part);
            }
        }
        Ok(parts)
    }

    fn part(&mut self, at: Raw<'a>) -> Read<'a, Part<'a>> {
        let mut kind = None;
        let mut signature = None;
        let mut thought = false;
        for (key, value) in at.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "text" => kind = Some(Kind::Text(value.text()?)),
                "thought" => thought = value.flag()?,
                key if is(key, "thought_signature") => signature = Some(value.text()?),
                key if is(key, "inline_data") => kind = Some(inline(value)?),
                key if is(key, "file_data") => kind = Some(file(value)?),
                key if is(key, "function_call") => kind = Some(Kind::Call(self.call(value)?)),
                key if is(key, "function_response") => {
                    kind = Some(Kind::Result(self.outcome(value)?));
                }
                key if is(key, "media_resolution") || is(key, "part_metadata") => {}
                _ => kind = Some(Kind::Foreign),
            }
        }
        let kind = kind.ok_or_else(|| Fault::at(at, "found an empty part, expected `text`"))?;
        let kind = match kind {
            Kind::Text(text) if thought => Kind::Thinking {
                text,
                signature,
                maker: Maker::Gemini,
            },
            Kind::Call(call) => Kind::Call(Call { signature, ..call }),
            kind => kind,
        };
        Ok(Part::of(at, kind))
    }

    fn call(&mut self, at: Raw<'a>) -> Read<'a, Call<'a>> {
        let name = needed(at, "name", "the name of a tool")?;
        let id = match text(at, "id")?.filter(|id| !id.is_empty()) {
            Some(id) => id,
            None => {
                self.unnamed += 1;
                Text(format!("call_{}", self.unnamed).into())
            }
        };
        let waiting = self.open.entry(name.get().to_owned());
        waiting.or_default().push_back(id.clone());
        let arguments = member(at, "args");
        if let Some(arguments) = arguments {
            arguments.members()?;
        }
        Ok(Call {
            id: Some(id),
            name,
            arguments: Arguments::Object(arguments.unwrap_or(Raw::of("{}"))),
            signature: None,
        })
    }

    fn outcome(&mut self, at: Raw<'a>) -> Read<'a, Outcome<'a>> {
        let name = needed(at, "name", "the name of a tool")?;
        let id = text(at, "id")?.filter(|id| !id.is_empty());
        // Answers come in the order of the calls, so the right one is near.
        let found = self.open.get_mut(name.get()).and_then(|open| match &id {
            Some(id) => {
                let near = open.iter().take(MOST_CALLS);
                let at = near.into_iter().position(|known| known == id)?;
                open.remove(at)
            }
            None => open.pop_front(),
        });
        let Some(id) = found else {
            return Err(Fault::at(
                at,
                "found a tool's answer without its call, expected a call of that name before it",
            ));
        };
        let response = member(at, "response");
        let response = response.ok_or_else(|| Fault::absent(at, "response", "an object"))?;
        let (said, is_error) = said(response)?;
        let mut parts = vec![Part::of(response, Kind::Text(said))];
        if let Some(more) = member(at, "parts") {
            parts.extend(self.parts(more)?);
        }
        Ok(Outcome {
            id: Some(id),
            name: Some(name),
            parts,
            is_error,
        })
    }
}

/// What a tool answered: plain text where that is all there is, else the
/// object as JSON.
fn said(response: Raw<'_>) -> Read<'_, (Text<'_>, bool)> {
    let mut members = response.members()?;
    let only = match (members.next(), members.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    if let Some((key, value)) = only
        && value.is_string()
        && matches!(key.as_ref(), "output" | "result" | "error")
    {
        return Ok((value.text()?, key == "error"));
    }
    Ok((Text::of(response.get()), false))
}

fn inline(at: Raw<'_>) -> Read<'_, Kind<'_>> {
    let media = needed(at, "mime_type", "a media type")?;
    let data = needed(at, "data", "base64")?;
    let Some((class, format)) = media.get().split_once('/') else {
        return Ok(Kind::Foreign);
    };
    Ok(match class {
        "audio" => Kind::Audio {
            data,
            format: match format {
                "mpeg" => Text::lent("mp3"),
                "x-wav" | "wave" => Text::lent("wav"),
                other => Text(other.to_owned().into()),
            },
        },
        "video" => Kind::Foreign,
        class => of_media(class == "image", Source::Base64 { media, data }),
    })
}

/// An address is everybody's, a file uploaded to Google is not.
fn file(at: Raw<'_>) -> Read<'_, Kind<'_>> {
    let uri = needed(at, "file_uri", "an address")?;
    let media = text(at, "mime_type")?;
    let class = media.as_ref().map_or("image", |media| {
        media.get().split('/').next().unwrap_or_default()
    });
    let own = ["googleapis.com", "youtube.com", "youtu.be", "gs:"];
    if own.iter().any(|part| uri.get().contains(part)) || matches!(class, "video" | "audio") {
        return Ok(Kind::Foreign);
    }
    Ok(of_media(class == "image", Source::Url(uri)))
}

const fn of_media(is_image: bool, source: Source<'_>) -> Kind<'_> {
    match is_image {
        true => Kind::Image {
            source,
            detail: None,
        },
        false => Kind::Document { source, name: None },
    }
}
