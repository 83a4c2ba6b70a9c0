//! The most that a request can use, from what it says and before it is sent.
//!
//! A bound that is too low is a way around a budget; one that is too high only
//! holds a part of it back until the answer is there. So every doubt goes up.

mod gemini;
mod responses;

use memchr::memmem::{find, find_iter};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::price::Facts;
use crate::{Dialect, Endpoint, RequestView};

/// Most tokens of one picture: a large one in full detail, with the model that
/// counts the most for it (gpt-4o-mini: 2,833 and 5,667 for each of 8 tiles).
const PICTURE: u64 = 49_152;
/// Instructions that providers add where a request has tools. Anthropic tells
/// of up to 804 tokens, and more for tools that it defines itself.
const TOOLS: u64 = 4_096;
/// The least `max_output_tokens` that OpenAI takes.
const LEAST_OF_RESPONSES: u64 = 16;
/// Tokens around a conversation: roles, separators, the start of the answer.
const FRAME: u64 = 64;

/// How much a request can use, or why that can't be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most so many tokens.
    Tokens(u64),
    /// There is no bound; the words say of what, for the caller.
    None(&'static str),
}

/// The most input that a request can have, in tokens.
///
/// A tokenizer makes at most one token of a byte (byte-level BPE falls back to
/// single bytes, and JSON's own quotes and commas exceed what a chat template
/// adds), so the length of the body is a bound for all that stands in it.
/// Pictures count for what they may be when they are unpacked. What only
/// refers to content that stands elsewhere, or is compressed, may fill the
/// model's window; tools that the provider runs by itself may do so again and
/// again, and have no bound.
pub fn bound_input(endpoint: Endpoint, body: &[u8], facts: &Facts) -> Bound {
    if endpoint.only_counts() {
        // Counted for nothing, and nothing is generated.
        return Bound::Tokens(0);
    }
    if hides_letters(body) {
        return Bound::None("it writes plain letters as escapes");
    }
    let beyond = match endpoint {
        Endpoint::Responses => responses::beyond(body),
        _ if endpoint.dialect() == Dialect::Gemini => gemini::beyond(body),
        _ => beyond(body),
    };
    if let Beyond::Unbounded(what) = beyond {
        return Bound::None(what);
    }
    let window = facts.context_window;
    if beyond == Beyond::Window {
        return match window {
            Some(window) => Bound::Tokens(window),
            None => Bound::None(
                "it refers to a document, and the context window of the model is not known",
            ),
        };
    }
    let count = |mark: &[u8]| u64::try_from(find_iter(body, mark).count()).unwrap_or(u64::MAX);
    let pictures = count(br#""image_url""#)
        .saturating_add(count(br#""image""#))
        .saturating_add(count(br#""input_image""#))
        .saturating_add(count(br#""inlineData""#))
        .saturating_add(count(br#""inline_data""#));
    let tools = match find(body, br#""tools""#).or(find(body, br#""functions""#)) {
        Some(_) => TOOLS,
        None => 0,
    };
    let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let most = bytes
        .saturating_add(pictures.saturating_mul(PICTURE))
        .saturating_add(tools)
        .saturating_add(FRAME);
    // A provider refuses a prompt that does not fit. Many inputs of an
    // embedding each have the window to themselves.
    Bound::Tokens(match (window, endpoint) {
        (Some(window), _) if endpoint.generates() && endpoint != Endpoint::Completions => {
            most.min(window)
        }
        _ => most,
    })
}

/// The most output of one answer, in tokens: what the request allows, else
/// what the model can, else `cap`; none where nothing says it.
pub fn most_output(
    endpoint: Endpoint,
    view: &RequestView,
    facts: &Facts,
    cap: Option<u64>,
) -> Option<u64> {
    match endpoint.generates() {
        false => Some(0),
        true => view.max_output.or(facts.max_output).or(cap),
    }
}

/// How the output of a whole request follows from that of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputShape {
    answers: u64,
    predicted: u64,
    /// A lower maximum would break the request: it says how much of it is for
    /// thinking, which must be less.
    fixed: bool,
    /// No provider takes a lower maximum.
    least: u64,
}

impl OutputShape {
    /// Output of the request, in tokens, where each answer has so many.
    pub fn tokens(self, each: u64) -> u64 {
        each.saturating_mul(self.answers)
            .saturating_add(self.predicted)
    }

    /// The most that each answer may have so that the request has no more than
    /// `tokens`; none where even none is too much, or where the request's
    /// maximum can't be lowered without breaking it.
    pub fn each_within(self, tokens: u64) -> Option<u64> {
        let left = tokens.checked_sub(self.predicted).filter(|_| !self.fixed)?;
        let each = left / self.answers.max(1);
        (each >= self.least).then_some(each)
    }
}

/// How many answers a request leads to, and what comes on top.
pub fn output_shape(endpoint: Endpoint, view: &RequestView, body: &[u8]) -> OutputShape {
    if !endpoint.generates() {
        return OutputShape {
            answers: 0,
            predicted: 0,
            fixed: true,
            least: 0,
        };
    }
    let prompts = match endpoint {
        Endpoint::Completions => prompts(body),
        _ => 1,
    };
    // A predicted answer that is rejected is billed as output on top.
    let predicted = match find(body, br#""prediction""#) {
        Some(_) => u64::try_from(body.len()).unwrap_or(u64::MAX),
        None => 0,
    };
    OutputShape {
        answers: view.choices.max(1).saturating_mul(prompts),
        predicted,
        fixed: find(body, br#""budget_tokens""#).is_some(),
        least: match endpoint {
            Endpoint::Responses => LEAST_OF_RESPONSES,
            _ => 0,
        },
    }
}

impl Bound {
    /// The sum; no bound where one side has none.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Tokens(one), Self::Tokens(two)) => Self::Tokens(one.saturating_add(two)),
            (Self::None(why), _) | (_, Self::None(why)) => Self::None(why),
        }
    }
}

/// What of a request's input does not stand in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    Nothing,
    /// As much as fits into the model's window.
    Window,
    /// Without bound; the words say why.
    Unbounded(&'static str),
}

fn beyond(body: &[u8]) -> Beyond {
    match runs_by_itself(body) {
        Some(what) => Beyond::Unbounded(what),
        None if refers_elsewhere(body) => Beyond::Window,
        None => Beyond::Nothing,
    }
}

/// Tools that the provider runs, feeding their results to the model as new
/// input, as often as it likes.
fn runs_by_itself(body: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 7] = [
        (
            br#""web_search_20"#,
            "it asks for the provider's web search",
        ),
        (br#""web_fetch_20"#, "it asks for the provider's web fetch"),
        (
            br#""code_execution_20"#,
            "it asks for the provider's code execution",
        ),
        (
            br#""mcp_servers""#,
            "it asks the provider to call MCP servers",
        ),
        (
            br#""compact_20"#,
            "it asks the provider to compact the conversation",
        ),
        (
            br#""web_search_options""#,
            "it asks for the provider's web search",
        ),
        (
            br#""advisor_20"#,
            "it asks for another model beside this one",
        ),
    ];
    let found = MARKS.iter().find(|(mark, _)| unescaped(body, mark));
    found.map(|(_, what)| *what)
}

/// Documents by name, by address or packed: their size says nothing.
fn refers_elsewhere(body: &[u8]) -> bool {
    const MARKS: [&[u8]; 6] = [
        br#""file_id""#,
        br#""file_url""#,
        br#""file_data""#,
        br#""document""#,
        br#""container_upload""#,
        br#""input_file""#,
    ];
    MARKS.iter().any(|mark| unescaped(body, mark))
}

/// Whether a mark stands in the JSON itself and not inside a text, where its
/// quote would be escaped.
fn unescaped(body: &[u8], mark: &[u8]) -> bool {
    find_iter(body, mark).any(|at| !is_escaped(body, at))
}

/// Letters written as `\u0066`: no encoder does that, and it would hide what is
/// looked for here.
fn hides_letters(body: &[u8]) -> bool {
    find_iter(body, br"\u00").any(|at| {
        let digits = body.get(at + 4..at + 6);
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let letter = code.is_some_and(|code| code.is_ascii_alphanumeric() || code == b'_');
        letter && !is_escaped(body, at)
    })
}

/// Whether an odd number of backslashes stands before a place.
fn is_escaped(body: &[u8], at: usize) -> bool {
    let before = body.get(..at).unwrap_or_default();
    let slashes = before.iter().rev().take_while(|&&byte| byte == b'\\');
    slashes.count() % 2 == 1
}

/// How many prompts a completion has; each gets answers of its own. A list of
/// numbers is one prompt that was tokenized before.
fn prompts(body: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Prompts<'a> {
        #[serde(borrow)]
        prompt: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct List<'a>(#[serde(borrow)] Vec<&'a RawValue>);

    let read = serde_json::from_slice::<Prompts<'_>>(body).ok();
    let prompt = read.and_then(|read| read.prompt);
    let list = prompt.and_then(|prompt| serde_json::from_str::<List<'_>>(prompt.get()).ok());
    let Some(List(items)) = list else { return 1 };
    let whole = |item: &&&RawValue| item.get().starts_with(['"', '[']);
    u64::try_from(items.iter().filter(whole).count())
        .unwrap_or(u64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests;
