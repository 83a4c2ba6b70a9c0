use std::fmt;
use std::str::FromStr;

/// A family of wire formats: how a request, a stream and an error look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI's, and of the many servers that imitate it.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's.
    Gemini,
}

impl Dialect {
    /// Every dialect, for tables and listings.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// The word in the configuration (`wire`), the ledger and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A word that is no dialect.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("found `{found}`, expected `openai`, `anthropic` or `gemini`")]
pub struct UnknownDialect {
    /// What stood there, cut to 64 characters.
    pub found: String,
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(word: &str) -> Result<Self, UnknownDialect> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == word)
            .ok_or_else(|| UnknownDialect {
                found: word.chars().take(64).collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_read_back_what_they_write() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        assert_eq!(
            "Openai".parse::<Dialect>().unwrap_err().to_string(),
            "found `Openai`, expected `openai`, `anthropic` or `gemini`"
        );
    }
}
