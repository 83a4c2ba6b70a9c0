use super::base64::{is_compressed, is_wide};
use super::{Layer, is_text, pay, swar};

/// Shortest run that is decoded, in digits.
const SHORTEST: usize = 24;

/// Every run of hex digits that decodes to text: plain, or with one separator
/// (`:`, blank, `-`, `\x`, `0x`, `%`) between the bytes.
pub(crate) fn parts(text: &[u8], budget: &mut usize, found: &mut Vec<Layer>) {
    let mut at = 0;
    while let Some((start, end)) = next_run(text, at) {
        at = end;
        let (from, to) = trimmed(&text[start..end]);
        let run = &text[start + from..start + to];
        if run.len() >= SHORTEST
            && pay(budget, (end - start) / 4)
            && let Some(layer) = decode(run, start + from, budget)
        {
            found.push(layer);
        }
    }
}

/// The next run of at least [`SHORTEST`] digits and separators.
pub(crate) fn next_run(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some(window) = text[at..].first_chunk::<SHORTEST>() {
        let late = swar::word(text, at + SHORTEST - 8).unwrap_or(0);
        let letters = swar::above(late, b'f') & !swar::equal(late, b'x');
        if letters != 0 {
            at += SHORTEST - swar::behind(letters);
            continue;
        }
        // From behind: in other text the next run begins near the window's end.
        if let Some(gap) = window.iter().rposition(|byte| !is_part(*byte)) {
            at += gap + 1;
            continue;
        }
        let length = text[at..].iter().take_while(|byte| is_part(**byte)).count();
        return Some((at, at + length));
    }
    None
}

/// The run without separators at its ends, and without the end of a word that
/// happens to be of hex digits too (`the 68 65`).
fn trimmed(run: &[u8]) -> (usize, usize) {
    let is_pair = |token: &[u8]| token.len() == 2 || token.len().is_multiple_of(4);
    let mut from = run
        .iter()
        .position(u8::is_ascii_hexdigit)
        .unwrap_or(run.len());
    let mut to = run
        .iter()
        .rposition(u8::is_ascii_hexdigit)
        .map_or(from, |at| at + 1)
        .max(from);
    while let Some(blank) = run[from..to].iter().position(|byte| *byte == b' ')
        && !is_pair(&run[from..from + blank])
    {
        from += blank + 1;
    }
    while let Some(blank) = run[from..to].iter().rposition(|byte| *byte == b' ')
        && !is_pair(&run[from + blank + 1..to])
    {
        to = from + blank;
    }
    (from, to)
}

static PARTS: [bool; 256] = parts_of_runs();

const fn parts_of_runs() -> [bool; 256] {
    let mut table = [false; 256];
    let letters = b"0123456789abcdefABCDEF: -\\x,";
    let mut at = 0;
    while at < letters.len() {
        table[letters[at] as usize] = true;
        at += 1;
    }
    table
}

/// Whether a byte may stand inside a run.
pub(crate) fn is_part(byte: u8) -> bool {
    PARTS[usize::from(byte)]
}

fn decode(run: &[u8], start: usize, budget: &mut usize) -> Option<Layer> {
    let mut out = Vec::with_capacity(run.len() / 2);
    let mut high = None;
    let mut at = 0;
    while at < run.len() {
        let digit = (run[at] as char).to_digit(16);
        // `0x41` and `\x41`: the zero before the mark is none of the digits.
        if run[at] == b'0' && run.get(at + 1) == Some(&b'x') {
            at += 2;
            high = None;
            continue;
        }
        match (digit, high) {
            (Some(digit), None) => high = Some(digit),
            (Some(digit), Some(first)) => {
                out.push((first * 16 + digit) as u8);
                high = None;
            }
            (None, Some(_)) => high = None,
            (None, None) => {}
        }
        at += 1;
    }
    let letters = out
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || **byte == b' ')
        .count();
    let is_plain = letters * 10 >= out.len() * 4 && is_text(&out);
    let is_worth_it = is_plain || is_compressed(&out) || is_wide(&out[..out.len().min(32)]);
    (out.len() >= 8 && is_worth_it && pay(budget, out.len())).then(|| Layer {
        text: out,
        start,
        end: start + run.len(),
        places: Vec::new(),
    })
}
