use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tollgate_scan::{
    Answer, Asked, Book, Digests, Fragments, Inbound, Injections, Redactor, Scanner, SecondOpinion,
    Spared, Verdict, combine,
};
use tollgate_types::AgentName;

use super::dlp::{Dlp, DlpSettings};
use super::look::Order;
use crate::account::now;
use crate::snapshot::Provider;

/// Second opinions on inbound text, in the order in which they are asked. They
/// may wait for a network or an interpreter, so they are asked off the path.
pub type Opinions = Vec<Arc<dyn SecondOpinion + Send + Sync>>;

/// Something that takes a while to make: made at the side when the gateway
/// starts, and waited for by whoever comes before it is there.
pub type Late<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// What looks at text, and what it is told to look for.
pub struct Scanning {
    /// Finds secrets.
    pub scanner: Arc<Late<Scanner>>,
    /// Finds injections.
    pub injections: Arc<Late<Injections>>,
    /// The values that Tollgate guards.
    pub book: Arc<Book>,
    /// Writes placeholders.
    pub redactor: Redactor,
    /// `[agents.defaults]`
    pub defaults: DlpSettings,
    /// `[agents.NAME]`
    pub agents: HashMap<AgentName, DlpSettings>,
    /// Hosts whose text is not looked at.
    pub spared: Spared,
    /// SHA-256 of texts that an operator lets pass.
    pub cleared: HashSet<[u8; 32]>,
    /// Who is asked beside.
    pub opinions: Opinions,
    /// What the others said, by text and place.
    pub said: Mutex<Digests>,
    /// What of the guarded secrets has gone by, by run.
    pub fragments: Mutex<Fragments>,
    /// Another one for every set of rules and secrets: what was remembered
    /// under another does not count.
    pub generation: u64,
}

impl fmt::Debug for Scanning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scanning")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Scanning {
    /// A number that no other set of rules and secrets of this process has.
    pub fn next_generation() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// What finds secrets.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// What holds between an agent and a provider: the agent's own word, then
    /// the provider's, then that for all agents.
    pub(crate) fn dlp(&self, agent: &AgentName, provider: &Provider) -> Dlp {
        match self.agents.get(agent) {
            Some(own) => Dlp::of(&[own, &provider.dlp, &self.defaults]),
            None => Dlp::of(&[&provider.dlp, &self.defaults]),
        }
    }

    /// What holds for an agent where no provider is asked.
    pub(crate) fn dlp_of(&self, agent: &AgentName) -> Dlp {
        match self.agents.get(agent) {
            Some(own) => Dlp::of(&[own, &self.defaults]),
            None => Dlp::of(&[&self.defaults]),
        }
    }

    /// What an inbound text comes to, second opinions heard; none where it is
    /// clean. An operator's word on this very text stands above all of it.
    pub(crate) fn judged(&self, text: &[u8], url: Option<&str>, how: Inbound) -> Option<Order> {
        self.order(text, how, |first| {
            self.second_opinion(first, text, url, how)
        })
    }

    /// The same where nobody else can be asked any more: as if all had failed.
    pub(crate) fn judged_alone(&self, text: &[u8], how: Inbound) -> Option<Order> {
        let closed = self.opinions.iter().any(|it| it.fails_closed());
        self.order(text, how, |first| match closed {
            true => Verdict::Unsafe,
            false => first,
        })
    }

    fn order(
        &self,
        text: &[u8],
        how: Inbound,
        others: impl FnOnce(Verdict) -> Verdict,
    ) -> Option<Order> {
        let report = self.injections.inbound(text, how);
        let gravest = report.findings.iter().max_by_key(|it| it.severity);
        let (mut verdict, mut kind) = (report.verdict(), gravest.map(|it| it.kind.clone()));
        let detector = gravest.map_or(tollgate_scan::Detector::InjectionSignals, |it| it.detector);
        if !self.opinions.is_empty() && verdict != Verdict::Unsafe {
            let said = others(verdict);
            if said > verdict {
                (verdict, kind) = (said, Some("second-opinion".into()));
            }
        }
        if verdict == Verdict::Clean {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(text).into();
        (!self.cleared.contains(&digest)).then(|| Order {
            verdict,
            detector,
            kind: kind.unwrap_or_else(|| "injection".into()),
            key: "",
            digest,
        })
    }

    /// What the others say, asked once for a text from one place, as long as
    /// the profile remembers.
    fn second_opinion(
        &self,
        first: Verdict,
        text: &[u8],
        url: Option<&str>,
        how: Inbound,
    ) -> Verdict {
        let source = format!("{} {}", how.context.as_str(), url.unwrap_or_default());
        let (digest, at) = (Digests::digest(&source, text), now().0 / 1000);
        let known = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.recall(&digest, at) {
            return known.verdict;
        }
        drop(known);
        let asked = Asked {
            url,
            content: &String::from_utf8_lossy(text),
            context: how.context,
            profile: how.profile,
        };
        let heard: Vec<Heard<'_>> = self.opinions.iter().map(|it| Heard::new(&**it)).collect();
        let others: Vec<&dyn SecondOpinion> = heard.iter().map(|it| it as _).collect();
        let said = combine(first, &others, &asked).verdict;
        // One that could not be asked may be there the next time.
        if !heard.iter().any(|it| it.failed.get()) {
            let mut known = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            known.remember(digest, said, at, how.profile.digest_seconds());
        }
        said
    }
}

/// A second opinion, and whether it failed.
struct Heard<'o> {
    opinion: &'o dyn SecondOpinion,
    failed: Cell<bool>,
}

impl<'o> Heard<'o> {
    fn new(opinion: &'o dyn SecondOpinion) -> Self {
        Self {
            opinion,
            failed: Cell::new(false),
        }
    }
}

impl SecondOpinion for Heard<'_> {
    fn name(&self) -> &str {
        self.opinion.name()
    }

    fn fails_closed(&self) -> bool {
        self.opinion.fails_closed()
    }

    fn scan(&self, asked: &Asked<'_>) -> Answer {
        let answer = self.opinion.scan(asked);
        if let Err(fault) = &answer {
            self.failed.set(true);
            tracing::warn!("{fault}");
        }
        answer
    }
}
