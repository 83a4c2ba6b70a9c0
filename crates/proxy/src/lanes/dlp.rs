use tollgate_scan::{Detector, Outbound, Profile, Severity};

/// What happens to a request in which a secret was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMatch {
    /// A placeholder goes in its place.
    #[default]
    Redact,
    /// It is refused.
    Block,
    /// A person decides whether it goes out as it is, or not at all.
    Supervise,
}

/// What is looked for in answers and in what tools brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inward {
    /// `naive_injection_detection`
    pub naive: bool,
    /// `injection_signals`
    pub signals: bool,
    /// Secrets that are masked in answers.
    pub secrets: Outbound,
}

impl Inward {
    /// Nothing.
    pub const NONE: Self = Self {
        naive: false,
        signals: false,
        secrets: NO_SECRETS,
    };

    /// Whether injections are looked for.
    pub(crate) const fn listens(self) -> bool {
        self.naive || self.signals
    }

    /// Whether secrets are.
    pub(crate) const fn masks(self) -> bool {
        self.secrets.token_patterns || self.secrets.known_secrets
    }
}

const NO_SECRETS: Outbound = Outbound {
    token_patterns: false,
    known_secrets: false,
};

/// What a table of the configuration says; what it leaves open, the next one
/// says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DlpSettings {
    /// `outbound_detectors`
    pub outbound: Option<Outbound>,
    /// `inbound_detectors`
    pub inbound: Option<Inward>,
    /// `outbound_on_match`
    pub on_match: Option<OnMatch>,
    /// `profile`
    pub profile: Option<Profile>,
}

/// What holds between one agent and one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dlp {
    /// What is looked for in requests.
    pub outbound: Outbound,
    /// What is looked for in answers and in what tools brought.
    pub inbound: Inward,
    /// What follows.
    pub on_match: OnMatch,
    /// How strictly inbound text is taken.
    pub profile: Profile,
}

impl Dlp {
    /// Where nothing else is said: everything is looked for, secrets that leave
    /// are redacted, and what comes in taints.
    pub(crate) const DEFAULT: Self = Self {
        outbound: Outbound::ALL,
        inbound: Inward {
            naive: true,
            signals: true,
            secrets: NO_SECRETS,
        },
        on_match: OnMatch::Redact,
        profile: Profile::Balanced,
    };

    /// The first table that says it, key by key.
    pub(crate) fn of(tables: &[&DlpSettings]) -> Self {
        let says = Self::DEFAULT;
        Self {
            outbound: tables
                .iter()
                .find_map(|it| it.outbound)
                .unwrap_or(says.outbound),
            inbound: tables
                .iter()
                .find_map(|it| it.inbound)
                .unwrap_or(says.inbound),
            on_match: tables
                .iter()
                .find_map(|it| it.on_match)
                .unwrap_or(says.on_match),
            profile: tables
                .iter()
                .find_map(|it| it.profile)
                .unwrap_or(says.profile),
        }
    }

    /// Whether a finding of this detector and severity has consequences here.
    /// What is mild is noted: a public key, a value of one letter over and over.
    pub(crate) fn acts_on(self, detector: Detector, severity: Severity) -> bool {
        severity >= Severity::Medium && has(self.outbound, detector)
    }
}

/// Whether a detector is among these. What runs into the bounds of decoding is
/// found by whoever decodes.
pub(crate) fn has(which: Outbound, detector: Detector) -> bool {
    match detector {
        Detector::KnownSecrets => which.known_secrets,
        Detector::TokenPatterns => which.token_patterns,
        Detector::Decoding => which.known_secrets || which.token_patterns,
        Detector::NaiveInjection | Detector::InjectionSignals => false,
    }
}

/// Everything that either of two looks for.
pub(crate) const fn either(one: Outbound, other: Outbound) -> Outbound {
    Outbound {
        token_patterns: one.token_patterns || other.token_patterns,
        known_secrets: one.known_secrets || other.known_secrets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_table_wins_key_by_key() {
        let agent = DlpSettings {
            on_match: Some(OnMatch::Block),
            ..DlpSettings::default()
        };
        let provider = DlpSettings {
            on_match: Some(OnMatch::Supervise),
            outbound: Some(Outbound::PATTERNS),
            ..DlpSettings::default()
        };
        let dlp = Dlp::of(&[&agent, &provider]);
        assert_eq!(
            (dlp.on_match, dlp.outbound, dlp.inbound),
            (OnMatch::Block, Outbound::PATTERNS, Dlp::DEFAULT.inbound)
        );
    }

    #[test]
    fn a_detector_that_is_off_has_no_consequences() {
        let dlp = Dlp {
            outbound: Outbound::PATTERNS,
            ..Dlp::DEFAULT
        };
        assert!(dlp.acts_on(Detector::TokenPatterns, Severity::Medium));
        assert!(!dlp.acts_on(Detector::TokenPatterns, Severity::Low));
        assert!(!dlp.acts_on(Detector::KnownSecrets, Severity::Critical));
    }
}
