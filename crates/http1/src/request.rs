use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};

/// Bytes that hold most heads.
const USUAL: usize = 1 << 10;

/// Writes the head of a request with a body of `length` bytes; none says that there is
/// no body. What `fields` says of the body's framing is left out: the length does.
///
/// A method, a path and fields of these types can't hold a line's end, so that nothing
/// that a caller sends makes a second request of this one.
pub fn write_head<'f>(
    out: &mut Vec<u8>,
    method: &Method,
    target: &PathAndQuery,
    fields: impl IntoIterator<Item = (&'f HeaderName, &'f HeaderValue)>,
    length: Option<u64>,
) {
    // What most heads need, in one piece.
    out.reserve(USUAL);
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_str().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in fields {
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if let Some(length) = length {
        out.extend_from_slice(b"content-length: ");
        write_number(out, length);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    // The longest `u64` has 20 digits.
    let (mut digits, mut at, mut left) = ([0; 20], 20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn the_length_is_the_bodys_and_nobody_elses() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "api.example"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("x-two", "1"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers.append("x-two", HeaderValue::from_static("2"));
        let target = PathAndQuery::from_static("/v1/x?y=z");
        let mut out = Vec::new();
        write_head(&mut out, &Method::POST, &target, &headers, Some(1234));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "POST /v1/x?y=z HTTP/1.1\r\nhost: api.example\r\nx-two: 1\r\nx-two: 2\r\ncontent-length: 1234\r\n\r\n"
        );
        let mut out = Vec::new();
        write_head(&mut out, &Method::GET, &target, &HeaderMap::new(), None);
        assert_eq!(out, b"GET /v1/x?y=z HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 9, 10, 1_000_000, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
