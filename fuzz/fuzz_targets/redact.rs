//! Arbitrary bytes around a guarded secret, redacted and masked.
#![no_main]

#[allow(dead_code, reason = "each target runs one of three checks")]
#[path = "../checks/scan.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::redact(data));
