//! The order of measuring: every round goes through all targets and all loads,
//! beginning with another target each time.

use crate::Plan;
use crate::load::Load;
use crate::measure::{anonymous_bytes, cpu_nanos};
use crate::report::Report;
use crate::target::{AGENT_KEY, Target, check_tools, pinned};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

pub(crate) const LOAD_CPU: usize = 0;
pub(crate) const GATEWAY_CPU: usize = 1;
/// After a run, so that what is written behind it (a ledger's batch) is booked
/// to it.
const SETTLE: Duration = Duration::from_millis(1300);
const LOAD_LIMIT: Duration = Duration::from_secs(60);
const START_UPS: usize = 5;

/// What is asked of every target in every round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    pub(crate) stream: bool,
}

pub(crate) const SINGLE: Shape = Shape {
    connections: 1,
    requests: 4_000,
    stream: false,
};
pub(crate) const MANY: Shape = Shape {
    connections: 64,
    requests: 19_200,
    stream: false,
};
pub(crate) const STREAMS: Shape = Shape {
    connections: 16,
    requests: 16,
    stream: true,
};
const SHAPES: [Shape; 3] = [SINGLE, MANY, STREAMS];

/// One run of one load against one target.
pub(crate) struct Sample {
    pub(crate) target: &'static str,
    pub(crate) shape: Shape,
    /// What the client saw.
    pub(crate) seen: Value,
    /// Processor time of the target for one request.
    pub(crate) cpu_nanos: f64,
    pub(crate) anonymous_bytes: u64,
}

pub(crate) fn measure(plan: &Plan) -> Result<Report, String> {
    check_tools(plan.tollgate.as_ref())?;
    let direct = Target::direct()?;
    let upstream = direct.address.clone();
    let start = |name: &str| match (name, &plan.tollgate) {
        ("tollgate", Some(program)) => Target::tollgate(program, &upstream),
        _ => Target::nginx(&upstream),
    };
    let names = if plan.tollgate.is_some() {
        vec!["nginx", "tollgate"]
    } else {
        vec!["nginx"]
    };
    let mut report = Report::default();
    for _ in 0..START_UPS {
        for name in &names {
            let target = start(name)?;
            report.start_ups.push((target.name, target.start_up));
        }
    }
    let mut targets = vec![direct];
    for name in &names {
        targets.push(start(name)?);
    }
    for target in &targets {
        report
            .idle
            .push((target.name, anonymous_bytes(target.pid())));
        for shape in SHAPES {
            run(
                target,
                Shape {
                    requests: shape.connections * 4,
                    ..shape
                },
            )?;
        }
    }
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for shape in SHAPES {
            for index in 0..targets.len() {
                report
                    .samples
                    .push(run(&targets[(index + round) % targets.len()], shape)?);
            }
        }
    }
    Ok(report)
}

fn run(target: &Target, shape: Shape) -> Result<Sample, String> {
    let load = Load {
        address: target.address.clone(),
        key: AGENT_KEY.to_owned(),
        connections: shape.connections,
        requests: shape.requests,
        stream: shape.stream,
    };
    let before = cpu_nanos(target.pid());
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = pinned(LOAD_CPU, &program);
    let mut child = command
        .args(load.to_arguments())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut anonymous = 0;
    let begun = Instant::now();
    while child
        .try_wait()
        .map_err(|error| error.to_string())?
        .is_none()
    {
        if begun.elapsed() > LOAD_LIMIT {
            child.kill().ok();
        }
        anonymous = anonymous.max(anonymous_bytes(target.pid()));
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: the load {shape:?} failed", target.name));
    }
    std::thread::sleep(SETTLE);
    // a thread that ended meanwhile takes its time along
    let cpu = cpu_nanos(target.pid()).saturating_sub(before);
    let seen: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let cpu_nanos = cpu as f64 / seen["requests"].as_f64().unwrap_or(1.0);
    Ok(Sample {
        target: target.name,
        shape,
        seen,
        cpu_nanos,
        anonymous_bytes: anonymous,
    })
}
