//! Arbitrary bytes through the reader of a body's texts.
#![no_main]

#[path = "../checks/lanes.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
