//! What is asked, how it is answered, and the signed grant that an answer
//! yields.
//!
//! An agent wants to run a command, or to send something to a model. What was judged, what a person was shown
//! and what is then executed must be one thing, although three processes take
//! part and minutes may pass. This crate holds that thing and nothing else: no
//! socket, no file, no clock, no chance. Times and random bytes are arguments.
//!
//! * A [`Subject`] is everything that could change what happens. Of a command:
//!   the words, the folder, the changes to the environment, the bytes of binaries
//!   and scripts. Of a request to a model: the bytes of its body and everybody
//!   who could get them. Of both: the agent, the versions of policy and
//!   configuration. It has one canonical encoding ([`Subject::encode`]) and one digest ([`Subject::digest`]).
//! * A [`Card`] is the subject as a person sees it: every invisible character
//!   made visible, nothing cut.
//! * An [`Approval`] is a question with its [`State`]. [`Approval::on`] takes an
//!   [`Event`] and says what follows ([`Effect`]); it is the whole state machine.
//! * A [`RulesFile`] is `exec-approvals.json`; a [`Case`] is one command before
//!   the matrix of what is allowed, asked about or denied.
//! * A [`Grant`] is the permission to run one subject, once, at one place, for
//!   a short time. It is signed (Ed25519), so that who runs it needs neither
//!   ledger nor policy.
//!
//! # How an executor uses a grant
//!
//! 1. It makes 16 random bytes, the nonce, and asks with them, the words,
//!    folder, changes of the environment and the files that it found.
//! 2. It gets a [`SignedGrant`] and the [`Subject`] that was approved.
//! 3. It opens what it is about to run, and builds a `Subject` **of its own**
//!    from the open descriptors: bytes hashed from them, device and inode from
//!    `fstat`. Agent, requester and versions it takes from the subject that it
//!    was sent; they say who asked and what judged, and are not its to know.
//! 4. [`SignedGrant::verify`] with the gateway's public key, the digest of its
//!    own subject, its place, its nonce and the time. Any difference is a
//!    [`GrantFault`], and nothing is run.
//! 5. It runs from those descriptors, or from sealed copies of the bytes, and
//!    never looks at a path again. A nonce serves once: it lives in the memory
//!    of the one process that made it.
//!
//! # Encoding
//!
//! Integers are big-endian. `text` is a `u32` length and that many bytes of
//! UTF-8; `list` is a `u32` count and its items; `digest` is 32 raw bytes.
//!
//! | subject of a command | |
//! |---|---|
//! | 17 bytes | `tollgate-subject\n` |
//! | `u8` | version of the encoding, 1 |
//! | `u8` | kind, 1 is a command |
//! | `u8` | 1: plan, a list of commands, each a list of words as `text`; 2: one `text` for a shell |
//! | `text`, `u64`, `u64` | folder, its device, its inode |
//! | list | changes of the environment by name: `text` name, `u8` 0 removed or 1 set, then `text` value |
//! | list | files by role and path: `u8` role (1 binary, 2 script, 3 link, 4 other, 5 absent), `text` path, `digest`, `u64` device, `u64` inode |
//! | `text` | where it runs, such as `gateway` or `sandbox:bubblewrap` |
//! | list | what its confinement lacks, each a `text` |
//! | `text` | agent |
//! | `text` | requester: what the kernel says of the process that asks |
//! | `text`, `u64` | version of the policy, version of the configuration |
//!
//! | subject of a request to a model | |
//! |---|---|
//! | 17 bytes, `u8` | as above |
//! | `u8` | kind, 2 is a request to a model |
//! | `text` | agent |
//! | `u8`, `text` | 1 and the run, or 0 and nothing |
//! | `text`, `text` | endpoint or path, the name that was asked for |
//! | list | `provider/model` of everybody who could get it, sorted, each a `text` |
//! | `digest`, `u64` | of the body as it was received, and its length |
//! | list | what was found in it and goes out with it, sorted: `text` kind, `text` place |
//! | `u8`, `text` | 1 and the rule that asks, or 0 and nothing |
//! | `text`, `u64` | version of the policy, version of the configuration |
//!
//! A request to a model has no grant: who judges it is who sends it, and holds
//! the very bytes meanwhile.
//!
//! | grant, the signed bytes | |
//! |---|---|
//! | 15 bytes | `tollgate-grant\n` |
//! | `u8` | version of the encoding, 1 |
//! | `digest` | of the subject |
//! | `text` | place |
//! | 16 bytes | nonce |
//! | `u64` | not after, milliseconds since 1970-01-01 00:00 UTC |

mod approval;
mod card;
mod choice;
mod digest;
mod encoding;
mod grant;
mod id;
mod ladder;
mod matrix;
mod rules_file;
mod subject;
mod visible;

pub use approval::{Answer, AnswerRefused, Approval, Effect, Event, State, Step, Yes};
pub use card::{Advice, Card, CardCall, CardFile, CardRule, Proposal};
pub use choice::{Choice, UnknownChoice};
pub use digest::{Digest, NoDigest};
pub use grant::{Grant, GrantFault, GrantPublicKey, Nonce, Signature, SignedGrant};
pub use id::{ApprovalId, NoApprovalId};
pub use ladder::Ladder;
pub use matrix::{Ask, Case, Fallback, Ruling, SafeTier, Security};
pub use rules_file::{
    AgentRules, BoundScript, Defaults, Rule, RulesFault, RulesFile, SocketEntry, Standing,
};
pub use subject::{Command, Folder, ModelCall, Role, Subject, SubjectFault, SubjectFile, Words};
pub use visible::{is_plain, visible};
