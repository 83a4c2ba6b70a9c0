//! The fuzzer's checks over inputs made of parts that matter.

#![allow(clippy::expect_used, reason = "a fuzzer's check")]

use proptest::prelude::*;

#[path = "../../../fuzz/checks/scan.rs"]
mod check;

const PARTS: &[&[u8]] = &[
    b"ghp_",
    b"sk-",
    b"eyJ",
    b"-----BEGIN RSA PRIVATE KEY-----",
    b"password",
    b" = ",
    b"\"",
    b"'",
    b": ",
    b"key",
    b"://",
    b"@",
    b":",
    b"%41",
    b"\\u0041",
    b"&#65;",
    b"=41",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"QUJDREVGR0hJSktMTU5PUFFSU1RVVg",
    b"6162636465666768696a6b6c",
    b"\n",
    b" ",
    b"\0",
    b"\xff\xfe",
    "é".as_bytes(),
    "\u{200b}".as_bytes(),
    b"<!--",
    b"ignore previous",
    b"instructions",
    b"kind: Secret\ndata:\n  a: ",
    b"${X}",
    b"abcdefghijklmnop",
    b"0123456789",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => (0..PARTS.len()).prop_map(|at| PARTS[at].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn scanning_holds(input in text()) {
        check::scan(&input);
    }

    #[test]
    fn decoding_holds(input in text()) {
        check::decode(&input);
    }

    #[test]
    fn redacting_holds(input in text()) {
        check::redact(&input);
    }
}
