use serde_json::{Value, json};

use super::*;
use crate::{Catalog, read_request};

fn facts(model: &str) -> Facts {
    Catalog::built_in().facts("p", model)
}

fn input(endpoint: Endpoint, body: &Value, facts: &Facts) -> Bound {
    bound_input(endpoint, body.to_string().as_bytes(), facts)
}

fn output(endpoint: Endpoint, body: &Value, facts: &Facts, cap: Option<u64>) -> Bound {
    let body = body.to_string();
    let view = read_request(endpoint, body.as_bytes()).unwrap();
    match most_output(endpoint, &view, facts, cap) {
        Some(each) => Bound::Tokens(output_shape(endpoint, &view, body.as_bytes()).tokens(each)),
        None => Bound::None("no maximum"),
    }
}

fn chat(content: &Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

#[test]
fn a_byte_is_at_most_a_token() {
    let body = chat(&json!("hello"));
    let most = u64::try_from(body.to_string().len()).unwrap() + FRAME;
    let found = input(Endpoint::ChatCompletions, &body, &Facts::default());
    assert_eq!(found, Bound::Tokens(most));
}

#[test]
fn a_prompt_is_never_larger_than_the_window() {
    let body = chat(&json!("x".repeat(200_000)));
    let found = input(Endpoint::ChatCompletions, &body, &facts("gpt-4o"));
    assert_eq!(found, Bound::Tokens(128_000));
}

#[test]
fn a_picture_counts_for_what_it_may_be() {
    let picture = json!([{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]);
    let Bound::Tokens(most) = input(
        Endpoint::ChatCompletions,
        &chat(&picture),
        &Facts::default(),
    ) else {
        panic!("a picture has a bound");
    };
    assert!(most > PICTURE);
}

#[test]
fn a_document_may_fill_the_window() {
    let source = json!({"type": "url", "url": "https://x.test/a.pdf"});
    let body = chat(&json!([{"type": "document", "source": source}]));
    let found = input(Endpoint::Messages, &body, &facts("claude-opus-4-5"));
    assert_eq!(found, Bound::Tokens(200_000));
    let found = input(Endpoint::Messages, &body, &Facts::default());
    assert!(
        matches!(found, Bound::None(why) if why.contains("window")),
        "{found:?}"
    );
}

#[test]
fn what_the_provider_does_by_itself_has_no_bound() {
    let mut body = chat(&json!("news?"));
    body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let found = input(Endpoint::Messages, &body, &facts("claude-opus-4-5"));
    assert!(
        matches!(found, Bound::None(why) if why.contains("web search")),
        "{found:?}"
    );
    // A tool of the caller's own, and a text that only speaks of it.
    let own = json!([{"type": "custom", "name": "web_search", "input_schema": {"type": "object"}}]);
    let mut body = chat(&json!("say \"web_search_20250305\" and \"file_id\""));
    body["tools"] = own;
    let found = input(Endpoint::Messages, &body, &facts("claude-opus-4-5"));
    assert!(
        matches!(found, Bound::Tokens(most) if most < 10_000),
        "{found:?}"
    );
}

#[test]
fn marks_cannot_be_hidden_in_escapes() {
    let bound = |content: &str| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#);
        bound_input(
            Endpoint::Messages,
            body.as_bytes(),
            &facts("claude-opus-4-5"),
        )
    };
    let hidden = r#"[{"type":"\u0064ocument","source":{"type":"file","file\u005fid":"f"}}]"#;
    assert!(matches!(bound(hidden), Bound::None(_)));
    for harmless in [
        r#""a \\u0064 b""#,
        r#""\u003cb\u003e \u001b[0m \u00e4""#,
        r#""\u00""#,
        r#""\u00zz""#,
    ] {
        assert!(matches!(bound(harmless), Bound::Tokens(_)), "{harmless}");
    }
}

#[test]
fn output_is_choices_times_what_is_asked_or_can_be() {
    let mut body = chat(&json!("hi"));
    let (chat, gpt) = (Endpoint::ChatCompletions, facts("gpt-4o"));
    assert_eq!(output(chat, &body, &gpt, Some(9)), Bound::Tokens(16_384));
    assert_eq!(
        output(chat, &body, &Facts::default(), Some(9)),
        Bound::Tokens(9)
    );
    assert!(matches!(
        output(chat, &body, &Facts::default(), None),
        Bound::None(_)
    ));
    body["max_tokens"] = json!(100);
    body["n"] = json!(5);
    assert_eq!(output(chat, &body, &gpt, None), Bound::Tokens(500));
    body["max_tokens"] = json!(u64::MAX);
    assert_eq!(output(chat, &body, &gpt, None), Bound::Tokens(u64::MAX));
}

#[test]
fn every_prompt_of_a_completion_has_its_own_answers() {
    for (prompt, count) in [
        (json!("one"), 1),
        (json!(["one", "two", "three"]), 3),
        (json!([1, 2, 3]), 1),
        (json!([[1, 2], [3]]), 2),
        (json!([]), 1),
        (json!(null), 1),
    ] {
        let body = json!({"model": "m", "prompt": prompt, "max_tokens": 10, "n": 2});
        let found = output(Endpoint::Completions, &body, &Facts::default(), None);
        assert_eq!(found, Bound::Tokens(20 * count), "{body}");
    }
}

#[test]
fn what_generates_nothing_costs_no_output() {
    let body = json!({"model": "m", "input": ["a", "b"]});
    let found = output(Endpoint::Embeddings, &body, &Facts::default(), None);
    assert_eq!(found, Bound::Tokens(0));
    let body = chat(&json!("hi"));
    let found = input(Endpoint::CountTokens, &body, &Facts::default());
    assert_eq!(found, Bound::Tokens(0));
}

#[test]
fn a_rejected_prediction_is_billed_on_top() {
    let mut body = chat(&json!("hi"));
    body["max_tokens"] = json!(10);
    body["prediction"] = json!({"type": "content", "content": "hello"});
    let found = output(Endpoint::ChatCompletions, &body, &Facts::default(), None);
    assert!(
        matches!(found, Bound::Tokens(most) if most > 50),
        "{found:?}"
    );
}

#[test]
fn what_each_answer_may_have_follows_from_the_whole() {
    let shape = |endpoint, body: &Value| {
        let body = body.to_string();
        let view = read_request(endpoint, body.as_bytes()).unwrap();
        output_shape(endpoint, &view, body.as_bytes())
    };
    let chat = Endpoint::ChatCompletions;
    let three = shape(chat, &json!({"model": "m", "n": 3}));
    assert_eq!(
        (three.tokens(100), three.each_within(302)),
        (300, Some(100))
    );
    let predicted = json!({"model": "m", "prediction": {"type": "content", "content": "abc"}});
    let length = predicted.to_string().len() as u64;
    let predicted = shape(chat, &predicted);
    assert_eq!(predicted.each_within(length - 1), None);
    assert_eq!(predicted.each_within(length + 7), Some(7));
    let prompts = json!({"model": "m", "n": 2, "prompt": ["a", "b"]});
    let prompts = shape(Endpoint::Completions, &prompts);
    assert_eq!(prompts.each_within(403), Some(100));
    for (endpoint, body) in [
        (Endpoint::Embeddings, json!({"model": "m", "input": "x"})),
        (Endpoint::CountTokens, json!({"model": "m", "messages": []})),
        (
            Endpoint::Messages,
            json!({"model": "m", "thinking": {"budget_tokens": 2000}, "messages": []}),
        ),
    ] {
        assert_eq!(shape(endpoint, &body).each_within(u64::MAX), None, "{body}");
    }
}
