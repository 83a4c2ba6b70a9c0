//! Code of Python, Perl, Ruby, Node, PHP, Lua and their like.
//!
//! It is not parsed: code given to an interpreter is MEDIUM whatever it says.
//! Words that destroy, and shell text in calls that run it, raise it.

use crate::effect::Effect;

/// What the words of the code say.
pub(crate) fn script(code: &str) -> Vec<(Effect, &'static str)> {
    const SIGNS: &[(&str, Effect)] = &[
        ("rmtree", Effect::Destroy),
        ("remove_dir_all", Effect::Destroy),
        ("rm_rf", Effect::Destroy),
        ("rm_r(", Effect::Destroy),
        ("rmSync", Effect::Destroy),
        ("rimraf", Effect::Destroy),
        ("removedirs", Effect::Destroy),
        ("FileUtils.rm", Effect::Destroy),
        ("removeSync", Effect::Destroy),
        ("/etc/shadow", Effect::Secret),
        ("authorized_keys", Effect::Config),
        (".ssh/id_", Effect::Secret),
        ("os.fork", Effect::Unsure),
        ("setuid(0", Effect::Root),
        ("DROP TABLE", Effect::Destroy),
        ("DROP DATABASE", Effect::Destroy),
    ];
    SIGNS
        .iter()
        .filter(|(sign, _)| code.contains(sign))
        .map(|(sign, effect)| (*effect, *sign))
        .collect()
}

/// Shell text in calls such as `os.system("…")`, `exec('…')`, backticks.
pub(crate) fn shell_calls(code: &str) -> Vec<String> {
    const CALLS: &[&str] = &[
        "system",
        "popen",
        "exec",
        "execSync",
        "spawn",
        "spawnSync",
        "run",
        "call",
        "check_output",
        "check_call",
        "Popen",
        "execl",
        "shell_exec",
        "passthru",
        "getoutput",
        "execute",
    ];
    let mut found = Vec::new();
    for call in CALLS {
        for (at, _) in code.match_indices(call) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|one| one.is_alphanumeric() || one == '_') {
                continue;
            }
            let rest = code[at + call.len()..]
                .trim_start()
                .trim_start_matches('(')
                .trim_start();
            if let Some(text) = arguments(rest) {
                found.push(text);
            }
            if found.len() >= 16 {
                return found;
            }
        }
    }
    found
}

/// One string, or a list of strings joined as words.
fn arguments(rest: &str) -> Option<String> {
    match rest.strip_prefix('[') {
        Some(list) => {
            let list = &list[..list.find(']')?];
            let words: Vec<String> = list
                .split(',')
                .filter_map(|word| string(word.trim()))
                .collect();
            let quoted: Vec<String> = words
                .iter()
                .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
                .collect();
            (!quoted.is_empty()).then(|| quoted.join(" "))
        }
        None => string(rest),
    }
}

fn string(text: &str) -> Option<String> {
    let quote = text
        .chars()
        .next()
        .filter(|one| ['"', '\'', '`'].contains(one))?;
    let mut value = String::new();
    let mut chars = text[1..].chars();
    while let Some(character) = chars.next() {
        match character {
            '\\' => value.extend(chars.next()),
            _ if character == quote => return Some(value),
            other => value.push(other),
        }
    }
    None
}
