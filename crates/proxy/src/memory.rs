use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One budget for the bytes of all bodies in flight.
#[derive(Debug, Default)]
pub(crate) struct BodyMemory {
    used: AtomicUsize,
}

impl BodyMemory {
    /// Sets `bytes` aside, or `None` where they would pass `limit`.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize, limit: usize) -> Option<MemoryHold> {
        self.grow(bytes, limit).then(|| MemoryHold {
            memory: Arc::clone(self),
            bytes,
        })
    }

    /// Bytes set aside now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn grow(&self, bytes: usize, limit: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .is_ok()
    }
}

/// Bytes set aside; given back when dropped.
#[derive(Debug)]
pub(crate) struct MemoryHold {
    memory: Arc<BodyMemory>,
    bytes: usize,
}

impl MemoryHold {
    /// Sets more aside; false where that would pass `limit`.
    pub(crate) fn grow(&mut self, bytes: usize, limit: usize) -> bool {
        let grown = self.memory.grow(bytes, limit);
        self.bytes += if grown { bytes } else { 0 };
        grown
    }
}

impl Drop for MemoryHold {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_passed_and_always_given_back() {
        let memory = Arc::new(BodyMemory::default());
        let mut first = memory.take(60, 100).unwrap();
        assert!(memory.take(41, 100).is_none());
        assert!(first.grow(40, 100));
        assert!(!first.grow(1, 100));
        assert_eq!(memory.used(), 100);
        drop(first);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn an_overflowing_request_is_refused() {
        let memory = Arc::new(BodyMemory::default());
        let _held = memory.take(1, usize::MAX).unwrap();
        assert!(memory.take(usize::MAX, usize::MAX).is_none());
    }
}
