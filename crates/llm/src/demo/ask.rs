mod gemini;
mod responses;

use serde_json::Value;

use crate::{BadRequest, Dialect, Endpoint, RequestView};

/// Most choices that are written.
const MOST_CHOICES: u64 = 16;

/// What was asked, whichever dialect it was asked in.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) usage_asked: bool,
    pub(super) choices: u64,
    pub(super) limit: Option<u64>,
    pub(super) input_words: u64,
    /// The user's last words.
    pub(super) said: String,
    /// What a tool answered, where that was the last thing.
    pub(super) tool_result: Option<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: ToolChoice,
    pub(super) parallel: bool,
}

#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) schema: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToolChoice {
    Auto,
    Never,
    Any,
    Named(String),
}

impl Ask {
    pub(super) fn read(
        endpoint: Endpoint,
        view: &RequestView,
        body: &Value,
    ) -> Result<Self, BadRequest> {
        if view.choices > MOST_CHOICES {
            let message = format!("found {}, expected at most {MOST_CHOICES}", view.choices);
            return Err(BadRequest::at("n", &message));
        }
        if endpoint == Endpoint::Messages && view.max_output.is_none() {
            let message = "found nothing, expected a whole number";
            return Err(BadRequest::at("max_tokens", message));
        }
        let said = match endpoint {
            Endpoint::Responses | Endpoint::ResponsesInputTokens => responses::said(body)?,
            _ if endpoint.dialect() == Dialect::Gemini => gemini::said(body)?,
            _ => said(endpoint, body)?,
        };
        let texts = said.messages.iter().map(|message| &message["content"]);
        let input = texts.chain([&said.system]).flat_map(texts_of);
        Ok(Self {
            model: view.model.clone(),
            stream: view.stream,
            usage_asked: view.usage_asked,
            choices: view.choices,
            limit: view.max_output,
            input_words: input.map(|text| words(&text)).sum(),
            said: last_words(&said.messages),
            tool_result: said.messages.last().and_then(tool_result),
            tools: said.tools,
            choice: said.choice,
            parallel: said.parallel,
        })
    }
}

/// A conversation in the shape of OpenAI's chat, whichever it came in.
struct Said {
    messages: Vec<Value>,
    system: Value,
    tools: Vec<Tool>,
    choice: ToolChoice,
    parallel: bool,
}

fn said(endpoint: Endpoint, body: &Value) -> Result<Said, BadRequest> {
    let choice = &body["tool_choice"];
    Ok(Said {
        messages: match endpoint {
            Endpoint::Completions => prompt(body)?,
            _ => messages(body)?,
        },
        system: body["system"].clone(),
        tools: tools(endpoint.dialect(), body),
        choice: tool_choice(choice),
        parallel: body["parallel_tool_calls"] != Value::Bool(false)
            && choice["disable_parallel_tool_use"] != Value::Bool(true),
    })
}

/// Words of a text; what this model counts as tokens.
pub(super) fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn messages(body: &Value) -> Result<Vec<Value>, BadRequest> {
    match body["messages"].as_array() {
        Some(list) if !list.is_empty() => Ok(list.clone()),
        _ => Err(BadRequest::at(
            "messages",
            "found no messages, expected a list of at least one",
        )),
    }
}

/// A text completion's prompt as a conversation; of several prompts the last.
fn prompt(body: &Value) -> Result<Vec<Value>, BadRequest> {
    let prompt = match &body["prompt"] {
        Value::Array(list) => list.last().unwrap_or(&Value::Null),
        other => other,
    };
    match prompt {
        Value::Null => Err(BadRequest::at("prompt", "found nothing, expected a text")),
        // Token numbers: there is nothing to echo.
        prompt => {
            let text = prompt.as_str().unwrap_or("a list of tokens");
            Ok(vec![serde_json::json!({"role": "user", "content": text})])
        }
    }
}

/// Every text of a content: a string, or blocks that have one.
fn texts_of(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks.iter().flat_map(block_texts).collect(),
        _ => Vec::new(),
    }
}

fn block_texts(block: &Value) -> Vec<String> {
    match block["text"].as_str() {
        Some(text) => vec![text.to_owned()],
        // A tool's result holds a content of its own.
        None => match &block["content"] {
            Value::String(text) => vec![text.clone()],
            Value::Array(inner) => {
                let texts = inner.iter().filter_map(|block| block["text"].as_str());
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
    }
}

/// The last text of the last user's message. Agents put reminders of their own
/// beside it, which are not the user's words.
fn last_words(messages: &[Value]) -> String {
    let user = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user");
    let texts = user.map(|message| texts_of(&message["content"]));
    let said = |text: &String| !text.trim_start().starts_with("<system-reminder>");
    texts
        .and_then(|texts| texts.into_iter().rfind(said))
        .unwrap_or_default()
}

fn tool_result(message: &Value) -> Option<String> {
    let content = &message["content"];
    if message["role"] == "tool" || message["role"] == "function" {
        return Some(texts_of(content).join(" "));
    }
    let blocks = content.as_array()?;
    let results = blocks.iter().filter(|block| block["type"] == "tool_result");
    let texts: Vec<String> = results.map(|block| block_texts(block).join(" ")).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

/// Tools that the client runs; those that a provider runs itself are skipped.
fn tools(dialect: Dialect, body: &Value) -> Vec<Tool> {
    let offered = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let read = |tool: &Value| {
        let (tool, schema) = match dialect {
            Dialect::Anthropic => (tool, tool.get("input_schema")?),
            _ => (&tool["function"], &tool["function"]["parameters"]),
        };
        Some(Tool {
            name: tool["name"].as_str()?.to_owned(),
            schema: schema.clone(),
        })
    };
    offered.iter().filter_map(read).collect()
}

fn tool_choice(choice: &Value) -> ToolChoice {
    let word = choice.as_str().or_else(|| choice["type"].as_str());
    let name = choice["name"]
        .as_str()
        .or_else(|| choice["function"]["name"].as_str());
    match (word, name) {
        (Some("none"), _) => ToolChoice::Never,
        (Some("required" | "any"), _) => ToolChoice::Any,
        (Some("function" | "tool"), Some(name)) => ToolChoice::Named(name.to_owned()),
        _ => ToolChoice::Auto,
    }
}
