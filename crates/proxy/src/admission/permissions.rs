//! What was permitted before, by everything that decided it.

use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use foldhash::fast::FixedState;
use tollgate_identity::Agent;
use tollgate_llm::Endpoint;
use tollgate_policy::Decision;
use tollgate_routing::Candidate;

use super::Identified;
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::rules::{Judged, ModelCall};

/// Questions that are remembered, at most.
const PLACES: usize = 256;

/// Longest name asked and most candidates of one that is: with [`PLACES`] the bound of
/// the memory, some 300 KiB.
const LONGEST_NAME: usize = 200;
const MOST_CANDIDATES: usize = 16;

/// What agents were permitted since the snapshot was made.
///
/// An agent's lists, the routes and what the operator adds to facts stay the same as
/// long as their snapshot does, and steady rules (decision 13) see nothing that moves
/// but the agent's taint. So the same question of the same agent has the same answer
/// while nothing counts against it, and making all facts only to find that they were
/// there before costs thirty times what comparing the question does. Denials are not
/// kept, they are worded anew, and neither is what a person has to look at. A place
/// holds one question; another one that falls into it takes it over, and a hit is proven
/// by comparing all of it.
pub struct Permissions(Box<[ArcSwapOption<Granted>]>);

struct Granted {
    agent: Arc<Agent>,
    asked: String,
    endpoint: Option<Endpoint>,
    stream: bool,
    max_output: Option<u64>,
    choices: u64,
    candidates: Vec<Candidate>,
    said: Decision,
}

impl Default for Permissions {
    fn default() -> Self {
        Self((0..PLACES).map(|_| ArcSwapOption::empty()).collect())
    }
}

impl Identified {
    /// Puts the name asked and every concrete candidate to the agent's own lists and to
    /// the rules, unless that was done before with the same outcome.
    pub(super) async fn permitted(
        &self,
        gateway: &Gateway,
        call: &ModelCall<'_>,
        candidates: &[Candidate],
    ) -> Result<Judged, Refusal> {
        let snapshot = &self.snapshot;
        let remembers = snapshot.rules.depend_on_nothing_else(gateway, &self.agent);
        let place = snapshot.permissions.place(&self.agent, call, candidates);
        let place = place.filter(|_| remembers);
        if let Some(place) = place
            && let Some(granted) = &*place.load()
            && granted.answers(&self.agent, call, candidates)
        {
            return Ok(Judged {
                said: granted.said.clone(),
                review: None,
            });
        }
        self.may_use(call.asked, candidates)?;
        let judged = self.judged(gateway, call, candidates).await?;
        if let Some(place) = place.filter(|_| judged.review.is_none()) {
            place.store(Some(Arc::new(Granted {
                agent: Arc::clone(&self.agent),
                asked: call.asked.to_owned(),
                endpoint: call.endpoint,
                stream: call.stream,
                max_output: call.max_output,
                choices: call.choices,
                candidates: candidates.to_vec(),
                said: judged.said.clone(),
            })));
        }
        Ok(judged)
    }
}

impl Permissions {
    fn place(
        &self,
        agent: &Arc<Agent>,
        call: &ModelCall<'_>,
        candidates: &[Candidate],
    ) -> Option<&ArcSwapOption<Granted>> {
        if call.asked.len() > LONGEST_NAME || candidates.len() > MOST_CANDIDATES {
            return None;
        }
        let asked = (Arc::as_ptr(agent), call.asked, call.stream, call.max_output);
        let hash = FixedState::default().hash_one(asked);
        self.0.get(hash as usize % PLACES)
    }
}

impl Granted {
    fn answers(&self, by: &Arc<Agent>, call: &ModelCall<'_>, to: &[Candidate]) -> bool {
        // Taken apart, so that what is asked later can't be forgotten here.
        let ModelCall {
            asked,
            endpoint,
            stream,
            max_output,
            choices,
        } = call;
        Arc::ptr_eq(&self.agent, by)
            && self.asked == *asked
            && self.endpoint == *endpoint
            && self.stream == *stream
            && self.max_output == *max_output
            && self.choices == *choices
            && self.candidates == to
    }
}
