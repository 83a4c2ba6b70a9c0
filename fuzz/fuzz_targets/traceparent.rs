//! Arbitrary text as `traceparent`: a parent that writes itself back, or none.
#![no_main]

use tollgate_types::TraceParent;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(parent) = TraceParent::parse(text) {
        assert_eq!(TraceParent::parse(&parent.to_header()), Some(parent));
        assert_eq!(parent.to_header()[2..52], text[2..52]);
    }
});
