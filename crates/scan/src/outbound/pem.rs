use super::patterns::Hits;
use super::placeholder;
use crate::finding::Severity;

/// Longest armoured key that is looked at, in bytes.
const LONGEST: usize = 16_384;

/// A private key in armour, raw or inside a JSON string.
pub(crate) fn look(hits: &mut Hits<'_>, start: usize) {
    let text = hits.text;
    let head = &text[start..text.len().min(start + 80)];
    let Some(close) = memchr::memmem::find(&head[11..], b"-----").map(|at| at + 16) else {
        if head.len() < 80 {
            hits.hold_from(start);
        }
        return;
    };
    let label = &head[11..close - 5];
    let holds = |word: &[u8]| memchr::memmem::find(label, word).is_some();
    if !holds(b"PRIVATE KEY") {
        return;
    }
    let body = &text[start + close..text.len().min(start + LONGEST)];
    let length = armour(body);
    let letters = body[..length]
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .count();
    let rest = &body[length..];
    if rest.is_empty() && start + close + length == text.len() {
        hits.hold_from(start);
    }
    if letters < 32 || placeholder::is_placeholder(&body[..length.min(40)]) {
        return;
    }
    let closes = memchr::memmem::find(rest.get(9..).unwrap_or_default(), b"-----").is_some();
    if rest.starts_with(b"-----END ") && !closes && rest.len() < 80 {
        hits.hold_from(start);
    }
    let end = match rest.starts_with(b"-----END ") {
        true => memchr::memmem::find(&rest[9..], b"-----").map_or(length, |at| length + at + 14),
        false => length,
    };
    hits.add(
        &"private-key".into(),
        Severity::Critical,
        start,
        start + close + end,
    );
}

/// How far base64, headers and line ends go, escaped ones too.
fn armour(body: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n\t \\:,.-".contains(byte);
    let mut length = 0;
    while length < body.len() && is_part(&body[length]) && !body[length..].starts_with(b"-----") {
        length += 1;
    }
    length
}
