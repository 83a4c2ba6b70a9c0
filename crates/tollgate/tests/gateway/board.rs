//! The board in `contrib/` and the page about metrics, held against what a
//! gateway really exports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tollgate_testkit::{Request, Script, Wire};

use crate::house::{FIRST_KEY, House, SECOND_KEY};

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// What a gateway exports after a few requests: the labels of every series.
struct Exported {
    text: String,
    series: BTreeMap<String, BTreeSet<String>>,
}

impl Exported {
    async fn after_a_few_requests() -> Self {
        let house = House::with("", &[FIRST_KEY, SECOND_KEY]).await;
        house.openai.push(Script::Status429Rate { retry_after: 1 });
        for wire in [Wire::OpenAi, Wire::Anthropic] {
            let model = crate::house::model(wire);
            for stream in [true, false] {
                house.send(&Request::ask(wire, stream, model)).await;
            }
        }
        house.send(&Request::chat("nowhere", "hello")).await;
        let request = Request::get("/metrics").key(&house.gateway.operator_token());
        let text = house.client().send(&request).await.text();
        let mut series: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let labels = line.split_once('{').map_or("", |(_, rest)| rest);
            let labels = labels.split("=\"").filter_map(|part| {
                let label = part.rsplit([',', '{', '"']).next()?;
                (!label.is_empty() && label.chars().all(is_word)).then(|| label.to_owned())
            });
            series.entry(name.to_owned()).or_default().extend(labels);
        }
        Self { text, series }
    }

    fn families(&self) -> BTreeSet<&str> {
        let types = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        types.filter_map(|line| line.split(' ').next()).collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Every name of ours in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c| !is_word(c));
    words.filter(|word| word.starts_with("tollgate_")).collect()
}

/// Every query of a board, wherever it stands.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                match value {
                    Value::String(text)
                        if ["expr", "query", "definition"].contains(&key.as_str()) =>
                    {
                        found.push(text.clone());
                    }
                    value => queries(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The labels that a query groups by.
fn grouped(query: &str) -> BTreeSet<&str> {
    let groups = query.split("by (").skip(1);
    let labels = groups.flat_map(|rest| rest.split(')').next().unwrap_or("").split(','));
    labels
        .map(str::trim)
        .filter(|label| *label != "le")
        .collect()
}

#[tokio::test]
async fn the_board_asks_only_for_what_there_is() {
    let exported = Exported::after_a_few_requests().await;
    let board: Value = serde_json::from_str(&file("contrib/grafana/tollgate.json")).unwrap();
    let mut found = Vec::new();
    queries(&board, &mut found);
    assert!(found.len() > 15, "the board's queries: {found:?}");
    for query in &found {
        let mut labels = BTreeSet::new();
        for name in names(query) {
            let series = exported.series.get(name);
            let series = series.unwrap_or_else(|| panic!("nothing exports `{name}`: {query}"));
            labels.extend(series.iter().map(String::as_str));
        }
        for label in grouped(query) {
            assert!(labels.contains(label), "no series has `{label}`: {query}");
        }
    }
    // And leaves nothing out that a person would want to see.
    let all = found.join(" ");
    let asked = names(&all);
    for family in exported.families() {
        let shown = asked.iter().any(|name| name.starts_with(family));
        assert!(shown, "`{family}` is on no panel");
    }
}

#[tokio::test]
async fn every_metric_is_explained_and_nothing_else_is() {
    let exported = Exported::after_a_few_requests().await;
    let page = file("docs/telemetry.md");
    for family in exported.families() {
        assert!(
            page.contains(&format!("`{family}")),
            "docs/telemetry.md does not explain `{family}`"
        );
    }
    for name in names(&page) {
        assert!(
            exported.series.contains_key(name),
            "docs/telemetry.md explains `{name}`, which nothing exports"
        );
    }
}

/// What goes down would be lost to every `rate()`.
#[tokio::test]
async fn counters_only_go_up() {
    let house = House::open().await;
    let scrape = async || {
        let request = Request::get("/metrics").key(&house.gateway.operator_token());
        house.client().send(&request).await.text()
    };
    let values = |text: &str| -> BTreeMap<String, f64> {
        let counters = text.lines().filter(|line| line.contains("_total"));
        counters
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
            .collect()
    };
    let mut before = values(&scrape().await);
    for _ in 0..3 {
        house.send(&Request::chat("gpt-4o", "hello")).await;
        let after = values(&scrape().await);
        for (series, value) in &before {
            assert!(after.get(series) >= Some(value), "{series}");
        }
        assert!(after.values().all(|value| *value >= 0.0));
        before = after;
    }
    assert!(!before.is_empty());
}
