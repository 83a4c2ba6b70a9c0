//! The texts of a request or an answer, for whoever looks at what was written.
//!
//! A body that is JSON is read as what it holds: the strings that people, tools
//! and models wrote, apart from the names and seals of the dialect. Nothing is
//! copied but what has escapes to resolve, and a place in the resolved text is
//! brought back to the place in the body, so that an edit leaves everything
//! else as it was.
//!
//! * [`segments`] cuts a request where a conversation grows: a message that is
//!   sent again is the same segment, byte for byte.
//! * [`Texts`] reads the strings of one segment, or of one event of a stream.
//! * [`Unescaped`] is one string without its escapes.

mod media;
mod segment;
mod unescape;

use std::ops::Range;

use crate::Endpoint;
use crate::json::end_of_string;

pub use segment::{Segment, segments};
pub use unescape::Unescaped;

/// What may be done with a text, and what it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Somebody wrote it; it may be edited.
    Free,
    /// Somebody wrote it, and a seal beside it says that nobody edited it.
    Signed,
    /// A name, an id or a seal: nobody wrote it, and editing it breaks it.
    Sealed,
    /// A picture, a sound or a document in base64, by its type and its first
    /// bytes.
    Media,
}

/// One string of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What stands between its quotes, escapes as they were written.
    pub span: Range<usize>,
    /// From the quote that opens its key; the string's own start where its key
    /// is one of the dialect's and says nothing about the value.
    pub from: usize,
    /// What it is.
    pub kind: TextKind,
    /// It came from outside: a tool's result, a page that was found.
    pub foreign: bool,
    /// The user's turn says it.
    pub asked: bool,
    /// Escapes stand in it.
    pub escaped: bool,
    /// It is the next part of a text that goes on over events.
    pub delta: bool,
    /// Which part of an answer it belongs to, by the numbers that say so in
    /// every event: a block, a choice, a call.
    pub lane: u64,
    /// The key of the dialect that it stands under, or none. Two keys of one
    /// lane are two texts.
    pub key: &'static str,
}

/// Reads strings; keeps its memory from one body to the next.
#[derive(Debug, Default)]
pub struct Texts {
    containers: Vec<Container>,
    strings: Vec<Found>,
}

#[derive(Debug, Default)]
struct Container {
    parent: usize,
    key: Range<usize>,
    tags: u8,
    /// Of the numbers that say which part of an answer this is.
    index: u64,
}

#[derive(Debug)]
struct Found {
    span: Range<usize>,
    key: Range<usize>,
    parent: usize,
    is_key: bool,
}

const FOREIGN: u8 = 1;
const SIGNED: u8 = 2;
const MEDIA: u8 = 4;
const DELTA: u8 = 8;
const ASKED: u8 = 16;

/// Keys whose strings people, tools and models write. Their names say nothing
/// about the value; any other key may (`"password":"…"`).
const WRITTEN: [&str; 27] = [
    "content",
    "text",
    "arguments",
    "output",
    "input",
    "thinking",
    "reasoning",
    "reasoning_content",
    "refusal",
    "system",
    "instructions",
    "prompt",
    "description",
    "partial_json",
    "delta",
    "data",
    "url",
    "image_url",
    "file_data",
    "name",
    "title",
    "user",
    "suffix",
    "code",
    "logs",
    "response",
    "parts",
];

/// Keys whose strings are names, ids or seals.
const SEALED: [&str; 28] = [
    "role",
    "type",
    "id",
    "model",
    "object",
    "status",
    "signature",
    "encrypted_content",
    "encrypted_index",
    "thoughtSignature",
    "thought_signature",
    "tool_use_id",
    "tool_call_id",
    "call_id",
    "item_id",
    "response_id",
    "previous_response_id",
    "prompt_cache_key",
    "finish_reason",
    "finishReason",
    "native_finish_reason",
    "stop_reason",
    "system_fingerprint",
    "service_tier",
    "media_type",
    "mime_type",
    "mimeType",
    "modelVersion",
];

/// Shortest key of a caller's own that is looked at for itself, in bytes.
const LONG_KEY: usize = 20;

impl Texts {
    /// Reads the strings of JSON text: a whole body, a member of one, an event
    /// with what frames it. Bytes that are no JSON are passed over.
    pub fn read<'t>(
        &'t mut self,
        endpoint: Endpoint,
        text: &'t [u8],
    ) -> impl Iterator<Item = Text> + 't {
        self.walk(text);
        self.inherit();
        let this = &*self;
        let strings = this.strings.iter();
        strings.map(move |found| this.told(endpoint, text, found))
    }

    fn walk(&mut self, text: &[u8]) {
        self.containers.clear();
        self.strings.clear();
        self.containers.push(Container::default());
        let (mut at, mut parent, mut key) = (0, 0, 0..0);
        while let Some(&byte) = text.get(at) {
            match byte {
                b'"' => {
                    let span = at + 1..end_of_string(text, at + 1).min(text.len());
                    at = span.end + 1;
                    let after = text.get(at..).unwrap_or_default();
                    let blank = after.iter().take_while(|b| b.is_ascii_whitespace()).count();
                    if after.get(blank) == Some(&b':') {
                        at += blank + 1;
                        self.long_key(&span, parent);
                        key = span;
                        continue;
                    }
                    self.tag(parent, &text[key.clone()], &text[span.clone()]);
                    self.strings.push(Found {
                        span,
                        key: std::mem::take(&mut key),
                        parent,
                        is_key: false,
                    });
                    continue;
                }
                b'{' | b'[' => {
                    let key = std::mem::take(&mut key);
                    let tags = tags_of_key(&text[key.clone()]);
                    self.containers.push(Container {
                        parent,
                        key,
                        tags,
                        index: 0,
                    });
                    parent = self.containers.len() - 1;
                }
                b'}' | b']' => parent = self.containers[parent].parent,
                b',' => key = 0..0,
                b'0'..=b'9' if !key.is_empty() => {
                    let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                    self.number(parent, &text[key.clone()], &text[at..at + digits]);
                    at += digits;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn long_key(&mut self, span: &Range<usize>, parent: usize) {
        if span.len() >= LONG_KEY {
            self.strings.push(Found {
                span: span.clone(),
                key: 0..0,
                parent,
                is_key: true,
            });
        }
    }

    /// What a string says of the object that it stands in.
    fn tag(&mut self, parent: usize, key: &[u8], value: &[u8]) {
        let tags = match key {
            b"role" if matches!(value, b"tool" | b"function") => FOREIGN,
            b"role" if value == b"user" => ASKED,
            b"type" if is_result(value) => FOREIGN,
            b"signature" | b"thoughtSignature" | b"thought_signature" | b"encrypted_content"
                if !value.is_empty() =>
            {
                SIGNED
            }
            b"media_type" | b"mimeType" | b"mime_type" if media::is_type(value) => MEDIA,
            _ => return,
        };
        self.containers[parent].tags |= tags;
    }

    fn number(&mut self, parent: usize, key: &[u8], digits: &[u8]) {
        let weight = match key {
            b"index" => 1,
            b"output_index" => 1 << 16,
            b"content_index" => 1 << 32,
            b"summary_index" => 1 << 48,
            _ => return,
        };
        let number = digits
            .iter()
            .take(5)
            .fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        let index = &mut self.containers[parent].index;
        *index = index.wrapping_add((number + 1).wrapping_mul(weight));
    }

    /// What holds for a container holds for all that it holds.
    fn inherit(&mut self) {
        for at in 1..self.containers.len() {
            let above = &self.containers[self.containers[at].parent];
            let (tags, index) = (above.tags, above.index);
            let own = &mut self.containers[at];
            own.tags |= tags;
            own.index = own.index.wrapping_add(index);
        }
    }

    fn told(&self, endpoint: Endpoint, text: &[u8], found: &Found) -> Text {
        let container = &self.containers[found.parent];
        let key = match found.key.is_empty() {
            true => &container.key,
            false => &found.key,
        };
        let name = text.get(key.clone()).unwrap_or_default();
        let value = text.get(found.span.clone()).unwrap_or_default();
        let written = WRITTEN.iter().position(|known| known.as_bytes() == name);
        let says_more = written.is_none() && !found.key.is_empty();
        Text {
            span: found.span.clone(),
            from: match says_more {
                true => found.key.start - 1,
                false => found.span.start,
            },
            kind: kind(found, container.tags, name, value),
            foreign: container.tags & FOREIGN != 0,
            // A prompt in one piece has no role.
            asked: container.tags & ASKED != 0
                || found.parent == 0 && matches!(name, b"input" | b"prompt"),
            escaped: memchr::memchr(b'\\', value).is_some(),
            delta: is_delta(endpoint, container.tags, name),
            lane: container.index,
            key: written.map_or("", |at| WRITTEN[at]),
        }
    }
}

fn kind(found: &Found, tags: u8, name: &[u8], value: &[u8]) -> TextKind {
    if !found.is_key && SEALED.iter().any(|known| known.as_bytes() == name) {
        return TextKind::Sealed;
    }
    let stated = tags & MEDIA != 0 && name == b"data";
    if media::is_media(value, stated) {
        return TextKind::Media;
    }
    match tags & SIGNED != 0 {
        true => TextKind::Signed,
        false => TextKind::Free,
    }
}

fn tags_of_key(key: &[u8]) -> u8 {
    match key {
        b"functionResponse" | b"function_response" | b"codeExecutionResult" => FOREIGN,
        b"input_audio" => MEDIA,
        b"delta" | b"content_block" => DELTA,
        _ => 0,
    }
}

/// Whether an object of this type holds what a tool brought.
fn is_result(kind: &[u8]) -> bool {
    kind.ends_with(b"tool_result")
        || kind.ends_with(b"_call_output")
        || kind.ends_with(b"search_result")
        || kind == b"mcp_call"
}

/// Whether a string of an event goes on where the one before it ended.
fn is_delta(endpoint: Endpoint, tags: u8, key: &[u8]) -> bool {
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Messages => tags & DELTA != 0,
        Endpoint::Responses => key == b"delta",
        Endpoint::Completions | Endpoint::StreamGenerateContent => key == b"text",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
