/// Credentials of one pool that a request has already used for a candidate:
/// a set of small numbers that allocates nothing for the first 64.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    first: u64,
    more: Vec<u64>,
}

impl Tried {
    /// Adds a credential, by [`crate::Lease::index`].
    pub fn insert(&mut self, index: usize) {
        let (word, bit) = (index / 64, 1 << (index % 64));
        if word == 0 {
            self.first |= bit;
            return;
        }
        if self.more.len() < word {
            self.more.resize(word, 0);
        }
        self.more[word - 1] |= bit;
    }

    /// Whether it is in.
    pub fn contains(&self, index: usize) -> bool {
        let (word, bit) = (index / 64, 1 << (index % 64));
        match word.checked_sub(1) {
            None => self.first & bit != 0,
            Some(word) => self.more.get(word).is_some_and(|word| word & bit != 0),
        }
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        let more: u32 = self.more.iter().map(|word| word.count_ones()).sum();
        (self.first.count_ones() + more) as usize
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all, after a back-off: whoever is free may be asked again.
    pub fn clear(&mut self) {
        self.first = 0;
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(indexes in proptest::collection::hash_set(0usize..2000, 0..40), other in 0usize..3000) {
            let mut tried = Tried::default();
            for &index in &indexes {
                tried.insert(index);
            }
            prop_assert_eq!(tried.len(), indexes.len());
            prop_assert_eq!(tried.contains(other), indexes.contains(&other));
            tried.clear();
            prop_assert!(tried.is_empty() && !tried.contains(other));
        }
    }
}
