use super::BadRequest;
use super::syntax::place_of;
use crate::json::end_of_string;

/// How deep lists and objects of a request may be nested, the body itself
/// being the first level. Tool schemas, the deepest thing in real requests,
/// stay under 30; providers' own parsers give up between 64 and 1000.
pub const MAX_DEPTH: usize = 128;

/// Refuses nesting beyond [`MAX_DEPTH`] without recursion.
///
/// Runs before the syntax is known to be right: on malformed text the count
/// means nothing, and the parser says so afterwards.
pub(super) fn check(text: &str) -> Result<(), BadRequest> {
    match first_too_deep(text.as_bytes()) {
        None => Ok(()),
        Some(offset) => {
            let place = place_of(text.as_bytes(), offset);
            Err(BadRequest::body(&format!(
                "found nesting deeper than {MAX_DEPTH} levels at {place}"
            )))
        }
    }
}

fn first_too_deep(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        let fault = check(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(
            fault.message,
            "body: found nesting deeper than 128 levels at line 1 column 129"
        );
    }

    #[test]
    fn siblings_do_not_add_up() {
        assert_eq!(check(&format!("[{}]", "[[]],".repeat(10_000))), Ok(()));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let brackets = "[".repeat(1000);
        for text in [
            format!(r#"["{brackets}"]"#),
            format!(r#"["a\"{brackets}\\"]"#),
            format!(r#"["a long text before the escape \"{brackets}"]"#),
            format!(r#"["{brackets}"#),
            format!(r#"["{brackets}\"#),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        let after = format!(r#"["\\",{}]"#, nested(200));
        assert!(check(&after).is_err());
    }
}
