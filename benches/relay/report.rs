//! Medians, and the table.

use crate::rounds::{MANY, SINGLE, STREAMS, Sample, Shape};
use crate::upstream::{EVENTS, PACE};
use std::fmt;
use std::time::Duration;

/// Everything that was measured; its `Display` is the Markdown table.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) samples: Vec<Sample>,
    pub(crate) start_ups: Vec<(&'static str, Duration)>,
    pub(crate) idle: Vec<(&'static str, u64)>,
}

const TARGETS: [&str; 3] = ["direct", "nginx", "tollgate"];
const MIB: f64 = 1024.0 * 1024.0;

/// One value of the table for one target; `None` where it has no meaning.
type Value = fn(&Report, &'static str) -> Option<f64>;

const ROWS: [(&str, Value); 13] = [
    ("CPU per request, c=64 (µs)", |report, target| {
        report.cpu(target, MANY)
    }),
    ("CPU per request, c=1 (µs)", |report, target| {
        report.cpu(target, SINGLE)
    }),
    ("CPU per 200-event stream (µs)", |report, target| {
        report.cpu(target, STREAMS)
    }),
    ("latency p50, c=1 (µs)", |report, target| {
        report.seen(target, SINGLE, "p50")
    }),
    ("latency p99, c=1 (µs)", |report, target| {
        report.seen(target, SINGLE, "p99")
    }),
    ("added p50, c=1 (µs)", |report, target| {
        report.added(target, SINGLE, "p50")
    }),
    ("added p99, c=1 (µs)", |report, target| {
        report.added(target, SINGLE, "p99")
    }),
    ("added event delay p50 (µs)", |report, target| {
        report.added(target, STREAMS, "event_p50")
    }),
    ("added event delay p99 (µs)", |report, target| {
        report.added(target, STREAMS, "event_p99")
    }),
    ("throughput, c=64 (requests/s)", |report, target| {
        report
            .seen(target, MANY, "per_second")
            .map(|rate| rate * 1e3)
    }),
    ("memory idle (MiB)", |report, target| report.idle(target)),
    ("memory under load, most (MiB)", |report, target| {
        report.loaded(target)
    }),
    ("start-up (ms)", |report, target| report.start_up(target)),
];

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| | direct | nginx | tollgate | tollgate / nginx |\n|---|---:|---:|---:|---:|"
        )?;
        for (name, value) in ROWS {
            let values = TARGETS.map(|target| value(self, target));
            let ratio = match values {
                [_, Some(nginx), Some(tollgate)] if nginx > 0.0 => {
                    format!("{:.2}", tollgate / nginx)
                }
                _ => "–".to_owned(),
            };
            let [direct, nginx, tollgate] = values.map(|value| value.map_or("–".to_owned(), shown));
            writeln!(
                out,
                "| {name} | {direct} | {nginx} | {tollgate} | {ratio} |"
            )?;
        }
        self.write_method(out)
    }
}

impl Report {
    fn write_method(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self
            .samples
            .iter()
            .filter(|sample| sample.target == "direct" && sample.shape == MANY)
            .count();
        writeln!(
            out,
            "\nMethod: medians of {rounds} rounds; in each round every target in turn, another one first each time."
        )?;
        writeln!(
            out,
            "Chat: 1 KB answer from a zero-delay upstream, keep-alive; c=1: {} requests a round, c=64: {}.",
            SINGLE.requests, MANY.requests
        )?;
        writeln!(
            out,
            "Stream: {} at once, {EVENTS} events, one every {PACE:?}; an event's delay is the time from its being sent to its being read.",
            STREAMS.connections
        )?;
        writeln!(
            out,
            "Pinned: nginx and tollgate to CPU 1, upstream and client to CPU 0. nginx: 1 worker, keep-alive upstream, no access log, buffering off for the stream."
        )?;
        writeln!(
            out,
            "tollgate: agent key, one openai provider, ledger on. CPU: run time of all threads and children from /proc schedstat, 1.3 s after the load included."
        )?;
        writeln!(
            out,
            "Added: the target's quantile minus direct's, per round. Memory: RssAnon, children included. Start-up: process start to first connection, median of 5."
        )
    }

    fn cpu(&self, target: &str, shape: Shape) -> Option<f64> {
        // the upstream's own cost is not the price of a relay
        if target == "direct" {
            return None;
        }
        median(self.of(target, shape).map(|sample| sample.cpu_nanos / 1e3))
    }

    fn seen(&self, target: &str, shape: Shape, name: &str) -> Option<f64> {
        median(
            self.of(target, shape)
                .filter_map(|sample| sample.seen[name].as_f64())
                .map(|nanos| nanos / 1e3),
        )
    }

    fn added(&self, target: &str, shape: Shape, name: &str) -> Option<f64> {
        if target == "direct" {
            return None;
        }
        let value = |sample: &Sample| sample.seen[name].as_f64().unwrap_or(0.0);
        let pairs = self.of(target, shape).zip(self.of("direct", shape));
        median(pairs.map(|(ours, direct)| (value(ours) - value(direct)) / 1e3))
    }

    fn idle(&self, target: &str) -> Option<f64> {
        median(
            self.idle
                .iter()
                .filter(|(name, _)| *name == target && target != "direct")
                .map(|(_, bytes)| *bytes as f64 / MIB),
        )
    }

    fn loaded(&self, target: &str) -> Option<f64> {
        let samples = self
            .samples
            .iter()
            .filter(|sample| sample.target == target && target != "direct");
        samples
            .map(|sample| sample.anonymous_bytes as f64 / MIB)
            .max_by(f64::total_cmp)
    }

    fn start_up(&self, target: &str) -> Option<f64> {
        median(
            self.start_ups
                .iter()
                .filter(|(name, _)| *name == target)
                .map(|(_, time)| time.as_secs_f64() * 1e3),
        )
    }

    fn of(&self, target: &str, shape: Shape) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.target == target && sample.shape == shape)
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().saturating_sub(1) / 2)?,
        values.get(values.len() / 2)?,
    );
    Some(f64::midpoint(*low, *high))
}

fn shown(value: f64) -> String {
    if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}
