use serde_json::Value;

/// What an error answer says, wherever it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The error's type: `rate_limit_error`, `RESOURCE_EXHAUSTED` …
    pub(super) kind: String,
    /// The error's code, where that is a word.
    pub(super) code: String,
    /// The HTTP status told inside the body.
    pub(super) status: Option<u16>,
    pub(super) message: String,
    /// Machine-readable additions, as JSON text: Gemini's quotas and delays.
    pub(super) details: String,
    /// A page for people: sent by something before the provider.
    pub(super) is_page: bool,
}

impl Words {
    /// The envelopes in use: `{error:{…}}` (OpenAI, Anthropic, Gemini, Groq,
    /// OpenRouter, Azure, llama.cpp), `[{error:{…}}]` (Gemini's streams),
    /// `{error:"…"}` (Ollama, Hugging Face), `{object:"error",message,…}`
    /// (vLLM, Mistral), `{message}` (gateways), `{detail}` (FastAPI).
    pub(super) fn of_json(value: &Value) -> Self {
        let value = match value {
            Value::Array(list) => list.first().unwrap_or(value),
            _ => value,
        };
        let error = match value.get("error") {
            Some(error) if !error.is_null() => error,
            _ => value,
        };
        let kind = ["type", "status"]
            .iter()
            .find_map(|key| error[*key].as_str())
            .or_else(|| value["type"].as_str())
            .unwrap_or_default();
        let status = ["code", "status", "statusCode", "http_code"]
            .iter()
            .find_map(|key| status(&error[*key]));
        Self {
            kind: kind.to_owned(),
            code: error["code"].as_str().unwrap_or_default().to_owned(),
            status,
            message: message(error, value),
            details: error
                .get("details")
                .map(Value::to_string)
                .unwrap_or_default(),
            is_page: false,
        }
    }

    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim();
        let is_page = text.starts_with('<');
        let title = || {
            let (_, rest) = text.split_once("<title>")?;
            rest.split_once("</title>").map(|(title, _)| title.trim())
        };
        let message = match is_page {
            true => title().unwrap_or("an HTML page"),
            false => text,
        };
        Self {
            message: message.to_owned(),
            is_page,
            ..Self::default()
        }
    }

    /// Whether type or code is one of these.
    pub(super) fn is_any(&self, names: &[&str]) -> bool {
        [&self.kind, &self.code]
            .iter()
            .any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
    }
}

fn status(value: &Value) -> Option<u16> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        other => u16::try_from(other.as_u64()?).ok()?,
    };
    (400..600).contains(&number).then_some(number)
}

fn message(error: &Value, around: &Value) -> String {
    if let Value::String(text) = error {
        return text.clone();
    }
    let places = [
        &error["message"],
        &error["detail"],
        &error["msg"],
        &around["message"],
        &around["detail"],
        &error["error_description"],
    ];
    let message = places.into_iter().find_map(text).unwrap_or_default();
    // OpenRouter says no more than "Provider returned error" itself.
    match error["metadata"]["raw"].as_str() {
        Some(raw) if !raw.is_empty() => format!("{message}: {raw}"),
        _ => message,
    }
}

/// A text, or the first one inside of what validators send.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(list) => list.iter().find_map(text),
        Value::Object(fields) => ["msg", "message", "detail"]
            .iter()
            .find_map(|key| text(fields.get(*key)?)),
        _ => None,
    }
}
