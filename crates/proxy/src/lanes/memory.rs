//! What parts of requests came to, remembered: a conversation is sent again
//! with every turn, and only what is new in it is looked at.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tollgate_desk::{Subject, TaintKind};

use super::look::Seen;

/// Parts that are remembered, over all conversations: some 100 bytes each.
const MOST: usize = 16_384;

/// Shards, so that requests rarely wait for each other.
const SHARDS: usize = 16;

/// Taints that are remembered, so that history does not set again what an
/// operator has cleared.
const MOST_TAINTS: usize = 8192;

/// Names a part under the settings that it was looked at with: 128 bits, keyed,
/// so that nobody can make another text that passes for one that was clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(u64, u64);

/// Parts by name, and what taint they have set.
#[derive(Debug)]
pub(crate) struct Memory {
    keys: [RandomState; 2],
    shards: [Mutex<Shard>; SHARDS],
    tainted: Mutex<Tainted>,
}

#[derive(Debug, Default)]
struct Shard {
    known: HashMap<Name, Entry>,
    order: VecDeque<Name>,
}

#[derive(Debug)]
struct Entry {
    /// None where nothing was found.
    seen: Option<Arc<Seen>>,
    until: Instant,
}

#[derive(Debug, Default)]
struct Tainted {
    known: HashSet<(Subject, TaintKind, Name)>,
    order: VecDeque<(Subject, TaintKind, Name)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            shards: std::array::from_fn(|_| Mutex::default()),
            tainted: Mutex::default(),
        }
    }
}

impl Memory {
    /// The name of a part under these settings.
    pub(crate) fn name(&self, settings: impl Hash, part: &[u8]) -> Name {
        let [one, other] = &self.keys;
        let key = (settings, part);
        Name(one.hash_one(&key), other.hash_one(&key))
    }

    /// What a part came to: none where it is not known, `Some(None)` where
    /// nothing was found in it.
    pub(crate) fn recall(&self, name: Name, now: Instant) -> Option<Option<Arc<Seen>>> {
        let shard = self.shard(name).lock();
        let shard = shard.unwrap_or_else(PoisonError::into_inner);
        let entry = shard.known.get(&name)?;
        (entry.until > now).then(|| entry.seen.clone())
    }

    /// Remembers what a part came to, for so long.
    pub(crate) fn remember(
        &self,
        name: Name,
        seen: Option<Arc<Seen>>,
        now: Instant,
        time: Duration,
    ) {
        if time.is_zero() {
            return;
        }
        let until = now + time;
        let shard = self.shard(name).lock();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        if shard.known.insert(name, Entry { seen, until }).is_none() {
            shard.order.push_back(name);
        }
        while shard.order.len() > MOST / SHARDS {
            if let Some(oldest) = shard.order.pop_front() {
                shard.known.remove(&oldest);
            }
        }
    }

    /// Whether a part taints a subject for the first time.
    pub(crate) fn is_new_taint(&self, subject: &Subject, kind: TaintKind, name: Name) -> bool {
        let tainted = self.tainted.lock();
        let mut tainted = tainted.unwrap_or_else(PoisonError::into_inner);
        let key = (subject.clone(), kind, name);
        if !tainted.known.insert(key.clone()) {
            return false;
        }
        tainted.order.push_back(key);
        if tainted.order.len() > MOST_TAINTS
            && let Some(oldest) = tainted.order.pop_front()
        {
            tainted.known.remove(&oldest);
        }
        true
    }

    fn shard(&self, name: Name) -> &Mutex<Shard> {
        &self.shards[name.0 as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_under_its_settings_and_for_its_time() {
        let (memory, now) = (Memory::default(), Instant::now());
        let name = memory.name(1_u8, b"text");
        assert_ne!(name, memory.name(2_u8, b"text"));
        assert_eq!(name, memory.name(1_u8, b"text"));
        memory.remember(name, None, now, Duration::from_secs(5));
        assert!(matches!(memory.recall(name, now), Some(None)));
        assert!(memory.recall(name, now + Duration::from_secs(5)).is_none());
        let never = memory.name(3_u8, b"text");
        memory.remember(never, None, now, Duration::ZERO);
        assert!(memory.recall(never, now).is_none());
    }

    #[test]
    fn the_oldest_makes_room() {
        let (memory, now) = (Memory::default(), Instant::now());
        let names: Vec<_> = (0..3 * MOST as u32).map(|n| memory.name(n, b"")).collect();
        for name in &names {
            memory.remember(*name, None, now, Duration::from_secs(5));
        }
        let kept = names
            .iter()
            .filter(|name| memory.recall(**name, now).is_some())
            .count();
        assert!(kept <= MOST && kept > MOST / 2, "{kept}");
    }

    #[test]
    fn a_part_taints_a_subject_once() {
        let memory = Memory::default();
        let name = memory.name(0_u8, b"text");
        let [one, other]: [Subject; 2] = ["agent:a", "agent:b"].map(|it| it.parse().unwrap());
        let [seen, found] = [TaintKind::SecretSeen, TaintKind::InjectionFound];
        assert!(memory.is_new_taint(&one, seen, name));
        assert!(!memory.is_new_taint(&one, seen, name));
        assert!(memory.is_new_taint(&one, found, name));
        assert!(memory.is_new_taint(&other, seen, name));
    }
}
