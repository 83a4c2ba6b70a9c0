use crate::request::is_reasoning;
use crate::translate::chat::encoded;
use crate::translate::conversation::{
    Conversation, Format, Kind, Maker, Outcome, Part, Role, Setting, Source, Tool, ToolChoice,
    Turn, Value,
};
use crate::translate::draft::{Draft, refused};
use crate::translate::openai::{
    effort, end_of_turns, outcome_text, word, write_setting, write_temperature, write_url,
};
use crate::translate::raw::{Fault, Text};

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// Writes the request as one for a response. Nothing is stored there: the
/// conversation is the caller's, and it sends all of it every time.
pub(in crate::translate) fn write<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let target = draft.target;
    draft.pen.open('{');
    draft.pen.key("model").text(&Text::of(target.model));
    if target.stream {
        draft.pen.key("stream").verbatim("true");
    }
    if !target.counts {
        draft.pen.key("store").verbatim("false");
    }
    draft.pen.key("input").open('[');
    if !conversation.system.is_empty() {
        write_message("system", conversation.system.iter(), draft)?;
    }
    for turn in &conversation.turns {
        write_turn(turn, draft)?;
    }
    end_of_turns(conversation)?;
    draft.pen.close(']');
    write_tools(conversation, draft)?;
    write_settings(conversation, draft)?;
    draft.pen.close('}');
    Ok(())
}

/// A turn is a list of items here: messages, thoughts, calls and what tools
/// answered, in the order in which they came.
fn write_turn<'a>(turn: &Turn<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let is_said = |part: &Part<'_>| {
        !matches!(
            part.kind,
            Kind::Call(_) | Kind::Result(_) | Kind::Thinking { .. } | Kind::Sealed { .. }
        )
    };
    for run in turn
        .parts
        .chunk_by(|one, next| is_said(one) && is_said(next))
    {
        match run {
            [part] if !is_said(part) => write_item(part, draft)?,
            parts => write_message(role, parts.iter(), draft)?,
        }
    }
    Ok(())
}

fn write_message<'p, 'a: 'p>(
    role: &'static str,
    parts: impl Iterator<Item = &'p Part<'a>>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    draft.pen.open('{');
    draft.pen.key("type").text(&word("message"));
    draft.pen.key("role").text(&word(role));
    draft.pen.key("content").open('[');
    for part in parts {
        draft.cached_anyway(part)?;
        write_part(part, role == "assistant", draft)?;
    }
    draft.pen.close(']');
    draft.pen.close('}');
    Ok(())
}

fn write_part<'a>(part: &Part<'a>, is_own: bool, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let text_type = if is_own { "output_text" } else { "input_text" };
    let pen = &mut draft.pen;
    pen.open('{');
    match &part.kind {
        Kind::Text(text)
        | Kind::Document {
            source: Source::Plain(text),
            ..
        } => {
            pen.key("type").text(&word(text_type));
            pen.key("text").text(text);
        }
        Kind::Refusal(text) => {
            pen.key("type").text(&word("refusal"));
            pen.key("refusal").text(text);
        }
        Kind::Image { source, detail } => {
            pen.key("type").text(&word("input_image"));
            if let Some(detail) = detail {
                pen.key("detail").raw(*detail);
            }
            pen.key("image_url");
            write_url(source, part.at, draft)?;
        }
        Kind::Document { source, name } => {
            pen.key("type").text(&word("input_file"));
            match source {
                Source::Url(_) => draft.pen.key("file_url"),
                _ => {
                    let name = name.as_ref().map_or("document.pdf", Text::get);
                    draft.pen.key("filename").pieces(&[name]);
                    draft.pen.key("file_data")
                }
            };
            write_url(source, part.at, draft)?;
        }
        // Audio has no place in this API.
        _ => return Err(refused(part.at)),
    }
    draft.pen.close('}');
    Ok(())
}

fn write_item<'a>(part: &Part<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.cached_anyway(part)?;
    match &part.kind {
        Kind::Call(call) => {
            draft.pen.open('{');
            draft.pen.key("type").text(&word("function_call"));
            let id = call.id.as_ref().map_or("call_1", Text::get);
            draft.pen.key("call_id").pieces(&[id]);
            draft.pen.key("name").text(&call.name);
            draft.pen.key("arguments").text(&encoded(&call.arguments));
            draft.pen.close('}');
            draft.signature_of_another(call, part.at);
        }
        Kind::Result(outcome) => write_outcome(outcome, draft)?,
        // Its own thoughts go back to it as they were sealed; the summary is
        // for people only.
        Kind::Sealed {
            data,
            maker: Maker::OpenAi,
        } if !data.is_empty() => {
            draft.pen.open('{');
            draft.pen.key("type").text(&word("reasoning"));
            draft.pen.key("summary").verbatim("[]");
            draft.pen.key("encrypted_content").text(data);
            draft.pen.close('}');
        }
        _ => draft.thoughts_of_another(part),
    }
    Ok(())
}

fn write_outcome<'a>(outcome: &Outcome<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.pen.open('{');
    draft.pen.key("type").text(&word("function_call_output"));
    let id = outcome.id.as_ref().map_or("call_1", Text::get);
    draft.pen.key("call_id").pieces(&[id]);
    draft.pen.key("output");
    let only_text = |part: &Part<'_>| matches!(part.kind, Kind::Text(_));
    if outcome.parts.iter().all(only_text) {
        let pieces = outcome_text(&outcome.parts, outcome.is_error);
        draft.pen.pieces(&pieces);
    } else {
        draft.pen.open('[');
        if outcome.is_error {
            draft
                .pen
                .verbatim(r#"{"type":"input_text","text":"error:"}"#);
        }
        for part in &outcome.parts {
            write_part(part, false, draft)?;
        }
        draft.pen.close(']');
    }
    draft.pen.close('}');
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
    Ok(())
}

fn write_tool<'a>(tool: &Tool<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.only_functions(tool)?;
    let pen = &mut draft.pen;
    pen.open('{');
    pen.key("type").text(&word("function"));
    pen.key("name").text(&tool.name);
    if let Some(description) = &tool.description {
        pen.key("description").text(description);
    }
    let schema = tool.schema.as_deref();
    pen.key("parameters")
        .verbatim(schema.unwrap_or(r#"{"type":"object","properties":{}}"#));
    // Where nothing is said this API is strict, and the others are not.
    let strict = tool.strict == Some(true);
    pen.key("strict")
        .verbatim(if strict { "true" } else { "false" });
    pen.close('}');
    Ok(())
}

fn write_settings<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let reasons = is_reasoning(draft.target.model);
    let limit = draft.max_output(conversation);
    if let Some(limit) = limit.filter(|_| !draft.target.counts) {
        draft.pen.key("max_output_tokens").number(limit);
    }
    for setting in &conversation.settings {
        match &setting.value {
            Value::ToolChoice(choice) if !conversation.tools.is_empty() => {
                write_choice(choice, draft);
            }
            Value::Format(_) | Value::Verbosity | Value::Logprobs => {}
            _ => write_setting(setting, conversation, draft)?,
        }
    }
    if !draft.target.counts {
        write_temperature(conversation, draft);
    }
    write_text(conversation, draft);
    write_reasoning(conversation, reasons, draft)
}

fn write_choice(choice: &ToolChoice<'_>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    pen.key("tool_choice");
    match choice {
        ToolChoice::Auto => pen.text(&word("auto")),
        ToolChoice::None => pen.text(&word("none")),
        ToolChoice::Any => pen.text(&word("required")),
        ToolChoice::Named(name) => {
            pen.open('{');
            pen.key("type").text(&word("function"));
            pen.key("name").text(name);
            pen.close('}');
        }
    }
}

/// What the answer has to look like, and how long it may be.
fn write_text(conversation: &Conversation<'_>, draft: &mut Draft<'_, '_>) {
    let (mut format, mut verbosity) = (None, None);
    for setting in &conversation.settings {
        match &setting.value {
            Value::Format(said) => format = Some(said),
            Value::Verbosity => verbosity = Some(setting.at),
            _ => {}
        }
    }
    if format.is_none() && verbosity.is_none() {
        return;
    }
    let pen = &mut draft.pen;
    pen.key("text").open('{');
    if let Some(verbosity) = verbosity {
        pen.key("verbosity").raw(verbosity);
    }
    match format {
        None => {}
        Some(Format::Text) => pen.key("format").verbatim(r#"{"type":"text"}"#),
        Some(Format::Json) => pen.key("format").verbatim(r#"{"type":"json_object"}"#),
        Some(Format::Schema {
            name,
            schema,
            strict,
        }) => {
            pen.key("format").open('{');
            pen.key("type").text(&word("json_schema"));
            let name = name.as_ref().map_or("answer", Text::get);
            pen.key("name").pieces(&[name]);
            pen.key("schema").verbatim(schema);
            if let Some(strict) = strict {
                pen.key("strict")
                    .verbatim(if *strict { "true" } else { "false" });
            }
            pen.close('}');
        }
    }
    pen.close('}');
}

/// How much to think, and what is to stand in the answer besides. Thoughts come
/// sealed, so that the caller can send them back; other models refuse to be
/// asked for that.
fn write_reasoning<'a>(
    conversation: &Conversation<'a>,
    reasons: bool,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let effort = effort(conversation, draft)?;
    let pen = &mut draft.pen;
    if let Some(effort) = effort {
        pen.key("reasoning").open('{');
        pen.key("effort").text(&word(effort.word()));
        pen.key("summary").text(&word("auto"));
        pen.close('}');
    }
    let told = |setting: &Setting<'_>| matches!(setting.value, Value::Logprobs);
    let included = [
        (reasons || effort.is_some(), "reasoning.encrypted_content"),
        (
            conversation.settings.iter().any(told),
            "message.output_text.logprobs",
        ),
    ];
    if included.iter().any(|(wanted, _)| *wanted) && !draft.target.counts {
        pen.key("include").open('[');
        for (_, what) in included.iter().filter(|(wanted, _)| *wanted) {
            pen.text(&word(what));
        }
        pen.close(']');
    }
    Ok(())
}
