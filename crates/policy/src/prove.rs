//! A file proves itself by its examples before it is used.

use crate::engine::{File, Places};
use crate::fault::PolicyFault;
use crate::rule::{Expectation, Rule};

impl File {
    /// Every example that does not hold.
    pub(crate) fn prove(&self, places: &Places) -> Vec<PolicyFault> {
        let rules = self.rules.iter().flat_map(|rule| self.prove_rule(rule));
        let expectations = self.expectations.iter();
        let expectations = expectations.filter_map(|it| self.prove_expectation(it, places));
        rules.chain(expectations).collect()
    }

    fn prove_rule(&self, rule: &Rule) -> Vec<PolicyFault> {
        let groups = [
            ("match", &rule.matches, true),
            ("no_match", &rule.misses, false),
        ];
        let mut faults = Vec::new();
        for (key, examples, expected) in groups {
            for (at, facts) in examples.iter().enumerate() {
                let what = format!("{key}: example {}", at + 1);
                let message = match self.matches(rule, facts) {
                    Ok(found) if found == expected => continue,
                    Ok(true) => format!("{what} matches the rule, expected that it does not"),
                    Ok(false) => format!("{what} does not match the rule"),
                    Err(error) => format!("{what}: {}", crate::fault::plain(&error)),
                };
                let fault = PolicyFault::at(&self.name, rule.line, message);
                faults.push(fault.hint(
                    "mend the rule or the example; a rule that fails its own examples is not used",
                ));
            }
        }
        faults
    }

    fn prove_expectation(&self, expected: &Expectation, places: &Places) -> Option<PolicyFault> {
        let found = self.ask(&expected.facts, places);
        let reason = expected.reason.as_ref();
        if found.verdict() == expected.verdict
            && reason.is_none_or(|reason| found.reason().contains(reason.as_str()))
        {
            return None;
        }
        let why = match found.reason() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let message = format!(
            "expected \"{}\", found \"{}\" by {}{why}",
            expected.verdict.as_str(),
            found.verdict().as_str(),
            found.rule()
        );
        let fault = PolicyFault::at(&self.name, expected.line, message);
        Some(fault.hint("mend the rules or what is expected of them"))
    }
}
