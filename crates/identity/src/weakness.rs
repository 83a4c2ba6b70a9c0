use crate::LONGEST_KEY;

/// Shortest key that the configuration may hold, in characters.
const SHORTEST: usize = 32;

/// Fewest different characters: 32 random hexadecimal digits have fewer than
/// 8 once in ten thousand million.
const FEWEST_DISTINCT: usize = 8;

/// Words that stand in documentation where a key belongs.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "example",
    "placeholder",
    "your-",
    "your_",
    "yourkey",
    "password",
    "sample",
    "dummy",
];

/// Why a key that somebody chose should not be used; none where nothing
/// speaks against it. The answer never repeats any of the key.
///
/// This can't measure randomness; it refuses what is surely none.
pub fn weakness(token: &str) -> Option<&'static str> {
    if token.len() > LONGEST_KEY {
        return Some("longer than 512 bytes");
    }
    if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("has white space or control characters");
    }
    if !token.is_ascii() {
        return Some("has characters beyond ASCII, which headers don't carry");
    }
    if token.len() < SHORTEST {
        return Some("shorter than 32 characters");
    }
    let lower = token.to_ascii_lowercase();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
        return Some("a placeholder from documentation");
    }
    let bytes = lower.as_bytes();
    if distinct(bytes) < FEWEST_DISTINCT {
        return Some("made of fewer than 8 different characters");
    }
    if is_repetition(bytes) {
        return Some("a short text repeated");
    }
    if is_sequence(bytes) {
        return Some("a run of neighbouring characters");
    }
    None
}

fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes
        .iter()
        .for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// Whether the key is one piece of at most half its length again and again.
fn is_repetition(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| {
        let later = bytes.iter().skip(period);
        later.zip(bytes).all(|(later, earlier)| later == earlier)
    })
}

/// Whether most characters follow their neighbour: `abcdef…`, `98765…`.
fn is_sequence(bytes: &[u8]) -> bool {
    let steps = bytes
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) == 1);
    steps.count() * 2 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_keys_are_named_by_their_weakness() {
        let table = [
            ("", "shorter than 32 characters"),
            ("tg-12345678-short", "shorter than 32 characters"),
            (
                "Zk3vQ9xLw2Rt7Yb5Nc8Mf4Hg6Jd1Ps0 ",
                "has white space or control characters",
            ),
            (
                "Zk3vQ9xLw2Rt7Yb5Nc8Mf4Hg6Jd1Ps0\u{7f}",
                "has white space or control characters",
            ),
            (
                "Zk3vQ9xLw2Rt7Yb5Nc8Mf4Hg6Jd1Ps0ä",
                "has characters beyond ASCII, which headers don't carry",
            ),
            (
                "ChangeMe-Zk3vQ9xLw2Rt7Yb5Nc8Mf4Hg6",
                "a placeholder from documentation",
            ),
            (
                "sk-your-api-key-here-0123456789abcdef",
                "a placeholder from documentation",
            ),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "made of fewer than 8 different characters",
            ),
            (
                "s3cr3tK9zs3cr3tK9zs3cr3tK9zs3cr3tK9z",
                "a short text repeated",
            ),
            (
                "0123456789abcdefghijklmnopqrstuvwxyz",
                "a run of neighbouring characters",
            ),
        ];
        for (token, expected) in table {
            assert_eq!(weakness(token), Some(expected), "{token}");
        }
        assert_eq!(
            weakness(&"Zk3vQ9xLw2".repeat(60)),
            Some("longer than 512 bytes")
        );
    }

    #[test]
    fn random_keys_of_any_alphabet_pass() {
        for good in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "Zk3vQ9xLw2Rt7Yb5Nc8Mf4Hg6Jd1Ps0A",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            assert_eq!(weakness(good), None, "{good}");
        }
    }
}
