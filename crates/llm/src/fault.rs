use std::time::Duration;

use http::HeaderMap;
use tollgate_types::{FaultClass, UnixMillis};

use crate::Dialect;

/// The longest that a provider's wish to wait is believed.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What an error answer of a provider means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFault {
    /// Decides what is tried next.
    pub class: FaultClass,
    /// How long the provider asks to wait, at most [`LONGEST_WAIT`].
    pub retry_after: Option<Duration>,
    /// The provider's words: at most 300 bytes, without control characters,
    /// with what looks like a key masked.
    pub message: String,
}

/// Reads an error answer.
pub fn read_fault(
    dialect: Dialect,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> ProviderFault {
    let _ = (dialect, status, headers, body, now);
    ProviderFault {
        class: FaultClass::ServerError,
        retry_after: None,
        message: String::new(),
    }
}
