use std::fmt;

use tollgate_types::{Label, UnixMillis};

use crate::calendar::moment;
use crate::{PeriodKey, Scope, Shutdown, Unit};

/// Nothing was set aside: the request must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A budget has not enough left.
    #[error("{0}")]
    Exhausted(Box<Exhausted>),
    /// A budget limits money and the model has no price.
    #[error(
        "budget \"{budget}\" is in USD and the model, or the service tier asked for, has no price, so its cost can't be bounded"
    )]
    Unpriced {
        /// Its name.
        budget: Label,
    },
}

impl Refused {
    /// One thing to try.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exhausted(exhausted) => exhausted.hint(),
            Self::Unpriced { .. } => {
                "give the model a price in [models.\"NAME\"]; ask for no dearer service_tier"
            }
        }
    }

    /// The budget that refuses, as people call it.
    pub fn budget(&self) -> &Label {
        match self {
            Self::Exhausted(exhausted) => &exhausted.budget,
            Self::Unpriced { budget } => budget,
        }
    }

    /// When there is room again without anybody's doing.
    pub fn resets_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Exhausted(exhausted) => exhausted.resets_at,
            Self::Unpriced { .. } => None,
        }
    }
}

/// A budget that holds has not enough left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// As people call it: `research`, `host/anthropic`.
    pub budget: Label,
    /// Where it stands.
    pub scope: Scope,
    /// What there is too little of.
    pub unit: Unit,
    /// What is neither used nor set aside.
    pub left: u64,
    /// What the request may use at most.
    pub needed: u64,
    /// The budget's limit.
    pub limit: u64,
    /// When its window ends.
    pub resets_at: Option<UnixMillis>,
    /// Settled use has reached the limit, so that `shutdown` holds.
    pub reached: Option<Shutdown>,
    /// When this was found, for the words about the reset.
    pub at: UnixMillis,
}

impl Exhausted {
    /// One thing to try.
    pub fn hint(&self) -> &'static str {
        match (self.needed > self.limit, self.left == 0) {
            (true, _) => {
                "the whole budget is smaller than that; lower max_tokens or raise the budget"
            }
            (false, true) => "raise it with `tollgate budget set`",
            (false, false) => "lower max_tokens",
        }
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, unit) = (self.unit.show(self.left), self.unit);
        write!(out, "budget \"{}\" has {left} left, ", self.budget)?;
        match unit {
            Unit::Tokens => write!(out, "this request may use up to {}", self.needed)?,
            Unit::Usd => write!(
                out,
                "this request may cost up to {}",
                unit.show(self.needed)
            )?,
        }
        match self.resets_at {
            Some(end) => write!(out, "; resets at {}", moment(end, self.at)),
            None => Ok(()),
        }
    }
}

/// Settled use of a budget has reached its limit: `shutdown` acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The budget's key.
    pub key: Label,
    /// As people call it.
    pub budget: Label,
    /// Where it stands: this agent, all agents of this bottle, or all.
    pub scope: Scope,
    /// Which of its windows.
    pub period: PeriodKey,
    /// The provider it counts; none for all.
    pub provider: Option<Label>,
    /// What acts.
    pub shutdown: Shutdown,
    /// When the window ends and lifts it.
    pub resets_at: Option<UnixMillis>,
}
