/// A glob over text: `*` is any run of characters, `?` is one. Case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    /// `*`
    Any,
    /// No wildcard.
    Exact(String),
    /// One `*`, at the end.
    Prefix(String),
    /// One `*`, at the beginning.
    Suffix(String),
    /// Anything else.
    Wild(String),
}

impl Glob {
    pub(crate) fn new(glob: &str) -> Self {
        let wild = |text: &str| text.contains(['*', '?']);
        if glob == "*" {
            return Self::Any;
        }
        if !wild(glob) {
            return Self::Exact(glob.to_owned());
        }
        match (glob.strip_suffix('*'), glob.strip_prefix('*')) {
            (Some(prefix), _) if !wild(prefix) => Self::Prefix(prefix.to_owned()),
            (_, Some(suffix)) if !wild(suffix) => Self::Suffix(suffix.to_owned()),
            _ => Self::Wild(glob.to_owned()),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::Wild(glob) => matches(glob, text),
        }
    }
}

/// Whether a glob matches a text as a whole.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    wild(glob.as_bytes(), text.as_bytes(), None)
}

/// Whether a glob matches a path: `*` and `?` stay within one name, `**` is any
/// number of names. Both sides are made plain first, so `a/../b` is `b`; a path
/// that climbs above where it begins matches nothing.
pub(crate) fn matches_path(glob: &str, path: &str) -> bool {
    let (Some(glob), Some(path)) = (plain_path(glob), plain_path(path)) else {
        return false;
    };
    let names = |path: &str| -> Vec<String> { path.split('/').map(str::to_owned).collect() };
    names_match(&names(&glob), &names(&path))
}

/// Whether a path is a folder or lies below it, both made plain first.
pub(crate) fn is_under(path: &str, folder: &str) -> bool {
    let (Some(path), Some(folder)) = (plain_path(path), plain_path(folder)) else {
        return false;
    };
    match folder.as_str() {
        "/" => path.starts_with('/'),
        "." => !path.starts_with('/'),
        folder => path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// Without `.`, `..` and doubled slashes; nothing where it climbs above its
/// beginning or holds a NUL.
pub(crate) fn plain_path(path: &str) -> Option<String> {
    if path.is_empty() || path.contains('\0') {
        return None;
    }
    let rooted = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            // The root's parent is the root; above a relative path is unknown.
            ".." => match (names.pop(), rooted) {
                (None, false) => return None,
                (Some("**"), _) => return None,
                _ => {}
            },
            name => names.push(name),
        }
    }
    Some(match (rooted, names.is_empty()) {
        (true, _) => format!("/{}", names.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => names.join("/"),
    })
}

/// Linear in the product of both lengths: a table of one row, no recursion.
fn names_match(globs: &[String], names: &[String]) -> bool {
    let mut row = vec![false; names.len() + 1];
    row[0] = true;
    for glob in globs {
        if glob == "**" {
            let first = row
                .iter()
                .position(|&reached| reached)
                .unwrap_or(names.len() + 1);
            row.iter_mut()
                .skip(first)
                .for_each(|reached| *reached = true);
            continue;
        }
        for at in (0..names.len()).rev() {
            row[at + 1] = row[at] && wild(glob.as_bytes(), names[at].as_bytes(), None);
        }
        row[0] = false;
    }
    row[names.len()]
}

/// The classic walk with one point to go back to: at most glob × text steps.
fn wild(glob: &[u8], text: &[u8], mut back: Option<(usize, usize)>) -> bool {
    let (mut at, mut seen) = (0, 0);
    loop {
        match glob.get(at) {
            Some(b'*') => {
                back = Some((at + 1, seen));
                at += 1;
                continue;
            }
            Some(b'?') if seen < text.len() => {
                // One character, however many bytes it has.
                at += 1;
                seen += 1;
                while text.get(seen).is_some_and(|byte| byte & 0xC0 == 0x80) {
                    seen += 1;
                }
                continue;
            }
            Some(byte) if text.get(seen) == Some(byte) => {
                at += 1;
                seen += 1;
                continue;
            }
            None if seen == text.len() => return true,
            _ => {}
        }
        match back {
            Some((after, from)) if from < text.len() => {
                back = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text) in [
            ("*", ""),
            ("gpt-*", "gpt-4o"),
            ("*-mini", "gpt-4o-mini"),
            ("g?t*o", "gpt-4o"),
            ("a*b*c", "axxbxxc"),
            ("?", "ä"),
            ("", ""),
        ] {
            assert!(Glob::new(glob).matches(text), "{glob} {text}");
        }
        for (glob, text) in [
            ("gpt-*", "xgpt-4"),
            ("gpt", "gpt-4"),
            ("?", ""),
            ("a*b", "abc"),
            ("A", "a"),
        ] {
            assert!(!Glob::new(glob).matches(text), "{glob} {text}");
        }
    }

    #[test]
    fn paths_match_by_names() {
        for (glob, path) in [
            ("/src/**/*.rs", "/src/a/b/c.rs"),
            ("/src/**/*.rs", "/src/c.rs"),
            ("**", "/any/thing"),
            ("/a/*", "/a/./b"),
            ("/b", "/a/../b"),
        ] {
            assert!(matches_path(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("/src/*.rs", "/src/a/b.rs"),
            ("/src/**", "/src/../etc/passwd"),
            ("/a/*", "/a"),
            ("a", "../a"),
        ] {
            assert!(!matches_path(glob, path), "{glob} {path}");
        }
        assert!(is_under("/proj/a", "/proj"));
        assert!(is_under("/proj", "/proj/"));
        assert!(!is_under("/project", "/proj"));
        assert!(!is_under("/proj/../etc", "/proj"));
        assert!(!is_under("../x", "."));
    }

    #[test]
    fn a_hostile_glob_ends() {
        let glob = "a*".repeat(200) + "b";
        assert!(!matches(&glob, &"a".repeat(5_000)));
        let path = format!("/{}", "a/".repeat(500));
        assert!(!matches_path(&format!("{}x", "**/".repeat(100)), &path));
    }

    proptest! {
        #[test]
        fn the_short_forms_agree_with_the_walk(glob in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            prop_assert_eq!(Glob::new(&glob).matches(&text), matches(&glob, &text));
        }
    }
}
