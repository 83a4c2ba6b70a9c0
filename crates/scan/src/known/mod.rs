//! Values that Tollgate itself guards, found in whatever form they leave.
//!
//! No plain copy is kept. A secret and its forms are stored as keyed
//! fingerprints: of six bytes, to see a candidate while a text goes by, and of
//! the whole, to be sure. The key is drawn by the caller when the book is made
//! and dies with the process, so that a dump of the book gives nothing away
//! that could be tried offline elsewhere.

mod book;
mod fragments;
mod random;
mod variants;

pub use book::{Book, Piece, SecretFault};
pub use fragments::Fragments;

/// Shortest secret that is guarded, in bytes: shorter ones stand everywhere.
pub(crate) const SHORTEST: usize = 8;

/// Secrets whose forms are kept at one time; of older ones the raw form stays,
/// and decoding finds most of the others.
pub(crate) const DERIVED: usize = 256;

/// Secrets that are guarded at one time.
pub(crate) const MOST: usize = 4096;
