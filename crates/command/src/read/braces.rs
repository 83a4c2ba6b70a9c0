//! `{a,b}` and `{1..9}`: one word becomes several.

use super::word::Atom;

/// Most words that one word may become.
const MOST: usize = 256;
/// Most braces of one word: each is looked for its end, and each pair is a step
/// down.
const MOST_BRACES: usize = 64;
/// Most characters that all those words may have, copies on the way counted.
const MOST_CHARACTERS: usize = 8 * 1024;

/// Expands the braces outside quotes; `None` where that makes too many words.
pub(super) fn expand(word: Vec<Atom>) -> Option<Vec<Vec<Atom>>> {
    match word.iter().filter(|atom| is(atom, '{')).count() {
        0 => Some(vec![word]),
        1..=MOST_BRACES => each(
            &word,
            &mut Budget {
                words: MOST,
                characters: MOST_CHARACTERS,
            },
        ),
        _ => None,
    }
}

/// What is left to be made.
struct Budget {
    words: usize,
    characters: usize,
}

fn each(word: &[Atom], budget: &mut Budget) -> Option<Vec<Vec<Atom>>> {
    budget.characters = budget.characters.checked_sub(word.len())?;
    let Some((open, close, commas)) = first(word) else {
        budget.words = budget.words.checked_sub(1)?;
        return Some(vec![word.to_vec()]);
    };
    let inner = &word[open + 1..close];
    let choices: Vec<Vec<Atom>> = match commas.is_empty() {
        false => parts(word, open, close, &commas),
        true => range(inner)?,
    };
    let mut words = Vec::new();
    for choice in choices {
        let mut one = word[..open].to_vec();
        one.extend(choice);
        one.extend_from_slice(&word[close + 1..]);
        words.extend(each(&one, budget)?);
    }
    Some(words)
}

/// The first pair of braces that means something: with a comma, or a range.
fn first(word: &[Atom]) -> Option<(usize, usize, Vec<usize>)> {
    for (open, _) in word.iter().enumerate().filter(|(_, atom)| is(atom, '{')) {
        let (mut depth, mut commas) = (0_usize, Vec::new());
        for (at, atom) in word.iter().enumerate().skip(open) {
            match atom {
                _ if is(atom, '{') => depth += 1,
                _ if is(atom, ',') && depth == 1 => commas.push(at),
                _ if is(atom, '}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                if !commas.is_empty() || text(&word[open + 1..at]).contains("..") {
                    return Some((open, at, commas));
                }
                break;
            }
        }
    }
    None
}

fn parts(word: &[Atom], open: usize, close: usize, commas: &[usize]) -> Vec<Vec<Atom>> {
    let mut starts = vec![open];
    starts.extend(commas);
    let mut ends = commas.to_vec();
    ends.push(close);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| word[start + 1..end].to_vec())
        .collect()
}

/// `1..9`, `a..e`, `1..9..2`; what is neither stays as it is written.
fn range(inner: &[Atom]) -> Option<Vec<Vec<Atom>>> {
    let source = text(inner);
    let ends: Vec<&str> = source.split("..").collect();
    let values: Vec<String> = match ends.as_slice() {
        [from, to] | [from, to, _] => {
            let step = ends
                .get(2)
                .and_then(|step| step.parse::<i64>().ok())
                .unwrap_or(1);
            let step = step.unsigned_abs().max(1) as usize;
            match (from.parse::<i64>(), to.parse::<i64>()) {
                (Ok(from), Ok(to)) if from.abs_diff(to) / step as u64 > MOST as u64 => return None,
                (Ok(from), Ok(to)) if from <= to => {
                    (from..=to).step_by(step).map(|n| n.to_string()).collect()
                }
                (Ok(from), Ok(to)) => (to..=from)
                    .rev()
                    .step_by(step)
                    .map(|n| n.to_string())
                    .collect(),
                _ => letters(from, to),
            }
        }
        _ => Vec::new(),
    };
    let quoted = |value: &str| {
        value
            .chars()
            .map(|value| Atom::Char {
                value,
                quoted: true,
            })
            .collect()
    };
    Some(match values.is_empty() {
        true => vec![quoted(&format!("{{{source}}}"))],
        false => values.iter().map(|value| quoted(value)).collect(),
    })
}

fn letters(from: &str, to: &str) -> Vec<String> {
    let one = |text: &str| {
        let mut chars = text.chars();
        chars
            .next()
            .filter(|first| first.is_ascii() && chars.next().is_none())
    };
    match (one(from), one(to)) {
        (Some(from), Some(to)) if from <= to => (from..=to).map(String::from).collect(),
        (Some(from), Some(to)) => (to..=from).rev().map(String::from).collect(),
        _ => Vec::new(),
    }
}

fn is(atom: &Atom, wanted: char) -> bool {
    matches!(atom, Atom::Char { value, quoted: false } if *value == wanted)
}

fn text(atoms: &[Atom]) -> String {
    atoms
        .iter()
        .map(|atom| match atom {
            Atom::Char { value, .. } => value.to_string(),
            Atom::Hole { text, .. } => text.clone(),
            Atom::Break | Atom::Empty => String::new(),
        })
        .collect()
}
