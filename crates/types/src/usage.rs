use serde::{Deserialize, Serialize};

/// Tokens of one exchange, each counted in exactly one of the four fields.
///
/// Dialects differ in what their totals include (OpenAI's `prompt_tokens`
/// contain cached ones, Anthropic's `input_tokens` don't); readers convert to
/// this form, so that sums never count a token twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: u64,
    /// Input read from a prompt cache.
    pub cache_read: u64,
    /// Input written to a prompt cache.
    pub cache_write: u64,
    /// Output, reasoning included.
    pub output: u64,
}

impl TokenUsage {
    /// All four kinds, at face value.
    pub const fn total(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.output)
    }

    /// The sum, kind by kind.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
        }
    }
}

/// Who counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider's own figure; its zero is a zero.
    Reported,
    /// Tollgate's upper estimate, because no figure came.
    Estimated,
    /// Nothing reached a provider, so nothing was used.
    #[default]
    None,
}

impl UsageSource {
    /// The word in the ledger and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}

/// Tokens and who counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// The count.
    #[serde(flatten)]
    pub tokens: TokenUsage,
    /// Who counted.
    pub source: UsageSource,
}
