use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong with, or worth a word about, the configuration.
///
/// Displays as `FILE:LINE: WHAT` and, where there is one, a second line with a
/// hint. Holds no secret: whoever makes one sees to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file as it was named.
    pub file: PathBuf,
    /// Line from 1; none for a fault of the file as a whole.
    pub line: Option<u32>,
    /// What was found against what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(out, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Every fault of a configuration, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.shown())]
pub struct Faults {
    /// At least one.
    pub faults: Vec<Fault>,
    /// What is worth a word besides.
    pub warnings: Vec<Fault>,
}

impl Faults {
    fn shown(&self) -> String {
        let lines: Vec<String> = self.faults.iter().map(Fault::to_string).collect();
        lines.join("\n")
    }
}

/// Where faults and warnings gather while a file is judged.
pub(crate) struct Findings {
    file: PathBuf,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Findings {
    pub(crate) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// A fault at a line; line 0 stands for the file as a whole.
    pub(crate) fn fault(&mut self, line: u32, message: impl Into<String>) -> &mut Fault {
        let fault = self.make(line, message.into());
        self.faults.push(fault);
        last(&mut self.faults)
    }

    /// Something to know that stops nothing.
    pub(crate) fn warn(&mut self, line: u32, message: impl Into<String>) -> &mut Fault {
        let warning = self.make(line, message.into());
        self.warnings.push(warning);
        last(&mut self.warnings)
    }

    /// The lines that already have a fault.
    pub(crate) fn lines(&self) -> Vec<u32> {
        self.faults.iter().filter_map(|fault| fault.line).collect()
    }

    /// The warnings where nothing is wrong, else everything that is.
    pub(crate) fn settle<T>(mut self, made: Option<T>) -> Result<(T, Vec<Fault>), Faults> {
        self.faults.sort_by_key(|fault| fault.line);
        self.faults.dedup();
        self.warnings.sort_by_key(|fault| fault.line);
        match made {
            Some(made) if self.faults.is_empty() => Ok((made, self.warnings)),
            _ => Err(self.into_faults()),
        }
    }

    fn into_faults(mut self) -> Faults {
        if self.faults.is_empty() {
            // Nothing was made and nobody said why: still no way to go on.
            self.fault(0, "can't be used");
        }
        Faults {
            faults: self.faults,
            warnings: self.warnings,
        }
    }

    fn make(&self, line: u32, message: String) -> Fault {
        Fault {
            file: self.file.clone(),
            line: (line > 0).then_some(line),
            message,
            hint: None,
        }
    }
}

impl Fault {
    /// Adds what to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "called right after a push, so there is a last one"
)]
fn last(faults: &mut [Fault]) -> &mut Fault {
    let at = faults.len() - 1;
    &mut faults[at]
}
