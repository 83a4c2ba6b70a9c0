use std::fmt;

/// How a command ended, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The command's own end.
    pub exit: Exit,
    /// Who ended it.
    pub cause: Cause,
    /// Processes of the tree that could not be killed: another user's, or
    /// stuck in the kernel.
    pub left: usize,
}

/// What `wait(2)` tells of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself, with this code.
    Code(u8),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// The code that a shell would show: the command's own, or 128 and the
    /// number of the signal.
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
        }
    }
}

/// Who ended a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody that the holder knows of: the command, or somebody's signal.
    Itself,
    /// [`crate::Tree::kill`].
    Killed,
    /// [`crate::Limits::time`].
    TimedOut,
    /// [`crate::Limits::output_bytes`].
    OutputLimit,
    /// Somebody killed the keeper; what could still be found was killed.
    KeeperLost,
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Itself => "by itself",
            Self::Killed => "killed",
            Self::TimedOut => "timed out",
            Self::OutputLimit => "too much output",
            Self::KeeperLost => "its keeper was killed",
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit {
            Exit::Code(code) => write!(out, "code {code}, {}", self.cause),
            Exit::Signal(signal) => write!(out, "signal {signal}, {}", self.cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_128_and_its_number() {
        assert_eq!(Exit::Code(7).shell_code(), 7);
        assert_eq!(Exit::Signal(9).shell_code(), 137);
        assert_eq!(Exit::Signal(15).shell_code(), 143);
        assert_eq!(Exit::Signal(i32::MAX).shell_code(), 255);
    }
}
