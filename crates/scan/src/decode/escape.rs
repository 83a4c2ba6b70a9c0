//! Escapes that leave most letters as they are: percent, JSON and C, HTML
//! entities, quoted-printable.

use super::{Layer, pay};

/// Escapes farther apart than this are looked at one by one.
const GAP: usize = 96;

/// Text around an escape that is looked at with it.
const AROUND: usize = 160;

/// Whether there are marks that may begin an escape.
pub(crate) fn is_worth_a_look(text: &[u8]) -> bool {
    memchr::memchr3(b'%', b'\\', b'&', text).is_some()
        || memchr::memchr(b'=', text).is_some_and(|_| has_quoted(text))
}

fn has_quoted(text: &[u8]) -> bool {
    memchr::memchr_iter(b'=', text)
        .take(4096)
        .any(|at| quoted(&text[at..]).is_some())
}

/// The stretches around escapes, decoded.
pub(crate) fn parts(text: &[u8], budget: &mut usize, found: &mut Vec<Layer>) {
    let mut at = 0;
    while let Some(first) = next_escape(text, at) {
        let mut last = first;
        let mut from = first + 1;
        while let Some(next) = next_escape(text, from) {
            if next - last > GAP {
                break;
            }
            last = next;
            from = next + 1;
        }
        let start = first.saturating_sub(AROUND).max(at);
        let end = text.len().min(last + AROUND);
        at = last + 1;
        if !pay(budget, end - start) {
            return;
        }
        found.push(decode(&text[start..end], start));
    }
}

fn next_escape(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let step = text[at.min(text.len())..]
            .iter()
            .position(|byte| matches!(byte, b'%' | b'\\' | b'&' | b'='))?;
        at += step;
        if one(&text[at..]).is_some() {
            return Some(at);
        }
        at += 1;
    }
}

fn decode(text: &[u8], start: usize) -> Layer {
    let mut out = Vec::with_capacity(text.len());
    let mut places = vec![(0, 0)];
    let mut at = 0;
    let percent = memchr::memchr(b'%', text).is_some();
    while at < text.len() {
        match one(&text[at..]) {
            Some((letter, length)) => {
                places.push((out.len(), at));
                if let Some(letter) = letter {
                    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                at += length;
                places.push((out.len(), at));
            }
            None => {
                // Forms write a blank as `+`.
                out.push(if percent && text[at] == b'+' {
                    b' '
                } else {
                    text[at]
                });
                at += 1;
            }
        }
    }
    Layer {
        text: out,
        start,
        end: start + text.len(),
        places,
    }
}

/// The escape that the text begins with, and its length; a letter of `None`
/// is a soft line end.
fn one(text: &[u8]) -> Option<(Option<char>, usize)> {
    match text.first()? {
        b'%' => percent(text),
        b'\\' => backslash(text),
        b'&' => entity(text),
        b'=' => quoted(text),
        _ => None,
    }
}

fn byte(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

fn percent(text: &[u8]) -> Option<(Option<char>, usize)> {
    let value = byte(text.get(1..3)?)?;
    (value < 128).then(|| (char::from_u32(value), 3))
}

fn backslash(text: &[u8]) -> Option<(Option<char>, usize)> {
    match text.get(1)? {
        b'u' => {
            let (digits, length) = match text.get(2) {
                Some(b'{') => {
                    let close = text.iter().take(12).position(|byte| *byte == b'}')?;
                    (&text[3..close], close + 1)
                }
                _ => (text.get(2..6)?, 6),
            };
            Some((Some(char::from_u32(byte(digits)?)?), length))
        }
        b'x' => Some((Some(char::from_u32(byte(text.get(2..4)?)?)?), 4)),
        b'n' => Some((Some('\n'), 2)),
        b't' => Some((Some('\t'), 2)),
        b'/' | b'"' => Some((char::from_u32(u32::from(text[1])), 2)),
        b'0'..=b'3' => {
            let digits = text.get(1..4)?;
            let value = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u32::from_str_radix(digits, 8).ok())?;
            Some((Some(char::from_u32(value)?), 4))
        }
        _ => None,
    }
}

fn entity(text: &[u8]) -> Option<(Option<char>, usize)> {
    let close = text.iter().take(12).position(|byte| *byte == b';')?;
    let name = &text[1..close];
    let letter = match name {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(byte(digits)?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => ' ',
        b"sol" => '/',
        b"colon" => ':',
        b"equals" => '=',
        b"lowbar" => '_',
        b"period" => '.',
        b"plus" => '+',
        _ => return None,
    };
    Some((Some(letter), close + 1))
}

fn quoted(text: &[u8]) -> Option<(Option<char>, usize)> {
    match text.get(1..3) {
        Some(b"\r\n") => Some((None, 3)),
        Some([b'\n', _]) => Some((None, 2)),
        Some(digits)
            if digits
                .iter()
                .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte)) =>
        {
            let value = byte(digits)?;
            // `=20` of mail, and not the `=42` of a query.
            (matches!(value, 0x20..0x7f)).then(|| (char::from_u32(value), 3))
        }
        _ => None,
    }
}
