use std::collections::HashSet;

use regex::RegexSet;
use tollgate_types::Label;

use crate::domain::{Domain, domain_of};

/// Most entries of one list.
const ENTRIES: usize = 1_000_000;

/// Most regular expressions of one list, and their longest text in bytes:
/// together they are compiled into one machine of bounded size.
const REGEXES: usize = 1_000;
const REGEX_BYTES: usize = 1_024;
const REGEX_MACHINE: usize = 4 << 20;

/// A named list of domains from a file.
#[derive(Debug)]
pub struct DomainList {
    name: Label,
    domains: HashSet<String>,
    below: HashSet<String>,
    regexes: RegexSet,
}

/// A line of a list that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ListFault {
    /// The line, from 1.
    pub line: u32,
    /// What was found, and what was expected.
    pub message: String,
}

impl DomainList {
    /// Reads a list: one entry a line, `#` begins a comment. An entry is a
    /// domain (itself and everything below), `*.domain` (only below), a line of
    /// a hosts file, a URL (its host counts) or `~` and a regular expression
    /// for the canonical domain, without look-around and bounded in size.
    ///
    /// # Errors
    /// Every line that is none of these.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<ListFault>> {
        let mut list = Self {
            name: name.into(),
            domains: HashSet::new(),
            below: HashSet::new(),
            regexes: RegexSet::empty(),
        };
        let mut regexes = Vec::new();
        let mut faults = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line_number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let entry = match line.trim().strip_prefix('~') {
                Some(regex) => keep_regex(&mut regexes, regex.trim()),
                None => list.keep(line.split('#').next().unwrap_or_default().trim()),
            };
            if let Err(message) = entry {
                faults.push(ListFault {
                    line: line_number,
                    message,
                });
            }
            if faults.len() >= 20 {
                break;
            }
        }
        match machine(&regexes) {
            Ok(machine) => list.regexes = machine,
            Err(message) => faults.push(ListFault { line: 0, message }),
        }
        match faults.is_empty() {
            true => Ok(list),
            false => Err(faults),
        }
    }

    fn keep(&mut self, entry: &str) -> Result<(), String> {
        if entry.is_empty() {
            return Ok(());
        }
        if self.len() >= ENTRIES {
            return Err(format!("more than {ENTRIES} entries"));
        }
        // A hosts file puts an address first and any number of names behind it.
        let mut words = entry.split_whitespace();
        let first = words.next().unwrap_or_default();
        let names: Vec<_> = words.collect();
        if names.is_empty() {
            return self.keep_one(first);
        }
        if first.parse::<std::net::IpAddr>().is_err() {
            return Err(format!("`{}` is no entry", shown(entry)));
        }
        names.into_iter().try_for_each(|name| self.keep_one(name))
    }

    fn keep_one(&mut self, entry: &str) -> Result<(), String> {
        let (kept, text) = match entry.strip_prefix("*.") {
            Some(apex) => (&mut self.below, apex),
            None => (&mut self.domains, entry),
        };
        let domain = domain_of(text)
            .ok_or_else(|| format!("`{}` is no domain, URL or `~regex`", shown(entry)))?;
        kept.insert(domain.as_str().to_owned());
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.domains.len() + self.below.len() + self.regexes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the domain is on it.
    pub fn has(&self, domain: &Domain) -> bool {
        let name = domain.as_str();
        if self.domains.contains(name) {
            return true;
        }
        let parents = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let mut parents = parents.filter(|_| name.parse::<std::net::IpAddr>().is_err());
        parents.any(|parent| self.domains.contains(parent) || self.below.contains(parent))
            || self.regexes.is_match(name)
    }
}

fn keep_regex(regexes: &mut Vec<String>, regex: &str) -> Result<(), String> {
    if regexes.len() >= REGEXES || regex.len() > REGEX_BYTES {
        return Err(format!(
            "expected at most {REGEXES} expressions of {REGEX_BYTES} bytes"
        ));
    }
    regex::RegexBuilder::new(regex)
        .size_limit(REGEX_MACHINE)
        .build()
        .map_err(|_| format!("`~{}` is no regular expression that is taken", shown(regex)))?;
    regexes.push(regex.to_owned());
    Ok(())
}

fn machine(regexes: &[String]) -> Result<RegexSet, String> {
    regex::RegexSetBuilder::new(regexes)
        .size_limit(REGEX_MACHINE)
        .build()
        .map_err(|_| {
            format!("its regular expressions together take more than {REGEX_MACHINE} bytes")
        })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_entry_is_read() {
        let text = "# ads\nads.example.com\n*.trk.example\n0.0.0.0 bad.net worse.net # hosts\nhttps://evil.org/path\n~^cdn[0-9]+\\.x\\.io$\n\nBücher.example.\n";
        let list = DomainList::parse("feed", text).unwrap();
        assert_eq!(list.len(), 7);
        let has = |text: &str| list.has(&Domain::parse(text).unwrap());
        for on in [
            "ads.example.com",
            "a.ads.example.com",
            "x.trk.example",
            "bad.net",
            "worse.net",
            "www.evil.org",
            "cdn12.x.io",
            "xn--bcher-kva.example",
        ] {
            assert!(has(on), "{on}");
        }
        for off in [
            "example.com",
            "trk.example",
            "xads.example.com",
            "evil.org.net",
            "cdn.x.io",
        ] {
            assert!(!has(off), "{off}");
        }
    }

    #[test]
    fn what_is_no_entry_is_said_with_its_line() {
        let faults =
            DomainList::parse("feed", "ok.example\nnot a host\n~(\n~a{1000}{1000}{1000}\n")
                .unwrap_err();
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}
