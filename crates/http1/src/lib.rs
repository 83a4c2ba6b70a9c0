//! HTTP/1.1 (RFC 9112), both sides of it: bytes in, bytes out.
//!
//! Towards a provider [`write_head`] writes a request's head and [`HeadReader`] finds the
//! answer's; towards a caller [`CallReader`] finds a request's head and [`write_reply`]
//! writes the answer's. [`BodyReader`] takes a body out of what follows a head. None of
//! them owns a socket or waits: whoever has one reads into a buffer and asks again, so
//! that any cutting of the bytes gives the same.
//!
//! What is there twice and could be read as two things is refused: lengths that differ, a
//! length that is no number, a chunk that does not end where its size says; in requests
//! also a `transfer-encoding` that does not end in `chunked`, and one beside a length. In
//! answers, where providers do such things, the coding holds and the connection is not
//! used again (RFC 9112, 6.3). Everything has a bound before it has a meaning: heads in
//! bytes ([`HEAD_LIMIT`], [`CALL_LIMIT`]) and in fields ([`MOST_FIELDS`]), the size line of
//! a chunk, trailers.
//!
//! A body's pieces are parts of the buffer that they were read into: nothing is copied.

mod body;
mod call;
mod fields;
mod head;
mod reply;
mod request;

pub use body::{BodyFault, BodyReader, Piece};
pub use call::{CALL_LIMIT, Call, CallReader};
pub use fields::{HEAD_LIMIT, HeadFault, MOST_FIELDS};
pub use head::{Head, HeadReader};
pub use reply::{CHUNK_END, CONTINUE, ChunkStart, Ending, LAST_CHUNK, write_reply};
pub use request::write_head;
