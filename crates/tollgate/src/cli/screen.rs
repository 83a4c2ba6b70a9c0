use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use super::failure::Failure;

/// Where a command prints.
pub(crate) struct Screen {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Colours for what is printed.
    pub(crate) paint: Paint,
    err_paint: Paint,
    /// Somebody looks at standard error.
    watched: bool,
}

impl Screen {
    /// Standard output and error, with colours where a person reads them and
    /// has not asked for none (<https://no-color.org>).
    pub(crate) fn of_the_process() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = !set("NO_COLOR") && !dumb;
        Self {
            paint: Paint(wanted && std::io::stdout().is_terminal()),
            watched: !dumb && std::io::stderr().is_terminal(),
            err_paint: Paint(wanted && std::io::stderr().is_terminal()),
            out: Box::new(std::io::stdout()),
            err: Box::new(std::io::stderr()),
        }
    }

    /// Prints text as it is; ends a last line that has no end.
    pub(crate) fn print(&mut self, text: &str) {
        write_all(&mut self.out, text);
    }

    /// Prints JSON for scripts.
    ///
    /// # Errors
    /// Where the value can't be JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
        self.print(&text);
        Ok(())
    }

    /// Prints JSON for scripts, or what `render` makes of it for people.
    ///
    /// # Errors
    /// Where the value can't be JSON.
    pub(crate) fn either(
        &mut self,
        json: bool,
        value: &impl Serialize,
        render: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        if json {
            return self.json(value);
        }
        let text = render(self.paint);
        self.print(&text);
        Ok(())
    }

    /// Says something on standard error in the midst of another program's
    /// output.
    pub(crate) fn note(&mut self, text: &str) {
        write_all(&mut self.err, &format!("tollgate: {}", plain(text)));
    }

    /// A line for a script on standard error, where standard output is another
    /// program's.
    pub(crate) fn aside(&mut self, line: &str) {
        write_all(&mut self.err, line);
    }

    /// Says on a terminal how far long work is, in place of what was said
    /// before; nothing where nobody looks.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.watched {
            let written =
                write!(self.err, "\r\u{1b}[K{}", plain(text)).and_then(|()| self.err.flush());
            drop(written);
        }
    }

    /// Says on standard error why it did not work.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        for (label, line) in failure.lines() {
            let label = match label {
                "error" => self.err_paint.bad(label),
                label => self.err_paint.strong(label),
            };
            write_all(&mut self.err, &format!("{label}: {}", plain_lines(&line)));
        }
    }
}

/// A reader that has gone (`tollgate usage | head -1`) is no failure.
fn write_all(to: &mut dyn Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = write!(to, "{text}{end}").and_then(|()| to.flush());
    drop(written);
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    pub(crate) fn strong(self, text: &str) -> String {
        self.with(text, Style::new().bold())
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.with(text, Style::new().dimmed())
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(text, Style::new().green())
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.with(text, Style::new().yellow())
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(text, Style::new().red().bold())
    }

    /// A word for a state in the colour of what it means.
    pub(crate) fn state(self, word: &str) -> String {
        match word.trim_end() {
            "ready" | "ok" | "done" | "succeeded" | "served" => self.good(word),
            "cooling" | "draining" | "client_left" | "quota" | "starting" | "not_listed" => {
                self.warn(word)
            }
            "" | "-" => word.to_owned(),
            _ => self.bad(word),
        }
    }

    fn with(self, text: &str, style: Style) -> String {
        match self.0 {
            true => text.style(style).to_string(),
            false => text.to_owned(),
        }
    }
}

/// Text that came from elsewhere, without what a terminal would obey: the
/// name of a model is whatever a caller wrote.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    match text.chars().any(|c| c.is_control() || is_override(c)) {
        true => text
            .chars()
            .map(|c| {
                if c.is_control() || is_override(c) {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect(),
        false => Cow::Borrowed(text),
    }
}

/// The same for text of several lines.
fn plain_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(plain).collect();
    lines.join("\n")
}

/// Characters that turn the direction of what follows (Unicode TR 9): a name
/// could look like another one.
fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}
