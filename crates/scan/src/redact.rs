use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// Puts placeholders where secrets were, in text that may change its length.
///
/// `[redacted:github-token:7f3a]` says what stood there and, by the last four
/// digits, whether two of them were the same; the digits are keyed, so that
/// nobody can compute them from a guess.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor under a key of 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The text with a placeholder for every finding; they must be in order
    /// and must not overlap, as those of a report are.
    pub fn redact(&self, text: &[u8], findings: &[Finding]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for finding in findings {
            let (start, end) = bounds(text, finding);
            // Widening to whole letters may make neighbours touch: what is
            // left of the second one still goes.
            let start = start.max(at);
            if end <= start {
                continue;
            }
            out.extend_from_slice(&text[at..start]);
            out.extend_from_slice(
                self.placeholder(&finding.kind, &text[start..end])
                    .as_bytes(),
            );
            at = end;
        }
        out.extend_from_slice(&text[at..]);
        out
    }

    /// The placeholder for one value: letters, digits, brackets, colons and
    /// dashes only, so that it stands in JSON, YAML, headers and addresses.
    pub fn placeholder(&self, kind: &str, value: &[u8]) -> String {
        let digest = Sha256::new()
            .chain_update(b"tollgate redaction")
            .chain_update(self.key)
            .chain_update(kind)
            .chain_update([0])
            .chain_update(value)
            .finalize();
        format!("[redacted:{kind}:{:02x}{:02x}]", digest[0], digest[1])
    }
}

/// The text with every byte of a finding turned into `*`: for streams, whose
/// lengths have been promised.
pub fn mask(text: &[u8], findings: &[Finding]) -> Vec<u8> {
    let mut out = text.to_vec();
    for finding in findings {
        let (start, end) = bounds(text, finding);
        out[start..end].fill(b'*');
    }
    out
}

/// The finding's place, widened to whole letters.
fn bounds(text: &[u8], finding: &Finding) -> (usize, usize) {
    let is_inner = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let mut start = finding.start.min(text.len());
    while start > 0 && is_inner(start) {
        start -= 1;
    }
    let mut end = finding.end.clamp(start, text.len());
    while end < text.len() && is_inner(end) {
        end += 1;
    }
    (start, end)
}
