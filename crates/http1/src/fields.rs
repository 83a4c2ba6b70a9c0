//! What heads of either kind have in common: fields, and what they say of the body and
//! of the connection.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// Most bytes of an answer's head.
pub const HEAD_LIMIT: usize = 64 << 10;

/// Most fields of a head.
pub const MOST_FIELDS: usize = 100;

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// No status line or no field where one has to be.
    #[error("{0}")]
    Malformed(httparse::Error),
    /// A status that is no status, or a field that no type holds.
    #[error("invalid status or field")]
    Invalid,
    /// More bytes than [`HEAD_LIMIT`] or [`crate::CALL_LIMIT`].
    #[error("head is too large")]
    TooLarge,
    /// Lengths that differ, or one that is no number.
    #[error("invalid content-length")]
    Length,
    /// `transfer-encoding` in HTTP/1.0; of a request also one that does not end in
    /// `chunked`, or beside a length.
    #[error("invalid transfer-encoding")]
    Coding,
    /// A request's target beyond what can be taken apart.
    #[error("target too long")]
    Target,
    /// Interim answers without end.
    #[error("more than 16 interim answers")]
    Interim,
}

impl HeadFault {
    /// What a caller is answered whose head this is.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge | Self::Malformed(httparse::Error::TooManyHeaders) => 431,
            Self::Target => 414,
            _ => 400,
        }
    }
}

/// Room for the fields of a head, made without writing to it.
pub(crate) fn room<'b>() -> [MaybeUninit<httparse::Header<'b>>; MOST_FIELDS] {
    [const { MaybeUninit::uninit() }; MOST_FIELDS]
}

/// Whether a head of which `seen` bytes had no end may have one now.
///
/// What comes byte by byte is taken apart when there is an empty line, not with every
/// byte: that would be work for the square of its length.
pub(crate) fn may_be_whole(buffer: &[u8], seen: usize) -> bool {
    let Some(last) = seen.checked_sub(3) else {
        return !buffer.is_empty();
    };
    let new = buffer.get(last..).unwrap_or_default();
    memchr::memchr_iter(b'\n', new)
        .any(|at| matches!(new[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

/// Where the fields of a head stand in it.
pub(crate) type Places = SmallVec<[Place; 24]>;

/// The fields at these places in their order, values as parts of the head.
pub(crate) fn fields(places: &[Place], head: &Bytes) -> Result<HeaderMap, HeadFault> {
    let mut headers = HeaderMap::with_capacity(places.len());
    for place in places {
        headers.append(place.name(head)?, place.value(head)?);
    }
    Ok(headers)
}

/// Where one field stands; heads are far shorter than a `u32`.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    name: (u32, u32),
    value: (u32, u32),
}

impl Place {
    pub(crate) fn of(field: &httparse::Header<'_>, head: &[u8]) -> Self {
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

/// Whether the connection stays open behind the body (RFC 9112, 9.3).
pub(crate) fn persistence(headers: &HeaderMap, is_http_11: bool) -> bool {
    let (mut closes, mut stays) = (false, is_http_11);
    for option in options(headers) {
        closes |= option.eq_ignore_ascii_case("close");
        stays |= option.eq_ignore_ascii_case("keep-alive");
    }
    stays && !closes
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim_ascii))
}

/// Whether the last coding is `chunked`.
pub(crate) fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok());
    let coding = last.and_then(|value| value.rsplit(',').next());
    coding.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case("chunked"))
}

/// The one length that all fields agree on.
pub(crate) fn length(headers: &HeaderMap) -> Result<Option<u64>, HeadFault> {
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
