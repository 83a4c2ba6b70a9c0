//! The crate from outside: golden files of every dialect, properties that
//! hold for any input, and the demo model through the whole of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests stop where they fail, and read their own files"
)]

mod demo;
mod golden;
mod properties;
mod translate;
mod translate_any;

#[path = "../../../../fuzz/checks/lanes.rs"]
mod lanes;
#[path = "../../../../fuzz/checks/paths.rs"]
mod paths;
#[path = "../../../../fuzz/checks/spans.rs"]
mod spans;
#[path = "../../../../fuzz/checks/sse.rs"]
mod sse;
#[path = "../../../../fuzz/checks/translate.rs"]
mod translation;
