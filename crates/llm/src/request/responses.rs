use super::value::{self, StreamOptions, count, flag, number, setting};
use super::{BadRequest, Framing, RequestView, Setting, Settings, Spans, syntax};
use crate::Endpoint;
use crate::json;

const READ: usize = 9;

/// Keys that may stand only once and only as they are written here: first those
/// whose values are read, then those that carry what is judged or priced.
const KEYS: [&str; 28] = [
    "model",
    "stream",
    "max_output_tokens",
    "temperature",
    "top_p",
    "reasoning",
    "background",
    "models",
    "fallbacks",
    "input",
    "instructions",
    "previous_response_id",
    "conversation",
    "prompt",
    "tools",
    "tool_choice",
    "max_tool_calls",
    "text",
    "service_tier",
    "store",
    "include",
    "truncation",
    "context_management",
    "stream_options",
    "modalities",
    "audio",
    "prediction",
    "moderation",
];

/// Reads the body of a request to the Responses API.
pub(super) fn read(endpoint: Endpoint, text: &str) -> Result<RequestView, BadRequest> {
    let pass = syntax::members::<READ>(&KEYS, text)?;
    if let Some(problem) = pass.problem {
        return Err(BadRequest::at(problem.key, problem.words));
    }
    let [
        model,
        stream,
        limit,
        temperature,
        top_p,
        reasoning,
        background,
        models,
        fallbacks,
    ] = pass.found;
    value::no_others("models", models)?;
    value::no_others("fallbacks", fallbacks)?;
    let on = |key: &str, found: Option<&str>| {
        let asked = flag(key, found.unwrap_or("null"))?;
        Ok::<_, BadRequest>(asked == Some(true))
    };
    if on("background", background)? {
        return Err(BadRequest {
            hint: Some("leave `background` out and read the answer, or stream it"),
            ..BadRequest::at(
                "background",
                "found `true`; an answer that is fetched later can't be metered here",
            )
        });
    }
    let max_output = count(KEYS[2], limit.unwrap_or("null"))?;
    let given = |found: Option<&str>| found.is_some_and(|raw| raw != "null");
    let generates = endpoint.generates();
    Ok(RequestView {
        model: value::model(model)?,
        stream: generates && on("stream", stream)?,
        framing: Framing::Events,
        usage_asked: false,
        max_output: max_output.filter(|_| generates),
        choices: 1,
        endpoint,
        spans: Spans {
            models: model.map(|raw| json::span(text, raw)).into_iter().collect(),
            settings: Settings::Body,
            stream_options: StreamOptions::Absent,
            // Models that reason refuse a temperature.
            temperature: match !generates || given(reasoning) || given(top_p) {
                true => Setting::Given,
                false => setting(text, temperature),
            },
            max_tokens: match generates {
                true => setting(text, limit),
                false => Setting::Given,
            },
            limits: [number(text, limit.filter(|_| generates)), None],
            end: text.rfind('}').unwrap_or(text.len()),
            is_empty: false,
            length: text.len(),
        },
    })
}

#[cfg(test)]
mod tests;
