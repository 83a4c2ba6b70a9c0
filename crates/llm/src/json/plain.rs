//! Plain JSON, quickly: what nearly every request and answer is.
//!
//! One pass without recursion or copies finds the members of an object and proves that
//! all of it is JSON (RFC 8259). What it is not sure of it leaves to `serde_json`, which
//! judges and words every fault: this pass never says no, it only says nothing.

use super::{Key, Members, Spelling};

/// Lists and objects within one another that fit the marks below.
pub(crate) const DEEPEST: u32 = u128::BITS;

impl<'a, const READ: usize> Members<'a, READ> {
    /// As [`Members::read`], where `text` is plain JSON nested no deeper than
    /// [`DEEPEST`] and no key of it is written with escapes.
    pub(crate) fn plain(keys: &'static [&'static str], text: &'a str) -> Option<Self> {
        let mut members = Self::none(keys);
        let mut pass = Pass {
            text: text.as_bytes(),
            at: 0,
        };
        pass.take_after_space(b'{')?;
        if pass.after_space()? == b'}' {
            pass.at += 1;
            return pass.is_over().then_some(members);
        }
        loop {
            let key = pass.key(text)?;
            pass.take_after_space(b':')?;
            pass.after_space()?;
            let start = pass.at;
            pass.value()?;
            members.add(Key(keys).spelled(key), &text[start..pass.at]);
            match pass.after_space()? {
                b',' => pass.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        pass.at += 1;
        pass.is_over().then_some(members)
    }

    fn add(&mut self, known: Option<(usize, Spelling)>, value: &'a str) {
        self.count += 1;
        let Some((index, spelling)) = known else {
            return;
        };
        if let Some(found) = self.found.get_mut(index)
            && spelling == Spelling::Plain
        {
            *found = Some(value);
        }
        self.judge(index, spelling);
    }
}

/// A place in a text; every step is none where the text is not plain.
struct Pass<'a> {
    text: &'a [u8],
    at: usize,
}

impl Pass<'_> {
    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is no space, where the pass then stands.
    fn after_space(&mut self) -> Option<u8> {
        loop {
            match self.next()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn take_after_space(&mut self, byte: u8) -> Option<()> {
        (self.after_space()? == byte).then(|| self.at += 1)
    }

    fn is_over(&mut self) -> bool {
        self.after_space().is_none()
    }

    /// A key without escapes.
    fn key<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        self.take_after_space(b'"')?;
        let start = self.at;
        self.run(usize::MAX);
        let key = text.get(start..self.at)?;
        (self.next()? == b'"').then(|| self.at += 1)?;
        Some(key)
    }

    /// Over at most so many words of eight bytes, up to what ends a string or must not
    /// stand in it as it is. False where nothing of that came.
    fn run(&mut self, words: usize) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for word in rest.chunks_exact(8).take(words) {
            let stop = word.first_chunk().map_or(0, stops);
            if stop != 0 {
                self.at += stop.trailing_zeros() as usize / 8;
                return true;
            }
            self.at += 8;
        }
        // Near the end of the text there is no whole word.
        while words > 0 && self.at + 8 > self.text.len() {
            match self.next() {
                None | Some(b'"' | b'\\' | 0..0x20) => return true,
                Some(_) => self.at += 1,
            }
        }
        false
    }

    /// One value with all that is in it; the pass stands at its first byte.
    fn value(&mut self) -> Option<()> {
        // A bit for each list or object that is open: whether it is an object.
        let (mut objects, mut depth) = (0_u128, 1_u32);
        loop {
            match self.next()? {
                b'"' => self.string()?,
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = open == b'{';
                    if self.after_space()? != open + 2 {
                        depth += 1;
                        if depth > DEEPEST {
                            return None;
                        }
                        objects = objects << 1 | u128::from(is_object);
                        self.begin(is_object)?;
                        continue;
                    }
                    // `{}` or `[]`: its end is two further in ASCII.
                    self.at += 1;
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            // A value is over: so may be what it stands in.
            loop {
                if depth == 1 {
                    return Some(());
                }
                let is_object = objects & 1 == 1;
                match (self.after_space()?, is_object) {
                    (b',', _) => {
                        self.at += 1;
                        self.after_space()?;
                        self.begin(is_object)?;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        objects >>= 1;
                        depth -= 1;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// To the next value of a list or an object, over its key.
    fn begin(&mut self, is_object: bool) -> Option<()> {
        if is_object {
            (self.next()? == b'"').then_some(())?;
            self.string()?;
            self.take_after_space(b':')?;
            self.after_space()?;
        }
        Some(())
    }

    /// A string, from quote to quote.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            // Keys and short values end within a few bytes, where a vector search costs
            // more than it saves.
            if !self.run(2) {
                let rest = self.text.get(self.at..)?;
                let step = memchr::memchr2(b'"', b'\\', rest)?;
                // Without an early way out this is done for many bytes at once.
                let least = rest[..step]
                    .iter()
                    .fold(u8::MAX, |least, it| least.min(*it));
                if least < 0x20 {
                    return None;
                }
                self.at += step;
            }
            match self.next()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.text.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.next()? == b'-' {
            self.at += 1;
        }
        match self.next()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return None,
        }
        if self.next() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.next(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.next(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let count = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}

/// The high bit of every byte that is a quote, a backslash or a control character; those
/// above the first may be wrong (Mycroft's test for a zero byte).
fn stops(word: &[u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_le_bytes(*word);
    let is = |byte: u8| {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero
    };
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is(b'"') | is(b'\\') | is_control) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEYS: [&str; 3] = ["model", "n", "messages"];

    /// Found values, count and problem, by the pass and by `serde_json`.
    fn both(text: &str) -> [Option<Told<'_>>; 2] {
        let plain = Members::<2>::plain(&KEYS, text);
        let checked = Members::<2>::checked(&KEYS, text).ok();
        [plain, checked].map(|it| it.map(|it| (it.found, it.count, it.problem)))
    }

    type Told<'a> = ([Option<&'a str>; 2], usize, Option<crate::json::KeyProblem>);

    #[test]
    fn plain_objects_are_read_as_serde_reads_them() {
        for text in [
            "{}",
            " { } ",
            r#"{"model":"m"}"#,
            "\n{ \"model\" :\t\"m\" , \"n\" : -1.5e+10 }\r\n",
            r#"{"x":[],"y":{},"z":[[],{},[{}]],"n":[1,2,{"a":[true,false,null]}]}"#,
            r#"{"messages":[{"role":"user","content":"a \"quoted\" \\ \u00e9 \ud800 text of more than sixteen bytes"}],"model":"m"}"#,
            r#"{"model":0,"n":-0,"x":0.0,"y":1E5,"z":10e-2}"#,
            r#"{"model":1,"model":2}"#,
            r#"{"Model":1,"N":2}"#,
            "{\"é\":\"ü and more than sixteen bytes of it\"}",
        ] {
            let [plain, checked] = both(text);
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, checked, "{text}");
        }
    }

    #[test]
    fn of_anything_else_nothing_is_said() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}x",
            "{} {}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,}"#,
            r#"{a:1}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
            r#"{"a":+1}"#,
            r#"{"a":tru}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":{1:2}}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":"x}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":NaN}"#,
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"more than sixteen bytes \n\"}",
            "\u{feff}{}",
        ] {
            let [plain, checked] = both(text);
            assert_eq!((plain, checked), (None, None), "{text}");
        }
        // Such keys are a problem that the other pass words.
        let [plain, checked] = both(r#"{"mode\u006c":1}"#);
        assert!(plain.is_none() && checked.is_some());
    }

    #[test]
    fn depth_is_bounded() {
        let nested =
            |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        let deepest = DEEPEST as usize - 1;
        assert!(Members::<2>::plain(&KEYS, &nested(deepest)).is_some());
        assert!(Members::<2>::plain(&KEYS, &nested(deepest + 1)).is_none());
    }

    proptest! {
        #[test]
        fn a_word_stops_where_its_first_such_byte_is(word: [u8; 8]) {
            let first = word.iter().position(|it| matches!(it, b'"' | b'\\' | 0..0x20));
            let stop = stops(&word);
            let found = (stop != 0).then(|| stop.trailing_zeros() as usize / 8);
            prop_assert_eq!(found, first);
        }

        #[test]
        fn strings_of_every_length_are_read_as_serde_reads_them(
            before in "[a-zé]{0,40}", odd in prop::sample::select(vec!["", "\\n", "\\u00e9", "\\x", "\u{1}", "\"", "\u{7f}"]), after in "[a-z]{0,40}",
        ) {
            let text = format!("{{\"model\":\"{before}{odd}{after}\"}}");
            let [plain, checked] = both(&text);
            prop_assert_eq!(plain, checked);
        }

        #[test]
        fn whatever_is_plain_is_json_and_means_the_same(
            text in r#"(\{|\}|\[|\]|,|:| |"model"|"n"|"N"|"a\\n"|"\\u00e9"|"\\"|"|1|-0|1\.5|2e9|0|true|null|\n|é){0,24}"#,
        ) {
            let wrapped = format!("{{\"model\":{text}}}");
            for text in [&text, &wrapped] {
                let [plain, checked] = both(text);
                if plain.is_some() {
                    prop_assert_eq!(plain, checked, "{}", text);
                }
            }
        }
    }
}
