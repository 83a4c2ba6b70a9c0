//! What one decision costs where the planes ask for it: `cargo bench -p
//! tollgate-judge`.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::hint::black_box;
use std::time::Instant;

use tollgate_judge::Judge;
use tollgate_policy::Facts;
use tollgate_types::UnixMillis;

const ROUNDS: u32 = 500_000;

fn main() {
    let model = r#"{"tool":"model","args":{"model":"gpt-4o","asked":"fast","provider":"openai","endpoint":"/v1/chat/completions","stream":true,"max_output":4096,"choices":1},"context":{"agent_id":"ci-bot","plane":"model","time":1795132800}}"#;
    let mut facts = Facts::from_json(model.as_bytes()).expect("facts");
    let judge = Judge::shipped().expect("the shipped default");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut measure = |name: &str, change: fn(&mut Facts<'_>, u32)| {
        let began = Instant::now();
        runtime.block_on(async {
            for round in 0..ROUNDS {
                change(&mut facts, round);
                black_box(judge.decide(black_box(&facts)).await);
            }
        });
        let each = began.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{name:32} {:>6.2} µs", each as f64 / 1000.0);
    };
    measure("a call that comes again", |facts, round| {
        facts.context.time = UnixMillis(u64::from(round));
    });
    measure("a call that is always new", |facts, round| {
        facts.args = tollgate_policy::Fact::map([("model", u64::from(round).into())]);
    });
}
