//! The one way to wait.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// How long any single wait may take. Generous, because it only passes in full
/// where a test fails anyway, and machines that run tests are busy.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// Waits for `future`, at most [`DEADLINE`].
///
/// # Panics
/// Where the deadline passes; the text names `what` and the caller's line.
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    async move {
        match tokio::time::timeout(DEADLINE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{place}: waited {DEADLINE:?} in vain for {what}"),
        }
    }
}
