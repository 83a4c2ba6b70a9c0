use std::ops::Range;

use super::value::{self, count, flag};
use super::{BadRequest, Setting, syntax};
use crate::Endpoint;
use crate::json::{self, Members as Pass};

/// Keys whose values are read, in the order of [`KEYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Model,
    Stream,
    StreamOptions,
    MaxTokens,
    MaxCompletionTokens,
    N,
    BestOf,
    Temperature,
    TopP,
    Thinking,
    Models,
    Fallbacks,
}

/// How many of [`KEYS`] are read; the others only may not be ambiguous.
const READ: usize = 12;

/// Keys that may stand only once and only as they are written here: first those
/// of [`Control`], then those that carry what is judged or priced.
const KEYS: [&str; 32] = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "best_of",
    "temperature",
    "top_p",
    "thinking",
    "models",
    "fallbacks",
    "messages",
    "prompt",
    "suffix",
    "input",
    "system",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "reasoning_effort",
    "service_tier",
    "web_search_options",
    "modalities",
    "audio",
    "prediction",
    "mcp_servers",
    "container",
    "dimensions",
    "store",
];

/// The body's members that matter, as they stand in its text.
pub(super) struct Members<'a> {
    endpoint: Endpoint,
    text: &'a str,
    found: [Option<&'a str>; READ],
}

impl<'a> Members<'a> {
    pub(super) fn read(endpoint: Endpoint, text: &'a str) -> Result<Self, BadRequest> {
        let pass: Pass<'_, READ> = syntax::members(&KEYS, text)?;
        if let Some(problem) = pass.problem {
            return Err(BadRequest::at(problem.key, problem.words));
        }
        for other in [Control::Models, Control::Fallbacks] {
            value::no_others(KEYS[other as usize], pass.found[other as usize])?;
        }
        Ok(Self {
            endpoint,
            text,
            found: pass.found,
        })
    }

    /// The value's text, where the endpoint has such a key.
    pub(super) fn raw(&self, control: Control) -> Option<&'a str> {
        let applies = match control {
            Control::StreamOptions | Control::N => self.generates_openai(),
            Control::BestOf => self.endpoint == Endpoint::Completions,
            Control::MaxCompletionTokens => self.endpoint == Endpoint::ChatCompletions,
            Control::MaxTokens => self.endpoint.may_stream(),
            _ => true,
        };
        self.found[control as usize].filter(|_| applies)
    }

    pub(super) fn span(&self, control: Control) -> Option<Range<usize>> {
        self.found[control as usize].map(|raw| json::span(self.text, raw))
    }

    pub(super) fn model(&self) -> Result<String, BadRequest> {
        value::model(self.raw(Control::Model))
    }

    pub(super) fn flag(&self, control: Control) -> Result<Option<bool>, BadRequest> {
        let raw = self.raw(control).unwrap_or("null");
        flag(KEYS[control as usize], raw)
    }

    pub(super) fn max_output(&self) -> Result<Option<u64>, BadRequest> {
        let total = self.count(Control::MaxTokens)?;
        Ok(total.max(self.count(Control::MaxCompletionTokens)?))
    }

    pub(super) fn choices(&self) -> Result<u64, BadRequest> {
        let mut choices = 1;
        for control in [Control::N, Control::BestOf] {
            let found = self.count(control)?;
            if found == Some(0) {
                let message = "found `0`, expected 1 or more";
                return Err(BadRequest::at(KEYS[control as usize], message));
            }
            choices = choices.max(found.unwrap_or(1));
        }
        Ok(choices)
    }

    fn count(&self, control: Control) -> Result<Option<u64>, BadRequest> {
        let raw = self.raw(control).unwrap_or("null");
        count(KEYS[control as usize], raw)
    }

    /// Providers refuse a temperature beside `thinking`, and newer Anthropic
    /// models one beside `top_p`: a default must not break such a request.
    pub(super) fn temperature(&self) -> Setting {
        let given = |control| self.raw(control).is_some_and(|raw| raw != "null");
        if given(Control::Thinking) || given(Control::TopP) {
            return Setting::Given;
        }
        self.setting(Control::Temperature)
    }

    /// A limit under either name is a limit. Where both are null, the newer
    /// name's place is taken.
    pub(super) fn limit_setting(&self) -> Setting {
        let older = self.setting(Control::MaxTokens);
        if self.endpoint != Endpoint::ChatCompletions || older == Setting::Given {
            return older;
        }
        match self.setting(Control::MaxCompletionTokens) {
            Setting::Absent => older,
            newer => newer,
        }
    }

    /// Where limits of the answer stand that the endpoint reads.
    pub(super) fn limits(&self) -> [Option<Range<usize>>; 2] {
        [Control::MaxTokens, Control::MaxCompletionTokens].map(|control| {
            let given = self.raw(control).is_some_and(|raw| raw != "null");
            self.span(control).filter(|_| given)
        })
    }

    fn setting(&self, control: Control) -> Setting {
        match self.span(control) {
            _ if !self.endpoint.may_stream() => Setting::Given,
            None => Setting::Absent,
            Some(span) if &self.text[span.clone()] == "null" => Setting::Null(span),
            Some(_) => Setting::Given,
        }
    }

    fn generates_openai(&self) -> bool {
        matches!(
            self.endpoint,
            Endpoint::ChatCompletions | Endpoint::Completions
        )
    }
}
