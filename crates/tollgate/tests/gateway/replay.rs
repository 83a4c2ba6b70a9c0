//! The rules in force as operators see them, and what other rules would have
//! said.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tollgate_testkit::Request;

use crate::house::{KEY, control};
use crate::policy::{BOT, MODELS, Ruled};

const STRICTER: &str = r#"
rule(verdict = "deny", reason = "no demo", tool = "model", where = {"args.model": "demo", "args.provider": None, "context.agent_id": "ci-bot"})
rule(verdict = "deny", reason = "not there", tool = "web", where = {"context.domain": "good.example"})

def evaluate(tool, args, context):
    if tool == "shell" and "rm" in args["command"]:
        return "deny"
    return "allow"
"#;

async fn replayed(ruled: &Ruled, more: &[&str]) -> Value {
    let file = ruled.home().join("stricter.star");
    let command = [
        &["policy", "replay", file.to_str().unwrap(), "--json"],
        more,
    ]
    .concat();
    let done = ruled.gateway.command(&command).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    done.json()
}

#[tokio::test]
async fn other_rules_are_tried_on_the_calls_of_the_past() {
    let files = [("models.star", MODELS), ("stricter.star", STRICTER)];
    let ruled = Ruled::open(&files, "files = [\"models.star\"]").await;
    for _ in 0..2 {
        assert_eq!(ruled.chat("demo", BOT).await.status(), 200);
    }
    assert_eq!(ruled.chat("demo", KEY).await.status(), 200);
    // Denied now, allowed then.
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 403);
    // Never came to the rules.
    assert_eq!(ruled.chat("no-such-model", BOT).await.status(), 404);
    for (tool, args) in [
        ("web", json!({"host": "good.example"})),
        ("web", json!({"host": "other.example"})),
        ("shell", json!({"command": "rm -rf /"})),
    ] {
        ruled
            .evaluate(BOT, json!({"tool": tool, "args": args}))
            .await;
    }

    let report = replayed(&ruled, &[]).await;
    assert_eq!(
        [
            &report["judged"],
            &report["same"],
            &report["differ"],
            &report["unknown"]
        ],
        [7, 2, 4, 1],
        "{report}"
    );
    let rows: Vec<_> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let words = [
                "agent",
                "tool",
                "what",
                "was",
                "was_rule",
                "would",
                "would_rule",
            ];
            let words = words.map(|key| it[key].as_str().unwrap());
            format!("{} {}", it["count"], words.join(" "))
        })
        .collect();
    assert_eq!(
        rows,
        [
            "2 ci-bot model demo allow models.star:19 deny stricter.star:2",
            "1 ci-bot model opus-large deny models.star:2 allow stricter.star:8",
            "1 ci-bot web good.example allow models.star:19 deny stricter.star:3",
        ]
    );
    assert_eq!(report["in_part"], 3, "{report}");
    assert_eq!(report["differences"][2]["without"], json!(["host"]));
    // A reader's word, and a moment after all of it.
    let told = ruled.gateway.command(&["policy", "replay"]).await;
    assert!(
        told.stdout
            .contains("7 calls judged again, 6 would be decided as before")
            || told.stdout.contains("7 calls judged again, 7 would"),
        "{told:?}"
    );
    let none = replayed(&ruled, &["--since", "2100-01-01"]).await;
    assert_eq!([&none["judged"], &none["skipped"]], [0, 0]);
    let bad = ruled
        .gateway
        .command(&["policy", "replay", "--since", "soon"])
        .await;
    assert_eq!(bad.code, Some(2), "{bad:?}");
}

#[tokio::test]
async fn status_and_greeting_show_the_rules() {
    let ruled = Ruled::with(MODELS).await;
    let status = control(&ruled.gateway, "/control/status").await;
    assert_eq!(
        status["policy"]["files"][0],
        json!({"file": "models.star", "rules": 1, "examples": 1})
    );
    assert_eq!(status["policy"]["version"].as_str().unwrap().len(), 12);
    let version = status["policy"]["version"].as_str().unwrap();
    let line = format!("policy     models.star, version {version}");
    let told = ruled.gateway.command(&["status"]).await.stdout;
    assert!(told.contains(&line), "{told}");
    assert!(
        ruled.gateway.stdout().contains(&line),
        "{}",
        ruled.gateway.stdout()
    );

    std::fs::write(ruled.home().join("models.star"), "x = 1\n").unwrap();
    ruled.gateway.wait_for_output("defines no `evaluate`").await;
    let told = ruled.gateway.command(&["status"]).await.stdout;
    assert!(
        told.contains(&line) && told.contains("models.star: defines no `evaluate`"),
        "{told}"
    );
}

#[tokio::test]
async fn status_and_greeting_say_that_nothing_ever_loaded() {
    let ruled = Ruled::with("x = 1\n").await;
    let line = "policy     never loaded: everything is denied";
    for told in [
        ruled.gateway.stdout(),
        ruled.gateway.command(&["status"]).await.stdout,
    ] {
        assert!(
            told.contains(line) && told.contains("models.star: defines no `evaluate`"),
            "{told}"
        );
    }
    std::fs::write(ruled.home().join("models.star"), MODELS).unwrap();
    ruled.reloaded(2).await;
    let told = ruled.gateway.command(&["status"]).await.stdout;
    assert!(
        told.contains("policy     models.star, version ") && !told.contains("not in force"),
        "{told}"
    );
}

/// Loading starts a process, reads files and proves examples; none of it may
/// hold up a request, and none may be judged by half of anything.
#[tokio::test]
async fn requests_go_on_while_rules_are_reloaded() {
    let slow = "x = [i for i in range(150000)]\ndef evaluate(tool, args, context):\n    return \"allow\"\n";
    let files = [("models.star", slow)];
    let ruled = Ruled::open(&files, "files = [\"models.star\"]\nisolation = \"process\"").await;
    let token = ruled.gateway.operator_token();
    let over = AtomicBool::new(false);
    let reloads = async {
        for _ in 0..10 {
            let request = Request::post("/control/reload", &json!({})).key(&token);
            let answer = ruled.gateway.client().send(&request).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        }
        over.store(true, Ordering::Relaxed);
    };
    let requests = async {
        let mut served = 0;
        while !over.load(Ordering::Relaxed) {
            let answer = ruled.chat("demo", BOT).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
            served += 1;
        }
        served
    };
    let ((), served) = tokio::join!(reloads, requests);
    assert!(served >= 10, "only {served} requests were served meanwhile");
}
