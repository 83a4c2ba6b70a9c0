//! The engine through its public face: what holds, what is refused in which
//! words, what a window and a crash do, and that no order of events breaks it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod change;
mod crash;
mod govern;
mod house;
mod interleave;
mod sequence;
mod window;
