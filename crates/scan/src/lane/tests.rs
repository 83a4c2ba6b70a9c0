use proptest::prelude::*;

use super::*;

fn shared() -> &'static Scanner {
    static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();
    SCANNER.get_or_init(|| Scanner::shipped().unwrap())
}

fn book() -> Book {
    let mut book = Book::new([7; 32]);
    book.guard("provider-key", b"pk-Zq83hT0vLm2XbN6y").unwrap();
    book.guard("passphrase", b"correct horse battery 9")
        .unwrap();
    book
}

fn run<'a>(scanner: &Scanner, pieces: impl Iterator<Item = &'a [u8]>) -> Passed {
    let book = book();
    let mut lane = Lane::new(Outbound::ALL);
    let mut all = Passed::default();
    for piece in pieces {
        let passed = lane.feed(scanner, Some(&book), piece);
        all.text.extend(passed.text);
        all.findings.extend(passed.findings);
    }
    let last = lane.finish(scanner, Some(&book));
    all.text.extend(last.text);
    all.findings.extend(last.findings);
    all
}

const TEXT: &[&str] = &[
    "the quick brown fox ",
    "\n",
    "password = \"kT7mQ2 vWz9\" ",
    "api_key: kT7mQ2vWz9bXr4Lp\n",
    "pk-Zq83hT0vLm2XbN6y",
    "correct horse battery 9 ",
    "cGstWnE4M2hUMHZMbTJYYk42eQ== ",
    "70 6b 2d 5a 71 38 33 68 54 30 76 4c 6d 32 58 62 4e 36 79 ",
    "ghp_0123456789abcdefghijABCDEFGHIJ2dX9kQ ",
    "dop_v1_84376a8dcd86089ac8eefa80864bb57d728b6ad9d6eb2ef706f4459ffd2275ed ",
    "postgres://app:s3cr3tP4ss@db/x ",
    "token ",
    "secret",
    ": ",
    "é€ ",
    "https://example.org/a%20b ",
    "if \"kT7mQ2vWz9\" == password { ",
    "a soft=\nline and pk-Zq83hT0=\nvLm2XbN6y ",
    "x=%70%6b%2d%5a%71%38%33%68%54%30%76%4c%6d%32%58%62%4e%36%79 ",
    "heroku is where it runs: 3f1c9a72-8b4d-4e5f-9a0b-1c2d3e4f5a6b ",
    "kind: Secret\ndata:\n  a: a1Q3bVEydld6OWJYcjRMcA==\n",
    "kind: Deployment ",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpQIBAAKCAQEAn6/O8li+SX4m98LLYt/PKSzEmQ++ZBD7Loh9P13f4yQ92EF3\nyxR5MsXFu9PRsrYQA7/4UTPHiC4y2sAV\n-----END RSA PRIVATE KEY-----\n",
];

/// What the scanner says of the same text in one piece.
fn whole(scanner: &Scanner, text: &[u8]) -> Passed {
    let findings = scanner
        .outbound(text, Some(&book()), Outbound::ALL)
        .findings;
    Passed {
        text: redact::mask(text, &findings),
        findings,
    }
}

#[track_caller]
fn same(found: &Passed, expected: &Passed, how: &str) {
    assert_eq!(
        String::from_utf8_lossy(&found.text),
        String::from_utf8_lossy(&expected.text),
        "{how}"
    );
    assert_eq!(found.findings, expected.findings, "{how}");
}

#[test]
fn a_secret_is_whole_however_it_is_cut() {
    let scanner = shared();
    let text = TEXT.concat();
    let whole = whole(scanner, text.as_bytes());
    assert!(whole.findings.len() >= 8, "{:?}", whole.findings);
    for cut in 1..text.len() {
        let (a, b) = text.as_bytes().split_at(cut);
        same(&run(scanner, [a, b].into_iter()), &whole, &format!("{cut}"));
    }
    same(
        &run(scanner, text.as_bytes().chunks(1)),
        &whole,
        "byte by byte",
    );
}

/// Every case alone, cut in three at every two places.
#[test]
fn every_case_survives_every_two_cuts() {
    let scanner = shared();
    for case in TEXT.iter().filter(|case| case.len() < 100) {
        let text = format!("look: {case} and then\n");
        let text = text.as_bytes();
        let whole = whole(scanner, text);
        for first in 0..text.len() {
            for second in (first..text.len()).step_by(3) {
                let parts = [&text[..first], &text[first..second], &text[second..]];
                let how = format!("{case:?} at {first} and {second}");
                same(&run(scanner, parts.into_iter()), &whole, &how);
            }
        }
    }
}

#[test]
fn endless_words_and_lines_are_not_held_for_ever() {
    let scanner = shared();
    let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2\n";
    for piece in [
        "kT7mQ2vWz9bXr4Lp",
        line,
        "68 65 6c 6c 6f ",
        "\"quoted\" ",
        "x=\n",
    ] {
        let mut lane = Lane::new(Outbound::ALL);
        let book = book();
        let mut passed = 0;
        let rounds = 4 * HOLD / piece.len();
        for _ in 0..rounds {
            passed += lane.feed(scanner, Some(&book), piece.as_bytes()).text.len();
            assert!(lane.held() <= HOLD, "{piece:?}: {} bytes", lane.held());
        }
        passed += lane.finish(scanner, Some(&book)).text.len();
        assert_eq!(passed, rounds * piece.len(), "{piece:?}");
    }
}

#[test]
fn plain_words_are_not_held() {
    let scanner = shared();
    let mut lane = Lane::new(Outbound::PATTERNS);
    let mut passed = 0;
    for word in "The meeting is at noon and the agenda stands below. "
        .repeat(40)
        .split_inclusive(' ')
    {
        passed += lane.feed(scanner, None, word.as_bytes()).text.len();
        assert!(
            lane.held() <= 8,
            "{} bytes held after {passed}",
            lane.held()
        );
    }
}

/// Found by chance in an older lane: hex rows one after the other, and an
/// address with an escape behind them.
#[test]
fn rows_of_hex_before_an_escape_are_the_same_byte_by_byte() {
    let scanner = shared();
    let text: String = [9, 7, 7, 0, 15, 2].map(|part| TEXT[part]).concat();
    let whole = whole(scanner, text.as_bytes());
    same(
        &run(scanner, text.as_bytes().chunks(1)),
        &whole,
        "byte by byte",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_chunking_gives_the_same(parts in prop::collection::vec(0..TEXT.len(), 1..12), cuts in prop::collection::vec(1usize..40, 1..40)) {
        let scanner = shared();
        let text: String = parts.iter().map(|part| TEXT[*part]).collect();
        let whole = whole(scanner, text.as_bytes());
        let mut pieces = Vec::new();
        let (mut at, mut turn) = (0, 0);
        while at < text.len() {
            let end = (at + cuts[turn % cuts.len()]).min(text.len());
            pieces.push(&text.as_bytes()[at..end]);
            at = end;
            turn += 1;
        }
        let found = run(scanner, pieces.into_iter());
        prop_assert_eq!(String::from_utf8_lossy(&found.text), String::from_utf8_lossy(&whole.text));
        prop_assert_eq!(found.findings, whole.findings);
    }
}
