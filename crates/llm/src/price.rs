//! What tokens cost, exactly.

mod catalog;
mod data;

pub use catalog::{Catalog, CatalogFault, Facts, LongPrompt, Modality};

use std::sync::LazyLock;

use memchr::memmem::Finder;
use tollgate_types::{Money, TokenUsage};

/// Tokens that a rate is for.
const MILLION: u128 = 1_000_000;

/// What a million tokens cost.
pub type Rate = Money;

/// What the kinds of tokens of a model cost, per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Input that no cache has.
    pub input: Rate,
    /// Output, reasoning included.
    pub output: Rate,
    /// Input read from a cache; as input where nothing else is said.
    pub cache_read: Rate,
    /// Input written to a cache for minutes; as input where nothing is said.
    pub cache_write: Rate,
    /// Input written to a cache for an hour; as the short one where nothing
    /// else is said.
    pub cache_write_1h: Rate,
}

/// How long a request asks caches to live, which decides what writing costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheLife {
    /// Five minutes, or what the provider does by itself.
    #[default]
    Short,
    /// An hour.
    Hour,
}

/// How long a request asks caches to live. Usage does not always say which
/// writes were for how long, so one hour anywhere makes all of them dear: an
/// upper bound, and exact for a request that asks for one kind.
pub fn cache_life(body: &[u8]) -> CacheLife {
    static HOUR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""1h""#));
    match HOUR.find(body) {
        Some(_) => CacheLife::Hour,
        None => CacheLife::Short,
    }
}

/// Whether the request asks for a service that costs more than a model's price says:
/// OpenAI's and Gemini's priority processing, Anthropic's fast mode. A tier that is not
/// known to be an ordinary one counts as dearer, wherever in the body it stands.
pub fn is_dearer(body: &[u8]) -> bool {
    static TIER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""service"#));
    static SPEED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""speed""#));
    let after = |at: usize| body.get(at..).unwrap_or_default();
    let mut tiers = TIER.find_iter(body).filter_map(|at| {
        let rest = after(at + TIER.needle().len());
        let ends = [br#"_tier""#.as_slice(), br#"Tier""#];
        value(ends.iter().find_map(|end| rest.strip_prefix(*end))?)
    });
    let mut speeds = SPEED.find_iter(body);
    tiers.any(|tier| !ORDINARY.iter().any(|it| tier.eq_ignore_ascii_case(it)))
        || speeds.any(|at| value(after(at + SPEED.needle().len())) == Some(b"fast"))
}

/// Tiers that cost what a model costs, or less. `auto` is what the provider's account
/// says, which the price has to agree with.
const ORDINARY: [&[u8]; 7] = [
    b"auto",
    b"default",
    b"standard",
    b"standard_only",
    b"on_demand",
    b"flex",
    b"batch",
];

/// The text of a member whose name ends here.
fn value(after: &[u8]) -> Option<&[u8]> {
    let text = after.trim_ascii_start().strip_prefix(b":")?;
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    text.get(..memchr::memchr(b'"', text)?)
}

impl Price {
    /// What a use costs: summed exactly, then rounded up once to the billionth
    /// of a dollar.
    pub fn of(&self, usage: &TokenUsage, life: CacheLife) -> Money {
        let write = match life {
            CacheLife::Short => self.cache_write,
            CacheLife::Hour => self.cache_write_1h,
        };
        sum([
            (usage.input, self.input),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, write),
            (usage.output, self.output),
        ])
    }

    /// The most that so many tokens can cost: all of the input at the dearest
    /// kind that it may turn out to be.
    pub fn bound(&self, input: u64, output: u64, life: CacheLife) -> Money {
        let write = match life {
            CacheLife::Short => self.cache_write,
            CacheLife::Hour => self.cache_write_1h,
        };
        let dearest = self.input.max(self.cache_read).max(write);
        sum([
            (input, dearest),
            (output, self.output),
            (0, dearest),
            (0, dearest),
        ])
    }
}

fn sum(parts: [(u64, Rate); 4]) -> Money {
    let parts = parts.map(|(tokens, rate)| u128::from(tokens) * u128::from(rate.nanos()));
    let total = parts.into_iter().fold(0, u128::saturating_add);
    Money::from_nanos(u64::try_from(total.div_ceil(MILLION)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
