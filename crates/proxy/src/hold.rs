use std::sync::Arc;

use tollgate_budget::{Amount, Refused, Reservation, ScopePath};
use tollgate_identity::Agent;
use tollgate_llm::{
    Bound, CacheLife, Endpoint, Facts, RequestView, bound_input, bound_output, cache_life,
    estimate_tokens,
};
use tollgate_types::{Label, Money, TokenUsage, UnixMillis};

use crate::bank::{Bank, Exhausted};
use crate::snapshot::Snapshot;

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
    provider: Label,
    teller: Arc<Exhausted>,
}

/// Why nothing could be set aside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldFault {
    #[error("{0}")]
    Refused(#[from] Refused),
    /// A budget holds, and the request could use any amount.
    #[error("budget \"{budget}\" holds and this request can't be bounded: {why}")]
    Unbounded { budget: String, why: &'static str },
}

/// The request to be held for.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) view: &'a RequestView,
    pub(crate) body: &'a [u8],
    pub(crate) agent: &'a Agent,
    pub(crate) provider: &'a Label,
    pub(crate) model: &'a str,
}

impl Hold {
    /// Sets the most that the request can use at this candidate aside.
    pub(crate) fn take(
        bank: &Bank,
        snapshot: &Snapshot,
        asked: &Asked<'_>,
        now: UnixMillis,
    ) -> Result<Self, HoldFault> {
        let facts = snapshot.catalog.facts(asked.provider, asked.model);
        let life = cache_life(asked.body);
        let mut hold = Self {
            reservation: None,
            sent_bytes: asked.body.len() as u64,
            sent: false,
            extra: TokenUsage::default(),
            cap: None,
            facts,
            life,
            provider: asked.provider.clone(),
            teller: bank.teller(),
        };
        if bank.budgets().is_empty() {
            return Ok(hold);
        }
        let facts = &hold.facts;
        let who = ScopePath::agent(asked.agent.name().clone());
        let run = asked.agent.principal().run.as_ref();
        let amount = match most(asked, facts, life, snapshot.output_cap) {
            Ok(amount) => amount,
            Err(why) => {
                let room = bank.budgets().room(&who, run, asked.provider, now);
                if room.tokens.is_some() || room.usd.is_some() {
                    let budget = asked.agent.name().to_string();
                    return Err(HoldFault::Unbounded { budget, why });
                }
                // Nobody limits it, but it counts.
                Amount::ZERO
            }
        };
        let reservation = bank
            .budgets()
            .reserve(&who, run, asked.provider, amount, now)?;
        let unknown = facts.max_output.is_none() && asked.view.max_output.is_none();
        hold.cap = snapshot.output_cap.filter(|_| unknown);
        hold.reservation = Some(reservation);
        Ok(hold)
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

    /// From here on the provider may bill.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// The maximum to write into a request that has none, so that what was
    /// counted on is what the provider keeps to.
    pub(crate) fn cap(&self) -> Option<u64> {
        self.cap
    }

    /// A try under this hold failed, may be billed, and is repeated.
    pub(crate) fn also(&mut self, usage: TokenUsage) {
        self.extra = self.extra.plus(usage);
    }

    /// Books what was used and gives the rest back; returns what it cost.
    pub(crate) fn settle(&mut self, usage: &TokenUsage) -> Option<Money> {
        let usage = usage.plus(std::mem::take(&mut self.extra));
        let cost = self.facts.cost(&usage, self.life);
        if let Some(reservation) = self.reservation.take() {
            let actual = match cost {
                _ if usage.total() == 0 => Amount::ZERO,
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
        TokenUsage {
            input: estimate_tokens(self.sent_bytes),
            ..TokenUsage::default()
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

/// The most that the request can use, or why that can't be said.
fn most(
    asked: &Asked<'_>,
    facts: &Facts,
    life: CacheLife,
    cap: Option<u64>,
) -> Result<Amount, &'static str> {
    let input = match bound_input(asked.endpoint, asked.body, facts) {
        Bound::Tokens(input) => input,
        Bound::None(why) => return Err(why),
    };
    // What the agent's defaults insert is what the provider will keep to.
    let cap = asked.agent.spec().defaults.max_tokens.or(cap);
    let output = match bound_output(asked.endpoint, asked.view, asked.body, facts, cap) {
        Bound::Tokens(output) => output,
        Bound::None(why) => return Err(why),
    };
    let tokens = input.saturating_add(output);
    Ok(match facts.bound(input, output, life) {
        Some(cost) => Amount::priced(tokens, cost),
        None => Amount::unpriced(tokens),
    })
}
