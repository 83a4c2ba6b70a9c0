use std::sync::Arc;

use crate::decode::{self, Layer, Limits, Trouble};
use crate::finding::{Detector, Finding, Report, Severity};
use crate::known::Book;
use crate::outbound::{Catalog, RuleFault, patterns};

/// Which of the outbound detectors run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outbound {
    /// `token_patterns`
    pub token_patterns: bool,
    /// `known_secrets`: off for whoever may ask at will, because the answers
    /// would tell what Tollgate guards.
    pub known_secrets: bool,
}

impl Outbound {
    /// Everything that is known.
    pub const ALL: Self = Self {
        token_patterns: true,
        known_secrets: true,
    };
    /// What strangers may ask.
    pub const PATTERNS: Self = Self {
        token_patterns: true,
        known_secrets: false,
    };
}

/// Finds secrets in text. Cheap to share, holds no text.
#[derive(Debug)]
pub struct Scanner {
    catalog: Catalog,
    limits: Limits,
}

impl Scanner {
    /// A scanner with the shipped rules.
    ///
    /// # Errors
    /// None in practice: a test holds the shipped rules.
    pub fn shipped() -> Result<Self, RuleFault> {
        Ok(Self::new(Catalog::shipped()?, Limits::default()))
    }

    /// A scanner with these rules and limits.
    pub fn new(catalog: Catalog, limits: Limits) -> Self {
        Self { catalog, limits }
    }

    /// The rules.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Everything that must not leave in this text: bytes of any kind.
    pub fn outbound(&self, text: &[u8], book: Option<&Book>, which: Outbound) -> Report {
        self.partial(text, book, which).0
    }

    /// The guarded secrets in this text as it stands, in any of their forms;
    /// nothing is decoded. For what nobody reads: ids, seals, pictures.
    pub fn guarded(text: &[u8], book: &Book) -> Report {
        let mut found = Vec::new();
        book.scan(text, &mut found);
        Report {
            findings: settle(found),
            judged: None,
        }
    }

    /// The report, and from where on the text is still open: what would come
    /// behind it could make that part a finding.
    pub(crate) fn partial(
        &self,
        text: &[u8],
        book: Option<&Book>,
        which: Outbound,
    ) -> (Report, usize) {
        let mut search = Search {
            scanner: self,
            book: book.filter(|_| which.known_secrets),
            which,
            budget: self.limits.total,
            found: Vec::new(),
        };
        let open = search.look(text, &[], self.limits.depth);
        (
            Report {
                findings: settle(search.found),
                judged: None,
            },
            open,
        )
    }
}

struct Search<'a> {
    scanner: &'a Scanner,
    book: Option<&'a Book>,
    which: Outbound,
    budget: usize,
    found: Vec<Finding>,
}

impl Search<'_> {
    /// Looks at one text and all that it holds; `above` are the layers that it
    /// came out of, the innermost last.
    fn look(&mut self, text: &[u8], above: &[&Layer], depth: usize) -> usize {
        let mut here = Vec::new();
        let mut open = text.len();
        if let Some(book) = self.book {
            open = book.scan(text, &mut here);
        }
        if self.which.token_patterns {
            let hits = patterns::scan(text, &self.scanner.catalog);
            open = open.min(hits.open);
            here.extend(hits.findings);
        }
        let mut trouble = Vec::new();
        // Where nothing is left to spend, that was said when it was spent.
        let layers = match depth {
            0 => Vec::new(),
            _ if self.budget == 0 => Vec::new(),
            _ => decode::layers(text, &mut self.budget, &self.scanner.limits, &mut trouble),
        };
        here.extend(trouble.into_iter().map(told));
        for mut finding in here {
            for layer in above.iter().rev() {
                (finding.start, finding.end) = layer.place(finding.start, finding.end);
            }
            self.found.push(finding);
        }
        for layer in &layers {
            let mut path = above.to_vec();
            path.push(layer);
            let inner = self.look(&layer.text, &path, depth - 1);
            // Behind an escape the text goes on in two spellings.
            if inner < layer.text.len() && layer.end == text.len() && !layer.places.is_empty() {
                open = open.min(layer.place(inner, inner + 1).0);
            }
        }
        open
    }
}

fn told((trouble, start, end): (Trouble, usize, usize)) -> Finding {
    let kind: Arc<str> = match trouble {
        Trouble::Bomb => "decompression-bomb".into(),
        Trouble::Exhausted => "decoding-exhausted".into(),
    };
    Finding {
        detector: Detector::Decoding,
        kind,
        severity: Severity::High,
        start,
        end,
    }
}

/// In order, and of findings that overlap only the one that says most: the
/// guarded secret, the known form, the longer one.
fn settle(mut found: Vec<Finding>) -> Vec<Finding> {
    let rank = |finding: &Finding| {
        let named = !matches!(
            &*finding.kind,
            "generic-secret" | "generic-password" | "authorization-header"
        );
        (
            finding.detector == Detector::KnownSecrets,
            named,
            finding.severity,
            finding.end - finding.start,
        )
    };
    found.sort_by_key(|finding| (finding.start, finding.end));
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        match kept.last_mut() {
            // Two layers may show two parts of one secret: nothing of either
            // is left standing.
            Some(known) if finding.start < known.end => {
                let end = known.end.max(finding.end);
                let severity = known.severity.max(finding.severity);
                if rank(&finding) > rank(known) {
                    let start = known.start;
                    *known = Finding { start, ..finding };
                }
                (known.end, known.severity) = (end, severity);
            }
            _ => kept.push(finding),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Redactor, mask};

    /// A weak finding that reaches from one strong finding into the next made
    /// the two overlap, and the second one stayed in the text.
    #[test]
    fn findings_that_a_third_one_bridges_become_one() {
        let text = b"a token ghp_first then the-guarded-secret here";
        let finding = |detector, kind: &str, severity, start, end| Finding {
            detector,
            kind: kind.into(),
            severity,
            start,
            end,
        };
        let found = vec![
            finding(
                Detector::TokenPatterns,
                "github-token",
                Severity::High,
                8,
                17,
            ),
            finding(
                Detector::TokenPatterns,
                "generic-secret",
                Severity::Medium,
                12,
                30,
            ),
            finding(
                Detector::KnownSecrets,
                "provider-key",
                Severity::Critical,
                23,
                41,
            ),
        ];
        let settled = settle(found);
        assert_eq!(settled.len(), 1);
        assert_eq!((settled[0].start, settled[0].end), (8, 41));
        assert_eq!(&*settled[0].kind, "provider-key");
        let redacted = Redactor::new([1; 32]).redact(text, &settled);
        let redacted = String::from_utf8_lossy(&redacted);
        assert!(redacted.starts_with("a token [redacted:provider-key:"));
        assert!(redacted.ends_with("] here"), "{redacted}");
        assert_eq!(mask(text, &settled)[8..41], [b'*'; 33]);
    }
}
