//! One word of the shell, decoded: quotes, `$'…'`, braces, tildes, variables
//! whose value is known. What can't be known stays as a hole.

use super::braces;

/// A piece of a word on the way to [`Arg`](crate::Arg).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Atom {
    Char {
        value: char,
        quoted: bool,
    },
    /// An expansion; `splits` where it stands outside quotes.
    Hole {
        text: String,
        splits: bool,
    },
    /// Where a known value is split into words.
    Break,
    /// An empty quoted string: it makes a word of nothing.
    Empty,
}

/// What a word is made of, beside its text.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) words: Vec<Vec<Atom>>,
    /// Texts of `$(…)` and backticks.
    pub(super) substitutions: Vec<String>,
    /// What it hides, if it does.
    pub(super) hidden: Option<&'static str>,
}

/// Whether a word is its own text.
pub(super) fn is_plain(word: &str) -> bool {
    !word.bytes().any(|byte| {
        matches!(
            byte,
            b'\'' | b'"' | b'\\' | b'$' | b'`' | b'{' | b'~' | b'*' | b'?' | b'['
        )
    })
}

/// Decodes `word`; `known` gives the value of a variable where it is certain.
pub(super) fn decode(word: &str, known: &dyn Fn(&str) -> Option<String>) -> Decoded {
    let mut reader = Reader::new(word, known);
    reader.unquoted();
    finish(reader)
}

/// Decodes the body of a heredoc: as if between double quotes.
pub(super) fn decode_body(body: &str, known: &dyn Fn(&str) -> Option<String>) -> Decoded {
    let mut reader = Reader::new(body, known);
    reader.double_quoted(None);
    finish(reader)
}

fn finish(reader: Reader<'_>) -> Decoded {
    let words = match braces::expand(reader.atoms) {
        Some(words) => words,
        None => {
            return Decoded {
                hidden: Some("braces that make too many words"),
                substitutions: reader.substitutions,
                words: vec![vec![Atom::Hole {
                    text: "{…}".to_owned(),
                    splits: true,
                }]],
            };
        }
    };
    let split = |word: Vec<Atom>| -> Vec<Vec<Atom>> {
        word.split(|atom| *atom == Atom::Break)
            .map(<[Atom]>::to_vec)
            .filter(|part| !part.is_empty())
            .collect()
    };
    Decoded {
        words: words.into_iter().flat_map(split).collect(),
        substitutions: reader.substitutions,
        hidden: reader.hidden,
    }
}

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    atoms: Vec<Atom>,
    substitutions: Vec<String>,
    hidden: Option<&'static str>,
    known: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Reader<'a> {
    fn new(word: &str, known: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            chars: word.chars().collect(),
            at: 0,
            atoms: Vec::with_capacity(word.len()),
            substitutions: Vec::new(),
            hidden: None,
            known,
        }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.chars.get(self.at).copied();
        self.at += usize::from(character.is_some());
        character
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn put(&mut self, value: char, quoted: bool) {
        self.atoms.push(Atom::Char { value, quoted });
    }

    fn unquoted(&mut self) {
        self.tilde();
        while let Some(character) = self.next() {
            match character {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(other) => self.put(other, true),
                },
                '\'' => self.single_quoted(),
                '"' => self.quoted_part(),
                '`' => self.backticks(true),
                '$' => self.dollar(true),
                other => self.put(other, false),
            }
        }
    }

    fn quoted_part(&mut self) {
        let before = self.atoms.len();
        self.double_quoted(Some('"'));
        if self.atoms.len() == before {
            self.atoms.push(Atom::Empty);
        }
    }

    /// `~` and `~/` become the home folder; `~user` stays as it is written.
    fn tilde(&mut self) {
        if self.peek() == Some('~')
            && matches!(self.chars.get(1), None | Some('/'))
            && let Some(home) = (self.known)("HOME")
        {
            self.at = 1;
            home.chars().for_each(|value| self.put(value, true));
        }
    }

    fn single_quoted(&mut self) {
        let before = self.atoms.len();
        while let Some(character) = self.next() {
            if character == '\'' {
                break;
            }
            self.put(character, true);
        }
        if self.atoms.len() == before {
            self.atoms.push(Atom::Empty);
        }
    }

    fn double_quoted(&mut self, end: Option<char>) {
        while let Some(character) = self.next() {
            match character {
                _ if Some(character) == end => return,
                '\\' => match self.next() {
                    Some(other @ ('$' | '`' | '"' | '\\')) => self.put(other, true),
                    Some('\n') | None => {}
                    Some(other) => {
                        self.put('\\', true);
                        self.put(other, true);
                    }
                },
                '`' => self.backticks(false),
                '$' => self.dollar(false),
                other => self.put(other, true),
            }
        }
    }

    fn dollar(&mut self, splits: bool) {
        match self.peek() {
            Some('\'') if splits => {
                self.at += 1;
                self.ansi();
            }
            Some('"') if splits => {
                self.at += 1;
                self.quoted_part();
            }
            Some('(') => self.parenthesis(splits),
            Some('{') => self.braced(splits),
            Some('[') => {
                self.at += 1;
                let inner = self.until(']');
                self.inside(&inner);
                self.hole(format!("$[{inner}]"), splits);
            }
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let mut name = String::new();
                while let Some(next) = self.peek()
                    && (next.is_ascii_alphanumeric() || next == '_')
                {
                    name.push(next);
                    self.at += 1;
                }
                self.variable(&name, splits);
            }
            Some(special) if special.is_ascii_digit() || "@*#?-$!".contains(special) => {
                self.at += 1;
                self.hole(format!("${special}"), splits);
            }
            _ => self.put('$', true),
        }
    }

    fn variable(&mut self, name: &str, splits: bool) {
        match (self.known)(name) {
            Some(value) if !splits => value.chars().for_each(|value| self.put(value, true)),
            Some(value) => {
                for value in value.chars() {
                    match value.is_whitespace() {
                        true => self.atoms.push(Atom::Break),
                        // A pattern in a value is expanded, a quote is not.
                        false => self.put(value, !matches!(value, '*' | '?' | '[')),
                    }
                }
            }
            None => self.hole(format!("${name}"), splits),
        }
    }

    fn hole(&mut self, text: String, splits: bool) {
        self.atoms.push(Atom::Hole { text, splits });
    }

    /// `$(…)` or `$((…))`.
    fn parenthesis(&mut self, splits: bool) {
        let Some(end) = closing(&self.chars, self.at) else {
            self.hidden = Some("a substitution whose end can't be told");
            self.at = self.chars.len();
            return self.hole("$(…)".to_owned(), splits);
        };
        let inner: String = self.chars[self.at + 1..end].iter().collect();
        self.at = end + 1;
        match inner
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(sum) => self.inside(sum),
            None => self.substitutions.push(inner.clone()),
        }
        self.hole(format!("$({inner})"), splits);
    }

    fn backticks(&mut self, splits: bool) {
        let mut inner = String::new();
        while let Some(character) = self.next() {
            match character {
                '`' => break,
                '\\' if matches!(self.peek(), Some('`' | '\\' | '$')) => {
                    inner.extend(self.next());
                }
                other => inner.push(other),
            }
        }
        self.hole(format!("$({inner})"), splits);
        self.substitutions.push(inner);
    }

    /// `${…}`.
    fn braced(&mut self, splits: bool) {
        self.at += 1;
        let inner = self.until('}');
        let is_name = !inner.is_empty()
            && inner
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '_')
            && !inner.starts_with(|one: char| one.is_ascii_digit());
        if is_name {
            return self.variable(&inner, splits);
        }
        if inner.ends_with("@P") || inner.ends_with("@E") {
            self.hidden = Some("a value that is expanded once more");
        }
        self.inside(&inner);
        self.hole(format!("${{{inner}}}"), splits);
    }

    /// Finds the substitutions in a text that the shell expands further.
    fn inside(&mut self, text: &str) {
        let mut reader = Reader::new(text, self.known);
        reader.double_quoted(None);
        self.substitutions.append(&mut reader.substitutions);
        self.hidden = self.hidden.or(reader.hidden);
    }

    /// The text up to `close`, with nested braces and quotes in it.
    fn until(&mut self, close: char) -> String {
        let open = if close == '}' { '{' } else { '[' };
        let (mut depth, mut text) = (1_usize, String::new());
        while let Some(character) = self.next() {
            match character {
                '\\' => {
                    text.push(character);
                    text.extend(self.next());
                    continue;
                }
                _ if character == open => depth += 1,
                _ if character == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.push(character);
        }
        text
    }

    /// `$'…'`: C escapes (bash manual, 3.1.2.4).
    fn ansi(&mut self) {
        let before = self.atoms.len();
        while let Some(character) = self.next() {
            match character {
                '\'' => break,
                '\\' => {
                    let value = self.escape();
                    value.into_iter().for_each(|value| self.put(value, true));
                }
                other => self.put(other, true),
            }
        }
        if self.atoms.len() == before {
            self.atoms.push(Atom::Empty);
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' | 'E' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.number(16, 2, 0),
            'u' => return self.number(16, 4, 0),
            'U' => return self.number(16, 8, 0),
            'c' => char::from_u32(self.next()? as u32 & 0x1f)?,
            digit @ '0'..='7' => return self.number(8, 2, digit as u32 - '0' as u32),
            other => other,
        })
    }

    fn number(&mut self, radix: u32, most: usize, start: u32) -> Option<char> {
        let mut value = start;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(radix)) else {
                break;
            };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        char::from_u32(value)
    }
}

/// Where the `(` at `start` is closed. `case` patterns, comments and heredocs
/// inside could hide a `)`: where they appear, the answer is none.
fn closing(chars: &[char], start: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, start);
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '\'' => at += 1 + chars[at + 1..].iter().position(|one| *one == '\'')?,
            '"' => at = quote_end(chars, at)?,
            '`' => at += 1 + chars[at + 1..].iter().position(|one| *one == '`')?,
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    let inner: String = chars[start + 1..at].iter().collect();
                    return (!ambiguous(&inner)).then_some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The end of a double-quoted part, which may hold substitutions.
fn quote_end(chars: &[char], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '"' => return Some(at),
            '$' if chars.get(at + 1) == Some(&'(') => at = closing(chars, at + 1)?,
            '`' => at += 1 + chars[at + 1..].iter().position(|one| *one == '`')?,
            _ => {}
        }
        at += 1;
    }
    None
}

fn ambiguous(inner: &str) -> bool {
    inner.contains("esac")
        || inner.contains("<<")
        || inner.contains(" #")
        || inner.starts_with('#')
        || inner.contains("\n#")
}
