use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};
use httparse::{ParserConfig, Response, Status};

use crate::BodyReader;
use crate::fields::{
    HEAD_LIMIT, HeadFault, Place, Places, fields, is_chunked, length, may_be_whole, persistence,
    room,
};

/// Most interim answers (such as `100 Continue`) before the final one.
pub(crate) const MOST_INTERIM: u8 = 16;

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
        while may_be_whole(buffer, self.seen) {
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
    let mut found = room();
    let mut response = Response::new(&mut []);
    let bytes: &[u8] = buffer;
    let parsed = ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut found)
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
    let places = response.headers.iter().map(|it| Place::of(it, bytes));
    let places: Places = places.collect();
    let head = buffer.split_to(length).freeze();
    let headers = fields(&places, &head)?;
    Ok(Some(Parsed {
        status,
        is_http_11,
        headers,
    }))
}

impl Parsed {
    /// What the fields say of the body (RFC 9112, 6.3) and of the connection (9.3).
    fn understood(self, to_head: bool) -> Result<Head, HeadFault> {
        let Self {
            status,
            is_http_11,
            headers,
        } = self;
        let mut keeps = persistence(&headers, is_http_11);
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

#[cfg(test)]
mod tests;
