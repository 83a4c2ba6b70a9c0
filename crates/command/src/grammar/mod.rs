//! What programs do with their arguments: the data, how it is found, how a
//! command line is fitted to it.

mod entry;
mod fit;
mod shape;
mod suspect;
mod verb;

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

pub(crate) use fit::{Act, Fit, fit};
pub(crate) use shape::{Grammar, Hook, Kind};

/// The data, a file for each trade.
const FILES: &[&str] = &[
    include_str!("../../programs/shell.grammar"),
    include_str!("../../programs/files.grammar"),
    include_str!("../../programs/text.grammar"),
    include_str!("../../programs/system.grammar"),
    include_str!("../../programs/network.grammar"),
    include_str!("../../programs/develop.grammar"),
    include_str!("../../programs/interpret.grammar"),
    include_str!("../../programs/packages.grammar"),
    include_str!("../../programs/services.grammar"),
    include_str!("../../programs/media.grammar"),
    include_str!("../../programs/apple.grammar"),
    include_str!("../../programs/attack.grammar"),
    include_str!("../../programs/plain.grammar"),
    include_str!("../../programs/wide.grammar"),
    include_str!("../../programs/tools.grammar"),
];

/// An entry that is read when its program is met for the first time.
struct Entry {
    block: &'static str,
    grammar: OnceLock<Option<Grammar>>,
}

struct Book {
    entries: Vec<Entry>,
    names: HashMap<&'static str, usize, foldhash::fast::RandomState>,
    /// Names with a `*` at an end, for families of programs.
    patterns: Vec<(&'static str, usize)>,
}

/// Only names and where their lines stand are read at the start.
static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book {
        entries: Vec::with_capacity(1024),
        names: HashMap::default(),
        patterns: Vec::new(),
    };
    for block in FILES.iter().flat_map(|file| blocks(file)) {
        let head = block.lines().next().unwrap_or_default();
        let names = head
            .split_once(": ")
            .map_or(head.trim_end_matches(':'), |(names, _)| names);
        for name in names.split_whitespace() {
            match name.contains('*') {
                true => book.patterns.push((name, book.entries.len())),
                false => {
                    book.names.entry(name).or_insert(book.entries.len());
                }
            }
        }
        book.entries.push(Entry {
            block,
            grammar: OnceLock::new(),
        });
    }
    book
});

/// An entry is a line that begins at the margin and the indented ones below.
fn blocks(file: &'static str) -> impl Iterator<Item = &'static str> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        if !line.starts_with([' ', '#', '\n']) {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(file.len());
    (1..starts.len()).map(move |next| &file[starts[next - 1]..starts[next]])
}

/// The grammar of a program, by its name without a folder. `python3.12` and
/// `gcc-14` are found under the name without the version.
pub(crate) fn find(name: &str) -> Option<&'static Grammar> {
    let name = if name == ":" { "true" } else { name };
    let book = &*BOOK;
    let place = book.names.get(name).copied().or_else(|| {
        let stem = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.');
        book.names
            .get(stem.trim_end_matches('-'))
            .copied()
            .filter(|_| stem.len() < name.len() && !stem.is_empty())
    });
    let place = place.or_else(|| {
        let fits = |pattern: &str| match pattern.strip_prefix('*') {
            Some(end) => name.ends_with(end),
            None => name.starts_with(pattern.trim_end_matches('*')),
        };
        book.patterns
            .iter()
            .find(|(pattern, _)| fits(pattern))
            .map(|(_, place)| *place)
    })?;
    let entry = &book.entries[place];
    entry
        .grammar
        .get_or_init(|| entry::read(entry.block).ok())
        .as_ref()
}

/// How many names are known.
pub fn known_programs() -> usize {
    BOOK.names.len()
}

#[cfg(test)]
mod tests;
