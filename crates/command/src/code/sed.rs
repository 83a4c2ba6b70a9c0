//! sed: its commands `e`, `w`, `W`, `r`, `R` and the flags `e` and `w` of `s`
//! reach outside.

use super::Found;
use crate::effect::Effect;

/// What a sed script does beside editing what flows through it.
pub(crate) fn sed(script: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let chars: Vec<char> = script.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        at = address(&chars, at);
        let Some(command) = chars.get(at).copied() else {
            break;
        };
        at += 1;
        match command {
            's' | 'y' => at = substitute(&chars, at, command == 's', &mut found),
            'e' => {
                let text = line(&chars, &mut at);
                match text.trim().is_empty() {
                    true => found.push(Found::Does(Effect::Run, "e")),
                    false => {
                        found.push(Found::Does(Effect::Run, "e"));
                        found.push(Found::Shell(text.trim().to_owned()));
                    }
                }
            }
            'w' | 'W' => found.push(Found::Writes(line(&chars, &mut at).trim().to_owned())),
            'r' | 'R' => found.push(Found::Reads(line(&chars, &mut at).trim().to_owned())),
            'a' | 'i' | 'c' => drop(line(&chars, &mut at)),
            _ => {}
        }
    }
    found
}

/// Skips spaces, separators and an address: numbers, `$`, `/…/`, `\x…x`.
fn address(chars: &[char], mut at: usize) -> usize {
    while let Some(one) = chars.get(at) {
        match one {
            '/' => at = delimited(chars, at + 1, '/'),
            '\\' => at = delimited(chars, at + 2, chars.get(at + 1).copied().unwrap_or('/')),
            one if one.is_whitespace() || one.is_ascii_digit() || ";{},$!~+IM".contains(*one) => {
                at += 1
            }
            _ => break,
        }
    }
    at
}

/// Just behind the next `end` that is not escaped.
fn delimited(chars: &[char], mut at: usize, end: char) -> usize {
    while let Some(one) = chars.get(at) {
        match one {
            '\\' => at += 1,
            one if *one == end => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

fn substitute(chars: &[char], at: usize, has_flags: bool, found: &mut Vec<Found>) -> usize {
    let Some(mark) = chars.get(at).copied() else {
        return at;
    };
    let mut at = delimited(chars, delimited(chars, at + 1, mark), mark);
    while has_flags && let Some(flag) = chars.get(at) {
        match flag {
            'e' => found.push(Found::Does(Effect::Run, "s///e")),
            'w' => {
                at += 1;
                found.push(Found::Writes(line(chars, &mut at).trim().to_owned()));
                return at;
            }
            'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' => {}
            _ => break,
        }
        at += 1;
    }
    at
}

fn line(chars: &[char], at: &mut usize) -> String {
    let rest = &chars[(*at).min(chars.len())..];
    let end = rest
        .iter()
        .position(|one| *one == '\n')
        .unwrap_or(rest.len());
    *at += end;
    rest[..end].iter().collect()
}
