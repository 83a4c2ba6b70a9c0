use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tollgate_policy::{Decision, Facts, Failure};

use crate::child::{Broken, Child, Libraries};
use crate::line::Answer;
use crate::load::Place;

/// Longest decision, waiting for a free child counted.
pub const LONGEST_DECISION: Duration = Duration::from_secs(1);

/// Longest start of a child, its loading of the files counted.
pub const LONGEST_LOAD: Duration = Duration::from_secs(10);

/// Children of one judge. Each answers one call at a time.
const CHILDREN: usize = 2;

/// Pause before another try to start a child, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Children that wait for calls.
pub(crate) struct Pool {
    recipe: Arc<Recipe>,
    idle: Mutex<mpsc::Receiver<Child>>,
    back: mpsc::Sender<Child>,
}

/// What a child is started from: everything that was proven, by text.
pub(crate) struct Recipe {
    pub(crate) place: Place,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) libraries: Libraries,
}

impl Recipe {
    async fn start(&self) -> Result<Child, Broken> {
        let mut library = |name: &str| {
            let known = self.libraries.iter().find(|(known, _)| known == name);
            known.map_or_else(|| Err("no such file".to_owned()), |(_, text)| text.clone())
        };
        let started = Child::start(&self.place, &self.files, &mut library);
        match timeout(LONGEST_LOAD, started).await {
            Ok(started) => started.map(|(child, _)| child),
            Err(_) => Err(Broken::Process(
                "it took too long to load the files".to_owned(),
            )),
        }
    }
}

/// `{"decide": facts}`
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Call<'f> {
    Decide(&'f Facts<'f>),
    Explain(&'f Facts<'f>),
}

impl Pool {
    /// A pool around the child that has proven the files.
    pub(crate) fn new(first: Child, recipe: Recipe) -> Self {
        let (back, idle) = mpsc::channel(CHILDREN);
        let recipe = Arc::new(recipe);
        // The channel has room for every child there is.
        back.try_send(first).ok();
        for _ in 1..CHILDREN {
            tokio::spawn(replace(Arc::clone(&recipe), back.clone()));
        }
        Self {
            recipe,
            idle: Mutex::new(idle),
            back,
        }
    }

    pub(crate) async fn decide(&self, facts: &Facts<'_>) -> Decision {
        match self.call(&Call::Decide(facts)).await {
            Ok(Answer::Decision(decision)) => decision,
            Ok(_) => Decision::failed(&Failure::Process("it answered out of turn".to_owned())),
            Err(failure) => Decision::failed(&failure),
        }
    }

    pub(crate) async fn explain(&self, facts: &Facts<'_>) -> Result<Vec<crate::Saying>, Failure> {
        match self.call(&Call::Explain(facts)).await? {
            Answer::Said(said) => Ok(said),
            _ => Err(Failure::Process("it answered out of turn".to_owned())),
        }
    }

    async fn call(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let began = tokio::time::Instant::now();
        let waiting = async { self.idle.lock().await.recv().await };
        let Ok(Some(child)) = timeout(LONGEST_DECISION, waiting).await else {
            return Err(Failure::Busy);
        };
        // Whoever leaves here, by an answer, a fault or because the caller is
        // gone, hands the child back or has it replaced.
        let mut held = Held {
            pool: self,
            child: Some(child),
        };
        let left = LONGEST_DECISION.saturating_sub(began.elapsed());
        match timeout(left, held.ask(call)).await {
            Ok(Ok(answer)) => {
                held.hand_back();
                Ok(answer)
            }
            Ok(Err(Broken::Process(why))) => Err(Failure::Process(why)),
            Ok(Err(Broken::Faults(_))) => Err(Failure::NeverLoaded),
            Err(_) => Err(Failure::Overdue(LONGEST_DECISION.as_millis() as u64)),
        }
    }
}

/// A child in use. One that is not handed back has an answer outstanding, which
/// the next call would take for its own: it is killed.
struct Held<'p> {
    pool: &'p Pool,
    child: Option<Child>,
}

impl Held<'_> {
    async fn ask(&mut self, call: &Call<'_>) -> Result<Answer, Broken> {
        match &mut self.child {
            Some(child) => child.ask(call).await,
            None => Err(Broken::Process("no child".to_owned())),
        }
    }

    fn hand_back(mut self) {
        if let Some(child) = self.child.take() {
            self.pool.back.try_send(child).ok();
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.child.take().is_some() {
            let (recipe, back) = (Arc::clone(&self.pool.recipe), self.pool.back.clone());
            tokio::spawn(replace(recipe, back));
        }
    }
}

/// Starts a child and puts it among the idle ones; tries again while anybody
/// could still ask for it.
async fn replace(recipe: Arc<Recipe>, back: mpsc::Sender<Child>) {
    let mut pause = Duration::from_millis(50);
    while !back.is_closed() {
        match recipe.start().await {
            Ok(child) => {
                back.try_send(child).ok();
                return;
            }
            Err(broken) => tracing::error!(?broken, "the policy's process does not start"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
