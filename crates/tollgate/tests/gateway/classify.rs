//! `POST /classify`, and the children that read wild commands.

use serde_json::{Value, json};
use tollgate_testkit::{Request, within};

use crate::policy::{BOT, Ruled};

const ALLOW: &str = "def evaluate(tool, args, context):\n    return \"allow\"\n";

async fn asked(ruled: &Ruled, body: Value) -> Value {
    let answer = ruled.post("/classify", BOT, &body).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn an_agent_asks_how_risky_a_command_is() {
    let ruled = Ruled::with(ALLOW).await;
    let said = asked(&ruled, json!({"id": 7, "command": "git status"})).await;
    assert_eq!(
        said,
        json!({"id": 7, "tier": "SAFE", "known": "known", "reason": "only reads or prints", "rules": []})
    );
    let said = asked(&ruled, json!({"command": "rm -rf ../..", "cwd": "/etc/x"})).await;
    assert_eq!(said["tier"], "CRITICAL");
    let said = asked(&ruled, json!({"command": "ls", "action": "deploy"})).await;
    assert_eq!(said["tier"], "HIGH");
    let said = asked(&ruled, json!({"command": "", "agentId": "somebody-else"})).await;
    assert_eq!(said["tier"], "SAFE");
    let crisis = json!({"command": "I want to end my life", "kind": "message"});
    let said = asked(&ruled, crisis).await;
    assert_eq!(
        (&said["tier"], &said["status"]),
        (&json!("CRITICAL"), &json!("crisis"))
    );
}

/// The guard's own files are known by where this gateway keeps them.
#[tokio::test]
async fn the_gateways_own_files_are_guarded() {
    let ruled = Ruled::with(ALLOW).await;
    let home = ruled.home().display();
    let said = asked(&ruled, json!({"command": format!("rm {home}/ledger.db")})).await;
    assert_eq!(said["tier"], "CRITICAL", "{said}");
}

/// Text with many brackets is read by a child; what the child can't be asked in
/// time is opaque, and the gateway goes on.
#[tokio::test]
async fn a_wild_command_is_read_by_a_child() {
    let ruled = Ruled::with(ALLOW).await;
    let wild = format!("rm -rf / {}", "; echo ${x}".repeat(100));
    within("a child that reads", async {
        while asked(&ruled, json!({"command": wild})).await["tier"] != "CRITICAL" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for bomb in [
        "{ ".repeat(3000),
        "(".repeat(26),
        "x[".repeat(8000),
        "{a,b}".repeat(3000),
    ] {
        let said = asked(&ruled, json!({"command": bomb})).await;
        assert_eq!(said["known"], "opaque");
        assert_ne!(said["tier"], "SAFE");
    }
    assert_eq!(
        asked(&ruled, json!({"command": "ls"})).await["tier"],
        "SAFE"
    );
}

#[tokio::test]
async fn what_is_no_question_is_refused_and_never_called_harmless() {
    let ruled = Ruled::with(ALLOW).await;
    for (body, status) in [
        ("", 400),
        ("[]", 400),
        ("{}", 400),
        ("{\"command\":7}", 400),
        ("{\"command\":\"ls\",\"kind\":\"poem\"}", 400),
    ] {
        let request = Request::post("/classify", &json!({})).key(BOT);
        let answer = ruled
            .gateway
            .client()
            .send(&request.body(body.to_owned()))
            .await;
        assert_eq!(answer.status(), status, "{body}");
        let said = answer.json();
        assert_eq!(
            (&said["tier"], &said["known"]),
            (&json!("MEDIUM"), &json!("opaque"))
        );
    }
    let long = json!({"command": "a".repeat(300_000)});
    assert_eq!(ruled.post("/classify", BOT, &long).await.status(), 400);
    let long = json!({"command": "a".repeat(100_000)});
    assert_eq!(asked(&ruled, long).await["known"], "opaque");
    let nobody = ruled
        .post("/classify", "tg-00000000-nobody", &json!({"command": "ls"}))
        .await;
    assert_eq!(
        (nobody.status(), &nobody.json()["tier"]),
        (401, &json!("MEDIUM"))
    );
    let get = Request::get("/classify").key(BOT);
    assert_eq!(ruled.gateway.client().send(&get).await.status(), 405);
}

#[tokio::test]
async fn an_agent_that_asks_too_much_has_to_wait() {
    let ruled = Ruled::with(ALLOW).await;
    let refused = within("a refusal", async {
        loop {
            let answer = ruled
                .post("/classify", BOT, &json!({"command": "ls"}))
                .await;
            if answer.status() == 429 {
                break answer;
            }
        }
    })
    .await;
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.json()["tier"], "MEDIUM");
}
