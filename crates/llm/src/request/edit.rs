use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

use super::value::{self, StreamOptions};
use super::{RequestView, Setting, Settings};
use crate::{Dialect, Endpoint};

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
    /// Takes the place of every larger limit that the request sets.
    pub lower_to: Option<u64>,
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
        let mut patches = self.patches(body, edits);
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

    fn patches(&self, body: &[u8], edits: &Edits<'_>) -> Patches {
        let mut patches = Patches::new();
        let mut appended = String::new();
        let model = edits.model.filter(|name| *name != self.model);
        if let Some(name) = model {
            let named = match self.endpoint.dialect() {
                Dialect::Gemini => Bytes::from(quoted(&format!("models/{name}"))),
                _ => Bytes::from(quoted(name)),
            };
            let places = self.spans.models.iter();
            patches.extend(places.map(|span| (span.clone(), named.clone())));
        }
        if edits.ask_usage && self.may_ask_usage() {
            self.ask_usage(&mut patches, &mut appended);
        }
        let model = model.unwrap_or(&self.model);
        let reasons = self.endpoint.dialect() == Dialect::OpenAi && is_reasoning(model);
        if let Some(value) = edits
            .temperature
            .filter(|value| value.is_finite() && !reasons)
        {
            let text = value.to_string();
            let setting = &self.spans.temperature;
            set(setting, "temperature", text, &mut patches, &mut appended);
        }
        if let Some(limit) = edits.max_tokens {
            let key = match self.endpoint {
                Endpoint::ChatCompletions if reasons => "max_completion_tokens",
                Endpoint::Responses => "max_output_tokens",
                Endpoint::GenerateContent | Endpoint::StreamGenerateContent => "maxOutputTokens",
                _ => "max_tokens",
            };
            let setting = &self.spans.max_tokens;
            set(setting, key, limit.to_string(), &mut patches, &mut appended);
        }
        if let Some(limit) = edits.lower_to {
            self.lower(body, limit, &mut patches);
        }
        if !appended.is_empty() {
            patches.push(self.placed(appended));
        }
        patches
    }

    /// Where members go that the request does not have; each begins with its
    /// comma.
    fn placed(&self, members: String) -> (Range<usize>, Bytes) {
        let end = self.spans.end..self.spans.end;
        let bare = || members.trim_start_matches(',');
        match &self.spans.settings {
            Settings::Body => (end, members.into()),
            Settings::Absent => {
                let comma = if self.spans.is_empty { "" } else { "," };
                let text = format!(r#"{comma}"generationConfig":{{{}}}"#, bare());
                (end, text.into())
            }
            Settings::Null(span) => (span.clone(), format!("{{{}}}", bare()).into()),
            Settings::Inside { at, empty } => {
                let comma = if *empty { "" } else { "," };
                (*at..*at, format!("{}{comma}", bare()).into())
            }
        }
    }

    fn lower(&self, body: &[u8], limit: u64, patches: &mut Patches) {
        for span in self.spans.limits.iter().flatten() {
            // A limit below zero is none, for the servers that take one.
            let raw = std::str::from_utf8(&body[span.clone()]).unwrap_or_default();
            let said = value::count("", raw).ok().flatten();
            if said.is_none_or(|said| said > limit) {
                patches.push((span.clone(), limit.to_string().into()));
            }
        }
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
pub(crate) fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let digit_after = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    digit_after("o") || name.starts_with("gpt-5") && !name.starts_with("gpt-5-chat")
}
