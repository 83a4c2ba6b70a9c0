use tollgate_types::Label;

/// Largest limit of tokens: far above what anybody buys, and far enough below
/// the end of the counter that sums don't reach it.
pub const MOST_TOKENS: u64 = 1_000_000_000_000_000;

/// A set of budgets that can't hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetFault {
    /// Two of the same scope, provider and window.
    #[error("budget `{0}` stands twice, expected it once")]
    Duplicate(Label),
    /// Neither tokens nor money.
    #[error("budget `{0}` limits nothing, expected `tokens`, `usd` or both")]
    NoLimit(Label),
    /// More than can be counted safely.
    #[error("budget `{key}`: limit is {found} tokens, expected at most {MOST_TOKENS}")]
    TooLarge {
        /// The budget.
        key: Label,
        /// The limit.
        found: u64,
    },
    /// A bottle extends itself in the end.
    #[error("bottles extend each other in a circle: {chain}")]
    Cycle {
        /// From the first to where it closes.
        chain: String,
    },
}
