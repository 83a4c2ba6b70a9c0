use std::sync::Arc;

use tollgate_budget::{Amount, Backed, Refused, Reservation, ScopePath};
use tollgate_identity::Agent;
use tollgate_llm::{
    CacheLife, Endpoint, Facts, RequestView, cache_life, estimate_tokens, is_dearer,
};
use tollgate_types::{Label, Money, TokenUsage, UnixMillis};

use crate::bank::{Bank, Exhausted};
use crate::bounds::{Bounds, Unbounded};
use crate::snapshot::Snapshot;
use crate::through::{Stated, Through};

/// Least that an answer is extended by, in tokens, where there is room.
const LEAST_STEP: u64 = 256;

/// What one attempt may use, set aside in every budget that it counts for.
///
/// It is settled exactly once. Dropped unsettled (the caller left while the
/// provider was asked), it is settled to the estimate that the ledger's row
/// gets as well.
pub(crate) struct Hold {
    reservation: Option<Reservation>,
    facts: Facts,
    life: CacheLife,
    sent_bytes: u64,
    sent: bool,
    /// Of earlier tries under this hold that may have been billed.
    extra: TokenUsage,
    /// The maximum that was counted on and that the request does not say.
    cap: Option<u64>,
    /// The maximum that the request's own was lowered to.
    clamp: Option<u64>,
    /// Input and output that were counted on, in tokens; none where nobody
    /// limits the request and it has no bound.
    most: Option<(u64, u64)>,
    /// What it costs by the operator's word.
    stated: Option<Stated>,
    provider: Label,
    teller: Arc<Exhausted>,
}

/// Why nothing could be set aside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldFault {
    #[error("{0}")]
    Refused(#[from] Refused),
    /// Lowering the request's maximum to what is left would leave an answer
    /// that nobody can use.
    #[error("{refused}, and answers are not shortened below {floor}")]
    BelowFloor { refused: Refused, floor: u64 },
    /// A budget holds, and the request could use any amount.
    #[error("budget \"{budget}\" holds and this request can't be bounded: {why}")]
    Unbounded { budget: String, why: &'static str },
}

/// An answer that has used up what was set aside, and nothing more is left.
#[derive(Debug, thiserror::Error)]
#[error(
    "the answer is longer than the {output} tokens that were set aside for it, and nothing more could be: {refused}"
)]
pub(crate) struct Overrun {
    output: u64,
    refused: Refused,
}

/// The request to be held for.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) view: &'a RequestView,
    pub(crate) body: &'a [u8],
    pub(crate) agent: &'a Agent,
    pub(crate) who: &'a ScopePath,
    pub(crate) provider: &'a Label,
    pub(crate) model: &'a str,
    /// It goes out as it is, so that nothing can be edited into it.
    pub(crate) through: Option<&'a Through>,
}

impl Hold {
    /// Sets the most that the request can use at this candidate aside.
    pub(crate) fn take(
        bank: &Bank,
        snapshot: &Snapshot,
        asked: &Asked<'_>,
        now: UnixMillis,
    ) -> Result<Self, HoldFault> {
        let mut hold = Self {
            reservation: None,
            sent_bytes: asked.body.len() as u64,
            sent: false,
            extra: TokenUsage::default(),
            cap: None,
            clamp: None,
            most: None,
            stated: asked.through.and_then(|through| through.stated),
            facts: snapshot.catalog.facts(asked.provider, asked.model),
            life: cache_life(asked.body),
            provider: asked.provider.clone(),
            teller: bank.teller(),
        };
        if hold.facts.price.is_some() && hold.stated.is_none() && is_dearer(asked.body) {
            (hold.facts.price, hold.facts.long) = (None, None);
        }
        if !bank.budgets().is_empty() {
            hold.reserve(bank, snapshot, asked, now)?;
        }
        Ok(hold)
    }

    fn reserve(
        &mut self,
        bank: &Bank,
        snapshot: &Snapshot,
        asked: &Asked<'_>,
        now: UnixMillis,
    ) -> Result<(), HoldFault> {
        if let Some(stated) = self.stated {
            let run = asked.agent.principal().run.as_ref();
            let amount = Amount::priced(stated.tokens, stated.usd);
            let budgets = bank.budgets();
            self.reservation =
                Some(budgets.reserve(asked.who, run, asked.provider, amount, now)?);
            return Ok(());
        }
        let editable = asked.through.is_none();
        let cap = snapshot.output_cap.filter(|_| editable);
        let floor = snapshot.clamp_floor.filter(|_| editable);
        let bounds = Bounds::of(asked, &self.facts, self.life, cap);
        let taken = match &bounds {
            Ok(bounds) => bounds.take(bank, asked, now),
            Err(why) => Unbounded::take(why, bank, asked, now),
        };
        let shortens = |floor| match &bounds {
            Ok(bounds) => bounds.shortened(bank, asked, floor, now),
            Err(Unbounded::Output(bounds)) => bounds.shortened(bank, asked, floor, now),
            Err(Unbounded::Input(_)) => None,
        };
        let (reservation, most) = match (taken, floor) {
            (Ok(taken), _) => taken,
            (Err(fault), Some(floor)) if fault.may_shorten() => match shortens(floor) {
                Some(short) => {
                    self.clamp = Some(short.each);
                    (short.reservation, Some(short.most))
                }
                None => return Err(fault.below(floor)),
            },
            (Err(fault), _) => return Err(fault),
        };
        let unknown = self.facts.max_output.is_none() && asked.view.max_output.is_none();
        self.cap = cap.filter(|_| unknown);
        self.reservation = Some(reservation);
        self.most = most;
        Ok(())
    }

    /// Waits until a crash would not forget it.
    pub(crate) async fn is_backed(&self, bank: &Bank) -> bool {
        match &self.reservation {
            Some(reservation) => bank.backed(reservation).await,
            None => true,
        }
    }

    /// Tokens that are set aside.
    pub(crate) fn tokens(&self) -> u64 {
        self.reservation.as_ref().map_or(0, |it| it.amount().tokens)
    }

    /// The budget that governs, where one holds.
    pub(crate) fn budget(&self) -> Option<Label> {
        self.reservation.as_ref()?.budget()
    }

    /// From here on the provider may bill.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// The maximum to write into a request that has none, so that what was
    /// counted on is what the provider keeps to.
    pub(crate) fn cap(&self) -> Option<u64> {
        self.cap
    }

    /// The maximum that takes the place of a larger one in the request.
    pub(crate) fn clamp(&self) -> Option<u64> {
        self.clamp
    }

    /// Tokens of output that what is set aside is enough for: what the input
    /// surely leaves of its own part may be used as well.
    pub(crate) fn allowed_output(&self) -> u64 {
        match (&self.reservation, self.most) {
            (Some(reservation), Some((input, _))) => {
                let used = estimate_tokens(self.sent_bytes).min(input);
                reservation.amount().tokens.saturating_sub(used)
            }
            _ => u64::MAX,
        }
    }

    /// Sets more aside for an answer that has come to `produced` tokens of
    /// output: generously where there is room, else what it has used.
    pub(crate) fn extend(&mut self, produced: u64, now: UnixMillis) -> Result<(), Overrun> {
        let output = self.allowed_output();
        let missing = produced.saturating_sub(output);
        let (Some(reservation), Some((input, counted))) = (&mut self.reservation, &mut self.most)
        else {
            return Ok(());
        };
        let step = (*counted / 4).max(LEAST_STEP);
        let mut last = None;
        for more in [step, step / 4, step / 16, 0].map(|step| missing.saturating_add(step)) {
            let total = counted.saturating_add(more);
            let price = |output| self.facts.bound(*input, output, self.life);
            let amount = match price(total).zip(price(*counted)) {
                Some((after, before)) => Amount::priced(more, after.saturating_sub(before)),
                None => Amount::unpriced(more),
            };
            match reservation.extend(amount, now) {
                Ok(()) => {
                    *counted = total;
                    return Ok(());
                }
                Err(refused) => last = Some(refused),
            }
        }
        match last {
            Some(refused) => Err(Overrun { output, refused }),
            None => Ok(()),
        }
    }

    /// What has to be durable before more of the answer may be used.
    pub(crate) fn backing(&self) -> Option<Backed> {
        let backed = self.reservation.as_ref()?.backing();
        (!backed.is_written()).then_some(backed)
    }

    /// A try under this hold failed, may be billed, and is repeated.
    pub(crate) fn also(&mut self, usage: TokenUsage) {
        self.extra = self.extra.plus(usage);
    }

    /// Books what was used and gives the rest back; returns what it cost.
    pub(crate) fn settle(&mut self, usage: &TokenUsage) -> Option<Money> {
        let usage = usage.plus(std::mem::take(&mut self.extra));
        let cost = match self.stated {
            Some(stated) if self.sent => Some(stated.usd),
            Some(_) => Some(Money::ZERO),
            None => self.facts.cost(&usage, self.life),
        };
        if let Some(reservation) = self.reservation.take() {
            let actual = match cost {
                _ if usage.total() == 0 && self.stated.is_none() => Amount::ZERO,
                Some(cost) => Amount::priced(usage.total(), cost),
                None => Amount::unpriced(usage.total()),
            };
            for reached in reservation.settle(actual) {
                tracing::warn!(budget = %reached.budget, "budget is used up");
                self.teller.tell(reached, &self.provider);
            }
        }
        cost
    }

    /// What a provider may bill for an attempt without an answer.
    pub(crate) fn input_estimate(&self) -> TokenUsage {
        let estimate = || estimate_tokens(self.sent_bytes);
        TokenUsage {
            input: self.stated.map_or_else(estimate, |stated| stated.tokens),
            ..TokenUsage::default()
        }
    }
}

impl HoldFault {
    /// Whether a smaller answer would be let through.
    fn may_shorten(&self) -> bool {
        match self {
            Self::Refused(Refused::Exhausted(exhausted)) => exhausted.reached.is_none(),
            Self::Refused(Refused::Unpriced { .. }) | Self::BelowFloor { .. } => false,
            Self::Unbounded { .. } => true,
        }
    }

    fn below(self, floor: u64) -> Self {
        match self {
            Self::Refused(refused) => Self::BelowFloor { refused, floor },
            fault => fault,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let usage = match self.sent {
            true => self.input_estimate(),
            false => TokenUsage::default(),
        };
        self.settle(&usage);
    }
}
