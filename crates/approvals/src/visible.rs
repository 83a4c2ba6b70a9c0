//! Text that a person decides by, with nothing in it that can't be seen.

/// The text with every character that is invisible, moves the cursor, changes
/// the direction or looks like another one written as `⟨…⟩`: `⟨ESC⟩`,
/// `⟨U+202E⟩`, and behind a look-alike its code, `а⟨U+0430⟩`. The brackets
/// themselves are written that way too, so that they can't be faked.
///
/// What stays: ASCII, letters of Latin with marks, and scripts that no ASCII
/// letter looks like. A word of Cyrillic or Greek stays where a letter without
/// a double says what it is.
pub fn visible(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = word_length(rest);
        if length > 0 && is_foreign_word(&rest[..length]) {
            shown.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let length = length.max(first.len_utf8());
        rest[..length].chars().for_each(|one| show(one, &mut shown));
        rest = &rest[length..];
    }
    shown
}

/// Whether the text is shown as it is.
pub fn is_plain(text: &str) -> bool {
    visible(text) == text
}

fn show(one: char, shown: &mut String) {
    use std::fmt::Write as _;
    let name = match one {
        '\n' => "LF",
        '\r' => "CR",
        '\t' => "TAB",
        '\0' => "NUL",
        '\u{7}' => "BEL",
        '\u{8}' => "BS",
        '\u{1b}' => "ESC",
        '\u{7f}' => "DEL",
        '\u{a0}' => "NBSP",
        ' '..='~' => return shown.push(one),
        _ if is_clear(one) => return shown.push(one),
        _ => "",
    };
    if name.is_empty() {
        // A double is shown beside its code, the rest would only confuse.
        if one.is_alphanumeric() && !is_mark(one) {
            shown.push(one);
        }
        // Writing to a string can't fail.
        write!(shown, "⟨U+{:04X}⟩", u32::from(one)).ok();
    } else {
        shown.extend(['⟨']);
        shown.push_str(name);
        shown.push('⟩');
    }
}

/// Scripts whose characters nobody takes for ASCII. Everything else, what a
/// later Unicode brings too, is shown with its code.
fn is_clear(one: char) -> bool {
    match one {
        // Latin with marks; not the multiplication sign, the sharp s stays.
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ' => true,
        // Dotless i, kra and long s are doubles.
        'Ā'..='ž' => !matches!(one, 'ı' | 'ĸ' | 'ŀ' | 'Ŀ'),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30f6}' => {
            // ニ, ノ, ハ, ロ and エ are taken for other signs, not for ASCII.
            !matches!(one, 'ノ')
        }
        '\u{4e00}'..='\u{9fff}' => !matches!(one, '一' | '丶' | '丿' | '丨'),
        '\u{ac00}'..='\u{d7a3}' => true,
        '§' | '°' | '£' | '¥' | '€' | '¿' | '¡' | '«' | '»' | '–' | '—' | '…' | '“' | '”' => {
            true
        }
        _ => false,
    }
}

fn is_mark(one: char) -> bool {
    matches!(one, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}')
}

/// Bytes of the run of letters and digits that the text begins with.
fn word_length(text: &str) -> usize {
    text.find(|one: char| !one.is_alphanumeric())
        .unwrap_or(text.len())
}

/// A word of one script, Cyrillic or Greek, with a letter that is unlike any
/// of ASCII: nobody reads it as something else.
fn is_foreign_word(word: &str) -> bool {
    let greek = |one: char| matches!(one, 'α'..='ω' | 'Α'..='Ω' | 'ά'..='ώ');
    let cyrillic = |one: char| matches!(one, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё');
    let whole = word.chars().all(greek) || word.chars().all(cyrillic);
    whole && word.chars().any(|one| !DOUBLES.contains(one))
}

/// Letters of Cyrillic and Greek that are drawn like letters or digits of ASCII.
const DOUBLES: &str = "аАВвгеЕЗзіІКкМмНнОоПпРрСсТтУуХхьЬЅѕЈјбАαΑβΒγεΕζΖηΗιΙκΚμΜνΝοΟρΡτΤυΥχΧωσ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["rm -rf ./build", "größe naïve", "日本語", "привет", "λόγος"]
        {
            assert_eq!(visible(text), text);
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn what_moves_hides_or_turns_is_written_out() {
        for (text, shown) in [
            ("a\u{1b}[2Kb", "a⟨ESC⟩[2Kb"),
            ("a\rb\nc\td\0", "a⟨CR⟩b⟨LF⟩c⟨TAB⟩d⟨NUL⟩"),
            ("x\u{202e}y", "x⟨U+202E⟩y"),
            ("x\u{200b}y\u{feff}", "x⟨U+200B⟩y⟨U+FEFF⟩"),
            ("a\u{a0}b\u{3000}c", "a⟨NBSP⟩b⟨U+3000⟩c"),
            ("\u{e0041}", "⟨U+E0041⟩"),
            ("e\u{301}", "e⟨U+0301⟩"),
            ("⟨ESC⟩", "⟨U+27E8⟩ESC⟨U+27E9⟩"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn a_double_is_shown_with_its_code() {
        assert_eq!(visible("pаypal"), "pа⟨U+0430⟩ypal");
        assert_eq!(visible("ｒｍ"), "ｒ⟨U+FF52⟩ｍ⟨U+FF4D⟩");
        assert_eq!(visible("ѕсоре").matches('⟨').count(), 5);
        assert_eq!(visible("g\u{131}t"), "gı⟨U+0131⟩t");
        assert_eq!(visible("a∕b"), "a⟨U+2215⟩b");
    }

    proptest::proptest! {
        #[test]
        fn nothing_invisible_is_left(text in "\\PC*|.*") {
            let shown = visible(&text);
            assert!(!shown.chars().any(char::is_control));
            assert!(shown.chars().all(|one| !matches!(one,
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')));
        }
    }
}
