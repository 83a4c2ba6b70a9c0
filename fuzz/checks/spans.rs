//! What must hold of any body and any edits. Runs under the fuzzer and, so
//! that it is exercised on a stable compiler, in the tests of `tollgate-llm`.

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use tollgate_llm::{Edits, Endpoint, read_request};

/// The first byte chooses endpoint and edits, the rest is the body.
pub(crate) fn check(input: &[u8]) {
    let Some((head, body)) = input.split_first() else {
        return;
    };
    let endpoint = Endpoint::ALL[usize::from(head & 7) % Endpoint::ALL.len()];
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
    };
    let unedited = view.apply(&body, &Edits::default());
    assert_eq!(unedited.as_slice(), std::slice::from_ref(&body));

    let sent = view.apply(&body, &edits).concat();
    let again = read_request(endpoint, &sent).expect("an edited body is still a request");
    assert_eq!(again.model, edits.model.unwrap_or(&view.model));
    assert_eq!(again.stream, view.stream);
    assert_eq!(again.choices, view.choices);
    let asks = matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
    if edits.ask_usage && view.stream && asks {
        assert!(again.usage_asked);
    }
    // Lone surrogates can be sent on, but not be compared.
    if let (Ok(before), Ok(after)) = (read(&body), read(&sent)) {
        assert_eq!(view.model, before["model"].as_str().unwrap_or_default());
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
        ] {
            members.remove(key);
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
