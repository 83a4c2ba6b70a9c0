//! Files that hold secrets, and text that must not.
//!
//! A file with a key in it is only as secret as its mode, its owner and the
//! links on the way to it. Everything that Tollgate keeps private goes through
//! here:
//!
//! * [`read_private`] opens without following a link, without waiting for a
//!   pipe, and judges the file that it has open, not the name: nothing can be
//!   exchanged between the look and the read. [`check_private`] only looks.
//! * [`write_private`] writes beside the file and renames, so that a crash
//!   leaves the old one or the new one, and nobody ever sees half of it or a
//!   looser mode.
//! * [`make_private_dir`] makes the folders around them.
//! * [`scrub`] takes secrets out of a text that goes to a log or a caller.
//! * [`AuditKey`] signs what the ledger says of its records; its public half,
//!   [`AuditPublicKey`], checks that anywhere. [`GrantKey`] signs what may run.
//!
//! Only the last part of a path is guarded against links: whoever can write
//! to a folder above can move everything in it anyway.

#![allow(
    clippy::disallowed_methods,
    reason = "owns the files that hold secrets"
)]

mod audit_key;
mod fault;
mod folder;
mod grant_key;
mod read;
mod scrub;
mod signing_key;
mod write;

pub use audit_key::{AuditKey, AuditPublicKey, ParsePublicKeyError};
pub use fault::PrivateFileError;
pub use folder::make_private_dir;
pub use grant_key::GrantKey;
pub use read::{check_private, read_private};
pub use scrub::scrub;
pub use signing_key::SigningKeyError;
pub use write::{publish_private, write_private};
