//! The command plane, wired: who agents and operators are, what rules say, and
//! where questions are written down.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tollgate_api::{AnswerRequest, ApprovalReport, Order};
use tollgate_approvals::{Approval, ApprovalId, Ladder, SocketEntry};
use tollgate_clearance::{Clearance, House, Journal, Mask, Operator, Rulebook, Sockets, Terms};
use tollgate_control::{ApprovalFault, Approvals, BoxFuture, Operators};
use tollgate_desk::{AnswerFault, Crowd, Room, Seat};
use tollgate_identity::{Agent, mint_operator_token};
use tollgate_ledger::Ledger;
use tollgate_policy::{Decision, Fact};
use tollgate_proxy::{Bank, Gateway, People};
use tollgate_scan::Outbound;
use tollgate_secrets::GrantKey;
use tollgate_types::{AgentName, OperatorName, Tier, Versions};

use super::judge;
use super::operators::Register;
use super::roster::Roster;
use crate::config::{ExecHost, Settings};
use crate::paths::Paths;

/// How often it is written when rules were used last.
const NOW_AND_THEN: Duration = Duration::from_secs(60);

/// What the plane is made of.
pub(super) struct Parts {
    pub(super) gateway: Arc<Gateway>,
    pub(super) bank: Arc<Bank>,
    pub(super) ledger: Ledger,
    pub(super) operators: Arc<Register>,
    pub(super) roster: Arc<Roster>,
    /// Where the gateway listens.
    pub(super) address: SocketAddr,
}

/// The plane, and what serves it.
pub(super) struct Commands {
    clearance: Arc<Clearance>,
    rulebook: Arc<Rulebook>,
    /// Sockets that are to be served in the place of those before.
    doors: mpsc::UnboundedSender<(Sockets, String)>,
    opened: Option<mpsc::UnboundedReceiver<(Sockets, String)>>,
}

impl Commands {
    /// Binds the sockets, makes requesters a fresh token, reads back what was
    /// waiting.
    pub(super) async fn open(
        settings: &Settings,
        paths: &Paths,
        parts: Parts,
    ) -> anyhow::Result<Self> {
        let file = &settings.approvals.file;
        let (sockets, entry) = bind(file)?;
        let token = entry.token.clone();
        let (rulebook, fault) = Rulebook::open(file.clone(), entry);
        if let Some(fault) = fault {
            tracing::error!("commands are denied until the file is mended: {fault}");
        }
        let rulebook = Arc::new(rulebook);
        let key = GrantKey::open_or_make(&paths.grant_key())?;
        let mask = masking(Arc::clone(&parts.gateway));
        let journal = Journal::new(parts.ledger.clone(), Arc::clone(&rulebook), mask);
        let past = journal.recall().await;
        past.context("what agents asked for lately")?;
        let journal = Arc::new(journal);
        let ladder = settings.approvals.ladder;
        let waiting = journal.waiting(longest(&ladder)).await;
        let waiting = waiting.context("the questions that were open")?;
        let room = Room::open(
            Arc::clone(&journal) as Arc<dyn tollgate_desk::Record>,
            ladder,
            Crowd::default(),
            waiting,
            tollgate_clearance::now,
            tollgate_clearance::chance,
        );
        let rules = Arc::clone(&rulebook);
        let fallback = Box::new(move |agent: &AgentName| rules.standing(agent).fallback);
        parts.gateway.ask(People::new(room.clone(), fallback));
        let house = Arc::new(Front { parts });
        let terms = terms(settings, paths);
        let clearance = Clearance::new(house, Arc::clone(&rulebook), room, journal, key, terms);
        publish_key(&clearance, &sockets)?;
        let (doors, opened) = mpsc::unbounded_channel();
        // The other end is here.
        doors.send((sockets, token)).ok();
        Ok(Self {
            clearance: Arc::new(clearance),
            rulebook,
            doors,
            opened: Some(opened),
        })
    }

    /// Serves the sockets until the task is dropped.
    pub(super) fn serve(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (opened, clearance) = (self.opened.take(), Arc::clone(&self.clearance));
        let rulebook = Arc::clone(&self.rulebook);
        async move {
            let used = async {
                loop {
                    tokio::time::sleep(NOW_AND_THEN).await;
                    write_used(&rulebook);
                }
            };
            if let Some(opened) = opened {
                tokio::join!(serve_newest(opened, clearance), used);
            }
        }
    }

    /// Other terms, times and rules, after a reload. Gives back what could not
    /// be changed.
    pub(super) async fn reload(&self, settings: &Settings, paths: &Paths) -> Vec<String> {
        let mut notes = Vec::new();
        self.clearance.replace(terms(settings, paths));
        self.clearance
            .room()
            .replace(settings.approvals.ladder)
            .await;
        let (now, then) = (&settings.approvals.file, self.rulebook.path());
        if *now != *then
            && let Err(error) = self.move_to(now)
        {
            notes.push(format!(
                "approvals.file stays `{}`: {error:#}",
                then.display()
            ));
        }
        notes
    }

    /// Another file, with sockets beside it. Connections that are open go on.
    fn move_to(&self, file: &Path) -> anyhow::Result<()> {
        let (sockets, entry) = bind(file)?;
        publish_key(&self.clearance, &sockets)?;
        let token = entry.token.clone();
        if let Some(fault) = self.rulebook.move_to(file.to_owned(), entry) {
            tracing::error!("the rules of before stay in force until it is mended: {fault}");
        }
        self.doors.send((sockets, token))?;
        Ok(())
    }

    /// What is owed to the file at the end.
    pub(super) fn close(&self) {
        write_used(&self.rulebook);
    }

    /// The questions as operators see them.
    pub(super) fn approvals(&self) -> Arc<dyn Approvals> {
        Arc::new(Desk(Arc::clone(&self.clearance)))
    }
}

/// Sockets beside the file, and what stands about them in it.
fn bind(file: &Path) -> anyhow::Result<(Sockets, SocketEntry)> {
    let beside = file.parent().unwrap_or(Path::new("."));
    tollgate_secrets::make_private_dir(beside)?;
    let sockets = Sockets::bind(beside)?;
    let minted = mint_operator_token()?;
    let entry = SocketEntry {
        path: sockets.path_in_file(),
        token: minted.token.expose().replacen("tgo", "tgr", 1),
    };
    Ok((sockets, entry))
}

/// Where whoever runs commands finds what checks their grants.
fn publish_key(clearance: &Clearance, sockets: &Sockets) -> anyhow::Result<()> {
    let public = clearance.public_key().to_string();
    let beside = sockets.folder().join("grant.pub");
    tollgate_secrets::publish_private(&beside, public.as_bytes())?;
    Ok(())
}

/// Serves the newest pair; the one before takes no more connections.
async fn serve_newest(
    mut opened: mpsc::UnboundedReceiver<(Sockets, String)>,
    clearance: Arc<Clearance>,
) {
    let mut next = opened.recv().await;
    while let Some((sockets, token)) = next {
        tokio::select! {
            () = sockets.serve(Arc::clone(&clearance), token) => next = None,
            newer = opened.recv() => next = newer,
        }
    }
}

fn write_used(rulebook: &Rulebook) {
    if let Err(error) = rulebook.write_used() {
        tracing::warn!(%error, "when rules were used last is not in the file");
    }
}

/// How a shell of an agent calls `tollgate exec` of this gateway: this very
/// program, whatever stands in the agent's `PATH`, and these very folders.
/// None where a path is no text.
pub(super) fn command_line(paths: &Paths) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let whole = Paths {
        config: std::path::absolute(&paths.config).ok()?,
        state: std::path::absolute(&paths.state).ok()?,
        named: paths.named,
    };
    let word = |path: &Path| Some(format!("'{}'", path.to_str()?.replace('\'', r"'\''")));
    let (config, state) = (&*whole.config, &*whole.state);
    // The least that leads to the same files.
    let ways = [
        (None, None),
        (Some(config), None),
        (None, Some(state)),
        (Some(config), Some(state)),
    ];
    let leads_here = |(named, home): &(Option<&Path>, Option<&Path>)| {
        let found = Paths::find(*named, |name| match name {
            "TOLLGATE_HOME" => home.and_then(Path::to_str).map(str::to_owned),
            other => std::env::var(other).ok(),
        });
        found.is_ok_and(|found| found == whole)
    };
    let (named, home) = ways.into_iter().find(leads_here)?;
    let home = match home {
        Some(home) => format!("TOLLGATE_HOME={} ", word(home)?),
        None => String::new(),
    };
    let named = match named {
        Some(named) => format!(" --config {}", word(named)?),
        None => String::new(),
    };
    Some(format!("{home}{}{named} exec", word(&program)?))
}

fn terms(settings: &Settings, paths: &Paths) -> Terms {
    let approvals = &settings.approvals;
    let beside = approvals.file.parent().map(Path::to_owned);
    let folders = [
        Some(paths.state.clone()),
        beside,
        paths.config.parent().map(Path::to_owned),
    ];
    let mut guarded: Vec<String> = folders
        .into_iter()
        .flatten()
        .filter_map(|folder| std::fs::canonicalize(folder).ok())
        .filter_map(|folder| folder.to_str().map(str::to_owned))
        .collect();
    guarded.sort();
    guarded.dedup();
    Terms {
        judge: approvals.judge.clone(),
        ask_low: approvals.ask_low,
        sandbox: settings.exec.host == ExecHost::Sandbox,
        guarded,
        search: std::env::var("PATH").unwrap_or_default(),
    }
}

/// The longest that a question can be of interest.
fn longest(ladder: &Ladder) -> u64 {
    let waits = [ladder.medium, ladder.high, ladder.critical, ladder.collect];
    waits
        .iter()
        .fold(0_u64, |sum, wait| sum.saturating_add(*wait))
}

/// What is kept of a question holds no secret: none that looks like one, and none
/// that Tollgate guards.
fn masking(gateway: Arc<Gateway>) -> Mask {
    Box::new(move |text| {
        let snapshot = gateway.snapshot();
        let scanning = &snapshot.scanning;
        let book = Some(&*scanning.book);
        let report = scanning
            .scanner
            .outbound(text.as_bytes(), book, Outbound::ALL);
        if report.findings.is_empty() {
            return text.to_owned();
        }
        let masked = tollgate_scan::mask(text.as_bytes(), &report.findings);
        String::from_utf8_lossy(&masked).into_owned()
    })
}

/// The gateway as the command plane sees it.
struct Front {
    parts: Parts,
}

impl House for Front {
    fn identify(&self, key: &str) -> Option<Arc<Agent>> {
        self.parts.gateway.snapshot().agents.identify(key).cloned()
    }

    fn agent(&self, name: &AgentName) -> Option<Arc<Agent>> {
        self.parts.gateway.snapshot().agents.get(name).cloned()
    }

    fn operator(&self, token: &str) -> Option<(OperatorName, Tier)> {
        let operators = &self.parts.operators;
        let name = operators.identify(token)?;
        let may_answer = operators.may_answer(&name);
        Some((name, may_answer))
    }

    fn cut_off(&self, agent: &AgentName) -> Option<String> {
        self.parts.bank.cutoff(agent).map(|why| why.to_string())
    }

    fn orders(&self, agent: &AgentName) -> Option<watch::Receiver<Order>> {
        self.parts.roster.command_orders(agent)
    }

    fn versions(&self) -> Versions {
        self.parts.gateway.snapshot().versions.clone()
    }

    fn commands(&self) -> &tollgate_judge::Commands {
        self.parts.gateway.commands()
    }

    fn policy<'f>(
        &'f self,
        agent: &'f Agent,
        named: &'f AgentName,
        args: Fact<'f>,
        tier: Tier,
    ) -> BoxFuture<'f, Decision> {
        Box::pin(self.parts.gateway.judge_command(agent, named, args, tier))
    }

    fn ask_model(&self, model: String, prompt: String) -> BoxFuture<'_, Result<String, String>> {
        let mut address = self.parts.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Box::pin(judge::ask(address, model, prompt))
    }
}

/// Questions as the control API shows them.
struct Desk(Arc<Clearance>);

impl Desk {
    fn report(&self, seat: &Seat, whole: bool) -> ApprovalReport {
        let Seat { approval, question } = seat;
        let Approval { id, state, .. } = approval;
        ApprovalReport {
            id: *id,
            status: state.as_str().to_owned(),
            tier: approval.level(),
            agent: question.agent.to_string(),
            subject: question.summary.clone(),
            expires_at_ms: seat.expires_at().0,
            asked_at_ms: approval.asked_at.0,
            judged_tier: approval.tier,
            reason: question.why.clone(),
            may_always: approval.offers_always(),
            like: match state.is_pending() {
                true => self.0.room().like(*id),
                false => Vec::new(),
            },
            by: state.by().map(ToString::to_string),
            card: whole.then(|| question.card.clone()),
        }
    }
}

impl Approvals for Desk {
    fn list(&self) -> Vec<ApprovalReport> {
        let all = self.0.room().list();
        all.iter().map(|seat| self.report(seat, false)).collect()
    }

    fn get(&self, id: ApprovalId) -> Option<ApprovalReport> {
        let seat = self.0.room().get(id)?;
        Some(self.report(&seat, true))
    }

    fn delivered(&self, ids: Vec<ApprovalId>) -> BoxFuture<'_, ()> {
        Box::pin(self.0.room().delivered(ids))
    }

    fn answer(
        &self,
        name: OperatorName,
        may_answer: Tier,
        id: ApprovalId,
        said: AnswerRequest,
    ) -> BoxFuture<'_, Result<ApprovalReport, ApprovalFault>> {
        Box::pin(async move {
            let operator = Operator {
                name,
                may_answer,
                pid: None,
            };
            let others = match said.all_like_it {
                true => self.0.room().like(id),
                false => Vec::new(),
            };
            let answer = |id: ApprovalId| {
                let (clearance, reason) = (&self.0, said.reason.clone());
                let (operator, typed) = (&operator, id.to_string());
                async move {
                    let typed = Some(typed.as_str());
                    tollgate_clearance::answer(
                        clearance,
                        operator,
                        id,
                        said.decision,
                        typed,
                        reason,
                    )
                    .await
                }
            };
            let seat = answer(id).await.map_err(refused)?;
            for other in others {
                // Somebody may have answered it in between, which is as good.
                if let Err(fault) = answer(other).await {
                    tracing::info!(approval = %other, "not answered together: {fault}");
                }
            }
            Ok(self.report(&seat, true))
        })
    }
}

fn refused(fault: AnswerFault) -> ApprovalFault {
    let text = fault.to_string();
    match fault {
        AnswerFault::Unknown(id) => ApprovalFault::Unknown(id.to_string()),
        AnswerFault::Refused(_) => ApprovalFault::Refused(text),
        AnswerFault::AskedAgain { .. } => ApprovalFault::AskedAgain(text),
        AnswerFault::Unwritten(_) | AnswerFault::Closed => ApprovalFault::Unwritten(text),
    }
}
