use std::fmt;

/// Something to mend.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// File, from the workspace's root.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// What was found and what was expected.
    pub(crate) what: String,
    /// What to do.
    pub(crate) hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}:{}: {}", self.file, self.line, self.what)?;
        write!(out, "  hint: {}", self.hint)
    }
}
