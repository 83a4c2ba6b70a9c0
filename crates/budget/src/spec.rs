use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_types::{Label, Money};

use crate::{Scope, SharedZone, Unit, Utc, Window};

/// What happens when settled use reaches the limit, mildest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// No new requests; running streams end with an error.
    #[default]
    Cutoff,
    /// That, and the processes are stopped where they stand.
    Freeze,
    /// That, and the processes are ended.
    Kill,
}

impl Shutdown {
    /// The word in `settings.yml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cutoff => "cutoff",
            Self::Freeze => "freeze",
            Self::Kill => "kill",
        }
    }
}

/// How much; at least one of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Tokens; none for no limit of them, zero blocks.
    pub tokens: Option<u64>,
    /// Money; none for no limit of it, zero blocks.
    pub usd: Option<Money>,
}

impl Limit {
    /// A limit of tokens.
    pub const fn tokens(tokens: u64) -> Self {
        Self {
            tokens: Some(tokens),
            usd: None,
        }
    }

    /// The limit of a unit, as its meter counts it.
    pub fn of(&self, unit: Unit) -> Option<u64> {
        match unit {
            Unit::Tokens => self.tokens,
            Unit::Usd => self.usd.map(Money::nanos),
        }
    }
}

/// A budget as it is configured.
#[derive(Clone, Debug)]
pub struct BudgetSpec {
    /// Whom it is for.
    pub scope: Scope,
    /// Which provider it counts; none for all of them together.
    pub provider: Option<Label>,
    /// How much.
    pub limit: Limit,
    /// How long that lasts.
    pub window: Window,
    /// Where days and months begin.
    pub zone: SharedZone,
    /// Holds even where a more specific budget governs.
    pub ceiling: bool,
    /// What happens when it is used up.
    pub shutdown: Shutdown,
}

impl BudgetSpec {
    /// A budget of all providers, for ever, in UTC, that is no ceiling.
    pub fn new(scope: Scope, limit: Limit) -> Self {
        Self {
            scope,
            provider: None,
            limit,
            window: Window::Total,
            zone: Arc::new(Utc),
            ceiling: false,
            shutdown: Shutdown::default(),
        }
    }

    /// As errors show it: `research`, `host/anthropic`.
    pub fn name(&self) -> String {
        match &self.provider {
            Some(provider) => format!("{}/{provider}", self.scope.name()),
            None => self.scope.name().to_owned(),
        }
    }

    /// What its use hangs on, the same over restarts:
    /// `agent:ci-bot/anthropic/day@Europe/Berlin`, `host/*/total`. A budget of
    /// another key is another budget and begins with what the ledger knows.
    pub fn key(&self) -> Label {
        let provider = self.provider.as_deref().unwrap_or("*");
        let window = self.window.as_str();
        let key = format!("{}/{provider}/{window}", self.scope);
        match self.window {
            Window::Day | Window::Month => format!("{key}@{}", self.zone.name()).into(),
            Window::Total | Window::Run => key.into(),
        }
    }

    pub(crate) fn counts(&self, provider: &str) -> bool {
        self.provider.as_deref().is_none_or(|own| own == provider)
    }
}
