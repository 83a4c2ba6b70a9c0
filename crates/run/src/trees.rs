use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tollgate_types::{AgentName, RunId};

use crate::end::End;
use crate::fault::{StartError, TreeError};
use crate::spec::{Keeper, Spec};
use crate::tree::Tree;

/// Every tree that this process holds, by agent and run, so that a cutoff
/// reaches them all. Cheap to clone.
///
/// An order to an agent stands until it is lifted: what would be started
/// meanwhile, and what was just being started, is refused. So no tree can
/// slip in between the order and its carrying out.
#[derive(Clone, Debug)]
pub struct Trees {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    keeper: Keeper,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    trees: HashMap<u64, Entry>,
    standing: HashMap<AgentName, Standing>,
}

#[derive(Debug)]
struct Entry {
    agent: AgentName,
    run: RunId,
    tree: Arc<Tree>,
}

/// What holds for an agent until it is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Frozen,
    CutOff,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::CutOff => "cut off",
        }
    }
}

/// What came of an order to several trees.
#[derive(Debug, Default)]
pub struct Report {
    /// Trees that the order was carried out for.
    pub done: usize,
    /// Those that it was not, and why.
    pub failed: Vec<(RunId, TreeError)>,
}

impl Trees {
    /// None yet; each will be started under such a keeper.
    pub fn new(keeper: Keeper) -> Self {
        Self {
            shared: Arc::new(Shared {
                keeper,
                state: Mutex::default(),
            }),
        }
    }

    /// Starts a tree for a run of an agent. It is held here until it has ended.
    ///
    /// # Errors
    /// [`StartError`], also where an order stands for the agent: before the
    /// start, and once more after it.
    pub async fn start(
        &self,
        agent: &AgentName,
        run: &RunId,
        spec: Spec,
    ) -> Result<Arc<Tree>, StartError> {
        self.state().may_start(agent)?;
        let tree = Arc::new(Tree::start(spec, &self.shared.keeper).await?);
        let added = self.state().add(agent, run, &tree);
        let key = match added {
            Ok(key) => key,
            Err(refused) => {
                // Ordered while it started. Dropping it kills it as well;
                // this waits until it is gone.
                tree.kill().await.ok();
                return Err(refused);
            }
        };
        tokio::spawn(forget(Arc::downgrade(&self.shared), key, tree.ending()));
        Ok(tree)
    }

    /// Freezes every tree of an agent; none is started until
    /// [`Trees::thaw_agent`].
    pub async fn freeze_agent(&self, agent: &AgentName) -> Report {
        let chosen = self.stand(agent, Standing::Frozen);
        each(chosen, async |tree| tree.freeze().await).await
    }

    /// Lets the agent's trees go on and new ones start, also after
    /// [`Trees::kill_agent`].
    pub async fn thaw_agent(&self, agent: &AgentName) -> Report {
        let chosen = {
            let mut state = self.state();
            state.standing.remove(agent);
            state.choose(|entry| entry.agent == *agent)
        };
        each(chosen, async |tree| tree.thaw().await).await
    }

    /// Kills every tree of an agent; none is started until
    /// [`Trees::thaw_agent`].
    pub async fn kill_agent(&self, agent: &AgentName) -> Report {
        let chosen = self.stand(agent, Standing::CutOff);
        each(chosen, async |tree| tree.kill().await).await
    }

    /// Freezes the trees of one run.
    pub async fn freeze_run(&self, run: &RunId) -> Report {
        let chosen = self.state().choose(|entry| entry.run == *run);
        each(chosen, async |tree| tree.freeze().await).await
    }

    /// Lets the trees of one run go on.
    pub async fn thaw_run(&self, run: &RunId) -> Report {
        let chosen = self.state().choose(|entry| entry.run == *run);
        each(chosen, async |tree| tree.thaw().await).await
    }

    /// Kills the trees of one run.
    pub async fn kill_run(&self, run: &RunId) -> Report {
        let chosen = self.state().choose(|entry| entry.run == *run);
        each(chosen, async |tree| tree.kill().await).await
    }

    /// Agent and run of every tree that is there.
    pub fn list(&self) -> Vec<(AgentName, RunId)> {
        let state = self.state();
        let entries = state.trees.values();
        entries
            .map(|entry| (entry.agent.clone(), entry.run.clone()))
            .collect()
    }

    /// The order stands from the moment on at which the trees are counted.
    fn stand(&self, agent: &AgentName, standing: Standing) -> Vec<(RunId, Arc<Tree>)> {
        let mut state = self.state();
        let stands = state.standing.get(agent);
        // Freezing somebody who is cut off doesn't let her start again.
        if stands != Some(&Standing::CutOff) {
            state.standing.insert(agent.clone(), standing);
        }
        state.choose(|entry| entry.agent == *agent)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

impl State {
    fn may_start(&self, agent: &AgentName) -> Result<(), StartError> {
        match self.standing.get(agent) {
            None => Ok(()),
            Some(standing) => Err(StartError::Standing {
                agent: agent.to_string(),
                standing: standing.word(),
            }),
        }
    }

    fn add(&mut self, agent: &AgentName, run: &RunId, tree: &Arc<Tree>) -> Result<u64, StartError> {
        self.may_start(agent)?;
        self.next += 1;
        let entry = Entry {
            agent: agent.clone(),
            run: run.clone(),
            tree: Arc::clone(tree),
        };
        self.trees.insert(self.next, entry);
        Ok(self.next)
    }

    fn choose(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<(RunId, Arc<Tree>)> {
        let chosen = self.trees.values().filter(|entry| wanted(entry));
        chosen
            .map(|entry| (entry.run.clone(), Arc::clone(&entry.tree)))
            .collect()
    }
}

/// All at once: the slowest tree must not hold up the others.
async fn each<F>(chosen: Vec<(RunId, Arc<Tree>)>, order: impl Fn(Arc<Tree>) -> F) -> Report
where
    F: Future<Output = Result<(), TreeError>> + Send + 'static,
{
    let mut report = Report::default();
    let running: Vec<_> = chosen
        .into_iter()
        .map(|(run, tree)| (run, tokio::spawn(order(tree))))
        .collect();
    for (run, ordered) in running {
        match ordered.await.unwrap_or(Err(TreeError::Silent)) {
            // One that ended meanwhile needs no order any more.
            Ok(()) | Err(TreeError::Ended(_)) => report.done += 1,
            Err(error) => report.failed.push((run, error)),
        }
    }
    report
}

/// Holds neither the tree nor the others: who drops both, kills it.
async fn forget(shared: Weak<Shared>, key: u64, ending: impl Future<Output = End>) {
    let end = ending.await;
    if let Some(shared) = shared.upgrade().filter(|_| end.left == 0) {
        lock(&shared).trees.remove(&key);
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}
