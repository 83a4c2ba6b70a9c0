use super::content;
use crate::translate::conversation::{
    Conversation, Effort, Format, Kind, Part, Role, Tool, ToolChoice, Turn, Value,
};
use crate::translate::member::{filled, flag, member, texts};
use crate::translate::openai;
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T> = Result<T, Fault<'a>>;

/// Reads a chat completion's request.
pub(in crate::translate) fn read<'a>(body: Raw<'a>) -> Read<'a, Conversation<'a>> {
    let mut conversation = Conversation::of(body);
    let mut messages = None;
    for (key, value) in body.members()? {
        match key.as_ref() {
            "messages" => messages = Some(value),
            "model" | "stream" | "stream_options" => {}
            _ if value.is_null() => {}
            "tools" => {
                for tool in value.elements()? {
                    conversation.tools.push(read_tool(tool)?);
                }
            }
            key => {
                let setting = read_setting(key, value)?;
                conversation.set(value, setting);
            }
        }
    }
    let messages = messages.ok_or_else(|| Fault::absent(body, "messages", "a list of messages"))?;
    for message in messages.elements()? {
        read_message(message, &mut conversation)?;
    }
    Ok(conversation)
}

fn read_setting<'a>(key: &str, value: Raw<'a>) -> Read<'a, Value<'a>> {
    Ok(match key {
        "max_tokens" | "max_completion_tokens" => Value::MaxOutput(value.count()?),
        "temperature" => value.number().map(|_| Value::Temperature)?,
        "top_p" => value.number().map(|_| Value::TopP)?,
        "top_k" => value.number().map(|_| Value::TopK)?,
        "seed" => value.number().map(|_| Value::Seed)?,
        "presence_penalty" => value.number().map(|_| Value::PresencePenalty)?,
        "frequency_penalty" => value.number().map(|_| Value::FrequencyPenalty)?,
        "stop" => Value::Stop(texts(value)?),
        "n" => Value::Choices(value.count()?),
        "logprobs" if value.flag()? => Value::Logprobs,
        "logprobs" => Value::Hint,
        "top_logprobs" => Value::TopLogprobs(value.count()?),
        "reasoning_effort" => Value::Effort(Effort::read(value)?),
        "tool_choice" => Value::ToolChoice(read_choice(value)?),
        "parallel_tool_calls" => Value::ParallelTools(value.flag()?),
        "response_format" => Value::Format(read_format(value)?),
        "user" => Value::User(value.text()?),
        "modalities" if texts(value)?.iter().all(|it| it.get() == "text") => Value::Hint,
        "verbosity" => Value::Verbosity,
        "logit_bias" | "store" | "prediction" => Value::Hint,
        key => openai::shared(key).unwrap_or(Value::Foreign),
    })
}

fn read_choice<'a>(value: Raw<'a>) -> Read<'a, ToolChoice<'a>> {
    if let Some(choice) = openai::read_choice(value)? {
        return Ok(choice);
    }
    let function = value.member("function");
    let function = function.ok_or_else(|| Fault::absent(value, "function", "an object"))?;
    let name = function.member("name");
    let name = name.ok_or_else(|| Fault::absent(function, "name", "the name of a tool"))?;
    name.text().map(ToolChoice::Named)
}

fn read_format<'a>(value: Raw<'a>) -> Read<'a, Format<'a>> {
    value.members()?;
    let kind = value.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(value, "type", "`json_schema`"))?;
    match kind.string()?.as_ref() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let inner = value.member("json_schema");
            let inner = inner.ok_or_else(|| Fault::absent(value, "json_schema", "an object"))?;
            let schema = inner.member("schema");
            let schema = schema.ok_or_else(|| Fault::absent(inner, "schema", "a JSON Schema"))?;
            schema.members()?;
            Ok(Format::Schema {
                name: inner.member("name").map(Raw::text).transpose()?,
                schema: schema.get().into(),
                strict: flag(inner, "strict")?,
            })
        }
        _ => Err(kind.unknown_word("`text`, `json_object` or `json_schema`")),
    }
}

fn read_tool<'a>(at: Raw<'a>) -> Read<'a, Tool<'a>> {
    at.members()?;
    let kind = at.member("type");
    let function = at.member("function");
    let is_function = kind.is_none_or(|kind| kind.get() == r#""function""#);
    let Some(function) = function.filter(|_| is_function) else {
        if is_function {
            return Err(Fault::absent(at, "function", "an object"));
        }
        return Ok(Tool {
            at: kind.unwrap_or(at),
            name: Text::lent(""),
            description: None,
            schema: None,
            strict: None,
            cache: None,
            is_foreign: true,
        });
    };
    let name = function.member("name");
    let name = name.ok_or_else(|| Fault::absent(function, "name", "the name of the tool"))?;
    let schema = member(function, "parameters");
    if let Some(schema) = schema {
        schema.members()?;
    }
    Ok(Tool {
        at,
        name: filled(name)?,
        description: member(function, "description").map(Raw::text).transpose()?,
        schema: schema.map(|it| it.get().into()),
        strict: flag(function, "strict")?,
        cache: member(at, "cache_control"),
        is_foreign: false,
    })
}

fn read_message<'a>(at: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a, ()> {
    at.members()?;
    let role = at.member("role");
    let role = role.ok_or_else(|| Fault::absent(at, "role", "`user` or `assistant`"))?;
    let (role, parts) = match role.string()?.as_ref() {
        "system" | "developer" => {
            let parts = content::read(at)?;
            if conversation.turns.is_empty() {
                conversation.system.extend(parts);
                return Ok(());
            }
            (Role::System, parts)
        }
        "user" => (Role::User, content::read(at)?),
        "assistant" => (Role::Assistant, content::read_assistant(at)?),
        "tool" => (Role::User, vec![content::read_outcome(at)?]),
        _ => {
            let expected = "`system`, `developer`, `user`, `assistant` or `tool`";
            return Err(role.unknown_word(expected));
        }
    };
    // Answers of parallel calls are one turn, as everybody else has it.
    let is_outcome = |parts: &[Part<'_>]| {
        matches!(
            parts,
            [
                Part {
                    kind: Kind::Result(_),
                    ..
                },
                ..
            ]
        )
    };
    if let Some(last) = conversation.turns.last_mut()
        && is_outcome(&parts)
        && is_outcome(&last.parts)
    {
        last.parts.extend(parts);
        return Ok(());
    }
    conversation.turns.push(Turn { at, role, parts });
    Ok(())
}
