//! Traces and metrics over OTLP/HTTP (protobuf), for any OpenTelemetry
//! collector.
//!
//! [`Telemetry::observe`] is given every finished request by the ledger's
//! writer, so nothing here is on a request's path. It makes spans
//! (`spans.rs`) and counts (`meters.rs`) in the words of the GenAI semantic
//! conventions (`words.rs`), and returns: spans go into a bounded queue, sums
//! into the SDK. What is sent when is `sender.rs`, how is `collector.rs`.
//!
//! # When the collector is slow or gone
//! The queue fills and what does not fit is dropped and counted; a warning a
//! minute says how much (`trouble.rs`). [`Telemetry::close`] sends what is
//! left, within a limit.
//!
//! # What is never sent
//! Prompts, answers, keys, and messages of providers, which may quote either.
//! A name that a caller made up is sent only once a provider was asked for it,
//! and becomes part of a metric only once one has served it.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock of deadlines and of the minute between two warnings"
)]

mod collector;
mod meters;
mod sender;
mod spans;
mod telemetry;
mod trouble;
mod words;

pub use telemetry::{Destination, StartFault, Telemetry};
