//! How large a request is, for the choice between context windows.
//!
//! The tokenizer costs about 22 MiB and 65 ms when it is first asked, and some
//! 3 µs for each KB of English from then on; so [`count_input`] is for requests
//! that [`most_input`] does not already show to fit.

use std::borrow::Cow;

use memchr::memmem::find_iter;

use crate::json::end_of_string;

/// Tokens of one picture in the usual detail. An upper bound as for budgets
/// would send every request with a picture to the largest window.
const PICTURE: u64 = 1_600;

/// Longest text that is given to the tokenizer at once, in bytes. Its time
/// grows faster than a run of letters without a break does.
const PIECE: usize = 2_048;

/// Keys whose values are no text for the model, or a picture.
const SEALED: [&[u8]; 6] = [
    b"data",
    b"signature",
    b"thoughtSignature",
    b"thought_signature",
    b"encrypted_content",
    b"file_data",
];

/// The most tokens that a request's body can be, without looking at more than
/// its length: no tokenizer makes more than one of a byte. Pictures that the
/// provider fetches are counted.
pub fn most_input(body: &[u8]) -> u64 {
    let pictures = find_iter(body, br#""image_url""#).count() as u64;
    (body.len() as u64).saturating_add(pictures * PICTURE)
}

/// How many tokens a request's body is, counted with the tokenizer of OpenAI's
/// current models and a tenth more, as the other providers' make more of most
/// texts. Counting stops beyond `enough`.
///
/// Blocks the thread: milliseconds for a megabyte, up to half a second for one
/// that was made to be slow.
pub fn count_input(body: &[u8], enough: u64) -> u64 {
    let Some(tokenizer) = tiktoken::get_encoding("o200k_base") else {
        return most_input(body);
    };
    let mut tokens = 0;
    let mut key: &[u8] = b"";
    let mut at = 0;
    while let Some(step) = body.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let start = at + step + 1;
        let end = end_of_string(body, start);
        let string = body.get(start..end).unwrap_or_default();
        at = end + 1;
        let after = body.get(at..).unwrap_or_default().trim_ascii_start();
        // One more for what stands around it: roles, separators, brackets.
        tokens += 1;
        if after.first() == Some(&b':') {
            key = string;
        } else if SEALED.contains(&key) || string.starts_with(b"data:") {
            tokens += if string.len() > PIECE { PICTURE } else { 1 };
            continue;
        }
        // Undoes escapes; a string without any is not copied.
        let quoted = body.get(start - 1..=end).unwrap_or_default();
        let text = serde_json::from_slice::<Text<'_>>(quoted);
        let text = text.map_or_else(|_| String::from_utf8_lossy(string), |text| text.0);
        tokens += pieces(&text)
            .map(|piece| tokenizer.count(piece) as u64)
            .sum::<u64>();
        if tokens > enough {
            break;
        }
    }
    tokens.saturating_add(tokens / 10)
}

#[derive(serde::Deserialize)]
struct Text<'b>(#[serde(borrow)] Cow<'b, str>);

/// A text in pieces, cut at blanks where there are some.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match rest.floor_char_boundary(PIECE) {
            0 => return None,
            whole if whole == rest.len() => whole,
            most => match rest[..most].rfind(' ') {
                None | Some(0) => most,
                Some(blank) => blank,
            },
        };
        let (piece, more) = rest.split_at(end);
        rest = more;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chat(text: &str) -> Vec<u8> {
        serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}]})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn english_is_counted_closely_and_bytes_bound_it() {
        let text = "The quick brown fox jumps over the lazy dog. ".repeat(500);
        let body = chat(&text);
        let counted = count_input(&body, u64::MAX);
        // Ten tokens a sentence, and a tenth.
        assert!((5_400..=5_700).contains(&counted), "{counted}");
        assert!(counted < most_input(&body));
    }

    #[test]
    fn escapes_are_one_character_and_sealed_values_are_no_text() {
        let plain = count_input(&chat(&"é".repeat(2000)), u64::MAX);
        let escaped = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
            "\\u00e9".repeat(2000)
        );
        let escaped = count_input(escaped.as_bytes(), u64::MAX);
        assert!(escaped.abs_diff(plain) < plain / 10, "{plain} {escaped}");
        let sealed = format!(
            r#"{{"type":"thinking","signature":"{}"}}"#,
            "Rk9P".repeat(300)
        );
        assert!(count_input(sealed.as_bytes(), u64::MAX) < 20);
        let picture = format!(
            r#"{{"image_url":{{"url":"data:image/png;base64,{}"}}}}"#,
            "Rk9P".repeat(30_000)
        );
        let picture = count_input(picture.as_bytes(), u64::MAX);
        assert!((1_600..2_000).contains(&picture), "{picture}");
    }

    #[test]
    fn counting_stops_once_it_is_enough() {
        let body = chat(&"word ".repeat(200_000));
        let counted = count_input(&body, 1_000);
        assert!(counted > 1_000, "{counted}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn pieces_lose_nothing(text in "(\\PC| ){0,5000}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), &*text);
            prop_assert!(pieces(&text).all(|piece| piece.len() <= PIECE));
        }

        #[test]
        fn any_bytes_end(body in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert!(count_input(&body, u64::MAX) <= 2 * most_input(&body) + 2);
        }
    }
}
