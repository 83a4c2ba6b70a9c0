use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tollgate_command::Setting;
use tollgate_desk::Desk;
use tollgate_judge::Commands;
use tollgate_ledger::Ledger;
use tollgate_routing::Affinity;

use crate::bank::Bank;
use crate::lanes::Memory;
use crate::memory::BodyMemory;
use crate::pace::Pace;
use crate::people::People;
use crate::snapshot::{Provider, Snapshot, Upstream};
use crate::upstream::Connector;

/// What all requests share.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    draining: AtomicBool,
    /// Wakes whoever waits for the drain.
    drains: Notify,
    people: OnceLock<People>,
    pub(crate) ledger: Ledger,
    pub(crate) connector: Connector,
    pub(crate) memory: Arc<BodyMemory>,
    pub(crate) in_flight: Arc<AtomicU32>,
    pub(crate) pace: Pace,
    pub(crate) bank: Arc<Bank>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) affinity: Affinity,
    /// What parts of requests came to.
    pub(crate) memory_of_parts: Arc<Memory>,
    pub(crate) scans: Pace,
    pub(crate) commands: Arc<Commands>,
    /// Spans are made of finished requests.
    pub(crate) traces: bool,
    /// How a command line begins that runs through the command plane, where
    /// there is one.
    pub(crate) exec: Option<String>,
}

impl Gateway {
    /// A gateway that judges by `snapshot` until another one is put in place.
    pub fn new(snapshot: Snapshot, ledger: Ledger, bank: Arc<Bank>) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            draining: AtomicBool::new(false),
            drains: Notify::new(),
            people: OnceLock::new(),
            ledger,
            connector: Connector::default(),
            memory: Arc::default(),
            in_flight: Arc::default(),
            pace: Pace::default(),
            bank,
            desk: Arc::default(),
            affinity: Affinity::default(),
            memory_of_parts: Arc::default(),
            scans: Pace::default(),
            commands: Arc::new(Commands::tame_only(Setting::default())),
            traces: false,
            exec: None,
        }
    }

    /// Judges commands with this, wild ones in children of its own.
    #[must_use]
    pub fn with_commands(self, commands: Arc<Commands>) -> Self {
        Self { commands, ..self }
    }

    /// Notes what spans need, and continues the traces of callers.
    #[must_use]
    pub fn with_traces(self, traces: bool) -> Self {
        Self { traces, ..self }
    }

    /// Rewrites what shell tools are called with, so that it begins like this.
    #[must_use]
    pub fn with_exec(self, begin: Option<String>) -> Self {
        Self {
            exec: begin,
            ..self
        }
    }

    /// Loads at the side what the first request behind TLS would wait for.
    pub async fn warm(&self) {
        let snapshot = self.snapshot();
        let is_tls = |provider: &Provider| match &provider.upstream {
            Upstream::Http(target) => target.is_tls(),
            Upstream::Demo => false,
        };
        if snapshot.providers.iter().any(is_tls) {
            self.connector.warm().await;
        }
    }

    /// What judges now; a request takes it once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts another snapshot in place; requests under way keep theirs.
    pub fn replace(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// What judges commands.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// What has happened in runs; rules are given it.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Requests that need a person's word are put to these, from now on and for
    /// good. Before that nobody can be asked, and they are refused.
    pub fn ask(&self, people: People) {
        if self.people.set(people).is_err() {
            tracing::error!("people were given twice; the first ones stay");
        }
    }

    pub(crate) fn people(&self) -> Option<&People> {
        self.people.get()
    }

    /// Model requests under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Bytes of request and answer bodies held in memory.
    pub fn body_bytes(&self) -> usize {
        self.memory.used()
    }

    /// No new model requests from here on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.drains.notify_waiters();
    }

    /// Returns once the gateway drains.
    pub(crate) async fn drained(&self) {
        let told = self.drains.notified();
        tokio::pin!(told);
        // From here on nothing is missed.
        told.as_mut().enable();
        if !self.is_draining() {
            told.await;
        }
    }

    /// Whether new requests are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
