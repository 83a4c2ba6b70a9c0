use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tollgate_budget::{AgentRate, Taken, TooFast};
use tollgate_ledger::Slot;
use tollgate_llm::{Endpoint, estimate_tokens};
use tollgate_types::{
    Attempt, Label, Money, Outcome, Principal, ReasonCode, RequestId, RequestRecord, Sighting,
    TokenUsage, Trace, TraceParent, UnixMillis, Usage, UsageSource, Versions,
};

use crate::refusal::Public;

/// Longest model name kept in a record, in bytes.
const NAME_LIMIT: usize = 200;

/// Findings kept in a record, each of another kind or place.
const MOST_FINDINGS: usize = 32;

/// The account of one request: opened before anything else, closed exactly
/// once, by whoever drops it at the latest.
///
/// Closing puts the row into a slot of the ledger's queue that was taken when
/// the account was opened, so closing can't block, fail or be forgotten.
pub(crate) struct Account {
    open: Option<Box<Open>>,
    started: Instant,
    /// How long a person had to be waited for.
    held: Duration,
    in_flight: Arc<AtomicU32>,
}

struct Open {
    slot: Slot,
    record: RequestRecord,
    /// Bytes of the request once any provider may have read them.
    sent_bytes: u64,
    /// Tokens of output that were seen without a provider's count.
    output: u64,
    /// What failed attempts may have cost.
    booked: TokenUsage,
    /// The limits of an agent that has some, and what was taken of them.
    rate: Option<(Arc<AgentRate>, Option<Taken>)>,
    /// False for what is counted for nothing.
    billable: bool,
}

impl Account {
    /// Opens the account of a request that was accepted now.
    pub(crate) fn open(slot: Slot, endpoint: Endpoint, in_flight: &Arc<AtomicU32>) -> Self {
        in_flight.fetch_add(1, Ordering::Relaxed);
        let record = RequestRecord {
            id: RequestId::fresh(),
            at: now(),
            principal: None,
            dialect: endpoint.dialect().as_str(),
            endpoint: endpoint.path(),
            stream: false,
            provider: None,
            model_asked: None,
            model_served: None,
            credential: None,
            usage: Usage::default(),
            attempts: Default::default(),
            status: 499,
            outcome: Outcome::ClientLeft,
            reason: Some(ReasonCode::ClientLeft),
            message: Cow::Borrowed(""),
            rule: None,
            budget: None,
            reserved_tokens: 0,
            cost_nanos: None,
            versions: Versions::default(),
            latency_micros: 0,
            first_byte_micros: None,
            overhead_micros: 0,
            findings: Vec::new(),
            trace: None,
        };
        Self {
            open: Some(Box::new(Open {
                slot,
                record,
                sent_bytes: 0,
                output: 0,
                booked: TokenUsage::default(),
                rate: None,
                billable: !endpoint.only_counts(),
            })),
            started: Instant::now(),
            held: Duration::ZERO,
            in_flight: Arc::clone(in_flight),
        }
    }

    /// The whole account of a request whose head could not be read.
    pub(crate) fn unreadable(slot: Slot, status: u16, log: String) {
        let in_flight = Arc::default();
        let mut account = Self::open(slot, Endpoint::ChatCompletions, &in_flight);
        account.note(|record| {
            record.dialect = "none";
            record.endpoint = "(unreadable)";
            record.status = status;
            record.outcome = Outcome::Refused;
            record.reason = Some(match status {
                431 => ReasonCode::HeadersTooLarge,
                408 => ReasonCode::SlowClient,
                _ => ReasonCode::BadRequest,
            });
            record.message = Cow::Owned(log);
        });
    }

    /// Names the request.
    pub(crate) fn id(&self) -> RequestId {
        self.open
            .as_ref()
            .map_or(RequestId::from_bytes([0; 16]), |open| open.record.id)
    }

    /// A number that is another one for every request.
    pub(crate) fn chance(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = *self.id().as_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Takes the request out of what its agent may ask for in a minute; what
    /// it used takes that place when the account is closed.
    pub(crate) fn paced(
        &mut self,
        rate: &Arc<AgentRate>,
        input: u64,
        tokens: u64,
    ) -> Result<(), TooFast> {
        let taken = rate.take(now(), input, tokens);
        let (taken, result) = match taken {
            Ok(taken) => (Some(taken), Ok(())),
            Err(fast) => (None, Err(fast)),
        };
        if let Some(open) = &mut self.open {
            open.rate = Some((Arc::clone(rate), taken));
        }
        result
    }

    /// The limits that the request was taken out of.
    pub(crate) fn rate(&self) -> Option<Arc<AgentRate>> {
        let (rate, _) = self.open.as_ref()?.rate.as_ref()?;
        Some(Arc::clone(rate))
    }

    /// When the request was accepted, a person's time apart: what a provider may
    /// take is counted from there.
    pub(crate) fn under_way_since(&self) -> Instant {
        self.started + self.held
    }

    /// A person had to be waited for.
    pub(crate) fn held(&mut self, time: Duration) {
        self.held += time;
    }

    /// Who asks, and what judges it.
    pub(crate) fn identified(&mut self, principal: &Principal, versions: &Versions) {
        self.note(|record| {
            record.principal = Some(principal.clone());
            record.versions = versions.clone();
        });
    }

    /// Spans will be made of it; `parent` is the caller's. Gives the header
    /// that names this request as the parent of what follows.
    pub(crate) fn traced(&mut self, parent: Option<TraceParent>) -> Option<TraceParent> {
        let span_id = self.id().span_id();
        self.note(|record| {
            record.trace = Some(Box::new(Trace {
                parent,
                ..Trace::default()
            }));
        });
        parent.map(|parent| TraceParent { span_id, ..parent })
    }

    /// It goes to its provider as it is.
    pub(crate) fn passes_through(&mut self) {
        self.note(|record| record.endpoint = "/passthrough");
    }

    /// What is asked.
    pub(crate) fn asked(&mut self, model: &str, stream: bool) {
        self.note(|record| {
            record.model_asked = Some(shortened(model));
            record.stream = stream;
        });
    }

    /// Rules allowed it; `reason` says more only where there is more to say.
    pub(crate) fn permitted(&mut self, rule: &Label, reason: &str) {
        self.note(|record| {
            record.rule = Some(rule.clone());
            record.message = Cow::Owned(reason.to_owned());
        });
    }

    /// An attempt begins: from here on a provider may bill `bytes` of input.
    pub(crate) fn sending(&mut self, bytes: u64, provider: &Label, model: &Label, profile: &Label) {
        let whole = self.started.elapsed();
        let own = micros(whole.saturating_sub(self.held));
        let micros = micros(whole);
        let Some(open) = &mut self.open else { return };
        open.sent_bytes = bytes;
        open.record.provider = Some(provider.clone());
        open.record.model_served = Some(model.clone());
        open.record.credential = Some(profile.clone());
        if open.record.overhead_micros == 0 {
            open.record.overhead_micros = own;
        }
        if let Some(trace) = &mut open.record.trace {
            trace.sent_micros.push(micros);
        }
    }

    /// An attempt ended, well or not.
    pub(crate) fn attempted(&mut self, attempt: Attempt) {
        self.note(|record| record.attempts.push(attempt));
    }

    /// What of a stream did not reach the caller, beside what is said of the
    /// attempt that served.
    pub(crate) fn lost(&mut self, lost: &[&'static str]) {
        let Some(words) = (!lost.is_empty()).then(|| lost.join("; ")) else {
            return;
        };
        self.note(|record| {
            if let Some(attempt) = record.attempts.last_mut() {
                let gap = if attempt.note.is_empty() { "" } else { "; " };
                attempt.note = format!("{}{gap}{words}", attempt.note).into();
            }
        });
    }

    /// How many attempts there were, and the list of them.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        self.open.as_ref().map_or(&[], |open| &open.record.attempts)
    }

    /// The first byte of an answer goes out with this status.
    pub(crate) fn answering(&mut self, status: u16) {
        let micros = micros(self.started.elapsed());
        self.note(|record| {
            record.status = status;
            record.first_byte_micros = Some(micros);
        });
    }

    /// Tokens of a whole answer: the provider's count, or the estimate.
    pub(crate) fn metered(&mut self, reported: Option<TokenUsage>, output: u64) {
        let Some(open) = &mut self.open else { return };
        open.output = output;
        if let Some(tokens) = reported {
            open.record.usage = Usage {
                tokens,
                source: UsageSource::Reported,
            };
        }
    }

    /// Tokens of an answer that broke off. What the provider has counted by
    /// then may be its input alone, so that the output is an estimate at least.
    pub(crate) fn metered_in_part(&mut self, reported: Option<TokenUsage>, output: u64) {
        self.metered(reported, output);
        self.note(|record| {
            if record.usage.source == UsageSource::Reported && record.usage.tokens.output < output {
                record.usage.tokens.output = output;
                record.usage.source = UsageSource::Estimated;
            }
        });
    }

    /// What is set aside for the attempt that begins or goes on, and the budget
    /// that governs it.
    pub(crate) fn reserved(&mut self, tokens: u64, budget: Option<Label>) {
        self.note(|record| {
            record.reserved_tokens = record.reserved_tokens.max(tokens);
            record.budget = budget;
        });
    }

    /// A failed attempt that may be billed all the same.
    pub(crate) fn booked(&mut self, usage: TokenUsage) {
        if let Some(open) = &mut self.open {
            open.booked = open.booked.plus(usage);
        }
    }

    /// What the last attempt used: the provider's count, or the estimate.
    pub(crate) fn spent(&self) -> TokenUsage {
        let Some(open) = &self.open else {
            return TokenUsage::default();
        };
        open.last_attempt().tokens
    }

    /// What the scanner found; the same twice counts.
    pub(crate) fn found(&mut self, sightings: impl IntoIterator<Item = Sighting>) {
        self.note(|record| {
            for new in sightings {
                let same = |known: &&mut Sighting| {
                    (&known.kind, &known.place, known.consequence)
                        == (&new.kind, &new.place, new.consequence)
                        && known.direction == new.direction
                };
                let is_full = record.findings.len() >= MOST_FINDINGS;
                match record.findings.iter_mut().find(same) {
                    Some(known) => known.count = known.count.saturating_add(new.count),
                    None if is_full => {}
                    None => record.findings.push(new),
                }
            }
        });
    }

    /// What the answer cost.
    pub(crate) fn cost(&mut self, cost: Option<Money>) {
        self.note(|record| record.cost_nanos = cost.map(Money::nanos));
    }

    /// Closes: answered in full.
    pub(crate) fn close_ok(mut self) {
        self.note(|record| {
            record.outcome = Outcome::Ok;
            record.reason = None;
        });
    }

    /// Closes: refused, or failed before the first byte.
    pub(crate) fn close_refused(mut self, public: &Public, log: Cow<'static, str>) {
        let attempted = !self.attempts().is_empty();
        self.note(|record| {
            record.outcome = if attempted {
                Outcome::Failed
            } else {
                Outcome::Refused
            };
            record.status = public.status;
            record.reason = Some(public.reason);
            record.message = log;
            if let Some(rule) = &public.rule {
                record.rule = Some(rule.clone());
            }
            if let Some(budget) = &public.budget {
                record.budget = Some(budget.clone());
            }
        });
        // Attempts that failed before an answer began are not billed by any
        // provider; an estimate would charge the agent for nothing.
        if let Some(open) = &mut self.open {
            open.sent_bytes = 0;
        }
    }

    /// Closes: failed after the first byte had gone out.
    pub(crate) fn close_failed(mut self, reason: ReasonCode, log: String) {
        self.note(|record| {
            record.outcome = Outcome::Failed;
            record.reason = Some(reason);
            record.message = Cow::Owned(log);
        });
    }

    fn note(&mut self, change: impl FnOnce(&mut RequestRecord)) {
        if let Some(open) = &mut self.open {
            change(&mut open.record);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let Some(open) = self.open.take() else { return };
        let mut usage = open.last_attempt();
        if open.booked.total() > 0 {
            usage.tokens = usage.tokens.plus(open.booked);
            usage.source = UsageSource::Estimated;
        }
        let Open {
            slot,
            mut record,
            rate,
            ..
        } = *open;
        if let Some((_, Some(taken))) = rate {
            taken.settle(now(), usage.tokens.total());
        }
        record.usage = usage;
        record.latency_micros = micros(self.started.elapsed());
        slot.write(record);
    }
}

impl Open {
    fn last_attempt(&self) -> Usage {
        let counted = self.record.usage.source != UsageSource::None;
        match !counted && self.sent_bytes > 0 && self.billable {
            true => estimate(self.sent_bytes, self.output),
            false => self.record.usage,
        }
    }
}

fn estimate(sent_bytes: u64, output: u64) -> Usage {
    let tokens = TokenUsage {
        input: estimate_tokens(sent_bytes),
        output,
        ..TokenUsage::default()
    };
    Usage {
        tokens,
        source: UsageSource::Estimated,
    }
}

/// The wall clock, for rows and cooldowns.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

/// A duration in whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn shortened(name: &str) -> Label {
    let mut end = name.len().min(NAME_LIMIT);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].into()
}
