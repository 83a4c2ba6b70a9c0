//! What a good file gives.

use std::time::Duration;

use super::*;

/// The documented example, without the planes that are not built yet.
const EXAMPLE: &str = r#"
[server]
bind = "127.0.0.1:0"
answer_model = "asked"
drain_seconds = 5
[providers.openai]
wire = "openai"
base_url = "https://api.openai.com/v1/"
api_key = "${OPENAI_API_KEY}"
tokens = [
  { key = "${OPENAI_KEY_1}", weight = 60, priority = 1 },
  { key_file = "second.key", weight = 40, priority = 2 },
]
models = ["gpt-*", "o*"]
headers = { "User-Agent" = "agents of mine" }
timeout_seconds = 100
[providers.anthropic]
wire = "anthropic"
base_url = "https://api.anthropic.com"
api_key_file = "/keys/anthropic"
models = ["claude-*"]
[[model_routes]]
pattern = "gpt-4o*"
provider = "openai"
[[model_shortcuts]]
alias = "fast"
model = "openai/gpt-4o-mini"
[agents.defaults.model]
provider = "openai/gpt-4o"
fallback = ["anthropic/claude-sonnet-4"]
temperature = 0.7
max_tokens = 4096
[agents.ci-bot]
keys = ["${CI_BOT_KEY}"]
blocked_models = ["gpt-4"]
[monitoring]
ring_buffer_size = 10
"#;

fn machine() -> Fake {
    Fake::default()
        .with("OPENAI_API_KEY", "sk-one")
        .with("OPENAI_KEY_1", "sk-two")
        .with("CI_BOT_KEY", "Zx9QwErTy7831abcDEFgh5Kp0LmNvBsQ2")
        .secret("second.key", "sk-three")
        .secret("/keys/anthropic", "sk-ant")
}

#[test]
fn the_documented_example_loads() {
    let settings = judged(&machine().file(EXAMPLE)).unwrap();
    assert_eq!(settings.source, Source::File("tollgate.toml".into()));
    assert_eq!(settings.server.bind.port(), 0);
    assert_eq!(settings.server.drain, Duration::from_secs(5));
    assert_eq!(settings.server.answer_model, AnswerModel::Asked);
    assert_eq!(settings.server.max_body, 32 << 20);
    assert_eq!(settings.server.anonymous, None);
    assert_eq!(settings.ledger.path, Path::new("/state/ledger.db"));
    assert_eq!(settings.monitoring.ring_buffer_size, 10);
    assert_eq!(
        settings.routing.shortcuts,
        [("fast".to_owned(), "openai/gpt-4o-mini".to_owned())]
    );
    let ids: Vec<&str> = settings
        .providers
        .iter()
        .map(|provider| &*provider.id)
        .collect();
    assert_eq!(ids, ["openai", "anthropic"], "in the order of the file");
    let files = [
        "tollgate.toml",
        "second.key",
        "/keys/anthropic",
        "/state/settings.yml",
    ];
    assert_eq!(settings.files, files.map(PathBuf::from));
    assert_eq!(settings.warnings, []);
    let agent = &settings.agents[0];
    assert_eq!((agent.name.as_str(), agent.keys.len()), ("ci-bot", 1));
    assert_eq!(agent.allowed_models, ["*"]);
    assert_eq!(agent.blocked_models, ["gpt-4"]);
    assert_eq!(agent.defaults.temperature, Some(0.7));
    assert_eq!(agent.defaults.max_tokens, Some(4096));
}

#[test]
fn a_pool_holds_every_key_with_its_weight() {
    let settings = judged(&machine().file(EXAMPLE)).unwrap();
    let openai = &settings.providers[0];
    let pool: Vec<_> = openai
        .keys
        .iter()
        .map(|(spec, secret)| (&*spec.profile, spec.weight, spec.priority, secret.expose()))
        .collect();
    assert_eq!(
        pool,
        [
            ("openai:1", 100, 1, "sk-one"),
            ("openai:2", 60, 1, "sk-two"),
            ("openai:3", 40, 2, "sk-three")
        ]
    );
    assert_eq!(openai.timeout, Duration::from_secs(100));
    assert_eq!(openai.first_byte, Duration::from_secs(60));
    assert!(openai.stream_usage);
    let Upstream::Server { base_url, .. } = &openai.upstream else {
        panic!("not a server");
    };
    assert_eq!(base_url, "https://api.openai.com/v1");
}

#[test]
fn an_empty_file_is_valid_and_lets_nobody_in_without_a_key() {
    let settings = judged(&Fake::default().file("")).unwrap();
    assert_eq!(settings.server.bind.to_string(), "127.0.0.1:4100");
    assert_eq!(settings.server.anonymous, None);
    assert!(settings.agents.is_empty());
    assert_eq!(settings.providers.len(), 1, "the demo");
    assert_eq!(settings.providers[0].upstream, Upstream::Demo);
}

#[test]
fn anonymous_callers_have_an_agent() {
    let settings = judged(&Fake::default().file("[server]\nanonymous = \"main\"\n")).unwrap();
    assert_eq!(
        settings.server.anonymous.as_ref().map(|name| name.as_str()),
        Some("main")
    );
    assert_eq!(settings.agents.len(), 1);
    let text = "[server]\nanonymous = \"main\"\n[agents.main]\nallowed_models = [\"demo\"]\n";
    let settings = judged(&Fake::default().file(text)).unwrap();
    assert_eq!(
        settings.agents[0].allowed_models,
        ["demo"],
        "the file's own stands"
    );
}

#[test]
fn without_a_file_the_environment_gives_the_providers() {
    let machine = Fake::default()
        .with("ANTHROPIC_API_KEY", "sk-ant\n")
        .with("GOOGLE_API_KEY", "AIza")
        .with("OPENAI_API_KEY", "  ")
        .with("XAI_API_KEY", "two words");
    let paths = Paths {
        named: false,
        ..paths()
    };
    let settings = load(&paths, &machine).unwrap();
    let found: Vec<_> = settings
        .providers
        .iter()
        .map(|provider| (&*provider.id, provider.keys_from.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("anthropic", "ANTHROPIC_API_KEY"),
            ("google", "GOOGLE_API_KEY"),
            ("demo", "")
        ]
    );
    assert_eq!(settings.providers[0].keys[0].1.expose(), "sk-ant");
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    assert!(settings.server.anonymous.is_some());
    assert_eq!(settings.source, Source::Environment("tollgate.toml".into()));
    assert!(tollgate_routing::RouteTable::new(settings.routing, &|_, _| None).is_ok());
}

#[test]
fn binds_beyond_loopback_need_two_words() {
    let bind = |rest: &str| {
        faults(
            Fake::default(),
            &format!("[server]\nbind = \"0.0.0.0:4100\"\n{rest}"),
        )
    };
    assert_eq!(bind("insecure = true\nanonymous = false\n"), "");
    assert_eq!(bind("insecure = true\n"), "");
    assert!(bind("").contains("expected loopback as there is no TLS"));
    assert!(bind("insecure = true\nanonymous = \"main\"\n").contains("with anonymous"));
}

#[test]
fn ledgers_stand_where_the_file_says() {
    let path = |url: &str| {
        let text = format!("[ledger]\nurl = \"{url}\"\n");
        let paths = Paths {
            config: "/etc/tollgate.toml".into(),
            ..paths()
        };
        load(&paths, &Fake::default().file(&text))
            .map(|settings| settings.ledger.path)
            .ok()
    };
    assert_eq!(path("sqlite"), Some("/state/ledger.db".into()));
    assert_eq!(path("sqlite:books.db"), Some("/etc/books.db".into()));
    assert_eq!(path("sqlite:///var/books.db"), Some("/var/books.db".into()));
    assert_eq!(path("sqlite:"), None);
    assert_eq!(path("postgres://x"), None);
}

#[test]
fn a_gateway_is_found_in_a_file_that_is_broken_elsewhere() {
    let at =
        |text: &str| bind(&paths(), &Fake::default().with("PORT", "5001").file(text)).to_string();
    assert_eq!(
        at("[server]\nbind = \"127.0.0.1:5000\"\n[oops\n"),
        "127.0.0.1:5000"
    );
    assert_eq!(
        at("[server]\nbind = \"127.0.0.1:${PORT}\"\n"),
        "127.0.0.1:5001"
    );
    assert_eq!(at("[server]\nbind = 7\n"), "127.0.0.1:4100");
    assert_eq!(at("\u{0}\u{1}"), "127.0.0.1:4100");
}

#[test]
fn the_page_of_documentation_is_in_step_with_the_schema() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let written = std::fs::read_to_string(page).unwrap();
    assert!(
        written == schema::markdown(),
        "run `cargo run -- config schema --markdown > docs/configuration.md`"
    );
}

/// Editors get the same answer as the program: the example fits the schema's
/// names, and every object in it refuses what it does not know.
#[test]
fn the_json_schema_is_closed_everywhere() {
    fn closed(schema: &serde_json::Value) -> bool {
        let own = schema["type"] != "object" || !schema["additionalProperties"].is_null();
        let below: Vec<&serde_json::Value> = match schema {
            serde_json::Value::Object(fields) => fields.values().collect(),
            serde_json::Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        own && below.into_iter().all(closed)
    }
    let schema = schema::json_schema();
    assert!(closed(&schema["properties"]));
    assert_eq!(
        schema["properties"]["server"]["properties"]["drain_seconds"]["default"],
        30
    );
    assert_eq!(
        schema["properties"]["providers"]["additionalProperties"]["required"][0],
        "wire"
    );
}
