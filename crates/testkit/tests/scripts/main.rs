//! Every script does on the wire what it says, in both dialects, and the
//! fixtures around it keep their word.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod fixture;
mod good;
mod hostile;
mod refusals;
mod torn;
mod waiting;

use tollgate_testkit::{Answer, Client, FakeProvider, Request, Script, Wire};

const WIRES: [Wire; 4] = [Wire::OpenAi, Wire::Anthropic, Wire::Responses, Wire::Gemini];

/// One request against a provider that plays one script.
async fn play(wire: Wire, stream: bool, script: Script) -> Answer {
    let provider = FakeProvider::speaking(wire).push(script).start().await;
    let request = Request::ask(wire, stream, "m").header("x-api-key", "sk-test-key");
    Client::new(provider.url()).send(&request).await
}

/// The terminator of the dialect; Gemini has none but the reason of the end.
fn is_terminated(wire: Wire, answer: &Answer) -> bool {
    let last = match wire {
        Wire::OpenAi => "data: [DONE]\n\n",
        Wire::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        Wire::Responses => return answer.text().contains("\nevent: response.completed\n"),
        Wire::Gemini => return answer.text().contains(r#""finishReason":"STOP""#),
        Wire::GeminiArray => return answer.text().ends_with("\n]\n"),
    };
    answer.text().ends_with(last)
}

/// Content events with their text.
fn words(wire: Wire, answer: &Answer) -> Vec<String> {
    let pointer = match wire {
        Wire::OpenAi => "/choices/0/delta/content",
        Wire::Anthropic => "/delta/text",
        Wire::Responses => "/delta",
        Wire::Gemini | Wire::GeminiArray => "/candidates/0/content/parts/0/text",
    };
    let data = answer
        .events()
        .into_iter()
        .filter_map(|event| serde_json::from_str::<serde_json::Value>(&event.data).ok());
    data.filter_map(|data| data.pointer(pointer)?.as_str().map(str::to_owned))
        .filter(|text| !text.is_empty())
        .collect()
}
