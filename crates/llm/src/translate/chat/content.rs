use crate::translate::conversation::{Arguments, Call, Kind, Maker, Outcome, Part, Source};
use crate::translate::member::{filled, member, needed, source, text};
use crate::translate::openai::read_content;
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T> = Result<T, Fault<'a>>;

/// The content of a message: text, or a list of parts.
pub(super) fn read<'a>(message: Raw<'a>) -> Read<'a, Vec<Part<'a>>> {
    let content = message.member("content");
    let content =
        content.ok_or_else(|| Fault::absent(message, "content", "text or a list of parts"))?;
    read_content(content, read_part)
}

fn read_part<'a>(at: Raw<'a>) -> Read<'a, Part<'a>> {
    at.members()?;
    let kind = at.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(at, "type", "the type of the part"))?;
    let inner = |key: &'static str| {
        let value = at.member(key);
        value.ok_or_else(|| Fault::absent(at, key, "an object"))
    };
    let read = match kind.string()?.as_ref() {
        "text" => Kind::Text(needed(at, "text", "text")?),
        "refusal" => Kind::Refusal(needed(at, "refusal", "text")?),
        "image_url" => read_image(inner("image_url")?)?,
        "input_audio" => {
            let audio = inner("input_audio")?;
            Kind::Audio {
                data: needed(audio, "data", "base64")?,
                format: needed(audio, "format", "`wav` or `mp3`")?,
            }
        }
        "file" => read_file(inner("file")?)?,
        _ => {
            let expected = "`text`, `image_url`, `input_audio`, `file` or `refusal`";
            return Err(kind.unknown_word(expected));
        }
    };
    Ok(Part {
        at,
        cache: member(at, "cache_control").or_else(|| member(at, "prompt_cache_breakpoint")),
        kind: read,
    })
}

fn read_image<'a>(image: Raw<'a>) -> Read<'a, Kind<'a>> {
    image.members()?;
    let url = needed(image, "url", "an address or a data URL")?;
    Ok(Kind::Image {
        source: source(url),
        detail: member(image, "detail"),
    })
}

fn read_file<'a>(file: Raw<'a>) -> Read<'a, Kind<'a>> {
    file.members()?;
    let data = text(file, "file_data")?;
    if data.is_none() && member(file, "file_id").is_none() {
        return Err(Fault::absent(
            file,
            "file_data",
            "a data URL or a `file_id`",
        ));
    }
    Ok(Kind::Document {
        source: data.map_or(Source::File, source),
        name: text(file, "filename")?,
    })
}

/// An assistant's message: thoughts, content, refusal and calls.
pub(super) fn read_assistant<'a>(at: Raw<'a>) -> Read<'a, Vec<Part<'a>>> {
    let mut parts = read_thoughts(at)?;
    if let Some(content) = member(at, "content") {
        parts.extend(read_content(content, read_part)?);
    }
    if let Some(refusal) = member(at, "refusal") {
        parts.push(Part::of(refusal, Kind::Refusal(refusal.text()?)));
    }
    if let Some(calls) = member(at, "tool_calls") {
        for call in calls.elements()? {
            parts.push(Part::of(call, read_call(call)?));
        }
    }
    if let Some(call) = member(at, "function_call").or_else(|| member(at, "audio")) {
        parts.push(Part::of(call, Kind::Foreign));
    }
    Ok(parts)
}

/// Thoughts with their proofs, in the form that this gateway and OpenRouter
/// give them out; else without.
fn read_thoughts<'a>(at: Raw<'a>) -> Read<'a, Vec<Part<'a>>> {
    let plain = member(at, "reasoning_content").or_else(|| member(at, "reasoning"));
    let plain = plain.filter(|plain| plain.is_string());
    let mut parts = Vec::new();
    if let Some(details) = member(at, "reasoning_details") {
        for detail in details.elements()? {
            parts.push(read_detail(detail, plain)?);
        }
    }
    if let Some(plain) = plain.filter(|_| parts.is_empty()) {
        let kind = Kind::Thinking {
            text: plain.text()?,
            signature: None,
            maker: Maker::Nobody,
        };
        parts.push(Part::of(plain, kind));
    }
    Ok(parts)
}

/// In a stream the signature came behind the text, and clients gather the text
/// in its own field only.
fn read_detail<'a>(detail: Raw<'a>, plain: Option<Raw<'a>>) -> Read<'a, Part<'a>> {
    let maker = match text(detail, "format")? {
        Some(format) if format.get().starts_with("anthropic") => Maker::Anthropic,
        Some(format) if format.get().starts_with("google") => Maker::Gemini,
        Some(format) if format.get().starts_with("openai") => Maker::OpenAi,
        _ => Maker::Nobody,
    };
    let kind = match text(detail, "type")?.as_ref().map(Text::get) {
        Some("reasoning.text") => Kind::Thinking {
            text: match (text(detail, "text")?, plain) {
                (Some(text), _) => text,
                (None, Some(plain)) => plain.text()?,
                (None, None) => Text::lent(""),
            },
            signature: text(detail, "signature")?,
            maker,
        },
        Some("reasoning.encrypted") => Kind::Sealed {
            data: text(detail, "data")?.unwrap_or(Text::lent("")),
            maker,
        },
        Some("reasoning.summary") => Kind::Thinking {
            text: text(detail, "summary")?.unwrap_or(Text::lent("")),
            signature: None,
            maker,
        },
        // Whatever it is, it is recorded as left out.
        _ => Kind::Sealed {
            data: Text::lent(""),
            maker: Maker::Nobody,
        },
    };
    Ok(Part::of(detail, kind))
}

fn read_call<'a>(at: Raw<'a>) -> Read<'a, Kind<'a>> {
    at.members()?;
    let is_function = at
        .member("type")
        .is_none_or(|it| it.get() == r#""function""#);
    if !is_function {
        return Ok(Kind::Foreign);
    }
    let function = at.member("function");
    let function = function.ok_or_else(|| Fault::absent(at, "function", "an object"))?;
    let name = function.member("name");
    let name = name.ok_or_else(|| Fault::absent(function, "name", "the name of a tool"))?;
    let arguments = function.member("arguments");
    let arguments =
        arguments.ok_or_else(|| Fault::absent(function, "arguments", "JSON in a string"))?;
    let google = member(at, "extra_content").and_then(|extra| member(extra, "google"));
    Ok(Kind::Call(Call {
        id: Some(needed(at, "id", "the id of the call")?),
        name: filled(name)?,
        arguments: match arguments.is_object() {
            true => Arguments::Object(arguments),
            false => Arguments::Encoded(arguments.text()?),
        },
        signature: match google {
            Some(google) => text(google, "thought_signature")?,
            None => None,
        },
    }))
}

/// A tool's answer.
pub(super) fn read_outcome<'a>(at: Raw<'a>) -> Read<'a, Part<'a>> {
    let id = needed(at, "tool_call_id", "the id of a call")?;
    let outcome = Outcome {
        id: Some(id),
        name: None,
        parts: read(at)?,
        is_error: false,
    };
    Ok(Part {
        at,
        cache: member(at, "cache_control"),
        kind: Kind::Result(outcome),
    })
}
