use proptest::prelude::*;

use super::*;
use crate::{AgentFallback, ProviderRoutes};

mod synthetic;

fn providers() -> Vec<ProviderRoutes> {
    let provider = |id: &str, models: &[&str]| ProviderRoutes {
        id: id.into(),
        models: models.iter().map(ToString::to_string).collect(),
        takes_callers_key: false,
    };
    vec![
        provider("openai", &["gpt-*", "o1*", "text-embedding-3-small"]),
        provider("anthropic", &["claude-*", "claude-opus-4", "gpt-4o"]),
        provider("openrouter", &["meta-llama/*"]),
        provider("demo", &["demo"]),
    ]
}

fn shortcuts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(alias, model): &(&str, &str)| (alias.to_string(), model.to_string());
    pairs.iter().map(owned).collect()
}

fn config() -> RoutingConfig {
    RoutingConfig {
        providers: providers(),
        model_routes: vec![("gpt-4o-audio*".into(), "openrouter".into())],
        shortcuts: shortcuts(&[
            ("fast", "quick"),
            ("quick", "openai/gpt-4o-mini"),
            ("opus", "claude-opus-4"),
        ]),
        fallbacks: vec![AgentFallback {
            agent: None,
            primary: "openai/gpt-4o".into(),
            fallback: vec![
                "anthropic/claude-sonnet-4".into(),
                "openai/gpt-4o".into(),
                "fast".into(),
            ],
        }],
        ..RoutingConfig::default()
    }
}

fn table_of(config: RoutingConfig) -> Result<RouteTable, Vec<RoutingFault>> {
    RouteTable::new(config, &|_, _| None)
}

fn plan_of(table: &RouteTable, name: &str) -> Result<Plan, UnknownModel> {
    let ask = Ask {
        name,
        ..Ask::default()
    };
    table.resolve(&ask).map_err(|no| match no {
        NoPlan::Unknown(unknown) => unknown,
        NoPlan::TooLarge { .. } => panic!("{no}"),
    })
}

fn route(table: &RouteTable, asked: &str) -> Vec<String> {
    let plan = plan_of(table, asked).unwrap();
    let shown = |candidate: &Candidate| {
        format!("{} {}", table.provider(candidate.provider), candidate.model)
    };
    plan.candidates.iter().map(shown).collect()
}

#[test]
fn names_lead_where_the_order_says() {
    let table = table_of(config()).unwrap();
    let cases = [
        ("openai/gpt-5", "openai gpt-5"),
        ("openrouter/openai/gpt-5", "openrouter openai/gpt-5"),
        ("openrouter/a%2Fb/c//d", "openrouter a%2Fb/c//d"),
        ("anthropic/fast", "anthropic fast"),
        ("fast", "openai gpt-4o-mini"),
        ("opus", "anthropic claude-opus-4"),
        ("gpt-4o-audio-preview", "openrouter gpt-4o-audio-preview"),
        ("gpt-4o", "openai gpt-4o"),
        ("meta-llama/llama-3", "openrouter meta-llama/llama-3"),
    ];
    for (asked, expected) in cases {
        assert_eq!(route(&table, asked), [expected], "{asked}");
    }
}

#[test]
fn the_primary_name_has_its_fallbacks_each_once() {
    let table = table_of(config()).unwrap();
    assert_eq!(
        route(&table, "openai/gpt-4o"),
        [
            "openai gpt-4o",
            "anthropic claude-sonnet-4",
            "openai gpt-4o-mini"
        ]
    );
    assert_eq!(route(&table, "gpt-4o"), ["openai gpt-4o"]);
}

#[test]
fn unknown_names_come_with_their_neighbours() {
    let table = table_of(config()).unwrap();
    let cases: [(&str, &[&str]); 8] = [
        ("fats", &["fast"]),
        ("opnai/gpt-4o", &["openai/gpt-4o"]),
        ("GPT-4o", &["gpt-4o"]),
        ("Fast", &["fast"]),
        ("claud-opus-4", &["claude-opus-4"]),
        ("embedding-3", &["text-embedding-3-small"]),
        ("nothing-like-it", &[]),
        ("openai/", &["openai/gpt-4o"]),
    ];
    for (asked, first) in cases {
        let unknown = plan_of(&table, asked).unwrap_err();
        assert_eq!(
            unknown.nearest.first().map(String::as_str),
            first.first().copied(),
            "{asked}: {unknown:?}"
        );
        assert!(unknown.nearest.len() <= 3 && unknown.asked == asked);
    }
    let unknown = plan_of(&table, "fats").unwrap_err();
    assert_eq!(unknown.to_string(), "no model `fats`");
    assert_eq!(unknown.hint().as_deref(), Some("did you mean `fast`?"));
}

#[test]
fn hostile_names_are_cut_and_cleaned() {
    let table = table_of(config()).unwrap();
    let long = plan_of(&table, &format!("gpt-{}", "x".repeat(1_000_000))).unwrap_err();
    assert_eq!((long.asked.len(), long.nearest.len()), (64, 0));
    let split = plan_of(&table, "gpt-4o\r\nx-evil: 1").unwrap_err();
    assert_eq!(split.asked, "gpt-4ox-evil: 1");
    assert!(plan_of(&table, "").is_err());
}

#[test]
fn listed_names_lead_to_what_they_say() {
    let table = table_of(config()).unwrap();
    let names: Vec<_> = table.names().map(|listed| listed.name.as_str()).collect();
    // `gpt-4o` and `claude-opus-4`: the bare one where it leads to that provider.
    let expected = [
        "fast",
        "quick",
        "opus",
        "text-embedding-3-small",
        "claude-opus-4",
        "anthropic/gpt-4o",
        "demo",
    ];
    assert_eq!(names, expected);
    for listed in table.names() {
        assert_eq!(
            plan_of(&table, &listed.name).unwrap().candidates[0],
            listed.candidates[0]
        );
    }
}

fn faults(change: impl FnOnce(&mut RoutingConfig)) -> Vec<String> {
    let mut config = config();
    change(&mut config);
    let faults = table_of(config).unwrap_err();
    let shown = |fault: &RoutingFault| {
        let hint = fault.hint().map(|hint| format!(" ({hint})"));
        format!("{}: {fault}{}", fault.place(), hint.unwrap_or_default())
    };
    faults.iter().map(shown).collect()
}

#[test]
fn every_fault_is_named_with_its_place() {
    let found = faults(|config| {
        config.model_routes.push(("x-*".into(), "openia".into()));
        config.shortcuts = shortcuts(&[
            ("into", "b"),
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("self", "self"),
            ("openai/x", "demo"),
            ("dup", "demo"),
            ("dup", "demo"),
            ("lost", "claud-opus-4"),
            ("fast", "demo"),
        ]);
        let fallback = &mut config.fallbacks[0];
        fallback.primary = "nowhere".into();
        fallback.fallback.push("google/gemini".into());
    });
    assert_eq!(
        found,
        [
            "model_routes[1].provider: route `x-*` leads to provider `openia`, which is not configured (did you mean `openai`?)",
            "model_shortcuts[5].alias: alias `openai/x` can't be reached: names that begin with `openai/` are that provider's models (choose a name without `/`)",
            "model_shortcuts[7].alias: alias `dup` is defined twice, expected each alias once",
            "model_shortcuts[1].model: names lead in a circle: `a` → `b` → `c` → `a`",
            "model_shortcuts[4].model: names lead in a circle: `self` → `self`",
            "model_shortcuts[8].model: alias `lost` leads to `claud-opus-4`, which no provider serves (did you mean `claude-opus-4`?)",
            "agents.defaults.model.provider: `nowhere` is not served by any provider",
            "agents.defaults.model.fallback[3]: `google/gemini` is not served by any provider",
        ]
    );
}

#[test]
fn provider_ids_must_be_names() {
    let found = faults(|config| {
        config.providers.push(ProviderRoutes {
            id: "a/b".into(),
            models: vec![],
            takes_callers_key: false,
        });
        config.providers.push(ProviderRoutes {
            id: "".into(),
            models: vec![],
            takes_callers_key: false,
        });
        config.providers.push(ProviderRoutes {
            id: "demo".into(),
            models: vec![],
            takes_callers_key: false,
        });
    });
    assert_eq!(
        found,
        [
            "providers.a/b: provider id `a/b` is split by a slash, expected a name without `/`",
            "providers.: provider id `` is empty, expected a name without `/`",
            "providers.demo: provider id `demo` is given twice, expected each id once",
        ]
    );
}

#[test]
fn no_configuration_is_a_table_that_knows_nothing() {
    let table = table_of(RoutingConfig::default()).unwrap();
    assert_eq!(
        (
            table.names().count(),
            plan_of(&table, "gpt-4o").unwrap_err().nearest.len()
        ),
        (0, 0)
    );
}

proptest! {
    #[test]
    fn explicit_names_pass_through_whole(model in "[ -~]{1,200}") {
        let table = table_of(config()).unwrap();
        let plan = plan_of(&table, &format!("anthropic/{model}")).unwrap();
        prop_assert_eq!(&*plan.candidates[0].model, model);
    }

    #[test]
    fn suggestions_always_work(asked in "[a-zA-Z/4o.-]{0,40}") {
        let table = table_of(config()).unwrap();
        if let Err(unknown) = plan_of(&table, &asked) {
            for name in unknown.nearest {
                prop_assert!(plan_of(&table, &name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn any_chain_of_aliases_ends(targets in prop::collection::vec(0usize..12, 12)) {
        let pairs: Vec<_> = targets.iter().enumerate().map(|(from, to)| (format!("a{from}"), format!("a{to}"))).collect();
        let config = RoutingConfig { providers: providers(), shortcuts: pairs, ..RoutingConfig::default() };
        // Twelve names that lead only to one another always hold a circle.
        let faults = table_of(config).unwrap_err();
        let circles = faults.iter().all(|fault| matches!(fault, RoutingFault::Cycle { .. }));
        prop_assert!(circles, "{faults:?}");
    }
}
