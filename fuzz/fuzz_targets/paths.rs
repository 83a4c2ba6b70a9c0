//! Arbitrary paths and queries through the reader of requests whose path names
//! the model.
#![no_main]

#[path = "../checks/paths.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
