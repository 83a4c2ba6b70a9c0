//! What a person reads at the start: what was found, and the lines to paste.

use std::fmt::Write;
use std::net::SocketAddr;

use tollgate_api::PolicyStatus;

use crate::config::{ProviderSettings, Settings, Source, Upstream};
use crate::serve::policy;

/// What stands for a key where none is needed: the SDKs won't start without
/// one. It opens nothing.
pub const NO_KEY: &str = "anonymous";

/// The whole text. `address` is where the gateway really listens.
///
/// The first line is `listening on http://ADDRESS` and nothing else: programs
/// that start a gateway wait for it.
pub fn text(
    settings: &Settings,
    address: SocketAddr,
    rules: &PolicyStatus,
    fault: Option<&str>,
) -> String {
    let mut text = format!("listening on http://{address}\n\n");
    for (label, lines) in found(settings, rules) {
        for (at, line) in lines.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            // Writing to a string can't fail.
            let _written = writeln!(text, "  {label:<11}{line}");
        }
    }
    for line in fault.into_iter().flat_map(str::lines) {
        let _written = write!(text, "\n  {line}");
    }
    if fault.is_some() {
        text.push_str("\n  it comes into force as soon as the file is mended\n");
    }
    for warning in &settings.warnings {
        let _written = write!(text, "\nwarning: {warning}\n");
    }
    text.push_str("\nPoint a client here:\n\n");
    text.push_str(&clients(settings, address));
    text
}

fn found(settings: &Settings, rules: &PolicyStatus) -> [(&'static str, Vec<String>); 7] {
    let config = match &settings.source {
        Source::File(file) => file.display().to_string(),
        Source::Environment(file) => format!("none; used once it is there: {}", file.display()),
    };
    let mut providers: Vec<String> = settings.providers.iter().map(provider).collect();
    if matches!(settings.source, Source::Environment(_)) {
        providers.push("Ollama, llama.cpp and LM Studio are looked for on this machine".to_owned());
    }
    let callers = match &settings.server.anonymous {
        Some(agent) => vec![format!(
            "your own processes on this machine are agent {agent}, without a key"
        )],
        None => vec!["a key for each: tollgate agents add NAME".to_owned()],
    };
    [
        ("version", vec![env!("CARGO_PKG_VERSION").to_owned()]),
        ("config", vec![config]),
        ("providers", providers),
        ("policy", vec![policy::told(rules)]),
        ("ledger", vec![settings.ledger.path.display().to_string()]),
        ("callers", callers),
        (
            "note",
            vec![
                "agents that run as this user can read this gateway's files and".to_owned(),
                "keys; run it as a user of its own where they must not".to_owned(),
            ],
        ),
    ]
}

fn provider(provider: &ProviderSettings) -> String {
    let id = &provider.id;
    let keys = match provider.keys.len() {
        1 => "1 key".to_owned(),
        number => format!("{number} keys"),
    };
    match (
        &provider.upstream,
        provider.keys.len(),
        provider.keys_from.as_str(),
    ) {
        (Upstream::Demo, ..) => format!("{id:<13}built in, answers without a key"),
        (Upstream::Server { base_url, .. }, 0, _) => format!("{id:<13}no key, {base_url}"),
        (Upstream::Server { .. }, _, "") => format!("{id:<13}{keys}"),
        (Upstream::Server { .. }, _, from) => format!("{id:<13}{keys} from {from}"),
    }
}

fn clients(settings: &Settings, address: SocketAddr) -> String {
    let (key, first) = match settings.server.anonymous {
        Some(_) => (NO_KEY, ""),
        None => (
            "tg-…",
            "  tg-… is the key that `tollgate agents add NAME` prints.\n\n",
        ),
    };
    let demo = settings
        .providers
        .iter()
        .find(|provider| provider.upstream == Upstream::Demo);
    let model = demo.map_or("MODEL", |_| "demo");
    let authorization = match settings.server.anonymous {
        Some(_) => String::new(),
        None => format!("\n      -H 'authorization: Bearer {key}' \\"),
    };
    format!(
        "{first}  Claude Code
    export ANTHROPIC_BASE_URL=http://{address}
    export ANTHROPIC_AUTH_TOKEN={key}

  Codex, in ~/.codex/config.toml
    model_provider = \"tollgate\"
    [model_providers.tollgate]
    name = \"Tollgate\"
    base_url = \"http://{address}/v1\"
    wire_api = \"responses\"
    experimental_bearer_token = \"{key}\"

  Gemini CLI
    export GOOGLE_GEMINI_BASE_URL=http://{address}
    export GEMINI_API_KEY={key}

  Python
    OpenAI(base_url=\"http://{address}/v1\", api_key=\"{key}\")
    Anthropic(base_url=\"http://{address}\", auth_token=\"{key}\")
    genai.Client(api_key=\"{key}\",
                 http_options={{\"base_url\": \"http://{address}\"}})

  curl
    curl http://{address}/v1/chat/completions \\{authorization}
      -H 'content-type: application/json' \\
      -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]}}'
"
    )
}

#[cfg(test)]
mod tests;
