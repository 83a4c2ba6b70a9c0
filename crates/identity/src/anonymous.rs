//! Callers without a key: what the kernel and the browser say of them.
//!
//! A gateway on loopback that answers whoever connects is open to every user
//! of the machine and to every web page that its owner visits. Both are kept
//! out here, each by a fact that the caller can't fill in: the kernel knows
//! which user owns the other end of a connection ([`same_user`]), and a
//! browser marks every request that a page makes ([`page_guard`]).
//!
//! What this does not tell apart: processes of the same user, and processes of
//! other machines or containers behind a forwarder that this user runs (such
//! as `ssh -L`, or a container engine's port forwarding).

mod page;
mod socket_owner;

pub use page::{PageRefusal, page_guard};
pub use socket_owner::same_user;
