use tollgate_budget::{Amount, Refused, Reservation, Room};
use tollgate_llm::{Bound, CacheLife, Facts, OutputShape, bound_input, most_output, output_shape};
use tollgate_types::UnixMillis;

use crate::bank::Bank;
use crate::hold::{Asked, HoldFault};

/// How often what is left is asked for before a request that does not fit is
/// refused: others may take of it at the same time.
const TRIES: usize = 3;

/// The most that a request may use at one candidate.
pub(crate) struct Bounds<'f> {
    facts: &'f Facts,
    life: CacheLife,
    /// Tokens.
    input: u64,
    /// Tokens of one answer.
    each: u64,
    shape: OutputShape,
}

/// Why there is no such number.
pub(crate) enum Unbounded<'f> {
    /// Its input may be anything.
    Input(&'static str),
    /// Its output may; the bounds here have an answer without end.
    Output(Bounds<'f>),
}

/// A request whose maximum was lowered to what is left.
pub(crate) struct Shortened {
    pub(crate) reservation: Reservation,
    /// Tokens of one answer.
    pub(crate) each: u64,
    /// Input and output.
    pub(crate) most: (u64, u64),
}

type Taken = Result<(Reservation, Option<(u64, u64)>), HoldFault>;

impl<'f> Bounds<'f> {
    pub(crate) fn of(
        asked: &Asked<'_>,
        facts: &'f Facts,
        life: CacheLife,
        cap: Option<u64>,
    ) -> Result<Self, Unbounded<'f>> {
        let input = match bound_input(asked.endpoint, asked.body, facts) {
            Bound::Tokens(input) => input,
            Bound::None(why) => return Err(Unbounded::Input(why)),
        };
        // What the agent's defaults insert is what the provider will keep to.
        let defaults = asked.agent.spec().defaults.max_tokens;
        let cap = defaults.filter(|_| asked.through.is_none()).or(cap);
        let each = most_output(asked.endpoint, asked.view, facts, cap);
        let bounds = Self {
            facts,
            life,
            input,
            each: each.unwrap_or(u64::MAX),
            shape: output_shape(asked.endpoint, asked.view, asked.body),
        };
        match each {
            Some(_) => Ok(bounds),
            None => Err(Unbounded::Output(bounds)),
        }
    }

    /// Sets all of it aside.
    pub(crate) fn take(&self, bank: &Bank, asked: &Asked<'_>, now: UnixMillis) -> Taken {
        let reservation = self.reserve(self.each, bank, asked, now)?;
        Ok((reservation, Some(self.most(self.each))))
    }

    /// Sets aside what is left, for answers of `floor` tokens at least; none
    /// where there is not even that, or where a lower maximum would break the
    /// request.
    pub(crate) fn shortened(
        &self,
        bank: &Bank,
        asked: &Asked<'_>,
        floor: u64,
        now: UnixMillis,
    ) -> Option<Shortened> {
        let run = asked.agent.principal().run.as_ref();
        for _ in 0..TRIES {
            let room = bank.budgets().room(asked.who, run, asked.provider, now);
            let each = self.fitting(&room).filter(|each| *each >= floor)?;
            if let Ok(reservation) = self.reserve(each, bank, asked, now) {
                let most = self.most(each);
                return Some(Shortened {
                    reservation,
                    each,
                    most,
                });
            }
        }
        None
    }

    fn reserve(
        &self,
        each: u64,
        bank: &Bank,
        asked: &Asked<'_>,
        now: UnixMillis,
    ) -> Result<Reservation, Refused> {
        let run = asked.agent.principal().run.as_ref();
        let amount = self.amount(each);
        bank.budgets()
            .reserve(asked.who, run, asked.provider, amount, now)
    }

    /// The longest answer that there is room for.
    fn fitting(&self, room: &Room) -> Option<u64> {
        let known = self.facts.max_output.unwrap_or(u64::MAX);
        let output = room.tokens.unwrap_or(u64::MAX).checked_sub(self.input)?;
        let each = self.shape.each_within(output)?.min(self.each).min(known);
        let Some(usd) = room.usd else {
            return Some(each);
        };
        let fits = |each| self.amount(each).money.is_some_and(|cost| cost <= usd);
        // Money grows with length, so the longest that fits can be halved for.
        let (mut most, mut too_much) = (0, each.saturating_add(1));
        if !fits(most) {
            return None;
        }
        while too_much - most > 1 {
            let middle = most + (too_much - most) / 2;
            match fits(middle) {
                true => most = middle,
                false => too_much = middle,
            }
        }
        Some(most)
    }

    fn most(&self, each: u64) -> (u64, u64) {
        (self.input, self.shape.tokens(each))
    }

    fn amount(&self, each: u64) -> Amount {
        let (input, output) = self.most(each);
        let tokens = input.saturating_add(output);
        match self.facts.bound(input, output, self.life) {
            Some(cost) => Amount::priced(tokens, cost),
            None => Amount::unpriced(tokens),
        }
    }
}

impl Unbounded<'_> {
    /// Where nobody limits it, it only counts.
    pub(crate) fn take(why: &Self, bank: &Bank, asked: &Asked<'_>, now: UnixMillis) -> Taken {
        let run = asked.agent.principal().run.as_ref();
        let room = bank.budgets().room(asked.who, run, asked.provider, now);
        if room != Room::default() {
            let budget = asked.agent.name().to_string();
            let why = match why {
                Self::Input(why) => why,
                Self::Output(_) => {
                    "it sets no max_tokens, and the most that the model gives is not known"
                }
            };
            return Err(HoldFault::Unbounded { budget, why });
        }
        let reserved = bank
            .budgets()
            .reserve(asked.who, run, asked.provider, Amount::ZERO, now);
        Ok((reserved?, None))
    }
}
