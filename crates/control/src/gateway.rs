use std::future::Future;
use std::pin::Pin;

use tollgate_api::{AgentReport, ModelReport, ProfileReport, ReloadReport, StatusReport};
use tollgate_types::{OperatorName, Secret};

/// A future that can be kept behind a trait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who may call the control API.
pub trait Operators: Send + Sync {
    /// The operator whose token this is. Looks up a digest, so that the time
    /// it takes says nothing of how much of a token was right.
    fn identify(&self, token: &str) -> Option<OperatorName>;
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
