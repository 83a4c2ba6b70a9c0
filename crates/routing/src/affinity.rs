use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tollgate_types::UnixMillis;

/// Conversations that are remembered; half a megabyte, taken when the first
/// one is.
const SLOTS: usize = 1 << 15;

/// Slots that one conversation may stand in.
const WAYS: usize = 4;

/// How long a conversation is remembered after its last request, in seconds.
const LIFE: u64 = 24 * 3600;

/// Which credential serves a conversation that is tied to one: by a signature,
/// by encrypted reasoning, by a warm prompt cache.
///
/// A table of fixed size without a lock. Each slot holds its key mixed with its
/// value, so that a slot that is read while another thread writes it is taken
/// for somebody else's and not for a wrong answer. Where no slot is left, the
/// conversation that was silent for longest is forgotten.
#[derive(Debug, Default)]
pub struct Affinity {
    slots: OnceLock<Box<[Slot]>>,
    seed: RandomState,
}

#[derive(Debug, Default)]
struct Slot {
    /// The key, exclusive-or the value.
    mixed: AtomicU64,
    /// When it is forgotten in seconds, and the credential's tag in the lower
    /// half; 0 is empty.
    value: AtomicU64,
}

impl Affinity {
    /// What keys are made with. Its seed is another one in every process, so
    /// that nobody can make conversations that push out those of others.
    pub fn hasher(&self) -> impl std::hash::Hasher + use<> {
        self.seed.build_hasher()
    }

    /// The tag of the credential that served a conversation.
    pub fn find(&self, key: u64, now: UnixMillis) -> Option<u32> {
        let ways = self.ways(self.slots.get()?, key);
        ways.iter().find_map(|slot| {
            let value = slot.value.load(Relaxed);
            let own = slot.mixed.load(Relaxed) ^ value == key;
            let alive = value >> 32 > now.0 / 1000;
            // The lower half.
            (own && alive).then_some(value as u32)
        })
    }

    /// Notes which credential served a conversation.
    pub fn note(&self, key: u64, tag: u32, now: UnixMillis) {
        let slots = self
            .slots
            .get_or_init(|| (0..SLOTS).map(|_| Slot::default()).collect());
        let ways = self.ways(slots, key);
        let age = |slot: &&Slot| {
            let value = slot.value.load(Relaxed);
            match slot.mixed.load(Relaxed) ^ value == key {
                true => 0,
                false => value,
            }
        };
        let Some(slot) = ways.iter().min_by_key(age) else {
            return;
        };
        let value = (now.0 / 1000 + LIFE) << 32 | u64::from(tag);
        slot.value.store(value, Relaxed);
        slot.mixed.store(key ^ value, Relaxed);
    }

    fn ways<'s>(&self, slots: &'s [Slot], key: u64) -> &'s [Slot] {
        let set = (key >> 16) as usize % (SLOTS / WAYS);
        &slots[set * WAYS..(set + 1) * WAYS]
    }
}

/// A credential's profile as a number that is the same in every configuration
/// (FNV-1a, 32 bits).
pub(crate) fn tag(profile: &str) -> u32 {
    profile.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn key(affinity: &Affinity, number: u64) -> u64 {
        let mut hasher = affinity.hasher();
        hasher.write_u64(number);
        hasher.finish()
    }

    #[test]
    fn a_conversation_is_found_until_it_is_silent_for_a_day() {
        let affinity = Affinity::default();
        let key = key(&affinity, 1);
        assert_eq!(affinity.find(key, NOW), None);
        affinity.note(key, 7, NOW);
        affinity.note(key, 8, NOW.plus(1_000));
        assert_eq!(affinity.find(key, NOW), Some(8));
        let day = 24 * 3_600_000;
        assert_eq!(affinity.find(key, NOW.plus(day)), Some(8));
        assert_eq!(affinity.find(key, NOW.plus(day + 1_000)), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten() {
        let affinity = Affinity::default();
        for number in 0..200_000 {
            let now = NOW.plus(number * 10);
            affinity.note(key(&affinity, number), number as u32, now);
        }
        assert_eq!(affinity.slots.get().unwrap().len(), SLOTS);
        let found = |range: std::ops::Range<u64>| {
            let now = NOW.plus(2_000_000);
            range
                .filter(|&number| {
                    let found = affinity.find(key(&affinity, number), now);
                    found == Some(number as u32)
                })
                .count()
        };
        assert!(found(0..100_000) < 100, "{}", found(0..100_000));
        assert!(
            found(195_000..200_000) > 4_990,
            "{}",
            found(195_000..200_000)
        );
    }

    #[test]
    fn threads_never_read_what_is_not_theirs() {
        let affinity = Affinity::default();
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let affinity = &affinity;
                scope.spawn(move || {
                    for round in 0..20_000u64 {
                        let number = round % 3_000 * 4 + thread;
                        // One set for all: the worst there is.
                        let key = number << 40;
                        if let Some(found) = affinity.find(key, NOW) {
                            assert_eq!(u64::from(found), number);
                        }
                        affinity.note(key, number as u32, NOW);
                    }
                });
            }
        });
    }
}
