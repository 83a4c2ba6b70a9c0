//! Secrets on the way out and injections on the way in, found in lanes of text.
//!
//! Everything that passes any plane goes through here, so it is pure and
//! bounded: text in, kinds and places out. It knows no sockets and no HTTP, no
//! clock and no randomness (both are arguments), and keeps nothing of what
//! matched.
//!
//! * [`Scanner::outbound`] finds credentials by their form, by the name they
//!   stand under, and by being one of the guarded values of a [`Book`], raw and
//!   in whatever encoding.
//! * [`Lane`] does the same to a stream, however it is cut; [`Redactor`] and
//!   [`mask`] take out what was found; [`Fragments`] remembers pieces over the
//!   requests of a run.
//! * [`Injections::inbound`] weighs what a text means to make a model do;
//!   [`Digests`] remembers the verdict, [`Spared`] names hosts that are not
//!   looked at, [`SecondOpinion`] is what others implement.
//!
//! ```text
//! outbound  rules and readings of `name = value`    known    fingerprints
//! decode    what a text holds in an encoding        inbound  concepts, signals
//! scanner   detectors over all layers, settled      lane     the same, in pieces
//! sieve     many literals in one pass
//! ```
//!
//! The data stands in `rules/`: formats, contexts and services of credentials,
//! concepts of injections. Each rule carries examples, and a test holds them.

mod decode;
mod digests;
mod finding;
mod inbound;
mod known;
mod lane;
mod outbound;
mod redact;
mod scanner;
mod sieve;

pub use decode::Limits;
pub use digests::{Digest32, Digests, Remembered, Spared};
pub use finding::{Detector, Finding, Report, Severity, Verdict};
pub use inbound::{
    Answer, Asked, ConceptFault, Context, Inbound, Injections, Opinion, OpinionFault, Profile,
    Rate, SecondOpinion, combine,
};
pub use known::{Book, Fragments, Piece, SecretFault};
pub use lane::{Lane, Passed};
pub use outbound::{Catalog, RuleFault};
pub use redact::{Redactor, mask};
pub use scanner::{Outbound, Scanner};
