use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tollgate_types::{Label, UnixMillis};

use crate::{Subject, TaintKind};

/// How long a fact counts where nothing else is said.
pub const DEFAULT_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Subjects with facts, at most. A write copies them: some 30 µs when full.
pub const MOST_SUBJECTS: usize = 1024;

/// Longest source that is kept, in bytes.
const LONGEST_SOURCE: usize = 200;

/// What is known of runs, and of agents outside any run.
#[derive(Debug)]
pub struct Desk {
    book: ArcSwap<Book>,
    /// Held by whoever writes; readers never wait.
    changing: Mutex<()>,
    most: usize,
}

/// Something that happened and that later calls are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaintFact {
    /// What.
    pub kind: TaintKind,
    /// Where it came from: a host, a tool, a person. At most 200 bytes, no
    /// control characters, no secret.
    pub source: Label,
    /// Since when.
    pub at: UnixMillis,
    /// From this moment on it does not count any more.
    pub until: UnixMillis,
}

#[derive(Clone, Debug, Default)]
struct Book {
    subjects: HashMap<Subject, Page>,
    writes: u64,
}

/// What is known of one subject, one fact of each kind at most.
#[derive(Clone, Debug, Default)]
struct Page {
    facts: [Option<TaintFact>; TaintKind::ALL.len()],
    /// The number of the write that touched it last.
    written: u64,
}

impl Default for Desk {
    fn default() -> Self {
        Self::bounded(MOST_SUBJECTS)
    }
}

impl Desk {
    /// An empty desk for this many subjects, one at least.
    pub fn bounded(most: usize) -> Self {
        Self {
            book: ArcSwap::default(),
            changing: Mutex::default(),
            most: most.max(1),
        }
    }

    /// Puts down a fact that counts for `ttl`. One that is known already keeps
    /// its source and its beginning, and counts for the longer of both times.
    ///
    /// Gives back the subject that had to be forgotten for it, so that the
    /// caller can tell: the one about which nothing was put down for longest.
    #[must_use = "a subject that was forgotten is judged as if nothing had happened"]
    pub fn taint(
        &self,
        subject: Subject,
        kind: TaintKind,
        source: &str,
        now: UnixMillis,
        ttl: Duration,
    ) -> Option<Subject> {
        let until = now.plus(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let fact = TaintFact {
            kind,
            source: bounded(source).into(),
            at: now,
            until,
        };
        self.change(|book| {
            book.expire(now);
            let forgotten = book.make_room(&subject, self.most);
            book.writes += 1;
            let page = book.subjects.entry(subject).or_default();
            page.written = book.writes;
            page.put(fact);
            forgotten
        })
    }

    /// Forgets everything about a subject; false where nothing was known.
    pub fn clear(&self, subject: &Subject) -> bool {
        self.change(|book| book.subjects.remove(subject).is_some())
    }

    /// Whether nothing is known of anybody.
    pub fn is_empty(&self) -> bool {
        self.book.load().subjects.is_empty()
    }

    /// What counts of a subject now, in the order of [`TaintKind::ALL`].
    pub fn facts(&self, subject: &Subject, now: UnixMillis) -> Vec<TaintFact> {
        let book = self.book.load();
        let page = book.subjects.get(subject);
        page.map_or_else(Vec::new, |page| page.counting(now).cloned().collect())
    }

    /// Every subject of which something counts now, in order.
    pub fn show(&self, now: UnixMillis) -> Vec<(Subject, Vec<TaintFact>)> {
        let book = self.book.load();
        let all = book.subjects.iter().map(|(subject, page)| {
            let facts: Vec<_> = page.counting(now).cloned().collect();
            (subject.clone(), facts)
        });
        let mut all: Vec<_> = all.filter(|(_, facts)| !facts.is_empty()).collect();
        all.sort_by(|(one, _), (two, _)| one.cmp(two));
        all
    }

    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book.load());
        let changed = change(&mut book);
        self.book.store(Arc::new(book));
        changed
    }
}

impl Book {
    fn expire(&mut self, now: UnixMillis) {
        self.subjects
            .retain(|_, page| page.counting(now).next().is_some());
    }

    /// Forgets the subject that was written to longest ago, where a new one
    /// would be too many.
    fn make_room(&mut self, wanted: &Subject, most: usize) -> Option<Subject> {
        if self.subjects.len() < most || self.subjects.contains_key(wanted) {
            return None;
        }
        let oldest = self.subjects.iter().min_by_key(|(_, page)| page.written);
        let oldest = oldest.map(|(subject, _)| subject.clone())?;
        self.subjects.remove(&oldest);
        Some(oldest)
    }
}

impl Page {
    fn put(&mut self, fact: TaintFact) {
        let place = &mut self.facts[fact.kind as usize];
        match place {
            Some(known) if known.until > fact.at => known.until = known.until.max(fact.until),
            _ => *place = Some(fact),
        }
    }

    fn counting(&self, now: UnixMillis) -> impl Iterator<Item = &TaintFact> {
        self.facts.iter().flatten().filter(move |it| it.until > now)
    }
}

/// A source comes from a stranger's answer as likely as not.
fn bounded(source: &str) -> String {
    let mut kept: String = source.chars().filter(|c| !c.is_control()).collect();
    kept.truncate(kept.floor_char_boundary(LONGEST_SOURCE));
    kept
}

#[cfg(test)]
mod tests;
