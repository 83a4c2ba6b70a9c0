//! The canonical bytes of subjects and grants; the crate's documentation has
//! them byte by byte.

/// Writes one encoding. Every part carries its length, so that two different
/// subjects never have the same bytes.
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) fn begin(domain: &[u8], version: u8) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(domain);
        bytes.push(version);
        Self(bytes)
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    pub(crate) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut one: impl FnMut(&mut Self, T),
    ) {
        self.count(items.len());
        items.for_each(|item| one(self, item));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Lengths fit: a subject is bounded when it is checked, far below 4 GiB.
    /// One that would not fit gets a length that no content has.
    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&count.to_be_bytes());
    }
}
