use super::content;
use crate::translate::conversation::{
    Conversation, Effort, Format, Role, Tool, ToolChoice, Turn, Value,
};
use crate::translate::member::{filled, flag, member, text, texts};
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T> = Result<T, Fault<'a>>;

/// Reads a message's request.
pub(in crate::translate) fn read<'a>(body: Raw<'a>) -> Read<'a, Conversation<'a>> {
    let mut conversation = Conversation::of(body);
    let mut messages = None;
    for (key, value) in body.members()? {
        match key.as_ref() {
            "messages" => messages = Some(value),
            "model" | "stream" => {}
            _ if value.is_null() => {}
            "system" => conversation.system = content::read(value)?,
            "tools" => {
                for tool in value.elements()? {
                    conversation.tools.push(read_tool(tool)?);
                }
            }
            key => read_setting(key, value, &mut conversation)?,
        }
    }
    let messages = messages.ok_or_else(|| Fault::absent(body, "messages", "a list of messages"))?;
    for message in messages.elements()? {
        let turn = read_message(message)?;
        conversation.turns.push(turn);
    }
    Ok(conversation)
}

fn read_setting<'a>(
    key: &str,
    value: Raw<'a>,
    conversation: &mut Conversation<'a>,
) -> Read<'a, ()> {
    let setting = match key {
        "max_tokens" => Value::MaxOutput(value.count()?),
        "temperature" => value.number().map(|_| Value::Temperature)?,
        "top_p" => value.number().map(|_| Value::TopP)?,
        "top_k" => value.number().map(|_| Value::TopK)?,
        "stop_sequences" => Value::Stop(texts(value)?),
        "thinking" => return read_thinking(value, conversation),
        "output_config" => return read_output(value, conversation),
        "output_format" => Value::Format(read_format(value)?),
        "tool_choice" => return read_choice(value, conversation),
        "metadata" => match member(value, "user_id") {
            Some(user) => Value::User(user.text()?),
            None => Value::Hint,
        },
        // Where it is processed, and what is put before the model, is no hint.
        "service_tier" | "cache_control" | "speed" | "diagnostics" | "context_management" => {
            Value::Hint
        }
        _ => Value::Foreign,
    };
    conversation.set(value, setting);
    Ok(())
}

fn read_thinking<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a, ()> {
    value.members()?;
    let kind = value.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(value, "type", "`enabled` or `adaptive`"))?;
    match kind.string()?.as_ref() {
        "enabled" => {
            let budget = value.member("budget_tokens");
            let budget = budget
                .ok_or_else(|| Fault::absent(value, "budget_tokens", "a number of tokens"))?;
            conversation.set(budget, Value::ThinkingBudget(budget.count()?));
        }
        "adaptive" => conversation.set(value, Value::Adaptive),
        "disabled" => conversation.set(value, Value::Effort(Effort::None)),
        _ => return Err(kind.unknown_word("`enabled`, `adaptive` or `disabled`")),
    }
    Ok(())
}

fn read_output<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a, ()> {
    for (key, inner) in value.members()?.filter(|(_, inner)| !inner.is_null()) {
        let setting = match key.as_ref() {
            "effort" => Value::Effort(Effort::read(inner)?),
            "format" => Value::Format(read_format(inner)?),
            _ => Value::Foreign,
        };
        conversation.set(inner, setting);
    }
    Ok(())
}

fn read_format<'a>(value: Raw<'a>) -> Read<'a, Format<'a>> {
    let kind = value.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(value, "type", "`json_schema`"))?;
    if kind.get() != r#""json_schema""# {
        return Err(kind.unknown_word("`json_schema`"));
    }
    let schema = value.member("schema");
    let schema = schema.ok_or_else(|| Fault::absent(value, "schema", "a JSON Schema"))?;
    schema.members()?;
    Ok(Format::Schema {
        name: None,
        schema: schema.get().into(),
        strict: Some(true),
    })
}

fn read_choice<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a, ()> {
    value.members()?;
    let kind = value.member("type");
    let kind =
        kind.ok_or_else(|| Fault::absent(value, "type", "`auto`, `any`, `tool` or `none`"))?;
    let choice = match kind.string()?.as_ref() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "none" => ToolChoice::None,
        "tool" => {
            let name = value.member("name");
            let name = name.ok_or_else(|| Fault::absent(value, "name", "the name of a tool"))?;
            ToolChoice::Named(name.text()?)
        }
        _ => return Err(kind.unknown_word("`auto`, `any`, `tool` or `none`")),
    };
    conversation.set(value, Value::ToolChoice(choice));
    if let Some(one) = member(value, "disable_parallel_tool_use") {
        conversation.set(one, Value::ParallelTools(!one.flag()?));
    }
    Ok(())
}

fn read_tool<'a>(at: Raw<'a>) -> Read<'a, Tool<'a>> {
    at.members()?;
    let kind = member(at, "type");
    let mut tool = Tool {
        at,
        name: Text::lent(""),
        description: None,
        schema: None,
        strict: None,
        cache: member(at, "cache_control"),
        is_foreign: false,
    };
    if let Some(kind) = kind.filter(|kind| kind.get() != r#""custom""#) {
        tool.at = kind;
        tool.is_foreign = true;
        return Ok(tool);
    }
    let name = at.member("name");
    let name = name.ok_or_else(|| Fault::absent(at, "name", "the name of the tool"))?;
    tool.name = filled(name)?;
    let schema = at.member("input_schema");
    let schema = schema.ok_or_else(|| Fault::absent(at, "input_schema", "a JSON Schema"))?;
    schema.members()?;
    tool.schema = Some(schema.get().into());
    tool.description = text(at, "description")?;
    tool.strict = flag(at, "strict")?;
    Ok(tool)
}

fn read_message<'a>(at: Raw<'a>) -> Read<'a, Turn<'a>> {
    at.members()?;
    let role = at.member("role");
    let role = role.ok_or_else(|| Fault::absent(at, "role", "`user` or `assistant`"))?;
    let content = at.member("content");
    let content =
        content.ok_or_else(|| Fault::absent(at, "content", "text or a list of blocks"))?;
    let role = match role.string()?.as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(role.unknown_word("`user` or `assistant`")),
    };
    Ok(Turn {
        at,
        role,
        parts: content::read(content)?,
    })
}
