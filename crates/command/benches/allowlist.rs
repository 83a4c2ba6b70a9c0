//! What ten thousand rules add to a judgement: `cargo bench -p tollgate-command`.

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use tollgate_command::{Allowlist, Evidence, Pattern, Role, Rule, Setting, judge, needs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rules = Vec::new();
    for number in 0..10_000 {
        let text = match number % 4 {
            0 => format!("git commit -m 'change {number}'"),
            1 => format!("cargo test -p crate{number} *"),
            2 => format!("npm run task{number}"),
            _ => format!("tool{number} build"),
        };
        rules.push(Rule {
            pattern: Pattern::parse(&text)?,
            binary: format!("/usr/bin/{}", text.split(' ').next().unwrap_or_default()),
            scripts: Vec::new(),
        });
    }
    let list = Allowlist::new(rules);
    for text in [
        "cargo test -p crate9997 --release",
        "git commit -m 'never seen'",
        "cargo test -p crate1 && git commit -m 'change 8' && cargo test -p crate5 | head",
    ] {
        let verdict = judge(text, &Setting::default());
        let evidence: Vec<Evidence> = needs(&verdict)
            .into_iter()
            .map(|need| Evidence {
                step: need.step,
                role: need.role,
                path: match need.role {
                    Role::Binary => format!("/usr/bin/{}", need.file),
                    _ => need.file,
                },
                sha256: None,
            })
            .collect();
        let mut best = f64::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            for _ in 0..1_000 {
                black_box(list.covers(black_box(&verdict), black_box(&evidence), true));
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        let covered = list.covers(&verdict, &evidence, true).is_some();
        println!("{best:8.2} µs  10,000 rules, covered: {covered}  {text}");
    }
    Ok(())
}
