//! What must hold of any bytes that are scanned. Runs under the fuzzer and, so
//! that it is exercised on a stable compiler, in the tests of `tollgate-scan`.

use std::sync::OnceLock;

use tollgate_scan::{
    Book, Detector, Inbound, Injections, Lane, Outbound, Redactor, Report, Scanner, mask,
};

/// Both directions: findings are in order, inside the text, and don't overlap
/// on the way out.
pub(crate) fn scan(input: &[u8]) {
    let report = outbound(input);
    let mut last = 0;
    for finding in &report.findings {
        assert!(last <= finding.start && finding.start <= finding.end);
        assert!(finding.end <= input.len());
        last = finding.end;
    }
    static INJECTIONS: OnceLock<Injections> = OnceLock::new();
    let injections = INJECTIONS.get_or_init(|| Injections::shipped().expect("it is shipped"));
    for finding in injections.inbound(input, Inbound::default()).findings {
        assert!(finding.start <= finding.end && finding.end <= input.len());
    }
}

/// Encodings of the input, and the input as something compressed.
pub(crate) fn decode(input: &[u8]) {
    let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = input.iter().map(|byte| format!("%{byte:02X}")).collect();
    let magic: [&[u8]; 4] = [
        &[0x1f, 0x8b, 8, 0],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[0x78, 0x9c],
        b"data:",
    ];
    for text in [hex.into_bytes(), percent.into_bytes()] {
        outbound(&text);
    }
    for start in magic {
        outbound(&[start, input].concat());
    }
}

/// A mask keeps the length, a placeholder leaves nothing of a guarded secret,
/// and a lane lets every byte through once.
pub(crate) fn redact(input: &[u8]) {
    let text = [input, SECRET, input].concat();
    let report = outbound(&text);
    assert_eq!(mask(&text, &report.findings).len(), text.len());
    let redacted = Redactor::new([4; 32]).redact(&text, &report.findings);
    if !input.windows(SECRET.len()).any(|part| part == SECRET) {
        assert!(!redacted.windows(SECRET.len()).any(|part| part == SECRET));
    }
    let mut lane = Lane::new(Outbound::ALL);
    let mut length = 0;
    for piece in text.chunks(7) {
        length += lane.feed(scanner(), Some(book()), piece).text.len();
    }
    length += lane.finish(scanner(), Some(book())).text.len();
    assert_eq!(length, text.len());
}

/// What holds a guarded secret in some encoding is found, and a mask leaves
/// nothing of it to find.
#[allow(dead_code, reason = "only the property tests make encodings")]
pub(crate) fn taken_out(hidden: &[u8]) {
    let is_known = |report: &Report| {
        let mut all = report.findings.iter();
        all.any(|finding| finding.detector == Detector::KnownSecrets)
    };
    let report = outbound(hidden);
    assert!(is_known(&report), "{:?}", String::from_utf8_lossy(hidden));
    let masked = mask(hidden, &report.findings);
    assert!(!is_known(&outbound(&masked)));
}

pub(crate) const SECRET: &[u8] = b"pk-Zq83hT0vLm2XbN6y";

fn outbound(text: &[u8]) -> Report {
    scanner().outbound(text, Some(book()), Outbound::ALL)
}

fn scanner() -> &'static Scanner {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(|| Scanner::shipped().expect("it is shipped"))
}

fn book() -> &'static Book {
    static BOOK: OnceLock<Book> = OnceLock::new();
    BOOK.get_or_init(|| {
        let mut book = Book::new([4; 32]);
        book.guard("provider-key", SECRET)
            .expect("it is long enough");
        book
    })
}
