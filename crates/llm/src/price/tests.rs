use proptest::prelude::*;

use super::*;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input,
        cache_read,
        cache_write,
        output,
    }
}

#[test]
fn the_built_in_file_is_sound() {
    let text = include_str!("../../data/models.toml");
    let catalog = Catalog::read(text).unwrap();
    assert_eq!(Catalog::built_in().names(), catalog.names());
    assert!(catalog.names().len() > 60);
    for name in catalog.names() {
        let facts = catalog.facts("any", name);
        let embedding = name.contains("embedding");
        assert_eq!(facts.max_output == Some(0), embedding, "{name}");
        let Some(price) = facts.price else { continue };
        assert!(price.cache_read <= price.input, "{name}");
        assert!(price.cache_write_1h >= price.cache_write, "{name}");
        assert!(embedding || price.output >= price.input, "{name}");
        if let Some(long) = facts.long {
            assert!(long.price.input >= price.input, "{name}");
            assert!(facts.context_window.unwrap() > long.over, "{name}");
        }
    }
}

#[test]
fn a_use_is_priced_by_kind_and_exactly() {
    let catalog = Catalog::built_in();
    let price = |model: &str, usage: &TokenUsage, life| catalog.price("p", model, usage, life);
    let used = usage(1_000, 20_000, 3_000, 500);
    // 1,000 × 5 + 20,000 × 0.5 + 3,000 × 6.25 + 500 × 25, per million.
    let short = price("claude-opus-4-5-20251101", &used, CacheLife::Short);
    assert_eq!(short, Some(money("0.04625")));
    let hour = price("claude-opus-4-5", &used, CacheLife::Hour);
    assert_eq!(hour, Some(money("0.0575")));
    // A token of 2.5 cents a million costs 25 billionths.
    let one = price("gpt-4.1-nano", &usage(0, 1, 0, 0), CacheLife::Short);
    assert_eq!(one, Some(money("0.000000025")));
    let none = price("gpt-4.1-nano", &TokenUsage::default(), CacheLife::Short);
    assert_eq!(none, Some(Money::ZERO));
}

#[test]
fn a_long_prompt_makes_all_of_the_request_dear() {
    let facts = Catalog::built_in().facts("anthropic", "claude-haiku-5-5");
    let cost = |input, cached| facts.cost(&usage(input, cached, 0, 1_000), CacheLife::Short);
    assert_eq!(cost(100_000, 0), Some(money("0.0105")));
    assert_eq!(cost(100_001, 0), Some(money("0.0525005")));
    // What a cache had counts for the length of the prompt.
    assert_eq!(cost(1, 100_000), Some(money("0.0075005")));
}

#[test]
fn unknown_models_have_no_price_and_the_demo_costs_nothing() {
    let catalog = Catalog::built_in();
    let used = usage(10, 0, 0, 10);
    for model in ["nobody", "gpt-oss-120b", "", "gpt-4o-2024", "-2024-11-20"] {
        assert_eq!(
            catalog.price("p", model, &used, CacheLife::Short),
            None,
            "{model}"
        );
    }
    let demo = catalog.price("demo", "demo", &used, CacheLife::Short);
    assert_eq!(demo, Some(Money::ZERO));
    assert!(catalog.facts("p", "gpt-4o-2024-11-20").price.is_some());
    assert!(
        catalog
            .facts("p", "claude-sonnet-4-5-latest")
            .price
            .is_some()
    );
}

#[test]
fn an_operators_own_facts_win_key_by_key() {
    let own = Facts {
        price: Some(Price {
            input: money("1"),
            output: money("2"),
            ..Price::default()
        }),
        ..Facts::default()
    };
    let shorter = Facts {
        max_output: Some(1_000),
        ..Facts::default()
    };
    let own = [
        ("gpt-5.5".to_owned(), own),
        ("azure/gpt-5.5".to_owned(), shorter),
    ];
    let catalog = Catalog::built_in().with_own(own);
    let azure = catalog.facts("azure", "gpt-5.5");
    assert_eq!(azure.max_output, Some(1_000));
    assert_eq!(
        azure.long, None,
        "the list's steps are not those of one's own price"
    );
    assert_eq!(azure.price.unwrap().output, money("2"));
    assert_eq!(catalog.facts("openai", "gpt-5.5").max_output, Some(128_000));
}

#[test]
fn files_that_cannot_be_right_are_refused() {
    let head = "as_of = \"2026-11-06\"\n[[model]]\nnames = [\"a\"]\ncontext_window = 10\ninput = [\"text\"]\n";
    for (text, found) in [
        (
            "as_of = \"yesterday\"\nmodel = []".to_owned(),
            "as_of is `yesterday`",
        ),
        (
            format!("{head}max_output = 11"),
            "larger than context_window",
        ),
        (
            format!("{head}[model.price]\ninput = -1\noutput = 1"),
            "price is `-1`, expected zero or more",
        ),
        (
            format!("{head}[model.price]\ninput = -0.5\noutput = 1"),
            "price is `-0.5`, expected zero or more",
        ),
        (
            format!("{head}[model.price]\ninput = 70000\noutput = 1"),
            "price is `70000`",
        ),
        (
            format!("{head}[model.price]\ninput = 1"),
            "missing field `output`",
        ),
        (
            format!("{head}[model.price]\ninput = 1\noutput = 1\nother = 1"),
            "unknown field",
        ),
        (
            format!("{head}{}", &head[head.find("[[").unwrap()..]),
            "stands twice",
        ),
    ] {
        let fault = Catalog::read(&text).unwrap_err().to_string();
        assert!(fault.contains(found), "{fault}");
    }
}

proptest! {
    #[test]
    fn no_use_within_a_bound_costs_more_than_it(
        at in any::<prop::sample::Index>(),
        counts in (0..600_000u64, 0..600_000u64, 0..600_000u64, 0..200_000u64),
        slack in 0..200_000u64,
        hour in any::<bool>(),
    ) {
        let catalog = Catalog::built_in();
        let names = catalog.names();
        let facts = catalog.facts("p", names[at.index(names.len())]);
        let life = if hour { CacheLife::Hour } else { CacheLife::Short };
        let used = usage(counts.0, counts.1, counts.2, counts.3);
        let input = used.total() - used.output + slack;
        let bound = facts.bound(input, used.output, life);
        prop_assert!(facts.cost(&used, life) <= bound);
        prop_assert_eq!(bound.is_some(), facts.price.is_some());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        drop(Catalog::read(&text));
    }
}

#[test]
fn a_service_that_costs_more_is_seen() {
    for dearer in [
        r#"{"service_tier": "priority"}"#,
        r#"{"service_tier" :"fast"}"#,
        r#"{"serviceTier":"SERVICE_TIER_PRIORITY"}"#,
        r#"{"service_tier":"priorit\u0079"}"#,
        r#"{"speed":"fast"}"#,
    ] {
        assert!(is_dearer(dearer.as_bytes()), "{dearer}");
    }
    for ordinary in [
        r#"{"service_tier":"auto","x":1}"#,
        r#"{"service_tier":null}"#,
        r#"{"serviceTier":"FLEX"}"#,
        r#"{"speed":"slow","service":"priority"}"#,
        r#"{"messages":[{"content":"say \"service_tier\": \"priority\""}]}"#,
        r#"{"service_tier"#,
        r#"{"service_tier":""#,
        "{}",
    ] {
        assert!(!is_dearer(ordinary.as_bytes()), "{ordinary}");
    }
}
