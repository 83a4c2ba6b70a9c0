//! A gateway between fake providers, one of each dialect.

use serde_json::Value;
use tollgate_testkit::{Answer, Client, FakeProvider, Gateway, Request, Wire};

/// The agent that the tests call as.
pub(crate) const KEY: &str = "tg-7e57a9e4-pLw3Zq8vNc1XyR5tUb0JmKfHs2GdEa7oTi4VxQn9WkM";
/// Two keys of each provider; none may show anywhere.
pub(crate) const FIRST_KEY: &str = "sk-first-Rb7Tq2LzXw9VnKc4MpYd1HsJ";
pub(crate) const SECOND_KEY: &str = "sk-second-Gf5Uo8IeAy3WtPk6NxZr0QjB";

/// Every dialect, and both ways in which Gemini streams.
pub(crate) const WIRES: [Wire; 5] = [
    Wire::OpenAi,
    Wire::Anthropic,
    Wire::Responses,
    Wire::Gemini,
    Wire::GeminiArray,
];

/// Each dialect once.
pub(crate) const DIALECTS: [Wire; 4] = [WIRES[0], WIRES[1], WIRES[2], WIRES[3]];

/// A provider of each dialect, and a gateway that knows two credentials of
/// each; the first is preferred, so that a fault of it shows what comes next.
pub(crate) struct House {
    pub(crate) openai: FakeProvider,
    pub(crate) anthropic: FakeProvider,
    pub(crate) responses: FakeProvider,
    pub(crate) gemini: FakeProvider,
    pub(crate) gateway: Gateway,
}

impl House {
    /// Providers that are given up after a second of silence: for faults only,
    /// as on a busy machine any stream may be silent for so long.
    pub(crate) async fn impatient(keys: &[&str]) -> Self {
        Self::build(keys, |config| {
            config
                .replace("timeout_seconds = 40", "timeout_seconds = 6")
                .replace("first_byte_seconds = 20", "first_byte_seconds = 2")
                .replace("idle_seconds = 20", "idle_seconds = 1")
        })
        .await
    }

    /// Two credentials each.
    pub(crate) async fn open() -> Self {
        Self::with("", &[FIRST_KEY, SECOND_KEY]).await
    }

    pub(crate) async fn with(more: &str, keys: &[&str]) -> Self {
        Self::build(keys, |config| config + more).await
    }

    /// The providers of OpenAI's wire have one API each, as most have: whoever
    /// speaks the other one is translated.
    pub(crate) async fn apart() -> Self {
        Self::build(&[FIRST_KEY], |config| {
            let api = |config: String, id: &str, api: &str| {
                let head = format!("[providers.{id}]\n");
                config.replacen(&head, &format!("{head}api = \"{api}\"\n"), 1)
            };
            api(api(config, "openai", "chat"), "responses", "responses")
        })
        .await
    }

    /// Keeps the beginning of streams back.
    pub(crate) async fn holding(hold: &str, more: &str, keys: &[&str]) -> Self {
        Self::build(keys, |config| {
            config.replacen("[server]\n", &format!("[server]\n{hold}\n"), 1) + more
        })
        .await
    }

    /// Refuses what another dialect has no place for.
    pub(crate) async fn strict() -> Self {
        Self::build(&[FIRST_KEY], |config| {
            config.replacen("[server]\n", "[server]\ntranslation = \"strict\"\n", 1)
        })
        .await
    }

    pub(crate) async fn build(keys: &[&str], edit: impl FnOnce(String) -> String) -> Self {
        let openai = FakeProvider::openai().start().await;
        let anthropic = FakeProvider::anthropic().start().await;
        let responses = FakeProvider::speaking(Wire::Responses).start().await;
        let gemini = FakeProvider::gemini().start().await;
        let newer = provider("responses", &responses, "resp-*", keys)
            + &provider("google", &gemini, "gemini-*", keys);
        let config = config(&openai, &anthropic, keys)
            .replace("[agents.tester]", &format!("{newer}[agents.tester]"));
        let gateway = Gateway::builder(program()).config(edit(config));
        Self {
            gateway: gateway.start().await,
            openai,
            anthropic,
            responses,
            gemini,
        }
    }

    pub(crate) fn provider(&self, wire: Wire) -> &FakeProvider {
        match wire {
            Wire::OpenAi => &self.openai,
            Wire::Anthropic => &self.anthropic,
            Wire::Responses => &self.responses,
            Wire::Gemini | Wire::GeminiArray => &self.gemini,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.gateway.client()
    }

    /// Sends with the agent's key.
    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.client().send(&request.clone().key(KEY)).await
    }

    /// The ledger's row and story of an answered request.
    pub(crate) async fn story_of(&self, answer: &Answer) -> Value {
        let id = answer
            .header("x-tollgate-request-id")
            .expect("answers carry their request id");
        self.story(id).await
    }

    /// The same, once there is a row: it is written when the gateway has seen
    /// the end of the request, which may be after both its ends have.
    pub(crate) async fn story(&self, id: &str) -> Value {
        let path = format!("/control/requests/{id}");
        let request = Request::get(&path).key(&self.gateway.operator_token());
        tollgate_testkit::within("the row", async {
            loop {
                let answer = self.gateway.client().send(&request).await;
                if answer.status() != 404 {
                    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
                    return answer.json();
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// The newest row, once there is one: it is written when the gateway has
    /// seen the end of a request, which may be after its client has.
    pub(crate) async fn newest(&self, fits: impl Fn(&Value) -> bool) -> Value {
        tollgate_testkit::within("the row", async {
            loop {
                let rows = self.control("/control/requests?limit=1").await;
                if rows.get(0).is_some_and(&fits) {
                    return rows[0].clone();
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// A `GET` of the control API as its operator.
    pub(crate) async fn control(&self, path: &str) -> Value {
        control(&self.gateway, path).await
    }
}

pub(crate) async fn control(gateway: &Gateway, path: &str) -> Value {
    let request = Request::get(path).key(&gateway.operator_token());
    let answer = gateway.client().send(&request).await;
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.json()
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_tollgate")
}

/// The model that each fake provider serves.
pub(crate) fn model(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenAi => "gpt-4o",
        Wire::Anthropic => "claude-sonnet-4",
        Wire::Responses => "resp-1",
        Wire::Gemini | Wire::GeminiArray => "gemini-2.5-flash",
    }
}

pub(crate) fn config(openai: &FakeProvider, anthropic: &FakeProvider, keys: &[&str]) -> String {
    let openai = provider("openai", openai, "gpt-*", keys);
    let anthropic = provider("anthropic", anthropic, "claude-*", keys);
    format!(
        r#"[server]
bind = "127.0.0.1:0"
{openai}{anthropic}[agents.tester]
keys = ["{KEY}"]
"#
    )
}

fn provider(id: &str, provider: &FakeProvider, models: &str, keys: &[&str]) -> String {
    let tokens: Vec<_> = keys
        .iter()
        .zip(1..)
        .map(|(key, priority)| format!("{{ key = \"{key}\", priority = {priority} }}"))
        .collect();
    format!(
        r#"[providers.{id}]
wire = "{}"
base_url = "{}"
tokens = [{}]
models = ["{models}"]
timeout_seconds = 40
first_byte_seconds = 20
idle_seconds = 20
"#,
        provider.wire().as_str(),
        provider.base_url(),
        tokens.join(", "),
    )
}
