//! The fuzzer's checks over inputs made of parts that matter.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a fuzzer's check, and how long it runs"
)]

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

/// Ways that a value is written on its way out.
#[derive(Debug, Clone, Copy)]
enum Coat {
    Base64,
    Hex,
    HexPairs,
    Percent,
    Json,
    Entities,
    QuotedPrintable,
    Gzip,
    Reversed,
    Utf16,
    Padded,
}

/// Put on in turn: what comes out is text again, or bytes that decode to it.
fn coated(text: &[u8], coat: Coat) -> Vec<u8> {
    let each = |with: fn(u8) -> String| text.iter().map(|byte| with(*byte)).collect::<String>();
    match coat {
        Coat::Base64 => base64(text),
        Coat::Hex => each(|byte| format!("{byte:02x}")).into_bytes(),
        Coat::HexPairs => each(|byte| format!("{byte:02X} ")).into_bytes(),
        Coat::Percent => each(|byte| format!("%{byte:02X}")).into_bytes(),
        Coat::Json => each(|byte| format!("\\u{byte:04x}")).into_bytes(),
        Coat::Entities => each(|byte| format!("&#{byte};")).into_bytes(),
        Coat::QuotedPrintable => each(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' => (byte as char).to_string(),
            other => format!("={other:02X}"),
        })
        .into_bytes(),
        Coat::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, text).expect("memory");
            encoder.finish().expect("memory")
        }
        Coat::Reversed => text.iter().rev().copied().collect(),
        Coat::Utf16 => text.iter().flat_map(|byte| [*byte, 0]).collect(),
        Coat::Padded => [b"password = \"", text, b"\" and so on "].concat(),
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        out.extend((0..=group.len()).map(|at| LETTERS[(word >> (18 - 6 * at)) as usize & 63]));
    }
    out
}

const COATS: &[Coat] = &[
    Coat::Base64,
    Coat::Hex,
    Coat::HexPairs,
    Coat::Percent,
    Coat::Json,
    Coat::Entities,
    Coat::QuotedPrintable,
    Coat::Gzip,
    Coat::Utf16,
    Coat::Padded,
    Coat::Reversed,
];

/// Escapes of letters, which nobody writes bytes in.
fn is_read(inner: Coat, outer: Coat) -> bool {
    let escapes = matches!(outer, Coat::Json | Coat::Entities | Coat::QuotedPrintable);
    let mail = matches!(outer, Coat::QuotedPrintable);
    !(escapes && matches!(inner, Coat::Gzip) || mail && matches!(inner, Coat::Utf16))
}

#[test]
fn a_secret_is_taken_out_under_any_two_coats() {
    for inner in COATS {
        // Read backwards is only what was written so, not an encoding of it.
        for outer in COATS
            .iter()
            .filter(|outer| !matches!(outer, Coat::Reversed))
        {
            if is_read(*inner, *outer) {
                check::taken_out(&coated(&coated(check::SECRET, *inner), *outer));
            }
        }
    }
}

fn coats() -> impl Strategy<Value = Vec<Coat>> {
    let coat = (0..COATS.len()).prop_map(|at| COATS[at]);
    prop::collection::vec(coat, 0..3)
}

/// Cases of each property: `SCAN_CASES=100000` for a long session.
fn cases() -> ProptestConfig {
    let asked = std::env::var("SCAN_CASES").ok();
    ProptestConfig::with_cases(asked.and_then(|count| count.parse().ok()).unwrap_or(96))
}

proptest! {
    #![proptest_config(cases())]

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

    /// A guarded secret under up to two coats, with anything around it.
    #[test]
    fn coats_hold(before in text(), after in text(), coats in coats()) {
        let hidden = coats.iter().fold(check::SECRET.to_vec(), |text, coat| coated(&text, *coat));
        let whole = [&before[..], b" ", &hidden, b" ", &after].concat();
        check::scan(&whole);
        check::redact(&whole);
    }
}
