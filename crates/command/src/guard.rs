//! What is looked at before a parser sees the text: its cost is bounded here.
//!
//! The parser takes exponential time for unclosed `(` and recurses for each
//! `{`, so nesting is counted on the tokens that it will get, not on a guess
//! about quotes.

use brush_parser::Token;

/// Longest text that is parsed, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// Deepest nesting that is parsed.
pub const DEEPEST: usize = 12;
/// Most tokens of one text.
const MOST_TOKENS: usize = 1_500;

/// Most `[` of a word that begins like a subscript.
const MOST_SUBSCRIPTS: usize = 16;

/// Why a text is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// More than [`LONGEST`] bytes.
    #[error("the text is longer than {LONGEST} bytes")]
    Length,
    /// More than [`DEEPEST`] levels.
    #[error("the text is nested deeper than {DEEPEST} levels")]
    Nesting,
    /// Too many words.
    #[error("the text has more than {MOST_TOKENS} words")]
    Tokens,
    /// A byte that shells drop or read differently.
    #[error("the text holds a control or invisible character")]
    Control,
    /// It is of the kind that is read in a process of its own.
    #[error("the text is too wild to be read on the spot")]
    Wild,
    /// The parser does not understand it.
    #[error("the text is not shell that can be read")]
    Syntax,
}

/// Most openings of a bracket, a substitution or a block in a tame text.
const TAME_OPENINGS: usize = 10;
/// Most separators and redirections of a tame text.
const TAME_OPERATORS: usize = 150;
/// Most levels that are open at once in a tame text, brackets and words such as
/// `while`: the parser tries several readings of each.
pub(crate) const TAME_LEVELS: usize = 4;
/// Longest tame text, in bytes, the texts inside it counted again.
const TAME_LENGTH: usize = 2 * 1024;

/// Whether a text is of the kind that everybody writes: short, and whatever
/// its quotes mean, it can't nest deeper than it has openings. Only such text
/// is read in the gateway's own process; a stack that overflows can't be caught.
pub(crate) fn is_tame(text: &str, bytes_read: usize) -> bool {
    let few = |kinds: &[u8], most: usize| {
        text.bytes()
            .filter(|byte| kinds.contains(byte))
            .nth(most)
            .is_none()
    };
    bytes_read <= TAME_LENGTH && few(b"({`[", TAME_OPENINGS) && few(b";|&<>\n", TAME_OPERATORS)
}

/// Checks what can be told from the bytes.
pub(crate) fn text(text: &str) -> Result<(), Beyond> {
    if text.len() > LONGEST {
        return Err(Beyond::Length);
    }
    // Substitutions are found by the tokenizer, which recurses into them.
    let openers = text.matches("$(").count() + text.matches("${").count();
    if openers > 200 {
        return Err(Beyond::Nesting);
    }
    match text.chars().any(deceives) {
        true => Err(Beyond::Control),
        false => Ok(()),
    }
}

/// NUL, carriage return, escape, bidi and zero-width characters, odd spaces:
/// what a person sees is not what the shell reads.
fn deceives(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{200f}' => true,
        '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}' => true,
        '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

/// The deepest nesting of a list of tokens.
pub(crate) fn tokens(tokens: &[Token]) -> Result<usize, Beyond> {
    if tokens.len() > MOST_TOKENS {
        return Err(Beyond::Tokens);
    }
    if tokens.iter().any(is_subscript_bomb) || tokens.windows(2).any(is_odd_descriptor) {
        return Err(Beyond::Syntax);
    }
    let (mut brackets, mut words) = (Depth::default(), Depth::default());
    for token in tokens {
        match token {
            Token::Operator(operator, _) => {
                brackets.open(operator.matches('(').count());
                brackets.close(operator.matches(')').count());
            }
            Token::Word(word, _) => match word.as_str() {
                "{" => brackets.open(1),
                "}" => brackets.close(1),
                "if" | "while" | "until" | "for" | "case" | "select" | "[[" | "!" | "coproc"
                | "time" => words.open(1),
                "fi" | "done" | "esac" | "]]" => words.close(1),
                _ => {}
            },
        }
    }
    // Words that open nothing (`echo if`, `! true`) count as well, and cost the
    // parser no more than their number: their limit is wider.
    match brackets.deepest > DEEPEST || words.deepest > 4 * DEEPEST {
        true => Err(Beyond::Nesting),
        false => Ok(brackets.deepest + words.deepest),
    }
}

/// The parser looks for the end of a subscript behind each `[` of a name: 2.8 s
/// for 16 KB of `x[`.
fn is_subscript_bomb(token: &Token) -> bool {
    let Token::Word(word, _) = token else {
        return false;
    };
    let name = word
        .bytes()
        .take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric());
    word.as_bytes().get(name.count()) == Some(&b'[')
        && word
            .bytes()
            .filter(|byte| *byte == b'[')
            .nth(MOST_SUBSCRIPTS)
            .is_some()
}

/// The parser panics on a descriptor that is no 32-bit number: `99999999999>x`.
fn is_odd_descriptor(pair: &[Token]) -> bool {
    matches!(pair, [Token::Word(word, _), Token::Operator(operator, _)]
        if operator.starts_with(['<', '>'])
            && word.len() > 9
            && word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[derive(Default)]
struct Depth {
    now: usize,
    deepest: usize,
}

impl Depth {
    fn open(&mut self, levels: usize) {
        self.now += levels;
        self.deepest = self.deepest.max(self.now);
    }

    fn close(&mut self, levels: usize) {
        self.now = self.now.saturating_sub(levels);
    }
}
