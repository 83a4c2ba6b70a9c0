use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::catalog::Word;
use super::placeholder;

/// The identifier that a word stands in.
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// More letters behind the word: `apikey_myservice`.
    pub(crate) has_suffix: bool,
}

/// Longest part of an identifier that is looked at, in bytes.
const LONGEST: usize = 48;

impl Name {
    /// The identifier around `start..end`; none where the word is only the
    /// beginning of another one, such as `keyboard` and `passenger`.
    pub(crate) fn around(text: &[u8], start: usize, end: usize) -> Option<Self> {
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let before = text[..start]
            .iter()
            .rev()
            .take(LONGEST)
            .take_while(|byte| is_part(byte))
            .count();
        let tail = &text[end..text.len().min(end + LONGEST)];
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let suffix = tail.iter().take_while(|byte| is_word(byte)).count();
        let whole = |end: usize, has_suffix: bool| {
            Some(Self {
                start: start - before,
                end,
                has_suffix,
            })
        };
        let first = tail.first().copied().unwrap_or(b' ');
        let plural = usize::from(first == b's' || first == b'S');
        let digits = tail[plural..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if suffix == 0 || suffix == plural + digits && digits <= 2 {
            return whole(end + suffix, false);
        }
        // `KEY12345678…`: the value follows without a mark between.
        if first.is_ascii_digit() && digits > 2 {
            return whole(end, false);
        }
        let camel = text[end - 1].is_ascii_lowercase() && first.is_ascii_uppercase();
        (first == b'_' || camel).then(|| Self {
            start: start - before,
            end: end + suffix,
            has_suffix: true,
        })
    }

    /// Whether the word is one of its own and not the end of `compass`.
    pub(crate) fn begins_cleanly(&self, text: &[u8], word: usize) -> bool {
        let Some(before) = word.checked_sub(1).map(|at| text[at]) else {
            return true;
        };
        let here = text[word];
        !before.is_ascii_alphabetic()
            || (before.is_ascii_lowercase() && here.is_ascii_uppercase())
            || (before.is_ascii_uppercase() && here.is_ascii_uppercase())
            || text[self.start..word].eq_ignore_ascii_case(b"db")
    }

    /// Only the word, with nothing that says of what.
    pub(crate) fn is_bare(&self, text: &[u8]) -> bool {
        let name = &text[self.start..self.end];
        let lower: Vec<u8> = name
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase)
            .collect();
        let alone: &[&[u8]] = &[
            b"key",
            b"keys",
            b"access",
            b"private",
            b"auth",
            b"pat",
            b"data.key",
        ];
        alone.contains(&&*lower)
    }

    /// All capitals, as variables of the environment are.
    pub(crate) fn is_shouted(&self, text: &[u8]) -> bool {
        let name = &text[self.start..self.end];
        !name.iter().any(u8::is_ascii_lowercase)
    }
}

/// Names that end like a secret's and hold none.
pub(crate) fn is_foreign(name: &[u8], word: Word) -> bool {
    const ALWAYS: &[&str] = &[
        "public",
        "publish",
        "_id",
        "key_id",
        "keyid",
        "tokenizer",
        "token_type",
        "token_count",
        "max_token",
        "_hash",
        "hash_key",
        "monkey",
        "hotkey",
        "turkey",
        "whiskey",
        "jockey",
        "compass",
        "bypass",
        "tokens_",
        "_url",
        "_uri",
        "_path",
        "_file",
        "_name",
        "_arn",
        "_length",
        "_size",
        "_expir",
        "_ttl",
        "_type",
        "_version",
        "_format",
        "_algorithm",
        "_field",
        "_label",
        "_prefix",
        "_header",
        "_endpoint",
        "_count",
        "_index",
        "_ref",
        "_store",
        "_host",
        "_region",
        "_min",
        "_max",
        "_policy",
        "_strength",
        "_hint",
        "_regex",
        "_pattern",
        "_placeholder",
        "_title",
        "_text",
        "_message",
        "_error",
        "_input",
        "_env",
        "_var",
        "tokenurl",
        "tokenfile",
        "keyname",
        "keypath",
        "keyfile",
        "tokenendpoint",
        "secretname",
        "keyvault",
        "keytype",
        "keysize",
        "keypair",
        "keyboard",
        "keycode",
        "keyframe",
        "keyword",
        "keychars",
        "alphabet",
        "charset",
        "csrf",
        "xsrf",
        "nonce",
        "sitekey",
        "site_key",
        "site-key",
        "_at",
        "client_id",
        "credentialid",
        "checksum",
        "integrity",
    ];
    const VAGUE: &[&str] = &[
        "primary",
        "foreign",
        "sort",
        "partition",
        "cache",
        "lookup",
        "schema",
        "sequence",
        "bucket",
        "object",
        "row",
        "column",
        "map",
        "dict",
        "range",
        "group",
        "index",
        "unique",
        "i18n",
        "translation",
        "message",
        "event",
        "license_plate",
        "react",
        "issue",
        "project",
        "metadata",
        "etag",
        "hash",
        "idempotency",
        "version",
        "access_log",
        "kms",
        "ssh-rsa",
        "fingerprint",
        "pubkey",
        "hostkey",
        "host_key",
        "signature",
        "trace",
        "span",
        "session_key_id",
        "srcrev",
        "dedup",
        "routing",
        "shard",
        "config_key",
        "anchor",
    ];
    static PARTS: LazyLock<[Option<AhoCorasick>; 2]> =
        LazyLock::new(|| [ALWAYS, VAGUE].map(placeholder::any_of));
    let has = |parts: &Option<AhoCorasick>| parts.as_ref().is_some_and(|all| all.is_match(name));
    has(&PARTS[0]) || word == Word::Vague && has(&PARTS[1])
}

/// Whether the line up to here names something that gives out keys: a letter
/// group before the word, as in `helpscout key`.
pub(crate) fn names_a_service(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(48)..start];
    let line = before
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let words: Vec<&[u8]> = line
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let says = |word: &[u8]| {
        let lower = word.to_ascii_lowercase();
        [
            "api",
            "secret",
            "private",
            "access",
            "auth",
            "token",
            "license",
            "encryption",
            "signing",
            "master",
            "service",
        ]
        .iter()
        .any(|known| lower == known.as_bytes())
    };
    (1..=4).contains(&words.len()) && words.last().is_some_and(|word| says(word))
}
