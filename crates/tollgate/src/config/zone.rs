//! Time zones for budgets, from the system's database.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use tollgate_budget::{SharedZone, Span, Utc, Zone};
use tollgate_types::UnixMillis;

/// A zone by its name, such as `Europe/Berlin`; none where the system does not
/// know it.
pub fn named(name: &str) -> Option<SharedZone> {
    if name == "UTC" {
        return Some(std::sync::Arc::new(Utc));
    }
    let zone = TimeZone::get(name).ok()?;
    Some(std::sync::Arc::new(Named {
        name: name.to_owned(),
        zone,
    }))
}

#[derive(Debug)]
struct Named {
    name: String,
    zone: TimeZone,
}

impl Named {
    /// From the start of one date to the start of another. What can't be
    /// worked out is an empty span, which the engine does not believe.
    fn between(&self, at: UnixMillis, dates: impl Fn(Date) -> Option<(Date, Date)>) -> Span {
        let found = || {
            let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
            let (first, next) = dates(at.to_zoned(self.zone.clone()).date())?;
            Some(Span {
                start: self.start_of(first)?,
                end: self.start_of(next)?,
            })
        };
        found().unwrap_or(Span { start: at, end: at })
    }

    /// The first moment of a date: not always midnight, where summer time
    /// begins then.
    fn start_of(&self, date: Date) -> Option<UnixMillis> {
        let start: Zoned = date.to_zoned(self.zone.clone()).ok()?;
        let millis = start.timestamp().as_millisecond();
        u64::try_from(millis).ok().map(UnixMillis)
    }
}

impl Zone for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn day(&self, at: UnixMillis) -> Span {
        self.between(at, |date| Some((date, date.tomorrow().ok()?)))
    }

    fn month(&self, at: UnixMillis) -> Span {
        self.between(at, |date| {
            let first = date.first_of_month();
            Some((first, first.checked_add(1.month()).ok()?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> u64 {
        let at: Timestamp = text.parse().unwrap();
        at.as_millisecond().try_into().unwrap()
    }

    fn span(span: Span) -> (u64, u64) {
        (span.start.0, span.end.0)
    }

    #[test]
    fn days_and_months_follow_the_zone_and_its_summer_time() {
        let berlin = named("Europe/Berlin").expect("the system has time zones");
        let noon = UnixMillis(millis("2026-03-29T10:00:00Z"));
        let day = (
            millis("2026-03-28T23:00:00Z"),
            millis("2026-03-29T22:00:00Z"),
        );
        assert_eq!(span(berlin.day(noon)), day, "a day of 23 hours");
        let month = (
            millis("2026-02-28T23:00:00Z"),
            millis("2026-03-31T22:00:00Z"),
        );
        assert_eq!(span(berlin.month(noon)), month);
    }

    #[test]
    fn strange_times_and_names_do_no_harm() {
        assert!(named("Europe/Atlantis").is_none());
        assert!(named("../../etc/passwd").is_none());
        let berlin = named("Europe/Berlin").unwrap();
        for at in [0, u64::MAX, i64::MAX as u64, 253_402_300_799_999] {
            let day = berlin.day(UnixMillis(at));
            assert!(day.start <= day.end);
        }
    }
}
