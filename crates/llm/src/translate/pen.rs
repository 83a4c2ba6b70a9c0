use super::raw::{Raw, Text};

/// Writes JSON. Commas come by themselves: one stands before whatever does not
/// follow an opening or a key.
#[derive(Debug, Default)]
pub(super) struct Pen {
    out: String,
}

impl Pen {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
        }
    }

    /// Bytes that are written.
    pub(super) const fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Begins an object or a list: `{` or `[`.
    pub(super) fn open(&mut self, bracket: char) {
        self.separate();
        self.out.push(bracket);
    }

    /// Ends it: `}` or `]`.
    pub(super) fn close(&mut self, bracket: char) {
        self.out.push(bracket);
    }

    /// Writes outside of JSON: the frame of an event.
    pub(super) fn frame(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A key, which is plain ASCII.
    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
        self
    }

    /// A value as it stands elsewhere.
    pub(super) fn raw(&mut self, value: Raw<'_>) {
        self.verbatim(value.get());
    }

    /// JSON that is written already.
    pub(super) fn verbatim(&mut self, json: &str) {
        self.separate();
        self.out.push_str(json);
    }

    pub(super) fn text(&mut self, text: &Text<'_>) {
        self.pieces(&[text.get()]);
    }

    /// A string of pieces that are escaped as JSON wants it.
    pub(super) fn pieces(&mut self, pieces: &[&str]) {
        self.separate();
        self.out.push('"');
        for piece in pieces {
            self.out.push_str(piece);
        }
        self.out.push('"');
    }

    pub(super) fn number(&mut self, number: u64) {
        self.separate();
        self.out.push_str(itoa(number, &mut [0; 20]));
    }

    fn separate(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(',');
        }
    }
}

/// A number's digits, without an allocation.
pub(super) fn itoa(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 || at == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_where_they_must() {
        let mut pen = Pen::default();
        pen.open('{');
        pen.key("a").number(10);
        pen.key("b").open('[');
        pen.text(&Text::of("x\":"));
        pen.open('{');
        pen.close('}');
        pen.open('[');
        pen.close(']');
        pen.number(u64::MAX);
        pen.close(']');
        pen.key("c").verbatim("null");
        pen.close('}');
        assert_eq!(
            pen.finish(),
            r#"{"a":10,"b":["x\":",{},[],18446744073709551615],"c":null}"#
        );
    }
}
