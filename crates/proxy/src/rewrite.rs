//! A shell tool's command, rewritten so that judging it binds: what runs in
//! its place is `tollgate exec`, which asks, and runs exactly what was allowed.
//!
//! A hook's "yes" alone is worth little: the agent runs the text itself, in a
//! shell and a folder of its own, and what the rules saw is not what happens.

use serde_json::Value;
use tollgate_policy::{Decision, Fact, Facts, Verdict};
use tollgate_types::AgentName;

/// Tools that give text to a shell, by the names of those agents.
const SHELLS: [&str; 3] = ["Bash", "bash", "shell"];
/// The argument that holds the text.
const TEXT: &str = "command";

/// How a hook wants it, by `?rewrite=` in its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rewriting {
    /// `updatedInput`, for agents that run it.
    #[default]
    Replace,
    /// Denied with the command to run instead, for agents that ignore
    /// `updatedInput`.
    Say,
    /// The rules only.
    Off,
}

impl Rewriting {
    pub(crate) fn of(query: Option<&str>) -> Self {
        let words = query.unwrap_or_default().split('&');
        words.fold(Self::default(), |known, word| match word {
            "rewrite=say" => Self::Say,
            "rewrite=off" => Self::Off,
            _ => known,
        })
    }
}

/// What takes the place of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Rewritten {
    /// The tool's arguments, whole, with another command.
    Input(Value),
    /// What to run instead.
    Command(String),
}

/// The text of a call that becomes a command of its own; rules see that it
/// does as `context["becomes"]`.
pub(crate) fn becomes_exec<'f>(
    program: Option<&str>,
    how: Rewriting,
    facts: &'f Facts<'_>,
) -> Option<&'f str> {
    let is_shell = SHELLS.contains(&&*facts.tool);
    let applies = program.is_some() && how != Rewriting::Off && is_shell;
    let text = facts.args.get(TEXT).and_then(Fact::as_text);
    text.filter(|_| applies)
}

/// What takes the place of this call; nothing where it stays as it is.
///
/// `program` is the beginning of the command line, such as `tollgate exec`.
pub(crate) fn rewritten(
    program: &str,
    how: Rewriting,
    named: &AgentName,
    facts: &Facts<'_>,
    decision: &Decision,
) -> Option<Rewritten> {
    let verdict = decision.verdict();
    let text = becomes_exec(Some(program), how, facts)?;
    if verdict == Verdict::Deny {
        return None;
    }
    let agent = named.as_str();
    let begin = format!("{program} --agent {agent}");
    // A rule that wants a person gets one, whatever the tier.
    let begin = match verdict == Verdict::Review {
        true => format!("{begin} --ask"),
        false => begin,
    };
    if is_ours(&begin, text) {
        return None;
    }
    let command = format!("{begin} -- {}", quoted(text));
    if how == Rewriting::Say {
        return Some(Rewritten::Command(command));
    }
    let mut input = serde_json::to_value(&facts.args).ok()?;
    *input.get_mut(TEXT)? = command.into();
    Some(Rewritten::Input(input))
}

/// One word for any shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Written as here, to the last character: behind the quoted word stands
/// nothing that a shell would run.
fn is_ours(begin: &str, text: &str) -> bool {
    let word = text
        .strip_prefix(begin)
        .and_then(|rest| rest.strip_prefix(" -- '"))
        .and_then(|rest| rest.strip_suffix('\''));
    word.is_some_and(|word| !word.replace(r"'\''", "").contains('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("a 'b' $c"), r"'a '\''b'\'' $c'");
    }

    #[test]
    fn only_what_was_written_here_is_left_alone() {
        let begin = "tollgate exec --agent main";
        let written = |text: &str| format!("{begin} -- {}", quoted(text));
        assert!(is_ours(begin, &written("ls")));
        assert!(is_ours(begin, &written("echo 'a' \"b\" $(c)")));
        for other in [
            "tollgate exec --agent main -- 'ls'; id",
            "tollgate exec --agent main -- 'ls' 'x'",
            "tollgate exec --agent main -- ls",
            "tollgate exec --agent main -- 'ls''; id '",
            "tollgate exec --agent other -- 'ls'",
            "LD_PRELOAD=x tollgate exec --agent main -- 'ls'",
        ] {
            assert!(!is_ours(begin, other), "{other}");
        }
    }

    #[test]
    fn the_address_says_how() {
        assert_eq!(Rewriting::of(None), Rewriting::Replace);
        assert_eq!(Rewriting::of(Some("key=x&rewrite=say")), Rewriting::Say);
        assert_eq!(Rewriting::of(Some("rewrite=off")), Rewriting::Off);
    }
}
