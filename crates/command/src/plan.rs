//! The canonical argv plan: every simple command that a text would run, with
//! its words decoded, in the order in which the shell meets them.

use serde::{Deserialize, Serialize};

/// One decoded word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// The word as the program would see it; expansions that can't be known
    /// stand in it as written (`$name`, `$(…)`).
    pub text: String,
    /// Holds an expansion whose value is not known.
    pub dynamic: bool,
    /// That expansion stands outside quotes: it may vanish, or become several
    /// words.
    pub splits: bool,
    /// Holds a pattern for file names outside quotes.
    pub glob: bool,
    /// A part of it was quoted.
    pub quoted: bool,
}

impl Arg {
    /// A word without anything to expand.
    pub fn fixed(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Which way a redirection points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// `<`
    Read,
    /// `>`, `>|`, `&>`
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<>`
    Both,
}

/// A redirection to or from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Which way.
    pub direction: Direction,
    /// The file.
    pub file: Arg,
}

/// What stands at a command's standard input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Input {
    /// Whatever the caller has.
    #[default]
    Inherited,
    /// The output of the steps with these places in the plan.
    Pipe(std::ops::Range<usize>),
    /// A heredoc or here-string.
    Text(Arg),
}

/// Why a step is in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Origin {
    /// Written in the text.
    #[default]
    Text,
    /// From `$(…)`, backticks, `<(…)` or `>(…)`.
    Substitution,
    /// Unwrapped from a command that runs it, such as `sudo` or `find`.
    Inside(String),
    /// The body of a function or a trap.
    Body,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// Program and arguments; empty where only assignments stand.
    pub argv: Vec<Arg>,
    /// `NAME=value` before the program.
    pub assignments: Vec<(String, Arg)>,
    /// Files behind `<` and `>`.
    pub redirects: Vec<Redirect>,
    /// Standard input.
    pub input: Input,
    /// Why it runs.
    pub origin: Origin,
    /// Where it runs: absolute, or below the folder that the plan starts in
    /// (empty: that one). `None` where only running it would tell. The judge
    /// fills it in.
    pub folder: Option<String>,
    /// Whether it runs for sure, and what has to go before.
    #[serde(skip)]
    pub(crate) spot: Spot,
}

/// Where a step stands among `&&`, `||` and branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spot {
    /// Number of the list of `&&` and `||`.
    pub(crate) chain: usize,
    pub(crate) arm: Arm,
    /// In a branch, a loop, a pipe or a subshell.
    pub(crate) uncertain: bool,
}

/// Part of a list of `&&` and `||`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Arm {
    #[default]
    First,
    And,
    Or,
}

/// All steps, and what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In order; what a step unwraps to follows it.
    pub steps: Vec<Step>,
    /// What is hidden, in words.
    pub hidden: Vec<String>,
}
