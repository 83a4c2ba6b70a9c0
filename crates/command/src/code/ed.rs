//! ed and ex: commands of a line each, of which `!` runs a shell.

use super::Found;
use crate::effect::Effect;

/// What an editor does that is told by its standard input.
pub(crate) fn ed(script: &str) -> Vec<Found> {
    script.lines().flat_map(line).collect()
}

fn line(line: &str) -> Vec<Found> {
    let is_address = |one: char| one.is_ascii_digit() || ":,.$%+- ".contains(one);
    let command = line.trim().trim_start_matches(is_address);
    if command.starts_with(['s', 'g', 'v']) {
        return Vec::new();
    }
    // `w!` and `q!` only insist; `!id`, `r !id` and `w !id` run.
    let runs = command
        .split_once('!')
        .filter(|(before, text)| before.len() <= 2 && !text.trim().is_empty())
        .filter(|(before, text)| {
            before.is_empty() || before.ends_with(' ') || !text.starts_with(' ')
        });
    if let Some((_, text)) = runs {
        let text = text.trim().to_owned();
        return vec![Found::Does(Effect::Run, "!"), Found::Shell(text)];
    }
    let written = command.strip_prefix(['w', 'W']).unwrap_or_default();
    let file = written.trim_start_matches(['q', '!']).trim();
    match file.is_empty() {
        true => Vec::new(),
        false => vec![Found::Writes(file.to_owned())],
    }
}
