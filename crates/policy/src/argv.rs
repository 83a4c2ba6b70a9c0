//! Questions about an argv: a command and its arguments, already split. Text
//! of a shell is never split here; that is a parser's work.

/// The program's own name, without its folder.
pub(crate) fn program<'a>(argv: &[&'a str]) -> Option<&'a str> {
    argv.first()?.rsplit('/').next()
}

/// Whether an option is given: `--force`, `--force=x`, `-f`, or `f` within a
/// bundle such as `-rf`. What follows `--` is no option.
///
/// A bundle may also be an option with its value (`-ofile`); it then counts as
/// each of its letters. A rule that forbids is the stricter for it.
pub(crate) fn has(argv: &[&str], option: &str) -> bool {
    options(argv).any(|word| is_option(word, option))
}

/// The value of an option: what follows it, or what follows its `=`.
pub(crate) fn value<'a>(argv: &[&'a str], option: &str) -> Option<&'a str> {
    let before = argv
        .iter()
        .position(|word| *word == "--")
        .unwrap_or(argv.len());
    let argv = argv.get(1..before)?;
    argv.iter().enumerate().find_map(|(at, word)| {
        if *word == option {
            return argv.get(at + 1).copied();
        }
        let rest = word.strip_prefix(option)?;
        match (option.starts_with("--"), rest.strip_prefix('=')) {
            (_, Some(value)) => Some(value),
            (false, None) => Some(rest),
            (true, None) => None,
        }
    })
}

/// The words that are no options, the program first: `git -C x push` gives
/// `git x push`.
pub(crate) fn words<'a>(argv: &[&'a str]) -> Vec<&'a str> {
    let mut open = true;
    let mut kept = Vec::new();
    for (at, word) in argv.iter().enumerate() {
        if open && at > 0 && *word == "--" {
            open = false;
        } else if !open || at == 0 || !word.starts_with('-') || *word == "-" {
            kept.push(*word);
        }
    }
    kept
}

/// Whether it begins with these words; the program is compared by its own name.
pub(crate) fn starts_with(argv: &[&str], words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    let named = program(argv) == Some(first) || argv.first() == Some(first);
    named && argv.get(1..).is_some_and(|argv| argv.starts_with(rest))
}

fn options<'a>(argv: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    argv.iter()
        .skip(1)
        .take_while(|word| **word != "--")
        .filter(|word| word.starts_with('-') && word.len() > 1)
        .copied()
}

fn is_option(word: &str, option: &str) -> bool {
    if word == option {
        return true;
    }
    if let Some(rest) = word.strip_prefix(option)
        && rest.starts_with('=')
    {
        return true;
    }
    let letter = option
        .strip_prefix('-')
        .filter(|rest| rest.chars().count() == 1);
    let bundle = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    matches!((letter, bundle), (Some(letter), Some(bundle)) if bundle.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_in_every_spelling() {
        let argv = [
            "/bin/rm",
            "-rf",
            "--one-file-system",
            "--depth=3",
            "-o",
            "out",
            "--",
            "-x",
            "dir",
        ];
        for option in ["-r", "-f", "--one-file-system", "--depth", "-o"] {
            assert!(has(&argv, option), "{option}");
        }
        for option in ["-x", "--force", "-i2", "--dep", "--"] {
            assert!(!has(&argv, option), "{option}");
        }
        assert_eq!(program(&argv), Some("rm"));
        assert_eq!(value(&argv, "--depth"), Some("3"));
        assert_eq!(value(&argv, "-o"), Some("out"));
        assert_eq!(value(&argv, "-x"), None);
        assert_eq!(words(&argv), ["/bin/rm", "out", "-x", "dir"]);
    }

    #[test]
    fn a_beginning_is_compared_word_by_word() {
        let argv = ["/usr/bin/git", "push", "--force"];
        assert!(starts_with(&argv, &["git", "push"]));
        assert!(starts_with(&argv, &["/usr/bin/git"]));
        assert!(!starts_with(&argv, &["git", "pull"]));
        assert!(!starts_with(&argv, &[]));
        assert!(!starts_with(&[], &["git"]));
        assert!(!has(&[], "-x"));
        assert_eq!(program(&[]), None);
    }
}
