//! Which bytes of a secret nobody else would write.

use super::book::Book;
use super::fragments::Cover;

/// Shortest run of letters and digits that is followed, in bytes.
const SHORTEST: usize = 8;

/// Fewer bytes than this are not followed at all: a part of them is a word.
const LEAST: u32 = 16;

/// The bytes of a secret that are followed in pieces: those that stand in runs
/// of letters and digits which look drawn by chance. An address with a password
/// has words and a host in it, and a key begins with the name of its maker; a
/// text that has those gives nothing away.
pub(super) fn random(secret: &[u8]) -> Option<Box<Cover>> {
    let mut cover: Cover = Default::default();
    let mut from = 0;
    for run in secret[..secret.len().min(Book::FOLLOWED)].split_inclusive(|byte| !is_part(*byte)) {
        let length = run.len() - usize::from(run.last().is_some_and(|byte| !is_part(*byte)));
        if is_random(&run[..length]) {
            for at in from..from + length {
                cover[at / 64] |= 1 << (at % 64);
            }
        }
        from += run.len();
    }
    (count(&cover) >= LEAST).then(|| Box::new(cover))
}

/// How many bits are set.
pub(super) fn count(cover: &Cover) -> u32 {
    cover.iter().map(|word| word.count_ones()).sum()
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'=')
}

/// Digits among them, and more changes between small letters, capitals and
/// digits than in `Summer2024Passwd` or `getUserName`.
fn is_random(run: &[u8]) -> bool {
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let turns = run.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1]));
    run.len() >= SHORTEST && run.iter().any(u8::is_ascii_digit) && turns.count() * 4 > run.len()
}
