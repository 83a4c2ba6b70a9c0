use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{ParserConfig, Response, Status};

use crate::BodyReader;

/// Most bytes of an answer's head.
pub const HEAD_LIMIT: usize = 64 << 10;

/// Most fields of an answer's head.
pub const MOST_FIELDS: usize = 100;

/// Most interim answers (such as `100 Continue`) before the final one.
const MOST_INTERIM: u8 = 16;

/// The head of an answer, and what reads its body.
#[derive(Debug)]
pub struct Head {
    /// The final status; interim answers are skipped.
    pub status: StatusCode,
    /// Fields in the order in which they came; values are parts of what was read.
    pub headers: HeaderMap,
    /// Takes the body out of what follows.
    pub body: BodyReader,
    /// The connection may be used again once the body was read to its end.
    pub keeps: bool,
}

/// Why bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// No status line or no field where one has to be.
    #[error("{0}")]
    Malformed(httparse::Error),
    /// A status that is no status, or a field that no type holds.
    #[error("invalid status or field")]
    Invalid,
    /// More than [`HEAD_LIMIT`].
    #[error("head has more than {HEAD_LIMIT} bytes")]
    TooLarge,
    /// Lengths that differ, or one that is no number.
    #[error("invalid content-length")]
    Length,
    /// `transfer-encoding` in HTTP/1.0.
    #[error("transfer-encoding in HTTP/1.0")]
    Coding,
    /// Interim answers without end.
    #[error("more than {MOST_INTERIM} interim answers")]
    Interim,
}

/// Finds the head of one answer.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// Bytes in which no end was found.
    seen: usize,
    interim: u8,
}

impl HeadReader {
    /// Takes the head out of `buffer` where it is whole; none where more has to be
    /// read. `to_head` says that a `HEAD` request is answered, which has no body.
    ///
    /// # Errors
    /// [`HeadFault`]; the connection is of no more use.
    pub fn read(
        &mut self,
        buffer: &mut BytesMut,
        to_head: bool,
    ) -> Result<Option<Head>, HeadFault> {
        while self.may_be_whole(buffer) {
            let Some(parsed) = parse(buffer)? else {
                break;
            };
            self.seen = 0;
            if is_interim(parsed.status) {
                self.interim += 1;
                if self.interim > MOST_INTERIM {
                    return Err(HeadFault::Interim);
                }
                continue;
            }
            return parsed.understood(to_head).map(Some);
        }
        self.seen = buffer.len();
        match self.seen >= HEAD_LIMIT {
            true => Err(HeadFault::TooLarge),
            false => Ok(None),
        }
    }

    /// What comes byte by byte is taken apart when there is an empty line, not with
    /// every byte: that would be work for the square of its length.
    fn may_be_whole(&self, buffer: &[u8]) -> bool {
        let Some(last) = self.seen.checked_sub(3) else {
            return !buffer.is_empty();
        };
        let new = buffer.get(last..).unwrap_or_default();
        memchr::memchr_iter(b'\n', new)
            .any(|at| matches!(new[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
    }
}

/// A switch of protocols is never asked for, and so no interim answer.
fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

struct Parsed {
    status: StatusCode,
    is_http_11: bool,
    headers: HeaderMap,
}

fn parse(buffer: &mut BytesMut) -> Result<Option<Parsed>, HeadFault> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = Response::new(&mut []);
    let bytes: &[u8] = buffer;
    let parsed = ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut fields)
        .map_err(HeadFault::Malformed)?;
    let Status::Complete(length) = parsed else {
        return Ok(None);
    };
    if length > HEAD_LIMIT {
        return Err(HeadFault::TooLarge);
    }
    let status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(HeadFault::Invalid)?;
    let is_http_11 = response.version == Some(1);
    let count = response.headers.len();
    let mut places = [Place::default(); MOST_FIELDS];
    for (field, place) in response.headers.iter().zip(&mut places) {
        *place = Place::of(field, bytes);
    }
    let head = buffer.split_to(length).freeze();
    let mut headers = HeaderMap::with_capacity(count);
    for place in &places[..count] {
        headers.append(place.name(&head)?, place.value(&head)?);
    }
    Ok(Some(Parsed {
        status,
        is_http_11,
        headers,
    }))
}

/// Where a field stands in its head, which is shorter than [`HEAD_LIMIT`].
#[derive(Clone, Copy, Default)]
struct Place {
    name: (u32, u32),
    value: (u32, u32),
}

impl Place {
    fn of(field: &httparse::Header<'_>, head: &[u8]) -> Self {
        let place = |part: &[u8]| {
            let start = part.as_ptr().addr() - head.as_ptr().addr();
            (start as u32, (start + part.len()) as u32)
        };
        Self {
            name: place(field.name.as_bytes()),
            value: place(field.value),
        }
    }

    fn name(&self, head: &Bytes) -> Result<HeaderName, HeadFault> {
        let (start, end) = self.name;
        HeaderName::from_bytes(&head[start as usize..end as usize]).map_err(|_| HeadFault::Invalid)
    }

    fn value(&self, head: &Bytes) -> Result<HeaderValue, HeadFault> {
        let (start, end) = self.value;
        let part = head.slice(start as usize..end as usize);
        HeaderValue::from_maybe_shared(part).map_err(|_| HeadFault::Invalid)
    }
}

impl Parsed {
    /// What the fields say of the body (RFC 9112, 6.3) and of the connection (9.3).
    fn understood(self, to_head: bool) -> Result<Head, HeadFault> {
        let Self {
            status,
            is_http_11,
            headers,
        } = self;
        let (mut closes, mut stays) = (false, is_http_11);
        for option in options(&headers) {
            closes |= option.eq_ignore_ascii_case("close");
            stays |= option.eq_ignore_ascii_case("keep-alive");
        }
        let mut keeps = stays && !closes;
        let body = match status {
            StatusCode::SWITCHING_PROTOCOLS => {
                keeps = false;
                BodyReader::length(0)
            }
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => BodyReader::length(0),
            _ if to_head => BodyReader::length(0),
            _ if headers.contains_key(TRANSFER_ENCODING) => {
                // Both framings at once is what smuggling is made of.
                keeps &= !headers.contains_key(CONTENT_LENGTH);
                match is_http_11 {
                    false => return Err(HeadFault::Coding),
                    true if is_chunked(&headers) => BodyReader::chunked(),
                    true => BodyReader::until_close(),
                }
            }
            _ => match length(&headers)? {
                Some(length) => BodyReader::length(length),
                None => BodyReader::until_close(),
            },
        };
        Ok(Head {
            status,
            headers,
            body,
            keeps,
        })
    }
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim_ascii))
}

/// Whether the last coding is `chunked`.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok());
    let coding = last.and_then(|value| value.rsplit(',').next());
    coding.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case("chunked"))
}

/// The one length that all fields agree on.
fn length(headers: &HeaderMap) -> Result<Option<u64>, HeadFault> {
    let mut found = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let text = value.to_str().map_err(|_| HeadFault::Length)?;
        for part in text.split(',') {
            let part = part.trim_ascii();
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = part.parse::<u64>().ok().filter(|_| is_number);
            let number = number.ok_or(HeadFault::Length)?;
            if *found.get_or_insert(number) != number {
                return Err(HeadFault::Length);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
