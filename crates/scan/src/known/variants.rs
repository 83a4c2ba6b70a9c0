//! Everything that a secret turns into on its way through programs.

/// Each form of the secret that may stand in a text, the raw one first. Forms
/// that only differ in a few bytes at the ends (base64 at an offset) are cut to
/// what does not depend on their neighbours.
pub(crate) fn of(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = vec![secret.to_vec()];
    for alphabet in [BASE64, BASE64_URL] {
        forms.extend((0..3).map(|offset| base64(secret, offset, alphabet)));
    }
    forms.push(base32(secret));
    forms.push(base58(secret));
    forms.push(base85(secret, ASCII85));
    forms.push(base85(secret, RFC1924));
    for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
        for (before, between) in [
            ("", ""),
            ("", ":"),
            ("", " "),
            ("", "-"),
            ("\\x", ""),
            ("%", ""),
            ("0x", ", "),
            ("0x", ","),
        ] {
            forms.push(hex(secret, digits, before, between));
        }
    }
    forms.push(percent(secret, false));
    forms.push(percent(secret, true));
    forms.push(json(secret));
    forms.push(unicode(secret));
    forms.push(html(secret, false));
    forms.push(html(secret, true));
    forms.push(secret.iter().rev().copied().collect());
    forms.push(secret.iter().flat_map(|byte| [*byte, 0]).collect());
    forms.push(secret.iter().flat_map(|byte| [0, *byte]).collect());
    forms.push(secret.iter().map(|byte| rot13(*byte)).collect());
    forms.retain(|form| form.len() >= super::SHORTEST);
    let mut seen = std::collections::HashSet::new();
    forms.retain(|form| seen.insert(form.clone()));
    forms
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letters that depend on the secret alone when `offset` bytes stand
/// before it: padding and shared letters at both ends are left out.
fn base64(secret: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let mut bytes = vec![0u8; offset];
    bytes.extend_from_slice(secret);
    let mut out = Vec::with_capacity(bytes.len() * 4 / 3 + 4);
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
            << (8 * (3 - group.len()));
        out.extend((0..=group.len()).map(|at| alphabet[(word >> (18 - 6 * at)) as usize & 63]));
    }
    let head = (offset * 8).div_ceil(6);
    let whole = (bytes.len() * 8) / 6;
    out[head..whole].to_vec()
}

fn base32(secret: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in secret {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            out.push(LETTERS[(bits >> count) as usize & 31]);
        }
    }
    out
}

fn base58(secret: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = Vec::new();
    for byte in secret.iter().take(256) {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| LETTERS[usize::from(*digit)])
        .collect()
}

const ASCII85: &[u8; 85] =
    b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu";
const RFC1924: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// Whole groups only: what a tail turns into depends on what follows it.
fn base85(secret: &[u8], alphabet: &[u8; 85]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in secret.chunks_exact(4) {
        let mut word = group
            .iter()
            .fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
        let mut letters = [0u8; 5];
        for letter in letters.iter_mut().rev() {
            *letter = alphabet[(word % 85) as usize];
            word /= 85;
        }
        out.extend_from_slice(&letters);
    }
    out
}

fn hex(secret: &[u8], digits: &[u8; 16], before: &str, between: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(secret.len() * 4);
    for (at, byte) in secret.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        out.extend_from_slice(before.as_bytes());
        out.push(digits[usize::from(byte >> 4)]);
        out.push(digits[usize::from(byte & 15)]);
    }
    out
}

fn percent(secret: &[u8], lower: bool) -> Vec<u8> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let digits: &[u8; 16] = if lower {
        b"0123456789abcdef"
    } else {
        b"0123456789ABCDEF"
    };
    secret
        .iter()
        .flat_map(|byte| {
            if plain(*byte) {
                vec![*byte]
            } else {
                hex(&[*byte], digits, "%", "")
            }
        })
        .collect()
}

fn json(secret: &[u8]) -> Vec<u8> {
    secret
        .iter()
        .flat_map(|byte| match byte {
            b'"' | b'\\' | b'/' => vec![b'\\', *byte],
            b'\n' => b"\\n".to_vec(),
            b'\t' => b"\\t".to_vec(),
            _ => vec![*byte],
        })
        .collect()
}

fn unicode(secret: &[u8]) -> Vec<u8> {
    hex(secret, b"0123456789abcdef", "\\u00", "")
}

fn html(secret: &[u8], every: bool) -> Vec<u8> {
    secret
        .iter()
        .flat_map(|byte| match byte {
            b'&' if !every => b"&amp;".to_vec(),
            b'<' if !every => b"&lt;".to_vec(),
            b'>' if !every => b"&gt;".to_vec(),
            b'"' if !every => b"&quot;".to_vec(),
            b'\'' if !every => b"&#39;".to_vec(),
            byte if every => format!("&#{byte};").into_bytes(),
            byte => vec![*byte],
        })
        .collect()
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        _ => byte,
    }
}
