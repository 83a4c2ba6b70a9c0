use std::path::Path;

use super::*;
use crate::config::{self, tests::Fake};
use crate::paths::Paths;

fn paths() -> Paths {
    Paths {
        config: Path::new("/home/u/.config/tollgate/tollgate.toml").to_owned(),
        named: false,
        state: Path::new("/home/u/.local/state/tollgate").to_owned(),
    }
}

fn rules() -> PolicyStatus {
    PolicyStatus {
        version: "8c9c6b2b0d0a".into(),
        loaded: true,
        shipped: true,
        files: vec![tollgate_api::PolicyFileStatus {
            file: "default.star".into(),
            rules: 0,
            examples: 14,
        }],
        ..PolicyStatus::default()
    }
}

#[test]
fn rules_that_never_loaded_are_said_with_their_fault() {
    let settings = config::load(&paths(), &Fake::default()).unwrap();
    let fault = "models.star:2: Variable `allow` not found\n  hint: x";
    let text = text(&settings, address(), &PolicyStatus::default(), Some(fault));
    assert!(
        text.contains("  policy     never loaded: everything is denied\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  models.star:2: Variable `allow` not found\n"),
        "{text}"
    );
}

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4100))
}

#[test]
fn a_fresh_machine_with_a_key() {
    let machine = Fake::default()
        .with("OPENAI_API_KEY", "sk-never-shown")
        .with("GROQ_API_KEY", "bad key");
    let settings = config::load(&paths(), &machine).unwrap();
    let text = text(&settings, address(), &rules(), None);
    let wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("warning: ");
    assert_eq!(text.lines().find(wide), None);
    assert!(text.starts_with("listening on http://127.0.0.1:4100\n"));
    assert!(!text.contains("never-shown") && !text.contains("bad key"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_configuration_with_keys_of_agents() {
    let machine = Fake::default().with("KEY", "sk-never-shown").file(
        "[providers.openai]
         wire = 'openai'
         base_url = 'https://api.openai.com/v1'
         api_key = '${KEY}'
         [providers.local]
         wire = 'openai'
         base_url = 'http://127.0.0.1:8080/v1'
         [telemetry]
         otlp_endpoint = 'http://127.0.0.1:4318'
         ",
    );
    let settings = config::load(&paths(), &machine).unwrap();
    let text = text(&settings, address(), &rules(), None);
    assert!(!text.contains("never-shown"));
    insta::assert_snapshot!(text);
}
