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
    let mut marks = Marks::new(text);
    let mut pending = marks.next();
    let mut floor = 0;
    while let Some(first) = pending {
        let around = first.at.saturating_sub(AROUND).max(floor);
        let mut stretch = Stretch::new(text, whole_run(text, around, floor));
        let mut last = first.at;
        stretch.add(first);
        pending = marks.next();
        while let Some(next) = pending
            && next.at - last <= GAP
        {
            last = next.at;
            stretch.add(next);
            pending = marks.next();
        }
        let end = text.len().min(last + AROUND);
        floor = last + 1;
        if !pay(budget, end - stretch.start) {
            return;
        }
        found.push(stretch.ended(end));
    }
}

/// The beginning, not before `floor`, of the word or row of hex that a stretch
/// would cut: a part of one decodes to something else than all of it does.
fn whole_run(text: &[u8], at: usize, floor: usize) -> usize {
    let back = |at: usize, is_part: fn(u8) -> bool| {
        let before = text[floor..at].iter().rev();
        at - before.take_while(|byte| is_part(**byte)).count()
    };
    back(back(at, super::is_hex_row), super::is_base64)
}

/// Where escapes behind `from` begin to matter and cease to.
pub(crate) fn begun(text: &[u8], from: usize, mut tell: impl FnMut(usize, usize)) {
    for escape in Marks::new(&text[from..]) {
        let at = from + escape.at;
        tell(at.saturating_sub(2 * AROUND), at + GAP + AROUND);
    }
}

#[derive(Clone, Copy)]
struct Escape {
    at: usize,
    made: Made,
    length: usize,
}

/// What an escape stands for.
#[derive(Debug, Clone, Copy)]
enum Made {
    Letter(char),
    /// Of a letter in UTF-8, or of something compressed.
    Byte(u8),
    /// A soft line end.
    Nothing,
}

/// A stretch while it is decoded.
struct Stretch<'a> {
    text: &'a [u8],
    start: usize,
    /// Up to here it was.
    at: usize,
    out: Vec<u8>,
    /// Two for each escape: where it begins and what follows it.
    places: Vec<(usize, usize)>,
}

impl<'a> Stretch<'a> {
    fn new(text: &'a [u8], start: usize) -> Self {
        Self {
            text,
            start,
            at: start,
            out: Vec::new(),
            places: vec![(0, 0)],
        }
    }

    fn add(&mut self, escape: Escape) {
        self.out.extend_from_slice(&self.text[self.at..escape.at]);
        self.places.push((self.out.len(), escape.at - self.start));
        match escape.made {
            Made::Letter(letter) => {
                let bytes = &mut [0; 4];
                self.out
                    .extend_from_slice(letter.encode_utf8(bytes).as_bytes());
            }
            Made::Byte(byte) => self.out.push(byte),
            Made::Nothing => {}
        }
        self.at = escape.at + escape.length;
        self.places.push((self.out.len(), self.at - self.start));
    }

    fn ended(mut self, end: usize) -> Layer {
        self.out
            .extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        // Forms write a blank as `+`, and a `+` as an escape.
        if memchr::memchr(b'%', &self.text[self.start..end]).is_some() {
            for pair in self.places.chunks(2) {
                let end = pair.get(1).map_or(self.out.len(), |next| next.0);
                let plain = self.out[pair[0].0..end].iter_mut();
                plain.for_each(|byte| {
                    if *byte == b'+' {
                        *byte = b' ';
                    }
                });
            }
        }
        Layer {
            text: self.out,
            start: self.start,
            end,
            places: self.places,
        }
    }
}

/// The escapes of a text in order.
struct Marks<'a> {
    text: &'a [u8],
    /// The next of the marks that all but code is free of, and the next `=`;
    /// each is looked for only when it was passed.
    rare: usize,
    equal: usize,
}

impl<'a> Marks<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut marks = Self {
            text,
            rare: 0,
            equal: 0,
        };
        marks.advance(0);
        marks
    }

    fn advance(&mut self, at: usize) {
        let rest = &self.text[at..];
        if self.rare <= at {
            let rare = memchr::memchr3(b'%', b'\\', b'&', rest);
            self.rare = rare.map_or(usize::MAX, |step| at + step);
        }
        if self.equal <= at {
            self.equal = memchr::memchr(b'=', rest).map_or(usize::MAX, |step| at + step);
        }
    }
}

impl Iterator for Marks<'_> {
    type Item = Escape;

    fn next(&mut self) -> Option<Escape> {
        loop {
            let at = self.rare.min(self.equal);
            let rest = self.text.get(at..)?;
            // `==` ends base64; no line of mail that goes on ends so.
            let padded = at > 0 && self.text[at - 1] == b'=' && rest[0] == b'=';
            match one(rest).filter(|_| !padded) {
                Some((made, length)) => {
                    self.advance(at + length);
                    return Some(Escape { at, made, length });
                }
                None => self.advance(at + 1),
            }
        }
    }
}

/// What the escape that the text begins with stands for, and its length.
fn one(text: &[u8]) -> Option<(Made, usize)> {
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

fn percent(text: &[u8]) -> Option<(Made, usize)> {
    let value = byte(text.get(1..3)?)?;
    Some((Made::Byte(u8::try_from(value).ok()?), 3))
}

fn backslash(text: &[u8]) -> Option<(Made, usize)> {
    let (letter, length) = match text.get(1)? {
        b'u' => {
            let (digits, length) = match text.get(2) {
                Some(b'{') => {
                    let close = text.iter().take(12).position(|byte| *byte == b'}')?;
                    (&text[3..close], close + 1)
                }
                _ => (text.get(2..6)?, 6),
            };
            (char::from_u32(byte(digits)?)?, length)
        }
        b'x' => (char::from_u32(byte(text.get(2..4)?)?)?, 4),
        b'n' => ('\n', 2),
        b't' => ('\t', 2),
        b'/' | b'"' => (text[1] as char, 2),
        b'0'..=b'3' => {
            let digits = text.get(1..4)?;
            let value = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u32::from_str_radix(digits, 8).ok())?;
            (char::from_u32(value)?, 4)
        }
        _ => return None,
    };
    Some((Made::Letter(letter), length))
}

fn entity(text: &[u8]) -> Option<(Made, usize)> {
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
    Some((Made::Letter(letter), close + 1))
}

fn quoted(text: &[u8]) -> Option<(Made, usize)> {
    match text.get(1..3) {
        Some(b"\r\n") => Some((Made::Nothing, 3)),
        Some([b'\n', _]) => Some((Made::Nothing, 2)),
        Some(digits)
            if digits
                .iter()
                .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte)) =>
        {
            let value = byte(digits)?;
            // `=20` of mail, and not the `=42` of a query.
            let letter = char::from_u32(value).filter(|letter| matches!(letter, ' '..='~'))?;
            Some((Made::Letter(letter), 3))
        }
        _ => None,
    }
}
