use std::time::Duration;

use http::HeaderMap;
use tollgate_types::{FaultClass, UnixMillis};

use super::words::Words;

/// How long the headers ask to wait. `retry-after-ms` is the finest,
/// `retry-after` (RFC 9110, 10.2.3) the standard; the times at which limits
/// are reset count only where a limit was hit.
pub(super) fn in_headers(
    headers: &HeaderMap,
    class: FaultClass,
    now: UnixMillis,
) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = text("retry-after-ms").and_then(|text| duration(&format!("{text}ms")));
    let told = millis.or_else(|| seconds_or_date(text("retry-after")?, now));
    if told.is_some() || class != FaultClass::RateLimit {
        return told;
    }
    reset(headers, now)
}

/// How long the message asks to wait: `Please try again in 6.2s.`
pub(super) fn in_words(words: &Words) -> Option<Duration> {
    let message = words.message.to_ascii_lowercase();
    let told = ["try again in ", "retry in ", "retry after "]
        .iter()
        .find_map(|phrase| duration(message.split_once(phrase)?.1));
    told.or_else(|| {
        let (_, rest) = words.details.split_once(r#""retryDelay":""#)?;
        duration(rest)
    })
}

fn seconds_or_date(text: &str, now: UnixMillis) -> Option<Duration> {
    duration(text).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        let at = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(at.saturating_sub(Duration::from_millis(now.0)))
    })
}

const LIMITS: [&str; 6] = [
    "x-ratelimit-*-requests",
    "x-ratelimit-*-tokens",
    "anthropic-ratelimit-requests-*",
    "anthropic-ratelimit-tokens-*",
    "anthropic-ratelimit-input-tokens-*",
    "anthropic-ratelimit-output-tokens-*",
];

/// The last reset among the limits that have nothing left; where none says
/// so, the first of all.
fn reset(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let mut exhausted = None;
    let mut soonest = None;
    for limit in LIMITS.into_iter().chain(["x-ratelimit-*"]) {
        let wait = text(&limit.replace('*', "reset")).and_then(|text| moment(text, now));
        let Some(wait) = wait else { continue };
        if text(&limit.replace('*', "remaining")) == Some("0") {
            exhausted = exhausted.max(Some(wait));
        }
        soonest = Some(soonest.map_or(wait, |other: Duration| other.min(wait)));
    }
    exhausted.or(soonest)
}

/// A duration (`6m0s`, `1.5`), an RFC 3339 time, or seconds or milliseconds
/// since the epoch.
fn moment(text: &str, now: UnixMillis) -> Option<Duration> {
    let since_now = |millis: u64| Duration::from_millis(millis.saturating_sub(now.0));
    if let Ok(number) = text.parse::<u64>() {
        return Some(match number {
            // The year 2001 in seconds, and in milliseconds.
            1_000_000_000_000.. => since_now(number),
            1_000_000_000.. => since_now(number.saturating_mul(1000)),
            seconds => Duration::from_secs(seconds),
        });
    }
    duration(text).or_else(|| {
        let at: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(at.as_millisecond()).ok().map(since_now)
    })
}

/// Reads `6m0s`, `1h2m3.5s`, `20ms`, `26 seconds`; a bare number is seconds.
/// What follows is not looked at, unless it makes another thing of the number.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim_start();
    let mut total = None;
    loop {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let Ok(number) = number.trim_end_matches('.').parse::<f64>() else {
            return total;
        };
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let seconds = number * unit_seconds(unit, after, total.is_none())?;
        let part = Duration::try_from_secs_f64(seconds).ok()?;
        total = Some(total.unwrap_or(Duration::ZERO).saturating_add(part));
        rest = after;
    }
}

fn unit_seconds(unit: &str, after: &str, only: bool) -> Option<f64> {
    match unit {
        "ms" | "milliseconds" => Some(0.001),
        "s" | "sec" | "second" | "seconds" => Some(1.0),
        "m" | "min" | "minute" | "minutes" => Some(60.0),
        "h" | "hour" | "hours" => Some(3600.0),
        "d" | "day" | "days" => Some(86400.0),
        // `2025-01-01T…` and `1:30` begin with a number as well.
        "" if only && !after.starts_with(['-', ':']) => Some(1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fact_25_durations_are_read_in_every_spelling() {
        for (text, millis) in [
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("20ms", 20),
            ("7.66s", 7_660),
            ("59", 59_000),
            ("0", 0),
            ("1.5", 1_500),
            ("26 seconds. Thank you", 26_000),
            ("6.2s.", 6_200),
            ("1d2h", 93_600_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "soon",
            "-1",
            "2026-01-01T00:00:00Z",
            "1:30",
            "5 apples",
            "1.2.3s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration(&"9".repeat(400)), None);
    }

    #[test]
    fn fact_25_a_reset_is_a_duration_a_time_or_an_epoch() {
        let now = UnixMillis(1_700_000_000_000);
        for text in [
            "12s",
            "12",
            "1700000012",
            "1700000012000",
            "2023-11-14T22:13:32Z",
            "2023-11-14T23:13:32+01:00",
        ] {
            assert_eq!(moment(text, now), Some(Duration::from_secs(12)), "{text}");
        }
        assert_eq!(moment("2020-01-01T00:00:00Z", now), Some(Duration::ZERO));
    }
}
