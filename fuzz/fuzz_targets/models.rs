//! Arbitrary bytes as a provider's list of models: names that fit, or nothing.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for name in tollgate_llm::read_models(data).unwrap_or_default() {
        assert!(!name.is_empty() && name.len() <= 200);
        assert!(!name.chars().any(char::is_control));
    }
});
