//! What a person reads at the start.
