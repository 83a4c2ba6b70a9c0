//! What the tests of Tollgate stand on: a provider that misbehaves on
//! command, the real gateway in a folder of its own, and a client that sees
//! every byte.
//!
//! * [`FakeProvider`] is an HTTP/1.1 server on a loopback port that speaks the
//!   OpenAI or the Anthropic wire format. What it answers is a [`Script`];
//!   most scripts are faults, down to broken chunk framing and connections
//!   that are reset. It writes raw TCP, because a proper HTTP library refuses
//!   to send half of what providers send on a bad day. Everything that it
//!   received is kept as it came ([`Received`]).
//! * [`Gate`] holds a script at a point until the test lets it go on, so that
//!   a test can look at an open stream without racing it.
//! * [`Gateway`] starts the real `tollgate` program with its own
//!   `TOLLGATE_HOME` and ends it again, politely or not.
//! * [`Client`] is a raw HTTP/1.1 client: [`Answer`] and [`Stream`] say not
//!   only what came but how it ended ([`Ending`]), since "a stream never ends
//!   cleanly when it did not finish" can't be tested through a client that
//!   hides it.
//! * [`Collector`] takes OpenTelemetry over HTTP and decodes it.
//! * [`Authority`] is a certificate authority for one test.
//!
//! No test sleeps: every wait is for a state and has a deadline
//! ([`DEADLINE`]), past which it panics and says what it waited for.
//!
//! ```no_run
//! # async fn shown(tollgate: &str) {
//! use tollgate_testkit::{Client, FakeProvider, Gateway, Request, Script};
//! let provider = FakeProvider::openai().start().await;
//! provider.push(Script::Status429Rate { retry_after: 1 });
//! let gateway = Gateway::builder(tollgate)
//!     .config(format!("[server]\nbind = \"127.0.0.1:0\"\n[providers.openai]\nwire = \"openai\"\nbase_url = \"{}\"\n", provider.base_url()))
//!     .start()
//!     .await;
//! let answer = Client::new(gateway.url()).send(&Request::chat("gpt-4o", "hello")).await;
//! assert_eq!(answer.status(), 200);
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a fixture that fails is a test that fails: it panics and says where, and it owns its clock, files and processes"
)]

mod authority;
mod client;
mod collector;
mod deadline;
mod gate;
mod gateway;
mod provider;
mod received;
mod script;
mod wire;

pub use authority::Authority;
pub use client::{Answer, Client, Ending, Head, Request, Socket, SseEvent, Stream};
pub use collector::{Collector, attributes};
pub use deadline::{DEADLINE, within};
pub use gate::Gate;
pub use gateway::{Gateway, GatewayBuilder, RunOutput, Signal};
pub use provider::{FakeProvider, FakeProviderBuilder};
pub use received::Received;
pub use script::Script;
pub use wire::{INPUT_TOKENS, PROOF, THOUGHT, Wire};
