use super::*;

fn allows(pattern: &str, command: &str) -> bool {
    Pattern::parse(pattern)
        .unwrap()
        .would_allow(&judge(command, &Setting::default()))
}

#[test]
fn a_pattern_allows_its_own_words() {
    for (pattern, command) in [
        ("git status", "git status"),
        ("git log *", "git log --oneline -5"),
        ("git *", "git push origin main"),
        ("cargo test *", "cargo test -p x"),
        ("npm test", "npm test"),
        ("npm test", "npm test 2>&1 | tail -20"),
        ("npm test", "cd web && npm test > /dev/null"),
        ("npm install *", "npm install left-pad"),
        ("git commit *", "/usr/bin/git commit -m 'x; rm -rf /'"),
        ("touch 'a b'", "touch a\\ b"),
        ("git add *", "git add -- *.rs"),
        ("git add *", "git add src/*.rs"),
        ("nosuchprogram build", "nosuchprogram build"),
    ] {
        assert!(allows(pattern, command), "{pattern} / {command}");
    }
}

#[test]
fn a_pattern_allows_nothing_else() {
    for (pattern, command) in [
        ("git status", "git status; rm -rf x"),
        ("git status", "git status && touch x"),
        ("git status", "git status > x"),
        ("git status", "X=1 git status"),
        ("git status", "git status $(id)"),
        ("git status", "git status -s"),
        ("git status", "ls"),
        ("git status", "sudo git status"),
        ("git commit *", "git push"),
        ("git *", "git -c core.pager='sh -c id' commit"),
        ("git *", "git -c alias.x='!sh' x"),
        ("git *", "git config alias.x '!sh'"),
        ("git *", "git clone --upload-pack=sh a"),
        ("git *", "git nosuchsubcommand"),
        ("git *", "./git commit"),
        ("git commit *", "git commit -m $x"),
        ("git commit *", "git commit -m `id`"),
        ("tar *", "tar cf a b --checkpoint-action=exec=sh"),
        ("tar *", "tar cf a *"),
        ("tar cf a '*'", "tar cf a *"),
        ("find *", "find . -exec id ;"),
        ("cp *", "cp x ~/.bashrc"),
        ("cp *", "cp x .git/hooks/pre-commit"),
        ("cp *", "cp x /etc/passwd"),
        ("npm *", "npm install left-pad"),
        ("npm *", "npm run build"),
        ("npm *", "npm publish"),
        ("npm test", "npm test | sh"),
        ("npm test", "npm() { touch x; }; npm test"),
        ("npm test", "npm test <(touch x)"),
        ("npm test", "npm test -- --x"),
    ] {
        assert!(!allows(pattern, command), "{pattern} / {command}");
    }
}

#[test]
fn no_pattern_is_wide_for_what_runs_anything() {
    for pattern in [
        "bash *",
        "/bin/bash *",
        "python3 *",
        "sudo *",
        "env *",
        "xargs *",
        "ssh *",
        "node *",
        "timeout *",
        "nosuchprogram *",
        "npx *",
    ] {
        assert!(
            matches!(Pattern::parse(pattern), Err(PatternFault::Runs(..))),
            "{pattern}"
        );
    }
}

#[test]
fn what_is_no_plain_command_is_no_pattern() {
    for pattern in [
        "git status; ls",
        "*",
        "git * log",
        "X=1 git log",
        "git log > x",
        "git $x",
        "'git",
    ] {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
    for pattern in ["./build.sh", "bash build.sh", "npx x", "npm exec x"] {
        assert_eq!(
            Pattern::parse(pattern),
            Err(PatternFault::Opaque(pattern.to_owned()))
        );
    }
}

#[test]
fn a_pattern_is_written_as_it_is_read() {
    for text in [
        "git log *",
        "npm test",
        "touch 'a b'",
        "echo 'it'\\''s'",
        "echo '*'",
    ] {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.to_string(), text);
        assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
    }
}
