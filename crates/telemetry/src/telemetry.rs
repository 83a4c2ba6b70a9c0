use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{MetricExporter, Protocol, RetryPolicy, SpanExporter};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tollgate_types::{RequestId, RequestRecord};

use crate::collector::Collector;
use crate::meters::Meters;
use crate::sender;
use crate::spans::spans;
use crate::trouble::Trouble;

/// Spans that wait to be sent, at about 2 KiB each.
const QUEUE: usize = 4096;

/// Where telemetry goes.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The collector, such as `http://127.0.0.1:4318`; `/v1/traces` and
    /// `/v1/metrics` are put behind it.
    pub endpoint: Uri,
    /// Sent with every export; values are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Between two exports of metrics.
    pub interval: Duration,
    /// Of the program.
    pub version: &'static str,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The address can't be used.
    #[error("otlp_endpoint: expected http:// or https:// and a host")]
    Endpoint,
    /// The library refused its configuration.
    #[error("telemetry: {0}")]
    Exporter(String),
}

/// Sends what is observed, until it is closed.
pub struct Telemetry {
    spans: mpsc::Sender<SpanData>,
    scope: InstrumentationScope,
    meters: Meters,
    provider: SdkMeterProvider,
    trouble: Arc<Trouble>,
    closing: watch::Sender<bool>,
    sender: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Starts sending on `runtime`; nothing is connected before there is
    /// something to send.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn start(to: &Destination, runtime: &Handle) -> Result<Self, StartFault> {
        let trouble = Arc::new(Trouble::default());
        let collector = Collector::new(to, runtime.clone(), Arc::clone(&trouble))?;
        let resource = resource(to.version);
        let provider = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(
                PeriodicReader::builder(metric_exporter(to, &collector)?)
                    .with_interval(to.interval)
                    .build(),
            )
            .build();
        let mut exporter = span_exporter(to, &collector)?;
        exporter.set_resource(&resource);
        let (spans, queued) = mpsc::channel(QUEUE);
        let closing = watch::Sender::new(false);
        let told = closing.subscribe();
        let sender = runtime.spawn(sender::run(exporter, queued, told, Arc::clone(&trouble)));
        let scope = InstrumentationScope::builder("tollgate")
            .with_version(to.version)
            .build();
        Ok(Self {
            spans,
            meters: Meters::new(&provider, scope.clone()),
            scope,
            provider,
            trouble,
            closing,
            sender: Mutex::new(Some(sender)),
        })
    }

    /// Takes in one finished request. Never waits: what does not fit into the
    /// queue is dropped and counted.
    pub fn observe(&self, record: &RequestRecord) {
        self.meters.observe(record);
        for span in spans(record, &self.scope) {
            if self.spans.try_send(span).is_err() {
                self.trouble.lost(1);
            }
        }
    }

    /// Sends what is left, for at most `limit`; says what did not get out.
    pub async fn close(&self, limit: Duration) {
        self.closing.send_replace(true);
        let sender = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let provider = self.provider.clone();
        // Blocks until its own thread has sent the last sums.
        let sums = tokio::task::spawn_blocking(move || provider.shutdown());
        let spans = async {
            if let Some(sender) = sender {
                // A sender that panicked has said so on its own.
                sender.await.ok();
            }
        };
        let both = async { tokio::join!(spans, sums) };
        if tokio::time::timeout(limit, both).await.is_err() {
            self.trouble
                .failed("the gateway ends and the collector is slow");
        }
        self.trouble.say_all();
    }
}

fn resource(version: &'static str) -> Resource {
    use opentelemetry::KeyValue;
    // Two gateways on one machine are two instances; so is one that restarts.
    let instance = RequestId::fresh().to_string();
    let instance = instance.trim_start_matches("req_").to_owned();
    Resource::builder()
        .with_service_name("tollgate")
        .with_attribute(KeyValue::new("service.version", version))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

fn span_exporter(to: &Destination, collector: &Collector) -> Result<SpanExporter, StartFault> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(signal(to, "traces"))
        // Its own would put a thread of the runtime to sleep.
        .with_retry_policy(RetryPolicy::disabled())
        .build();
    exporter.map_err(|error| StartFault::Exporter(error.to_string()))
}

fn metric_exporter(to: &Destination, collector: &Collector) -> Result<MetricExporter, StartFault> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(collector.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(signal(to, "metrics"))
        .with_retry_policy(RetryPolicy::disabled())
        .build();
    exporter.map_err(|error| StartFault::Exporter(error.to_string()))
}

/// <https://opentelemetry.io/docs/specs/otlp/#otlphttp-request>
fn signal(to: &Destination, signal: &str) -> String {
    let base = to.endpoint.to_string();
    format!("{}/v1/{signal}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests;
