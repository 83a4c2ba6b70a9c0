//! Facts, however they are spelled.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_policy::Facts;

use crate::facts_check::check;

/// Any JSON, with the numbers that are hard to keep.
fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~é\\n]{0,12}".prop_map(Value::from),
        Just(json!("https://xn--bcher-kva.example/")),
    ];
    let inner = |inner: BoxedStrategy<Value>| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    };
    leaf.prop_recursive(4, 24, 4, move |it| inner(it.boxed()))
        .boxed()
}

fn taint() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["untrusted_content", "secret_seen", "made_up"]);
    prop_oneof![
        prop::collection::vec(kind.clone(), 0..4).prop_map(Value::from),
        (kind, "[a-z]{0,5}", any::<u64>())
            .prop_map(|(kind, source, at)| { json!({kind: {"source": source, "at": at >> 1}}) }),
    ]
}

/// Keys that Tollgate knows, mostly with values of their kind.
fn context() -> impl Strategy<Value = Value> {
    let text = || "[a-z.]{0,10}".prop_map(Value::from);
    let texts = || prop::collection::vec("[a-z.]{0,10}", 0..3).prop_map(Value::from);
    let whole = || (any::<u64>(), 1..64_u32).prop_map(|(n, by)| Value::from(n >> by));
    let pair = prop_oneof![
        (
            prop::sample::select(&["agent_id", "plane", "bottle", "run", "domain", "tier"][..]),
            text()
        )
            .boxed(),
        (
            prop::sample::select(
                &[
                    "domain_lists",
                    "agent_allowed_domains",
                    "agent_denied_domains"
                ][..]
            ),
            texts()
        )
            .boxed(),
        (prop::sample::select(&["budget_left", "time"][..]), whole()).boxed(),
        (Just("taint"), taint()).boxed(),
        (
            prop::sample::select(&["claims", "team", "time"][..]),
            value()
        )
            .boxed(),
    ];
    let pairs = prop::collection::vec(pair, 0..8);
    pairs.prop_map(|pairs| {
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Object(pairs.collect::<Map<_, _>>())
    })
}

fn facts() -> impl Strategy<Value = String> {
    let tool = prop::sample::select(&["model", "http", "exec", "chat", "Read", "é"][..]);
    (tool, value(), context()).prop_map(|(tool, args, context)| {
        json!({"v": 1, "tool": tool, "args": args, "context": context}).to_string()
    })
}

proptest! {
    #[test]
    fn facts_mean_the_same_when_they_are_written_and_read(facts in facts()) {
        check(facts.as_bytes());
    }

    #[test]
    fn rubbish_is_refused_and_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), json in value()) {
        check(&bytes);
        check(json.to_string().as_bytes());
    }
}

#[test]
fn a_kind_of_taint_that_is_written_twice_is_one() {
    let text = br#"{"context": {"taint": ["secret_seen", "secret_seen"]}}"#;
    assert_eq!(Facts::from_json(text).unwrap().context.taint.len(), 1);
    check(text);
}
