use serde_json::{Value, json};

use super::ask::Ask;
use super::embedding;
use super::reply::{Call, Finish, Reply};
use crate::BadRequest;

/// As many as Gemini takes.
const MOST_REQUESTS: usize = 100;

/// An answer in one piece.
pub(super) fn content(ask: &Ask, reply: &Reply) -> Value {
    let mut parts = vec![json!({"text": reply.text()})];
    parts.extend(reply.calls.iter().map(function_call));
    part(ask, reply, &parts, Some(reply.finish))
}

/// The parts of a stream, the last one with the reason of the end.
pub(super) fn elements(ask: &Ask, reply: &Reply) -> Vec<Value> {
    let words = reply.words.iter().map(|word| json!({"text": word}));
    let parts = words.chain(reply.calls.iter().map(function_call));
    let mut elements: Vec<Value> = parts.map(|it| part(ask, reply, &[it], None)).collect();
    elements.push(part(ask, reply, &[json!({"text": ""})], Some(reply.finish)));
    elements
}

/// The same as events.
pub(super) fn events(ask: &Ask, reply: &Reply) -> Vec<String> {
    let elements = elements(ask, reply).into_iter();
    elements
        .map(|element| format!("data: {element}\r\n\r\n"))
        .collect()
}

/// The answer to `embedContent`, or to `batchEmbedContents` where the body has
/// `requests`.
pub(super) fn embedding(body: &Value) -> Result<Value, BadRequest> {
    let values = |request: &Value| {
        let parts = request["content"]["parts"].as_array();
        let texts = parts
            .into_iter()
            .flatten()
            .filter_map(|part| part["text"].as_str());
        let texts: Vec<&str> = texts.collect();
        let wanted = &request["outputDimensionality"];
        let ask = json!({"input": texts.join(" "), "dimensions": wanted});
        let answer = embedding::answer("", &ask)?;
        Ok(json!({"values": answer["data"][0]["embedding"]}))
    };
    match body["requests"].as_array() {
        Some(requests) if requests.len() > MOST_REQUESTS => Err(BadRequest::at(
            "requests",
            "found too many for one answer, expected at most 100",
        )),
        Some(requests) => {
            let all = requests.iter().map(values);
            let all = all.collect::<Result<Vec<Value>, BadRequest>>()?;
            Ok(json!({"embeddings": all}))
        }
        None if body["content"].is_object() => Ok(json!({"embedding": values(body)?})),
        None => Err(BadRequest::at(
            "content",
            "found no content, expected parts",
        )),
    }
}

fn part(ask: &Ask, reply: &Reply, parts: &[Value], finish: Option<Finish>) -> Value {
    let choices = if finish.is_some() { ask.choices } else { 1 };
    let candidates = (0..choices).map(|index| {
        let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": index});
        if let Some(finish) = finish {
            candidate["finishReason"] = reason(finish).into();
        }
        candidate
    });
    let output = match finish {
        Some(_) => reply.output_words() * ask.choices,
        None => 0,
    };
    let candidates: Vec<Value> = candidates.collect();
    json!({
        "candidates": candidates,
        "usageMetadata": {
            "promptTokenCount": ask.input_words,
            "candidatesTokenCount": output,
            "totalTokenCount": ask.input_words + output,
        },
        "modelVersion": ask.model,
        "responseId": format!("demo-{:016x}", reply.digest),
    })
}

fn function_call(call: &Call) -> Value {
    json!({"functionCall": {"name": call.name, "args": call.arguments}})
}

const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => "MAX_TOKENS",
        Finish::Stop | Finish::Tools => "STOP",
    }
}

#[cfg(test)]
mod tests;
