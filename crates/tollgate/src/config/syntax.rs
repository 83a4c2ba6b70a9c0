//! Text to a TOML document, with every syntax fault that can be found.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::fault::Findings;
use super::near::shown;

/// Largest configuration, in bytes. A person's file has a few kilobytes.
pub(crate) const LARGEST: usize = 1024 * 1024;

/// Where lines begin, to turn an offset into a line.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        Self(
            std::iter::once(0)
                .chain(after.map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// The line of an offset, from 1.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let line = self.0.partition_point(|&start| start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX).max(1)
    }
}

/// Reads bytes as text; says where they stop being UTF-8.
pub(crate) fn decode<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<&'a str> {
    if bytes.len() > LARGEST {
        findings.fault(
            0,
            format!("file has {} bytes, expected at most {LARGEST}", bytes.len()),
        );
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            findings.fault(
                u32::try_from(line).unwrap_or(u32::MAX),
                "found a byte that is not UTF-8, expected UTF-8 text",
            );
            None
        }
    }
}

/// The document as far as it can be read. Nothing of the text stands in a
/// fault but the name of a key: the line may hold a secret.
pub(crate) fn parse<'a>(
    text: &'a str,
    lines: &Lines,
    findings: &mut Findings,
) -> Spanned<DeTable<'a>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = lines.at(where_it_is(text, &span));
        // One slip makes the parser stumble several times on one line.
        if findings.has_fault_at(line) {
            continue;
        }
        if error.message() == "duplicate key" {
            let name = shown(text.get(span).unwrap_or_default().trim_matches(['"', '\'']));
            findings
                .fault(
                    line,
                    format!("found {name} a second time, expected it once"),
                )
                .hint("put the keys together under one of the two");
            continue;
        }
        findings.fault(line, format!("syntax: {}", words(error.message())));
    }
    document
}

/// The parser's words without those that only a parser understands.
fn words(message: &str) -> String {
    let message = message.trim_end_matches(", expected nothing");
    let message = message.trim_end_matches(", expected literal string");
    message.replace("newline", "the end of the line")
}

/// A fault at the end of a line is found at the start of the next one.
fn where_it_is(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    match span.is_empty() && (before.ends_with('\n') || span.start >= text.len()) {
        true => before.trim_end().len().saturating_sub(1),
        false => span.start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        let lines = Lines::of("a\nb\n\nc");
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 99].map(|at| lines.at(at)),
            [1, 1, 2, 2, 3, 4, 4]
        );
    }
}
