//! The judge model, asked through the gateway itself: its calls have an agent,
//! a budget, rules and a place in the ledger like everybody's.

use std::net::SocketAddr;
use std::sync::OnceLock;

use anyhow::Context;
use serde_json::{Value, json};
use tollgate_api::Client;
use tollgate_identity::{AgentSource, AgentSpec, Minted, ModelDefaults, mint_agent_key};
use tollgate_types::AgentName;

/// The agent that asks.
const NAME: &str = "judge";
/// Longest answer, in tokens.
const MOST_TOKENS: u32 = 300;

/// Its key: made once, never written, good for this process.
fn key() -> anyhow::Result<&'static Minted> {
    static KEY: OnceLock<Minted> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let minted = mint_agent_key()?;
    Ok(KEY.get_or_init(|| minted))
}

/// Puts the agent among the others: the configured one where there is one, so
/// that it can have a budget, else one that may use this model and no other.
pub(super) fn admit(specs: &mut Vec<AgentSpec>, model: &str) -> anyhow::Result<()> {
    let digest = key()?.digest;
    match specs.iter_mut().find(|spec| spec.name.as_str() == NAME) {
        Some(spec) => spec.keys.push(digest),
        None => specs.push(AgentSpec {
            name: AgentName::new(NAME)?,
            keys: vec![digest],
            allowed_models: vec![model.to_owned()],
            blocked_models: Vec::new(),
            may_act_for: Vec::new(),
            bottles: Vec::new(),
            source: AgentSource::Config,
            defaults: ModelDefaults::default(),
        }),
    }
    Ok(())
}

/// The model's answer, as text.
pub(super) async fn ask(
    gateway: SocketAddr,
    model: String,
    prompt: String,
) -> Result<String, String> {
    let asked = async {
        let token = key()?.token.clone();
        let client = Client::new(format!("http://{gateway}"), token);
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
        });
        let answer: Value = client.post("/v1/chat/completions", &body).await?;
        let text = answer["choices"][0]["message"]["content"].as_str();
        text.map(str::to_owned).context("the model gave no text")
    };
    asked
        .await
        .map_err(|error: anyhow::Error| format!("{error:#}"))
}
