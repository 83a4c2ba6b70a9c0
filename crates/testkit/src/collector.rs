//! An OpenTelemetry collector on loopback, as far as tests need one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::deadline::within;
use crate::provider::read_request;
use crate::received::Received;

/// Takes OTLP over HTTP, decodes the protobuf and keeps everything.
#[derive(Debug)]
pub struct Collector {
    url: String,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    exports: Vec<Received>,
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    resource: Vec<KeyValue>,
    /// Statuses of the next answers; 200 once they are used up.
    statuses: VecDeque<u16>,
    silent: bool,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Collector {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let listener = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            url,
            shared,
            listener,
        }
    }

    /// For `otlp_endpoint`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses the next export with this status.
    pub fn refuse_once(&self, status: u16) {
        self.shared.kept.lock().unwrap().statuses.push_back(status);
    }

    /// Takes exports and never answers from here on.
    pub fn fall_silent(&self) {
        self.shared.kept.lock().unwrap().silent = true;
    }

    /// Every export as it came, refused ones too.
    #[must_use]
    pub fn exports(&self) -> Vec<Received> {
        self.shared.kept.lock().unwrap().exports.clone()
    }

    /// Every span that was taken.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.shared.kept.lock().unwrap().spans.clone()
    }

    /// What the last export said of who sends.
    #[must_use]
    pub fn resource(&self) -> Value {
        attributes(&self.shared.kept.lock().unwrap().resource)
    }

    /// Returns when so many exports have come.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_exports(&self, count: usize) {
        self.wait("exports", |kept| {
            (kept.exports.len() >= count).then_some(())
        })
        .await;
    }

    /// The first span that fits, once there is one.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_span(&self, fits: impl Fn(&Span) -> bool) -> Span {
        self.wait("a span", |kept| {
            kept.spans.iter().find(|span| fits(span)).cloned()
        })
        .await
    }

    /// The attributes of every point of this metric as it was last exported,
    /// once there are any; each with `count` and `sum`.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_points(
        &self,
        metric: &str,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        self.wait(metric, |kept| {
            let last = kept.metrics.iter().rev().find(|it| it.name == metric)?;
            let points = points(last);
            enough(&points).then_some(points)
        })
        .await
    }

    async fn wait<T>(&self, what: &str, found: impl Fn(&Kept) -> Option<T>) -> T {
        within(what, async {
            loop {
                let news = self.shared.news.notified();
                if let Some(found) = found(&self.shared.kept.lock().unwrap()) {
                    return found;
                }
                news.await;
            }
        })
        .await
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(converse(socket, Arc::clone(&shared)));
    }
}

async fn converse(mut socket: TcpStream, shared: Arc<Shared>) {
    let mut unread = BytesMut::new();
    while let Some(request) = read_request(&mut socket, &mut unread, 0).await {
        let status = shared.take(request);
        shared.news.notify_waiters();
        let Some(status) = status else {
            return std::future::pending().await;
        };
        let answer = format!(
            "HTTP/1.1 {status} said\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
        );
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Shared {
    /// The status to answer with, or none at all.
    fn take(&self, request: Received) -> Option<u16> {
        let mut kept = self.kept.lock().unwrap();
        kept.exports.push(request.clone());
        if kept.silent {
            return None;
        }
        let status = kept.statuses.pop_front().unwrap_or(200);
        if status != 200 {
            return Some(status);
        }
        let is_protobuf = request.header("content-type") == Some("application/x-protobuf");
        let read = match (request.method.as_str(), request.path()) {
            ("POST", "/v1/traces") if is_protobuf => kept.read_spans(request.body),
            ("POST", "/v1/metrics") if is_protobuf => kept.read_metrics(request.body),
            _ => false,
        };
        Some(if read { 200 } else { 400 })
    }
}

impl Kept {
    fn read_spans(&mut self, body: Bytes) -> bool {
        let Ok(export) = ExportTraceServiceRequest::decode(body) else {
            return false;
        };
        for resource in export.resource_spans {
            self.resource = resource.resource.unwrap_or_default().attributes;
            let scopes = resource.scope_spans.into_iter();
            self.spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        true
    }

    fn read_metrics(&mut self, body: Bytes) -> bool {
        let Ok(export) = ExportMetricsServiceRequest::decode(body) else {
            return false;
        };
        for resource in export.resource_metrics {
            let scopes = resource.scope_metrics.into_iter();
            self.metrics.extend(scopes.flat_map(|scope| scope.metrics));
        }
        true
    }
}

/// Attributes as one JSON object.
#[must_use]
pub fn attributes(all: &[KeyValue]) -> Value {
    let value = |pair: &KeyValue| match pair.value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::BoolValue(flag)) => json!(flag),
        other => json!(format!("{other:?}")),
    };
    let pairs = all.iter().map(|pair| (pair.key.clone(), value(pair)));
    Value::Object(pairs.collect())
}

fn points(metric: &Metric) -> Vec<Value> {
    let point = |all: &[KeyValue], count: u64, sum: f64| {
        let mut point = attributes(all);
        point["count"] = json!(count);
        point["sum"] = json!(sum);
        point
    };
    match &metric.data {
        Some(Data::Histogram(histogram)) => histogram
            .data_points
            .iter()
            .map(|it| point(&it.attributes, it.count, it.sum.unwrap_or(0.0)))
            .collect(),
        Some(Data::Sum(sum)) => sum
            .data_points
            .iter()
            .map(|it| {
                use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
                let value = match it.value {
                    Some(Number::AsInt(value)) => value as f64,
                    Some(Number::AsDouble(value)) => value,
                    None => 0.0,
                };
                point(&it.attributes, 1, value)
            })
            .collect(),
        _ => Vec::new(),
    }
}
