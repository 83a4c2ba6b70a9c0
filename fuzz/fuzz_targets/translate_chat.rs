//! Arbitrary requests, answers and streams of one dialect into the others.
#![no_main]

use tollgate_llm::Endpoint;

#[path = "../checks/translate.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(Endpoint::ChatCompletions, data));
