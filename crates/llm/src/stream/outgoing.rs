use bytes::Bytes;
use smallvec::SmallVec;

use super::{Forward, StreamFault};

/// Gathers which parts of a chunk go on, as few and as long as they can be.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The event that was held and is now whole.
    pub(super) before: Option<Bytes>,
    pub(super) spans: SmallVec<[std::ops::Range<usize>; 2]>,
    /// See [`super::StreamTap::closing`].
    pub(super) closing: &'static [u8],
    pub(super) fault: Option<StreamFault>,
}

impl Outgoing {
    pub(super) fn span(&mut self, span: std::ops::Range<usize>, kept: bool) {
        if !kept {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.spans.push(span),
        }
    }

    pub(super) fn of(self, chunk: Bytes) -> Forward {
        let mut bytes = SmallVec::new();
        bytes.extend(self.before);
        match self.spans.as_slice() {
            [all] if all.len() == chunk.len() => bytes.push(chunk),
            spans => bytes.extend(spans.iter().map(|span| chunk.slice(span.clone()))),
        }
        if !self.closing.is_empty() {
            bytes.push(Bytes::from_static(self.closing));
        }
        Forward {
            bytes,
            fault: self.fault,
        }
    }
}
