//! Error statuses, with the envelope of each dialect.

use crate::{WIRES, play};
use tollgate_testkit::{FakeProvider, Script, Wire};

#[tokio::test]
async fn statuses_and_envelopes() {
    // script, status for OpenAI, for Anthropic, Anthropic's name for it
    let table = [
        (
            Script::Status429Rate { retry_after: 7 },
            429,
            429,
            "rate_limit_error",
        ),
        (Script::Status429Quota, 429, 429, "rate_limit_error"),
        (Script::Status401, 401, 401, "authentication_error"),
        (Script::Status403, 403, 403, "permission_error"),
        (Script::Status500, 500, 500, "api_error"),
        (Script::Status529, 503, 529, "overloaded_error"),
        (Script::Status400Context, 400, 400, "invalid_request_error"),
        (Script::Status400, 400, 400, "invalid_request_error"),
        (Script::EchoCredential, 401, 401, "authentication_error"),
    ];
    for (script, openai, anthropic, name) in table {
        for stream in [false, true] {
            let answer = play(Wire::OpenAi, stream, script.clone()).await;
            assert_eq!(answer.status(), openai, "{script:?}");
            assert!(answer.json()["error"]["type"].is_string());
            let answer = play(Wire::Anthropic, stream, script.clone()).await;
            assert_eq!(answer.status(), anthropic, "{script:?}");
            assert_eq!(answer.json()["type"], "error");
            assert_eq!(answer.json()["error"]["type"], name);
        }
    }
}

#[tokio::test]
async fn the_two_meanings_of_429_differ() {
    let rate = play(
        Wire::OpenAi,
        false,
        Script::Status429Rate { retry_after: 7 },
    )
    .await;
    assert_eq!(rate.header("retry-after"), Some("7"));
    assert_eq!(rate.json()["error"]["code"], "rate_limit_exceeded");
    let quota = play(Wire::OpenAi, false, Script::Status429Quota).await;
    assert_eq!(quota.header("retry-after"), None);
    assert_eq!(quota.json()["error"]["code"], "insufficient_quota");
    let quota = play(Wire::Anthropic, false, Script::Status429Quota).await;
    assert!(quota.text().contains("credit balance"));
}

#[tokio::test]
async fn context_overflow_is_recognisable() {
    let openai = play(Wire::OpenAi, false, Script::Status400Context).await;
    assert_eq!(openai.json()["error"]["code"], "context_length_exceeded");
    let anthropic = play(Wire::Anthropic, false, Script::Status400Context).await;
    assert!(anthropic.text().contains("prompt is too long"));
}

#[tokio::test]
async fn the_credential_is_repeated_where_scripted() {
    for wire in WIRES {
        assert!(
            play(wire, false, Script::EchoCredential)
                .await
                .text()
                .contains("sk-test-key")
        );
        assert!(
            !play(wire, false, Script::Status401)
                .await
                .text()
                .contains("sk-test-key")
        );
    }
}

#[tokio::test]
async fn redirects_name_their_target() {
    let recorder = FakeProvider::openai().start().await;
    let location = format!("{}/stolen", recorder.url());
    let answer = play(
        Wire::OpenAi,
        false,
        Script::Redirect {
            location: location.clone(),
        },
    )
    .await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (302, Some(location.as_str()))
    );
    assert!(recorder.requests().is_empty());
}
