use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

use super::value::StreamOptions;
use super::{RequestView, Setting};
use crate::Endpoint;

/// What is changed in a request on its way to a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Edits<'a> {
    /// The model's name as the provider knows it.
    pub model: Option<&'a str>,
    /// Sets `stream_options.include_usage`; does nothing unless the request is
    /// a stream of OpenAI's chat or text completions.
    pub ask_usage: bool,
    /// Used where the request sets none and the model takes one.
    pub temperature: Option<f64>,
    /// Used where the request sets no limit under either name.
    pub max_tokens: Option<u64>,
}

type Patches = SmallVec<[(Range<usize>, Bytes); 4]>;

const USAGE_ON: &str = r#""include_usage":true"#;

impl RequestView {
    /// The body to send: slices of `body`, which is the one that was read, with
    /// replacements between. Nothing else is touched; without an edit it is
    /// exactly `[body]`. New members are appended, so that what stands before
    /// them keeps its place in a prompt cache.
    ///
    /// # Panics
    /// Where `body` is not as long as the one that was read: the spans would
    /// cut another request at the wrong places.
    pub fn apply(&self, body: &Bytes, edits: &Edits<'_>) -> SmallVec<[Bytes; 8]> {
        assert_eq!(body.len(), self.spans.length, "another body than was read");
        let mut patches = self.patches(edits);
        if patches.is_empty() {
            return SmallVec::from_iter([body.clone()]);
        }
        patches.sort_by_key(|(span, _)| span.start);
        let mut pieces = SmallVec::new();
        let mut from = 0;
        for (span, text) in patches {
            pieces.push(body.slice(from..span.start));
            pieces.push(text);
            from = span.end;
        }
        pieces.push(body.slice(from..));
        pieces
    }

    fn patches(&self, edits: &Edits<'_>) -> Patches {
        let mut patches = Patches::new();
        let mut appended = String::new();
        let model = edits.model.filter(|name| *name != self.model);
        if let Some(name) = model {
            patches.push((self.spans.model.clone(), quoted(name).into()));
        }
        if edits.ask_usage && self.may_ask_usage() {
            self.ask_usage(&mut patches, &mut appended);
        }
        let model = model.unwrap_or(&self.model);
        let reasons = self.endpoint.dialect() == crate::Dialect::OpenAi && is_reasoning(model);
        if let Some(value) = edits
            .temperature
            .filter(|value| value.is_finite() && !reasons)
        {
            let text = value.to_string();
            let setting = &self.spans.temperature;
            set(setting, "temperature", text, &mut patches, &mut appended);
        }
        if let Some(limit) = edits.max_tokens {
            let key = match reasons && self.endpoint == Endpoint::ChatCompletions {
                true => "max_completion_tokens",
                false => "max_tokens",
            };
            let setting = &self.spans.max_tokens;
            set(setting, key, limit.to_string(), &mut patches, &mut appended);
        }
        if !appended.is_empty() {
            patches.push((self.spans.end..self.spans.end, appended.into()));
        }
        patches
    }

    fn may_ask_usage(&self) -> bool {
        let speaks = matches!(
            self.endpoint,
            Endpoint::ChatCompletions | Endpoint::Completions
        );
        self.stream && speaks
    }

    fn ask_usage(&self, patches: &mut Patches, appended: &mut String) {
        match &self.spans.stream_options {
            StreamOptions::Absent => {
                appended.push_str(&format!(r#","stream_options":{{{USAGE_ON}}}"#));
            }
            StreamOptions::Null(span) => {
                patches.push((span.clone(), format!("{{{USAGE_ON}}}").into()));
            }
            StreamOptions::Silent { at, empty } => {
                let comma = if *empty { "" } else { "," };
                patches.push((*at..*at, format!("{USAGE_ON}{comma}").into()));
            }
            StreamOptions::Said { asks: true, .. } => {}
            StreamOptions::Said { value, .. } => {
                patches.push((value.clone(), Bytes::from_static(b"true")));
            }
        }
    }
}

fn set(setting: &Setting, key: &str, value: String, patches: &mut Patches, appended: &mut String) {
    match setting {
        Setting::Given => {}
        Setting::Null(span) => patches.push((span.clone(), value.into())),
        Setting::Absent => appended.push_str(&format!(r#","{key}":{value}"#)),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// OpenAI's reasoning models refuse `max_tokens` and any temperature, while
/// most servers that imitate OpenAI know only `max_tokens`.
fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let digit_after = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    digit_after("o") || name.starts_with("gpt-5") && !name.starts_with("gpt-5-chat")
}
