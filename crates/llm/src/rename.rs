use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Dialect, Endpoint, json};

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    response: Chunk<'a>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "modelVersion")]
    model: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageStart<'a> {
    #[serde(borrow)]
    message: Chunk<'a>,
}

/// Puts the name that the caller asked for into whole events of a stream, or
/// whole elements of an array, for `answer_model = "asked"`. Events that name
/// no model stay as they are.
pub fn rename_events(endpoint: Endpoint, events: &Bytes, asked: &str) -> Bytes {
    let Ok(text) = std::str::from_utf8(events) else {
        return events.clone();
    };
    let quoted = serde_json::Value::from(asked).to_string();
    let mut renamed = String::with_capacity(text.len() + quoted.len());
    for piece in pieces(endpoint, text) {
        match model_span(endpoint, piece) {
            Some(span) => {
                renamed += &piece[..span.start];
                renamed += &quoted;
                renamed += &piece[span.end..];
            }
            None => renamed += piece,
        }
    }
    renamed.into()
}

/// Pieces that name a model once at most: lines, or elements of an array with
/// what stands before them.
fn pieces(endpoint: Endpoint, text: &str) -> Vec<&str> {
    let is_array = || {
        let text = text.trim_ascii_start();
        text.starts_with(['[', ',', ']'])
    };
    if endpoint.dialect() != Dialect::Gemini || !is_array() {
        return text.split_inclusive(['\n', '\r']).collect();
    }
    let mut splitter = crate::array::ArraySplitter::default();
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(end) = splitter.unit_end(rest.as_bytes()) {
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Where the model's name stands in a piece, quotes included.
fn model_span(endpoint: Endpoint, piece: &str) -> Option<Range<usize>> {
    let data = match piece.strip_prefix("data:") {
        Some(data) => data.trim(),
        None if endpoint.dialect() == Dialect::Gemini => piece.get(piece.find('{')?..)?,
        None => return None,
    };
    let raw = match endpoint {
        Endpoint::Messages => read::<MessageStart<'_>>(data)?.message.model,
        Endpoint::Responses => read::<Response<'_>>(data)?.response.model,
        _ if endpoint.dialect() == Dialect::Gemini => read::<Part<'_>>(data)?.model,
        _ => read::<Chunk<'_>>(data)?.model,
    };
    let raw = raw?.get();
    raw.starts_with('"').then(|| json::span(piece, raw))
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Option<T> {
    serde_json::from_str(data).ok()
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
    fn responses_name_it_in_the_response() {
        assert_eq!(
            renamed(
                Endpoint::Responses,
                "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"gpt\"},\"sequence_number\":0}\n\n"
            ),
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"fa\\\"st\"},\"sequence_number\":0}\n\n"
        );
    }

    #[test]
    fn gemini_names_its_version_in_events_and_elements() {
        assert_eq!(
            renamed(
                Endpoint::StreamGenerateContent,
                "data: {\"candidates\":[],\"modelVersion\":\"gemini\"}\r\n\r\n"
            ),
            "data: {\"candidates\":[],\"modelVersion\":\"fa\\\"st\"}\r\n\r\n"
        );
        assert_eq!(
            renamed(
                Endpoint::StreamGenerateContent,
                ",\n{\"modelVersion\":\"a\"}\n,{\n\"modelVersion\": \"b\"\n}\n]\n"
            ),
            ",\n{\"modelVersion\":\"fa\\\"st\"}\n,{\n\"modelVersion\": \"fa\\\"st\"\n}\n]\n"
        );
    }

    #[test]
    fn what_names_no_model_stays() {
        let events = "data: {\"model\":null}\n\ndata: {broken\n\nid: 7\n\n";
        assert_eq!(renamed(Endpoint::ChatCompletions, events), events);
    }
}
