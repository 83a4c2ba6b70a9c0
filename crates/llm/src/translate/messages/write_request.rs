use std::borrow::Cow;

use super::thinking::{self, Thinking};
use crate::translate::conversation::{
    Arguments, Call, Conversation, Effort, Format, Kind, Maker, Outcome, Part, Role, Source, Tool,
    ToolChoice, Turn, Value,
};
use crate::translate::draft::{Draft, refused};
use crate::translate::raw::{Fault, Raw, Text};

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// Anthropic wants a limit; this one every model of it takes.
const MAX_OUTPUT: u64 = 4_096;

/// Writes the request as a message's.
pub(in crate::translate) fn write<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let max_output = draft.max_output(conversation).unwrap_or(MAX_OUTPUT);
    let thinking = thinking::plan(conversation, draft, max_output)?;
    let target = draft.target;
    draft.pen.open('{');
    draft.pen.key("model").text(&Text::of(target.model));
    if !target.counts {
        draft.pen.key("max_tokens").number(max_output);
    }
    if target.stream {
        draft.pen.key("stream").verbatim("true");
    }
    write_system(conversation, draft)?;
    draft.pen.key("messages").open('[');
    write_turns(&conversation.turns, draft)?;
    draft.pen.close(']');
    write_tools(conversation, draft)?;
    write_settings(conversation, draft, thinking)?;
    draft.pen.close('}');
    Ok(())
}

fn write_system<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let why = "moved: Anthropic has system prompts at the beginning only";
    let parts = draft.prompts(conversation, why)?;
    if parts.is_empty() {
        return Ok(());
    }
    draft.pen.key("system").open('[');
    for part in parts {
        match &part.kind {
            Kind::Text(_) => write_part(part, draft)?,
            _ => return Err(refused(part.at)),
        }
    }
    draft.pen.close(']');
    Ok(())
}

/// Turns of one side that follow each other become one message.
fn write_turns<'a>(turns: &[Turn<'a>], draft: &mut Draft<'a, '_>) -> Written<'a> {
    let mut open = None;
    for turn in turns.iter().filter(|turn| turn.role != Role::System) {
        if open != Some(turn.role) {
            if open.is_some() {
                draft.pen.close(']');
                draft.pen.close('}');
            }
            draft.pen.open('{');
            let role = match turn.role {
                Role::Assistant => "assistant",
                _ => "user",
            };
            draft.pen.key("role").text(&Text::lent(role));
            draft.pen.key("content").open('[');
            open = Some(turn.role);
        }
        for part in &turn.parts {
            match part.kind {
                Kind::Thinking { .. } | Kind::Sealed { .. } => write_thought(part, draft),
                _ => write_part(part, draft)?,
            }
        }
    }
    if open.is_some() {
        draft.pen.close(']');
        draft.pen.close('}');
    }
    Ok(())
}

/// Only Anthropic's own signed thoughts go back to it, byte for byte.
fn write_thought<'a>(part: &Part<'a>, draft: &mut Draft<'a, '_>) {
    match &part.kind {
        Kind::Thinking {
            text,
            signature: Some(signature),
            maker: Maker::Anthropic,
        } => {
            draft.pen.open('{');
            draft.pen.key("type").text(&Text::lent("thinking"));
            draft.pen.key("thinking").text(text);
            draft.pen.key("signature").text(signature);
            draft.pen.close('}');
        }
        Kind::Sealed {
            data,
            maker: Maker::Anthropic,
            ..
        } => {
            draft.pen.open('{');
            draft.pen.key("type").text(&Text::lent("redacted_thinking"));
            draft.pen.key("data").text(data);
            draft.pen.close('}');
        }
        _ => draft.thoughts_of_another(part),
    }
}

fn write_part<'a>(part: &Part<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let is_empty = |text: &Text<'_>| text.is_empty();
    match &part.kind {
        // Anthropic refuses empty text.
        Kind::Text(text) | Kind::Refusal(text) if is_empty(text) => return Ok(()),
        _ => {}
    }
    draft.pen.open('{');
    match &part.kind {
        Kind::Text(text) | Kind::Refusal(text) => {
            draft.pen.key("type").text(&Text::lent("text"));
            draft.pen.key("text").text(text);
        }
        Kind::Image { source, detail } => {
            if let Some(detail) = detail.filter(|it| it.get() != r#""auto""#) {
                draft.leave_out(detail, crate::translate::draft::NO_PLACE)?;
            }
            draft.pen.key("type").text(&Text::lent("image"));
            write_source(source, part.at, draft)?;
        }
        Kind::Document { source, name } => {
            draft.pen.key("type").text(&Text::lent("document"));
            write_source(source, part.at, draft)?;
            if let Some(name) = name {
                draft.pen.key("title").text(name);
            }
        }
        Kind::Call(call) => write_call(call, part.at, draft)?,
        Kind::Result(outcome) => write_outcome(outcome, part.at, draft)?,
        _ => return Err(refused(part.at)),
    }
    write_mark(part.cache, draft);
    draft.pen.close('}');
    Ok(())
}

/// A cache mark: Anthropic's own as it is, another's as the plain one.
fn write_mark<'a>(mark: Option<Raw<'a>>, draft: &mut Draft<'a, '_>) {
    let Some(mark) = mark else { return };
    draft.pen.key("cache_control");
    match mark.member("type") {
        Some(_) => draft.pen.raw(mark),
        None => draft.pen.verbatim(r#"{"type":"ephemeral"}"#),
    }
}

fn write_source<'a>(source: &Source<'a>, at: Raw<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let pen = &mut draft.pen;
    pen.key("source").open('{');
    match source {
        Source::Url(url) => {
            pen.key("type").text(&Text::lent("url"));
            pen.key("url").text(url);
        }
        Source::Base64 { media, data } => {
            pen.key("type").text(&Text::lent("base64"));
            pen.key("media_type").text(media);
            pen.key("data").text(data);
        }
        Source::Plain(text) => {
            pen.key("type").text(&Text::lent("text"));
            pen.key("media_type").text(&Text::lent("text/plain"));
            pen.key("data").text(text);
        }
        Source::File => return Err(refused(at)),
    }
    pen.close('}');
    Ok(())
}

fn write_call<'a>(call: &Call<'a>, at: Raw<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.signature_of_another(call, at);
    let pen = &mut draft.pen;
    pen.key("type").text(&Text::lent("tool_use"));
    pen.key("id").text(&tool_id(call.id.as_ref()));
    pen.key("name").text(&call.name);
    pen.key("input");
    match &call.arguments {
        Arguments::Object(object) => pen.raw(*object),
        Arguments::Encoded(encoded) => pen.verbatim(&decoded(encoded, at)?),
    }
    Ok(())
}

/// The object that a call's arguments are; nothing at all is `{}`.
pub(in crate::translate) fn decoded<'t, 'a>(
    encoded: &'t Text<'_>,
    at: Raw<'a>,
) -> Written<'a, Cow<'t, str>> {
    let text = encoded.plain().unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    let is_object = text.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    match is_object {
        true => Ok(text),
        false => Err(Fault::at(
            at,
            "found arguments that are no JSON object, expected one within the string",
        )),
    }
}

/// An id as Anthropic takes it: letters, digits, `_` and `-`. Others are
/// spelled out, the same way for a call and its answer.
fn tool_id(id: Option<&Text<'_>>) -> Text<'static> {
    let id = id.map_or("call_1", |id| id.get());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        match fits(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("_{byte:02x}")),
        }
    }
    Text(Cow::Owned(out))
}

fn write_outcome<'a>(outcome: &Outcome<'a>, at: Raw<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.pen.key("type").text(&Text::lent("tool_result"));
    let id = tool_id(outcome.id.as_ref());
    draft.pen.key("tool_use_id").text(&id);
    draft.pen.key("content").open('[');
    for part in &outcome.parts {
        match part.kind {
            Kind::Text(_) | Kind::Image { .. } | Kind::Document { .. } => write_part(part, draft)?,
            _ => return Err(refused(at)),
        }
    }
    draft.pen.close(']');
    if outcome.is_error {
        draft.pen.key("is_error").verbatim("true");
    }
    Ok(())
}

fn write_tools<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    if conversation.tools.is_empty() {
        return Ok(());
    }
    draft.pen.key("tools").open('[');
    for tool in &conversation.tools {
        write_tool(tool, draft)?;
    }
    draft.pen.close(']');
    write_choice(conversation, draft);
    Ok(())
}

fn write_tool<'a>(tool: &Tool<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    if tool.is_foreign {
        return Err(refused(tool.at));
    }
    let pen = &mut draft.pen;
    pen.open('{');
    pen.key("name").text(&tool.name);
    if let Some(description) = &tool.description {
        pen.key("description").text(description);
    }
    pen.key("input_schema");
    let schema = tool.schema.as_deref().map(Raw::of);
    match schema {
        Some(schema) if schema.member("type").is_some() => pen.raw(schema),
        Some(schema) if schema.members().is_ok_and(|mut it| it.next().is_some()) => {
            let rest = schema.get().trim_start_matches('{');
            pen.verbatim(&format!(r#"{{"type":"object",{rest}"#));
        }
        _ => pen.verbatim(r#"{"type":"object","properties":{}}"#),
    }
    if tool.strict == Some(true) {
        pen.key("strict").verbatim("true");
    }
    write_mark(tool.cache, draft);
    draft.pen.close('}');
    Ok(())
}

fn write_choice(conversation: &Conversation<'_>, draft: &mut Draft<'_, '_>) {
    let mut choice = None;
    let mut alone = false;
    for setting in &conversation.settings {
        match &setting.value {
            Value::ToolChoice(said) => choice = Some(said),
            Value::ParallelTools(parallel) => alone = !parallel,
            _ => {}
        }
    }
    if choice.is_none() && !alone {
        return;
    }
    let pen = &mut draft.pen;
    pen.key("tool_choice").open('{');
    let kind = match choice {
        None | Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::None) => "none",
        Some(ToolChoice::Any) => "any",
        Some(ToolChoice::Named(_)) => "tool",
    };
    pen.key("type").text(&Text::lent(kind));
    if let Some(ToolChoice::Named(name)) = choice {
        pen.key("name").text(name);
    }
    if alone && kind != "none" {
        pen.key("disable_parallel_tool_use").verbatim("true");
    }
    pen.close('}');
}

fn write_settings<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
    thinking: Thinking,
) -> Written<'a> {
    let thinks = thinking != Thinking::Off;
    let mut warm = false;
    let mut schema = None;
    for setting in &conversation.settings {
        let at = setting.at;
        match &setting.value {
            Value::Temperature if !thinks => {
                warm = true;
                write_temperature(at, draft)?;
            }
            Value::TopP if !thinks => {
                draft.pen.key("top_p").raw(at);
            }
            Value::TopK if !thinks => draft.pen.key("top_k").raw(at),
            Value::Temperature | Value::TopP | Value::TopK => {
                draft.leave_out(at, "dropped: Anthropic takes none while it thinks")?;
            }
            Value::Stop(stops) => {
                draft.pen.key("stop_sequences").open('[');
                stops.iter().for_each(|stop| draft.pen.text(stop));
                draft.pen.close(']');
            }
            Value::User(user) => {
                draft.pen.key("metadata").open('{');
                draft.pen.key("user_id").text(user);
                draft.pen.close('}');
            }
            Value::Format(Format::Schema { schema: said, .. }) => schema = Some(said.as_ref()),
            // OpenAI wants the word JSON in the prompt itself, so it says it.
            Value::Format(Format::Json) => draft.leave_out(
                at,
                "dropped: Anthropic has no mode for any JSON object; the prompt asks for it",
            )?,
            Value::Choices(1) | Value::MaxOutput(_) | Value::Format(Format::Text) => {}
            Value::Effort(_) | Value::ThinkingBudget(_) | Value::Adaptive => {}
            Value::ToolChoice(_) | Value::ParallelTools(_) => {}
            _ => draft.no_place(setting)?,
        }
    }
    let told = warm || thinks || draft.target.counts;
    if let (false, Some(value)) = (told, draft.target.temperature) {
        draft
            .pen
            .key("temperature")
            .verbatim(&value.clamp(0.0, 1.0).to_string());
    }
    write_output(thinking, schema, draft);
    Ok(())
}

/// OpenAI goes up to 2, Anthropic to 1.
fn write_temperature<'a>(at: Raw<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let value: f64 = at.get().parse().unwrap_or(1.0);
    if value > 1.0 {
        draft.leave_out(at, "lowered to 1: Anthropic's scale ends there")?;
        draft.pen.key("temperature").verbatim("1");
    } else {
        draft.pen.key("temperature").raw(at);
    }
    Ok(())
}

fn write_output(thinking: Thinking, schema: Option<&str>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    let effort = match thinking {
        Thinking::Off => None,
        Thinking::Budget(tokens) => {
            pen.key("thinking").open('{');
            pen.key("type").text(&Text::lent("enabled"));
            pen.key("budget_tokens").number(tokens);
            pen.close('}');
            None
        }
        Thinking::Adaptive(effort) => {
            pen.key("thinking").verbatim(r#"{"type":"adaptive"}"#);
            effort
        }
    };
    if effort.is_none() && schema.is_none() {
        return;
    }
    pen.key("output_config").open('{');
    if let Some(effort) = effort {
        let effort = effort.max(Effort::Low);
        pen.key("effort").text(&Text::lent(effort.word()));
    }
    if let Some(schema) = schema {
        pen.key("format").open('{');
        pen.key("type").text(&Text::lent("json_schema"));
        pen.key("schema").verbatim(schema);
        pen.close('}');
    }
    pen.close('}');
}
