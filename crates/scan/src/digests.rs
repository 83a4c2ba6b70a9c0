use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::finding::Verdict;

/// What a text from a source came to, remembered: history that is sent again
/// and again is judged once and taints once.
///
/// An operator's word holds for exactly that text from that source, and no
/// longer than the entry.
#[derive(Debug)]
pub struct Digests {
    most: usize,
    known: HashMap<Digest32, Entry>,
    order: VecDeque<Digest32>,
}

/// Of a source and a text.
pub type Digest32 = [u8; 32];

#[derive(Debug, Clone, Copy)]
struct Entry {
    verdict: Verdict,
    until: u64,
    overruled: bool,
}

/// A remembered verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether an operator said so.
    pub overruled: bool,
}

impl Digests {
    /// An empty memory for so many texts; the oldest makes room.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            known: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The name of a text from a source, such as an address.
    pub fn digest(source: &str, text: &[u8]) -> Digest32 {
        Sha256::new()
            .chain_update((source.len() as u64).to_le_bytes())
            .chain_update(source)
            .chain_update(text)
            .finalize()
            .into()
    }

    /// What is remembered; `now` in seconds.
    pub fn recall(&self, digest: &Digest32, now: u64) -> Option<Remembered> {
        let entry = self.known.get(digest)?;
        (entry.until > now).then_some(Remembered {
            verdict: entry.verdict,
            overruled: entry.overruled,
        })
    }

    /// Remembers a verdict for so many seconds; none for 0. What an operator
    /// said stays.
    pub fn remember(&mut self, digest: Digest32, verdict: Verdict, now: u64, seconds: u64) {
        if seconds > 0
            && !self
                .recall(&digest, now)
                .is_some_and(|known| known.overruled)
        {
            self.put(
                digest,
                Entry {
                    verdict,
                    until: now + seconds,
                    overruled: false,
                },
            );
        }
    }

    /// An operator's word on this very text.
    pub fn overrule(&mut self, digest: Digest32, verdict: Verdict, now: u64, seconds: u64) {
        self.put(
            digest,
            Entry {
                verdict,
                until: now + seconds,
                overruled: true,
            },
        );
    }

    fn put(&mut self, digest: Digest32, entry: Entry) {
        if self.known.insert(digest, entry).is_none() {
            self.order.push_back(digest);
        }
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

/// Hosts whose text is not looked at: `skip_protection_domains`.
#[derive(Debug, Clone, Default)]
pub struct Spared {
    exact: Vec<String>,
    below: Vec<String>,
}

impl Spared {
    /// Names as they are written: `example.com`, or `*.example.com`, which
    /// covers `example.com` too.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut spared = Self::default();
        for name in names {
            let name = clean(name);
            match name.strip_prefix("*.") {
                Some(apex) => spared.below.push(apex.to_owned()),
                None => spared.exact.push(name),
            }
        }
        spared
    }

    /// Whether this host is one of them.
    pub fn covers(&self, host: &str) -> bool {
        let host = clean(host);
        let is_below = |apex: &String| {
            host == *apex
                || host
                    .strip_suffix(apex.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        self.exact.contains(&host) || self.below.iter().any(is_below)
    }
}

fn clean(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_remembered_for_its_time_and_an_operators_word_stays() {
        let mut digests = Digests::new(2);
        let page = Digests::digest("https://a", b"text");
        assert_ne!(page, Digests::digest("https://b", b"text"));
        digests.remember(page, Verdict::Review, 100, 10);
        assert_eq!(
            digests.recall(&page, 109).map(|known| known.verdict),
            Some(Verdict::Review)
        );
        assert_eq!(digests.recall(&page, 110), None);
        digests.overrule(page, Verdict::Clean, 100, 10);
        digests.remember(page, Verdict::Unsafe, 101, 10);
        assert_eq!(
            digests.recall(&page, 105),
            Some(Remembered {
                verdict: Verdict::Clean,
                overruled: true
            })
        );
        for n in 0..2u8 {
            digests.remember(Digests::digest("x", &[n]), Verdict::Clean, 100, 10);
        }
        assert_eq!(digests.recall(&page, 105), None);
    }

    #[test]
    fn a_star_covers_the_apex_and_nothing_that_only_ends_like_it() {
        let spared = Spared::new(["Docs.example.com", "*.corp.example"]);
        for host in ["docs.example.com", "corp.example", "a.b.corp.example."] {
            assert!(spared.covers(host), "{host}");
        }
        for host in ["example.com", "notcorp.example", "x.docs.example.com"] {
            assert!(!spared.covers(host), "{host}");
        }
    }
}
