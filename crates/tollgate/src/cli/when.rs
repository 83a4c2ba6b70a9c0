//! Moments and spans as people write and read them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, civil, tz::TimeZone};

/// Text that is no moment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("found `{0}`, expected a span such as 30m, 24h, 7d, 2w, or a date such as 2026-01-31")]
pub(crate) struct NoMoment(String);

/// A span before `now`, a date (UTC) or a timestamp, in Unix milliseconds.
pub(crate) fn since(text: &str, now: u64) -> Result<u64, NoMoment> {
    span(text)
        .map(|span| now.saturating_sub(span))
        .or_else(|| moment(text))
        .ok_or_else(|| NoMoment(text.chars().take(40).collect()))
}

fn span(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1000)
}

fn moment(text: &str) -> Option<u64> {
    let date = || {
        let date: civil::Date = text.parse().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let moment = text.parse::<Timestamp>().ok().or_else(date)?;
    u64::try_from(moment.as_millisecond()).ok()
}

/// The present, in Unix milliseconds.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment for people, in UTC.
pub(crate) fn shown(millis: u64) -> String {
    let moment = i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok());
    moment.map_or_else(
        || millis.to_string(),
        |moment| moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// A span of seconds for people, its two largest units.
pub(crate) fn lasting(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Microseconds for people.
pub(crate) fn took(micros: u64) -> String {
    let whole = |unit: u64| format!("{}.{}", micros / unit, micros % unit * 10 / unit);
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", whole(1_000)),
        _ => format!("{} s", whole(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_dates_and_timestamps_are_moments() {
        let now = 10_000_000_000;
        assert_eq!(since("24h", now), Ok(now - 86_400_000));
        assert_eq!(since("7d", now), Ok(now - 604_800_000));
        assert_eq!(since("99999w", now), Ok(0));
        assert_eq!(since("1970-01-02", now), Ok(86_400_000));
        assert_eq!(since("1970-01-01T00:00:01Z", now), Ok(1000));
        for bad in [
            "",
            "h",
            "-1h",
            "yesterday",
            "24 h",
            "99999999999999999999d",
            "é",
            "1é",
        ] {
            assert!(since(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(shown(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(shown(u64::MAX), u64::MAX.to_string());
        assert_eq!(
            [5, 65, 3700, 90_000].map(lasting),
            ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]
        );
        assert_eq!([7, 1_250, 2_500_000].map(took), ["7 µs", "1.2 ms", "2.5 s"]);
    }
}
