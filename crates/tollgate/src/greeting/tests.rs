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

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4100))
}

#[test]
fn a_fresh_machine_with_a_key() {
    let machine = Fake::default()
        .with("OPENAI_API_KEY", "sk-never-shown")
        .with("GROQ_API_KEY", "bad key");
    let settings = config::load(&paths(), &machine).unwrap();
    let text = text(&settings, address());
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
    let text = text(&settings, address());
    assert!(!text.contains("never-shown"));
    insta::assert_snapshot!(text);
}
