use bytes::{Buf, Bytes, BytesMut};

/// Most bytes of a chunk's size line, and of all extensions of an answer.
const LINE_LIMIT: usize = 16 << 10;

/// Most bytes of all trailers.
const TRAILER_LIMIT: usize = 16 << 10;

/// Takes a body out of what was read, in the buffers it was read into.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyReader(Framing);

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked {
        state: Chunk,
        /// Bytes of size lines beyond their digits, and of trailers.
        beside: usize,
    },
    /// What comes until the connection closes.
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    End,
}

/// What a look for more of a body gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes, never none.
    Data(Bytes),
    /// More has to be read first.
    Missing,
    /// That was all.
    End,
}

/// Why bytes are no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// The connection closed within it.
    #[error("the answer broke off")]
    Cut,
    /// A chunk without a size.
    #[error("invalid chunk size")]
    Size,
    /// A chunk that does not end where its size says.
    #[error("a chunk does not end where its size says")]
    End,
    /// Extensions of chunks beyond their limit.
    #[error("chunk extensions beyond {LINE_LIMIT} bytes")]
    Extensions,
    /// Trailers beyond their limit, or such as are no lines.
    #[error("invalid trailers, or more than {TRAILER_LIMIT} bytes of them")]
    Trailers,
}

impl BodyReader {
    pub(crate) fn length(length: u64) -> Self {
        Self(Framing::Length(length))
    }

    pub(crate) fn chunked() -> Self {
        Self(Framing::Chunked {
            state: Chunk::Size,
            beside: 0,
        })
    }

    pub(crate) fn until_close() -> Self {
        Self(Framing::UntilClose)
    }

    /// How many bytes are still to come, where that is known.
    pub fn announced(&self) -> Option<u64> {
        match &self.0 {
            Framing::Length(left) => Some(*left),
            _ => None,
        }
    }

    /// The next bytes of the body that stand in `buffer`.
    ///
    /// # Errors
    /// [`BodyFault`]; the connection is of no more use.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Piece, BodyFault> {
        match &mut self.0 {
            Framing::Length(0) => Ok(Piece::End),
            Framing::Length(left) => Ok(take(buffer, left)),
            Framing::UntilClose if buffer.is_empty() => Ok(Piece::Missing),
            Framing::UntilClose => Ok(Piece::Data(buffer.split().freeze())),
            Framing::Chunked { state, beside } => chunked(buffer, state, beside),
        }
    }

    /// The connection was closed and everything before was taken: whether that ends the
    /// body.
    ///
    /// # Errors
    /// [`BodyFault::Cut`] where more was to come.
    pub fn closed(&self) -> Result<(), BodyFault> {
        match &self.0 {
            Framing::UntilClose
            | Framing::Length(0)
            | Framing::Chunked {
                state: Chunk::End, ..
            } => Ok(()),
            _ => Err(BodyFault::Cut),
        }
    }

    /// Whether all of it was taken, as far as its framing says that.
    pub fn is_over(&self) -> bool {
        matches!(
            self.0,
            Framing::Length(0)
                | Framing::Chunked {
                    state: Chunk::End,
                    ..
                }
        )
    }
}

/// What there is of so many bytes, and no more.
fn take(buffer: &mut BytesMut, left: &mut u64) -> Piece {
    let here = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    if here == 0 {
        return Piece::Missing;
    }
    *left -= here as u64;
    Piece::Data(buffer.split_to(here).freeze())
}

fn chunked(
    buffer: &mut BytesMut,
    state: &mut Chunk,
    beside: &mut usize,
) -> Result<Piece, BodyFault> {
    loop {
        *state = match state {
            Chunk::Size => {
                let Some((size, line)) = size_line(buffer)? else {
                    return Ok(Piece::Missing);
                };
                buffer.advance(line);
                // Extensions are bounded over the whole answer; digits are not.
                *beside += line.saturating_sub(18);
                if *beside > LINE_LIMIT {
                    return Err(BodyFault::Extensions);
                }
                match size {
                    0 => {
                        *beside = 0;
                        Chunk::Trailers
                    }
                    size => Chunk::Data(size),
                }
            }
            Chunk::Data(0) => Chunk::DataEnd,
            Chunk::Data(left) => return Ok(take(buffer, left)),
            Chunk::DataEnd => match line_end(buffer).ok_or(BodyFault::End)? {
                false => return Ok(Piece::Missing),
                true => {
                    buffer.advance(2);
                    Chunk::Size
                }
            },
            Chunk::Trailers => match trailer(buffer, beside)? {
                None => return Ok(Piece::Missing),
                Some(true) => Chunk::End,
                Some(false) => Chunk::Trailers,
            },
            Chunk::End => return Ok(Piece::End),
        };
    }
}

/// A chunk's size and the length of its line; none where the line is not whole. What is
/// no size is refused as soon as it is seen.
fn size_line(bytes: &[u8]) -> Result<Option<(u64, usize)>, BodyFault> {
    let digits = bytes
        .iter()
        .take(17)
        .take_while(|it| it.is_ascii_hexdigit());
    let digits = digits.count();
    let Some(after) = bytes.get(digits) else {
        return Ok(None);
    };
    // 16 digits are the most that a `u64` holds.
    if digits == 0 || digits > 16 || !matches!(after, b'\r' | b';' | b' ' | b'\t') {
        return Err(BodyFault::Size);
    }
    let Some(end) = memchr::memchr2(b'\r', b'\n', &bytes[digits..]) else {
        return match bytes.len() > LINE_LIMIT {
            true => Err(BodyFault::Extensions),
            false => Ok(None),
        };
    };
    let end = digits + end;
    let extension = bytes[digits..end].trim_ascii_start();
    if !matches!(extension, [] | [b';', ..]) {
        return Err(BodyFault::Size);
    }
    match line_end(&bytes[end..]) {
        None => Err(BodyFault::Size),
        Some(false) => Ok(None),
        Some(true) => {
            let size = bytes[..digits].iter().fold(0, |size, digit| {
                size << 4 | u64::from((*digit as char).to_digit(16).unwrap_or(0))
            });
            Ok(Some((size, end + 2)))
        }
    }
}

/// Whether a line ends here: none where it surely doesn't, false where it may.
fn line_end(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [b'\r', b'\n', ..] => Some(true),
        [] | [b'\r'] => Some(false),
        _ => None,
    }
}

/// Takes one trailer off, which nobody reads; true for the empty line behind the last.
fn trailer(buffer: &mut BytesMut, beside: &mut usize) -> Result<Option<bool>, BodyFault> {
    let Some(end) = memchr::memchr(b'\n', buffer) else {
        return match *beside + buffer.len() > TRAILER_LIMIT {
            true => Err(BodyFault::Trailers),
            false => Ok(None),
        };
    };
    *beside += end + 1;
    let is_line = buffer[..end].last() == Some(&b'\r');
    if !is_line || *beside > TRAILER_LIMIT {
        return Err(BodyFault::Trailers);
    }
    buffer.advance(end + 1);
    Ok(Some(end == 1))
}

#[cfg(test)]
mod tests;
