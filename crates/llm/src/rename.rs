use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Dialect, Endpoint};

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageStart<'a> {
    #[serde(borrow)]
    message: Chunk<'a>,
}

/// Puts the name that the caller asked for into whole events of a stream, for
/// `answer_model = "asked"`. Events that name no model stay as they are.
pub fn rename_events(endpoint: Endpoint, events: &Bytes, asked: &str) -> Bytes {
    let Ok(text) = std::str::from_utf8(events) else {
        return events.clone();
    };
    let quoted = serde_json::Value::from(asked).to_string();
    let mut renamed = String::with_capacity(text.len() + quoted.len());
    for line in text.split_inclusive(['\n', '\r']) {
        match model_span(endpoint, line) {
            Some(span) => {
                renamed += &line[..span.start];
                renamed += &quoted;
                renamed += &line[span.end..];
            }
            None => renamed += line,
        }
    }
    renamed.into()
}

/// Where the model's name stands in a line of data, quotes included.
fn model_span(endpoint: Endpoint, line: &str) -> Option<Range<usize>> {
    let data = line.strip_prefix("data:")?.trim();
    let raw = match endpoint.dialect() {
        Dialect::Anthropic => {
            serde_json::from_str::<MessageStart<'_>>(data)
                .ok()?
                .message
                .model
        }
        Dialect::OpenAi | Dialect::Gemini => serde_json::from_str::<Chunk<'_>>(data).ok()?.model,
    };
    let raw = raw?.get();
    let start = raw.as_ptr() as usize - line.as_ptr() as usize;
    raw.starts_with('"').then_some(start..start + raw.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(endpoint: Endpoint, events: &'static str) -> String {
        let bytes = rename_events(endpoint, &Bytes::from_static(events.as_bytes()), "fa\"st");
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn every_chunk_of_openai_names_its_model() {
        assert_eq!(
            renamed(
                Endpoint::ChatCompletions,
                ": hi\n\ndata: {\"a\":1, \"model\": \"gpt\" ,\"b\":{\"model\":\"x\"}}\r\n\r\ndata: [DONE]\n\n"
            ),
            ": hi\n\ndata: {\"a\":1, \"model\": \"fa\\\"st\" ,\"b\":{\"model\":\"x\"}}\r\n\r\ndata: [DONE]\n\n"
        );
    }

    #[test]
    fn anthropic_names_it_in_message_start() {
        assert_eq!(
            renamed(
                Endpoint::Messages,
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\"}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
            ),
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"fa\\\"st\"}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
        );
    }

    #[test]
    fn what_names_no_model_stays() {
        let events = "data: {\"model\":null}\n\ndata: {broken\n\nid: 7\n\n";
        assert_eq!(renamed(Endpoint::ChatCompletions, events), events);
    }
}
