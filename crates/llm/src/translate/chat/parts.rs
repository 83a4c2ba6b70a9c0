use std::borrow::Cow;

use crate::translate::conversation::{Arguments, Call, Kind, Maker, Outcome, Part, Source};
use crate::translate::draft::{Draft, refused};
use crate::translate::openai::{outcome_text, write_url};
use crate::translate::raw::{Fault, Text};

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// A message whose content is a list of parts; text alone is written as text,
/// which every imitator of OpenAI understands.
pub(super) fn write_message<'a>(
    role: &'static str,
    parts: &[Part<'a>],
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    draft.pen.open('{');
    draft.pen.key("role").text(&Text::lent(role));
    write_content(&parts.iter().collect::<Vec<_>>(), draft)?;
    draft.pen.close('}');
    Ok(())
}

fn write_content<'a>(parts: &[&Part<'a>], draft: &mut Draft<'a, '_>) -> Written<'a> {
    for part in parts {
        draft.cached_anyway(part)?;
    }
    draft.pen.key("content");
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| match &part.kind {
            Kind::Text(text) => Some(text.get()),
            _ => None,
        })
        .collect();
    if let Some(texts) = texts.filter(|texts| texts.len() < 2) {
        draft.pen.pieces(&texts);
        return Ok(());
    }
    draft.pen.open('[');
    for part in parts {
        write_part(part, draft)?;
    }
    draft.pen.close(']');
    Ok(())
}

fn write_part<'a>(part: &Part<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let pen = &mut draft.pen;
    pen.open('{');
    match &part.kind {
        Kind::Text(text) => {
            pen.key("type").text(&Text::lent("text"));
            pen.key("text").text(text);
        }
        Kind::Image { source, detail } => {
            pen.key("type").text(&Text::lent("image_url"));
            pen.key("image_url").open('{');
            pen.key("url");
            write_url(source, part.at, draft)?;
            if let Some(detail) = detail {
                draft.pen.key("detail").raw(*detail);
            }
            draft.pen.close('}');
        }
        Kind::Document {
            source: Source::Plain(text),
            ..
        } => {
            pen.key("type").text(&Text::lent("text"));
            pen.key("text").text(text);
        }
        Kind::Document { source, name } => {
            // An address stands in `file_url`, which only Responses has.
            if !matches!(source, Source::Base64 { .. }) {
                return Err(refused(part.at));
            }
            pen.key("type").text(&Text::lent("file"));
            pen.key("file").open('{');
            let name = name.as_ref().map_or("document.pdf", Text::get);
            pen.key("filename").pieces(&[name]);
            pen.key("file_data");
            write_url(source, part.at, draft)?;
            draft.pen.close('}');
        }
        Kind::Audio { data, format } => {
            pen.key("type").text(&Text::lent("input_audio"));
            pen.key("input_audio").open('{');
            pen.key("data").text(data);
            pen.key("format").text(format);
            pen.close('}');
        }
        _ => return Err(refused(part.at)),
    }
    draft.pen.close('}');
    Ok(())
}

/// A user's turn: first what tools answered, then the rest. Pictures among a
/// tool's answers follow in the user's message, as a tool's can only be text.
pub(super) fn write_user<'a>(parts: &[Part<'a>], draft: &mut Draft<'a, '_>) -> Written<'a> {
    let mut rest: Vec<&Part<'a>> = Vec::new();
    for part in parts {
        match &part.kind {
            Kind::Result(outcome) => {
                draft.cached_anyway(part)?;
                write_outcome(outcome, draft)?;
                rest.extend(outcome.parts.iter().filter(|it| !is_text(it)));
            }
            _ => rest.push(part),
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    draft.pen.open('{');
    draft.pen.key("role").text(&Text::lent("user"));
    write_content(&rest, draft)?;
    draft.pen.close('}');
    Ok(())
}

fn is_text(part: &Part<'_>) -> bool {
    matches!(part.kind, Kind::Text(_))
}

fn write_outcome<'a>(outcome: &Outcome<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    for part in outcome.parts.iter().filter(|part| !is_text(part)) {
        draft.leave_out(
            part.at,
            "moved: a tool's message can only be text, so it follows it",
        )?;
    }
    draft.pen.open('{');
    draft.pen.key("role").text(&Text::lent("tool"));
    let id = outcome.id.as_ref().map_or("call_1", Text::get);
    draft.pen.key("tool_call_id").pieces(&[id]);
    let pieces = outcome_text(&outcome.parts, outcome.is_error);
    draft.pen.key("content").pieces(&pieces);
    draft.pen.close('}');
    Ok(())
}

/// An assistant's turn.
pub(super) fn write_assistant<'a>(parts: &[Part<'a>], draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.pen.open('{');
    draft.pen.key("role").text(&Text::lent("assistant"));
    let mut texts: Vec<&Part<'a>> = Vec::new();
    for part in parts {
        match &part.kind {
            Kind::Text(_) => texts.push(part),
            Kind::Refusal(text) => draft.pen.key("refusal").text(text),
            Kind::Call(_) => {}
            Kind::Thinking {
                maker: Maker::Nobody,
                ..
            } => {
                draft.note(part.at, "dropped: thoughts of a turn that is over");
            }
            Kind::Thinking { .. } | Kind::Sealed { .. } => draft.thoughts_of_another(part),
            _ => return Err(refused(part.at)),
        }
    }
    match texts.is_empty() {
        true => draft.pen.key("content").verbatim("null"),
        false => write_content(&texts, draft)?,
    }
    if parts.iter().any(|part| matches!(part.kind, Kind::Call(_))) {
        draft.pen.key("tool_calls").open('[');
        for part in parts {
            if let Kind::Call(call) = &part.kind {
                draft.cached_anyway(part)?;
                draft.signature_of_another(call, part.at);
                write_call(call, draft);
            }
        }
        draft.pen.close(']');
    }
    draft.pen.close('}');
    Ok(())
}

fn write_call(call: &Call<'_>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    pen.open('{');
    let id = call.id.as_ref().map_or("call_1", Text::get);
    pen.key("id").pieces(&[id]);
    pen.key("type").text(&Text::lent("function"));
    pen.key("function").open('{');
    pen.key("name").text(&call.name);
    pen.key("arguments").text(&encoded(&call.arguments));
    pen.close('}');
    pen.close('}');
}

/// Arguments as JSON within a string; nothing at all is `{}`.
pub(in crate::translate) fn encoded<'t>(arguments: &'t Arguments<'_>) -> Text<'t> {
    match arguments {
        Arguments::Object(object) => Text::of(object.get()),
        Arguments::Encoded(text) if text.is_empty() => Text::lent("{}"),
        Arguments::Encoded(text) => Text(Cow::Borrowed(text.get())),
    }
}
