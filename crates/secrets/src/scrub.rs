use std::borrow::Cow;

use tollgate_types::Secret;

/// What stands where a secret was.
const MARK: &str = "[secret]";

/// Replaces every occurrence of every secret by `[secret]`.
///
/// All occurrences are found in the text as it came and merged where they
/// touch, so that no secret that overlaps or begins another leaves a part of
/// it behind. Only the exact text is found, no encoded form of it. Takes the
/// text's length times the number of secrets; meant for errors and logs.
pub fn scrub<'t, 's>(text: &'t str, secrets: impl Iterator<Item = &'s Secret>) -> Cow<'t, str> {
    let mut found: Vec<(usize, usize)> = secrets
        .filter(|secret| !secret.is_empty())
        .flat_map(|secret| occurrences(text, secret.expose()))
        .collect();
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_unstable();
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in found {
        if start > done || clean.is_empty() {
            clean.push_str(&text[done..start]);
            clean.push_str(MARK);
        }
        done = done.max(end);
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

/// Where a secret stands, overlapping occurrences included.
fn occurrences(text: &str, secret: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(secret)) {
        let start = from + at;
        found.push((start, start + secret.len()));
        let first = text[start..].chars().next().map_or(1, char::len_utf8);
        from = start + first;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrubbed(text: &str, secrets: &[&str]) -> String {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::new(secret.to_string()))
            .collect();
        scrub(text, secrets.iter()).into_owned()
    }

    #[test]
    fn every_occurrence_goes() {
        assert_eq!(
            scrubbed("key sk-1, again sk-1", &["sk-1"]),
            "key [secret], again [secret]"
        );
        assert_eq!(scrubbed("nothing here", &["sk-1", ""]), "nothing here");
        assert_eq!(scrubbed("sk-1", &["sk-1"]), "[secret]");
        assert_eq!(scrubbed("über sk-ü!", &["sk-ü"]), "über [secret]!");
    }

    #[test]
    fn overlapping_secrets_leave_nothing_behind() {
        assert_eq!(scrubbed("abcdef", &["abc", "abcdef"]), "[secret]");
        assert_eq!(scrubbed("xabcdefx", &["abcd", "cdef"]), "x[secret]x");
        assert_eq!(scrubbed("aaa", &["aa"]), "[secret]");
        // The mark itself is not searched again.
        assert_eq!(scrubbed("a sk-1", &["sk-1", "secret"]), "a [secret]");
    }

    proptest! {
        #[test]
        fn only_what_is_outside_all_secrets_stays(text in "[abcx ]{0,60}", secrets in proptest::collection::vec("[abc]{1,5}", 0..4)) {
            let parts: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let clean = scrubbed(&text, &parts);
            for piece in clean.split(MARK) {
                for secret in &parts {
                    prop_assert!(!piece.contains(secret), "{text} {clean}");
                }
            }
            let keeps = |c: char| clean.replace(MARK, "").matches(c).count();
            prop_assert_eq!(keeps('x'), text.matches('x').count());
        }
    }
}
