use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tollgate_telemetry::{Destination, Telemetry};

use crate::config::TelemetrySettings;

/// How long the end of the gateway waits for a collector.
const LAST: Duration = Duration::from_secs(5);

/// Starts to send, where there is somewhere to send to.
pub(super) fn start(
    settings: Option<&TelemetrySettings>,
) -> anyhow::Result<Option<Arc<Telemetry>>> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let to = Destination {
        endpoint: settings.endpoint.clone(),
        headers: settings.headers.clone(),
        interval: settings.interval,
        version: env!("CARGO_PKG_VERSION"),
    };
    tracing::info!(endpoint = %to.endpoint, "traces and metrics go to a collector");
    Ok(Some(Arc::new(Telemetry::start(&to, &Handle::current())?)))
}

/// Sends what is left.
pub(super) async fn close(telemetry: Option<Arc<Telemetry>>) {
    if let Some(telemetry) = telemetry {
        telemetry.close(LAST).await;
    }
}
