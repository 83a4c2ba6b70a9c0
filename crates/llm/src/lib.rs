//! What is said on the wire between agents and models: the dialects.
//!
//! This crate is pure. It takes bytes and gives bytes, spans and small structs;
//! it opens no socket, holds no key, reads no clock and never retries. What a
//! caller sends and what a provider answers is foreign text, so everything
//! here is bounded in memory, linear in time, and fuzzed.
//!
//! The way of one request through it:
//!
//! * [`Endpoint::at`] finds which endpoint of which [`Dialect`] a path names;
//!   [`Endpoint::upstream_path`] where that is at a provider.
//! * [`read_request`] (where the path names the model, [`read_request_at`]) goes over the body once and yields a [`RequestView`]: the
//!   few control values that the gateway needs, and where they stand. A control
//!   key that appears twice, with escapes or in another case is refused, for
//!   another parser might read another value than this one did.
//! * [`RequestView::apply`] gives the body to send: slices of the caller's own
//!   bytes with a short list of replacements between. What isn't edited stays
//!   byte for byte, so prompt caches stay warm and unknown fields survive.
//! * [`read_fault`] says what an error answer of a provider means.
//! * [`StreamTap`] stands beside a stream: whole events go through it as they
//!   came, and it reads usage, the terminator and errors in passing. A stream
//!   that ends without its terminator is a [`StreamFault`], never a clean end.
//!   A stream is server-sent events or, of Gemini, a JSON array ([`Framing`]);
//!   [`StreamTap::error_end`] ends either with an error of Tollgate's own.
//! * [`read_answer`] does the same for an answer in one piece.
//! * [`error_body`] writes Tollgate's own errors in the
//!   caller's dialect, so that the SDKs raise their own exception classes.
//! * [`models_list`] and [`model_object`] answer `GET /v1/models`;
//!   [`read_models`] reads what a provider answers to it.
//! * [`bound_input`], [`most_output`] and [`OutputShape`] say the most that a request can use,
//!   before it is sent; [`Catalog`] what models take, give and cost.
//! * [`estimate_tokens`] stands in where a provider reports no usage.
//! * [`count_input`] says how large a request is, for context windows.
//! * [`tie`] says whether a request must go where its conversation went before.
//! * [`segments`] and [`Texts`] say where in a body people, tools and models wrote
//!   something, for a scanner.
//! * [`gist`] says in short what a conversation is about, for a person.
//! * [`demo`] is a small deterministic model that is built in.

pub mod demo;

mod answer;
mod array;
mod bound;
mod dialect;
mod endpoint;
mod error;
mod estimate;
mod fault;
mod json;
mod lanes;
mod models;
mod percent;
mod price;
mod rename;
mod request;
mod skim;
mod sse;
mod stream;
mod tie;
mod tokens;
mod translate;
mod usage;

pub use answer::{AnswerFault, AnswerView, read_answer};
pub use bound::{Bound, OutputShape, bound_input, most_output, output_shape};
pub use dialect::{Dialect, UnknownDialect};
pub use endpoint::Endpoint;
pub use error::{CallerError, error_body};
pub use estimate::estimate_tokens;
pub use fault::{LONGEST_WAIT, ProviderFault, read_fault};
pub use lanes::{Segment, Text, TextKind, Texts, Unescaped, segments};
pub use models::{ModelEntry, model_object, models_list, read_models};
pub use percent::percent_decoded;
pub use price::{
    CacheLife, Catalog, CatalogFault, Facts, LongPrompt, Modality, Price, Rate, cache_life,
    is_dearer,
};
pub use rename::rename_events;
pub use request::{
    BadRequest, Edits, Framing, MAX_DEPTH, RequestView, read_request, read_request_at,
};
pub use sse::MAX_EVENT;
pub use stream::{Forward, StreamFault, StreamTap, TapOptions};
pub use tie::{Tie, response_id, tie, tie_of_response};
pub use tokens::{count_input, most_input};
pub use translate::{
    AnswerFrame, Api, Drop, Gist, Strictness, TranslatedAnswer, TranslatedRequest, Translator,
    Unbound, as_stream, count_answer, counterpart, gist, translate_answer, translate_request,
    unbind,
};
