//! awk: `system()`, pipes, `getline` from a command, redirections, loaded
//! libraries, network files.

use super::Found;
use crate::effect::Effect;

/// What an awk program does beside reading and printing.
pub(crate) fn awk(program: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let (bare, strings) = without_strings(program);
    if bare.contains("system")
        || bare.contains("@load")
        || bare.contains("@include")
        || bare.contains("@f")
    {
        let calls = super::shell_calls(program);
        found.push(Found::Does(Effect::Run, "system()"));
        found.extend(calls.into_iter().map(Found::Shell));
    }
    if strings.iter().any(|text| text.starts_with("/inet")) {
        found.push(Found::Does(Effect::Send, "/inet"));
    }
    if piped(&bare) {
        found.push(Found::Does(Effect::Run, "a pipe"));
        found.extend(
            strings
                .iter()
                .filter(|text| text.contains("sh") || text.contains("rm "))
                .cloned()
                .map(Found::Shell),
        );
    }
    if bare.contains("getline<") || bare.contains("getline <") {
        found.extend(
            strings
                .iter()
                .filter(|text| text.starts_with('/'))
                .cloned()
                .map(Found::Reads),
        );
    }
    if redirected(&bare) {
        found.push(Found::Does(Effect::Write, "a redirection"));
        found.extend(
            strings
                .iter()
                .filter(|text| text.starts_with(['/', '~']))
                .cloned()
                .map(Found::Writes),
        );
    }
    found
}

/// The program with every string and pattern replaced by `"`, and the strings.
fn without_strings(program: &str) -> (String, Vec<String>) {
    let (mut bare, mut strings) = (String::new(), Vec::new());
    let mut chars = program.chars().peekable();
    while let Some(one) = chars.next() {
        let starts_pattern = one == '/'
            && bare
                .trim_end()
                .chars()
                .next_back()
                .is_none_or(|last| "(,{}!~&|;=\n".contains(last));
        match one {
            '"' | '/' if one == '"' || starts_pattern => {
                let mut text = String::new();
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => text.extend(chars.next()),
                        _ if inner == one => break,
                        other => text.push(other),
                    }
                }
                bare.push('"');
                if one == '"' {
                    strings.push(text);
                }
            }
            '#' => while chars.next_if(|next| *next != '\n').is_some() {},
            other => bare.push(other),
        }
    }
    (bare, strings)
}

/// A single `|` is a pipe to or from a command.
fn piped(bare: &str) -> bool {
    let chars: Vec<char> = bare.chars().collect();
    chars.iter().enumerate().any(|(at, one)| {
        *one == '|' && chars.get(at + 1) != Some(&'|') && (at == 0 || chars[at - 1] != '|')
    })
}

/// `>` behind `print` is a redirection, elsewhere a comparison.
fn redirected(bare: &str) -> bool {
    bare.split([';', '{', '}', '\n']).any(|statement| {
        let statement = statement.trim_start();
        let prints = statement.starts_with("print") || statement.contains(" print");
        let printed = &statement[statement.find("print").unwrap_or(0)..];
        let mut depth = 0_i32;
        prints
            && printed.chars().any(|one| {
                depth += i32::from(one == '(') - i32::from(one == ')');
                one == '>' && depth == 0
            })
            && !printed.contains('?')
    })
}
