//! Which known names resemble one that is not known.
//!
//! The asked name is the caller's, so the work is bounded: names longer than
//! [`LONGEST`] characters get no suggestion, at most [`MOST`] known names are
//! compared, and a length that alone rules a name out costs one comparison.

/// Longest name that is compared, in characters.
const LONGEST: usize = 96;

/// Known names that are looked at.
const MOST: usize = 2000;

/// Suggestions given.
const SHOWN: usize = 3;

/// At most three of `known` that resemble `asked`, best first; case is ignored
/// here, because a name in the wrong case is the commonest miss.
pub(crate) fn nearest<'n>(asked: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    if asked.is_empty() || asked.chars().nth(LONGEST).is_some() {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .take(MOST)
        .filter_map(|name| Some((distance(&asked, &name.to_lowercase())?, name)))
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored
        .into_iter()
        .take(SHOWN)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// How far apart two names are, twice the edits and one more where neither
/// holds the other; none where nobody would call them alike.
fn distance(asked: &str, name: &str) -> Option<usize> {
    let (long, short) = (asked.len().max(name.len()), asked.len().min(name.len()));
    if short >= 3 && (name.contains(asked) || asked.contains(name)) {
        // However much is missing: `sonnet` stands for `claude-sonnet-4`.
        return Some(2 * (long - short));
    }
    let allowed = (asked.chars().count() / 3).max(1);
    // Bytes, four to a character at most: rules out most names for nothing.
    if name.len() > 4 * LONGEST || long - short > 4 * allowed {
        return None;
    }
    let far = strsim::osa_distance(asked, name);
    (far <= allowed).then_some(2 * far + 1)
}

/// The suggestions as a hint.
pub(crate) fn did_you_mean(names: &[String]) -> Option<String> {
    let (last, first) = names.split_last()?;
    Some(if first.is_empty() {
        format!("did you mean `{last}`?")
    } else {
        format!("did you mean `{}` or `{last}`?", first.join("`, `"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str) -> Vec<String> {
        let known = [
            "gpt-4o",
            "gpt-4o-mini",
            "claude-sonnet-4",
            "claude-opus-4",
            "fast",
            "gpt-5",
        ];
        nearest(asked, known.into_iter())
    }

    #[test]
    fn slips_case_and_parts_find_their_name() {
        assert_eq!(of("gpt-4")[0], "gpt-4o");
        assert_eq!(of("GPT-4O")[0], "gpt-4o");
        assert_eq!(of("gtp-4o")[0], "gpt-4o");
        assert_eq!(of("sonnet"), ["claude-sonnet-4"]);
        assert_eq!(of("claude-sonet-4")[0], "claude-sonnet-4");
    }

    #[test]
    fn at_most_three_and_nothing_for_strangers() {
        assert!(of("gpt").len() <= SHOWN && !of("gpt").is_empty());
        assert!(of("mistral-large").is_empty());
        assert!(of("").is_empty());
    }

    #[test]
    fn a_long_name_costs_nothing() {
        assert!(of(&"gpt-4o".repeat(100_000)).is_empty());
    }

    #[test]
    fn the_hint_reads_as_a_question() {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(did_you_mean(&[]), None);
        assert_eq!(
            did_you_mean(&names(&["a"])).as_deref(),
            Some("did you mean `a`?")
        );
        assert_eq!(
            did_you_mean(&names(&["a", "b", "c"])).as_deref(),
            Some("did you mean `a`, `b` or `c`?")
        );
    }
}
