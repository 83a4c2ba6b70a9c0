//! `[models."NAME"]`: what the operator knows of models.

use tollgate_llm::{Catalog, Facts, LongPrompt, Price};

use super::fault::Findings;
use super::tree::Table;

/// The built-in list with the file's own facts, and the most output of a model
/// of which nobody knows it.
pub(super) fn catalog(
    tables: &[(String, Table)],
    findings: &mut Findings,
) -> (Catalog, Option<u64>) {
    let defaults = tables.iter().find(|(name, _)| name == "defaults");
    let cap = defaults
        .filter(|(_, table)| table.has("max_output"))
        .map(|(_, table)| table.number("max_output"));
    let mut own = Vec::new();
    for (name, table) in tables.iter().filter(|(name, _)| name != "defaults") {
        let facts = facts(table);
        if facts.long.is_some() && facts.price.is_none() {
            let message = format!("{}: long has no price beside it", table.place);
            let fault = findings.fault(table.line_of("long"), message);
            fault.hint("write price = { input = …, output = … } as well");
        }
        if let (Some(window), Some(most)) = (facts.context_window, facts.max_output)
            && most > window
        {
            let message = format!(
                "{}: max_output is \"{most}\", expected at most context_window, {window}",
                table.place
            );
            findings.fault(table.line_of("max_output"), message);
        }
        own.push((name.clone(), facts));
    }
    (Catalog::built_in().with_own(own), cap)
}

fn facts(table: &Table) -> Facts {
    let number = |key: &str| table.has(key).then(|| table.number(key));
    Facts {
        context_window: number("context_window"),
        max_output: number("max_output"),
        input: Vec::new(),
        price: table.table("price").map(price),
        long: table.table("long").map(|long| LongPrompt {
            over: long.number("over"),
            price: price(long),
        }),
    }
}

fn price(table: &Table) -> Price {
    let input = table.money("input").unwrap_or_default();
    let cache_write = table.money("cache_write").unwrap_or(input);
    Price {
        input,
        output: table.money("output").unwrap_or_default(),
        cache_read: table.money("cache_read").unwrap_or(input),
        cache_write,
        cache_write_1h: table.money("cache_write_1h").unwrap_or(cache_write),
    }
}
