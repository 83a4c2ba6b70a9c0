//! What must hold of any body and any edits. Runs under the fuzzer and, so
//! that it is exercised on a stable compiler, in the tests of `tollgate-llm`.

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use tollgate_llm::{Dialect, Edits, Endpoint, read_request, read_request_at};

/// The first byte chooses the endpoint, the second the edits, the rest is the
/// body.
pub(crate) fn check(input: &[u8]) {
    let [endpoint, head, body @ ..] = input else {
        return;
    };
    let endpoint = Endpoint::ALL[usize::from(*endpoint) % Endpoint::ALL.len()];
    let body = Bytes::copy_from_slice(body);
    let Ok(view) = read_request(endpoint, &body) else {
        return;
    };
    assert!(
        serde_json::from_slice::<&RawValue>(&body).is_ok(),
        "accepted what is not JSON"
    );
    let edits = Edits {
        model: (head & 8 != 0).then_some("other/\"model\""),
        ask_usage: head & 16 != 0,
        temperature: (head & 32 != 0).then_some(0.5),
        max_tokens: (head & 64 != 0).then_some(77),
        lower_to: None,
    };
    let unedited = view.apply(&body, &Edits::default());
    assert_eq!(unedited.as_slice(), std::slice::from_ref(&body));

    let sent = view.apply(&body, &edits).concat();
    let model = edits.model.unwrap_or(&view.model);
    let path = match endpoint.dialect() {
        Dialect::Gemini => endpoint
            .upstream_path(endpoint.path(), model)
            .expect("a path"),
        _ => endpoint.path().into(),
    };
    let again = read_request_at(endpoint, &path, None, &sent);
    let again = again.expect("an edited body is still a request");
    assert_eq!(again.model, model);
    assert_eq!(again.stream, view.stream);
    assert_eq!(again.choices, view.choices);
    let asks = matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
    if edits.ask_usage && view.stream && asks {
        assert!(again.usage_asked);
    }
    // Lone surrogates can be sent on, but not be compared.
    if let (Ok(before), Ok(after)) = (read(&body), read(&sent)) {
        if endpoint.dialect() != Dialect::Gemini {
            assert_eq!(view.model, before["model"].as_str().unwrap_or_default());
        }
        assert_eq!(without_edited(before), without_edited(after));
    }
}

fn read(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body)
}

fn without_edited(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        for key in [
            "model",
            "temperature",
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            // Gemini's name the model as well.
            "requests",
            "generateContentRequest",
            "generate_content_request",
        ] {
            members.remove(key);
        }
        for key in ["generationConfig", "generation_config"] {
            let mut config = members.get_mut(key).and_then(Value::as_object_mut);
            for set in ["temperature", "maxOutputTokens", "max_output_tokens"] {
                config.as_mut().map(|config| config.remove(set));
            }
            let is_empty = |value: &Value| value.as_object().is_none_or(|it| it.is_empty());
            if members.get(key).is_some_and(is_empty) {
                members.remove(key);
            }
        }
        let options = members.remove("stream_options");
        if let Some(Value::Object(mut options)) = options {
            options.remove("include_usage");
            members.insert("other stream_options".to_owned(), Value::Object(options));
        } else {
            members.insert(
                "other stream_options".to_owned(),
                Value::Object(Default::default()),
            );
        }
    }
    body
}
