//! The text form of a grammar.
//!
//! ```text
//! tar bsdtar: write hook=tar letters          names: effect and marks
//!   -C,--directory=out -T,--files-from=peek   flags; `=kind` takes a value, `=?kind` an attached one
//!   --checkpoint-action=cmd!run               `!effect` is what a flag does
//!   *=in                                      operands: `1=`, `2=`, `$=` (last), `*=` (every)
//!   list show: read                           subcommands, `remote.add` below one another
//!   > LOW tar xf a.tar                        an example, checked by a test
//! ```
//!
//! Marks: `sub`, `verbs`, `remote`, `strict`, `free`, `single`, `letters`, `first`;
//! `bare!effect` for a call without operands, `stdin=kind` for what standard
//! input is, `@key=kind` for operands such as `of=file`, `+=kind` for operands
//! behind a plus.

use super::shape::{Flag, Grammar, Hook, Kind, Slot, Value};
use crate::effect::Effect;

/// A line of a grammar that says nothing that is known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("grammar line `{line}`: unknown word `{word}`")]
pub(crate) struct EntryFault {
    line: String,
    word: String,
}

/// Reads the lines of one entry, its head first.
pub(crate) fn read(block: &'static str) -> Result<Grammar, EntryFault> {
    let mut grammar = Grammar::default();
    let mut lines = block.lines();
    let head = lines.next().and_then(|line| {
        line.split_once(": ")
            .or_else(|| Some((line.strip_suffix(':')?, "")))
    });
    if let Some((_, rest)) = head {
        words(rest, &mut grammar)?;
    }
    for line in lines {
        let line = line.trim();
        if let Some(example) = line.strip_prefix("> ") {
            grammar.examples.extend(example.split_once(' '));
        } else if line.starts_with(['-', '+', '*', '$', '@'])
            || line.starts_with(|first: char| first.is_ascii_digit())
                && line.as_bytes().get(1) == Some(&b'=')
        {
            words(line, &mut grammar)?;
        } else if let Some((names, rest)) = line
            .split_once(": ")
            .or_else(|| Some((line.strip_suffix(':')?, "")))
        {
            let mut sub = Grammar::default();
            words(rest, &mut sub)?;
            for name in names.split_whitespace() {
                grammar.subs.push((name, sub.clone()));
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            words(line, &mut grammar)?;
        }
    }
    Ok(grammar)
}

fn words(line: &'static str, grammar: &mut Grammar) -> Result<(), EntryFault> {
    for word in line.split_whitespace() {
        one(word, grammar).ok_or_else(|| EntryFault {
            line: line.to_owned(),
            word: word.to_owned(),
        })?;
    }
    Ok(())
}

fn one(word: &'static str, grammar: &mut Grammar) -> Option<()> {
    if word.starts_with('-') {
        grammar.flags.push(flag(word)?);
        return Some(());
    }
    let marks = &mut grammar.marks;
    match word {
        "sub" => marks.sub = true,
        "verbs" => marks.verbs = true,
        "remote" => marks.remote = true,
        "strict" => marks.strict = true,
        "free" => marks.free = true,
        "single" => marks.single = true,
        "letters" => marks.letters = true,
        "first" => marks.first = true,
        _ => return keyed(word, grammar),
    }
    Some(())
}

fn keyed(word: &'static str, grammar: &mut Grammar) -> Option<()> {
    if let Some(effect) = word.strip_prefix("bare!") {
        grammar.bare = Some(Effect::named(effect)?);
        return Some(());
    }
    let Some((key, value)) = word.split_once('=') else {
        grammar.effect = Some(Effect::named(word)?);
        return Some(());
    };
    match key {
        "hook" => grammar.hook = Some(hook(value)?),
        "stdin" => grammar.input = Some(Kind::named(value)?),
        "+" => grammar.plus = Some(Kind::named(value)?),
        "*" => grammar.slots.push((Slot::Every, Kind::named(value)?)),
        "$" => grammar.slots.push((Slot::Last, Kind::named(value)?)),
        _ => match key.strip_prefix('@') {
            Some(key) => grammar.keys.push((key, Kind::named(value)?)),
            None => grammar
                .slots
                .push((Slot::At(key.parse().ok()?), Kind::named(value)?)),
        },
    }
    Some(())
}

fn hook(name: &str) -> Option<Hook> {
    Some(match name {
        "find" => Hook::Find,
        "git" => Hook::Git,
        "mode" => Hook::Mode,
        "owner" => Hook::Owner,
        "kill" => Hook::Kill,
        "tar" => Hook::Tar,
        "test" => Hook::Test,
        "network" => Hook::Network,
        "container" => Hook::Container,
        "dump" => Hook::Dump,
        "expression" => Hook::Expression,
        "assign" => Hook::Assign,
        "name" => Hook::Name,
        "secret" => Hook::Secret,
        _ => return None,
    })
}

fn flag(word: &'static str) -> Option<Flag> {
    let (rest, effect) = match word.rsplit_once('!') {
        Some((rest, effect)) if !rest.is_empty() => (rest, Some(effect)),
        _ => (word, None),
    };
    let (names, value) = match rest.split_once('=') {
        Some((names, kind)) => match kind.strip_prefix('?') {
            Some(kind) => (names, Value::Optional(Kind::named(kind)?)),
            None => (names, Value::Needed(Kind::named(kind)?)),
        },
        None => (rest, Value::None),
    };
    let info = effect == Some("info");
    Some(Flag {
        names: names.split(',').collect(),
        value,
        effect: match effect {
            None | Some("info") => None,
            Some(name) => Some(Effect::named(name)?),
        },
        info,
    })
}
