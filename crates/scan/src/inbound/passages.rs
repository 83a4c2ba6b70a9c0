//! What hides in a text: comments, attributes, styles, encodings.

use super::normal::{self, View};
use crate::decode;

/// Passages that are looked at in one text.
const MOST: usize = 64;

/// Text within the text.
pub(crate) struct Passage {
    pub(crate) kind: &'static str,
    pub(crate) text: Vec<u8>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether a reader does not see it.
    pub(crate) hidden: bool,
    /// What hiding adds to an instruction.
    pub(crate) weight: u32,
}

/// The passages of a text; `turned` says that something in it speaks of
/// turning letters by thirteen.
pub(crate) fn of(text: &[u8], view: &View, turned: bool) -> Vec<Passage> {
    let mut found = Vec::new();
    let whole = |kind, inner: Vec<u8>, weight| Passage {
        kind,
        text: inner,
        start: 0,
        end: text.len(),
        hidden: weight > 4,
        weight,
    };
    if view.tags.len() >= 4 {
        found.push(whole("invisible-text", view.tags.clone(), 9));
    }
    if view.look_alikes >= 3 || view.invisible >= 6 {
        found.push(whole("disguised-text", view.text.clone(), 2));
    }
    if let Some(plain) = normal::leet(&view.text) {
        found.push(whole("disguised-text", plain, 2));
    }
    if let Some(plain) = normal::joined(&view.text) {
        found.push(whole("disguised-text", plain, 2));
    }
    // A colour may stand in a word and between two.
    for between in [&b""[..], b" "] {
        if let Some(plain) = normal::without_escapes(text, between) {
            found.push(whole("disguised-text", plain, 2));
        }
    }
    markup(text, &mut found);
    encoded(text, &mut found);
    if turned {
        found.push(whole(
            "encoded-instruction",
            view.text.iter().map(|byte| rot13(*byte)).collect(),
            2,
        ));
    }
    found.truncate(MOST);
    found
}

/// Comments, attributes that are read and not seen, elements that are not
/// shown.
fn markup(text: &[u8], found: &mut Vec<Passage>) {
    if memchr::memchr(b'<', text).is_none() {
        return;
    }
    for at in memchr::memmem::find_iter(text, b"<!--").take(MOST) {
        let end = memchr::memmem::find(&text[at..], b"-->").map_or(text.len(), |end| at + end);
        push(found, "hidden-comment", text, at + 4, end.min(at + 8192), 3);
    }
    for name in [
        &b"alt="[..],
        b"aria-label=",
        b"title=",
        b"content=",
        b"placeholder=",
    ] {
        for at in memchr::memmem::find_iter(text, name).take(MOST) {
            let from = at + name.len();
            let Some(quote @ (b'"' | b'\'')) = text.get(from).copied() else {
                continue;
            };
            let end =
                memchr::memchr(quote, &text[from + 1..]).map_or(text.len(), |end| from + 1 + end);
            push(
                found,
                "hidden-attribute",
                text,
                from + 1,
                end.min(from + 2048),
                2,
            );
        }
    }
    for style in [
        &b"display:none"[..],
        b"display: none",
        b"visibility:hidden",
        b"visibility: hidden",
        b"font-size:0",
        b"font-size: 0",
        b"opacity:0",
        b"opacity: 0",
        b"color:white",
        b"color: white",
        b"color:#fff",
        b"color: #fff",
        b"left:-9",
        b"left: -9",
        b" hidden>",
        b"aria-hidden=\"true\"",
    ] {
        for at in memchr::memmem::find_iter(text, style).take(MOST) {
            let Some(from) = memchr::memchr(b'>', &text[at..]).map(|open| at + open + 1) else {
                continue;
            };
            let end =
                memchr::memmem::find(&text[from..], b"</").map_or(text.len(), |end| from + end);
            push(found, "hidden-element", text, from, end.min(from + 8192), 4);
        }
    }
}

fn push(
    found: &mut Vec<Passage>,
    kind: &'static str,
    text: &[u8],
    start: usize,
    end: usize,
    weight: u32,
) {
    if end > start + 8 && found.len() < MOST {
        found.push(Passage {
            kind,
            text: text[start..end].to_vec(),
            start,
            end,
            hidden: true,
            weight,
        });
    }
}

/// Base64, hex and escapes that turn into text; once more inside those.
fn encoded(text: &[u8], found: &mut Vec<Passage>) {
    let mut budget = 256 << 10;
    let mut layers = decode::texts(text, &mut budget);
    for at in 0..layers.len().min(8) {
        let inner = decode::texts(&layers[at].text, &mut budget);
        let (start, end) = (layers[at].start, layers[at].end);
        layers.extend(inner.into_iter().map(|layer| decode::Layer {
            start,
            end,
            ..layer
        }));
    }
    for layer in layers.into_iter().take(MOST) {
        let is_whole = layer.places.is_empty();
        let weight = if is_whole { 3 } else { 0 };
        found.push(Passage {
            kind: "encoded-instruction",
            start: layer.start,
            end: layer.end,
            text: layer.text,
            hidden: is_whole,
            weight,
        });
    }
    if let Some(plain) = morse(text) {
        found.push(Passage {
            kind: "encoded-instruction",
            text: plain,
            start: 0,
            end: text.len(),
            hidden: true,
            weight: 6,
        });
    }
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        other => other,
    }
}

/// Dots and dashes, at least twenty groups of them.
fn morse(text: &[u8]) -> Option<Vec<u8>> {
    const LETTERS: [(&[u8], u8); 26] = [
        (b".-", b'a'),
        (b"-...", b'b'),
        (b"-.-.", b'c'),
        (b"-..", b'd'),
        (b".", b'e'),
        (b"..-.", b'f'),
        (b"--.", b'g'),
        (b"....", b'h'),
        (b"..", b'i'),
        (b".---", b'j'),
        (b"-.-", b'k'),
        (b".-..", b'l'),
        (b"--", b'm'),
        (b"-.", b'n'),
        (b"---", b'o'),
        (b".--.", b'p'),
        (b"--.-", b'q'),
        (b".-.", b'r'),
        (b"...", b's'),
        (b"-", b't'),
        (b"..-", b'u'),
        (b"...-", b'v'),
        (b".--", b'w'),
        (b"-..-", b'x'),
        (b"-.--", b'y'),
        (b"--..", b'z'),
    ];
    if memchr::memmem::find(text, b".-").is_none() || memchr::memmem::find(text, b" -").is_none() {
        return None;
    }
    let mut out = Vec::new();
    let mut groups = 0;
    for group in text.split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"')) {
        if group == b"/" {
            out.push(b' ');
        } else if let Some((_, letter)) = LETTERS.iter().find(|(code, _)| *code == group) {
            out.push(*letter);
            groups += 1;
        }
    }
    (groups >= 20).then_some(out)
}

/// Times that a word must be said in a row.
const ROW: usize = 10;

/// What one word that is said over and over weighs: a known way to shake
/// loose what a model has learned.
pub(crate) fn repeated(text: &[u8]) -> u32 {
    if !may_repeat(text) {
        return 0;
    }
    let (mut run, mut last, mut from) = (1, &b""[..], 0);
    let ends = memchr::memchr_iter(b' ', text).chain([text.len()]);
    for end in ends {
        let word = &text[from..end];
        from = end + 1;
        run = match word == last && is_plain(word) {
            true => run + 1,
            false => 1,
        };
        last = word;
        if run >= ROW {
            return 5;
        }
    }
    0
}

/// Whether three words side by side are the same somewhere, where it is looked:
/// ten in a row of three letters each take 39 bytes, the first six of them 23,
/// so that one look stands before the last four.
fn may_repeat(text: &[u8]) -> bool {
    const STEP: usize = 23;
    let blank = |from: usize| {
        let rest = text.get(from..)?;
        let rest = &rest[..rest.len().min(34)];
        let at = rest.iter().position(|byte| *byte == b' ')?;
        Some(from + at)
    };
    let looks = (0..text.len()).step_by(STEP);
    let mut words = looks.filter_map(|at| {
        let first = blank(at)? + 1;
        Some((first, blank(first)? + 1))
    });
    words.any(|(first, second)| {
        let word = &text[first..second];
        let third = second + word.len();
        let next = text.get(second..third);
        let last = text.get(third..third + word.len() - 1);
        next == Some(word) && last == Some(&word[..word.len() - 1])
    })
}

fn is_plain(word: &[u8]) -> bool {
    (3..=32).contains(&word.len())
        && word.iter().all(u8::is_ascii_alphanumeric)
        && !matches!(
            word,
            b"nan" | b"null" | b"none" | b"true" | b"false" | b"000" | b"n/a"
        )
}
