use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_types::{RunId, UnixMillis};

use crate::calendar::{day_of, month_of};

/// How long an amount lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// For ever.
    Total,
    /// For each run of an agent anew. What is outside any run shares one.
    Run,
    /// From midnight to midnight of the budget's zone.
    Day,
    /// From the first of a month to that of the next.
    Month,
}

impl Window {
    /// The word in `settings.yml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Run => "run",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// From `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub start: UnixMillis,
    /// First moment after it.
    pub end: UnixMillis,
}

impl Span {
    pub(crate) fn holds(&self, at: UnixMillis) -> bool {
        self.start <= at && at < self.end
    }
}

/// Where midnight is. Zones with summer time need a database, which the
/// caller has; this crate only knows [`Utc`].
pub trait Zone: fmt::Debug + Send + Sync {
    /// The zone's name, such as `Europe/Berlin`.
    fn name(&self) -> &str;
    /// The day that holds a moment.
    fn day(&self, at: UnixMillis) -> Span;
    /// The month that holds a moment.
    fn month(&self, at: UnixMillis) -> Span;
}

/// The zone that holds where none is named.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utc;

impl Zone for Utc {
    fn name(&self) -> &str {
        "UTC"
    }

    fn day(&self, at: UnixMillis) -> Span {
        day_of(at)
    }

    fn month(&self, at: UnixMillis) -> Span {
        month_of(at)
    }
}

impl Window {
    /// The window that holds `at`; none for those without an end in time.
    ///
    /// A zone that answers with a span beside the moment is not believed: its
    /// budget falls back to UTC, for a window that never ends or is over at
    /// once would be a budget that never resets or never holds.
    pub(crate) fn span(self, zone: &dyn Zone, at: UnixMillis) -> Option<Span> {
        let (told, plain) = match self {
            Self::Total | Self::Run => return None,
            Self::Day => (zone.day(at), day_of(at)),
            Self::Month => (zone.month(at), month_of(at)),
        };
        Some(match told.holds(at) {
            true => told,
            false => plain,
        })
    }
}

/// Which one of a budget's windows: together with the budget's key it names a
/// row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeriodKey {
    /// The only one.
    Total,
    /// The one that began then.
    Since(UnixMillis),
    /// That of a run; none for everything outside any run.
    Run(Option<RunId>),
}

/// `total`, `since:1700000000000`, `run:ID`, `run:`.
impl fmt::Display for PeriodKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => out.write_str("total"),
            Self::Since(start) => write!(out, "since:{}", start.0),
            Self::Run(run) => write!(out, "run:{}", run.as_ref().map_or("", RunId::as_str)),
        }
    }
}

impl std::str::FromStr for PeriodKey {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, ParsePeriodError> {
        let error = || ParsePeriodError(text.chars().take(64).collect());
        match text.split_once(':') {
            None if text == "total" => Ok(Self::Total),
            Some(("since", start)) => start
                .parse()
                .map(|start| Self::Since(UnixMillis(start)))
                .map_err(|_| error()),
            Some(("run", "")) => Ok(Self::Run(None)),
            Some(("run", run)) => Ok(Self::Run(Some(RunId::new(run)))),
            _ => Err(error()),
        }
    }
}

/// Text that names no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no window, expected `total`, `since:MILLISECONDS` or `run:ID`")]
pub struct ParsePeriodError(String);

/// A zone shared between budgets.
pub type SharedZone = Arc<dyn Zone>;
