use super::{Layer, pay};

/// UTF-16 without a mark: every other byte is nothing.
pub(crate) fn parts(text: &[u8], budget: &mut usize, found: &mut Vec<Layer>) {
    let Some(first) = memchr::memchr(0, text) else {
        return;
    };
    let from = first.saturating_sub(first % 2 + if first > 1 { 2 } else { 0 });
    let sample = &text[from..text.len().min(from + 64)];
    let zeros = |odd: usize| {
        sample
            .iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
            * 2
    };
    let odd = match (
        zeros(1) * 10 >= sample.len() * 8,
        zeros(0) * 10 >= sample.len() * 8,
    ) {
        (true, _) => 0,
        (_, true) => 1,
        _ => return,
    };
    if !pay(budget, text.len() / 2) {
        return;
    }
    let out: Vec<u8> = text[from..].iter().skip(odd).step_by(2).copied().collect();
    found.push(Layer {
        text: out,
        start: from,
        end: text.len(),
        places: Vec::new(),
    });
}
