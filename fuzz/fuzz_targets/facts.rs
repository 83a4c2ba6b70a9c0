//! Arbitrary bytes as facts: read, written, read again and judged.
#![no_main]

#[path = "../checks/facts.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
