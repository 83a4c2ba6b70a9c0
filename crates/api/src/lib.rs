//! The control API as both sides see it: the types of every answer, and a
//! small client.
//!
//! The server (`tollgate-control`) fills these types in, the command line and
//! every later surface read them; neither knows anything else of the other.
//! Fields are snake case, but for credentials' reports
//! ([`ProfileReport`]), which keep the camel case of the systems that
//! Tollgate replaces. Times are milliseconds since 1970-01-01 00:00 UTC where
//! a name ends in `_at` or `At`, durations carry their unit in the name. A
//! field that has nothing to say is left out.
//!
//! Readers ignore fields that they don't know, so that an older command line
//! can talk to a newer gateway; words such as outcomes and reasons are text
//! for the same cause.
//!
//! * [`StatusReport`]: `GET /control/status[?deep=1]`
//! * [`RequestSummary`]: `GET /control/requests`, newest first
//! * [`Story`]: `GET /control/requests/{id}`, what `tollgate why` prints
//! * [`CommandStory`]: `GET /control/commands/{id}`, the same for a command
//! * [`ProfileReport`]: `GET /control/profiles`
//! * [`UsageReport`]: `GET /control/usage?by=&since=`
//! * [`AgentReport`], [`NewAgentRequest`], [`AgentCreated`]: `/control/agents`
//! * [`BudgetReport`], [`BudgetChange`]: `/control/budgets`
//! * [`CutoffRequest`], [`CutoffReport`]: `POST /control/cutoff`
//! * [`TaintReport`], [`TaintRequest`]: `/control/taint`
//! * [`ApprovalReport`], [`AnswerRequest`]: `/control/approvals`
//! * [`OperatorReport`], [`NewOperatorRequest`], [`OperatorCreated`]: `/control/operators`
//! * [`ModelReport`]: `GET /control/models[?live=1][&provider=]`
//! * [`ReloadReport`]: `POST /control/reload`
//! * [`NewRunRequest`], [`RunStarted`], [`RunOrder`], [`RunEnd`]: `/control/runs`
//! * [`ExecAsk`], [`ExecAnswer`]: lines over the requesters' socket
//! * [`ErrorBody`]: every refusal
//! * [`Client`]: all of them over loopback

mod agents;
mod approvals;
mod audit;
mod budgets;
mod client;
mod error;
mod exec;
mod models;
mod profiles;
mod reload;
mod requests;
mod runs;
mod status;
mod story;
mod taint;
mod usage;

pub use agents::{AgentCreated, AgentRemoved, AgentReport, NewAgentRequest};
pub use approvals::{
    AnswerRequest, ApprovalReport, NewOperatorRequest, OperatorCreated, OperatorReport,
};
pub use audit::{PruneReport, PruneRequest};
pub use budgets::{BudgetChange, BudgetCount, BudgetReport, CutoffReport, CutoffRequest};
pub use client::{Client, ClientError, Lines};
pub use error::{ErrorBody, ErrorDetail};
pub use exec::{ExecAnswer, ExecAsk, ExecOutcome, ExecReport, ExecRequest, ExecState};
pub use models::ModelReport;
pub use profiles::ProfileReport;
pub use reload::ReloadReport;
pub use requests::RequestSummary;
pub use runs::{NewRunRequest, Order, ResumedRun, RunEnd, RunEnded, RunOrder, RunStarted};
pub use status::{LedgerStatus, PolicyFileStatus, PolicyStatus, ProviderStatus, StatusReport};
pub use story::{CommandStory, Story, StoryStep};
pub use taint::{TaintFactReport, TaintReport, TaintRequest};
pub use usage::{UsageLine, UsageReport};
