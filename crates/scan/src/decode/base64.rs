use super::{Layer, is_text, pay, swar};

/// Shortest run that is decoded, in letters.
const SHORTEST: usize = 20;

const NONE: u8 = 0xff;

/// Both alphabets in one: `-` is `+`, `_` is `/`.
static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut table = [NONE; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        table[letters[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
}

/// Whether a byte is a letter of either alphabet.
pub(crate) fn is_letter(byte: u8) -> bool {
    VALUES[usize::from(byte)] != NONE
}

/// Every run of base64 that decodes to text or to something compressed.
pub(crate) fn parts(text: &[u8], budget: &mut usize, found: &mut Vec<Layer>) {
    let mut at = 0;
    while let Some((start, end)) = next_run(text, at) {
        at = end;
        if let Some(layer) = decode_run(&text[start..end], start, budget) {
            found.push(layer);
        }
        if *budget == 0 {
            return;
        }
    }
}

/// The next run of at least [`SHORTEST`] letters. Looks from behind: in prose
/// the last eight of twenty bytes have a blank.
pub(crate) fn next_run(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while at + SHORTEST <= text.len() {
        // All letters are behind the marks that begin with a blank.
        let late = swar::word(text, at + SHORTEST - 8).unwrap_or(0);
        let marks = swar::below(late, b'+');
        if marks != 0 {
            at += SHORTEST - swar::behind(marks);
            continue;
        }
        let gap = text[at..at + SHORTEST]
            .iter()
            .rposition(|byte| !is_letter(*byte));
        if let Some(gap) = gap {
            at += gap + 1;
            continue;
        }
        let end = run_end(text, at + SHORTEST);
        return Some((at, end));
    }
    None
}

/// The end of a run, across line ends where full lines go on.
fn run_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    loop {
        end += text[end..]
            .iter()
            .take_while(|byte| is_letter(**byte))
            .count();
        let line_end: usize = match &text[end..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [b'\\', b'n', ..] => 2,
            _ => break,
        };
        let next = end + line_end;
        let line = text[..end]
            .iter()
            .rev()
            .take(80)
            .take_while(|byte| is_letter(**byte))
            .count();
        let follows = text[next..]
            .iter()
            .take(4)
            .filter(|byte| is_letter(**byte))
            .count();
        if line < 60 || follows < 4 {
            break;
        }
        end = next;
    }
    end
}

fn decode_run(run: &[u8], start: usize, budget: &mut usize) -> Option<Layer> {
    // Mixed letters only: a long word or a hex digest is not looked into.
    if !is_mixed(run) {
        return None;
    }
    // A run may begin in the middle of a group: something was glued to it.
    for skip in 0..4 {
        if !is_promising(&run[skip..]) {
            continue;
        }
        if !pay(budget, run.len()) {
            return None;
        }
        let decoded = lenient(&run[skip..]);
        if let Some((from, to)) = readable(&decoded) {
            return Some(Layer {
                text: decoded[from..to].to_vec(),
                start,
                end: start + run.len(),
                places: Vec::new(),
            });
        }
    }
    None
}

fn is_mixed(run: &[u8]) -> bool {
    let head = &run[..run.len().min(96)];
    let lower = head.iter().any(u8::is_ascii_lowercase);
    let upper = head.iter().any(u8::is_ascii_uppercase);
    lower && upper
}

/// Whether some part of the run decodes to text, by samples of 24 letters.
fn is_promising(run: &[u8]) -> bool {
    let mut at = 0;
    while at + 12 <= run.len() {
        let (sample, length) = sample(&run[at..]);
        let sample = &sample[..length];
        let (mut plain, mut control) = (0, 0);
        for byte in sample {
            plain += KINDS[usize::from(*byte)] & 1;
            control |= KINDS[usize::from(*byte)];
        }
        let is_noise = control & 2 == 2;
        if usize::from(plain) * 10 >= sample.len() * 9
            || is_compressed(sample)
            || is_wide(sample)
            || (sample.len() >= 12 && !is_noise && is_text(sample))
        {
            return true;
        }
        at += 96;
    }
    false
}

/// 1 for letters of plain text, 2 for what stands in no text.
static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = match at {
            9 | 10 | 13 | 32..127 => 1,
            0..9 | 14..28 | 127 => 2,
            _ => 0,
        };
        at += 1;
    }
    table
}

/// What the first letters decode to, as [`lenient`] does, without memory of
/// its own: this is done for every hundredth byte of noise.
fn sample(run: &[u8]) -> ([u8; 18], usize) {
    let mut out = [0; 18];
    let mut values = [0u8; 24];
    if let Some(letters) = run.first_chunk::<24>() {
        let mut any = 0;
        for (value, letter) in values.iter_mut().zip(letters) {
            *value = VALUES[usize::from(*letter)];
            any |= *value;
        }
        if any < 64 {
            for (bytes, four) in out.chunks_exact_mut(3).zip(values.chunks_exact(4)) {
                bytes[0] = four[0] << 2 | four[1] >> 4;
                bytes[1] = four[1] << 4 | four[2] >> 2;
                bytes[2] = four[2] << 6 | four[3];
            }
            return (out, 18);
        }
    }
    let bytes = lenient(&run[..run.len().min(24)]);
    let length = bytes.len().min(18);
    out[..length].copy_from_slice(&bytes[..length]);
    (out, length)
}

/// Whether decoded bytes begin as something compressed does.
pub(super) fn is_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
        || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

/// Whether every other byte is nothing.
pub(super) fn is_wide(bytes: &[u8]) -> bool {
    bytes.len() >= 12
        && (bytes.iter().step_by(2).all(|byte| *byte == 0)
            || bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0))
}

/// The readable part: all of it, or the longest stretch of text within noise.
fn readable(decoded: &[u8]) -> Option<(usize, usize)> {
    if is_text(decoded) || is_compressed(decoded) || is_wide(&decoded[..decoded.len().min(32)]) {
        return Some((0, decoded.len()));
    }
    let is_plain = |byte: &u8| matches!(byte, 9 | 10 | 13 | 32..127);
    let (mut best, mut from) = ((0, 0), 0);
    for at in 0..=decoded.len() {
        if at == decoded.len() || !is_plain(&decoded[at]) {
            if at - from > best.1 - best.0 {
                best = (from, at);
            }
            from = at + 1;
        }
    }
    (best.1 - best.0 >= 16).then_some(best)
}

/// Decodes letters and passes over everything else.
fn lenient(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    let mut bytes = run.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' {
            bytes.next();
            continue;
        }
        let value = VALUES[usize::from(*byte)];
        if value == NONE {
            continue;
        }
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// The whole text as base64 of either alphabet, padded or not.
pub(crate) fn all(text: &[u8]) -> Option<Vec<u8>> {
    let trimmed = text.trim_ascii();
    let end = trimmed
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let body = &trimmed[..end];
    (body.len() >= 2 && body.len() % 4 != 1 && body.iter().all(|byte| is_letter(*byte)))
        .then(|| lenient(body))
}
