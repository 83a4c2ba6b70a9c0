use serde::{Deserialize, Serialize};
use tollgate_types::Tier;

/// How much an agent may run by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// Nothing at all.
    Deny,
    /// What its rules or a low tier allow.
    #[default]
    Allowlist,
    /// Everything: the operator's standing decision, opaque commands too.
    Full,
}

/// When a person is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Never: what would be asked about from MEDIUM on is denied.
    Off,
    /// Where nothing else allows it.
    #[default]
    OnMiss,
    /// Each time.
    Always,
}

/// What holds for SAFE where no rule speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafeTier {
    /// It runs.
    #[default]
    Allow,
    /// A person is asked.
    Ask,
}

/// What holds when nobody can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// No.
    #[default]
    Deny,
    /// What a rule allows.
    Allowlist,
    /// Yes.
    Full,
}

/// What is known of one command when the matrix is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Of the agent.
    pub security: Security,
    /// Of the agent.
    pub ask: Ask,
    /// Of the agent.
    pub safe_tier: SafeTier,
    /// A rule of the agent allows it.
    pub rule_matches: bool,
    /// As judged.
    pub tier: Tier,
    /// Something runs that can't be seen.
    pub is_opaque: bool,
}

/// What the matrix says, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruling {
    /// It runs.
    Allow,
    /// A judge model says, or what holds without one.
    Judge,
    /// A person says.
    Ask,
    /// It does not run.
    Deny,
}

impl Case {
    /// The table of `docs/approvals.md`, cell by cell.
    pub fn ruling(self) -> Ruling {
        match (self.security, self.ask) {
            (Security::Deny, _) => Ruling::Deny,
            (Security::Full, Ask::Off | Ask::OnMiss) => Ruling::Allow,
            (Security::Full | Security::Allowlist, Ask::Always) => Ruling::Ask,
            (Security::Allowlist, ask) => self.allowlist(match ask {
                Ask::Off => Ruling::Deny,
                _ => Ruling::Ask,
            }),
        }
    }

    /// `person` is what stands where a person is needed. Opaque always needs
    /// one, even where a rule matches.
    fn allowlist(self, person: Ruling) -> Ruling {
        match self.tier {
            _ if self.is_opaque => person,
            _ if self.rule_matches => Ruling::Allow,
            Tier::Safe => match self.safe_tier {
                SafeTier::Allow => Ruling::Allow,
                SafeTier::Ask => Ruling::Ask,
            },
            Tier::Low => Ruling::Judge,
            Tier::Medium | Tier::High | Tier::Critical => person,
        }
    }

    /// What holds when nobody can be asked.
    pub fn fallback(self, fallback: Fallback) -> Ruling {
        match fallback {
            Fallback::Full => Ruling::Allow,
            Fallback::Allowlist if self.rule_matches && !self.is_opaque => Ruling::Allow,
            Fallback::Allowlist | Fallback::Deny => Ruling::Deny,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ruling::{Allow as Y, Ask as Q, Deny as N, Judge as J};

    const SECURITIES: [Security; 3] = [Security::Deny, Security::Full, Security::Allowlist];
    const ASKS: [Ask; 3] = [Ask::Off, Ask::OnMiss, Ask::Always];

    /// Rule matches (known, MEDIUM), SAFE, LOW, MEDIUM, HIGH, CRITICAL; then
    /// opaque without and with a rule.
    const CELLS: [(Security, Ask, SafeTier, [Ruling; 8]); 18] = {
        use Ask::*;
        use SafeTier::Ask as Asked;
        use Security::{Allowlist, Deny, Full};
        let quiet = SafeTier::Allow;
        [
            (Deny, Off, quiet, [N; 8]),
            (Deny, OnMiss, quiet, [N; 8]),
            (Deny, Always, quiet, [N; 8]),
            (Deny, Off, Asked, [N; 8]),
            (Deny, OnMiss, Asked, [N; 8]),
            (Deny, Always, Asked, [N; 8]),
            (Full, Off, quiet, [Y; 8]),
            (Full, OnMiss, quiet, [Y; 8]),
            (Full, Always, quiet, [Q; 8]),
            (Full, Off, Asked, [Y; 8]),
            (Full, OnMiss, Asked, [Y; 8]),
            (Full, Always, Asked, [Q; 8]),
            (Allowlist, Always, quiet, [Q; 8]),
            (Allowlist, Always, Asked, [Q; 8]),
            (Allowlist, OnMiss, quiet, [Y, Y, J, Q, Q, Q, Q, Q]),
            (Allowlist, OnMiss, Asked, [Y, Q, J, Q, Q, Q, Q, Q]),
            (Allowlist, Off, quiet, [Y, Y, J, N, N, N, N, N]),
            (Allowlist, Off, Asked, [Y, Q, J, N, N, N, N, N]),
        ]
    };

    #[test]
    fn every_cell_of_the_matrix() {
        for (security, ask, safe_tier, expected) in CELLS {
            let case = Case {
                security,
                ask,
                safe_tier,
                rule_matches: false,
                tier: Tier::Medium,
                is_opaque: false,
            };
            let tier = |tier| Case { tier, ..case }.ruling();
            let with = |rule_matches, is_opaque| {
                let case = Case {
                    rule_matches,
                    is_opaque,
                    ..case
                };
                case.ruling()
            };
            let found = [
                with(true, false),
                tier(Tier::Safe),
                tier(Tier::Low),
                tier(Tier::Medium),
                tier(Tier::High),
                tier(Tier::Critical),
                with(false, true),
                with(true, true),
            ];
            assert_eq!(found, expected, "{security:?} {ask:?} {safe_tier:?}");
        }
        for security in SECURITIES {
            for ask in ASKS {
                let rows = CELLS.iter().filter(|row| (row.0, row.1) == (security, ask));
                assert_eq!(rows.count(), 2, "the table is whole");
            }
        }
    }

    #[test]
    fn a_fallback_never_makes_a_rule_out_of_nothing() {
        let case = |rule_matches, is_opaque| Case {
            security: Security::Allowlist,
            ask: Ask::OnMiss,
            safe_tier: SafeTier::Allow,
            rule_matches,
            tier: Tier::High,
            is_opaque,
        };
        assert_eq!(case(true, false).fallback(Fallback::Deny), N);
        assert_eq!(case(true, false).fallback(Fallback::Allowlist), Y);
        assert_eq!(case(true, true).fallback(Fallback::Allowlist), N);
        assert_eq!(case(false, false).fallback(Fallback::Allowlist), N);
        assert_eq!(case(false, false).fallback(Fallback::Full), Y);
    }
}
