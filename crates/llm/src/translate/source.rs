//! Where what is said comes from, and the places in the text that it stands for.

use super::raw::Text;

/// A page that something in the answer rests on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Citation<'a> {
    pub(super) address: Text<'a>,
    pub(super) title: Option<Text<'a>>,
    /// Of all the text of the answer, in characters: the first one, and the one
    /// behind the last. None where it stands for no place of its own.
    pub(super) place: Option<(u64, u64)>,
}

impl Citation<'_> {
    /// The same, kept beyond the event that told it.
    pub(super) fn kept(&self) -> Citation<'static> {
        let owned = |text: &Text<'_>| Text(text.get().to_owned().into());
        Citation {
            address: owned(&self.address),
            title: self.title.as_ref().map(owned),
            place: self.place,
        }
    }
}

/// What becomes of sources that are files and documents.
pub(super) const OF_FILES: &str =
    "dropped from the answer: citations of files and documents are the provider's own";

/// What becomes of sources where the caller's API could not take them back.
pub(super) const OF_OTHERS: &str =
    "dropped from the answer: Anthropic's API has no citations but those that it proves";

/// Most stretches of characters of one width that are told apart.
const MOST_STRETCHES: usize = 65_536;

/// Counts the characters and bytes of a text that comes in pieces, so that a
/// place in the one can be told in the other: OpenAI counts characters, Gemini
/// bytes. What it keeps grows with changes between alphabets, not with length.
#[derive(Debug, Default)]
pub(super) struct Ruler {
    characters: u64,
    bytes: u64,
    /// Where characters of another width begin: character, byte, width.
    stretches: Vec<(u64, u64, u64)>,
}

impl Ruler {
    /// Goes on with a piece of text, as JSON has it.
    pub(super) fn add(&mut self, text: &Text<'_>) {
        let escaped = text.get();
        if escaped.is_ascii() && !escaped.contains('\\') {
            return self.run(escaped.len() as u64, 1);
        }
        for character in text.plain().unwrap_or_default().chars() {
            self.run(1, character.len_utf8() as u64);
        }
    }

    fn run(&mut self, count: u64, width: u64) {
        let is_new = self.stretches.last().map_or(1, |last| last.2) != width;
        if is_new && count > 0 && self.stretches.len() < MOST_STRETCHES {
            self.stretches.push((self.characters, self.bytes, width));
        }
        self.characters += count;
        self.bytes += count * width;
    }

    pub(super) const fn characters(&self) -> u64 {
        self.characters
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The character at a byte.
    pub(super) fn character_at(&self, byte: u64) -> u64 {
        let byte = byte.min(self.bytes);
        let at = self.stretches.partition_point(|stretch| stretch.1 <= byte);
        let (character, begin, width) = self.stretch(at);
        (character + (byte - begin) / width).min(self.characters)
    }

    /// The byte at a character.
    pub(super) fn byte_at(&self, character: u64) -> u64 {
        let character = character.min(self.characters);
        let at = self
            .stretches
            .partition_point(|stretch| stretch.0 <= character);
        let (begin, byte, width) = self.stretch(at);
        (byte + (character - begin) * width).min(self.bytes)
    }

    fn stretch(&self, behind: usize) -> (u64, u64, u64) {
        let found = behind.checked_sub(1).and_then(|at| self.stretches.get(at));
        found.copied().unwrap_or((0, 0, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_in_characters_and_in_bytes() {
        let mut ruler = Ruler::default();
        for piece in ["wide ", "Zürich", " 海海", r" \u00e9\n", "end"] {
            ruler.add(&Text::lent(piece));
        }
        let text = "wide Zürich 海海 é\nend";
        for (count, (byte, _)) in text.char_indices().enumerate() {
            assert_eq!(ruler.character_at(byte as u64), count as u64, "{byte}");
            assert_eq!(ruler.byte_at(count as u64), byte as u64, "{count}");
        }
        assert_eq!(ruler.characters(), text.chars().count() as u64);
        assert_eq!(ruler.byte_at(u64::MAX), text.len() as u64);
        assert_eq!(ruler.character_at(u64::MAX), ruler.characters());
    }
}
