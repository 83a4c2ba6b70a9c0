use serde_json::{Value, json};

use crate::demo::{answer, answer_at};
use crate::{Endpoint, Framing, StreamTap, TapOptions};

const PATH: &str = "/v1beta/models/demo:streamGenerateContent";

fn ask(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

fn unary(endpoint: Endpoint, body: &Value) -> Value {
    let answer = answer(endpoint, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{:?}", answer.chunks);
    serde_json::from_slice(&answer.chunks[0]).unwrap()
}

/// The parts of a stream, which the gateway's own tap takes.
fn parts(framing: Framing, body: &Value) -> Vec<Value> {
    let query = (framing == Framing::Events).then_some("alt=sse");
    let endpoint = Endpoint::StreamGenerateContent;
    let answer = answer_at(endpoint, PATH, query, body.to_string().as_bytes());
    let options = TapOptions {
        framing,
        ..TapOptions::default()
    };
    let mut tap = StreamTap::new(endpoint, options);
    for chunk in &answer.chunks {
        assert_eq!(tap.push(chunk.clone()).bytes.concat(), *chunk);
    }
    assert_eq!(tap.end().fault, None);
    assert!(tap.usage().is_some());
    let text = String::from_utf8(answer.chunks.concat()).unwrap();
    match framing {
        Framing::Array => serde_json::from_str(&text).unwrap(),
        Framing::Events => {
            let data = text.split("\r\n\r\n").filter(|event| !event.is_empty());
            let data = data.map(|event| event.strip_prefix("data: ").unwrap());
            data.map(|data| serde_json::from_str(data).unwrap())
                .collect()
        }
    }
}

#[test]
fn fact_19_text_is_the_same_whole_in_events_and_in_an_array() {
    let body = ask("hello there");
    let whole = unary(Endpoint::GenerateContent, &body);
    let text = whole["candidates"][0]["content"]["parts"][0]["text"].clone();
    assert!(text.as_str().unwrap().ends_with("You said: hello there"));
    assert_eq!(whole["usageMetadata"]["promptTokenCount"], 2);
    let events = parts(Framing::Events, &body);
    assert_eq!(events, parts(Framing::Array, &body));
    let said = |part: &Value| part["candidates"][0]["content"]["parts"][0]["text"].clone();
    let said: Vec<_> = events.iter().map(said).collect();
    let said: String = said.iter().filter_map(Value::as_str).collect();
    assert_eq!(said, text);
}

#[test]
fn fact_18_a_tool_is_called_with_an_object() {
    let mut body = ask("please use get_weather");
    body["tools"] = json!([{"functionDeclarations": [{"name": "get_weather", "parameters":
        {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}]);
    let expected = json!({"functionCall": {"name": "get_weather", "args": {"city": "demo"}}});
    let whole = unary(Endpoint::GenerateContent, &body);
    assert_eq!(whole["candidates"][0]["content"]["parts"][1], expected);
    let streamed = parts(Framing::Events, &body);
    let found = |part: &Value| part["candidates"][0]["content"]["parts"][0] == expected;
    assert!(streamed.iter().any(found));

    let result = json!({"functionResponse": {"name": "get_weather", "response": {"degrees": 18}}});
    let turns = body["contents"].as_array_mut().unwrap();
    turns.push(json!({"role": "model", "parts": [expected]}));
    turns.push(json!({"role": "user", "parts": [result]}));
    let whole = unary(Endpoint::GenerateContent, &body);
    let text = &whole["candidates"][0]["content"]["parts"][0]["text"];
    assert!(
        text.as_str().unwrap().contains(r#"{"degrees":18}"#),
        "{text}"
    );
}

#[test]
fn limits_and_candidates_are_kept_to() {
    let mut body = ask("x");
    body["generationConfig"] = json!({"maxOutputTokens": 3, "candidateCount": 2});
    let whole = unary(Endpoint::GenerateContent, &body);
    assert_eq!(whole["candidates"][1]["finishReason"], "MAX_TOKENS");
    assert_eq!(whole["usageMetadata"]["candidatesTokenCount"], 6);
}

#[test]
fn counting_and_embedding_are_answered() {
    let counted = unary(Endpoint::GeminiCountTokens, &ask("one two three"));
    assert_eq!(counted, json!({"totalTokens": 3}));
    let inner = json!({"generateContentRequest": ask("one two")});
    assert_eq!(unary(Endpoint::GeminiCountTokens, &inner)["totalTokens"], 2);
    let content = json!({"content": {"parts": [{"text": "sea"}]}, "outputDimensionality": 4});
    let one = unary(Endpoint::EmbedContent, &content);
    assert_eq!(one["embedding"]["values"].as_array().unwrap().len(), 4);
    let batch = json!({"requests": [content, content]});
    let two = unary(Endpoint::BatchEmbedContents, &batch);
    assert_eq!(two["embeddings"][1], one["embedding"]);
    let many = json!({"requests": vec![content; 101]}).to_string();
    let refused = answer(Endpoint::BatchEmbedContents, many.as_bytes());
    assert_eq!(refused.status, 400);
}
