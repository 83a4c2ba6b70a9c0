use memchr::memchr2;

/// Cuts a JSON array into units: what stands before an element (the bracket or
/// comma, blanks) together with the element; then the bracket that closes the
/// array; then blanks.
///
/// Every byte is looked at once, wherever chunks end, and nothing is kept of
/// an element but how deep it is. What belongs nowhere ends a unit where it
/// stands, for [`Unit::read`] to refuse.
#[derive(Debug, Default)]
pub(crate) struct ArraySplitter {
    place: Place,
    /// Objects and lists that are open within the element.
    depth: usize,
    in_string: bool,
    /// The last byte of a string was a backslash.
    escaped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Outside of an element.
    #[default]
    Between,
    Element,
    /// Behind the bracket that closes the array.
    Behind,
}

impl ArraySplitter {
    /// Offset just behind the unit that goes on in `bytes`; none where `bytes`
    /// ends before it does.
    pub(crate) fn unit_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            match self.place {
                Place::Behind => return Some(blanks(bytes).max(1)),
                Place::Between => match bytes[at] {
                    b'{' => {
                        self.place = Place::Element;
                        self.depth = 1;
                        at += 1;
                    }
                    b']' => {
                        self.place = Place::Behind;
                        return Some(at + 1);
                    }
                    b'[' | b',' | b' ' | b'\t' | b'\n' | b'\r' => at += 1,
                    _ => return Some(at + 1),
                },
                Place::Element => {
                    at = self.within(bytes, at);
                    if self.depth == 0 {
                        self.place = Place::Between;
                        return Some(at);
                    }
                }
            }
        }
        None
    }

    /// Goes on within an element, to its end or that of `bytes`.
    fn within(&mut self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() && self.depth > 0 {
            if self.in_string {
                at = self.past_string(bytes, at);
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
            at += 1;
        }
        at
    }

    fn past_string(&mut self, bytes: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let Some(step) = memchr2(b'"', b'\\', &bytes[at..]) else {
            return bytes.len();
        };
        match bytes[at + step] {
            b'"' => self.in_string = false,
            _ => self.escaped = true,
        }
        at + step + 1
    }
}

/// Blanks at the beginning: JSON's own four (RFC 8259, 2), and no others.
fn blanks(bytes: &[u8]) -> usize {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    bytes.iter().take_while(is_blank).count()
}

/// What a unit of an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit<'a> {
    /// An object where one may stand, or outside of any array.
    Element(&'a [u8]),
    /// The whole answer is one object and no array.
    Alone(&'a [u8]),
    /// The bracket that ends the array.
    End,
    /// Blanks.
    Blank,
    /// What no array has there.
    Stray,
}

impl<'a> Unit<'a> {
    /// Reads a unit that follows `before` elements of the array.
    pub(crate) fn read(unit: &'a [u8], before: u64) -> Self {
        let unit = &unit[blanks(unit)..];
        let (mark, rest) = match unit {
            [] => return Self::Blank,
            [b'{', ..] if before == 0 => return Self::Alone(unit),
            [first, rest @ ..] => (*first, &rest[blanks(rest)..]),
        };
        match (mark, before, rest) {
            (b']', 1.., []) | (b'[', 0, [b']']) => Self::End,
            (b'[', 0, [b'{', ..]) | (b',', 1.., [b'{', ..]) => Self::Element(rest),
            _ => Self::Stray,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(stream: &str, size: usize) -> Vec<String> {
        let mut splitter = ArraySplitter::default();
        let mut units = Vec::new();
        let mut held = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            let mut rest = chunk;
            while let Some(end) = splitter.unit_end(rest) {
                held.extend_from_slice(&rest[..end]);
                units.push(String::from_utf8(std::mem::take(&mut held)).unwrap());
                rest = &rest[end..];
            }
            held.extend_from_slice(rest);
        }
        units.push(String::from_utf8(held).unwrap());
        units
    }

    #[test]
    fn fact_19_elements_are_found_wherever_chunks_end() {
        let stream = "[{\"a\":\"]},\\\"{[\"}\n,\r\n{\"b\":[{}, [1]]}\n]\n";
        let expected = [
            "[{\"a\":\"]},\\\"{[\"}",
            "\n,\r\n{\"b\":[{}, [1]]}",
            "\n]",
            "\n",
            "",
        ];
        for size in 1..=stream.len() {
            assert_eq!(units(stream, size), expected, "in {size}s");
        }
    }

    #[test]
    fn units_are_taken_only_where_they_may_stand() {
        for (unit, before, expected) in [
            (&b"[{}"[..], 0, Unit::Element(b"{}")),
            (b"\n[\n{}", 0, Unit::Element(b"{}")),
            (b" , {}", 1, Unit::Element(b"{}")),
            (b"{}", 0, Unit::Alone(b"{}")),
            (b"\n]", 2, Unit::End),
            (b"[]", 0, Unit::End),
            (b" \n", 2, Unit::Blank),
            (b"{}", 1, Unit::Stray),
            (b",{}", 0, Unit::Stray),
            (b",,{}", 1, Unit::Stray),
            (b"[[{}", 0, Unit::Stray),
            (b",]", 1, Unit::Stray),
            (b"[1", 0, Unit::Stray),
            (b"<", 0, Unit::Stray),
            (b"\x0c", 0, Unit::Stray),
        ] {
            assert_eq!(Unit::read(unit, before), expected, "{unit:?}");
        }
    }
}
