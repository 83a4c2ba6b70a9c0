//! HTTP/1.1 (RFC 9112) as a client writes and reads it: bytes in, bytes out.
//!
//! [`write_head`] writes a request's head; [`HeadReader`] finds the head of the
//! answer in what was read; [`BodyReader`] takes its body out of what follows. None
//! of them owns a socket or waits: whoever has one reads into a buffer and asks again,
//! so that any cutting of the bytes gives the same answer.
//!
//! What is there twice and could be read as two things is refused: lengths that
//! differ, a length that is no number, a chunk that does not end where its size says.
//! Where `transfer-encoding` and `content-length` both stand, the former holds and the
//! connection is not used again (RFC 9112, 6.3). Everything has a bound before it has a
//! meaning: [`HEAD_LIMIT`], [`MOST_FIELDS`], the length of a chunk's size line and of
//! trailers.
//!
//! A body's pieces are parts of the buffer that they were read into: nothing is copied.

mod body;
mod head;
mod request;

pub use body::{BodyFault, BodyReader, Piece};
pub use head::{HEAD_LIMIT, Head, HeadFault, HeadReader, MOST_FIELDS};
pub use request::write_head;
