//! Budgets in `settings.yml` and `[agents.NAME]`, and what is known of models.

use tollgate_budget::{Limit, Shutdown, Window};
use tollgate_types::TokenUsage;

use super::*;

const PROVIDERS: &str = "
[providers.openai]
wire = \"openai\"
base_url = \"http://127.0.0.1:1/v1\"
[providers.anthropic]
wire = \"anthropic\"
base_url = \"http://127.0.0.1:1\"
";

fn both(toml: &str, yaml: &str) -> Fake {
    Fake::default()
        .file(&format!("{PROVIDERS}{toml}"))
        .host(yaml)
}

/// The keys of the budgets, with what they allow.
fn specs(machine: &Fake) -> Vec<String> {
    let settings = judged(machine).unwrap();
    let spec = |spec: &tollgate_budget::BudgetSpec| {
        let Limit { tokens, usd } = spec.limit;
        let usd = usd.map(|usd| usd.to_string());
        let held = if spec.ceiling { " ceiling" } else { "" };
        let shutdown = spec.shutdown.as_str();
        format!("{} {tokens:?} {usd:?}{held} {shutdown}", spec.key())
    };
    settings.budgets.iter().map(spec).collect()
}

fn told(machine: &Fake) -> Vec<String> {
    let faults = judged(machine).unwrap_err();
    faults.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn the_documented_settings_load() {
    let machine = both(
        "",
        "budget:\n  claude: 5000000\n  codex: 2000000\nshutdown: freeze\n",
    );
    assert_eq!(
        specs(&machine),
        [
            "host/anthropic/total Some(5000000) None freeze",
            "host/openai/total Some(2000000) None freeze",
        ]
    );
    let settings = judged(&machine).unwrap();
    assert_eq!(settings.warnings, []);
    assert!(
        settings
            .files
            .iter()
            .any(|file| file.ends_with("settings.yml"))
    );
}

#[test]
fn money_windows_ceilings_aliases_and_lists_load() {
    let yaml = "
# The machine's budgets.
aliases: { cursor: openai }
budget:
  all: { usd: 30, per: month, time_zone: Europe/Berlin, ceiling: true, shutdown: kill }
  cursor:
    - 1_000
    - { tokens: 500, usd: 0.10, per: day }
";
    assert_eq!(
        specs(&both("", yaml)),
        [
            "host/*/month@Europe/Berlin None Some(\"30\") ceiling kill",
            "host/openai/total Some(1000) None cutoff",
            "host/openai/day@UTC Some(500) Some(\"0.1\") cutoff",
        ]
    );
}

#[test]
fn agents_have_budgets_of_their_own() {
    let toml = "
[agents.one]
budget = 2000
[agents.two]
budget = { usd = 12.50, per = \"day\", provider = \"claude\" }
[[agents.three.budget]]
tokens = 0
[[agents.three.budget]]
usd = \"0.000000001\"
per = \"run\"
shutdown = \"kill\"
";
    assert_eq!(
        specs(&both(toml, "")),
        [
            "agent:one/*/total Some(2000) None cutoff",
            "agent:two/anthropic/day@UTC None Some(\"12.5\") cutoff",
            "agent:three/*/total Some(0) None cutoff",
            "agent:three/*/run None Some(\"0.000000001\") kill",
        ]
    );
}

#[test]
fn every_fault_of_both_files_has_its_line() {
    let toml = "
[agents.one]
budget = -5
[agents.two]
budget = { per = \"day\" }
[agents.three]
budget = [{ tokens = 1 }, { tokens = 2 }]
[agents.four]
budget = \"many\"
[agents.five]
budget = { usd = -1, tokns = 3, per = \"weekly\" }
[agents.six]
budget = { tokens = 1, time_zone = \"Europe/Atlantis\", per = \"day\" }
[agents.seven]
budget = { usd = 0.0000000001 }
";
    insta::assert_snapshot!(told(&both(toml, "")).join("\n"));
}

#[test]
fn every_fault_of_the_settings_has_its_line() {
    let yaml = "
budgt: {}
shutdown: cutof
aliases: [a]
budget:
  claud: 5
  claude: -5
  codex:
    tokens: 5_000.5
    usd: 1e4
    ceiling: no
    provider: x
    per: dayly
  all: {}
  openrouter: many
  google: 99999999999999999999
";
    insta::assert_snapshot!(told(&both("", yaml)).join("\n"));
}

#[test]
fn broken_yaml_is_a_fault_and_no_budget_is_none() {
    for empty in ["", "# nothing\n", "budget:\n", "---\n"] {
        assert_eq!(specs(&both("", empty)), [""; 0], "{empty:?}");
    }
    for (text, found) in [
        ("budget: {claude: 1", "settings.yml:"),
        (
            "budget:\n  claude: 1\n  claude: 2\n",
            "settings.yml:3: syntax:",
        ),
        (
            "- 1\n",
            "settings.yml:1: found a list, expected keys and values",
        ),
        (
            "budget: 5\n",
            "budget is a whole number, expected a number or table by provider",
        ),
        ("a: &a [*a]\n", "settings.yml:"),
        ("budget: *nobody\n", "settings.yml:1: syntax:"),
        (
            "budget: { claude: { usd: 1e400 } }",
            "settings.yml:1: syntax: non-finite",
        ),
        ("\u{0}", "settings.yml"),
    ] {
        let told = told(&both("", text));
        assert!(told[0].contains(found), "{text:?}: {told:?}");
    }
}

#[test]
fn a_provider_that_is_known_and_not_there_is_a_word_of_warning() {
    let machine = both("", "budget:\n  gemini: 5\n");
    assert_eq!(specs(&machine).len(), 1);
    let settings = judged(&machine).unwrap();
    let warnings: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "/state/settings.yml:2: budget \"gemini\": counts provider \"google\", which is not configured\n  hint: there are openai, anthropic"
        ]
    );
}

#[test]
fn settings_hold_without_a_configuration() {
    let mut paths = paths();
    paths.named = false;
    paths.config = "/c/tollgate.toml".into();
    let machine = Fake::default().host("budget: { demo: 2000 }\n");
    let settings = load(&paths, &machine).unwrap();
    assert_eq!(settings.budgets.len(), 1);
    assert_eq!(settings.budgets[0].window, Window::Total);
    assert_eq!(settings.budgets[0].shutdown, Shutdown::Cutoff);
}

#[test]
fn what_is_known_of_models_can_be_corrected() {
    let toml = "
[models.defaults]
max_output = 4096
[models.\"my-model\"]
context_window = 32000
max_output = 1000
price = { input = 0.10, output = \"0.40\", cache_read = 0.01 }
long = { over = 1000, input = 0.20, output = 0.80 }
[models.\"openai/gpt-4o\"]
price = { input = 5, output = 20 }
";
    let settings = judged(&both(toml, "")).unwrap();
    assert_eq!(settings.output_cap, Some(4096));
    let used = TokenUsage {
        input: 1_000_000,
        ..TokenUsage::default()
    };
    let price = |provider: &str, model: &str| {
        let cost = settings
            .catalog
            .price(provider, model, &used, Default::default());
        cost.map(|cost| cost.to_string())
    };
    assert_eq!(price("x", "my-model").as_deref(), Some("0.2"));
    assert_eq!(price("openai", "gpt-4o").as_deref(), Some("5"));
    assert_eq!(price("azure", "gpt-4o").as_deref(), Some("2.5"));
    let bad = "
[models.a]
context_window = 5
max_output = 6
long = { over = 1, input = 1, output = 1 }
[models.b]
price = { input = -1 }
";
    insta::assert_snapshot!(told(&both(bad, "")).join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_settings_make_it_panic(
        lines in proptest::collection::vec(
            prop_oneof![
                "(budget|shutdown|aliases|x): ?(\\{|\\[|[0-9]{0,20}|no|&a|\\*a|.{0,8})",
                " {1,4}(claude|codex|all|tokens|usd|per|ceiling|time_zone): ?(-?[0-9]{1,25}|[0-9.e_]{1,9}|\\{.{0,12}\\}|\\[.{0,8}\\]|~|yes|day)?",
                " {0,4}- ?.{0,12}",
                ".{0,24}",
            ],
            0..10,
        )
    ) {
        let machine = both("", &lines.join("\n"));
        drop(judged(&machine));
    }
}

#[test]
fn bottles_stand_in_each_other() {
    let toml = "
[bottles.base]
budget = { tokens = 9, ceiling = true }
[bottles.net]
[bottles.dev]
extends = [\"base\", \"net\"]
[bottles.web]
extends = \"dev\"
budget = 7
[agents.one]
bottle = \"web\"
[agents.two]
";
    let machine = both(toml, "");
    assert_eq!(
        specs(&machine),
        [
            "bottle:base/*/total Some(9) None ceiling cutoff",
            "bottle:web/*/total Some(7) None cutoff",
        ]
    );
    let settings = judged(&machine).unwrap();
    let bottles = settings.agents.iter().map(|agent| agent.bottles.join(" "));
    assert_eq!(bottles.collect::<Vec<_>>(), ["web dev base net", ""]);
}

#[test]
fn parents_that_are_not_there_or_stand_in_themselves_are_faults() {
    let toml = "
[bottles.a]
extends = \"b\"
[bottles.b]
extends = [\"a\"]
[bottles.dev]
extends = \"bse\"
[bottles.base]
[bottles.Bad]
";
    assert_eq!(
        told(&both(toml, "")),
        [
            "tollgate.toml:10: bottle \"a\": bottles extend each other in a circle: a → b → a\n  hint: a bottle stands in others, never in itself",
            "tollgate.toml:12: bottle \"b\": bottles extend each other in a circle: b → a → b\n  hint: a bottle stands in others, never in itself",
            "tollgate.toml:14: bottle \"dev\": extends is \"bse\", expected the name of a bottle\n  hint: did you mean \"base\"?",
            "tollgate.toml:16: bottle \"Bad\": name can't be used, expected 1 to 64 lower-case letters, digits, `-`, `_` and `.`, the first one a letter or digit",
        ]
    );
    let toml = "
[bottles.dev]
[agents.one]
bottle = \"devv\"
";
    assert_eq!(
        told(&both(toml, "")),
        [
            "tollgate.toml:11: agent \"one\": bottle is \"devv\", expected the name of a bottle\n  hint: did you mean \"dev\"?",
        ]
    );
}
