//! What one evaluation costs: `cargo bench -p tollgate-policy`.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::hint::black_box;
use std::time::Instant;

use tollgate_policy::{Engine, Facts};

const ROUNDS: u32 = 200_000;

fn main() {
    let model = r#"{"tool":"model","args":{"model":"gpt-4o","asked":"fast","provider":"openai","endpoint":"/v1/chat/completions","stream":true,"max_output":4096},"context":{"agent_id":"ci-bot","plane":"model","time":1795132800}}"#;
    let facts = Facts::from_json(model.as_bytes()).expect("facts");
    let evaluate = "def evaluate(tool, args, context):\n";
    let rules: String = (0..200)
        .map(|n| format!("rule(verdict = \"deny\", reason = \"no\", tool = \"model\", where = {{\"args.model\": \"opus-{n}-*\", \"context.agent_id\": \"ci-*\"}})\n"))
        .collect();
    let ifs: String = (0..200)
        .map(|n| format!("    if tool == \"exec\" and args[\"program\"] == \"p{n}\":\n        return \"deny\"\n"))
        .collect();
    let conditions: String = (0..20)
        .map(|n| format!("rule(verdict = \"deny\", tool = \"model\", when = lambda tool, args, context: args[\"model\"] == \"m{n}\")\n"))
        .collect();
    let table: String = (0..200).map(|n| format!("\"m{n}\", ")).collect();
    let cases = [
        ("default.star", Engine::shipped("default").expect("shipped")),
        (
            "one return",
            load(&format!("{evaluate}    return \"allow\"\n")),
        ),
        (
            "200 rule(…)s, none matches",
            load(&format!("{rules}{evaluate}    return \"allow\"\n")),
        ),
        (
            "200 ifs in evaluate",
            load(&format!("{evaluate}{ifs}    return \"allow\"\n")),
        ),
        (
            "200 names in a list",
            load(&format!(
                "BAD = [{table}]\n{evaluate}    return \"deny\" if args[\"model\"] in BAD else \"allow\"\n"
            )),
        ),
        (
            "20 rules with `when`",
            load(&format!("{conditions}{evaluate}    return \"allow\"\n")),
        ),
        (
            "a rule matches, no Starlark",
            load(&format!(
                "rule(verdict = \"deny\", tool = \"model\")\n{evaluate}    return \"allow\"\n"
            )),
        ),
    ];
    for (name, engine) in cases {
        for _ in 0..ROUNDS / 10 {
            black_box(engine.decide(black_box(&facts)));
        }
        let began = Instant::now();
        for _ in 0..ROUNDS {
            black_box(engine.decide(black_box(&facts)));
        }
        let each = began.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{name:32} {:>6.2} µs", each as f64 / 1000.0);
    }
}

fn load(text: &str) -> Engine {
    let files = [("speed.star".to_owned(), text.to_owned())];
    Engine::load(&files, &mut |_| Err("none".to_owned())).expect("a policy")
}
