use std::ops::Range;

/// A JSON string without its escapes, and where each part of it stood.
#[derive(Debug, Default)]
pub struct Unescaped {
    text: Vec<u8>,
    /// Resolved and written offsets of what follows each escape, and of each
    /// escape itself.
    places: Vec<(usize, usize)>,
}

impl Unescaped {
    /// Reads what stands between two quotes; `before` is put in front as it is.
    pub fn read(&mut self, before: &[u8], raw: &[u8]) {
        self.text.clear();
        self.places.clear();
        self.text.extend_from_slice(before);
        let mut at = 0;
        while at < raw.len() {
            let step = memchr::memchr(b'\\', &raw[at..]).unwrap_or(raw.len() - at);
            self.text.extend_from_slice(&raw[at..at + step]);
            at += step;
            if at >= raw.len() {
                break;
            }
            self.places.push((self.text.len(), at));
            at += self.escape(&raw[at..]);
            self.places.push((self.text.len(), at));
        }
    }

    /// The text, with what was put in front of it.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where a part of the text stands in what was read: whole escapes. What was
    /// put `before` must not be asked for.
    pub fn place(&self, before: usize, part: Range<usize>) -> Range<usize> {
        let written = |at: usize| match self.places.partition_point(|(text, _)| *text <= at) {
            0 => at - before,
            next => {
                let (text, raw) = self.places[next - 1];
                // An escape is a point: inside of it is its beginning.
                match next % 2 {
                    1 => raw,
                    _ => raw + (at - text),
                }
            }
        };
        let start = written(part.start);
        if part.end <= part.start {
            return start..start;
        }
        // Behind the last byte, or behind the escape that it came from.
        let last = part.end - 1;
        let end = match self.places.partition_point(|(text, _)| *text <= last) {
            next if next % 2 == 1 => self.places.get(next).map_or(start, |(_, raw)| *raw),
            _ => written(last) + 1,
        };
        start..end.max(start)
    }

    /// Resolves one escape; gives how long it is.
    fn escape(&mut self, raw: &[u8]) -> usize {
        let plain = match raw.get(1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') => return self.letter(raw),
            Some(&other) => other,
            None => return 1,
        };
        self.text.push(plain);
        2
    }

    /// `\uXXXX`, two of them where they are a pair of surrogates. Half a pair
    /// is read as the sign for what can't be read.
    fn letter(&mut self, raw: &[u8]) -> usize {
        let (first, length) = match hex(raw) {
            Some(first) => (first, 6),
            None => return raw.len().min(2),
        };
        let second = hex(&raw[6..]).filter(|low| (0xDC00..0xE000).contains(low));
        let (letter, length) = match (first, second) {
            (0xD800..0xDC00, Some(low)) => {
                (0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            _ => (first, length),
        };
        let letter = char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut buffer = [0; 4];
        self.text
            .extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
        length
    }
}

fn hex(raw: &[u8]) -> Option<u32> {
    let digits = raw.strip_prefix(b"\\u")?.get(..4)?;
    let text = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(text, 16).ok()
}
