//! The other end: what the hidden subcommand runs.

use std::io::{self, BufRead, Write};

use serde::Deserialize;
use tollgate_command::{Setting, judge};

use crate::serve::confine;

#[derive(Debug, Deserialize)]
struct Ask {
    text: String,
    setting: Setting,
}

/// Judges a text a line, until the pipe is closed. Nothing is run.
///
/// # Errors
/// Where the limits can't be set, a line is no question or the pipe breaks.
pub fn serve_commands(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    confine()?;
    for line in input.lines() {
        let ask: Ask = serde_json::from_str(&line?)?;
        let mut answer = serde_json::to_vec(&judge(&ask.text, &ask.setting))?;
        answer.push(b'\n');
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}
