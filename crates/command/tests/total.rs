//! Whatever the text, there is a verdict, soon, and the same each time.

#[path = "../../../fuzz/checks/command.rs"]
mod check;

use proptest::prelude::*;
use tollgate_command::{Setting, Sight, judge};
use tollgate_types::Tier;

/// Pieces from which shell text of every shape grows.
fn shell() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "ls", "rm", "-rf", "/", "~", "$x", "${x:-y}", "$(", ")", "`", "(", "{", "}", ";", "&&",
        "||", "|", "&", "\n", " ", " ", " ", "'", "\"", "\\", "<", ">", ">>", "<<E\n", "E\n", "if",
        "then", "fi", "for", "do", "done", "case", "esac", "in", "[[", "]]", "((", "))", "{a,b}",
        "{1..3}", "$'\\x41'", "#", "bash -c", "env", "sudo", "xargs", "find", "-exec", "git", "-c",
        "=", "x=1", "eval", "*", "?", "[", "é", "f()", "!", "time", "<(", "2>&1", "--", "awk",
        "sed", "tar xf",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_shell_text_is_judged(text in shell()) {
        check::check(text.as_bytes());
    }

    #[test]
    fn any_text_is_judged(text in ".{0,200}") {
        check::check(text.as_bytes());
    }

    #[test]
    fn what_is_not_known_is_asked_about(text in shell()) {
        let verdict = judge(&text, &Setting::default());
        if verdict.sight != Sight::Known {
            prop_assert!(verdict.tier >= Tier::Medium);
        }
    }

    #[test]
    fn a_command_behind_it_is_never_hidden(text in shell()) {
        let alone = judge(&text, &Setting::default());
        let followed = judge(&format!("rm -rf /; {text}"), &Setting::default());
        // Either it is seen, or nothing of the whole could be read.
        prop_assert!(followed.tier == Tier::Critical || followed.sight == Sight::Opaque);
        prop_assert!(alone.tier <= Tier::Critical);
    }
}
