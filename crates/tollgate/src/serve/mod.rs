//! The gateway itself, put together.

use crate::config::Settings;
use crate::paths::Paths;

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn run(settings: Settings, paths: Paths) -> anyhow::Result<()> {
    drop((settings, paths));
    anyhow::bail!("serve is not wired yet")
}
