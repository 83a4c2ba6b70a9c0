use std::fmt;
use std::sync::Arc;

/// How bad a finding is, mild first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Noted and nothing more: a public key, a failed checksum, a weak signal.
    Low,
    /// Likely: a value that looks like a secret under a name that says so.
    Medium,
    /// A known form, or an instruction that means to take over.
    High,
    /// A known form with its checksum, or a secret that Tollgate guards.
    Critical,
}

impl Severity {
    /// The name that is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// One step milder; `Low` stays.
    pub(crate) const fn milder(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
        }
    }
}

/// What a whole text comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// Somebody should look, or a rule should decide.
    Review,
    /// It should not pass as it is.
    Unsafe,
}

impl Verdict {
    /// The name that is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Review => "review",
            Self::Unsafe => "unsafe",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Which of the detectors spoke. The names are those of `routes.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detector {
    /// Forms of credentials, and values under names that say so.
    TokenPatterns,
    /// Values that Tollgate itself guards.
    KnownSecrets,
    /// Decoding that ran away: a bomb, or more layers than are looked at.
    Decoding,
    /// Disclosure and jailbreak phrases close to each other.
    NaiveInjection,
    /// Weighted signals of an injection.
    InjectionSignals,
}

impl Detector {
    /// The name that is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenPatterns => "token_patterns",
            Self::KnownSecrets => "known_secrets",
            Self::Decoding => "decoding",
            Self::NaiveInjection => "naive_injection_detection",
            Self::InjectionSignals => "injection_signals",
        }
    }
}

/// Something that was found: what and where, never the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Who found it.
    pub detector: Detector,
    /// A stable name, such as `github-token`.
    pub kind: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// First byte, in the text as it came. What was found inside an encoding
    /// has the place of the encoded run.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
}

/// Everything that one text held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In order of `start`; no two of an outbound report overlap.
    pub findings: Vec<Finding>,
    /// What an inbound text came to, where that is more than the sum of its
    /// findings.
    pub(crate) judged: Option<Verdict>,
}

impl Report {
    /// What the findings come to: `High` and above is unsafe, `Medium` review;
    /// what is `Low` is only noted.
    pub fn verdict(&self) -> Verdict {
        if let Some(judged) = self.judged {
            return judged;
        }
        match self.findings.iter().map(|finding| finding.severity).max() {
            None | Some(Severity::Low) => Verdict::Clean,
            Some(Severity::Medium) => Verdict::Review,
            Some(Severity::High | Severity::Critical) => Verdict::Unsafe,
        }
    }
}
