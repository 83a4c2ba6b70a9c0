use std::borrow::Cow;

/// Longest message, in bytes.
const LONGEST: usize = 300;

/// Shortest run of letters, digits, `-` and `_` that may be a key.
const KEY_LENGTH: usize = 16;

/// How keys of providers, and Tollgate's own, begin.
const KEY_BEGINNINGS: [&str; 12] = [
    "sk-", "sk_", "pk-", "gsk_", "xai-", "hf_", "r8_", "pplx-", "nvapi-", "AIza", "tg-", "tgo-",
];

/// A provider's words, fit for a log line: one line, cut, without what looks
/// like a key. Providers quote the key that they refuse.
pub(super) fn message(text: &str, status: u16) -> String {
    // More than is kept, so that a key at the cut is still seen whole.
    let text = text
        .get(..text.floor_char_boundary(4 * LONGEST))
        .unwrap_or(text);
    let line: String = text
        .chars()
        .map(|c| if is_harmless(c) { c } else { ' ' })
        .collect();
    let words: Vec<Cow<'_, str>> = line.split_whitespace().map(masked).collect();
    let mut line = words.join(" ");
    if line.is_empty() {
        return format!("status {status} without a message");
    }
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST - "…".len()));
        line.push('…');
    }
    line
}

/// No control characters, and none that turn the writing direction or hide:
/// the text is shown in terminals.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn masked(word: &str) -> Cow<'_, str> {
    if word.len() < KEY_LENGTH {
        return Cow::Borrowed(word);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*');
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(is_part) {
        let (before, run) = rest.split_at(start);
        let end = run.find(|c| !is_part(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        out.push_str(before);
        out.push_str(if looks_like_key(run) { "[key]" } else { run });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn looks_like_key(run: &str) -> bool {
    let begins = KEY_BEGINNINGS.iter().any(|start| run.starts_with(start));
    let mixed = run.bytes().any(|byte| byte.is_ascii_digit())
        && run.bytes().any(|byte| byte.is_ascii_alphabetic());
    run.len() >= KEY_LENGTH && (begins || run.len() >= 2 * KEY_LENGTH && mixed)
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn keys_are_masked_wherever_they_stand() {
        for (text, expected) in [
            (
                "Incorrect API key provided: sk-proj-abcdef1234567890. See https://platform.openai.com/account",
                "Incorrect API key provided: [key]. See https://platform.openai.com/account",
            ),
            ("key=\"AIzaSyA1234567890abcdefg\"", "key=\"[key]\""),
            ("token 0123456789abcdef0123456789abcdef!", "token [key]!"),
            (
                "the sk-1 model gpt-4o-mini-2024-07-18",
                "the sk-1 model gpt-4o-mini-2024-07-18",
            ),
        ] {
            assert_eq!(message(text, 401), expected);
        }
    }

    #[test]
    fn a_key_at_the_cut_is_masked_too() {
        let text = format!("{} sk-{}", "a ".repeat(145), "x1".repeat(40));
        assert!(!message(&text, 401).contains("x1x1"));
    }

    #[test]
    fn messages_are_one_short_line() {
        let text = "a\r\n\tb\u{1b}[31m \u{202e}c\0";
        assert_eq!(message(text, 500), "a b [31m c");
        let long = message(&"é".repeat(1000), 500);
        assert!(long.len() <= 300 && long.ends_with("é…"));
        assert_eq!(message(" \n", 502), "status 502 without a message");
    }
}
