//! Reads one request off a connection, keeping its bytes.

use crate::received::Received;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Fakes are bounded too: a gateway that floods its provider should fail the
/// test, not the machine.
const MAX_HEAD: usize = 1 << 20;
const MAX_BODY: usize = 64 << 20;

/// `None`: the peer closed, or sent what is not a request.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(
    socket: &mut S,
    unread: &mut BytesMut,
    connection: u64,
) -> Option<Received> {
    let head = read_through(socket, unread, b"\r\n\r\n", MAX_HEAD).await?;
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let mut request_line = lines.next()?.split(' ');
    let (method, target) = (
        request_line.next()?.to_owned(),
        request_line.next()?.to_owned(),
    );
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let credential = credential(&headers);
    let mut received = Received {
        method,
        target,
        headers,
        head,
        body: Bytes::new(),
        credential,
        connection,
    };
    received.body = read_body(socket, unread, &received).await?;
    Some(received)
}

async fn read_body<S: AsyncRead + Unpin>(
    socket: &mut S,
    unread: &mut BytesMut,
    request: &Received,
) -> Option<Bytes> {
    if request
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        return read_chunks(socket, unread).await;
    }
    let length = request
        .header("content-length")
        .map_or(Some(0), |value| value.parse().ok())?;
    read_exact(socket, unread, length).await
}

async fn read_chunks<S: AsyncRead + Unpin>(socket: &mut S, unread: &mut BytesMut) -> Option<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = read_through(socket, unread, b"\r\n", MAX_HEAD).await?;
        let length = usize::from_str_radix(std::str::from_utf8(&line).ok()?.trim(), 16).ok()?;
        let chunk = read_exact(socket, unread, length.checked_add(2)?).await?;
        if length == 0 {
            return Some(body.freeze());
        }
        body.extend_from_slice(&chunk[..length]);
        if body.len() > MAX_BODY {
            return None;
        }
    }
}

async fn read_through<S: AsyncRead + Unpin>(
    socket: &mut S,
    unread: &mut BytesMut,
    end: &[u8],
    limit: usize,
) -> Option<Bytes> {
    loop {
        if let Some(place) = unread.windows(end.len()).position(|window| window == end) {
            return Some(unread.split_to(place + end.len()).freeze());
        }
        if unread.len() > limit || socket.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
}

async fn read_exact<S: AsyncRead + Unpin>(
    socket: &mut S,
    unread: &mut BytesMut,
    length: usize,
) -> Option<Bytes> {
    if length > MAX_BODY {
        return None;
    }
    while unread.len() < length {
        if socket.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    Some(unread.split_to(length).freeze())
}

fn credential(headers: &[(String, String)]) -> Option<String> {
    headers
        .iter()
        .find_map(|(name, value)| match name.to_ascii_lowercase().as_str() {
            "authorization" => value.strip_prefix("Bearer ").map(str::to_owned),
            "x-api-key" | "x-goog-api-key" => Some(value.clone()),
            _ => None,
        })
}
