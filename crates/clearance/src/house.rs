use std::sync::Arc;

use tokio::sync::watch;
use tollgate_api::Order;
use tollgate_desk::BoxFuture;
use tollgate_identity::Agent;
use tollgate_judge::Commands;
use tollgate_policy::{Decision, Fact};
use tollgate_types::{AgentName, OperatorName, Tier, Versions};

/// What the command plane asks of the rest of the gateway.
pub trait House: Send + Sync {
    /// Whose key this is.
    fn identify(&self, key: &str) -> Option<Arc<Agent>>;
    /// The agent of that name.
    fn agent(&self, name: &AgentName) -> Option<Arc<Agent>>;
    /// The operator whose token this is, and the highest tier that they may
    /// allow.
    fn operator(&self, token: &str) -> Option<(OperatorName, Tier)>;
    /// Why an agent may start nothing now, where it may not.
    fn cut_off(&self, agent: &AgentName) -> Option<String>;
    /// The order that stands for what the agent runs, and those after it; none
    /// once the gateway ends.
    fn orders(&self, agent: &AgentName) -> Option<watch::Receiver<Order>>;
    /// What judges now.
    fn versions(&self) -> Versions;
    /// What judges commands, wild ones in processes that may be killed.
    fn commands(&self) -> &Commands;
    /// What the rules say of a command. `agent` is the credential's, `named`
    /// the one that is judged.
    fn policy<'f>(
        &'f self,
        agent: &'f Agent,
        named: &'f AgentName,
        args: Fact<'f>,
        tier: Tier,
    ) -> BoxFuture<'f, Decision>;
    /// What the judge model says, given that there is one: its answer to this
    /// prompt.
    fn ask_model(&self, model: String, prompt: String) -> BoxFuture<'_, Result<String, String>>;
}
