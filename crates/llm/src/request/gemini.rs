use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::value::{self, StreamOptions, count, number, setting};
use super::{BadRequest, Framing, RequestView, Setting, Settings, Spans, syntax};
use crate::endpoint::ModelPath;
use crate::json::{self, Members, kind};
use crate::{Endpoint, percent};

/// Keys that may stand only once, and in one of their two spellings (JSON of
/// protocol buffers takes both `generationConfig` and `generation_config`):
/// first those whose values are read, then what is judged or priced.
const KEYS: [&str; 19] = [
    "generationConfig",
    "generation_config",
    "model",
    "requests",
    "generateContentRequest",
    "generate_content_request",
    "contents",
    "content",
    "tools",
    "toolConfig",
    "tool_config",
    "systemInstruction",
    "system_instruction",
    "cachedContent",
    "cached_content",
    "serviceTier",
    "service_tier",
    "store",
    "safetySettings",
];

/// Positions in [`KEYS`] of the two spellings of one key, and which they are.
const SPELLINGS: [(usize, usize); 2] = [(0, 1), (4, 5)];

const CONFIG_READ: usize = 8;

/// Keys of `generationConfig`, each in both spellings.
const CONFIG_KEYS: [&str; CONFIG_READ] = [
    "maxOutputTokens",
    "max_output_tokens",
    "candidateCount",
    "candidate_count",
    "temperature",
    "topP",
    "top_p",
    "thinkingConfig",
];

/// Reads a request of Gemini's, of which the path names the model.
pub(super) fn read(
    endpoint: Endpoint,
    path: &str,
    query: Option<&str>,
    text: &str,
) -> Result<RequestView, BadRequest> {
    let model = model_of(path)?;
    let framing = framing(query.unwrap_or_default())?;
    let stream = endpoint == Endpoint::StreamGenerateContent;
    let pass = syntax::members::<6>(&KEYS, text)?;
    if let Some(problem) = pass.problem {
        return Err(BadRequest::at(problem.key, problem.words));
    }
    for (one, other) in SPELLINGS {
        once("", &KEYS, one, other, &pass.found)?;
    }
    let [camel, snake, named, requests, nested, nested_snake] = pass.found;
    let config = Config::read(text, camel.or(snake))?;
    let mut models = SmallVec::new();
    let inner = nested.or(nested_snake);
    let mut check = |raw: Option<&str>, param: &str| -> Result<(), BadRequest> {
        models.extend(same_model(text, raw, &model, param)?);
        Ok(())
    };
    check(named, "model")?;
    if let Some(inner) = inner {
        check(model_in(inner, KEYS[4])?, "generateContentRequest.model")?;
    }
    for (at, request) in listed(requests)?.into_iter().enumerate() {
        let param = format!("requests[{at}]");
        check(model_in(request.get(), &param)?, &format!("{param}.model"))?;
    }
    let generates = endpoint.generates();
    Ok(RequestView {
        model,
        stream,
        framing: if stream { framing } else { Framing::Events },
        usage_asked: false,
        max_output: config.max_output.filter(|_| generates),
        choices: if generates { config.candidates } else { 1 },
        endpoint,
        spans: Spans {
            models,
            settings: config.settings,
            stream_options: StreamOptions::Absent,
            temperature: config.temperature.only_where(generates),
            max_tokens: config.limit.only_where(generates),
            limits: [config.number.filter(|_| generates), None],
            end: text.rfind('}').unwrap_or(text.len()),
            is_empty: pass.count == 0,
            length: text.len(),
        },
    })
}

/// The model's name from the path, decoded.
fn model_of(path: &str) -> Result<String, BadRequest> {
    let written = ModelPath::read(path).map_or("", |read| read.model);
    let decoded = percent::decode(written).ok_or_else(|| {
        BadRequest::at(
            "model",
            "found a path that is not percent-encoded UTF-8, expected the name of a model",
        )
    })?;
    let quoted = serde_json::Value::from(decoded.as_ref()).to_string();
    value::model(Some(&quoted))
}

/// How a stream is to be framed, by `alt`; and refuses what would take the
/// usage out of the answer (`fields`), wrap it (`callback`), or be another
/// credential than the gateway's.
fn framing(query: &str) -> Result<Framing, BadRequest> {
    let mut framing = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let unreadable = || {
            BadRequest::body(
                "found a query that is not percent-encoded UTF-8, expected one that is",
            )
        };
        let name = percent::decode(name).ok_or_else(unreadable)?;
        let name = name.strip_prefix('$').unwrap_or(&name);
        let found = match name {
            "alt" => match percent::decode(value).as_deref() {
                Some("sse") => Framing::Events,
                Some("json") => Framing::Array,
                _ => {
                    let message = "found another value, expected `sse` or `json`";
                    return Err(BadRequest::at("alt", message));
                }
            },
            "fields" | "callback" | "access_token" | "oauth_token" | "httpMethod" => {
                let message = "found in the query, where this gateway does not take it";
                return Err(BadRequest::at(name, message));
            }
            _ => continue,
        };
        if framing.replace(found).is_some() {
            let message = "found the parameter twice, expected it once";
            return Err(BadRequest::at("alt", message));
        }
    }
    Ok(framing.unwrap_or(Framing::Array))
}

/// Refuses a key that stands in both spellings.
fn once<const N: usize>(
    within: &str,
    keys: &[&'static str],
    one: usize,
    other: usize,
    found: &[Option<&str>; N],
) -> Result<(), BadRequest> {
    match (found[one], found[other]) {
        (Some(_), Some(_)) => {
            let message = format!("found it as `{}` as well, expected it once", keys[other]);
            Err(BadRequest::at(&format!("{within}{}", keys[one]), &message))
        }
        _ => Ok(()),
    }
}

/// Where a model stands in the body beside the path's. It must be the same one:
/// what was judged is what is served.
fn same_model(
    text: &str,
    raw: Option<&str>,
    model: &str,
    param: &str,
) -> Result<Option<std::ops::Range<usize>>, BadRequest> {
    let Some(raw) = raw.filter(|raw| *raw != "null") else {
        return Ok(None);
    };
    let named: Option<String> = serde_json::from_str(raw).ok();
    let named = named.as_deref();
    let same = named.is_some_and(|named| named.strip_prefix("models/").unwrap_or(named) == model);
    match same {
        true => Ok(Some(json::span(text, raw))),
        false => Err(BadRequest::at(
            param,
            "found another model than in the path, expected the same or none",
        )),
    }
}

/// The `model` of an object within the body.
fn model_in<'a>(of: &'a str, param: &str) -> Result<Option<&'a str>, BadRequest> {
    const MODEL: [&str; 1] = ["model"];
    if of == "null" {
        return Ok(None);
    }
    let members = Members::<1>::read(&MODEL, of).map_err(|_| {
        let message = format!("found {}, expected an object", kind(of));
        BadRequest::at(param, &message)
    })?;
    match members.problem {
        Some(problem) => Err(BadRequest::at(&format!("{param}.model"), problem.words)),
        None => Ok(members.found[0]),
    }
}

fn listed(requests: Option<&str>) -> Result<Vec<&RawValue>, BadRequest> {
    #[derive(Deserialize)]
    struct List<'a>(#[serde(borrow)] Vec<&'a RawValue>);

    let Some(raw) = requests.filter(|raw| *raw != "null") else {
        return Ok(Vec::new());
    };
    match serde_json::from_str::<List<'_>>(raw) {
        Ok(List(list)) => Ok(list),
        Err(_) => {
            let message = format!("found {}, expected a list", kind(raw));
            Err(BadRequest::at("requests", &message))
        }
    }
}

/// What `generationConfig` says.
struct Config {
    max_output: Option<u64>,
    candidates: u64,
    temperature: Setting,
    limit: Setting,
    /// Where the limit stands, if there is one.
    number: Option<std::ops::Range<usize>>,
    settings: Settings,
}

impl Config {
    fn read(text: &str, raw: Option<&str>) -> Result<Self, BadRequest> {
        let absent = |settings| Self {
            max_output: None,
            candidates: 1,
            temperature: Setting::Absent,
            limit: Setting::Absent,
            number: None,
            settings,
        };
        let Some(raw) = raw else {
            return Ok(absent(Settings::Absent));
        };
        let place = json::span(text, raw);
        if raw == "null" {
            return Ok(absent(Settings::Null(place)));
        }
        let members = Members::<CONFIG_READ>::read(&CONFIG_KEYS, raw).map_err(|_| {
            let message = format!("found {}, expected an object", kind(raw));
            BadRequest::at("generationConfig", &message)
        })?;
        let found = members.found;
        if let Some(problem) = members.problem {
            let param = format!("generationConfig.{}", problem.key);
            return Err(BadRequest::at(&param, problem.words));
        }
        for (one, other) in [(0, 1), (2, 3), (5, 6)] {
            once("generationConfig.", &CONFIG_KEYS, one, other, &found)?;
        }
        let said = |raw: Option<&str>, name: &str| {
            let raw = raw.unwrap_or("null");
            // JSON of protocol buffers takes numbers as text, too.
            let raw = raw.trim_matches('"');
            count(&format!("generationConfig.{name}"), raw)
        };
        let limit = found[0].or(found[1]);
        let candidates = said(found[2].or(found[3]), CONFIG_KEYS[2])?;
        Ok(Self {
            max_output: said(limit, CONFIG_KEYS[0])?,
            candidates: candidates.unwrap_or(1).max(1),
            temperature: match found[5].or(found[6]) {
                Some(_) => Setting::Given,
                None => setting(text, found[4]),
            },
            limit: setting(text, limit),
            number: number(text, limit),
            settings: Settings::Inside {
                at: place.start + 1,
                empty: members.count == 0,
            },
        })
    }
}

impl Setting {
    /// Nothing is set where nothing is generated.
    fn only_where(self, generates: bool) -> Self {
        if generates { self } else { Self::Given }
    }
}

#[cfg(test)]
mod tests;
