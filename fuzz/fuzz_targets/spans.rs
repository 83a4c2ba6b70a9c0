//! Arbitrary bodies through the request reader and the span editor.
#![no_main]

#[path = "../checks/spans.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
