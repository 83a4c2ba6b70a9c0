//! Processes as trees: what Tollgate starts, it can freeze, thaw and kill
//! completely.
//!
//! An agent's command starts others, and those start others. Some of them
//! ignore SIGTERM, some fork twice and take a session of their own so that
//! nobody remembers where they came from. A cutoff that only reaches the first
//! process is none. So everything is started as a [`Tree`], and a tree has a
//! **keeper**: a small process of this same program ([`keep`]) that stands
//! between Tollgate and the command.
//!
//! ```text
//! holder (gateway or `tollgate run`)          Tree, Trees
//!   └─ keeper (subreaper, non-dumpable)       keep()
//!        ├─ the command
//!        │    └─ its children …
//!        └─ a daemon that forked twice: the kernel hands it to the keeper
//! ```
//!
//! The keeper is the child subreaper (`prctl(2)`) of everything below it:
//! whoever loses its parent gets the keeper for one, never `init`. To which
//! tree a process belongs is therefore a fact of the kernel, even where the
//! holder has many trees. Where a cgroup of version 2 may be made, the tree
//! lives in one as well: it freezes and kills in one stroke, whoever the
//! processes belong to.
//!
//! * **Freeze** writes `cgroup.freeze`, or stops every member with SIGSTOP and
//!   looks again until nobody new appears. Who was stopped before stays
//!   stopped after a thaw.
//! * **Kill** writes `cgroup.kill`, then sends SIGSTOP and SIGKILL to every
//!   member that is left, until two looks in a row find nobody, or 5 s are
//!   over.
//! * Every signal to a process that is not the keeper's own child goes through
//!   a pidfd whose start time was compared after it was opened: a process id
//!   that was used again can't be hit.
//! * **A tree ends with its command**, as a container does: who is left after
//!   [`Limits::linger`] is killed. A tree whose holder is gone, by whatever
//!   end, is killed too: the keeper sees its socket close.
//!
//! The command is started by the keeper, which has one thread. So the new
//! session, the cgroup and the limits are made in the keeper and inherited,
//! and there is no code between fork and exec, and no descriptor
//! of the holder that could leak: the three standard ones come as a message
//! over the socket, all others are closed.
//!
//! What this is not: a wall. Processes of the same user can kill a keeper and
//! move out of a delegated cgroup; the holder then kills what it still knows
//! ([`Cause::KeeperLost`]). Who asks a service outside to start something
//! (`systemd-run`, `at`, a container engine) starts it outside. Walls are the
//! sandbox's business.

#![allow(
    clippy::disallowed_methods,
    reason = "owns processes: their tables, cgroups and clocks"
)]

mod backstop;
mod capture;
mod census;
mod cgroup;
mod confine;
mod container;
mod end;
mod enter;
mod fault;
mod handed;
mod hold;
mod ignored;
mod keeper;
mod launch;
mod leash;
mod letter;
mod reaper;
mod remnants;
mod seal;
mod spec;
mod system;
mod terminal;
mod tree;
mod trees;
mod words;

pub use backstop::Backstop;
pub use capture::Captured;
pub use confine::{Bubblewrap, Confinement, Sandbox};
pub use container::{CONTAINER_SHELL, Contained, Container, ContainerError, Image, Podman};
pub use end::{Cause, End, Exit};
pub use enter::enter;
pub use fault::{StartError, TreeError};
pub use handed::{FIRST_KEPT, Handed, MOST_KEPT};
pub use ignored::is_ignored;
pub use keeper::keep;
pub use seal::{Role, SHELL_FOLDERS, SealError, Sealed, Seen, Wanted, What};
pub use spec::{Input, Keeper, Limits, Output, Resource, Session, Spec};
pub use terminal::Terminal;
pub use tree::Tree;
pub use trees::{Report, Trees};
