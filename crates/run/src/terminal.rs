use std::fmt;
use std::io;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal on standard input was set, to set it so again after a
/// program that was killed in the middle of drawing.
pub struct Terminal(Option<Termios>);

impl Terminal {
    /// As it is now; nothing where standard input is no terminal.
    pub fn remember() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// True where there is a terminal.
    pub const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Sets it as it was.
    pub fn restore(&self) {
        if let Some(settings) = &self.0 {
            // A terminal that was closed meanwhile needs nothing.
            tcsetattr(io::stdin(), OptionalActions::Drain, settings).ok();
        }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Terminal").field(&self.is_there()).finish()
    }
}
