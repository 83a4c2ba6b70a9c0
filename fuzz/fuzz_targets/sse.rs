//! Arbitrary bytes in arbitrary chunks through the stream tap.
#![no_main]

#[path = "../checks/sse.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
