use sqlx::sqlite::SqliteConnection;
use tollgate_types::{AgentName, Event, Label};

use crate::{NewAgent, NewCutoff, agents, budgets, cutoffs};

/// A change that is written in the same transaction as its event.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    AddAgent(NewAgent),
    RemoveAgent(AgentName),
    SetBudget(Label, serde_json::Value),
    RemoveBudget(Label),
    CutOff(NewCutoff),
    LiftCutoff(AgentName),
}

/// The digest of the row that says what was changed, which the event's link
/// covers; none where the change can't be made: the name is taken, or nothing
/// is there to be taken away.
pub(crate) async fn apply(
    connection: &mut SqliteConnection,
    seq: i64,
    event: &Event,
    change: &Change,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let at = event.at;
    match change {
        Change::AddAgent(agent) => agents::add(connection, seq, at, agent).await,
        Change::RemoveAgent(name) => agents::remove(connection, seq, at, name).await,
        Change::SetBudget(key, spec) => {
            let spec = Some(spec.to_string());
            budgets::write(connection, seq, at, key, spec)
                .await
                .map(Some)
        }
        Change::RemoveBudget(key) => budgets::remove(connection, seq, at, key).await,
        Change::CutOff(cutoff) => {
            let by = event.principal.actor.name();
            cutoffs::write(connection, seq, at, by, cutoff)
                .await
                .map(Some)
        }
        Change::LiftCutoff(agent) => {
            let by = event.principal.actor.name();
            cutoffs::lift(connection, seq, at, by, agent).await
        }
    }
}
