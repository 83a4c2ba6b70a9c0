use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nano-dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000;
/// Digits after the point.
const PLACES: usize = 9;

/// An amount of US dollars, exact, in billionths of a dollar.
///
/// Never negative and never a floating-point number: budgets are sums of many
/// small amounts, and those must come out. The largest amount is 9.2 billion
/// dollars, so that every amount fits a signed 64-bit column of a database.
/// As text, in JSON too, it is a plain decimal such as `0.0042`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(u64);

/// Text that is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Anything but digits with at most one point.
    #[error("expected digits and at most one `.`, such as `12.50`")]
    NotDecimal,
    /// Less than zero.
    #[error("expected zero or more")]
    Negative,
    /// Finer than a billionth of a dollar.
    #[error("expected at most 9 digits after the `.`")]
    TooFine,
    /// More than 9.2 billion dollars.
    #[error("expected at most 9223372036.854775807")]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// An amount in billionths of a dollar; what is above [`Money::MAX`]
    /// becomes it.
    pub const fn from_nanos(nanos: u64) -> Self {
        match nanos > Self::MAX.0 {
            true => Self::MAX,
            false => Self(nanos),
        }
    }

    /// Billionths of a dollar.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The sum; none where it is above [`Money::MAX`].
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) if sum <= Self::MAX.0 => Some(Self(sum)),
            _ => None,
        }
    }

    /// The sum, at most [`Money::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self::from_nanos(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        if text.starts_with('-') {
            return Err(MoneyError::Negative);
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(MoneyError::NotDecimal);
        }
        let part = part.trim_end_matches('0');
        if part.len() > PLACES {
            return Err(MoneyError::TooFine);
        }
        let dollars: u64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let nanos: u64 = format!("{part:0<PLACES$}").parse().unwrap_or(0);
        dollars
            .checked_mul(DOLLAR)
            .and_then(|dollars| Self(dollars).checked_add(Self(nanos)))
            .ok_or(MoneyError::TooLarge)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, nanos) = (self.0 / DOLLAR, self.0 % DOLLAR);
        if nanos == 0 {
            return write!(out, "{dollars}");
        }
        let part = format!("{nanos:0>PLACES$}");
        write!(out, "{dollars}.{}", part.trim_end_matches('0'))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_back_as_they_were_written() {
        for text in ["0", "12", "0.5", "0.000000001", "9223372036.854775807"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("12.50".parse::<Money>().unwrap().to_string(), "12.5");
        assert_eq!("1.".parse::<Money>(), Err(MoneyError::NotDecimal));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for (text, error) in [
            ("", MoneyError::NotDecimal),
            (".5", MoneyError::NotDecimal),
            ("1e3", MoneyError::NotDecimal),
            ("1_000", MoneyError::NotDecimal),
            ("+1", MoneyError::NotDecimal),
            ("NaN", MoneyError::NotDecimal),
            ("-5", MoneyError::Negative),
            ("0.0000000001", MoneyError::TooFine),
            ("9223372036.854775808", MoneyError::TooLarge),
            ("99999999999999999999", MoneyError::TooLarge),
        ] {
            assert_eq!(text.parse::<Money>(), Err(error), "{text}");
        }
    }

    #[test]
    fn sums_stop_at_the_ends() {
        assert_eq!(Money::MAX.checked_add(Money::from_nanos(1)), None);
        assert_eq!(Money::MAX.saturating_add(Money::MAX), Money::MAX);
        assert_eq!(Money::ZERO.saturating_sub(Money::MAX), Money::ZERO);
    }
}
