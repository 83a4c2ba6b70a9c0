use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tollgate_types::{Attempt, Outcome, RequestRecord, Sighting, TokenUsage, UsageSource};

/// Pairs of provider and model that get labels of their own; where a provider
/// serves any name that is asked for, the rest is `other`.
const MOST_MODELS: usize = 500;
/// Stands for a provider or reason where there is none.
const NONE: &str = "none";
const OTHER: &str = "other";

/// Seconds, from a cache hit on the same machine to a long agent's answer.
const BUCKETS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    provider: Arc<str>,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: Arc<str>,
    model: Arc<str>,
    kind: &'static str,
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TimeLabels {
    dialect: &'static str,
    provider: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    provider: Arc<str>,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    detector: Arc<str>,
    kind: Arc<str>,
    direction: &'static str,
    consequence: &'static str,
}

/// What decides the series of a request that was answered in full.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Usual {
    dialect: &'static str,
    provider: Arc<str>,
    model: Arc<str>,
    source: UsageSource,
}

/// The series of such requests, found once: finding a series builds and
/// hashes its labels, ten times a request.
struct Series {
    requests: Counter,
    duration: Histogram,
    first_byte: Histogram,
    tokens: [Counter; 4],
    cost: Dollars,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CostLabels {
    provider: Arc<str>,
    model: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CredentialLabels {
    provider: String,
    state: String,
}

/// US dollars, counted as a float.
type Dollars = Counter<f64, AtomicU64>;

/// What is true at the moment of a scrape.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Requests in flight.
    pub in_flight: u64,
    /// Request records that wait for the disk.
    pub ledger_queued: u64,
    /// Request records lost; anything but 0 is a fault.
    pub ledger_lost: u64,
    /// The ledger's last write failed.
    pub ledger_failing: bool,
    /// The file on disk is not the configuration in force.
    pub config_failing: bool,
    /// Provider and state of every credential.
    pub credentials: Vec<(String, String)>,
}

/// Counters and histograms in the form that Prometheus reads.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    duration: Family<TimeLabels, Histogram, fn() -> Histogram>,
    first_byte: Family<TimeLabels, Histogram, fn() -> Histogram>,
    faults: Family<FaultLabels, Counter>,
    cost: Family<CostLabels, Dollars>,
    findings: Family<FindingLabels, Counter>,
    credentials: Family<CredentialLabels, Gauge>,
    config_failing: Gauge,
    in_flight: Gauge,
    ledger_queued: Gauge,
    ledger_lost: Gauge,
    ledger_failing: Gauge,
    models: Mutex<HashSet<(Arc<str>, Arc<str>)>>,
    usual: Mutex<HashMap<Usual, Series, RandomState>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Everything at zero; `version` is the program's.
    pub fn new(version: &str) -> Self {
        let histogram = || -> Histogram { Histogram::new(BUCKETS) };
        let mut metrics = Self {
            registry: Registry::with_prefix("tollgate"),
            requests: Family::default(),
            tokens: Family::default(),
            duration: Family::new_with_constructor(histogram),
            first_byte: Family::new_with_constructor(histogram),
            faults: Family::default(),
            cost: Family::default(),
            findings: Family::default(),
            credentials: Family::default(),
            config_failing: Gauge::default(),
            in_flight: Gauge::default(),
            ledger_queued: Gauge::default(),
            ledger_lost: Gauge::default(),
            ledger_failing: Gauge::default(),
            models: Mutex::default(),
            usual: Mutex::default(),
        };
        metrics.register(version);
        metrics
    }

    fn register(&mut self, version: &str) {
        let registry = &mut self.registry;
        let build = Info::new([("version", version.to_owned())]);
        registry.register("build", "What runs here", build);
        registry.register("requests", "Model requests ended", self.requests.clone());
        registry.register("tokens", "Tokens used", self.tokens.clone());
        registry.register_with_unit(
            "request_duration",
            "From acceptance to the last byte",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register_with_unit(
            "time_to_first_token",
            "From acceptance to the first byte of the answer",
            Unit::Seconds,
            self.first_byte.clone(),
        );
        registry.register(
            "attempt_faults",
            "Attempts that failed",
            self.faults.clone(),
        );
        registry.register_with_unit(
            "cost",
            "What tokens cost, where their model has a price",
            Unit::Other("usd".to_owned()),
            self.cost.clone(),
        );
        registry.register(
            "findings",
            "What the scanner found in requests and answers",
            self.findings.clone(),
        );
        registry.register(
            "credentials",
            "Credentials of providers by state",
            self.credentials.clone(),
        );
        registry.register(
            "config_failing",
            "1 while the file on disk is not the configuration in force",
            self.config_failing.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests in flight",
            self.in_flight.clone(),
        );
        registry.register(
            "ledger_queue_records",
            "Request records that wait for the disk",
            self.ledger_queued.clone(),
        );
        registry.register(
            "ledger_lost_records",
            "Request records lost",
            self.ledger_lost.clone(),
        );
        registry.register(
            "ledger_failing",
            "1 while the ledger can not be written",
            self.ledger_failing.clone(),
        );
    }

    /// Counts one request. Called by the ledger's writer.
    pub fn observe(&self, record: &RequestRecord) {
        for sighting in &record.findings {
            self.observe_finding(sighting);
        }
        if !self.observe_usual(record) {
            self.observe_any(record);
        }
    }

    /// One attempt that served is nearly every request; false for any other.
    fn observe_usual(&self, record: &RequestRecord) -> bool {
        let (Outcome::Ok, [attempt], Some(first_byte)) = (
            record.outcome,
            &record.attempts[..],
            record.first_byte_micros,
        ) else {
            return false;
        };
        let key = Usual {
            dialect: record.dialect,
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            source: record.usage.source,
        };
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        if usual.len() >= MOST_MODELS && !usual.contains_key(&key) {
            return false;
        }
        let series = usual
            .entry(key)
            .or_insert_with_key(|key| self.series(record, key));
        series.requests.inc();
        series.duration.observe(seconds(record.latency_micros));
        series.first_byte.observe(seconds(first_byte));
        for (series, (_, count)) in series.tokens.iter().zip(kinds(&record.usage.tokens)) {
            series.inc_by(count);
        }
        if let Some(nanos) = record.cost_nanos {
            series.cost.inc_by(dollars(nanos));
        }
        true
    }

    fn series(&self, record: &RequestRecord, key: &Usual) -> Series {
        let times = TimeLabels {
            dialect: key.dialect,
            provider: key.provider.clone(),
        };
        let model = self.model_label(record, &key.provider, &key.model);
        let tokens = kinds(&record.usage.tokens).map(|(kind, _)| {
            let labels = TokenLabels {
                provider: key.provider.clone(),
                model: model.clone(),
                kind,
                source: key.source.as_str(),
            };
            self.tokens.get_or_create_owned(&labels)
        });
        let labels = RequestLabels {
            dialect: key.dialect,
            provider: key.provider.clone(),
            outcome: Outcome::Ok.as_str(),
            reason: NONE,
        };
        Series {
            requests: self.requests.get_or_create_owned(&labels),
            duration: self.duration.get_or_create_owned(&times),
            first_byte: self.first_byte.get_or_create_owned(&times),
            tokens,
            cost: self.cost.get_or_create_owned(&CostLabels {
                provider: key.provider.clone(),
                model,
            }),
        }
    }

    fn observe_any(&self, record: &RequestRecord) {
        let provider = record.provider.clone().unwrap_or_else(|| NONE.into());
        self.requests
            .get_or_create(&RequestLabels {
                dialect: record.dialect,
                provider: provider.clone(),
                outcome: record.outcome.as_str(),
                reason: record.reason.map_or(NONE, |reason| reason.as_str()),
            })
            .inc();
        for attempt in &record.attempts {
            self.observe_fault(attempt);
        }
        if record.attempts.is_empty() {
            // Refused in microseconds: these would hide how providers do.
            return;
        }
        let labels = TimeLabels {
            dialect: record.dialect,
            provider: provider.clone(),
        };
        let duration = self.duration.get_or_create(&labels);
        duration.observe(seconds(record.latency_micros));
        drop(duration);
        if let Some(micros) = record.first_byte_micros {
            self.first_byte
                .get_or_create(&labels)
                .observe(seconds(micros));
        }
        self.observe_tokens(record, &provider);
    }

    fn observe_finding(&self, sighting: &Sighting) {
        let labels = FindingLabels {
            detector: sighting.detector.clone(),
            kind: sighting.kind.clone(),
            direction: sighting.direction.as_str(),
            consequence: sighting.consequence.as_str(),
        };
        let series = self.findings.get_or_create(&labels);
        series.inc_by(u64::from(sighting.count));
    }

    fn observe_fault(&self, attempt: &Attempt) {
        if let Some(class) = attempt.fault {
            let labels = FaultLabels {
                provider: attempt.provider.clone(),
                class: class.as_str(),
            };
            self.faults.get_or_create(&labels).inc();
        }
    }

    fn observe_tokens(&self, record: &RequestRecord, provider: &Arc<str>) {
        let (Some(model), false) = (
            &record.model_served,
            record.usage.source == UsageSource::None,
        ) else {
            return;
        };
        let model = self.model_label(record, provider, model);
        for (kind, count) in kinds(&record.usage.tokens) {
            if count > 0 {
                let labels = TokenLabels {
                    provider: provider.clone(),
                    model: model.clone(),
                    kind,
                    source: record.usage.source.as_str(),
                };
                self.tokens.get_or_create(&labels).inc_by(count);
            }
        }
        if let Some(nanos) = record.cost_nanos {
            let provider = provider.clone();
            let labels = CostLabels { provider, model };
            self.cost.get_or_create(&labels).inc_by(dollars(nanos));
        }
    }

    /// A model's name becomes a label once a provider has served it, and only
    /// as long as there is room: callers can ask for any name.
    fn model_label(
        &self,
        record: &RequestRecord,
        provider: &Arc<str>,
        model: &Arc<str>,
    ) -> Arc<str> {
        let pair = (provider.clone(), model.clone());
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if models.contains(&pair) {
            return pair.1;
        }
        if record.outcome == Outcome::Ok && models.len() < MOST_MODELS {
            models.insert(pair);
            return model.clone();
        }
        OTHER.into()
    }

    /// Everything as OpenMetrics text.
    ///
    /// # Errors
    /// None in practice: writing to memory.
    pub fn text(&self, live: &Live) -> Result<String, fmt::Error> {
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.in_flight.set(gauge(live.in_flight));
        self.ledger_queued.set(gauge(live.ledger_queued));
        self.ledger_lost.set(gauge(live.ledger_lost));
        self.ledger_failing.set(i64::from(live.ledger_failing));
        self.config_failing.set(i64::from(live.config_failing));
        self.credentials.clear();
        for (provider, state) in &live.credentials {
            let (provider, state) = (provider.clone(), state.clone());
            let labels = CredentialLabels { provider, state };
            self.credentials.get_or_create(&labels).inc();
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

fn kinds(tokens: &TokenUsage) -> [(&'static str, u64); 4] {
    [
        ("input", tokens.input),
        ("cache_read", tokens.cache_read),
        ("cache_write", tokens.cache_write),
        ("output", tokens.output),
    ]
}

fn dollars(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests;
