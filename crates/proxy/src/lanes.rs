//! The scanner on the model plane: secrets on the way out, secrets and
//! injections on the way in.
//!
//! What is looked at is text and not wire bytes: `llm` says where in a request
//! or an event somebody wrote something, and this hands it to `scan`.
//!
//! * [`Scanning`] is what looks, with the guarded secrets and the settings; it
//!   stands in the snapshot.
//! * [`Dlp`] says what is looked for between one agent and one provider, and
//!   what follows.
//! * [`sweep`] looks at a request once, part by part; a part that came before is
//!   remembered ([`memory`]) and costs a hash.
//! * [`clearance`] is what one candidate gets: the request as it is, one with
//!   placeholders, or nothing.
//! * [`answer`] listens to answers, and masks them where that is asked for.
//! * [`taint`] puts what was found down on the run.
//! * [`ask`] answers `POST /scan` and `/scan/injection`.
//!
//! Nothing here keeps, logs or returns the text that was found.

mod answer;
mod ask;
mod clearance;
mod dlp;
mod look;
mod memory;
mod remote;
mod scanning;
mod script;
mod sweep;
mod taint;
mod veil;

pub(crate) use answer::Listener;
pub(crate) use ask::{Question, ask};
pub(crate) use clearance::{Edited, Found, Kept, Plan, clear, supervised};
pub(crate) use dlp::Dlp;
pub use dlp::{DlpSettings, Inward, OnMatch};
pub(crate) use memory::Memory;
pub use remote::Remote;
pub use scanning::{Late, Opinions, Scanning};
pub use script::Script;
pub(crate) use sweep::{Subject, Sweep, sweep, wanted};
pub(crate) use taint::Tainting;
