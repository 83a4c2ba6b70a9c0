use crate::translate::conversation::{
    Arguments, Call, Conversation, Effort, Format, Kind, Maker, Outcome, Part, Role, Source, Tool,
    ToolChoice, Turn, Value,
};
use crate::translate::member::{filled, flag, member, needed, source, text};
use crate::translate::openai::{self, read_content};
use crate::translate::raw::{Fault, Raw, Text};

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads a request for a response.
pub(in crate::translate) fn read<'a>(body: Raw<'a>) -> Read<'a, Conversation<'a>> {
    let mut conversation = Conversation::of(body);
    let (mut input, mut most) = (None, None);
    for (key, value) in body.members()?.filter(|(_, value)| !value.is_null()) {
        let setting = match key.as_ref() {
            "model" | "stream" => continue,
            "input" => {
                input = Some(value);
                continue;
            }
            "instructions" => {
                let text = Kind::Text(value.text()?);
                conversation.system.push(Part::of(value, text));
                continue;
            }
            "tools" => {
                for tool in value.elements()? {
                    conversation.tools.push(read_tool(tool)?);
                }
                continue;
            }
            "text" => {
                read_text(value, &mut conversation)?;
                continue;
            }
            "reasoning" => {
                read_reasoning(value, &mut conversation)?;
                continue;
            }
            "include" => {
                read_include(value, &mut conversation)?;
                continue;
            }
            "top_logprobs" => {
                most = Some(value);
                continue;
            }
            key => read_setting(key, value)?,
        };
        conversation.set(value, setting);
    }
    if let Some(most) = most {
        let setting = read_most(most, &conversation)?;
        conversation.set(most, setting);
    }
    let input = input.ok_or_else(|| Fault::absent(body, "input", "text or a list of items"))?;
    read_input(input, &mut conversation)?;
    Ok(conversation)
}

fn read_setting<'a>(key: &str, value: Raw<'a>) -> Read<'a, Value<'a>> {
    Ok(match key {
        "max_output_tokens" => Value::MaxOutput(value.count()?),
        "temperature" => value.number().map(|_| Value::Temperature)?,
        "top_p" => value.number().map(|_| Value::TopP)?,
        "tool_choice" => Value::ToolChoice(read_choice(value)?),
        "parallel_tool_calls" => Value::ParallelTools(value.flag()?),
        "user" => Value::User(value.text()?),
        "background" if !value.flag()? => Value::Hint,
        "store" | "truncation" | "stream_options" => Value::Hint,
        // What stands elsewhere, and what the provider would run by itself.
        key => openai::shared(key).unwrap_or(Value::Foreign),
    })
}

/// What is to stand in the answer besides; what else there is to ask for is of
/// tools that the provider runs, and of thoughts, which come as they can.
fn read_include<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    for wanted in value.elements()? {
        let setting = match wanted.string()?.as_ref() {
            "message.output_text.logprobs" => Value::Logprobs,
            _ => Value::Hint,
        };
        conversation.set(wanted, setting);
    }
    Ok(())
}

/// How many other tokens are to be told in the place of each. Without any being
/// asked for there are none.
fn read_most<'a>(value: Raw<'a>, conversation: &Conversation<'a>) -> Read<'a, Value<'a>> {
    let most = value.count()?;
    let mut settings = conversation.settings.iter();
    Ok(
        match settings.any(|it| matches!(it.value, Value::Logprobs)) {
            true => Value::TopLogprobs(most),
            false => Value::Hint,
        },
    )
}

/// A summary of the thoughts is shown wherever the provider gives one.
fn read_reasoning<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    for (key, inner) in value.members()?.filter(|(_, inner)| !inner.is_null()) {
        let setting = match key.as_ref() {
            "effort" => Value::Effort(Effort::read(inner)?),
            _ => Value::Hint,
        };
        conversation.set(inner, setting);
    }
    Ok(())
}

fn read_choice<'a>(value: Raw<'a>) -> Read<'a, ToolChoice<'a>> {
    match openai::read_choice(value)? {
        Some(choice) => Ok(choice),
        None => needed(value, "name", "the name of a tool").map(ToolChoice::Named),
    }
}

fn read_text<'a>(value: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    for (key, inner) in value.members()?.filter(|(_, inner)| !inner.is_null()) {
        let setting = match key.as_ref() {
            "format" => Value::Format(read_format(inner)?),
            "verbosity" => Value::Verbosity,
            _ => Value::Foreign,
        };
        conversation.set(inner, setting);
    }
    Ok(())
}

fn read_format<'a>(value: Raw<'a>) -> Read<'a, Format<'a>> {
    let kind = value.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(value, "type", "`json_schema`"))?;
    match kind.string()?.as_ref() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let schema = value.member("schema");
            let schema = schema.ok_or_else(|| Fault::absent(value, "schema", "a JSON Schema"))?;
            schema.members()?;
            Ok(Format::Schema {
                name: text(value, "name")?,
                schema: schema.get().into(),
                strict: flag(value, "strict")?,
            })
        }
        _ => Err(kind.unknown_word("`text`, `json_object` or `json_schema`")),
    }
}

fn read_tool<'a>(at: Raw<'a>) -> Read<'a, Tool<'a>> {
    at.members()?;
    let kind = at.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(at, "type", "`function`"))?;
    let is_foreign = kind.get() != r#""function""#;
    let schema = member(at, "parameters").filter(|_| !is_foreign);
    if let Some(schema) = schema {
        schema.members()?;
    }
    let name = match at.member("name").filter(|_| !is_foreign) {
        Some(name) => filled(name)?,
        None if is_foreign => Text::lent(""),
        None => return Err(Fault::absent(at, "name", "the name of the tool")),
    };
    Ok(Tool {
        at: if is_foreign { kind } else { at },
        name,
        description: text(at, "description")?,
        schema: schema.map(|it| it.get().into()),
        strict: flag(at, "strict")?,
        cache: None,
        is_foreign,
    })
}

fn read_input<'a>(input: Raw<'a>, conversation: &mut Conversation<'a>) -> Read<'a> {
    if input.is_string() {
        let parts = read_content(input, read_part)?;
        conversation.turns.push(Turn {
            at: input,
            role: Role::User,
            parts,
        });
        return Ok(());
    }
    let items = input
        .elements()
        .map_err(|_| input.found("text or a list of items"))?;
    for item in items {
        let (role, parts) = read_item(item)?;
        add(item, role, parts, conversation);
    }
    Ok(())
}

/// What an assistant said, thought and called is one turn, and so is what
/// parallel calls answered; the items of a list tell them apart no more.
fn add<'a>(at: Raw<'a>, role: Role, parts: Vec<Part<'a>>, conversation: &mut Conversation<'a>) {
    if role == Role::System && conversation.turns.is_empty() {
        conversation.system.extend(parts);
        return;
    }
    let outcome = |parts: &[Part<'_>]| {
        let kind = parts.first().map(|part| &part.kind);
        matches!(kind, Some(Kind::Result(_)))
    };
    match conversation.turns.last_mut() {
        Some(last) if role == Role::Assistant && last.role == role => last.parts.extend(parts),
        Some(last) if outcome(&parts) && outcome(&last.parts) => last.parts.extend(parts),
        _ => conversation.turns.push(Turn { at, role, parts }),
    }
}

fn read_item<'a>(at: Raw<'a>) -> Read<'a, (Role, Vec<Part<'a>>)> {
    at.members()?;
    let kind = text(at, "type")?;
    let read = match kind.as_ref().map_or("message", Text::get) {
        "message" => return read_message(at),
        "function_call" => Kind::Call(Call {
            id: Some(needed(at, "call_id", "the id of the call")?),
            name: needed(at, "name", "the name of a tool")?,
            arguments: Arguments::Encoded(needed(at, "arguments", "JSON in a string")?),
            signature: None,
        }),
        "function_call_output" => {
            let output = at.member("output");
            let output = output.ok_or_else(|| Fault::absent(at, "output", "text"))?;
            let outcome = Outcome {
                id: Some(needed(at, "call_id", "the id of a call")?),
                name: None,
                parts: read_content(output, read_part)?,
                is_error: false,
            };
            return Ok((Role::User, vec![Part::of(at, Kind::Result(outcome))]));
        }
        "reasoning" => Kind::Sealed {
            data: text(at, "encrypted_content")?.unwrap_or(Text::lent("")),
            maker: Maker::OpenAi,
        },
        _ => {
            let place = member(at, "type").unwrap_or(at);
            return Ok((Role::Assistant, vec![Part::of(place, Kind::Foreign)]));
        }
    };
    Ok((Role::Assistant, vec![Part::of(at, read)]))
}

fn read_message<'a>(at: Raw<'a>) -> Read<'a, (Role, Vec<Part<'a>>)> {
    let role = at.member("role");
    let role = role.ok_or_else(|| Fault::absent(at, "role", "`user` or `assistant`"))?;
    let content = at.member("content");
    let content = content.ok_or_else(|| Fault::absent(at, "content", "text or a list of parts"))?;
    let parts = read_content(content, read_part)?;
    let role = match role.string()?.as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        _ => return Err(role.unknown_word("`user`, `assistant`, `system` or `developer`")),
    };
    Ok((role, parts))
}

fn read_part<'a>(at: Raw<'a>) -> Read<'a, Part<'a>> {
    at.members()?;
    let kind = at.member("type");
    let kind = kind.ok_or_else(|| Fault::absent(at, "type", "the type of the part"))?;
    let read = match kind.string()?.as_ref() {
        "input_text" | "output_text" | "text" => Kind::Text(needed(at, "text", "text")?),
        "refusal" => Kind::Refusal(needed(at, "refusal", "text")?),
        "input_image" => match text(at, "image_url")? {
            Some(url) => Kind::Image {
                source: source(url),
                detail: member(at, "detail"),
            },
            None => Kind::Foreign,
        },
        "input_file" => {
            let place = text(at, "file_data")?.or(text(at, "file_url")?);
            Kind::Document {
                source: place.map_or(Source::File, source),
                name: text(at, "filename")?,
            }
        }
        "input_audio" => {
            let audio = member(at, "input_audio").unwrap_or(at);
            Kind::Audio {
                data: needed(audio, "data", "base64")?,
                format: needed(audio, "format", "`wav` or `mp3`")?,
            }
        }
        _ => {
            let expected = "`input_text`, `input_image`, `input_file`, `output_text` or `refusal`";
            return Err(kind.unknown_word(expected));
        }
    };
    Ok(Part::of(at, read))
}
