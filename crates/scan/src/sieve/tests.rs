use aho_corasick::{AhoCorasick, MatchKind};
use proptest::prelude::*;

use super::*;

/// An automaton over the same literals says what is right.
fn expected(literals: &[&[u8]], text: &[u8]) -> Vec<Seen> {
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(literals)
        .unwrap();
    let mut seen: Vec<Seen> = automaton
        .find_overlapping_iter(text)
        .map(|found| Seen {
            literal: found.pattern().as_u32(),
            start: found.start(),
            end: found.end(),
        })
        .collect();
    seen.sort_by_key(|seen| (seen.end, seen.start, seen.literal));
    seen
}

fn all(literals: &[&[u8]], text: &[u8], from: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    Sieve::new(literals.iter().copied()).each(text, from, |_| true, |one| seen.push(one));
    let order: Vec<_> = seen.iter().map(|seen| (seen.end, seen.start)).collect();
    assert!(order.is_sorted(), "{seen:?}");
    seen.sort_by_key(|seen| (seen.end, seen.start, seen.literal));
    seen
}

const LITERALS: &[&[u8]] = &[
    b"key",
    b"token",
    b"ok",
    b"q~",
    b"://",
    b"sk-",
    b"sk-ant-api03-",
    b"-----begin ",
    b"password",
    b"pass",
    b"word",
    "ключ".as_bytes(),
    b"x",
];

#[test]
fn literals_at_the_edges_of_blocks_are_seen_once() {
    for shift in 0..32 {
        let mut text = vec![b'.'; BLOCK - 16 + shift];
        text.extend_from_slice(b"SK-ant-API03-password");
        text.extend(vec![b'-'; BLOCK]);
        text.extend_from_slice(b"tok");
        assert_eq!(all(LITERALS, &text, 0), expected(LITERALS, &text));
    }
}

#[test]
fn an_exact_literal_is_seen_in_its_own_letters_only() {
    let literals: [(&[u8], bool); 2] = [(b"AKIA", true), (b"token", false)];
    let mut seen = Vec::new();
    Sieve::spelled(literals.into_iter()).each(
        b"akia AKIA Akia TOKEN",
        0,
        |_| true,
        |one| {
            seen.push((one.literal, one.start));
        },
    );
    assert_eq!(seen, [(0, 5), (1, 15)]);
}

proptest! {
    #[test]
    fn it_sees_what_an_automaton_sees(
        parts in prop::collection::vec(prop_oneof![
            (0..LITERALS.len()).prop_map(|at| LITERALS[at].to_vec()),
            (0..LITERALS.len()).prop_map(|at| LITERALS[at].to_ascii_uppercase()),
            "[ a-zA-Z:/~-]{0,9}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..12),
        ], 0..24),
        from in 0usize..200,
    ) {
        let text = parts.concat();
        let mut right = expected(LITERALS, &text);
        prop_assert_eq!(&all(LITERALS, &text, 0), &right);
        right.retain(|seen| seen.end > from);
        prop_assert_eq!(all(LITERALS, &text, from), right);
    }
}
