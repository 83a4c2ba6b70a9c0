use serde::{Deserialize, Serialize};
use tollgate_budget::{Amount, BudgetState, Shutdown, Unit};
use tollgate_types::Money;

/// One window of one budget, as `GET /control/budgets` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetReport {
    /// What its use hangs on, such as `agent:ci-bot/anthropic/total`.
    pub key: String,
    /// As errors call it, such as `ci-bot/anthropic`.
    pub name: String,
    /// Where it stands: `agent:NAME`, `bottle:NAME`, `run:ID` or `host`.
    pub scope: String,
    /// The provider it counts; left out for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// `total`, `run`, `day` or `month`.
    pub per: String,
    /// Where its days and months begin.
    #[serde(default)]
    pub time_zone: String,
    /// Which of its windows: `total`, `since:MILLISECONDS` or `run:ID`.
    pub period: String,
    /// Holds even where a more specific budget governs.
    #[serde(default)]
    pub ceiling: bool,
    /// `cutoff`, `freeze` or `kill`.
    pub shutdown: String,
    /// Settled use has reached a limit, so that `shutdown` holds.
    pub exhausted: bool,
    /// When the window ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resets_at: Option<u64>,
    /// Its tokens.
    pub tokens: BudgetCount<u64>,
    /// Its money; models without a price are not in it.
    pub usd: BudgetCount<Money>,
}

/// What one unit of a budget has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetCount<T> {
    /// How much there is; left out where this unit is not limited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<T>,
    /// What was used.
    pub settled: T,
    /// What requests under way have set aside.
    pub reserved: T,
    /// What may have been used, and counts until that is known.
    pub unreconciled: T,
    /// What is left; left out where this unit is not limited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<T>,
}

/// The body of `POST /control/budgets`: makes, changes or removes one budget,
/// from the next reservation on. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    /// `agent:NAME`, `bottle:NAME` or `host`.
    pub scope: String,
    /// The provider it counts; none for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// `total`, `run`, `day` or `month`; total where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub per: Option<String>,
    /// Where days and months begin; UTC where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_zone: Option<String>,
    /// The limit of tokens; what is not said stays as it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<u64>,
    /// The limit of money.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usd: Option<Money>,
    /// Whether it holds where a more specific budget governs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ceiling: Option<bool>,
    /// `cutoff`, `freeze` or `kill`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shutdown: Option<String>,
    /// Removes it instead.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub remove: bool,
}

/// The body of `POST /control/cutoff`. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutoffRequest {
    /// The agent's name.
    pub agent: String,
    /// How hard; `cutoff` where nothing is said. `freeze` and `kill` act on the
    /// agent's runs as well.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<Shutdown>,
    /// Lifts it instead; runs that were frozen by it go on.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub undo: bool,
}

/// The answer to `POST /control/cutoff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutoffReport {
    /// The agent's name.
    pub agent: String,
    /// Whether it is cut off now.
    pub cut_off: bool,
    /// Requests that were under way and end now.
    #[serde(default)]
    pub ended: u64,
    /// Runs of it that stand frozen or killed now.
    #[serde(default)]
    pub runs: u64,
    /// What still stands in the way, such as a budget that is used up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

impl From<&BudgetState> for BudgetReport {
    fn from(state: &BudgetState) -> Self {
        let spec = &state.spec;
        Self {
            key: state.key.to_string(),
            name: spec.name(),
            scope: spec.scope.to_string(),
            provider: spec.provider.as_deref().map(str::to_owned),
            per: spec.window.as_str().to_owned(),
            time_zone: spec.zone.name().to_owned(),
            period: state.period.to_string(),
            ceiling: spec.ceiling,
            shutdown: spec.shutdown.as_str().to_owned(),
            exhausted: state.exhausted,
            resets_at: state.resets_at.map(|at| at.0),
            tokens: BudgetCount {
                limit: spec.limit.of(Unit::Tokens),
                left: state.tokens_left,
                ..counts(state, |amount| amount.tokens)
            },
            usd: BudgetCount {
                limit: spec.limit.usd,
                left: state.usd_left,
                ..counts(state, |amount| amount.money.unwrap_or_default())
            },
        }
    }
}

fn counts<T>(state: &BudgetState, of: impl Fn(&Amount) -> T) -> BudgetCount<T> {
    BudgetCount {
        limit: None,
        settled: of(&state.settled),
        reserved: of(&state.reserved),
        unreconciled: of(&state.unreconciled),
        left: None,
    }
}

#[cfg(test)]
mod tests {
    use tollgate_budget::{BudgetSpec, Budgets, Limit, Scope};
    use tollgate_types::UnixMillis;

    use super::*;

    #[test]
    fn a_report_says_what_the_engine_knows() {
        let limit = Limit {
            tokens: Some(100),
            usd: None,
        };
        let budgets = Budgets::new(vec![BudgetSpec::new(Scope::Host, limit)], &[]).unwrap();
        let states = budgets.show(UnixMillis(0));
        let report = BudgetReport::from(&states[0]);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"key":"host/*/total","name":"host","scope":"host","per":"total","time_zone":"UTC","period":"total","ceiling":false,"shutdown":"cutoff","exhausted":false,"tokens":{"limit":100,"settled":0,"reserved":0,"unreconciled":0,"left":100},"usd":{"settled":"0","reserved":"0","unreconciled":"0"}}"#
        );
    }
}
