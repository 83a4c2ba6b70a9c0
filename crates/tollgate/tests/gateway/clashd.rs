//! What clashd's clients and files find here.

use serde_json::{Value, json};
use tollgate_testkit::Request;

use crate::house::{KEY, control};
use crate::policy::{BOT, MODELS, Ruled};

const LISTS: &str = "files = [\"models.star\"]\nagents = \"agents.json\"\n\
    domain_lists = [{ name = \"feed\", file = \"feed.txt\" }]\n";

async fn listed() -> Ruled {
    let agents = json!({"agents": [{
        "agent_id": "tester",
        "allowed_domains": ["good.example"],
        "denied_domains": ["bad.example"],
        "domain_list_sources": [
            {"name": "own", "url": "file://own.txt"},
            {"name": "feed", "url": "https://lists.example/feed.txt", "refresh_secs": 3600},
        ],
    }]});
    let files = [
        ("models.star", MODELS),
        ("agents.json", &agents.to_string()),
        (
            "feed.txt",
            "0.0.0.0 ads.example\n~^cdn[0-9]+[.]x[.]io$\nhttps://trk.example/x\n",
        ),
        ("own.txt", "ads.example\n"),
    ];
    Ruled::open(&files, LISTS).await
}

impl Ruled {
    async fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let request = Request::get(path).key(key);
        let answer = self.gateway.client().send(&request).await;
        (answer.status(), answer.json())
    }
}

#[tokio::test]
async fn domain_lists_can_be_looked_at() {
    let ruled = listed().await;
    let feed = json!({"name": "feed", "entries": 3});
    let own = json!({"name": "own", "entries": 1});
    let summary = async |key| ruled.get("/domains/summary", key).await.1;
    assert_eq!(summary(KEY).await, json!({"domain_lists": [feed, own]}));
    assert_eq!(summary(BOT).await, json!({"domain_lists": [feed]}));
}

#[tokio::test]
async fn a_domain_is_looked_up_and_not_only_counted() {
    let ruled = listed().await;
    let check = async |key, domain: &str| {
        let (status, said) = ruled.get(&format!("/domains/check/{domain}"), key).await;
        assert_eq!(status, 200, "{said}");
        said
    };
    assert_eq!(
        check(KEY, "X.ADS.example.").await,
        json!({"domain": "x.ads.example", "listed": true, "domain_lists": ["feed", "own"],
            "agent_allowed": false, "agent_denied": false})
    );
    assert_eq!(check(KEY, "evil-ads.example").await["listed"], false);
    assert_eq!(check(KEY, "a.bad.example").await["agent_denied"], true);
    assert_eq!(check(KEY, "good.example").await["agent_allowed"], true);
    assert_eq!(
        check(BOT, "cdn7.x.io").await["domain_lists"],
        json!(["feed"])
    );
    assert_eq!(check(BOT, "trk.example").await["listed"], true);
    assert_eq!(check(BOT, "x.io").await["agent_allowed"], Value::Null);
    assert_eq!(
        check(BOT, "b%C3%BCcher.example").await["domain"],
        "xn--bcher-kva.example"
    );

    for (path, key, status) in [
        ("/domains/check/not%20a%20host", BOT, 400),
        ("/domains/check/", BOT, 400),
        ("/domains/other", BOT, 400),
        ("/domains/summary", "tg-00000000-nobody", 401),
    ] {
        let (found, said) = ruled.get(path, key).await;
        assert_eq!(found, status, "{path}: {said}");
        assert!(said["error"].is_string(), "{said}");
    }
    let answer = ruled.post("/domains/summary", BOT, &json!({})).await;
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn what_zeroclaw_tells_is_written_down_and_nothing_is_judged() {
    let ruled = Ruled::with(MODELS).await;
    let told = json!({"event": "tool_call", "tool": "shell",
        "args": {"command": "curl -H 'authorization: hunter2-secret'"}, "agent_id": "ci-bot"});
    let answer = ruled.post("/hooks/zeroclaw-audit", BOT, &told).await;
    assert_eq!(
        (answer.status(), answer.json()),
        (200, json!({"status": "ok"}))
    );
    let written = control(&ruled.gateway, "/control/audit?newest=5").await;
    let event = written.as_array().unwrap().iter().map(|it| &it["event"]);
    let event = event.clone().find(|it| it["kind"] == "hook.audit").unwrap();
    assert_eq!(event["facts"]["tool"], "shell");
    assert_eq!(event["facts"]["agent_id"], "ci-bot");
    assert_eq!(event["facts"]["sha256"].as_str().unwrap().len(), 64);
    assert!(!written.to_string().contains("hunter2"), "{written}");

    // Without a tool it is told all the same; another's name is not taken.
    let answer = ruled
        .post("/hooks/zeroclaw-audit", BOT, &json!({"x": 1}))
        .await;
    assert_eq!(answer.status(), 200);
    let forged = json!({"event": "x", "agent_id": "tester"});
    let answer = ruled.post("/hooks/zeroclaw-audit", BOT, &forged).await;
    assert_eq!(answer.status(), 403);
    let written = control(&ruled.gateway, "/control/audit?newest=1").await;
    assert_eq!(written[0]["event"]["kind"], "identity.forged");
    assert_eq!(written[0]["event"]["facts"]["claimed"], "tester");
    let answer = ruled
        .post("/hooks/zeroclaw-audit", "tg-00000000-nobody", &told)
        .await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn somebody_who_looks_here_reads_what_this_is() {
    let ruled = Ruled::with(MODELS).await;
    let answer = ruled.gateway.client().send(&Request::get("/")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(answer.text().starts_with("tollgate: "), "{}", answer.text());
    let health = ruled.gateway.client().send(&Request::get("/health")).await;
    assert_eq!(health.json(), json!({"status": "ok"}));
}

#[tokio::test]
async fn a_bad_list_is_refused_by_its_name_and_a_list_on_the_network_is_not_fetched() {
    let ruled = listed().await;
    let check = async || ruled.gateway.command(&["config", "check"]).await.stdout;
    let home = ruled.home();
    std::fs::write(home.join("feed.txt"), "ok.example\n~(a{1000}){1000}\n").unwrap();
    let said = check().await;
    assert!(
        said.contains("domain list \"feed\"") && said.contains("line 2"),
        "{said}"
    );
    ruled.gateway.wait_for_output("~(a{1000}){1000}").await;
    let (_, still) = ruled.get("/domains/check/ads.example", BOT).await;
    assert_eq!(still["listed"], true, "the last good one holds");

    std::fs::write(home.join("feed.txt"), "ok.example\n").unwrap();
    let agents = json!({"agents": [{"agent_id": "tester",
        "domain_list_sources": [{"name": "far", "url": "https://lists.example/far.txt"}]}]});
    std::fs::write(home.join("agents.json"), agents.to_string()).unwrap();
    let said = check().await;
    assert!(
        said.contains("domain list \"far\" is on the network"),
        "{said}"
    );
}

#[tokio::test]
async fn facts_of_the_operators_own_are_in_the_context() {
    let text = "def evaluate(tool, args, context):\n    return {\"verdict\": \"allow\", \
        \"reason\": context.get(\"team\", \"-\") + \" \" + context.get(\"stage\", \"-\")}\n";
    let policy = "files = [\"models.star\"]\ncontext = { team = \"infra\", stage = \"live\" }\n\
        [agents.other]\ncontext = { team = \"web\" }\nkeys = [\"tg-07e407e4-Lm5Qv8Sx2Bn6Zc9Wd3Rf7Tg1Yh4Uj0Ik5Ol8Pa2Es6D\"]\n";
    let ruled = Ruled::open(&[("models.star", text)], policy).await;
    let said = async |key: &str| {
        ruled
            .evaluate(key, json!({"tool": "x", "context": {"team": "root"}}))
            .await
            .1
    };
    assert_eq!(
        said(BOT).await["reason"],
        "infra live",
        "a claim is no fact"
    );
    let other = "tg-07e407e4-Lm5Qv8Sx2Bn6Zc9Wd3Rf7Tg1Yh4Uj0Ik5Ol8Pa2Es6D";
    assert_eq!(said(other).await["reason"], "web live");
}
