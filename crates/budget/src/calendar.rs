//! Days and months of UTC, as arithmetic: no table, no clock.
//!
//! The proleptic Gregorian calendar by whole eras of 400 years, counted from
//! 1 March so that the leap day is a year's last one.

use std::fmt;

use tollgate_types::UnixMillis;

use crate::Span;

const DAY: u64 = 86_400_000;
const ERA_DAYS: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u64 = 719_468;

/// A date of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

/// The day of UTC that holds a moment.
pub(crate) fn day_of(at: UnixMillis) -> Span {
    let start = at.0 / DAY * DAY;
    Span {
        start: UnixMillis(start),
        end: UnixMillis(start.saturating_add(DAY)),
    }
}

/// The month of UTC that holds a moment.
pub(crate) fn month_of(at: UnixMillis) -> Span {
    let date = date_of(at.0 / DAY);
    let (year, month) = match date.month {
        12 => (date.year + 1, 1),
        month => (date.year, month + 1),
    };
    let first = |year, month| UnixMillis(days_to(year, month).saturating_mul(DAY));
    Span {
        start: first(date.year, date.month),
        end: first(year, month),
    }
}

fn date_of(days: u64) -> Date {
    let days = days + EPOCH;
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    // Leap days before this day of the era: one in 4 years, none in 100, one in 400.
    let leaps = of_era / 1_460 - of_era / 36_524 + of_era / 146_096;
    let year_of_era = (of_era - leaps) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March have 31, 30, 31, 30, 31 days, again and again.
    let since_march = (5 * of_year + 2) / 153;
    let month = (since_march + 2) % 12 + 1;
    Date {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: of_year - (153 * since_march + 2) / 5 + 1,
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_to(year: u64, month: u64) -> u64 {
    let since_march = (month + 9) % 12;
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * since_march + 2) / 5;
    let days = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days.saturating_sub(EPOCH)
}

/// `00:00 UTC` within a day of `from`, else `2027-01-01 00:00 UTC`.
pub(crate) fn moment(at: UnixMillis, from: UnixMillis) -> impl fmt::Display {
    struct Shown(UnixMillis, bool);
    impl fmt::Display for Shown {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            let minutes = self.0.0 % DAY / 60_000;
            if self.1 {
                let Date { year, month, day } = date_of(self.0.0 / DAY);
                write!(out, "{year:04}-{month:02}-{day:02} ")?;
            }
            write!(out, "{:02}:{:02} UTC", minutes / 60, minutes % 60)
        }
    }
    Shown(at, at.since(from) > DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_thousand_years_is_the_day_after() {
        let mut before = date_of(0);
        assert_eq!((before.year, before.month, before.day), (1970, 1, 1));
        for days in 1..365_242 {
            let date = date_of(days);
            let next =
                (date.year, date.month, date.day) == (before.year, before.month, before.day + 1);
            let turned = date.day == 1
                && ((date.year, date.month) == (before.year, before.month + 1)
                    || (before.month == 12 && (date.year, date.month) == (before.year + 1, 1)));
            assert!(next || turned, "{before:?} {date:?}");
            if date.day == 1 {
                assert_eq!(days_to(date.year, date.month), days);
            }
            before = date;
        }
    }

    #[test]
    fn months_end_where_the_next_begin() {
        // 2024-02-29 12:00 UTC.
        let span = month_of(UnixMillis(1_709_208_000_000));
        assert_eq!(span.start, UnixMillis(1_706_745_600_000));
        assert_eq!(span.end, UnixMillis(1_709_251_200_000));
        let december = month_of(UnixMillis(1_798_675_200_000));
        assert_eq!(
            moment(december.end, UnixMillis(0)).to_string(),
            "2027-01-01 00:00 UTC"
        );
    }

    #[test]
    fn the_end_of_time_does_not_panic() {
        for at in [u64::MAX, u64::MAX - DAY, i64::MAX as u64] {
            assert!(day_of(UnixMillis(at)).start.0 <= at);
            assert!(month_of(UnixMillis(at)).start.0 <= at);
        }
    }

    #[test]
    fn a_reset_today_needs_no_date() {
        let noon = UnixMillis(1_709_208_000_000);
        assert_eq!(moment(day_of(noon).end, noon).to_string(), "00:00 UTC");
    }
}
