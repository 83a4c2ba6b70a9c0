use std::borrow::Cow;

/// Percent-decodes a part of a path or query (RFC 3986, 2.1). None where a `%`
/// has no two digits behind it or what comes out is not UTF-8: other readers
/// might make something else of it.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = tail else {
            return None;
        };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push((digit(high)? << 4 | digit(low)?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Percent-decodes a model's name as it stands in a path. What can't be decoded
/// stays as it is: no model has such a name.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    decode(text).unwrap_or(Cow::Borrowed(text))
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3), a
/// slash included: what comes out is one segment of a path.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        match plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["plain-1.5_~", "a/b", "%41", "é:?#"] {
            assert_eq!(decode(&encode(text)).unwrap(), text);
        }
        assert_eq!(encode("a/b c"), "a%2Fb%20c");
        assert_eq!(decode("a%2fb").unwrap(), "a/b");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in ["%", "%4", "%zz", "a%2", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
