use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::SpanData;
use tollgate_types::{Attempt, Outcome, RequestRecord, UsageSource};

use crate::words;

/// A span for the request, and below it one for each attempt at a provider.
///
/// Where the caller named no trace, the trace's id is the request's: whoever
/// has one has the other. None where the caller does not record its trace.
pub(crate) fn spans(record: &RequestRecord, scope: &InstrumentationScope) -> Vec<SpanData> {
    let Some(trace) = &record.trace else {
        return Vec::new();
    };
    if trace.parent.is_some_and(|parent| !parent.sampled) {
        return Vec::new();
    }
    let made = Made {
        record,
        scope,
        trace_id: TraceId::from_bytes(match trace.parent {
            Some(parent) => parent.trace_id,
            None => *record.id.as_bytes(),
        }),
        began: SystemTime::UNIX_EPOCH + Duration::from_millis(record.at.0),
    };
    let mut spans = Vec::with_capacity(1 + record.attempts.len());
    spans.push(made.request(trace.parent.map(|parent| parent.span_id)));
    for (place, attempt) in record.attempts.iter().enumerate() {
        let sent = trace.sent_micros.get(place).copied().unwrap_or(0);
        spans.push(made.attempt(place, attempt, sent));
    }
    spans
}

struct Made<'a> {
    record: &'a RequestRecord,
    scope: &'a InstrumentationScope,
    trace_id: TraceId,
    began: SystemTime,
}

impl Made<'_> {
    fn request(&self, parent: Option<[u8; 8]>) -> SpanData {
        let record = self.record;
        let failed = record.outcome == Outcome::Failed || record.status >= 500;
        SpanData {
            parent_span_id: parent.map_or(SpanId::INVALID, SpanId::from_bytes),
            parent_span_is_remote: parent.is_some(),
            span_kind: SpanKind::Server,
            name: match record.endpoint {
                words::PASSTHROUGH => record.endpoint.into(),
                endpoint => format!("POST {endpoint}").into(),
            },
            attributes: self.request_attributes(),
            status: status(failed),
            ..self.bare(record.id.span_id(), 0, record.latency_micros)
        }
    }

    fn request_attributes(&self) -> Vec<KeyValue> {
        let record = self.record;
        let mut all = vec![
            KeyValue::new("http.route", record.endpoint),
            KeyValue::new("http.response.status_code", i64::from(record.status)),
            KeyValue::new("tollgate.request.id", record.id.to_string()),
            KeyValue::new("tollgate.dialect", record.dialect),
            KeyValue::new("tollgate.outcome", record.outcome.as_str()),
            KeyValue::new("tollgate.attempts", whole(record.attempts.len() as u64)),
            KeyValue::new("tollgate.config.version", whole(record.versions.config)),
        ];
        if record.endpoint != words::PASSTHROUGH {
            all.push(KeyValue::new("http.request.method", "POST"));
        }
        if let Some(principal) = &record.principal {
            all.push(KeyValue::new(
                "tollgate.agent",
                principal.actor.name().to_owned(),
            ));
            if let Some(run) = &principal.run {
                all.push(KeyValue::new("tollgate.run", run.as_str().to_owned()));
            }
        }
        let labels = [
            ("tollgate.rule", &record.rule),
            ("tollgate.budget", &record.budget),
        ];
        for (name, label) in labels {
            if let Some(label) = label {
                all.push(KeyValue::new(name, label.clone()));
            }
        }
        // Until a provider was asked for it, it is only what a caller wrote.
        if let (Some(asked), false) = (&record.model_asked, record.attempts.is_empty()) {
            all.push(KeyValue::new("tollgate.model.asked", asked.clone()));
        }
        if let Some(nanos) = record.cost_nanos {
            all.push(KeyValue::new("tollgate.cost.usd", nanos as f64 / 1e9));
        }
        if let Some(reason) = record.reason {
            all.push(KeyValue::new(words::ERROR_TYPE, reason.as_str()));
        }
        all
    }

    fn attempt(&self, place: usize, attempt: &Attempt, sent_micros: u64) -> SpanData {
        let record = self.record;
        let operation = words::operation(record.endpoint);
        let mut all = vec![
            KeyValue::new(words::OPERATION, operation),
            KeyValue::new(words::PROVIDER, words::provider(&attempt.provider)),
            KeyValue::new(words::REQUEST_MODEL, attempt.model.clone()),
            KeyValue::new(words::REQUEST_STREAM, record.stream),
            KeyValue::new("tollgate.provider", attempt.provider.clone()),
            KeyValue::new("tollgate.credential", attempt.credential.clone()),
        ];
        if let Some(status) = attempt.status {
            all.push(KeyValue::new(
                "http.response.status_code",
                i64::from(status),
            ));
        }
        let error = match attempt.fault {
            Some(class) => Some(class.as_str()),
            None => self.served(sent_micros, &mut all),
        };
        all.extend(error.map(|error| KeyValue::new(words::ERROR_TYPE, error)));
        let end = match attempt.fault {
            Some(_) => sent_micros.saturating_add(attempt.micros),
            None => record.latency_micros,
        };
        SpanData {
            parent_span_id: SpanId::from_bytes(record.id.span_id()),
            span_kind: SpanKind::Client,
            name: format!("{operation} {}", attempt.model).into(),
            attributes: all,
            status: status(error.is_some()),
            ..self.bare(attempt_id(record.id.span_id(), place), sent_micros, end)
        }
    }

    /// What only the attempt that served has; an error where its answer broke
    /// off.
    fn served(&self, sent_micros: u64, all: &mut Vec<KeyValue>) -> Option<&'static str> {
        let record = self.record;
        if let Some(model) = &record.model_served {
            all.push(KeyValue::new(words::RESPONSE_MODEL, model.clone()));
        }
        if let (Some(first), true) = (record.first_byte_micros, record.stream) {
            let first = first.saturating_sub(sent_micros) as f64 / 1e6;
            all.push(KeyValue::new(words::FIRST_CHUNK, first));
        }
        if record.usage.source != UsageSource::None {
            let tokens = record.usage.tokens;
            let input = tokens.total().saturating_sub(tokens.output);
            all.extend([
                KeyValue::new(words::INPUT_TOKENS, whole(input)),
                KeyValue::new(words::OUTPUT_TOKENS, whole(tokens.output)),
                KeyValue::new(words::CACHE_READ_TOKENS, whole(tokens.cache_read)),
                KeyValue::new(words::CACHE_WRITE_TOKENS, whole(tokens.cache_write)),
                KeyValue::new("tollgate.usage.source", record.usage.source.as_str()),
            ]);
        }
        (record.outcome == Outcome::Failed)
            .then(|| record.reason.map_or("failed", |reason| reason.as_str()))
    }

    fn bare(&self, id: [u8; 8], from_micros: u64, to_micros: u64) -> SpanData {
        let at = |micros| self.began + Duration::from_micros(micros);
        SpanData {
            span_context: SpanContext::new(
                self.trace_id,
                SpanId::from_bytes(id),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "".into(),
            start_time: at(from_micros),
            end_time: at(to_micros.max(from_micros)),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// Spans of attempts are named after the request's: nothing is drawn at
/// random, so that the same record always makes the same spans.
fn attempt_id(request: [u8; 8], place: usize) -> [u8; 8] {
    let step = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(place as u64 + 1);
    let id = u64::from_be_bytes(request).wrapping_add(step);
    id.max(1).to_be_bytes()
}

fn status(failed: bool) -> Status {
    match failed {
        true => Status::error(""),
        false => Status::Unset,
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
