use std::fmt;

use serde::{Deserialize, Serialize};

/// Why policy files are not taken: where, what was found, what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFault {
    /// The file, as decisions name it.
    pub file: String,
    /// The line, from 1; 0 where the fault is the file's as a whole.
    pub line: u32,
    /// What was found, and what was expected.
    pub message: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

impl PolicyFault {
    /// A fault of the file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self::at(file, 0, message)
    }

    pub(crate) fn at(file: &str, line: u32, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with what mends it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What Starlark says, with the place that it names.
    pub(crate) fn starlark(file: &str, error: &starlark::Error) -> Self {
        let span = error.span().map(|span| span.resolve());
        let (file, line) = match &span {
            Some(place) => (place.file.as_str(), place.span.begin.line as u32 + 1),
            None => (file, 0),
        };
        Self::at(file, line, plain(&error.without_diagnostic().to_string()))
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.file, self.message)?,
            line => write!(out, "{}:{line}: {}", self.file, self.message)?,
        }
        match &self.hint {
            Some(hint) => write!(out, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PolicyFault {}

/// One line of at most 300 characters, without control characters: rules quote
/// what agents send, and that goes to terminals and logs.
pub(crate) fn plain(text: &str) -> String {
    text.trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}
