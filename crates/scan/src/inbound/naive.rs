use crate::finding::{Detector, Finding, Severity, Verdict};
use crate::sieve::Sieve;

/// Phrases that ask for what a model was told.
pub(super) const DISCLOSURE: &[&str] = &[
    "system prompt",
    "system message",
    "system instruction",
    "initial prompt",
    "initial instructions",
    "hidden instructions",
    "your instructions",
    "your prompt",
    "developer message",
    "reveal your",
    "print your instructions",
    "api key",
    "secret key",
    "your password",
    "environment variables",
    "exfiltrate",
];

/// Phrases that ask to leave it.
pub(super) const JAILBREAK: &[&str] = &[
    "ignore previous",
    "ignore all previous",
    "ignore the previous",
    "ignore your previous",
    "ignore prior",
    "ignore all prior",
    "ignore above",
    "ignore the above",
    "ignore your instructions",
    "ignore all instructions",
    "disregard previous",
    "disregard all previous",
    "disregard your",
    "disregard the above",
    "forget previous",
    "forget all previous",
    "forget your instructions",
    "override your",
    "do anything now",
    "jailbreak",
    "developer mode",
    "you are now dan",
    "without restrictions",
    "no restrictions",
];

/// Characters between the two, at most, for the worse verdict.
const NEAR: usize = 500;

/// Disclosure and jailbreak phrases close to each other.
#[derive(Debug)]
pub(crate) struct Naive {
    sieve: Sieve,
}

#[derive(Clone, Copy)]
struct Seen {
    start: usize,
    end: usize,
    disclosure: bool,
}

impl Naive {
    pub(crate) fn new() -> Self {
        let phrases = DISCLOSURE.iter().chain(JAILBREAK);
        Self {
            sieve: Sieve::new(phrases.map(|phrase| phrase.as_bytes())),
        }
    }

    /// The first pair within the limit, else the closest one; nothing where
    /// one of the two is missing.
    ///
    /// Both lists are in order and swept with two pointers: the text is the
    /// attacker's, and the cross product of two long lists is a denial of
    /// service.
    pub(crate) fn look(&self, text: &[u8]) -> Option<(Finding, Verdict)> {
        let mut seen: Vec<Seen> = Vec::new();
        self.sieve.each(
            text,
            0,
            |_| true,
            |found| {
                seen.push(Seen {
                    start: found.start,
                    end: found.end,
                    disclosure: (found.literal as usize) < DISCLOSURE.len(),
                });
            },
        );
        seen.sort_by_key(|seen| seen.start);
        let (mut disclosure, mut jailbreak): (Option<Seen>, Option<Seen>) = (None, None);
        let mut best: Option<(usize, Seen, Seen)> = None;
        for one in seen {
            let other = match one.disclosure {
                true => jailbreak,
                false => disclosure,
            };
            if let Some(other) = other {
                let gap = characters(text, other.end, one.start);
                if best.is_none_or(|(known, ..)| gap < known) {
                    best = Some((gap, other, one));
                }
                if gap <= NEAR {
                    break;
                }
            }
            // Of several the one that ends last is nearest to what follows.
            let kept = match one.disclosure {
                true => &mut disclosure,
                false => &mut jailbreak,
            };
            if kept.is_none_or(|kept| kept.end <= one.end) {
                *kept = Some(one);
            }
        }
        let (gap, first, second) = best?;
        let (severity, verdict) = match gap <= NEAR {
            true => (Severity::High, Verdict::Unsafe),
            false => (Severity::Medium, Verdict::Review),
        };
        let finding = Finding {
            detector: Detector::NaiveInjection,
            kind: "disclosure-and-jailbreak".into(),
            severity,
            start: first.start,
            end: second.end.max(first.end),
        };
        Some((finding, verdict))
    }
}

/// Characters between two offsets, counted no further than matters.
fn characters(text: &[u8], from: usize, to: usize) -> usize {
    if to <= from {
        return 0;
    }
    let bytes = to - from;
    if bytes > NEAR * 4 {
        return bytes;
    }
    text[from..to]
        .iter()
        .filter(|byte| (**byte & 0xC0) != 0x80)
        .count()
}
