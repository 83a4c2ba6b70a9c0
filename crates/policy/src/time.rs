//! Hours, weekdays and dates in UTC, from seconds since 1970.

const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];

/// 0 to 23.
pub(crate) fn hour(seconds: i64) -> i32 {
    (seconds.rem_euclid(86_400) / 3_600) as i32
}

/// `mon` to `sun`.
pub(crate) fn weekday(seconds: i64) -> &'static str {
    DAYS[seconds.div_euclid(86_400).rem_euclid(7) as usize]
}

/// `2026-11-20`. The algorithm is Hinnant's `civil_from_days`.
pub(crate) fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400).clamp(-100_000_000, 100_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(
            (hour(0), weekday(0), date(0).as_str()),
            (0, "thu", "1970-01-01")
        );
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(
            (weekday(951_782_400), hour(951_782_400 + 3_600 * 23)),
            ("tue", 23)
        );
        assert_eq!(date(1_795_132_800), "2026-11-20");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(weekday(i64::MAX).len(), 3);
    }
}
