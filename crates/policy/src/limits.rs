/// Calls and turns of loops in one evaluation: about 20 ms at the most.
pub(crate) const TICKS: u64 = 200_000;

/// Calls within calls.
pub(crate) const CALL_DEPTH: usize = 64;

/// Bytes that one evaluation may leave on the library's heap. It looks only now
/// and then, so this is a net and not a wall.
pub(crate) const HEAP_BYTES: usize = 64 << 20;

/// Longest text or list that `+` and `*` may build, in bytes or elements, and
/// most bits that `<<` may.
pub(crate) const GROWTH: usize = 1 << 20;

/// Longest policy file, in bytes.
pub(crate) const FILE_BYTES: usize = 1 << 20;

/// Most files, loaded ones counted.
pub(crate) const FILES: usize = 64;
