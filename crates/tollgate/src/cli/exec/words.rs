//! What stands behind `--`: words for one program, or text for a shell.
//!
//! Several arguments are words: nothing in them means anything to a shell. One
//! argument is text, as with `ssh` and `bash -c`. Text that is nothing but
//! plain words is run as words all the same: then the program is executed by
//! its descriptor, and no shell stands in between. Two readers have to agree on
//! that, the one below, which knows next to nothing, and the judge's.

use std::ffi::OsString;

use tollgate_approvals::Words;
use tollgate_command::{Input, Origin, Setting, Step, judge};

/// What a shell does itself, or reads as grammar. A program of the same name
/// does something else, or the same a little differently.
const THE_SHELLS_OWN: [&str; 78] = [
    "!",
    ".",
    ":",
    "[",
    "[[",
    "]]",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
];
const MORE_OF_THEM: [&str; 5] = ["until", "wait", "while", "{", "}"];

/// # Errors
/// What no grant can name: words that are not UTF-8.
pub(super) fn words(command: &[OsString]) -> Result<Words, String> {
    let texts: Option<Vec<&str>> = command.iter().map(|word| word.to_str()).collect();
    let texts = texts.ok_or("an argument is not UTF-8, expected UTF-8")?;
    Ok(match texts.as_slice() {
        [text] => match plain(text) {
            Some(words) => Words::Plan(vec![words]),
            None => Words::Text((*text).to_owned()),
        },
        words => Words::Plan(vec![words.iter().map(|word| (*word).to_owned()).collect()]),
    })
}

/// The words of a text that a shell would only split.
fn plain(text: &str) -> Option<Vec<String>> {
    let words = split(text)?;
    let program = words.first()?.as_str();
    let shells = THE_SHELLS_OWN.iter().chain(&MORE_OF_THEM);
    if shells.into_iter().any(|own| *own == program) || program.contains('=') {
        return None;
    }
    let verdict = judge(text, &Setting::default());
    let agreed = matches!(verdict.steps.first(), Some(step) if is_just(step, &words));
    agreed.then_some(words)
}

fn is_just(step: &Step, words: &[String]) -> bool {
    step.origin == Origin::Text
        && step.input == Input::Inherited
        && step.assignments.is_empty()
        && step.redirects.is_empty()
        && step.argv.len() == words.len()
        && step
            .argv
            .iter()
            .zip(words)
            .all(|(word, own)| word.text == *own && !word.dynamic && !word.splits && !word.glob)
}

/// Splits at blanks, takes quotes away, and gives up at everything else that
/// could mean something.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), closing) if open == closing => quote = None,
            (Some('"'), '$' | '`' | '\\' | '!') => return None,
            (Some(_), inside) if !inside.is_control() => {
                word.get_or_insert_default().push(inside);
            }
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, plain) if plain.is_alphanumeric() || "_-./:=@,+%".contains(plain) => {
                word.get_or_insert_default().push(plain);
            }
            _ => return None,
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &[&str]) -> Words {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        words(&command).unwrap()
    }

    fn plan(words: &[&str]) -> Words {
        Words::Plan(vec![words.iter().map(|word| (*word).to_owned()).collect()])
    }

    #[test]
    fn several_arguments_are_words_whatever_they_hold() {
        assert_eq!(
            of(&["echo", "a | b", "$(id)"]),
            plan(&["echo", "a | b", "$(id)"])
        );
        assert_eq!(of(&["ls", "*"]), plan(&["ls", "*"]));
    }

    #[test]
    fn text_that_is_only_words_needs_no_shell() {
        assert_eq!(of(&["ls"]), plan(&["ls"]));
        assert_eq!(of(&["git status"]), plan(&["git", "status"]));
        assert_eq!(
            of(&["git commit -m 'a  b' --author=\"C D\""]),
            plan(&["git", "commit", "-m", "a  b", "--author=C D"])
        );
        assert_eq!(of(&["grep '' x"]), plan(&["grep", "", "x"]));
    }

    #[test]
    fn everything_else_is_the_shells() {
        for text in [
            "a | b",
            "a; b",
            "a && b",
            "a &",
            "a\nb",
            "! a",
            "time ls",
            "cd x",
            "echo a",
            "A=1 b",
            "ls *",
            "ls ~",
            "ls $x",
            "ls \"$x\"",
            "ls `x`",
            "ls a\\ b",
            "ls {a,b}",
            "(ls)",
            "ls > x",
            "ls 2>&1",
            "ls # x",
            "ls 'a",
            "",
            " ",
            "printf x",
            "if x",
            "ls $'a'",
            "grep 'a\nb'",
            "[ -f x ]",
            "ls a?",
        ] {
            assert_eq!(of(&[text]), Words::Text(text.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_can_not_be_granted() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = OsString::from_vec(vec![b'a', 0xff]);
        assert!(words(&[bytes]).unwrap_err().contains("not UTF-8"));
    }
}
