//! Nothing: the models are in `tests/meter.rs`.
