use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_types::{AgentName, Event};

/// Commands of one agent that are remembered.
const MOST: usize = 200;
/// Longest command that is remembered, in bytes: the card shows a few.
const LONGEST: usize = 4 << 10;

/// What agents asked for lately, as it stands in the ledger. In memory, because
/// a question must not wait for a walk through the ledger; agents come from the
/// configuration, so their number is bounded.
#[derive(Default)]
pub(crate) struct Past(Mutex<HashMap<AgentName, VecDeque<String>>>);

impl Past {
    /// What was decided about a command, whatever it was.
    pub(crate) fn add(&self, event: &Event) {
        let facts = &event.facts;
        let agent = facts["agent"].as_str().and_then(|it| it.parse().ok());
        let command = facts["command"].as_str();
        let (Some(agent), Some(command)) = (agent, command) else {
            return;
        };
        if command.len() > LONGEST {
            return;
        }
        let mut all = self.all();
        let own = all.entry(agent).or_default();
        own.retain(|known| known != command);
        own.push_front(command.to_owned());
        own.truncate(MOST);
    }

    /// Each once, the newest first.
    pub(crate) fn of(&self, agent: &AgentName) -> Vec<String> {
        let all = self.all();
        all.get(agent).into_iter().flatten().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AgentName, VecDeque<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
