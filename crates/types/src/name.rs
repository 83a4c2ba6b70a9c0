use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name of an agent or operator, in bytes.
const LONGEST: usize = 64;

/// A name that can't be an agent's or an operator's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing, or more than 64 bytes.
    #[error("name `{0}` has {1} characters, expected 1 to 64")]
    Length(String, usize),
    /// A character that would need quoting in a key, a path or a label.
    #[error(
        "name `{0}` has `{1}`, expected lower-case letters, digits, `-`, `_` and `.`, the first one a letter or digit"
    )]
    Character(String, char),
    /// The word that configuration uses for what holds for all.
    #[error("name `{0}` is reserved")]
    Reserved(String),
}

fn check(name: &str) -> Result<(), NameError> {
    let shown = || name.chars().take(LONGEST).collect::<String>();
    if name.is_empty() || name.len() > LONGEST {
        return Err(NameError::Length(shown(), name.chars().count()));
    }
    let allowed = |at: usize, c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || (at > 0 && matches!(c, '-' | '_' | '.'))
    };
    if let Some((_, c)) = name.char_indices().find(|&(at, c)| !allowed(at, c)) {
        return Err(NameError::Character(shown(), c));
    }
    if name == "defaults" {
        return Err(NameError::Reserved(shown()));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 64 lower-case letters, digits, `-`, `_` and `.`; `defaults` is
        /// reserved. Cloning counts a reference.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(Arc<str>);

        impl $Name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// [`NameError`] says which character or length was found.
            pub fn new(name: &str) -> Result<Self, NameError> {
                check(name)?;
                Ok(Self(name.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(&name)
            }
        }

        impl From<$Name> for String {
            fn from(name: $Name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of an agent: always the AI agent, never a process or a host.
    AgentName
}

name! {
    /// The name of an operator, a person in charge.
    OperatorName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for good in ["main", "ci-bot", "a", "agent_7.b"] {
            assert!(AgentName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "Main",
            "a b",
            "a/b",
            "defaults",
            "ä",
            "..",
            &"x".repeat(65),
        ] {
            assert!(AgentName::new(bad).is_err(), "{bad}");
        }
    }
}
