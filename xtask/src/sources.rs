use crate::fault::Fault;
use crate::table::{LONG_FILE, LONG_FILES, LONGEST_FILE, METHOD_OWNERS};
use crate::workspace::SourceFile;

/// Every file that has grown past what a reader holds in mind.
pub(crate) fn sizes(files: &[SourceFile]) -> Vec<Fault> {
    let long = files
        .iter()
        .filter(|file| code_lines(file) > LONGEST_FILE && !is_excepted(file));
    let fault = |file: &SourceFile| {
        Fault {
        file: file.path.clone(),
        line: code_lines(file),
        what: format!("{} lines, expected at most {LONGEST_FILE}, tests aside", code_lines(file)),
        hint: "split it at its second noun or verb; a table may be named in LONG_FILES of xtask/src/table.rs".to_owned(),
    }
    };
    long.map(fault).collect()
}

/// Files that come near, and exceptions that nobody needs any more.
pub(crate) fn notes(files: &[SourceFile]) -> Vec<String> {
    let near = files
        .iter()
        .filter(|file| (LONG_FILE + 1..=LONGEST_FILE).contains(&code_lines(file)));
    let near = near.map(|file| {
        format!(
            "{}: {} lines, look for the split",
            file.path,
            code_lines(file)
        )
    });
    let needed = |path: &str| {
        files
            .iter()
            .any(|file| file.path == path && code_lines(file) > LONGEST_FILE)
    };
    let stale = LONG_FILES.iter().filter(|(path, _)| !needed(path));
    let stale =
        stale.map(|(path, _)| format!("{path}: no longer too long, take it off LONG_FILES"));
    near.chain(stale).collect()
}

/// Every crate that lets itself call clock, environment or files without
/// owning them. Tests may.
pub(crate) fn methods(files: &[SourceFile]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| !is_test(&file.path)) {
        let owner = crate_of(&file.path);
        if METHOD_OWNERS.iter().any(|(name, _)| *name == owner) {
            continue;
        }
        let code = file.text.lines().take(code_lines(file)).enumerate();
        let allows = code.filter(|(_, line)| line.contains("clippy::disallowed_methods"));
        faults.extend(allows.map(|(at, _)| Fault {
            file: file.path.clone(),
            line: at + 1,
            what: format!("`{owner}` allows itself the methods that clippy.toml bans, and owns none of them"),
            hint: "take time, randomness and text as arguments; an owner is named with its reason in METHOD_OWNERS of xtask/src/table.rs".to_owned(),
        }));
    }
    faults
}

fn is_excepted(file: &SourceFile) -> bool {
    LONG_FILES.iter().any(|(path, _)| *path == file.path)
}

/// Lines before the file's module of tests; none for a file of tests.
pub(crate) fn code_lines(file: &SourceFile) -> usize {
    if is_test(&file.path) {
        return 0;
    }
    let lines: Vec<_> = file.text.lines().collect();
    let opens = |pair: &[&str]| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    };
    lines.windows(2).position(opens).unwrap_or(lines.len())
}

pub(crate) fn is_test(path: &str) -> bool {
    let mut parts = path.split('/');
    let name = parts.next_back().unwrap_or_default();
    name == "tests.rs" || parts.any(|part| matches!(part, "tests" | "benches"))
}

/// `llm` for `crates/llm/src/lib.rs`, `xtask` for `xtask/src/main.rs`.
pub(crate) fn crate_of(path: &str) -> &str {
    let path = path.strip_prefix("crates/").unwrap_or(path);
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, code: usize, tests: usize) -> SourceFile {
        let mut text = "let x = 1;\n".repeat(code);
        if tests > 0 {
            text += "#[cfg(test)]\nmod tests {\n";
            text += &"    assert!(true);\n".repeat(tests - 2);
        }
        SourceFile {
            path: path.to_owned(),
            text,
        }
    }

    #[test]
    fn only_code_counts() {
        let files = [
            file("crates/llm/src/a.rs", 600, 900),
            file("crates/llm/src/b/tests.rs", 2000, 0),
            file("crates/llm/tests/table.rs", 2000, 0),
            file("crates/proxy/benches/relay.rs", 2000, 0),
            file("crates/llm/src/c.rs", 601, 10),
        ];
        let faults = sizes(&files);
        assert_eq!(
            (faults.len(), &*faults[0].file, faults[0].line),
            (1, "crates/llm/src/c.rs", 601)
        );
        assert!(
            faults[0]
                .what
                .starts_with("601 lines, expected at most 600")
        );
    }

    #[test]
    fn a_file_that_comes_near_is_noted() {
        let files = [
            file("crates/llm/src/a.rs", 500, 0),
            file("crates/llm/src/b.rs", 501, 0),
        ];
        assert_eq!(
            notes(&files),
            ["crates/llm/src/b.rs: 501 lines, look for the split"]
        );
    }

    #[test]
    fn only_owners_call_clock_environment_and_files() {
        let with = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let allow =
            "//! Pure.\n#![allow(\n    clippy::disallowed_methods,\n    reason = \"x\"\n)]\n";
        let in_tests = "fn pure() {}\n#[cfg(test)]\nmod tests {\n    #![allow(clippy::disallowed_methods)]\n}\n";
        let faults = methods(&[
            with("crates/tollgate/src/main.rs", allow),
            with("crates/llm/src/lib.rs", allow),
            with("crates/llm/src/sse.rs", in_tests),
            with("crates/llm/src/sse/tests.rs", allow),
            with(
                "crates/routing/src/pool.rs",
                "#[allow(clippy::disallowed_methods)]",
            ),
        ]);
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (&*fault.file, fault.line))
            .collect();
        assert_eq!(
            found,
            [
                ("crates/llm/src/lib.rs", 3),
                ("crates/routing/src/pool.rs", 1)
            ]
        );
    }
}
