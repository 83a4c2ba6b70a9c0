use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_budget::{AgentRate, RateState};
use tollgate_llm::Dialect;
use tollgate_types::UnixMillis;

/// The fields of one limit: what is allowed, what is left, when all of it is.
type Fields = [HeaderName; 3];

const fn fields(names: [&'static str; 3]) -> Fields {
    let [limit, remaining, reset] = names;
    [
        HeaderName::from_static(limit),
        HeaderName::from_static(remaining),
        HeaderName::from_static(reset),
    ]
}

/// Tells an agent how far its limits are used, in the fields that the SDKs of
/// its dialect read. A provider's own of the same name are replaced: they speak
/// of a credential that is not the agent's.
pub(crate) fn tell(dialect: Dialect, rate: &AgentRate, now: UnixMillis, headers: &mut HeaderMap) {
    let (requests, tokens) = match dialect {
        Dialect::Anthropic => (
            fields([
                "anthropic-ratelimit-requests-limit",
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ]),
            fields([
                "anthropic-ratelimit-tokens-limit",
                "anthropic-ratelimit-tokens-remaining",
                "anthropic-ratelimit-tokens-reset",
            ]),
        ),
        Dialect::OpenAi | Dialect::Gemini => (
            fields([
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ]),
            fields([
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
            ]),
        ),
    };
    let pairs = [(requests, rate.requests(now)), (tokens, rate.tokens(now))];
    for (fields, state) in pairs {
        if let Some(state) = state {
            insert(dialect, fields, state, now, headers);
        }
    }
}

fn insert(
    dialect: Dialect,
    [limit, remaining, reset]: Fields,
    state: RateState,
    now: UnixMillis,
    headers: &mut HeaderMap,
) {
    headers.insert(limit, HeaderValue::from(state.limit));
    headers.insert(remaining, HeaderValue::from(state.remaining));
    let text = match dialect {
        Dialect::Anthropic => moment(now, state.reset),
        Dialect::OpenAi | Dialect::Gemini => duration(state.reset),
    };
    if let Ok(text) = HeaderValue::try_from(text) {
        headers.insert(reset, text);
    }
}

/// As OpenAI writes it: `20ms`, `7s`, `1m4s`.
fn duration(reset: Duration) -> String {
    let (seconds, millis) = (reset.as_secs(), reset.subsec_millis());
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{millis}ms"),
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// As Anthropic writes it (RFC 3339), rounded up to a whole second.
fn moment(now: UnixMillis, reset: Duration) -> String {
    let at = now.plus(u64::try_from(reset.as_millis()).unwrap_or(0));
    let second = i64::try_from(at.0.div_ceil(1000)).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second).map_or_else(|_| String::new(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn each_dialect_is_told_in_its_own_fields() {
        let rate = Arc::new(AgentRate::new(Some(10), Some(1_000)));
        let now = UnixMillis(1_795_176_002_000);
        let taken = rate.take(now, 100, 100).unwrap();
        let told = |dialect| {
            let mut headers = HeaderMap::new();
            tell(dialect, &rate, now, &mut headers);
            let text = |(name, value): (&HeaderName, &HeaderValue)| {
                format!("{name}: {}", value.to_str().unwrap())
            };
            headers.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(
            told(Dialect::OpenAi),
            [
                "x-ratelimit-limit-requests: 10",
                "x-ratelimit-remaining-requests: 9",
                "x-ratelimit-reset-requests: 1m3s",
                "x-ratelimit-limit-tokens: 1000",
                "x-ratelimit-remaining-tokens: 900",
                "x-ratelimit-reset-tokens: 1m3s",
            ]
        );
        assert_eq!(
            told(Dialect::Anthropic)[2],
            "anthropic-ratelimit-requests-reset: 2026-11-20T12:01:05Z"
        );
        taken.settle(now, 0);
        assert_eq!(duration(Duration::from_millis(20)), "20ms");
    }
}
