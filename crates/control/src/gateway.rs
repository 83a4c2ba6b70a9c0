use std::future::Future;
use std::pin::Pin;

use tollgate_api::{
    AgentReport, AnswerRequest, ApprovalReport, ModelReport, NewOperatorRequest, OperatorCreated,
    OperatorReport, ProfileReport, ReloadReport, StatusReport,
};
use tollgate_approvals::ApprovalId;
use tollgate_types::{OperatorName, Secret, Tier};

/// A future that can be kept behind a trait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who may call the control API.
pub trait Operators: Send + Sync {
    /// The operator whose token this is. Looks up a digest, so that the time
    /// it takes says nothing of how much of a token was right.
    fn identify(&self, token: &str) -> Option<OperatorName>;
    /// The highest tier that an operator may allow.
    fn may_answer(&self, operator: &OperatorName) -> Tier;
    /// All of them, by name.
    fn list(&self) -> Vec<OperatorReport>;
    /// Adds one; the token opens when this returns.
    ///
    /// # Errors
    /// The name is taken or none, or the file can't be written.
    fn add(&self, wanted: &NewOperatorRequest) -> Result<OperatorCreated, OperatorFault>;
    /// Takes one away; the token is dead when this returns.
    ///
    /// # Errors
    /// There is none of that name, it is the first one, or the file can't be
    /// written.
    fn remove(&self, name: &OperatorName) -> Result<(), OperatorFault>;
}

/// Why operators are as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorFault {
    /// What was asked can't be.
    Wrong(String),
    /// No operator of that name.
    Unknown(String),
    /// There is one of that name.
    Exists(String),
    /// The file, or the system's randomness.
    Internal(String),
}

/// Questions that wait for a person.
pub trait Approvals: Send + Sync {
    /// Those that are open, and those that ended lately, oldest first.
    fn list(&self) -> Vec<ApprovalReport>;
    /// One with its card; none where there is no such question.
    fn get(&self, id: ApprovalId) -> Option<ApprovalReport>;
    /// That an operator has these before them.
    fn delivered(&self, ids: Vec<ApprovalId>) -> BoxFuture<'_, ()>;
    /// Takes an operator's answer. The whole id, as it stands in the path, is
    /// the confirmation.
    ///
    /// # Errors
    /// [`ApprovalFault`]; nothing has changed by it.
    fn answer(
        &self,
        operator: OperatorName,
        may_answer: Tier,
        id: ApprovalId,
        answer: AnswerRequest,
    ) -> BoxFuture<'_, Result<ApprovalReport, ApprovalFault>>;
}

/// Why an answer did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalFault {
    /// No such question.
    Unknown(String),
    /// Somebody was faster, it has ended, or may not be answered like this.
    Refused(String),
    /// It ended before; the same waits under another name.
    AskedAgain(String),
    /// Not on the disk, so not given.
    Unwritten(String),
}

/// What the control plane needs of the running gateway.
pub trait Gateway: Send + Sync {
    /// The gateway as a whole.
    fn status(&self) -> StatusReport;
    /// Every credential of every provider.
    fn profiles(&self) -> Vec<ProfileReport>;
    /// Every name that a request may ask for.
    fn models(&self) -> Vec<ModelReport>;
    /// The same, after asking every provider, or just this one, what it
    /// serves now. Ends within half a minute, whatever providers do.
    fn live_models(&self, provider: Option<String>) -> BoxFuture<'_, Vec<ModelReport>>;
    /// Every agent, whatever its source.
    fn agents(&self) -> Vec<AgentReport>;
    /// Requests in flight now.
    fn in_flight(&self) -> u64 {
        self.status().in_flight
    }
    /// Makes a key; nothing knows it yet.
    ///
    /// # Errors
    /// [`MintFault`] where the system has no randomness to give.
    fn mint(&self) -> Result<MintedKey, MintFault>;
    /// Reads the configuration again; a bad one leaves the last good one in
    /// force.
    fn reload(&self) -> BoxFuture<'_, Result<ReloadReport, ReloadFault>>;
    /// Reads the ledger's agents again; when it returns, their keys are those
    /// that work. An error's text is for the operator.
    fn refresh_agents(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// A fresh key.
#[derive(Debug)]
pub struct MintedKey {
    /// The key itself, shown once.
    pub token: Secret,
    /// SHA-256 of it, the only form that is kept.
    pub digest: [u8; 32],
    /// What listings show, such as `tg-1a2b3c4d-…`.
    pub hint: String,
}

/// No key could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintFault(pub String);

/// Why a configuration was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadFault {
    /// Every fault, as `config check` prints them.
    pub message: String,
    /// The one thing to try.
    pub hint: Option<String>,
}
