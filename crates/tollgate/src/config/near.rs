/// The known word nearest to what was written, where one is near at all.
///
/// A third of the letters may differ (Damerau-Levenshtein), so that `opnai`
/// finds `openai` and `x` finds nothing.
pub(crate) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A megabyte of a key would make the distance quadratic.
    if found.len() > 64 {
        return None;
    }
    let found = found.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&found, word), word))
        .filter(|&(distance, word)| distance <= (word.len().max(found.len()) / 3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// A key or name from the file, quoted, where it can be shown.
///
/// A secret pasted in the place of a key must not come back in an error. What
/// is longer than a word, or has both digits and some length, is not shown.
pub(crate) fn shown(name: &str) -> String {
    let word = name.len() <= 40
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ' '));
    let keylike = name.len() > 12 && name.bytes().any(|b| b.is_ascii_digit());
    match word && !keylike {
        true => format!("\"{name}\""),
        false => format!("(not shown, {} characters)", name.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["base_url", "api_key", "models"];
        assert_eq!(nearest("api_kye", known), Some("api_key"));
        assert_eq!(nearest("baseurl", known), Some("base_url"));
        assert_eq!(nearest("Models", known), Some("models"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        assert_eq!(shown("api_kye"), "\"api_kye\"");
        assert_eq!(shown("sk-proj-4f9a8b7c6d5e"), "(not shown, 20 characters)");
        assert_eq!(shown("a\u{1b}[2Jb"), "(not shown, 6 characters)");
    }
}
