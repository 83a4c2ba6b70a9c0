use std::fmt;

use serde::{Deserialize, Serialize};
use tollgate_types::Money;

/// What a request may use, or has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    /// Tokens of all kinds, cached and reasoning ones at face value.
    pub tokens: u64,
    /// What they cost; none where the model has no price, which is not free.
    pub money: Option<Money>,
}

impl Amount {
    /// Nothing, for what was certainly not billed.
    pub const ZERO: Self = Self {
        tokens: 0,
        money: Some(Money::ZERO),
    };

    /// Tokens of a model without a price.
    pub const fn unpriced(tokens: u64) -> Self {
        Self {
            tokens,
            money: None,
        }
    }

    /// Tokens and what they cost.
    pub const fn priced(tokens: u64, money: Money) -> Self {
        Self {
            tokens,
            money: Some(money),
        }
    }

    /// The sum; without a price where one side has none.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            money: self
                .money
                .zip(other.money)
                .map(|(one, two)| one.saturating_add(two)),
        }
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.money.map_or(0, Money::nanos)
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Tokens.
    Tokens,
    /// US dollars, in billionths.
    Usd,
}

impl Unit {
    /// A count of this unit as a person reads it: `4200 tokens`, `0.42 USD`.
    pub fn show(self, count: u64) -> impl fmt::Display {
        struct Shown(Unit, u64);
        impl fmt::Display for Shown {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    Unit::Tokens if self.1 == 1 => out.write_str("1 token"),
                    Unit::Tokens => write!(out, "{} tokens", self.1),
                    Unit::Usd => write!(out, "{} USD", Money::from_nanos(self.1)),
                }
            }
        }
        Shown(self, count)
    }
}
