use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tollgate_api::{NewRunRequest, Order, ResumedRun, RunEnded, RunStarted};
use tollgate_budget::{
    Amount, BudgetSpec, Limit, PeriodKey, Reached, Scope, ScopePath, Used, Window,
};
use tollgate_control::{BoxFuture, RunFault};
use tollgate_identity::{KeyDigest, Minted, mint_agent_key};
use tollgate_ledger::{Ledger, ReadError, SliceRow, Spent};
use tollgate_proxy::{Bank, Gateway};
use tollgate_types::{
    AgentName, Event, Label, Money, Plane, Principal, RequestId, RunId, Secret, Severity, Versions,
};

use super::house::{House, now};
use super::roster::{MOST_RUNS, Roster, Standing};

/// How often frozen runs are held against their budgets again.
const LOOK: Duration = Duration::from_secs(1);
/// A run that nobody takes orders for is ended after this long: whoever began
/// it is gone, and its key would open for ever.
const LOST: Duration = Duration::from_secs(60);

/// Runs as the operator plane begins and ends them.
pub(super) struct Runs {
    bank: Arc<Bank>,
    roster: Arc<Roster>,
    ledger: Ledger,
    gateway: Arc<Gateway>,
    house: Arc<House>,
}

impl Runs {
    pub(super) fn new(
        bank: Arc<Bank>,
        roster: Arc<Roster>,
        ledger: Ledger,
        gateway: Arc<Gateway>,
        house: Arc<House>,
    ) -> Arc<Self> {
        Arc::new(Self {
            bank,
            roster,
            ledger,
            gateway,
            house,
        })
    }

    async fn begin_one(&self, wanted: NewRunRequest, event: Event) -> Result<RunStarted, RunFault> {
        let agent = self.agent(wanted.agent.as_deref())?;
        // One that goes on already has to hear its orders all the more.
        let cutoff = self.bank.cutoff(&agent);
        if let Some(why) = cutoff.filter(|_| wanted.resume.is_none()) {
            let (agent, why) = (agent.to_string(), why.to_string());
            return Err(RunFault::CutOff { agent, why });
        }
        if self.roster.is_full() {
            return Err(RunFault::TooMany(MOST_RUNS));
        }
        let stands = self.standing(agent, wanted.bottle.as_deref())?;
        let (run, minted) = match &wanted.resume {
            None => (fresh_run(), mint()?),
            Some(resumed) => (self.resumed(resumed)?, known(resumed)),
        };
        let recalled = match wanted.resume {
            None => None,
            Some(_) => Some(self.recall(&run, &stands.scopes).await?),
        };
        if let Some(tokens) = wanted.budget {
            self.give(&run, tokens, recalled.as_ref())?;
        }
        let (agent, scopes) = (stands.agent.clone(), stands.scopes.clone());
        let opened = self.open(&run, stands, &minted, event).await;
        if let Err(fault) = opened {
            self.forget(&run, &agent, &scopes).await;
            return Err(fault);
        }
        Ok(RunStarted {
            run: run.as_str().to_owned(),
            agent: agent.to_string(),
            key: minted.token.expose().to_owned(),
        })
    }

    /// The named agent, else that of anonymous callers.
    fn agent(&self, named: Option<&str>) -> Result<AgentName, RunFault> {
        let snapshot = self.gateway.snapshot();
        let Some(named) = named else {
            let anonymous = snapshot.anonymous.as_ref();
            return anonymous
                .map(|agent| agent.name().clone())
                .ok_or_else(|| RunFault::Wrong {
                    message: "no agent is named, and this gateway has none for anonymous callers"
                        .to_owned(),
                    hint: "name one: `tollgate run --agent NAME`",
                });
        };
        let name = AgentName::new(named).map_err(|fault| RunFault::Wrong {
            message: fault.to_string(),
            hint: "`tollgate agents list` names them",
        })?;
        match snapshot.agents.get(&name) {
            Some(_) => Ok(name),
            None => Err(RunFault::UnknownAgent(name.to_string())),
        }
    }

    /// In the bottle that is named, else in the agent's own.
    fn standing(&self, agent: AgentName, bottle: Option<&str>) -> Result<Standing, RunFault> {
        let bottles = match bottle {
            None => None,
            Some(name) => Some(self.house.bottle(name).ok_or_else(|| RunFault::Wrong {
                message: format!("no bottle `{}`", name.escape_debug()),
                hint: "bottles stand in the configuration, as [bottles.NAME]",
            })?),
        };
        let scopes = match (&bottles, self.gateway.snapshot().agents.get(&agent)) {
            (Some(bottles), _) => ScopePath::chained(agent.clone(), bottles),
            (None, Some(known)) => known.scopes().clone(),
            (None, None) => ScopePath::agent(agent.clone()),
        };
        Ok(Standing {
            agent,
            bottles,
            scopes,
        })
    }

    /// A run that a gateway before this one began: `tollgate run` brings it back.
    /// Nobody else's key opens by that, since it is the run's own or one that
    /// only the operator who asks knows.
    fn resumed(&self, resumed: &ResumedRun) -> Result<RunId, RunFault> {
        let id = resumed.run.strip_prefix("run_").unwrap_or_default();
        let plain = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain || tollgate_identity::weakness(&resumed.key).is_some() {
            return Err(RunFault::Wrong {
                message: "resume: expected the id and the key of a run".to_owned(),
                hint: "leave it out to begin a new run",
            });
        }
        let run = RunId::new(&resumed.run);
        match self.roster.orders(&run) {
            None => Ok(run),
            Some(_) => Err(RunFault::Wrong {
                message: format!("run `{}` goes on already", resumed.run),
                hint: "its orders are at /control/runs/ID/orders",
            }),
        }
    }

    /// Its budgets go on where they were, by the ledger's word: what was set
    /// aside in a crash counts in full.
    async fn recall(&self, run: &RunId, scopes: &ScopePath) -> Result<Recalled, RunFault> {
        let failed = |error: ReadError| RunFault::Ledger(error.to_string());
        let recalled = Recalled {
            run: run.clone(),
            spent: self.ledger.spent(None).await.map_err(failed)?,
            slices: self.ledger.slices().await.map_err(failed)?,
        };
        let budgets = self.bank.budgets();
        budgets.recall_run(scopes, run, |spec| recalled.used(spec));
        Ok(recalled)
    }

    fn give(&self, run: &RunId, tokens: u64, recalled: Option<&Recalled>) -> Result<(), RunFault> {
        let spec = BudgetSpec {
            window: Window::Run,
            ..BudgetSpec::new(Scope::Run(run.clone()), Limit::tokens(tokens))
        };
        let used: Vec<_> = recalled.map(|it| it.used(&spec)).into_iter().collect();
        let begun = self.bank.budgets().begin_run(run, vec![spec], &used);
        begun.map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            RunFault::Wrong {
                message: lines.join("; "),
                hint: "leave the budget out where the run needs no limit of its own",
            }
        })
    }

    /// The event first, then the key.
    async fn open(
        &self,
        run: &RunId,
        stands: Standing,
        minted: &Minted,
        mut event: Event,
    ) -> Result<(), RunFault> {
        event.facts["run"] = json!(run);
        event.facts["agent"] = json!(stands.agent);
        event.facts["key_hint"] = json!(minted.hint);
        self.write(event).await?;
        if !self.roster.add(run.clone(), stands, minted.digest) {
            return Err(RunFault::TooMany(MOST_RUNS));
        }
        self.house.take_runs().await.map_err(RunFault::Internal)
    }

    async fn end_one(&self, run: String, event: Event) -> Result<RunEnded, RunFault> {
        let id = RunId::new(&run);
        let Some((agent, scopes)) = self.roster.remove(&id) else {
            return Err(RunFault::UnknownRun(run));
        };
        self.close(&id, &agent, &scopes, event).await?;
        Ok(RunEnded { run })
    }

    /// What is no longer on the roster: its key dies first, whatever the
    /// ledger says.
    async fn close(
        &self,
        run: &RunId,
        agent: &AgentName,
        scopes: &ScopePath,
        mut event: Event,
    ) -> Result<(), RunFault> {
        let taken = self.house.take_runs().await;
        self.forget(run, agent, scopes).await;
        event.facts["run"] = json!(run);
        event.facts["agent"] = json!(agent);
        let written = self.write(event).await;
        taken.map_err(RunFault::Internal)?;
        written
    }

    /// Its budgets, its windows of others and their marks.
    async fn forget(&self, run: &RunId, agent: &AgentName, scopes: &ScopePath) {
        self.roster.remove(run);
        self.bank.budgets().end_run(scopes, run);
        let period: Label = PeriodKey::Run(Some(run.clone())).to_string().into();
        if let Err(error) = self.ledger.forget_slices(period).await {
            tracing::warn!(%error, %agent, "the marks of a run that is over stay");
        }
    }

    async fn write(&self, event: Event) -> Result<(), RunFault> {
        let written = self.ledger.write_event(event).await;
        written.map_err(|error| RunFault::Ledger(error.to_string()))
    }

    /// Orders what budgets that are used up say; never ends.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                all = self.bank.exhausted() => {
                    for (reached, provider) in all {
                        self.used_up(&reached, &provider).await;
                    }
                }
                _ = look.tick() => {
                    self.roster.look_again();
                    if looked.elapsed() >= LOST / 6 {
                        looked = Instant::now();
                        self.end_lost().await;
                    }
                }
            }
        }
    }

    /// The order first: it must not wait for the disk.
    async fn used_up(&self, reached: &Reached, provider: &Label) {
        let runs = self.roster.used_up(reached, provider);
        let facts = json!({
            "v": 1,
            "budget": reached.budget,
            "key": reached.key,
            "period": reached.period.to_string(),
            "provider": provider,
            "shutdown": reached.shutdown,
            "runs": runs,
        });
        let event = self.event("budget.reached", facts);
        if let Err(error) = self.ledger.write_event(event).await {
            tracing::error!(%error, budget = %reached.budget, "a used up budget is not in the ledger");
        }
    }

    async fn end_lost(&self) {
        for run in self.roster.lost(6) {
            let Some((agent, scopes)) = self.roster.remove(&run) else {
                continue;
            };
            tracing::warn!(run = run.as_str(), %agent, "nobody takes orders for this run; it is over");
            let facts = json!({"v": 1, "cause": "keeper_lost"});
            let event = self.event("run.ended", facts);
            if let Err(fault) = self.close(&run, &agent, &scopes, event).await {
                tracing::error!(?fault, run = run.as_str(), "the end of a run");
            }
        }
    }

    fn event(&self, kind: &'static str, facts: serde_json::Value) -> Event {
        let versions: Versions = self.gateway.snapshot().versions.clone();
        Event {
            id: RequestId::fresh(),
            parent: None,
            at: now(),
            plane: Plane::Gateway,
            kind: kind.into(),
            principal: Principal::gateway(),
            rule: None,
            versions,
            facts,
            outcome: "ok".into(),
            severity: Severity::Security,
        }
    }
}

/// What the ledger knows of a run that began under another gateway.
struct Recalled {
    run: RunId,
    spent: Vec<Spent>,
    slices: Vec<SliceRow>,
}

impl Recalled {
    fn used(&self, spec: &BudgetSpec) -> Used {
        let (budget, period) = (spec.key(), PeriodKey::Run(Some(self.run.clone())));
        let counts = |row: &&Spent| {
            let provider = spec.provider.as_deref();
            row.run.as_deref() == Some(self.run.as_str())
                && provider.is_none_or(|own| own == row.provider)
        };
        let (mut tokens, mut nanos) = (0_u64, 0_u64);
        for row in self.spent.iter().filter(counts) {
            tokens = tokens.saturating_add(row.tokens);
            nanos = nanos.saturating_add(row.nanos);
        }
        let place = period.to_string();
        let mut slices = self.slices.iter();
        let slice = slices.find(|it| *it.budget == *budget && *it.period == *place);
        let amount = |tokens, nanos| Amount::priced(tokens, Money::from_nanos(nanos));
        let drawn = slice.map_or((0, 0), |slice| (slice.tokens, slice.nanos));
        Used {
            budget,
            period,
            settled: amount(tokens, nanos),
            drawn: amount(tokens.max(drawn.0), nanos.max(drawn.1)),
        }
    }
}

fn mint() -> Result<Minted, RunFault> {
    mint_agent_key().map_err(|error| RunFault::Internal(error.to_string()))
}

/// The key of a run as it was minted.
fn known(resumed: &ResumedRun) -> Minted {
    Minted {
        digest: KeyDigest::of(&resumed.key),
        hint: resumed.key.chars().take(11).collect::<String>() + "-…",
        token: Secret::new(resumed.key.clone()),
    }
}

/// As a request's id, ordered by time.
fn fresh_run() -> RunId {
    let id = RequestId::fresh().to_string();
    RunId::new(&id.replacen("req_", "run_", 1))
}

impl tollgate_control::Runs for Runs {
    fn begin(
        &self,
        wanted: NewRunRequest,
        event: Event,
    ) -> BoxFuture<'_, Result<RunStarted, RunFault>> {
        Box::pin(self.begin_one(wanted, event))
    }

    fn orders(&self, run: &str) -> Option<watch::Receiver<Order>> {
        self.roster.orders(&RunId::new(run))
    }

    fn end(&self, run: String, event: Event) -> BoxFuture<'_, Result<RunEnded, RunFault>> {
        Box::pin(self.end_one(run, event))
    }
}
