//! Eight bytes at once in one word, for runs that hardly ever begin: a branch
//! for each byte of prose is foretold wrong too often.
//!
//! A mask has the upper bit of each byte that is meant. All are exact: no byte
//! of a word carries into the next.

const HIGH: u64 = 0x8080_8080_8080_8080;

const fn each(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// Eight bytes, the last one lowest.
pub(super) fn word(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*text.get(at..)?.first_chunk::<8>()?))
}

/// Bytes below this one, of plain text.
pub(super) const fn below(word: u64, byte: u8) -> u64 {
    !(((word & !HIGH) + each(0x80 - byte)) | word) & HIGH
}

/// Bytes above this one.
pub(super) const fn above(word: u64, byte: u8) -> u64 {
    (((word & !HIGH) + each(0x7f - byte)) | word) & HIGH
}

/// Bytes that are this one.
pub(super) const fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ each(byte);
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// How many bytes stand behind the last one that is meant.
pub(super) const fn behind(mask: u64) -> usize {
    mask.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_say_of_each_byte_what_is_true_of_it() {
        for first in 0..=255u8 {
            for second in [0, b' ', b'+', b'a', b'f', b'x', 127, 128, 255] {
                let bytes = [second, first, first, second, first, second, second, first];
                let word = word(&bytes, 0).unwrap();
                let expected = |test: fn(u8, u8) -> bool, byte: u8| {
                    bytes.iter().fold(0u64, |mask, one| {
                        mask << 8 | if test(*one, byte) { 0x80 } else { 0 }
                    })
                };
                for byte in [1, b'+', b'f', b'x', 127] {
                    assert_eq!(below(word, byte), expected(|one, byte| one < byte, byte));
                    assert_eq!(above(word, byte), expected(|one, byte| one > byte, byte));
                    assert_eq!(equal(word, byte), expected(|one, byte| one == byte, byte));
                }
            }
        }
        assert_eq!(behind(equal(word(b"ab,cd,ef", 0).unwrap(), b',')), 2);
    }
}
