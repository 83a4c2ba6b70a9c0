//! Values that stand where a secret belongs and are none: placeholders,
//! references to variables, sequences, words that only say what they are.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use sha2::{Digest, Sha256};

/// Words that stand in examples and never in a random value.
const EXAMPLE_WORDS: &[&[u8]] = &[
    b"example",
    b"your",
    b"changeme",
    b"change_me",
    b"change-me",
    b"placeholder",
    b"redacted",
    b"dummy",
    b"insert",
    b"replace",
    b"not_real",
    b"notreal",
    b"process.env",
    b"os.environ",
    b"getenv",
    b"secrets.",
    b"undefined",
    b"afakekey",
    b"fake-",
    b"fake_",
    b"-fake",
    b"_here",
    b"-here",
    b"sample-",
    b"sample_",
    b"<insert",
    b"todo",
    b"mykey",
    b"my-key",
    b"my_key",
    b"enc[",
    b"keyvault",
    b"secretsmanager",
    b"hunter2",
];

/// What a reference begins with.
const REFERENCE_STARTS: &[&[u8]] = &[
    b"$",
    b"%(",
    b"%{",
    b"{{",
    b"<",
    b"arn:",
    b"file:",
    b"env:",
    b"env.",
    b"vault:",
    b"op://",
    b"ref:",
    b"ref+",
    b"#{",
    b"@",
    b"/run/secrets",
    b"self.",
    b"this.",
    b"config.",
    b"settings.",
    b"options.",
    b"args.",
    b"params.",
    b"request.",
    b"process.",
    b"os.",
    b"var.",
    b"local.",
    b"data.",
    b"module.",
    b"ssm:",
    b"sops:",
    b"awskms:",
    b"projects/",
    b"sha256:",
    b"sha512-",
    b"sha256-",
    b"sha1-",
    b"http://",
    b"https://",
    b"!vault",
    b"!ref",
    b"!sub",
    b"[",
];

/// Whether the value is one that people write where a secret belongs.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = &value[..value.len().min(256)];
    let lower = value.to_ascii_lowercase();
    REFERENCE_STARTS
        .iter()
        .any(|start| lower.starts_with(start))
        || has_template(&lower)
        || is_dummy(value)
}

/// Whether a value of a known form is one that stands in documentation.
pub(crate) fn is_dummy(value: &[u8]) -> bool {
    static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| any_of(EXAMPLE_WORDS));
    let value = &value[..value.len().min(256)];
    WORDS.as_ref().is_some_and(|words| words.is_match(value))
        || has_filler(&value.to_ascii_lowercase())
}

/// Words in any letters; none only if there were more than fit into memory.
pub(super) fn any_of(words: &[impl AsRef<[u8]>]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).build(words).ok()
}

/// The same for what programs make: they make no sequences, people do.
pub(crate) fn is_made_up(value: &[u8]) -> bool {
    is_dummy(value) || has_sequence(value)
}

/// Keys that are the same on every machine because a manual or an emulator
/// gives them out: the first eight bytes of their SHA-256.
const PUBLISHED: &[u64] = &[
    0x0011_cc25_eb43_2071, // storage account of Azurite
    0xaa65_4743_9583_c3a2, // Cosmos DB emulator
    0x2caf_c097_0149_a84f, // Stripe's manual
    0x3104_3aae_8be2_2df7, // YouTube's own web pages
    0x7f75_367e_7881_2551, // jwt.io
];

/// Whether everybody knows this value.
pub(crate) fn is_published(value: &[u8]) -> bool {
    let digest = Sha256::digest(value);
    let head = digest.first_chunk::<8>();
    head.is_some_and(|head| PUBLISHED.contains(&u64::from_be_bytes(*head)))
}

/// A value that holds the word for what it stands for.
pub(crate) fn says_password(value: &[u8]) -> bool {
    let lower = value[..value.len().min(64)].to_ascii_lowercase();
    memchr::memmem::find(&lower, b"password").is_some() || stands_for_itself(&lower)
}

/// `password`, `pass`, `secret`: the word of a manual.
pub(crate) fn stands_for_itself(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"password",
        b"passwd",
        b"passphrase",
        b"passcode",
        b"pass",
        b"pwd",
        b"pw",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"credential",
        b"string",
        b"user",
        b"username",
        b"mypassword",
        b"my_password",
        b"my-password",
        b"mypass",
        b"mysecret",
        b"my_secret",
        b"my-secret",
        b"userpass",
        b"userpassword",
        b"dbpass",
        b"dbpassword",
    ];
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Letters in a row that no generator makes: eight come once in 10^8 random
/// hex digits.
const SEQUENCE: usize = 8;

/// Whether letters follow each other: `abcdefgh`, `12345678`, `aabbccddeeff0011`.
pub(crate) fn has_sequence(value: &[u8]) -> bool {
    let follows = |a: u8, b: u8| {
        b == a.wrapping_add(1) && a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric()
            || matches!((a, b), (b'9', b'0' | b'a') | (b'f' | b'z', b'0' | b'1'))
    };
    let mut run = 1;
    for pair in value.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|byte| byte.to_ascii_lowercase());
        run = match a == b {
            true => run,
            false if follows(a, b) => run + 1,
            false => 1,
        };
        if run >= SEQUENCE {
            return true;
        }
    }
    false
}

/// `${NAME}` or `{{ name }}` somewhere inside.
fn has_template(lower: &[u8]) -> bool {
    let is_name = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-' | b' ')
    };
    let shell = memchr::memmem::find(lower, b"${").is_some_and(|at| {
        let inner = &lower[at + 2..];
        memchr::memchr(b'}', inner).is_some_and(|close| inner[..close].iter().all(is_name))
    });
    shell || memchr::memmem::find(lower, b"{{ ").is_some()
}

/// A run of `x`, `*`, `.`, `0`, `#`, `_` or `-` that fills a form, or a value
/// of at most two letters.
fn has_filler(lower: &[u8]) -> bool {
    let mut run = 1;
    for pair in lower.windows(2) {
        run = match pair[0] == pair[1] && matches!(pair[0], b'x' | b'*' | b'.' | b'#' | b'\xe2') {
            true => run + 1,
            false => 1,
        };
        if run >= 4 {
            return true;
        }
    }
    let mut seen = [false; 256];
    lower
        .iter()
        .for_each(|byte| seen[usize::from(*byte)] = true);
    let kinds = seen.iter().filter(|seen| **seen).count();
    let zeros = lower
        .iter()
        .filter(|byte| matches!(byte, b'0' | b'x' | b'-'))
        .count();
    (lower.len() >= 8 && kinds <= 2 && !lower.iter().any(u8::is_ascii_lowercase))
        || zeros * 10 > lower.len() * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for text in [
            "sk-xxxxxxxxxxxx",
            "<your-key>",
            "${TOKEN}",
            "process.env.KEY",
            "AKIAIOSFODNN7EXAMPLE",
            "********",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["kT7mQ2vWz9", "p@ss$word1", "a81f0c3e"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }
}
