use super::parts;
use crate::request::is_reasoning;
use crate::translate::conversation::{Conversation, Format, Role, Tool, ToolChoice, Turn, Value};
use crate::translate::draft::Draft;
use crate::translate::openai::{
    TAKES_NONE, effort, end_of_turns, word, write_setting, write_temperature,
};
use crate::translate::raw::{Fault, Text};

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// Writes the request as a chat completion's.
pub(in crate::translate) fn write<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    let target = draft.target;
    draft.pen.open('{');
    draft.pen.key("model").text(&Text::of(target.model));
    if target.stream {
        draft.pen.key("stream").verbatim("true");
        draft
            .pen
            .key("stream_options")
            .verbatim(r#"{"include_usage":true}"#);
    }
    draft.pen.key("messages").open('[');
    if !conversation.system.is_empty() {
        parts::write_message("system", &conversation.system, draft)?;
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

fn write_turn<'a>(turn: &Turn<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    match turn.role {
        Role::System => parts::write_message("system", &turn.parts, draft),
        Role::Assistant => parts::write_assistant(&turn.parts, draft),
        Role::User => parts::write_user(&turn.parts, draft),
    }
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
    pen.key("type").text(&Text::lent("function"));
    pen.key("function").open('{');
    pen.key("name").text(&tool.name);
    if let Some(description) = &tool.description {
        pen.key("description").text(description);
    }
    if let Some(schema) = &tool.schema {
        pen.key("parameters").verbatim(schema);
    }
    if tool.strict == Some(true) {
        pen.key("strict").verbatim("true");
    }
    pen.close('}');
    pen.close('}');
    Ok(())
}

fn write_settings<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let reasons = is_reasoning(draft.target.model);
    if let Some(limit) = draft.max_output(conversation) {
        // Reasoning models refuse the old name, imitators know no other.
        draft.pen.key(match reasons {
            true => "max_completion_tokens",
            false => "max_tokens",
        });
        draft.pen.number(limit);
    }
    for setting in &conversation.settings {
        let at = setting.at;
        match &setting.value {
            Value::PresencePenalty | Value::FrequencyPenalty if reasons => {
                draft.leave_out(at, TAKES_NONE)?;
            }
            Value::Seed => draft.pen.key("seed").raw(at),
            Value::PresencePenalty => draft.pen.key("presence_penalty").raw(at),
            Value::FrequencyPenalty => draft.pen.key("frequency_penalty").raw(at),
            Value::Stop(stops) if stops.len() <= 4 && !reasons => {
                draft.pen.key("stop").open('[');
                stops.iter().for_each(|stop| draft.pen.text(stop));
                draft.pen.close(']');
            }
            Value::Logprobs => draft.pen.key("logprobs").verbatim("true"),
            Value::Verbosity => draft.pen.key("verbosity").raw(at),
            Value::ToolChoice(choice) if !conversation.tools.is_empty() => {
                write_choice(choice, draft);
            }
            Value::Format(format) => write_format(format, draft),
            _ => write_setting(setting, conversation, draft)?,
        }
    }
    write_temperature(conversation, draft);
    if let Some(effort) = effort(conversation, draft)? {
        draft.pen.key("reasoning_effort").text(&word(effort.word()));
    }
    Ok(())
}

fn write_choice(choice: &ToolChoice<'_>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    pen.key("tool_choice");
    match choice {
        ToolChoice::Auto => pen.text(&Text::lent("auto")),
        ToolChoice::None => pen.text(&Text::lent("none")),
        ToolChoice::Any => pen.text(&Text::lent("required")),
        ToolChoice::Named(name) => {
            pen.open('{');
            pen.key("type").text(&Text::lent("function"));
            pen.key("function").open('{');
            pen.key("name").text(name);
            pen.close('}');
            pen.close('}');
        }
    }
}

fn write_format(format: &Format<'_>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    pen.key("response_format");
    match format {
        Format::Text => pen.verbatim(r#"{"type":"text"}"#),
        Format::Json => pen.verbatim(r#"{"type":"json_object"}"#),
        Format::Schema {
            name,
            schema,
            strict,
        } => {
            pen.open('{');
            pen.key("type").text(&Text::lent("json_schema"));
            pen.key("json_schema").open('{');
            let name = name.as_ref().map_or("answer", Text::get);
            pen.key("name").pieces(&[name]);
            pen.key("schema").verbatim(schema);
            if let Some(strict) = strict {
                let word = if *strict { "true" } else { "false" };
                pen.key("strict").verbatim(word);
            }
            pen.close('}');
            pen.close('}');
        }
    }
}
