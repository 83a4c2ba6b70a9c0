use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::time::Sleep;
use tollgate_llm::{CallerError, Forward, StreamFault, estimate_tokens, rename_events};
use tollgate_types::{FaultClass, Label, ReasonCode};

use crate::account::{Account, now};
use crate::admission::Leased;
use crate::bank::Bank;
use crate::interpreter::Interpreter;
use crate::lanes::Listener;
use crate::snapshot::AnswerModel;
use crate::upstream::Source;

/// How often a silent stream looks whether its agent has been cut off.
const CUTOFF_LOOK: Duration = Duration::from_millis(500);

/// A stream on its way to the caller.
///
/// Events go out as they come, in the buffers they came in. However it ends,
/// the account is closed and the lease is given back: at the terminator, at a
/// fault, or when the connection drops this because the caller left.
pub(crate) struct Relay {
    source: Source,
    tap: Box<Interpreter>,
    outgoing: SmallVec<[Bytes; 2]>,
    sent: usize,
    open: Option<(Account, Leased)>,
    /// The asked name, where answers carry it instead of the served one.
    asked: Option<String>,
    bank: Arc<Bank>,
    /// Looks at what is written, where something is to be looked for.
    listener: Option<Listener>,
    /// Tokens of output that what is set aside is enough for.
    allowed: u64,
    /// More was set aside and has to be durable before the next chunk.
    backing: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    /// Changes of cutoffs that this stream has looked at.
    epoch: u64,
    idle: Duration,
    deadline: Instant,
    heard: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// A fault after the first byte: what the caller and the ledger are told.
struct LateFault {
    reason: ReasonCode,
    class: FaultClass,
    message: String,
    /// The provider's own error event has gone out already.
    told: bool,
}

impl Relay {
    pub(crate) fn new(
        source: Source,
        tap: Box<Interpreter>,
        first: Forward,
        open: (Account, Leased),
        deadline: Instant,
        bank: &Arc<Bank>,
        listener: Option<Listener>,
    ) -> Self {
        let idle = open
            .1
            .provider()
            .map_or(Duration::from_secs(60), |it| it.times.idle);
        // What is translated has its name already.
        let asks =
            open.1.snapshot().answer_model == AnswerModel::Asked && open.1.translated().is_none();
        let mut relay = Self {
            source,
            tap,
            outgoing: SmallVec::new(),
            sent: 0,
            asked: asks.then(|| open.1.view().model.clone()),
            allowed: open.1.hold().allowed_output(),
            open: Some(open),
            bank: Arc::clone(bank),
            listener,
            backing: None,
            epoch: bank.epoch(),
            idle,
            deadline,
            heard: Instant::now(),
            alarm: None,
        };
        relay.forward(first);
        relay.meter();
        relay
    }

    /// The next bytes for the caller; `None` at the end.
    pub(crate) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.outgoing.get_mut(self.sent).map(std::mem::take) {
                self.sent += 1;
                return Poll::Ready(Some(bytes));
            }
            if self.open.is_none() {
                return Poll::Ready(None);
            }
            if let Some(why) = self.cutoff() {
                self.cut_off(&why);
                continue;
            }
            if let Some(backing) = &mut self.backing {
                match backing.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(written) => self.backed(written),
                }
                continue;
            }
            match self.source.poll_bytes(context) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.heard = Instant::now();
                    let forward = self.tap.push(chunk);
                    self.forward(forward);
                    self.meter();
                }
                Poll::Ready(Some(Err(error))) => {
                    let message = format!("the provider's stream broke: {error}");
                    self.fail(ReasonCode::UpstreamCut, FaultClass::BadAnswer, message);
                }
                Poll::Ready(None) => self.end(),
                Poll::Pending => match self.poll_alarm(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => self.expire(),
                },
            }
        }
    }

    /// True once nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        self.open.is_none() && self.sent >= self.outgoing.len()
    }

    fn forward(&mut self, forward: Forward) {
        self.outgoing = forward.bytes;
        self.sent = 0;
        if let (Some(asked), Some((_, leased))) = (&self.asked, &self.open) {
            for events in &mut self.outgoing {
                *events = rename_events(leased.endpoint(), events, asked);
            }
        }
        let passed = self.listener.as_mut().map(|it| it.pass(&mut self.outgoing));
        if let Some(Err(kind)) = passed {
            return self.hold_back(&kind);
        }
        if let Some(fault) = forward.fault {
            self.close_failed(late(fault));
        }
    }

    /// A secret that should be masked stands in signed text: the answer ends.
    fn hold_back(&mut self, kind: &str) {
        self.listener = None;
        let message =
            format!("the answer holds `{kind}` in signed text, where nothing can be masked");
        self.close_failed(LateFault {
            reason: ReasonCode::SecretFound,
            class: FaultClass::BadRequest,
            message,
            told: false,
        });
    }

    /// What the listener held back goes on, and what it found is told.
    fn unveil(&mut self, account: &mut Account) -> Result<(), Label> {
        let Some(mut listener) = self.listener.take() else {
            return Ok(());
        };
        let released = listener.release(&mut self.outgoing);
        account.found(listener.close());
        released
    }

    /// Holds what came against what is set aside; extends that, or ends the
    /// stream. One comparison where it is enough.
    fn meter(&mut self) {
        let produced = self.tap.produced();
        if produced <= self.allowed || self.tap.is_finished() {
            return;
        }
        let Some((account, leased)) = &mut self.open else {
            return;
        };
        let extended = leased.hold_mut().extend(produced, now());
        let hold = leased.hold();
        account.reserved(hold.tokens(), hold.budget());
        if let Err(overrun) = extended {
            let message = overrun.to_string();
            return self.fail(ReasonCode::BudgetExhausted, FaultClass::BadRequest, message);
        }
        self.allowed = hold.allowed_output();
        if let Some(backed) = hold.backing() {
            let bank = Arc::clone(&self.bank);
            self.backing = Some(Box::pin(async move { bank.written(backed).await }));
        }
    }

    fn backed(&mut self, written: bool) {
        self.backing = None;
        if !written {
            let message = "the ledger can't write, so nothing more may be spent".to_owned();
            self.fail(
                ReasonCode::LedgerUnavailable,
                FaultClass::BadRequest,
                message,
            );
        }
    }

    /// The framing says that the answer is over; the tap knows whether the
    /// conversation is.
    fn end(&mut self) {
        let forward = self.tap.end();
        self.forward(forward);
        self.close_ok();
    }

    /// Why the agent has been cut off since the last look, where it has.
    fn cutoff(&mut self) -> Option<Label> {
        let epoch = self.bank.epoch();
        if std::mem::replace(&mut self.epoch, epoch) == epoch {
            return None;
        }
        let (_, leased) = self.open.as_ref()?;
        self.bank.cutoff(leased.agent().name())
    }

    fn cut_off(&mut self, why: &str) {
        let message = format!("agent is cut off: {why}");
        self.fail(ReasonCode::CutOff, FaultClass::BadRequest, message);
    }

    /// Nothing came for too long, or the whole request took too long.
    fn expire(&mut self) {
        let (reason, message) = match Instant::now() >= self.deadline {
            true => (
                ReasonCode::UpstreamTimeout,
                "the request's time is over".to_owned(),
            ),
            false => (
                ReasonCode::UpstreamStalled,
                format!("the provider was silent for {} s", self.idle.as_secs_f32()),
            ),
        };
        self.fail(reason, FaultClass::Timeout, message);
    }

    fn fail(&mut self, reason: ReasonCode, class: FaultClass, message: String) {
        // What comes after the terminator is nobody's loss.
        if self.tap.is_finished() {
            return self.end();
        }
        self.close_failed(LateFault {
            reason,
            class,
            message,
            told: false,
        });
    }

    fn close_ok(&mut self) {
        let Some((mut account, leased)) = self.open.take() else {
            return;
        };
        if let Err(kind) = self.unveil(&mut account) {
            self.open = Some((account, leased));
            return self.hold_back(&kind);
        }
        account.metered(self.tap.usage(), self.output());
        account.lost(self.tap.lost());
        let cost = leased.succeed(now(), &account.spent());
        account.cost(cost);
        account.close_ok();
    }

    /// Ends the stream with an error in the caller's own protocol.
    fn close_failed(&mut self, fault: LateFault) {
        let Some((mut account, leased)) = self.open.take() else {
            return;
        };
        // What is sealed in what was held back stays there.
        let _sealed = self.unveil(&mut account);
        if !fault.told {
            let error = CallerError {
                status: match fault.reason {
                    ReasonCode::UpstreamTimeout => 504,
                    ReasonCode::CutOff | ReasonCode::SecretFound => 403,
                    ReasonCode::BudgetExhausted => 429,
                    ReasonCode::LedgerUnavailable => 503,
                    _ => 502,
                },
                reason: fault.reason,
                message: &fault.message,
                hint: Some("the answer above is incomplete"),
                param: None,
                request: account.id(),
            };
            self.outgoing.push(self.tap.error_end(&error));
        }
        account.metered_in_part(self.tap.usage(), self.output());
        account.lost(self.tap.lost());
        let log = tollgate_secrets::scrub(&fault.message, leased.secrets().iter()).into_owned();
        leased.fail(now(), fault.class, None, &account.spent());
        account.close_failed(fault.reason, log);
    }

    /// An estimate of the output, in tokens. What came within the reservation
    /// is never booked as more than that.
    fn output(&self) -> u64 {
        let produced = self.tap.produced();
        let most = self.allowed.max(produced);
        estimate_tokens(self.tap.output_bytes()).clamp(produced, most)
    }

    /// One timer for both limits; a chunk moves the limit, not the timer.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let limit = (self.heard + self.idle).min(self.deadline);
            // A silent stream must see a cutoff within a second, too.
            let look = limit.min(Instant::now() + CUTOFF_LOOK);
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(look.into())));
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= limit {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(look.into());
            if self.epoch != self.bank.epoch() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Relay {
    /// The caller left: what came so far is booked, the account says the rest.
    fn drop(&mut self) {
        if let Some((mut account, mut leased)) = self.open.take() {
            let _nobody_reads_it = self.unveil(&mut account);
            account.metered_in_part(self.tap.usage(), self.output());
            account.lost(self.tap.lost());
            let cost = leased.hold_mut().settle(&account.spent());
            account.cost(cost);
        }
    }
}

fn late(fault: StreamFault) -> LateFault {
    let untold = |reason, message: String| LateFault {
        reason,
        class: FaultClass::BadAnswer,
        message,
        told: false,
    };
    match fault {
        StreamFault::Cut => untold(
            ReasonCode::UpstreamCut,
            "the provider's stream ended without its terminator".to_owned(),
        ),
        StreamFault::BadEvent(note) => untold(ReasonCode::UpstreamBadAnswer, note),
        StreamFault::EventTooLarge => untold(
            ReasonCode::UpstreamBadAnswer,
            "the provider sent an event that is larger than the limit".to_owned(),
        ),
        StreamFault::ErrorEvent { class, message } => LateFault {
            reason: ReasonCode::UpstreamErrorEvent,
            class,
            message,
            told: true,
        },
    }
}
