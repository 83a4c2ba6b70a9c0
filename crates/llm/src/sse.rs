/// Largest event, in bytes; see [`crate::StreamFault::EventTooLarge`].
pub const MAX_EVENT: usize = 8 * 1024 * 1024;
