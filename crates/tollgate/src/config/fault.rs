use std::collections::HashSet;
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

/// More faults than a person reads; a file of garbage has one at every line.
const MOST: usize = 200;

/// Where faults and warnings gather while a file is judged.
#[derive(Debug)]
pub(crate) struct Findings {
    file: PathBuf,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    lines: HashSet<u32>,
    /// Faults and warnings beyond [`MOST`] of each.
    unlisted: usize,
    /// What an unlisted one is written to.
    nowhere: Fault,
}

impl Findings {
    pub(crate) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            faults: Vec::new(),
            warnings: Vec::new(),
            lines: HashSet::new(),
            unlisted: 0,
            nowhere: fault(file, 0, String::new()),
        }
    }

    /// A fault at a line; line 0 stands for the file as a whole.
    pub(crate) fn fault(&mut self, line: u32, message: impl Into<String>) -> &mut Fault {
        self.lines.insert(line);
        let found = fault(&self.file, line, message.into());
        Self::keep(
            &mut self.faults,
            found,
            &mut self.unlisted,
            &mut self.nowhere,
        )
    }

    /// Something to know that stops nothing.
    pub(crate) fn warn(&mut self, line: u32, message: impl Into<String>) -> &mut Fault {
        let found = fault(&self.file, line, message.into());
        Self::keep(
            &mut self.warnings,
            found,
            &mut self.unlisted,
            &mut self.nowhere,
        )
    }

    /// Whether a line has a fault already.
    pub(crate) fn has_fault_at(&self, line: u32) -> bool {
        self.lines.contains(&line)
    }

    /// Whether anything is wrong so far.
    pub(crate) fn any(&self) -> bool {
        !self.faults.is_empty()
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
        if self.unlisted > 0 {
            let message = format!("{} more faults and warnings are not listed", self.unlisted);
            self.faults.push(fault(&self.file, 0, message));
        }
        Faults {
            faults: self.faults,
            warnings: self.warnings,
        }
    }

    fn keep<'a>(
        list: &'a mut Vec<Fault>,
        found: Fault,
        unlisted: &mut usize,
        nowhere: &'a mut Fault,
    ) -> &'a mut Fault {
        if list.len() >= MOST {
            *unlisted += 1;
            return nowhere;
        }
        list.push(found);
        list.last_mut().unwrap_or(nowhere)
    }
}

fn fault(file: &Path, line: u32, message: String) -> Fault {
    Fault {
        file: file.to_owned(),
        line: (line > 0).then_some(line),
        message,
        hint: None,
    }
}

impl Fault {
    /// Adds what to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
