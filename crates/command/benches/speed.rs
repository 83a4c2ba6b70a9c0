//! How long a judgement takes: everyday commands, and the nastiest that the
//! guard lets pass. `cargo bench -p tollgate-command`.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use tollgate_command::{Setting, judge};

fn main() {
    let setting = Setting::default();
    let everyday = [
        "ls -la src",
        "git status",
        "git commit -m 'fix the thing'",
        "cargo test --workspace",
        "grep -rn 'fn main' src | head -20",
        "cat Cargo.toml && wc -l src/*.rs",
        "docker ps -a --format '{{.Names}}'",
        "find . -name '*.rs' -not -path './target/*'",
        "npm run build",
        "rm -rf build",
    ];
    let nasty = [
        (
            "deep",
            format!("{}true{}", "( ".repeat(12), " )".repeat(12)),
        ),
        ("unclosed", "(".repeat(12)),
        (
            "nested code",
            "bash -c \"sh -c 'env timeout 5 nice sudo rm -rf x'\"".to_owned(),
        ),
        ("200 segments", "echo a b c;".repeat(200)),
        ("long word", "a".repeat(16_000)),
        ("long quote", format!("echo '{}'", "a ".repeat(8_000))),
        ("substitutions", format!("echo {}", "$(a) ".repeat(150))),
        ("backticks", format!("echo {}", "`a` ".repeat(150))),
        ("braces", "echo {1..16}{a..p}".to_owned()),
        ("many flags", format!("tar {}", "-x ".repeat(1_000))),
    ];
    for text in everyday {
        println!("{:8.1} µs  {text}", measure(text, &setting));
    }
    for (name, text) in &nasty {
        println!(
            "{:8.1} µs  {name} ({} bytes)",
            measure(text, &setting),
            text.len()
        );
    }
}

/// The median of many, in microseconds.
fn measure(text: &str, setting: &Setting) -> f64 {
    let mut times: Vec<f64> = (0..400)
        .map(|_| {
            let start = Instant::now();
            black_box(judge(black_box(text), setting));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
