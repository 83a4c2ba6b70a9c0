use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri, Version};
use httparse::Status;

use crate::BodyReader;
use crate::fields::{
    HeadFault, Place, Places, fields, is_chunked, length, may_be_whole, persistence, room,
};

/// Most bytes of the head of a request that is served.
pub const CALL_LIMIT: usize = 128 << 10;

/// Longest target of a request, in bytes: what [`Uri`] holds.
const LONGEST_TARGET: usize = (u16::MAX - 1) as usize;

/// The head of a request, and what reads its body.
#[derive(Debug)]
pub struct Call {
    /// Method, target, version and fields.
    pub parts: Parts,
    /// Takes the body out of what follows.
    pub body: BodyReader,
    /// The caller would send another request over this connection.
    pub keeps: bool,
    /// The caller waits for `100 Continue` before it sends its body.
    pub waits: bool,
}

/// Finds the head of one request.
#[derive(Debug, Default)]
pub struct CallReader {
    /// Bytes in which no end was found.
    seen: usize,
}

impl CallReader {
    /// Takes the head out of `buffer` where it is whole; none where more has to be
    /// read.
    ///
    /// # Errors
    /// [`HeadFault`]; nothing that follows on the connection can be trusted.
    pub fn read(&mut self, buffer: &mut BytesMut) -> Result<Option<Call>, HeadFault> {
        if may_be_whole(buffer, self.seen)
            && let Some(parts) = parse(buffer)?
        {
            self.seen = 0;
            return understood(parts).map(Some);
        }
        self.seen = buffer.len();
        match self.seen >= CALL_LIMIT {
            true => Err(HeadFault::TooLarge),
            false => Ok(None),
        }
    }
}

fn parse(buffer: &mut BytesMut) -> Result<Option<Parts>, HeadFault> {
    let mut found = room();
    let mut request = httparse::Request::new(&mut []);
    let bytes: &[u8] = buffer;
    let parsed = request
        .parse_with_uninit_headers(bytes, &mut found)
        .map_err(HeadFault::Malformed)?;
    let Status::Complete(length) = parsed else {
        return Ok(None);
    };
    if length > CALL_LIMIT {
        return Err(HeadFault::TooLarge);
    }
    let target = request.path.unwrap_or_default();
    if target.len() > LONGEST_TARGET {
        return Err(HeadFault::Target);
    }
    let start = target.as_ptr().addr() - bytes.as_ptr().addr();
    let target = start..start + target.len();
    let method = request.method.unwrap_or_default().as_bytes();
    let method = Method::from_bytes(method).map_err(|_| HeadFault::Invalid)?;
    let version = match request.version {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    };
    let places = request.headers.iter().map(|it| Place::of(it, bytes));
    let places: Places = places.collect();
    let head = buffer.split_to(length).freeze();
    let uri = Uri::from_maybe_shared(head.slice(target)).map_err(|_| HeadFault::Invalid)?;
    let headers = fields(&places, &head)?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method;
    parts.uri = uri;
    parts.version = version;
    parts.headers = headers;
    Ok(Some(parts))
}

fn understood(parts: Parts) -> Result<Call, HeadFault> {
    let is_http_11 = parts.version == Version::HTTP_11;
    let body = framing(&parts.headers, is_http_11)?;
    let waits = is_http_11 && !body.is_over() && {
        let expect = parts.headers.get(EXPECT);
        expect.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    };
    Ok(Call {
        keeps: persistence(&parts.headers, is_http_11),
        body,
        waits,
        parts,
    })
}

/// How long the body is (RFC 9112, 6.3). Stricter than the specification allows: of a
/// request that two readers could cut in two ways nothing is served.
fn framing(headers: &HeaderMap, is_http_11: bool) -> Result<BodyReader, HeadFault> {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(BodyReader::length(length(headers)?.unwrap_or(0)));
    }
    // Codings below the chunks leave no doubt where it ends; who serves it refuses them.
    match is_http_11 && is_chunked(headers) && !headers.contains_key(CONTENT_LENGTH) {
        true => Ok(BodyReader::chunked()),
        false => Err(HeadFault::Coding),
    }
}

#[cfg(test)]
mod tests;
