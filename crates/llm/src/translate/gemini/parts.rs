use std::collections::HashMap;

use crate::translate::conversation::{
    Arguments, Call, Conversation, Kind, Maker, Outcome, Part, Role, Source, Turn,
};
use crate::translate::draft::{Draft, refused};
use crate::translate::messages::decoded;
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::unbind::NOT_SIGNED;

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// Writes the turns; those of one side that follow each other become one.
pub(super) fn write_turns<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let names = names(conversation);
    let mut open = None;
    let turns = conversation
        .turns
        .iter()
        .filter(|turn| turn.role != Role::System);
    for turn in turns {
        if open != Some(turn.role) {
            if open.is_some() {
                close(draft);
            }
            draft.pen.open('{');
            let role = match turn.role {
                Role::Assistant => "model",
                _ => "user",
            };
            draft.pen.key("role").text(&Text::lent(role));
            draft.pen.key("parts").open('[');
            open = Some(turn.role);
        }
        write_turn(turn, &names, draft)?;
    }
    if open.is_some() {
        close(draft);
    }
    match open {
        Some(Role::Assistant) => Err(refused(
            conversation
                .turns
                .last()
                .map_or(conversation.body, |turn| turn.at),
        )),
        _ => Ok(()),
    }
}

fn close(draft: &mut Draft<'_, '_>) {
    draft.pen.close(']');
    draft.pen.close('}');
}

/// The names of tools by the ids of their calls.
type Names<'c, 'a> = HashMap<&'c str, &'c Text<'a>>;

fn names<'c, 'a>(conversation: &'c Conversation<'a>) -> Names<'c, 'a> {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let calls = parts.filter_map(|part| match &part.kind {
        Kind::Call(call) => Some((call.id.as_ref()?.get(), &call.name)),
        _ => None,
    });
    calls.collect()
}

fn write_turn<'a>(
    turn: &Turn<'a>,
    names: &Names<'_, 'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let mut signed = false;
    for part in &turn.parts {
        draft.cached_anyway(part)?;
        match &part.kind {
            Kind::Call(call) => {
                write_call(call, part.at, !signed, draft)?;
                signed = true;
            }
            Kind::Result(outcome) => write_outcome(outcome, part.at, names, draft)?,
            Kind::Thinking {
                maker: Maker::Gemini,
                ..
            } => {}
            Kind::Thinking { .. } | Kind::Sealed { .. } => draft.thoughts_of_another(part),
            _ => write_part(part, draft)?,
        }
    }
    Ok(())
}

pub(super) fn write_part<'a>(part: &Part<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    match &part.kind {
        Kind::Text(text) | Kind::Refusal(text) => write_text(text, draft),
        Kind::Document {
            source: Source::Plain(text),
            ..
        } => write_text(text, draft),
        Kind::Image { source, detail } => {
            if let Some(detail) = detail.filter(|it| it.get() != r#""auto""#) {
                draft.leave_out(detail, crate::translate::draft::NO_PLACE)?;
            }
            write_source(source, part.at, draft)?;
        }
        Kind::Document { source, .. } => write_source(source, part.at, draft)?,
        Kind::Audio { data, format } => {
            open_part("inlineData", draft);
            draft.pen.key("mimeType").pieces(&["audio/", format.get()]);
            draft.pen.key("data").text(data);
            close_part(draft);
        }
        _ => return Err(refused(part.at)),
    }
    Ok(())
}

fn write_text(text: &Text<'_>, draft: &mut Draft<'_, '_>) {
    if text.is_empty() {
        return;
    }
    draft.pen.open('{');
    draft.pen.key("text").text(text);
    draft.pen.close('}');
}

fn write_source<'a>(source: &Source<'a>, at: Raw<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    match source {
        Source::Base64 { media, data } => {
            open_part("inlineData", draft);
            draft.pen.key("mimeType").text(media);
            draft.pen.key("data").text(data);
        }
        Source::Url(url) => {
            open_part("fileData", draft);
            if let Some(media) = media_of(url.get()) {
                draft.pen.key("mimeType").text(&Text::lent(media));
            }
            draft.pen.key("fileUri").text(url);
        }
        Source::Plain(_) | Source::File => return Err(refused(at)),
    }
    close_part(draft);
    Ok(())
}

fn open_part(key: &str, draft: &mut Draft<'_, '_>) {
    draft.pen.open('{');
    draft.pen.key(key).open('{');
}

fn close_part(draft: &mut Draft<'_, '_>) {
    draft.pen.close('}');
    draft.pen.close('}');
}

/// What an address ends in.
fn media_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

fn write_call<'a>(
    call: &Call<'a>,
    at: Raw<'a>,
    is_first: bool,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    draft.pen.open('{');
    draft.pen.key("functionCall").open('{');
    if let Some(id) = &call.id {
        draft.pen.key("id").text(id);
    }
    draft.pen.key("name").text(&call.name);
    draft.pen.key("args");
    match &call.arguments {
        Arguments::Object(object) => draft.pen.raw(*object),
        Arguments::Encoded(encoded) => draft.pen.verbatim(&decoded(encoded, at)?),
    }
    draft.pen.close('}');
    let model = draft.target.model;
    let checks = !model.contains("gemini-1") && !model.contains("gemini-2");
    match &call.signature {
        Some(signature) => draft.pen.key("thoughtSignature").text(signature),
        None if is_first && checks => {
            draft
                .pen
                .key("thoughtSignature")
                .text(&Text::lent(NOT_SIGNED));
        }
        None => {}
    }
    draft.pen.close('}');
    Ok(())
}

/// A tool's answer; pictures in it follow as parts of their own.
fn write_outcome<'a>(
    outcome: &Outcome<'a>,
    at: Raw<'a>,
    names: &Names<'_, 'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let id = outcome.id.as_ref().map_or("", Text::get);
    let name = outcome.name.as_ref().or_else(|| names.get(id).copied());
    let name = name.ok_or_else(|| refused(at))?;
    open_part("functionResponse", draft);
    if let Some(id) = &outcome.id {
        draft.pen.key("id").text(id);
    }
    draft.pen.key("name").text(name);
    draft.pen.key("response").open('{');
    let mut pieces = Vec::new();
    for part in &outcome.parts {
        if let Kind::Text(text) = &part.kind {
            if !pieces.is_empty() {
                pieces.push("\\n");
            }
            pieces.push(text.get());
        }
    }
    let key = if outcome.is_error { "error" } else { "output" };
    draft.pen.key(key).pieces(&pieces);
    draft.pen.close('}');
    close_part(draft);
    for part in &outcome.parts {
        if !matches!(part.kind, Kind::Text(_)) {
            write_part(part, draft)?;
        }
    }
    Ok(())
}
