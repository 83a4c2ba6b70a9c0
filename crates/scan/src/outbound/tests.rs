use super::patterns;
use super::rule::read;
use super::*;

#[test]
fn there_are_enough_kinds_and_each_proves_itself() {
    let catalog = Catalog::shipped().unwrap();
    assert!(catalog.formats() >= 150, "{} formats", catalog.formats());
    let mut faults = Vec::new();
    for rule in &catalog.rules {
        assert!(
            !rule.matches.is_empty() && !rule.no_match.is_empty(),
            "`{}` proves nothing",
            rule.kind
        );
        for text in &rule.matches {
            let found = patterns::scan(text.as_bytes(), &catalog).findings;
            if !found.iter().any(|finding| finding.kind == rule.kind) {
                faults.push(format!("`{}` does not find {text:?}: {found:?}", rule.kind));
            }
        }
        for text in &rule.no_match {
            let found = patterns::scan(text.as_bytes(), &catalog).findings;
            if found.iter().any(|finding| finding.kind == rule.kind) {
                faults.push(format!("`{}` finds {text:?}", rule.kind));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn a_bad_rule_is_refused_by_name() {
    let rule = |pattern: &str| {
        format!(
            "[[rule]]\nkind = \"mine\"\nseverity = \"high\"\nliterals = [\"mine_\"]\npattern = '{pattern}'\n"
        )
    };
    assert!(Catalog::with(&[&rule("mine_[a-z]{8}")]).is_ok());
    for bad in [
        "mine_(",
        "mine_((a{1000}){1000}){1000}",
        "(?:mine_)?",
        "mine_(?=x)",
    ] {
        let fault = Catalog::with(&[&rule(bad)]).unwrap_err().to_string();
        assert!(fault.starts_with("rule `mine`"), "{fault}");
    }
    assert!(read("[[rule]]\nkind = 1").is_err());
}

fn verdict(text: &str) -> &'static str {
    use crate::{Outbound, Scanner, Verdict};
    let scanner = Scanner::shipped().unwrap();
    let report = scanner.outbound(text.as_bytes(), None, Outbound::PATTERNS);
    match report.verdict() {
        Verdict::Clean if report.findings.is_empty() => "nothing",
        Verdict::Clean => "noted",
        verdict => verdict.as_str(),
    }
}

#[test]
fn how_sure_it_is_decides_what_becomes_of_it() {
    for (text, expected) in [
        // People choose passwords; fixtures and manuals are full of words.
        ("password = 'kT7mQ2vWz9'", "review"),
        ("password = 'c0rrect-horse'", "review"),
        ("password = 'open_says_me'", "noted"),
        ("password = '12345678'", "noted"),
        ("password = ',.:-*?!'", "noted"),
        ("password = \"+new Buffer(\"x\")", "nothing"),
        // The word itself, and a name over again.
        ("postgres://app:kT7mQ2vWz9@db1/shop", "unsafe"),
        ("postgres://app:app@db1/shop", "noted"),
        ("postgres://user:password@db1/shop", "noted"),
        ("https://host:8000;@other.example", "nothing"),
        ("Host=db1;Password=secret;", "nothing"),
        // Programs make no sequences.
        ("api_key = 'a8Fq2Lx9Zr4Tn7Vb1Kc5'", "review"),
        ("api_key = 'x2abcdefghijklmnop12'", "nothing"),
        ("api_key = '1234567890abcdef1234567890abcdef'", "nothing"),
        // The same on every machine; in pieces, so that nobody takes it for a leak.
        (
            concat!("key: sk_te", "st_4eC39HqLyjWDarjtT1zdp7dc"),
            "noted",
        ),
        // Code.
        ("pass: *const c_char", "nothing"),
        ("key: rekey_data::NL80211_REKEY_DATA_AKM,", "nothing"),
        ("seed_key: Curve25519SeedBin,", "nothing"),
        ("dhSinglePass-stdDH-sha256kdf-scheme", "nothing"),
        ("segment: GraphemeClusterSegmenterBorrowed", "nothing"),
        ("mysql://…/page-protocol-connection-phase.html", "nothing"),
        ("password = 'caching_sha2_password'", "noted"),
        // A host in base64 behind a word that happens to be `key`.
        ("my-api-key-c29tZS5leGFtcGxlLmhvc3Rz", "nothing"),
    ] {
        assert_eq!(verdict(text), expected, "{text}");
    }
}
