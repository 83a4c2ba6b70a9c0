use std::collections::{HashMap, HashSet};

use super::*;
use crate::{AlloySpec, MemberSpec, SizedSpec, Strategy as Pick};

fn members(list: &[(&str, u32, Option<u64>)]) -> Vec<MemberSpec> {
    let member = |(model, weight, window): &(&str, u32, Option<u64>)| MemberSpec {
        model: (*model).to_owned(),
        weight: *weight,
        context_window: *window,
    };
    list.iter().map(member).collect()
}

fn alloy(id: &str, strategy: Pick, list: &[(&str, u32)]) -> AlloySpec {
    let list: Vec<_> = list
        .iter()
        .map(|&(model, weight)| (model, weight, None))
        .collect();
    AlloySpec {
        id: id.to_owned(),
        strategy,
        members: members(&list),
    }
}

fn sized(id: &str, list: &[(&str, Option<u64>)]) -> SizedSpec {
    let list: Vec<_> = list
        .iter()
        .map(|&(model, window)| (model, 1, window))
        .collect();
    SizedSpec {
        id: id.to_owned(),
        members: members(&list),
    }
}

/// Alloys, a cascade, a dispatcher, and one of each in the other.
fn mixed() -> RoutingConfig {
    RoutingConfig {
        providers: providers(),
        shortcuts: shortcuts(&[("quick", "openai/gpt-4o-mini"), ("any", "blend")]),
        alloys: vec![
            alloy(
                "blend",
                Pick::Weighted,
                &[("gpt-4o", 2), ("claude-sonnet-4", 1)],
            ),
            alloy(
                "turns",
                Pick::RoundRobin,
                &[("gpt-4o", 2), ("quick", 1), ("demo", 1)],
            ),
            alloy("first", Pick::FirstAvailable, &[("demo", 1), ("blend", 1)]),
        ],
        cascades: vec![sized(
            "long",
            &[
                ("quick", Some(8_000)),
                ("fit", Some(200_000)),
                ("demo", None),
            ],
        )],
        dispatchers: vec![sized(
            "fit",
            &[
                ("claude-sonnet-4", Some(200_000)),
                ("gpt-4o", Some(32_000)),
                ("quick", Some(128_000)),
            ],
        )],
        fallbacks: vec![
            AgentFallback {
                agent: None,
                primary: "openai/gpt-4o".into(),
                fallback: vec!["turns".into()],
            },
            AgentFallback {
                agent: Some("ci".into()),
                primary: "demo".into(),
                fallback: vec!["quick".into()],
            },
        ],
        ..RoutingConfig::default()
    }
}

fn ask<'a>(name: &'a str, need: u64, random: u64) -> Ask<'a> {
    Ask {
        name,
        need,
        random,
        agent: "somebody",
    }
}

fn models(table: &RouteTable, ask: &Ask<'_>) -> Vec<String> {
    let plan = table.resolve(ask).unwrap();
    plan.candidates
        .iter()
        .map(|it| it.model.to_string())
        .collect()
}

#[test]
fn an_alloy_is_drawn_by_weight_and_the_rest_follow() {
    let table = table_of(mixed()).unwrap();
    let mut first = HashMap::new();
    for random in 0..30_000 {
        let found = models(&table, &ask("blend", 0, random));
        assert_eq!(found.len(), 2);
        *first.entry(found[0].clone()).or_insert(0) += 1;
    }
    assert!((19_400..=20_600).contains(&first["gpt-4o"]), "{first:?}");
    let by_alias = models(&table, &ask("any", 0, 7));
    assert_eq!(by_alias, models(&table, &ask("blend", 0, 7)));
}

#[test]
fn turns_go_round_by_weight() {
    let table = table_of(mixed()).unwrap();
    let first: Vec<_> = (0..8)
        .map(|_| models(&table, &ask("turns", 0, 0)).remove(0))
        .collect();
    let count = |name: &str| first.iter().filter(|found| *found == name).count();
    assert_eq!(
        [count("gpt-4o"), count("gpt-4o-mini"), count("demo")],
        [4, 2, 2]
    );
    assert_eq!(models(&table, &ask("turns", 0, 0)).len(), 3);
}

#[test]
fn a_cascade_leaves_out_what_is_too_small() {
    let table = table_of(mixed()).unwrap();
    let names = |need| models(&table, &ask("long", need, 0));
    assert_eq!(
        names(4_000),
        ["gpt-4o-mini", "gpt-4o", "claude-sonnet-4", "demo"]
    );
    assert_eq!(names(40_000), ["gpt-4o-mini", "claude-sonnet-4", "demo"]);
    assert_eq!(names(500_000), ["demo"]);
    assert_eq!(table.narrowest(&ask("long", 0, 0)), Some(8_000));
}

#[test]
fn a_dispatcher_takes_the_smallest_that_fits_then_larger_ones() {
    let table = table_of(mixed()).unwrap();
    let names = |need| models(&table, &ask("fit", need, 0));
    assert_eq!(names(10_000), ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4"]);
    assert_eq!(names(32_001), ["gpt-4o-mini", "claude-sonnet-4"]);
    let none = table.resolve(&ask("fit", 200_001, 0)).unwrap_err();
    assert_eq!(
        none.to_string(),
        "the request needs about 200001 tokens with its answer, the largest context window of `fit` has 200000"
    );
}

#[test]
fn what_the_catalog_knows_of_a_model_counts_where_nothing_is_written() {
    let mut config = mixed();
    config.dispatchers[0].members[1].context_window = None;
    let told = table_of(config.clone()).unwrap_err();
    assert_eq!(
        (told[0].place().as_str(), told[0].to_string().as_str()),
        (
            "dispatchers[0].models[1].model",
            "dispatcher `fit` has `gpt-4o`, whose context window is not known, expected context_window"
        )
    );
    let table = RouteTable::new(config, &|provider, model| {
        (provider == "openai" && model == "gpt-4o").then_some(150_000)
    });
    let names = models(&table.unwrap(), &ask("fit", 10_000, 0));
    assert_eq!(names, ["gpt-4o-mini", "gpt-4o", "claude-sonnet-4"]);
}

#[test]
fn fallbacks_are_the_agents_own_or_the_default() {
    let table = table_of(mixed()).unwrap();
    let names = |agent, name| {
        models(
            &table,
            &Ask {
                agent,
                name,
                ..Ask::default()
            },
        )
    };
    assert_eq!(names("main", "openai/gpt-4o")[0], "gpt-4o");
    assert_eq!(names("main", "openai/gpt-4o").len(), 3);
    assert_eq!(names("main", "demo"), ["demo"]);
    assert_eq!(names("ci", "demo"), ["demo", "gpt-4o-mini"]);
    assert_eq!(names("ci", "openai/gpt-4o"), ["gpt-4o"]);
    // Within another name it is a plain model.
    assert_eq!(names("main", "gpt-4o"), ["gpt-4o"]);
}

#[test]
fn plain_names_are_measured_against_nothing() {
    let table = table_of(mixed()).unwrap();
    for name in ["gpt-4o", "openai/gpt-5", "quick", "blend", "nowhere"] {
        assert_eq!(table.narrowest(&ask(name, 0, 0)), None, "{name}");
    }
}

#[test]
fn synthetic_models_are_listed_with_all_that_they_lead_to() {
    let table = table_of(mixed()).unwrap();
    let listed: HashMap<_, _> = table
        .names()
        .map(|it| (it.name.as_str(), (it.candidates.len(), it.is_synthetic)))
        .collect();
    assert_eq!(listed["long"], (4, true));
    assert_eq!(listed["any"], (2, true));
    assert_eq!(listed["quick"], (1, false));
}

fn told(change: impl FnOnce(&mut RoutingConfig)) -> Vec<String> {
    let mut config = mixed();
    change(&mut config);
    let faults = table_of(config).unwrap_err();
    faults
        .iter()
        .map(|it| format!("{}: {it}", it.place()))
        .collect()
}

#[test]
fn faults_of_synthetic_models_are_named_with_their_place() {
    let found = told(|config| {
        config.fallbacks.clear();
        config.alloys.push(alloy("empty", Pick::Weighted, &[]));
        config
            .alloys
            .push(alloy("zero", Pick::Weighted, &[("demo", 0)]));
        config
            .alloys
            .push(alloy("twice", Pick::Weighted, &[("demo", 1), ("demo", 1)]));
        config
            .alloys
            .push(alloy("lost", Pick::Weighted, &[("demo", 1), ("gtp-4o", 1)]));
        config
            .alloys
            .push(alloy("one", Pick::Weighted, &[("demo", 1), ("two", 1)]));
        config.cascades.push(sized("two", &[("one", None)]));
        config.cascades.push(sized("blend", &[("demo", None)]));
        config
            .cascades
            .push(sized("claude-opus-4", &[("demo", None)]));
        config.cascades.push(sized("openai/x", &[("demo", None)]));
        config.cascades.push(sized("long", &[("demo", None)]));
    });
    assert_eq!(
        found,
        [
            "cascades[2].id: cascade `blend` has the name of the alloy above",
            "cascades[3].id: cascade `claude-opus-4` has the name of a model of provider `anthropic`",
            "cascades[4].id: cascade `openai/x` can't be reached: names that begin with `openai/` are that provider's models",
            "cascades[5].id: cascade `long` is defined twice, expected each cascade once",
            "alloys[3].id: alloy `empty` has no models, expected at least one",
            "alloys[4].constituents[0].model: alloy `zero` gives `demo` the weight 0, expected 1 or more",
            "alloys[5].constituents[1].model: alloy `twice` has `demo` twice, expected each model once",
            "alloys[6].constituents[1].model: alloy `lost` leads to `gtp-4o`, which no provider serves",
            "alloys[7].constituents[1].model: names lead in a circle: `one` → `two` → `one`",
        ]
    );
}

#[test]
fn a_callers_credential_is_meant_for_one_provider() {
    let found = told(|config| {
        config.providers[0].takes_callers_key = true;
        config.providers[1].takes_callers_key = true;
        config.fallbacks.clear();
        config.dispatchers.clear();
        config.cascades.clear();
    });
    assert_eq!(
        found,
        [
            "alloys[0].id: `blend` leads to `openai` and `anthropic`, which both take the caller's own credential, expected one at most",
            "alloys[2].id: `first` leads to `openai` and `anthropic`, which both take the caller's own credential, expected one at most",
        ]
    );
}

#[test]
fn routes_that_contradict_each_other_are_found() {
    let routes = |list: &[(&str, &str)]| {
        told(|config| {
            config.model_routes = list
                .iter()
                .map(|(glob, provider)| ((*glob).to_owned(), (*provider).into()))
                .collect();
            config.alloys.push(alloy("empty", Pick::Weighted, &[]));
        })
        .len()
            - 1
    };
    assert_eq!(routes(&[("gpt-*", "openai"), ("gpt-4o", "demo")]), 1);
    assert_eq!(routes(&[("gpt-4o", "openai"), ("gpt-4o", "demo")]), 1);
    assert_eq!(routes(&[("*", "openai"), ("gpt-?", "demo")]), 1);
    assert_eq!(routes(&[("gpt-4o", "openai"), ("gpt-*", "demo")]), 0);
    assert_eq!(routes(&[("gpt-?", "openai"), ("gpt-*", "demo")]), 0);
    assert_eq!(routes(&[("gpt-*", "openai"), ("gpt-4o", "openai")]), 0);
}

#[test]
fn nesting_is_bounded_and_a_diamond_of_names_costs_no_more_than_its_edges() {
    let mut config = mixed();
    config.alloys = (0..40)
        .map(|at| {
            let (one, two) = (format!("x{}", at + 1), format!("y{}", at + 1));
            let list = if at == 39 {
                vec![("demo", 1)]
            } else {
                vec![(one.as_str(), 1), (two.as_str(), 1)]
            };
            [
                alloy(&format!("x{at}"), Pick::Weighted, &list),
                alloy(&format!("y{at}"), Pick::Weighted, &list),
            ]
        })
        .collect::<Vec<_>>()
        .concat();
    config.shortcuts.clear();
    config.cascades.clear();
    config.dispatchers.clear();
    config.fallbacks.clear();
    let table = table_of(config.clone()).unwrap();
    // 2^39 ways lead to it.
    assert_eq!(models(&table, &ask("x0", 0, 1)), ["demo"]);
    for reversed in [false, true] {
        let mut chain: Vec<_> = (0..200)
            .map(|at| (format!("a{at}"), format!("a{}", at + 1)))
            .collect();
        chain.push(("a200".into(), "demo".into()));
        if reversed {
            chain.reverse();
        }
        config.shortcuts = chain;
        assert!(table_of(config.clone()).is_err());
    }
}

proptest! {
    #[test]
    fn any_plan_holds_each_model_once_and_only_what_fits(
        edges in prop::collection::vec(prop::collection::vec((0usize..9, 1u32..5, prop::option::of(1u64..100)), 1..4), 6),
        need in 0u64..120,
        random in any::<u64>(),
    ) {
        let leaf = |to: usize| ["demo", "gpt-4o", "claude-sonnet-4"][to % 3].to_owned();
        let cascades = edges.iter().enumerate().map(|(at, list)| {
            let mut seen = HashSet::new();
            let members = list.iter().map(|&(to, weight, context_window)| MemberSpec {
                model: if to > at && to < 6 { format!("c{to}") } else { leaf(to) },
                weight,
                context_window,
            });
            SizedSpec { id: format!("c{at}"), members: members.filter(|it| seen.insert(it.model.clone())).collect() }
        });
        let config = RoutingConfig { providers: providers(), cascades: cascades.collect(), ..RoutingConfig::default() };
        let table = table_of(config).unwrap();
        if let Ok(plan) = table.resolve(&ask("c0", need, random)) {
            let unique: HashSet<_> = plan.candidates.iter().map(|it| (it.provider, it.model.clone())).collect();
            prop_assert_eq!(unique.len(), plan.candidates.len());
            prop_assert!(!plan.candidates.is_empty());
            prop_assert!(plan.candidates.iter().all(|it| it.window.is_none_or(|window| window >= need)));
        } else {
            prop_assert!(table.narrowest(&ask("c0", need, random)).is_some_and(|least| least < need));
        }
    }
}
