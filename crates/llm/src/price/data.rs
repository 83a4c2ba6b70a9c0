//! The text of `data/models.toml` to facts.

use std::collections::HashMap;

use serde::Deserialize;
use tollgate_types::Money;

use super::catalog::{CatalogFault, Facts, LongPrompt, Modality};
use super::{Price, Rate};

/// Dearest rate that is believed: a hundred times today's dearest.
const DEAREST: Rate = Money::from_nanos(60_000 * 1_000_000_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    as_of: String,
    model: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    names: Vec<String>,
    context_window: u64,
    max_output: Option<u64>,
    input: Vec<Modality>,
    price: Option<Rates>,
    long: Option<Long>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rates {
    input: Number,
    output: Number,
    cache_read: Option<Number>,
    cache_write: Option<Number>,
    cache_write_1h: Option<Number>,
}

#[derive(Deserialize)]
struct Long {
    over: u64,
    #[serde(flatten)]
    rates: Rates,
}

/// A number as it is written. The shortest text of a float is the one that was
/// written, so a decimal survives it.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Float(f64),
}

pub(super) fn read(text: &str) -> Result<(String, HashMap<String, Facts>), CatalogFault> {
    let file: File =
        toml::from_str(text).map_err(|error| CatalogFault::Form(error.message().to_owned()))?;
    let date = file.as_of.parse::<jiff::civil::Date>();
    date.map_err(|_| CatalogFault::Date(file.as_of.clone()))?;
    let mut models = HashMap::new();
    for model in file.model {
        let facts = facts(&model)?;
        for name in model.names {
            if models.insert(name.clone(), facts.clone()).is_some() {
                return Err(CatalogFault::Twice(name));
            }
        }
    }
    Ok((file.as_of, models))
}

fn facts(model: &Model) -> Result<Facts, CatalogFault> {
    let fault = |what: String| CatalogFault::Model {
        model: model.names.first().cloned().unwrap_or_default(),
        what,
    };
    if model.names.is_empty() || model.names.iter().any(|name| name.trim().is_empty()) {
        return Err(fault("found no name, expected one or more".to_owned()));
    }
    if model.context_window == 0 || model.max_output > Some(model.context_window) {
        let what = "max_output is larger than context_window, expected it to fit".to_owned();
        return Err(fault(what));
    }
    let price = model.price.as_ref().map(rates).transpose().map_err(fault)?;
    let long = match &model.long {
        Some(long) => Some(LongPrompt {
            over: long.over,
            price: rates(&long.rates).map_err(fault)?,
        }),
        None => None,
    };
    if long.is_some() && price.is_none() {
        return Err(fault("found a price for long prompts alone".to_owned()));
    }
    Ok(Facts {
        context_window: Some(model.context_window),
        max_output: model.max_output,
        input: model.input.clone(),
        price,
        long,
    })
}

fn rates(rates: &Rates) -> Result<Price, String> {
    let input = rate(rates.input)?;
    let optional = |number: Option<Number>, other| number.map_or(Ok(other), rate);
    let cache_write = optional(rates.cache_write, input)?;
    Ok(Price {
        input,
        output: rate(rates.output)?,
        cache_read: optional(rates.cache_read, input)?,
        cache_write,
        cache_write_1h: optional(rates.cache_write_1h, cache_write)?,
    })
}

fn rate(number: Number) -> Result<Rate, String> {
    let text = match number {
        Number::Whole(whole) => whole.to_string(),
        Number::Float(float) => float.to_string(),
    };
    match text.parse::<Money>() {
        Ok(rate) if rate <= DEAREST => Ok(rate),
        Ok(_) => Err(format!(
            "price is `{text}`, expected at most {DEAREST} dollars for a million tokens"
        )),
        Err(error) => Err(format!("price is `{text}`, {error}")),
    }
}
