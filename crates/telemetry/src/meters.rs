use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tollgate_types::{Attempt, Label, Outcome, RequestRecord, UsageSource};

use crate::words;

/// Pairs of provider and model that are told apart; the rest is `other`.
const MOST_MODELS: usize = 500;

/// What the conventions want, in tokens and seconds.
const TOKENS: [f64; 14] = [
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
];
const DURATION: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKEN: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// What is counted.
pub(crate) struct Meters {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    first_token: Histogram<f64>,
    requests: Counter<u64>,
    models: Mutex<HashSet<(Label, Label)>>,
}

impl Meters {
    pub(crate) fn new(provider: &SdkMeterProvider, scope: InstrumentationScope) -> Self {
        let meter = provider.meter_with_scope(scope);
        let seconds = |name, what, bounds: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(what)
                .with_boundaries(bounds.to_vec())
                .build()
        };
        Self {
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Number of input and output tokens used.")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            duration: seconds(
                "gen_ai.client.operation.duration",
                "GenAI operation duration.",
                &DURATION,
            ),
            first_token: seconds(
                "gen_ai.server.time_to_first_token",
                "Time to generate first token for successful responses.",
                &FIRST_TOKEN,
            ),
            requests: meter
                .u64_counter("tollgate.requests")
                .with_unit("{request}")
                .with_description("Model requests ended.")
                .build(),
            models: Mutex::default(),
        }
    }

    pub(crate) fn observe(&self, record: &RequestRecord) {
        let reason = record.reason.map_or("none", |reason| reason.as_str());
        self.requests.add(
            1,
            &[
                KeyValue::new("tollgate.dialect", record.dialect),
                KeyValue::new("tollgate.outcome", record.outcome.as_str()),
                KeyValue::new("tollgate.reason", reason),
            ],
        );
        let sent = record.trace.as_ref().map(|trace| &trace.sent_micros);
        for (place, attempt) in record.attempts.iter().enumerate() {
            let sent = sent.and_then(|sent| sent.get(place)).copied().unwrap_or(0);
            self.attempt(record, attempt, sent);
        }
    }

    fn attempt(&self, record: &RequestRecord, attempt: &Attempt, sent_micros: u64) {
        let model = self.model(record, attempt);
        let mut labels = vec![
            KeyValue::new(words::OPERATION, words::operation(record.endpoint)),
            KeyValue::new(words::PROVIDER, words::provider(&attempt.provider)),
            KeyValue::new(words::REQUEST_MODEL, model.clone()),
        ];
        if let Some(class) = attempt.fault {
            labels.push(KeyValue::new(words::ERROR_TYPE, class.as_str()));
            return self.duration.record(seconds(attempt.micros), &labels);
        }
        labels.push(KeyValue::new(words::RESPONSE_MODEL, model));
        self.used(record, &mut labels);
        if let Some(first) = record.first_byte_micros {
            labels.push(KeyValue::new(words::REQUEST_STREAM, record.stream));
            let first = first.saturating_sub(sent_micros);
            self.first_token.record(seconds(first), &labels);
            labels.pop();
        }
        if record.outcome == Outcome::Failed {
            let reason = record.reason.map_or("failed", |reason| reason.as_str());
            labels.push(KeyValue::new(words::ERROR_TYPE, reason));
        }
        let took = record.latency_micros.saturating_sub(sent_micros);
        self.duration.record(seconds(took), &labels);
    }

    /// Only what the provider itself reported: an estimate is no measurement.
    fn used(&self, record: &RequestRecord, labels: &mut Vec<KeyValue>) {
        if record.usage.source != UsageSource::Reported {
            return;
        }
        let tokens = record.usage.tokens;
        let input = tokens.total().saturating_sub(tokens.output);
        for (kind, count) in [("input", input), ("output", tokens.output)] {
            if count > 0 {
                labels.push(KeyValue::new(words::TOKEN_TYPE, kind));
                self.tokens.record(count, labels);
                labels.pop();
            }
        }
    }

    /// A model's name becomes a label once it was served, as long as there is
    /// room: callers can ask for any name.
    fn model(&self, record: &RequestRecord, attempt: &Attempt) -> Label {
        let pair = (attempt.provider.clone(), attempt.model.clone());
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if models.contains(&pair) {
            return pair.1;
        }
        let served = attempt.fault.is_none() && record.outcome == Outcome::Ok;
        if served && models.len() < MOST_MODELS {
            models.insert(pair);
            return attempt.model.clone();
        }
        "other".into()
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
