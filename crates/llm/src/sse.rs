use memchr::memchr2;

/// Largest event of a stream, in bytes; an event that grows beyond it ends the
/// stream with [`crate::StreamFault::EventTooLarge`]. It bounds what is held
/// back of one stream, a line without end included.
pub const MAX_EVENT: usize = 8 * 1024 * 1024;

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Cuts a byte stream into units: an event with the blank line that ends it, or
/// a comment line or blank line that stands alone.
///
/// Line ends are LF, CR and CRLF, and the stream may begin with a byte-order
/// mark (WHATWG HTML, 9.2.5). Every byte is looked at once, wherever chunks
/// end: the place within a line is kept, not the line.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    line: Line,
    /// A line that is no comment has been seen in this unit.
    in_event: bool,
    /// The last byte was a CR, so that a LF still belongs to its line end.
    after_cr: bool,
    /// Bytes of the byte-order mark seen; 3 once that question is settled.
    mark: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Start,
    Comment,
    Field,
}

impl Splitter {
    /// Offset just behind the unit that goes on in `bytes`; none where `bytes`
    /// ends before it does. A CR ends a unit at once; where its LF comes in
    /// the next chunk, [`Splitter::takes_line_feed`] says so.
    pub(crate) fn unit_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(self.takes_line_feed(bytes));
        while at < bytes.len() {
            if self.line == Line::Start {
                if self.in_byte_order_mark(bytes[at]) {
                    at += 1;
                    continue;
                }
                match bytes[at] {
                    _ if self.line == Line::Field => {}
                    b'\n' | b'\r' => {
                        self.in_event = false;
                        return Some(self.past_line_end(bytes, at));
                    }
                    b':' => self.line = Line::Comment,
                    _ => self.line = Line::Field,
                }
                self.in_event |= self.line == Line::Field;
            }
            at += memchr2(b'\n', b'\r', &bytes[at..])?;
            at = self.past_line_end(bytes, at);
            let comment = self.line == Line::Comment;
            self.line = Line::Start;
            if comment && !self.in_event {
                return Some(at);
            }
        }
        None
    }

    /// Whether `bytes` begin with the LF of a CRLF that a chunk's end tore
    /// apart. The answer is given once.
    pub(crate) fn takes_line_feed(&mut self, bytes: &[u8]) -> bool {
        let Some(first) = bytes.first() else {
            return false;
        };
        std::mem::take(&mut self.after_cr) && *first == b'\n'
    }

    /// What must follow the bytes so far to end the event that they began.
    pub(crate) fn missing_end(&self) -> &'static [u8] {
        match self.line {
            Line::Start if !self.after_cr => b"\n",
            _ => b"\n\n",
        }
    }

    fn past_line_end(&mut self, bytes: &[u8], at: usize) -> usize {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) => at + 2,
            (b'\r', None) => {
                self.after_cr = true;
                at + 1
            }
            _ => at + 1,
        }
    }

    fn in_byte_order_mark(&mut self, byte: u8) -> bool {
        if self.mark == 3 {
            return false;
        }
        if byte == BYTE_ORDER_MARK[self.mark] {
            self.mark += 1;
            return true;
        }
        // Half a mark is the beginning of a field's name that means nothing.
        if self.mark > 0 {
            self.line = Line::Field;
        }
        self.mark = 3;
        false
    }
}

/// The two fields of an event that model APIs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// The last `event` field.
    pub(crate) name: Option<&'a [u8]>,
    /// The `data` lines, joined by LF; none where there is no such line.
    pub(crate) data: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    /// Reads a unit. Data of one line is lent from it, data of several lines is
    /// joined in `scratch`.
    pub(crate) fn read(unit: &'a [u8], scratch: &'a mut Vec<u8>) -> Self {
        let mut name = None;
        let mut data = None;
        let mut joined = false;
        let mut rest = unit.strip_prefix(&BYTE_ORDER_MARK).unwrap_or(unit);
        while !rest.is_empty() {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            match line.first() {
                Some(b'd') => {
                    let Some(value) = field(line, b"data") else {
                        continue;
                    };
                    match data {
                        None => data = Some(value),
                        Some(first) => {
                            if !joined {
                                scratch.clear();
                                scratch.extend_from_slice(first);
                                joined = true;
                            }
                            scratch.push(b'\n');
                            scratch.extend_from_slice(value);
                        }
                    }
                }
                Some(b'e') => name = field(line, b"event").or(name),
                _ => {}
            }
        }
        let data = if joined {
            Some(scratch.as_slice())
        } else {
            data
        };
        Self { name, data }
    }
}

/// The value of a line, if it is that field's.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(stream: &str) -> Vec<&str> {
        let mut splitter = Splitter::default();
        let mut rest = stream;
        let mut units = Vec::new();
        while let Some(end) = splitter.unit_end(rest.as_bytes()) {
            units.push(&rest[..end]);
            rest = &rest[end..];
        }
        units.push(rest);
        units
    }

    #[test]
    fn fact_26_units_end_at_blank_lines_whatever_ends_a_line() {
        assert_eq!(
            units("data: a\n\ndata: b\n\n"),
            ["data: a\n\n", "data: b\n\n", ""]
        );
        assert_eq!(units("data: a\r\n\r\nd"), ["data: a\r\n\r\n", "d"]);
        assert_eq!(units("data: a\r\rdata: b\r"), ["data: a\r\r", "data: b\r"]);
        assert_eq!(units("data: a\r\n\ndata: b"), ["data: a\r\n\n", "data: b"]);
        assert_eq!(
            units("event: x\ndata: a\n\n\n"),
            ["event: x\ndata: a\n\n", "\n", ""]
        );
    }

    #[test]
    fn fact_26_comments_stand_alone_unless_inside_an_event() {
        assert_eq!(units(": a\n: b\n\ndata"), [": a\n", ": b\n", "\n", "data"]);
        assert_eq!(
            units("event: x\n: a\ndata: b\n\n"),
            ["event: x\n: a\ndata: b\n\n", ""]
        );
    }

    #[test]
    fn fact_26_a_byte_order_mark_begins_a_stream() {
        assert_eq!(
            units("\u{feff}: a\ndata: b\n\n"),
            ["\u{feff}: a\n", "data: b\n\n", ""]
        );
        let unit = "\u{feff}data: b\n\n".as_bytes();
        assert_eq!(Event::read(unit, &mut Vec::new()).data, Some(&b"b"[..]));
    }

    #[test]
    fn fact_26_data_lines_are_joined_and_one_space_is_taken() {
        let mut scratch = Vec::new();
        for (unit, name, data) in [
            ("data: a\n\n", None, Some("a")),
            ("data:a\r\ndata:  b\r\n\r\n", None, Some("a\n b")),
            ("data\ndata\n\n", None, Some("\n")),
            ("event: x\r: c\rdata: é\r\r", Some("x"), Some("é")),
            ("dat: a\ndatas: b\nretry: 1\n\n", None, None),
            ("event:x\nevent:y", Some("y"), None),
        ] {
            let event = Event::read(unit.as_bytes(), &mut scratch);
            assert_eq!(event.name, name.map(str::as_bytes), "{unit:?}");
            assert_eq!(event.data, data.map(str::as_bytes), "{unit:?}");
        }
    }
}
