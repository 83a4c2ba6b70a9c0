use std::fmt;

use serde::{Deserialize, Serialize};

/// The body of `POST /control/runs`. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRunRequest {
    /// A run that a gateway before this one began and that still goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resume: Option<ResumedRun>,
    /// Whose run it is; agent `main` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// Tokens that the run may use, over what the agent's budget says; 0
    /// blocks all spending.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub budget: Option<u64>,
    /// The bottle that it runs in, in place of the agent's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bottle: Option<String>,
    /// What will be run, for the record: the program's name alone. Arguments
    /// may hold secrets and are not told.
    pub command: String,
}

/// A run that outlived the gateway that began it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumedRun {
    /// Its id.
    pub run: String,
    /// Its key, which the command has.
    pub key: String,
}

impl fmt::Debug for ResumedRun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ResumedRun")
            .field("run", &self.run)
            .field("key", &"[secret]")
            .finish()
    }
}

/// The answer to `POST /control/runs`: the only time that the key is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run's id.
    pub run: String,
    /// Whose it is.
    pub agent: String,
    /// A key for this run alone, `tg-…`; dead once the run has ended.
    pub key: String,
}

impl fmt::Debug for RunStarted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RunStarted")
            .field("run", &self.run)
            .field("agent", &self.agent)
            .field("key", &"[secret]")
            .finish()
    }
}

/// One line of `GET /control/runs/{id}/orders`. The answer's lines (JSON, each
/// ended by a line feed) come as orders are given, for as long as the run
/// lasts; empty lines say that the gateway is there. The first line is the
/// order that stands, where one does, so that one which was given while the
/// connection was lost is not missed. Carrying out the same order twice does
/// nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// What to do with the run's processes.
    pub order: Order,
}

/// What a gateway orders for the processes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Bring all of them to a halt.
    Freeze,
    /// Let them go on.
    Thaw,
    /// Kill all of them.
    Kill,
    /// A word of a newer gateway: what is not understood is not permission to
    /// go on, so it freezes.
    #[serde(other)]
    Unknown,
}

/// The body of `POST /control/runs/{id}/end`. Exactly one of `code` and
/// `signal` is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnd {
    /// The command's own exit code, or 126 where it was not run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u8>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<i32>,
    /// Who ended it: `itself`, `killed` by an order or its user,
    /// `keeper_lost`, or `not_run`.
    pub cause: String,
    /// Processes that could not be killed.
    #[serde(default)]
    pub left: u64,
}

/// The answer to `POST /control/runs/{id}/end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// The run's id; its key opens nothing any more.
    pub run: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_key_is_in_json_and_not_in_debug() {
        let started = RunStarted {
            run: "run_1".into(),
            agent: "main".into(),
            key: "tg-1-abc".into(),
        };
        assert!(!format!("{started:?}").contains("abc"));
        assert_eq!(
            serde_json::to_string(&started).unwrap(),
            r#"{"run":"run_1","agent":"main","key":"tg-1-abc"}"#
        );
    }

    #[test]
    fn an_order_that_is_not_known_is_still_one() {
        let read = |text: &str| serde_json::from_str::<RunOrder>(text).unwrap().order;
        assert_eq!(read(r#"{"order":"freeze"}"#), Order::Freeze);
        assert_eq!(read(r#"{"order":"thaw","why":"x"}"#), Order::Thaw);
        assert_eq!(read(r#"{"order":"vanish"}"#), Order::Unknown);
        assert!(serde_json::from_str::<RunOrder>(r#"{"ordre":"kill"}"#).is_err());
    }
}
