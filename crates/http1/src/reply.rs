use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version};

use crate::request::write_number;

/// How the end of an answer's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has none, whatever its fields say of the one that another method would get.
    Bodiless,
    /// It has so many bytes.
    Length(u64),
    /// In chunks.
    Chunks,
    /// By closing the connection, for callers that know no chunks.
    Close,
}

impl Ending {
    /// How a body is ended that has `exact` bytes, where that is known (RFC 9112, 6.3).
    pub fn of(version: Version, method: &Method, status: StatusCode, exact: Option<u64>) -> Self {
        let is_bodiless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match exact {
            _ if is_bodiless || *method == Method::HEAD => Self::Bodiless,
            Some(length) => Self::Length(length),
            None if version == Version::HTTP_10 => Self::Close,
            None => Self::Chunks,
        }
    }
}

/// Writes the head of an answer. What `headers` say of the framing and of the connection
/// is left out: `ending` and `keeps` do. `date` is written where no field has one.
pub fn write_reply(
    out: &mut Vec<u8>,
    version: Version,
    status: StatusCode,
    headers: &HeaderMap,
    ending: Ending,
    keeps: bool,
    date: &str,
) {
    let fields: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    // Status line, date, connection and length are 150 bytes at most.
    out.reserve(fields + 150);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or("").as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        let is_framing = name == TRANSFER_ENCODING || name == CONTENT_LENGTH;
        let is_ours = is_framing && ending != Ending::Bodiless || name == CONNECTION;
        if !is_ours {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    match ending {
        Ending::Bodiless | Ending::Close => {}
        Ending::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            write_number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Ending::Chunks => field(out, "transfer-encoding", b"chunked"),
    }
    match (keeps, version) {
        (false, _) => field(out, "connection", b"close"),
        (true, Version::HTTP_10) => field(out, "connection", b"keep-alive"),
        (true, _) => {}
    }
    if !headers.contains_key(DATE) {
        field(out, "date", date.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The line that a chunk begins with.
#[derive(Clone, Copy, Debug)]
pub struct ChunkStart {
    bytes: [u8; 18],
    from: usize,
}

impl ChunkStart {
    /// The line for a chunk of `length` bytes, which are not none.
    pub fn of(length: usize) -> Self {
        let (mut bytes, mut from, mut left) = (*b"0000000000000000\r\n", 16, length);
        while from > 0 && (left > 0 || from == 16) {
            from -= 1;
            bytes[from] = b"0123456789abcdef"[left % 16];
            left /= 16;
        }
        Self { bytes, from }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.from..]
    }
}

/// What follows a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// What follows the last chunk.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What lets a caller go on that waits with its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn written(version: Version, ending: Ending, keeps: bool) -> String {
        let mut headers = HeaderMap::new();
        headers.append("content-length", HeaderValue::from_static("99"));
        headers.append("transfer-encoding", HeaderValue::from_static("chunked"));
        headers.append("connection", HeaderValue::from_static("upgrade"));
        headers.append("x-a", HeaderValue::from_static("1"));
        let mut out = Vec::new();
        write_reply(
            &mut out,
            version,
            StatusCode::OK,
            &headers,
            ending,
            keeps,
            "now",
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn framing_and_connection_are_said_once() {
        let start = "HTTP/1.1 200 OK\r\n";
        let table = [
            (
                Version::HTTP_11,
                Ending::Length(7),
                true,
                "x-a: 1\r\ncontent-length: 7\r\ndate: now\r\n",
            ),
            (
                Version::HTTP_11,
                Ending::Chunks,
                false,
                "x-a: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\ndate: now\r\n",
            ),
            (
                Version::HTTP_10,
                Ending::Close,
                false,
                "x-a: 1\r\nconnection: close\r\ndate: now\r\n",
            ),
            (
                Version::HTTP_10,
                Ending::Length(0),
                true,
                "x-a: 1\r\ncontent-length: 0\r\nconnection: keep-alive\r\ndate: now\r\n",
            ),
        ];
        for (version, ending, keeps, expected) in table {
            let expected = format!("{start}{expected}\r\n");
            assert_eq!(written(version, ending, keeps), expected, "{ending:?}");
        }
        let bodiless = written(Version::HTTP_11, Ending::Bodiless, true);
        assert!(bodiless.contains("content-length: 99\r\n"), "{bodiless}");
    }

    #[test]
    fn every_body_has_its_ending() {
        let (http_11, http_10) = (Version::HTTP_11, Version::HTTP_10);
        let (get, head) = (Method::GET, Method::HEAD);
        for (version, method, status, exact, expected) in [
            (http_11, &get, 200, Some(0), Ending::Length(0)),
            (http_11, &get, 200, None, Ending::Chunks),
            (http_10, &get, 200, None, Ending::Close),
            (http_11, &head, 200, Some(5), Ending::Bodiless),
            (http_11, &get, 204, Some(0), Ending::Bodiless),
            (http_11, &get, 304, None, Ending::Bodiless),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Ending::of(version, method, status, exact), expected);
        }
    }

    #[test]
    fn a_chunk_begins_with_its_length() {
        for (length, expected) in [(1, "1\r\n"), (255, "ff\r\n"), (65536, "10000\r\n")] {
            assert_eq!(ChunkStart::of(length).as_bytes(), expected.as_bytes());
        }
        let longest = ChunkStart::of(usize::MAX);
        assert_eq!(longest.as_bytes(), b"ffffffffffffffff\r\n");
    }
}
