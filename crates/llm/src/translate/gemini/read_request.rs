use std::borrow::Cow;

use super::content::Reading;
use super::{is, member, needed, text};
use crate::translate::conversation::{
    Conversation, Effort, Format, Role, Tool, ToolChoice, Turn, Value,
};
use crate::translate::member::texts;
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads a request to generate content.
pub(in crate::translate) fn read<'a>(body: Raw<'a>) -> Read<'a, Conversation<'a>> {
    let mut conversation = Conversation::of(body);
    let mut contents = None;
    let mut reading = Reading::default();
    for (key, value) in body.members()?.filter(|(_, value)| !value.is_null()) {
        match key.as_ref() {
            "contents" => contents = Some(value),
            "model" => {}
            "labels" | "store" => conversation.set(value, Value::Hint),
            key if is(key, "system_instruction") => {
                let parts = member(value, "parts");
                let parts = parts.ok_or_else(|| Fault::absent(value, "parts", "a list"))?;
                conversation.system = reading.parts(parts)?;
            }
            "tools" => {
                for tool in value.elements()? {
                    read_tools(tool, &mut conversation)?;
                }
            }
            key if is(key, "tool_config") => read_choice(value, &mut conversation)?,
            key if is(key, "generation_config") => read_config(value, &mut conversation)?,
            key if is(key, "safety_settings") => conversation.set(value, Value::Hint),
            _ => conversation.set(value, Value::Foreign),
        }
    }
    let contents = contents.ok_or_else(|| Fault::absent(body, "contents", "a list of contents"))?;
    for content in contents.elements()? {
        let turn = read_content(content, &mut reading)?;
        conversation.turns.push(turn);
    }
    Ok(conversation)
}

fn read_content<'a>(at: Raw<'a>, reading: &mut Reading<'a>) -> Read<'a, Turn<'a>> {
    let role = match text(at, "role")?.as_ref().map(Text::get) {
        None | Some("" | "user" | "function" | "tool") => Role::User,
        Some("model") => Role::Assistant,
        Some(_) => {
            return Err(member(at, "role")
                .unwrap_or(at)
                .unknown_word("`user` or `model`"));
        }
    };
    let parts = member(at, "parts");
    let parts = parts.ok_or_else(|| Fault::absent(at, "parts", "a list of parts"))?;
    Ok(Turn {
        at,
        role,
        parts: reading.parts(parts)?,
    })
}

fn read_tools<'a>(at: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    for (key, value) in at.members()?.filter(|(_, value)| !value.is_null()) {
        if !is(&key, "function_declarations") {
            // A tool that Google runs: search, code, maps …
            conversation.set(value, Value::Foreign);
            continue;
        }
        for function in value.elements()? {
            conversation.tools.push(read_function(function)?);
        }
    }
    Ok(())
}

fn read_function<'a>(at: Raw<'a>) -> Read<'a, Tool<'a>> {
    let schema = member(at, "parameters_json_schema").or_else(|| member(at, "parameters"));
    if let Some(schema) = schema {
        schema.members()?;
    }
    Ok(Tool {
        at,
        name: needed(at, "name", "the name of the tool")?,
        description: text(at, "description")?,
        schema: schema.map(json_schema),
        strict: None,
        cache: None,
        is_foreign: false,
    })
}

/// Google's own schemas have their types in capitals.
fn json_schema(schema: Raw<'_>) -> Cow<'_, str> {
    let text = schema.get();
    let mut out = String::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), br#""type""#) {
        let rest = text[at + 6..].trim_start();
        let Some(value) = rest.strip_prefix(':').map(str::trim_start) else {
            continue;
        };
        let Some(value) = value.strip_prefix('"') else {
            continue;
        };
        let word = value.split('"').next().unwrap_or_default();
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_uppercase()) {
            continue;
        }
        let start = text.len() - value.len();
        out.push_str(&text[from..start]);
        out.push_str(&word.to_ascii_lowercase());
        from = start + word.len();
    }
    match from {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[from..]),
    }
}

fn read_choice<'a>(config: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    let Some(calling) = member(config, "function_calling_config") else {
        conversation.set(config, Value::Hint);
        return Ok(());
    };
    let names = match member(calling, "allowed_function_names") {
        Some(names) => texts(names)?,
        None => Vec::new(),
    };
    let mode = member(calling, "mode");
    let word = mode.map(Raw::string).transpose()?.unwrap_or_default();
    let choice = match (word.to_ascii_uppercase().as_str(), names.as_slice()) {
        ("" | "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED", []) => ToolChoice::Auto,
        ("NONE", _) => ToolChoice::None,
        ("ANY", []) => ToolChoice::Any,
        ("ANY", [name]) => ToolChoice::Named(name.clone()),
        ("ANY" | "VALIDATED", _) => {
            conversation.set(calling, Value::Foreign);
            return Ok(());
        }
        _ => {
            return Err(mode
                .unwrap_or(calling)
                .unknown_word("`AUTO`, `ANY` or `NONE`"));
        }
    };
    conversation.set(calling, Value::ToolChoice(choice));
    Ok(())
}

fn read_config<'a>(config: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    let mut mime = None;
    let mut schema = None;
    for (key, value) in config.members()?.filter(|(_, value)| !value.is_null()) {
        let known = |snake: &str| is(&key, snake);
        let setting = match key.as_ref() {
            _ if known("max_output_tokens") => Value::MaxOutput(value.count()?),
            _ if known("temperature") => value.number().map(|_| Value::Temperature)?,
            _ if known("top_p") => value.number().map(|_| Value::TopP)?,
            _ if known("top_k") => value.number().map(|_| Value::TopK)?,
            _ if known("seed") => value.number().map(|_| Value::Seed)?,
            _ if known("presence_penalty") => value.number().map(|_| Value::PresencePenalty)?,
            _ if known("frequency_penalty") => value.number().map(|_| Value::FrequencyPenalty)?,
            _ if known("stop_sequences") => Value::Stop(texts(value)?),
            _ if known("candidate_count") => Value::Choices(value.count()?),
            _ if known("response_logprobs") && !value.flag()? => Value::Hint,
            _ if known("response_logprobs") => Value::Logprobs,
            _ if known("logprobs") => Value::TopLogprobs(value.count()?),
            _ if known("media_resolution") => Value::Hint,
            _ if known("response_mime_type") => {
                mime = Some(value);
                continue;
            }
            _ if known("response_schema") || known("response_json_schema") => {
                value.members()?;
                schema = Some(value);
                continue;
            }
            _ if known("thinking_config") => {
                read_thinking(value, conversation)?;
                continue;
            }
            _ if known("response_modalities") => {
                let plain = texts(value)?.iter().all(|it| it.get() == "TEXT");
                if plain { Value::Hint } else { Value::Foreign }
            }
            _ => Value::Foreign,
        };
        conversation.set(value, setting);
    }
    let at = schema.or(mime);
    let format = match (mime.map(Raw::string).transpose()?.as_deref(), schema) {
        (_, Some(schema)) => Format::Schema {
            name: None,
            schema: json_schema(schema),
            strict: None,
        },
        (Some("application/json"), None) => Format::Json,
        (Some("text/plain") | None, None) => return Ok(()),
        (Some(_), None) => {
            conversation.set(at.unwrap_or(config), Value::Foreign);
            return Ok(());
        }
    };
    conversation.set(at.unwrap_or(config), Value::Format(format));
    Ok(())
}

fn read_thinking<'a>(config: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    if let Some(budget) = member(config, "thinking_budget") {
        // -1 leaves it to the model.
        let value = match budget.get() {
            "-1" => Value::Adaptive,
            _ => Value::ThinkingBudget(budget.count()?),
        };
        conversation.set(budget, value);
    }
    if let Some(level) = member(config, "thinking_level") {
        let effort = match level.string()?.to_ascii_uppercase().as_str() {
            "MINIMAL" => Effort::Minimal,
            "LOW" => Effort::Low,
            "MEDIUM" => Effort::Medium,
            "HIGH" => Effort::High,
            "THINKING_LEVEL_UNSPECIFIED" => return Ok(()),
            _ => return Err(level.unknown_word("`minimal`, `low`, `medium` or `high`")),
        };
        conversation.set(level, Value::Effort(effort));
    }
    Ok(())
}
