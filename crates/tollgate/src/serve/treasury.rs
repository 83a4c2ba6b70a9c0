use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tollgate_api::{BudgetChange, BudgetReport, CutoffReport, CutoffRequest};
use tollgate_budget::{
    BudgetSpec, Budgets, Limit, MOST_TOKENS, PeriodKey, Scope, Shutdown, Slice, Used, Window,
};
use tollgate_control::{BoxFuture, TreasuryFault};
use tollgate_ledger::{Ledger, NewCutoff, SliceRow, Spent};
use tollgate_proxy::{Bank, Gateway};
use tollgate_types::{AgentName, Event, Label, Money, UnixMillis};

use super::house::now;
use super::roster::{Roster, order};
use crate::config::{Bottles, Settings, zone_named};

/// How often slices are written that nobody waits for.
const NOW_AND_THEN: Duration = Duration::from_secs(1);
/// Pause after a write that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Budgets and cutoffs as the operator plane changes them, each change in the
/// ledger before it holds.
pub(super) struct Treasury {
    bank: Arc<Bank>,
    roster: Arc<Roster>,
    ledger: Ledger,
    gateway: Arc<Gateway>,
    /// What the configuration says; what was set at run time wins.
    configured: Mutex<(Vec<BudgetSpec>, Bottles)>,
    changing: tokio::sync::Mutex<()>,
}

/// The bank as the ledger and the configuration know it, and the runs under
/// it: none yet.
pub(super) async fn open(
    settings: &Settings,
    ledger: &Ledger,
) -> anyhow::Result<(Arc<Bank>, Arc<Roster>)> {
    let specs = merged(&settings.budgets, ledger).await?;
    let used = used(&specs, &settings.bottles, ledger).await?;
    let budgets = Budgets::new(specs, &used).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let bank = Arc::new(Bank::new(budgets));
    let roster = Roster::new(Arc::clone(&bank));
    take_cutoffs(&bank, &roster, ledger).await?;
    Ok((bank, roster))
}

/// Writes slices whenever a request waits for one, and now and then.
pub(super) async fn write_slices(bank: Arc<Bank>, ledger: Ledger) {
    loop {
        let asked = tokio::time::timeout(NOW_AND_THEN, bank.wanted()).await;
        if asked.is_err() && !bank.budgets().is_wanting() {
            continue;
        }
        let batch = bank.budgets().want();
        let rows = batch.slices.iter().map(row).collect();
        match ledger.write_slices(rows).await {
            Ok(()) => bank.granted(batch),
            Err(error) => {
                tracing::error!(%error, "budgets can't be written; nothing new is spent");
                drop(batch);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Writes what is really used over the slices, when nothing is under way.
pub(super) async fn close(bank: &Bank, ledger: &Ledger) {
    let rows = bank.budgets().closing(now()).iter().map(row).collect();
    if let Err(error) = ledger.write_slices(rows).await {
        tracing::error!(%error, "open slices stay; they count as used until reconciled");
    }
}

fn row(slice: &Slice) -> SliceRow {
    SliceRow {
        budget: slice.budget.clone(),
        period: slice.period.to_string().into(),
        tokens: slice.drawn.tokens,
        nanos: slice.drawn.money.map_or(0, Money::nanos),
    }
}

/// Puts the ledger's cutoffs in force: for requests, and for runs.
async fn take_cutoffs(bank: &Bank, roster: &Roster, ledger: &Ledger) -> anyhow::Result<()> {
    let stored = ledger.cutoffs().await?;
    let stopped = stored.iter().map(|cut| {
        let order = match &*cut.mode {
            "cutoff" => order(Shutdown::Cutoff),
            "kill" => order(Shutdown::Kill),
            // A word of a newer version is no permission to go on.
            _ => order(Shutdown::Freeze),
        };
        (cut.agent.clone(), order)
    });
    let stopped = stopped.collect();
    let cut = stored.into_iter().map(|cut| {
        let why = match cut.reason.as_str() {
            "" => format!("by {}", cut.by),
            reason => format!("by {}: {reason}", cut.by),
        };
        (cut.agent, why.into())
    });
    bank.cut_off(cut.collect::<HashMap<AgentName, Label>>());
    roster.stop(stopped);
    Ok(())
}

/// The configured budgets, with those that were set at run time over them.
async fn merged(configured: &[BudgetSpec], ledger: &Ledger) -> anyhow::Result<Vec<BudgetSpec>> {
    let mut specs: Vec<BudgetSpec> = configured.to_vec();
    for stored in ledger.budgets().await? {
        let change: BudgetChange = serde_json::from_value(stored.spec)?;
        let spec = changed(&change, &specs).map_err(|(message, _)| anyhow::anyhow!(message))?;
        specs.retain(|other| other.key() != spec.key());
        specs.push(spec);
    }
    Ok(specs)
}

/// What each budget's open window has used, from the ledger's sums and slices.
async fn used(
    specs: &[BudgetSpec],
    bottles: &Bottles,
    ledger: &Ledger,
) -> anyhow::Result<Vec<Used>> {
    let slices = ledger.slices().await?;
    let slices: HashMap<(&str, &str), &SliceRow> = slices
        .iter()
        .map(|slice| ((&*slice.budget, &*slice.period), slice))
        .collect();
    // One look at the sums for each moment, however many budgets begin then.
    let mut sums: HashMap<Option<UnixMillis>, Vec<Spent>> = HashMap::new();
    let mut all = Vec::new();
    for spec in specs {
        let (period, since) = match spec.window {
            Window::Total => (PeriodKey::Total, None),
            Window::Day => starts(spec.zone.day(now()).start),
            Window::Month => starts(spec.zone.month(now()).start),
            // Runs don't outlive the gateway that began them.
            Window::Run => continue,
        };
        let spent = match sums.entry(since) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(ledger.spent(since).await?),
        };
        let (mut tokens, mut nanos) = (0_u64, 0_u64);
        for row in spent.iter().filter(|row| counts(spec, bottles, row)) {
            tokens = tokens.saturating_add(row.tokens);
            nanos = nanos.saturating_add(row.nanos);
        }
        let settled = tollgate_budget::Amount::priced(tokens, Money::from_nanos(nanos));
        let (key, place) = (spec.key(), period.to_string());
        let slice = slices.get(&(&*key, place.as_str()));
        let drawn = slice.map_or(settled, |slice| {
            tollgate_budget::Amount::priced(
                slice.tokens.max(tokens),
                Money::from_nanos(slice.nanos.max(nanos)),
            )
        });
        all.push(Used {
            budget: key,
            period,
            settled,
            drawn,
        });
    }
    Ok(all)
}

fn starts(start: UnixMillis) -> (PeriodKey, Option<UnixMillis>) {
    (PeriodKey::Since(start), Some(start))
}

fn counts(spec: &BudgetSpec, bottles: &Bottles, row: &Spent) -> bool {
    let scope = match &spec.scope {
        Scope::Agent(agent) => row.agent == agent.as_str(),
        Scope::Run(run) => row.run.as_deref() == Some(run.as_str()),
        Scope::Bottle(bottle) => {
            let chain = row.bottle.as_deref().and_then(|name| bottles.get(name));
            row.bottle.as_deref() == Some(bottle) || chain.is_some_and(|it| it.contains(bottle))
        }
        Scope::Host => true,
    };
    scope
        && spec
            .provider
            .as_deref()
            .is_none_or(|own| own == row.provider)
}

type Refusal = (String, &'static str);

/// The budget that a change makes of the one of its kind, where there is one.
fn changed(change: &BudgetChange, specs: &[BudgetSpec]) -> Result<BudgetSpec, Refusal> {
    let scope = scope(&change.scope)?;
    let window = match change.per.as_deref().unwrap_or("total") {
        "total" => Window::Total,
        "run" => Window::Run,
        "day" => Window::Day,
        "month" => Window::Month,
        found => {
            let message = format!("per is `{found}`, expected `total`, `run`, `day` or `month`");
            return Err((message, "leave it out for a limit for ever"));
        }
    };
    let provider: Option<Label> = change.provider.as_deref().map(Into::into);
    let same = |spec: &&BudgetSpec| {
        spec.scope == scope && spec.provider == provider && spec.window == window
    };
    let mut spec = match specs.iter().find(same) {
        Some(spec) => spec.clone(),
        None => BudgetSpec {
            provider,
            window,
            ..BudgetSpec::new(scope, Limit::default())
        },
    };
    if let Some(name) = &change.time_zone {
        spec.zone = zone_named(name).ok_or_else(|| {
            let message = format!("time_zone is `{name}`, expected a zone that the system knows");
            (message, "such as Europe/Berlin")
        })?;
    }
    // What the engine would not take must not reach the ledger: the next start
    // would read it there.
    if let Some(found) = change.tokens.filter(|&tokens| tokens > MOST_TOKENS) {
        let message = format!("tokens is {found}, expected at most {MOST_TOKENS}");
        return Err((message, "leave it out where nothing is limited"));
    }
    spec.limit.tokens = change.tokens.or(spec.limit.tokens);
    spec.limit.usd = change.usd.or(spec.limit.usd);
    spec.ceiling = change.ceiling.unwrap_or(spec.ceiling);
    spec.shutdown = match change.shutdown.as_deref() {
        None => spec.shutdown,
        Some("cutoff") => Shutdown::Cutoff,
        Some("freeze") => Shutdown::Freeze,
        Some("kill") => Shutdown::Kill,
        Some(found) => {
            let message = format!("shutdown is `{found}`, expected `cutoff`, `freeze` or `kill`");
            return Err((message, "cutoff refuses new requests"));
        }
    };
    if spec.limit == Limit::default() && !change.remove {
        let message = "budget limits nothing, expected tokens, usd or both".to_owned();
        return Err((message, "0 blocks all spending"));
    }
    Ok(spec)
}

fn scope(text: &str) -> Result<Scope, Refusal> {
    let agent = |name: &str| {
        AgentName::new(name)
            .map(Scope::Agent)
            .map_err(|fault| (fault.to_string(), "write agent:NAME or host"))
    };
    match text.split_once(':') {
        None if text == "host" => Ok(Scope::Host),
        None => agent(text),
        Some(("agent", name)) => agent(name),
        Some(("bottle", name)) => Ok(Scope::Bottle(name.into())),
        Some(_) => {
            let message =
                format!("scope is `{text}`, expected `agent:NAME`, `bottle:NAME` or `host`");
            Err((message, "a bare name is an agent's"))
        }
    }
}

impl Treasury {
    pub(super) fn new(
        settings: &Settings,
        bank: Arc<Bank>,
        roster: Arc<Roster>,
        ledger: Ledger,
        gateway: Arc<Gateway>,
    ) -> Arc<Self> {
        Arc::new(Self {
            bank,
            roster,
            ledger,
            gateway,
            configured: Mutex::new(configured(settings)),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// The runs that go on.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Takes over the budgets of a configuration that was reloaded.
    pub(super) async fn reload(&self, settings: &Settings) -> Result<(), String> {
        let _one = self.changing.lock().await;
        *self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = configured(settings);
        self.apply().await.map_err(|error| error.to_string())
    }

    /// Puts configuration and ledger together again; what the engine does not
    /// know yet begins with what the ledger has counted.
    async fn apply(&self) -> anyhow::Result<()> {
        let (configured, bottles) = self.configured();
        let specs = merged(&configured, &self.ledger).await?;
        let unknown = self.bank.budgets().unknown_among(&specs);
        let new: Vec<_> = specs
            .iter()
            .filter(|spec| unknown.contains(&spec.key()))
            .cloned()
            .collect();
        let used = used(&new, &bottles, &self.ledger).await?;
        self.bank.budgets().replace(specs, &used).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        })
    }

    fn configured(&self) -> (Vec<BudgetSpec>, Bottles) {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn reports(&self) -> Vec<BudgetReport> {
        let states = self.bank.budgets().show(now());
        states.iter().map(BudgetReport::from).collect()
    }

    async fn change(
        &self,
        change: BudgetChange,
        event: Event,
    ) -> Result<Vec<BudgetReport>, TreasuryFault> {
        let _one = self.changing.lock().await;
        let (configured, _) = self.configured();
        let known = merged(&configured, &self.ledger).await.map_err(ledger)?;
        let spec = changed(&change, &known)
            .map_err(|(message, hint)| TreasuryFault::Refused { message, hint })?;
        if !change.remove {
            self.is_there(&spec.scope)?;
        }
        let key = spec.key();
        if change.remove {
            let removed = self.ledger.remove_budget(key, event).await;
            removed.map_err(|fault| TreasuryFault::Refused {
                message: fault.to_string(),
                hint: "a budget of the configuration is removed there",
            })?;
        } else {
            let whole = BudgetChange {
                tokens: spec.limit.tokens,
                usd: spec.limit.usd,
                ceiling: Some(spec.ceiling),
                shutdown: Some(spec.shutdown.as_str().to_owned()),
                time_zone: Some(spec.zone.name().to_owned()),
                ..change
            };
            let value = serde_json::to_value(&whole).map_err(ledger)?;
            self.ledger
                .set_budget(key, value, event)
                .await
                .map_err(ledger)?;
        }
        self.apply().await.map_err(ledger)?;
        Ok(self.reports())
    }

    /// A budget of nobody would hold nothing, and look as if it did.
    fn is_there(&self, scope: &Scope) -> Result<(), TreasuryFault> {
        let refused = |message, hint| Err(TreasuryFault::Refused { message, hint });
        match scope {
            Scope::Agent(agent) if self.gateway.snapshot().agents.get(agent).is_none() => refused(
                format!("no agent `{agent}`"),
                "`tollgate agents list` names them",
            ),
            Scope::Bottle(bottle) if !self.configured().1.contains_key(bottle) => refused(
                format!("no bottle `{bottle}`"),
                "bottles stand in the configuration, as [bottles.NAME]",
            ),
            _ => Ok(()),
        }
    }

    async fn cut(
        &self,
        request: CutoffRequest,
        event: Event,
    ) -> Result<CutoffReport, TreasuryFault> {
        let _one = self.changing.lock().await;
        let agent = AgentName::new(&request.agent).map_err(|fault| TreasuryFault::Refused {
            message: fault.to_string(),
            hint: "`tollgate agents list` names them",
        })?;
        if self.gateway.snapshot().agents.get(&agent).is_none() && !request.undo {
            return Err(TreasuryFault::Refused {
                message: format!("no agent `{agent}`"),
                hint: "`tollgate agents list` names them",
            });
        }
        if request.undo {
            let lifted = self.ledger.lift_cutoff(agent.clone(), event).await;
            lifted.map_err(|fault| TreasuryFault::Refused {
                message: fault.to_string(),
                hint: "a budget that is used up is raised with `tollgate budget set`",
            })?;
        } else {
            let cutoff = NewCutoff {
                agent: agent.clone(),
                mode: request.mode.unwrap_or_default().as_str().into(),
                automatic: false,
                reason: String::new(),
            };
            self.ledger.cut_off(cutoff, event).await.map_err(ledger)?;
        }
        let ended = u64::from(self.gateway.in_flight());
        take_cutoffs(&self.bank, &self.roster, &self.ledger)
            .await
            .map_err(ledger)?;
        Ok(CutoffReport {
            agent: agent.to_string(),
            cut_off: self.bank.cutoff(&agent).is_some(),
            ended: if request.undo { 0 } else { ended },
            runs: self.roster.stopped(&agent),
            note: None,
        })
    }
}

fn configured(settings: &Settings) -> (Vec<BudgetSpec>, Bottles) {
    (settings.budgets.clone(), settings.bottles.clone())
}

fn ledger(error: impl std::fmt::Display) -> TreasuryFault {
    TreasuryFault::Ledger(error.to_string())
}

impl tollgate_control::Treasury for Treasury {
    fn budgets(&self) -> Vec<BudgetReport> {
        self.reports()
    }

    fn change_budget(
        &self,
        change: BudgetChange,
        event: Event,
    ) -> BoxFuture<'_, Result<Vec<BudgetReport>, TreasuryFault>> {
        Box::pin(self.change(change, event))
    }

    fn cut_off(
        &self,
        request: CutoffRequest,
        event: Event,
    ) -> BoxFuture<'_, Result<CutoffReport, TreasuryFault>> {
        Box::pin(self.cut(request, event))
    }
}
