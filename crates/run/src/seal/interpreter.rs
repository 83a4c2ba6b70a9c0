//! What stands in the first line of a script (`execve(2)`).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::grip::Opened;
use super::{SealError, search};

/// Bytes of a first line that the kernel looks at.
const LINE: usize = 256;
/// What runs a script that says nothing.
const PLAIN: &[u8] = b"/bin/sh";

/// What a program begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The kernel runs it.
    Binary,
    /// An interpreter does.
    Script {
        /// As the first line has it.
        interpreter: OsString,
        /// The rest of the line, one argument.
        option: Option<OsString>,
    },
}

impl Head {
    pub(super) fn of(opened: &Opened) -> Result<Self, SealError> {
        let mut begin = [0; LINE];
        let read = opened.begin(&mut begin)?;
        let begin = begin.get(..read).unwrap_or_default();
        Self::read(begin).ok_or_else(|| SealError::Interpreter(name(opened)))
    }

    /// `None` where the line can't be followed.
    fn read(begin: &[u8]) -> Option<Self> {
        let Some(line) = begin.strip_prefix(b"#!") else {
            // Text without a first line is for `sh`, as shells have it.
            return Some(match begin.contains(&0) || begin.is_empty() {
                true => Self::Binary,
                false => Self::Script {
                    interpreter: OsString::from_vec(PLAIN.to_vec()),
                    option: None,
                },
            });
        };
        let end = line.iter().position(|byte| *byte == b'\n');
        let line = trim(line.get(..end.unwrap_or(line.len()))?);
        let space = line.iter().position(|byte| is_space(*byte));
        let (first, rest) = line.split_at(space.unwrap_or(line.len()));
        let rest = trim(rest);
        // A line that was cut may name another file than the one meant.
        let whole = end.is_some() || begin.len() < LINE;
        (whole && first.starts_with(b"/")).then(|| Self::Script {
            interpreter: OsString::from_vec(first.to_vec()),
            option: (!rest.is_empty()).then(|| OsString::from_vec(rest.to_vec())),
        })
    }
}

/// Opens the interpreter of a script, and says which arguments stand before
/// the script's own path. One that is a script itself is refused.
pub(super) fn find(
    interpreter: &OsStr,
    option: Option<OsString>,
    search: &OsStr,
    script: &OsStr,
) -> Result<(Opened, Vec<OsString>), SealError> {
    let (opened, front) = match looked_up(interpreter, option.as_deref()) {
        Some(words) => {
            let name = words.first().ok_or(SealError::NoProgram)?;
            (search::in_path(name, search)?, words)
        }
        None if is_env(interpreter) => {
            let script = script.to_string_lossy().into_owned();
            return Err(SealError::Interpreter(script));
        }
        None => {
            let mut front = vec![interpreter.to_owned()];
            front.extend(option);
            (Opened::file(Path::new(interpreter))?, front)
        }
    };
    if !opened.is_executable() {
        return Err(SealError::NotExecutable(opened.asked().to_owned()));
    }
    match Head::of(&opened)? {
        Head::Binary => Ok((opened, front)),
        Head::Script { .. } => Err(SealError::Nested(
            script.to_string_lossy().into_owned(),
            name(&opened),
        )),
    }
}

/// The words behind `/usr/bin/env`, of which the first is looked for in
/// `PATH`: here and not by `env`, so that what is found is what was seen.
fn looked_up(interpreter: &OsStr, option: Option<&OsStr>) -> Option<Vec<OsString>> {
    if !is_env(interpreter) {
        return None;
    }
    let option = option?.as_bytes();
    let (words, most) = match option.strip_prefix(b"-S") {
        Some(words) => (words, usize::MAX),
        None => (option, 1),
    };
    let words: Vec<&[u8]> = words
        .split(|byte| is_space(*byte))
        .filter(|word| !word.is_empty())
        .collect();
    // What `env` would take for a variable, an option or quoting is its own.
    let plain = |word: &&[u8]| !word.iter().any(|byte| b"\"'\\$#=".contains(byte));
    let is_name = words.first().is_some_and(|word| !word.starts_with(b"-"));
    let words = (is_name && words.len() <= most && words.iter().all(plain)).then_some(words)?;
    let owned = words
        .into_iter()
        .map(|word| OsString::from_vec(word.to_vec()));
    Some(owned.collect())
}

fn is_env(interpreter: &OsStr) -> bool {
    Path::new(interpreter).file_name() == Some(OsStr::new("env"))
}

fn name(opened: &Opened) -> String {
    opened.asked().display().to_string()
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(interpreter: &str, option: Option<&str>) -> Option<Head> {
        Some(Head::Script {
            interpreter: interpreter.into(),
            option: option.map(Into::into),
        })
    }

    #[test]
    fn first_lines_are_read_as_the_kernel_reads_them() {
        assert_eq!(Head::read(b"#!/bin/sh\nls"), script("/bin/sh", None));
        assert_eq!(
            Head::read(b"#! \t/usr/bin/env  bash -e \n"),
            script("/usr/bin/env", Some("bash -e"))
        );
        assert_eq!(Head::read(b"#!/bin/sh"), script("/bin/sh", None));
        assert_eq!(Head::read(b"echo hello\n"), script("/bin/sh", None));
        assert_eq!(Head::read(b"\x7fELF\x02\x01\x01\0"), Some(Head::Binary));
        assert_eq!(Head::read(b""), Some(Head::Binary));
    }

    #[test]
    fn a_line_that_leads_nowhere_is_refused() {
        assert_eq!(Head::read(b"#!\nls"), None);
        assert_eq!(Head::read(b"#!sh\nls"), None);
        let long = [b"#!/".as_slice(), &[b'a'; LINE]].concat();
        assert_eq!(Head::read(&long[..LINE]), None);
    }

    #[test]
    fn env_is_followed_where_it_only_looks_up_a_name() {
        let words = |option: &str| {
            let words = looked_up(OsStr::new("/usr/bin/env"), Some(OsStr::new(option)))?;
            Some(words.join(OsStr::new("|")).into_string().unwrap())
        };
        assert_eq!(words("node").as_deref(), Some("node"));
        assert_eq!(words("-S node --no-x").as_deref(), Some("node|--no-x"));
        for own in [
            "node x",
            "-i node",
            "A=b node",
            "-S A=b node",
            "-S 'x y'",
            "-S -i node",
        ] {
            assert_eq!(words(own), None, "{own}");
        }
        assert_eq!(
            looked_up(OsStr::new("/bin/sh"), Some(OsStr::new("node"))),
            None
        );
    }
}
