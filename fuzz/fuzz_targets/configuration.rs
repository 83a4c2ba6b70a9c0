//! Arbitrary bytes as `tollgate.toml`: faults or settings, never a panic, and
//! no fault that shows a value after `api_key`.
#![no_main]

use std::path::PathBuf;

use tollgate::config::{self, Nowhere};
use tollgate::paths::Paths;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let paths = Paths {
        config: PathBuf::from("/nowhere/tollgate.toml"),
        named: true,
        state: PathBuf::from("/nowhere"),
    };
    if let Err(faults) = config::read(data, &paths, &Nowhere) {
        assert!(!faults.to_string().contains("s3cr3t-s3cr3t"), "{faults}");
    }
});
