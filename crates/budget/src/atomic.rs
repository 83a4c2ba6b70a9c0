//! Where the [meter](crate::meter) takes its atomics from, in one place, so
//! that the model checker in `loom/` can put its own under the same code.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
