use serde_json::{Map, Value};

use super::ask::{Ask, Tool, ToolChoice, words};

/// Words of the user or a tool that are echoed.
const ECHOED: usize = 24;

/// Most tools called at once.
const MOST_CALLS: usize = 4;

/// Bytes of a fragment of a call's arguments.
const FRAGMENT: usize = 8;

/// Deepest value that is made up for a schema.
const DEEPEST: usize = 6;

/// What is answered, before it is written in a dialect.
#[derive(Debug)]
pub(super) struct Reply {
    /// Words with the space that follows them.
    pub(super) words: Vec<String>,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Finish,
    /// Names the answer; the same for the same request.
    pub(super) digest: u64,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    /// A JSON object.
    pub(super) arguments: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    Tools,
}

impl Reply {
    pub(super) fn to(ask: &Ask, digest: u64) -> Self {
        let calls: Vec<Call> = called(ask).into_iter().map(Call::of).collect();
        let mut words = split(&spoken(ask, &calls));
        let limit = ask.limit.and_then(|limit| usize::try_from(limit).ok());
        let cut = calls.is_empty() && limit.is_some_and(|limit| words.len() > limit);
        if let Some(limit) = limit.filter(|_| cut) {
            words.truncate(limit);
        }
        let finish = match (cut, calls.is_empty()) {
            (true, _) => Finish::Length,
            (false, true) => Finish::Stop,
            (false, false) => Finish::Tools,
        };
        Self {
            words,
            calls,
            finish,
            digest,
        }
    }

    pub(super) fn text(&self) -> String {
        self.words.concat()
    }

    /// Words of one answer: its text, and names and arguments of its calls.
    pub(super) fn output_words(&self) -> u64 {
        let called = |call: &Call| 1 + words(&call.arguments.to_string());
        self.words.len() as u64 + self.calls.iter().map(called).sum::<u64>()
    }
}

fn spoken(ask: &Ask, calls: &[Call]) -> String {
    let this = "This is Tollgate's built-in demo model, not a real one.";
    let names: Vec<String> = calls
        .iter()
        .map(|call| format!("`{}`", call.name))
        .collect();
    match &ask.tool_result {
        _ if !calls.is_empty() => format!("{this} It calls {}.", names.join(" and ")),
        Some(result) => format!("{this} The tool answered: {}", beginning(result)),
        None if ask.said.trim().is_empty() => format!("{this} You said nothing."),
        None => format!("{this} You said: {}", beginning(&ask.said)),
    }
}

fn beginning(text: &str) -> String {
    let mut words: Vec<&str> = text.split_whitespace().take(ECHOED + 1).collect();
    if words.len() > ECHOED {
        words[ECHOED] = "…";
    }
    words.join(" ")
}

fn split(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// The tools to call: after a result none, so that an agent's loop ends.
fn called(ask: &Ask) -> Vec<&Tool> {
    if ask.tool_result.is_some() {
        return Vec::new();
    }
    let named = || ask.tools.iter().filter(|tool| names(&ask.said, &tool.name));
    let mut called: Vec<&Tool> = match &ask.choice {
        ToolChoice::Never => Vec::new(),
        ToolChoice::Auto => named().collect(),
        ToolChoice::Any if named().next().is_none() => ask.tools.iter().take(1).collect(),
        ToolChoice::Any => named().collect(),
        ToolChoice::Named(name) => {
            let wanted = ask.tools.iter().filter(|tool| tool.name == *name);
            wanted.take(1).collect()
        }
    };
    called.truncate(if ask.parallel { MOST_CALLS } else { 1 });
    called
}

/// Whether the text holds the name as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
        })
}

impl Call {
    fn of(tool: &Tool) -> Self {
        let arguments = match sample(&tool.schema, 0) {
            object @ Value::Object(_) => object,
            _ => Value::Object(Map::new()),
        };
        Self {
            name: tool.name.clone(),
            arguments,
        }
    }

    /// The arguments' text in pieces, as a model would stream them.
    pub(super) fn fragments(&self) -> Vec<String> {
        let text = self.arguments.to_string();
        let mut rest = text.as_str();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(FRAGMENT));
            pieces.push(piece.to_owned());
            rest = after;
        }
        pieces
    }
}

/// A value that a JSON schema describes: its first or plainest.
fn sample(schema: &Value, depth: usize) -> Value {
    let given = [&schema["const"], &schema["default"], &schema["enum"][0]];
    if let Some(value) = given.into_iter().find(|value| !value.is_null()) {
        return value.clone();
    }
    let other = [&schema["anyOf"][0], &schema["oneOf"][0]];
    if let Some(inner) = other.into_iter().find(|inner| !inner.is_null()) {
        return if depth < DEEPEST {
            sample(inner, depth + 1)
        } else {
            Value::Null
        };
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"][0].as_str());
    match kind {
        Some("string") => Value::from("demo"),
        Some("integer" | "number") if schema["minimum"].is_number() => schema["minimum"].clone(),
        Some("integer" | "number") => Value::from(1),
        Some("boolean") => Value::Bool(true),
        Some("array") => Value::Array(Vec::new()),
        Some("object") | None if depth < DEEPEST => required(schema, depth),
        _ => Value::Null,
    }
}

fn required(schema: &Value, depth: usize) -> Value {
    let keys = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let member = |key: &Value| {
        let key = key.as_str()?;
        let value = sample(&schema["properties"][key], depth + 1);
        Some((key.to_owned(), value))
    };
    Value::Object(keys.iter().filter_map(member).collect())
}
