use std::ops::Range;

use super::{BadRequest, Setting};
use crate::json::{self, Members, kind};

/// Longest model name, in bytes. Local servers take file paths as names.
const LONGEST_MODEL: usize = 512;

/// The model's name from its JSON text.
pub(super) fn model(raw: Option<&str>) -> Result<String, BadRequest> {
    let bad = |found: &str| {
        let message = format!("found {found}, expected the name of a model");
        BadRequest {
            hint: Some("GET /v1/models lists the names"),
            ..BadRequest::at("model", &message)
        }
    };
    let raw = raw.ok_or_else(|| bad("nothing"))?;
    if !raw.starts_with('"') {
        return Err(bad(kind(raw)));
    }
    let name: String =
        serde_json::from_str(raw).map_err(|_| bad("a string that is not Unicode"))?;
    match name.len() {
        0 => Err(bad("an empty string")),
        length if length > LONGEST_MODEL => Err(bad(&format!("{length} bytes"))),
        // It goes into headers and logs.
        _ if name.chars().any(char::is_control) => Err(bad("control characters")),
        _ => Ok(name),
    }
}

/// `true`, `false`, or none for `null`.
pub(super) fn flag(param: &str, raw: &str) -> Result<Option<bool>, BadRequest> {
    match raw {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "null" => Ok(None),
        _ => {
            let message = format!("found {}, expected `true` or `false`", kind(raw));
            Err(BadRequest::at(param, &message))
        }
    }
}

/// Refuses models beside the one that is judged: routers behind a provider
/// (OpenRouter's `models`, LiteLLM's `fallbacks`) serve the request with one of
/// those where the first one fails, which a caller can see to.
pub(super) fn no_others(key: &'static str, found: Option<&str>) -> Result<(), BadRequest> {
    match found {
        None | Some("null" | "[]") => Ok(()),
        Some(_) => Err(BadRequest {
            hint: Some("leave it out; `fallback` and alloys of the configuration say who else may"),
            ..BadRequest::at(
                key,
                "found other models, expected only the one that is asked for",
            )
        }),
    }
}

/// A whole number. None for `null`, and for a negative one: clients of local
/// servers write -1 for no limit.
pub(super) fn count(param: &str, raw: &str) -> Result<Option<u64>, BadRequest> {
    if raw == "null" {
        return Ok(None);
    }
    if let Ok(whole) = raw.parse() {
        return Ok(Some(whole));
    }
    match raw.parse::<f64>() {
        // Past 2^53 a float is no count any more; it saturates on the way.
        Ok(number) if number.fract() == 0.0 => Ok((number >= 0.0).then_some(number as u64)),
        Ok(_) => Err(BadRequest::at(
            param,
            "found a fraction, expected a whole number",
        )),
        Err(_) => {
            let message = format!("found {}, expected a whole number", kind(raw));
            Err(BadRequest::at(param, &message))
        }
    }
}

/// Whether a value may be set that stands in `text`, or does not.
pub(super) fn setting(text: &str, found: Option<&str>) -> Setting {
    match found {
        None => Setting::Absent,
        Some(raw) if raw == "null" => Setting::Null(json::span(text, raw)),
        Some(_) => Setting::Given,
    }
}

/// Where a value stands that is given and not `null`.
pub(super) fn number(text: &str, found: Option<&str>) -> Option<Range<usize>> {
    let given = found.filter(|raw| *raw != "null")?;
    Some(json::span(text, given))
}

/// How `stream_options` stands in the body, and so how it is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StreamOptions {
    Absent,
    /// The span of the `null`.
    Null(Range<usize>),
    /// An object without `include_usage`: where a member can be inserted, and
    /// whether another one follows.
    Silent {
        at: usize,
        empty: bool,
    },
    /// The span of the value of `include_usage`, and whether it is `true`.
    Said {
        value: Range<usize>,
        asks: bool,
    },
}

const KEYS: [&str; 1] = ["include_usage"];

impl StreamOptions {
    /// Reads the value's text, a slice of the body.
    pub(super) fn read(body: &str, raw: &str) -> Result<Self, BadRequest> {
        let place = json::span(body, raw);
        if raw == "null" {
            return Ok(Self::Null(place));
        }
        let members = Members::<1>::read(&KEYS, raw).map_err(|_| {
            let message = format!("found {}, expected an object", kind(raw));
            BadRequest::at("stream_options", &message)
        })?;
        let param = "stream_options.include_usage";
        if let Some(problem) = members.problem {
            return Err(BadRequest::at(param, problem.words));
        }
        let Some(value) = members.found[0] else {
            return Ok(Self::Silent {
                at: place.start + 1,
                empty: members.count == 0,
            });
        };
        Ok(Self::Said {
            value: json::span(body, value),
            asks: flag(param, value)? == Some(true),
        })
    }

    pub(super) fn asks_usage(&self) -> bool {
        matches!(self, Self::Said { asks: true, .. })
    }
}
