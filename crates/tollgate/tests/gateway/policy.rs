//! Rules over HTTP: the model plane, the hooks, reload and what goes wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tollgate_testkit::{Answer, Gateway, Request, within};

use crate::house::{KEY, control, program};

pub(crate) const BOT: &str = "tg-b07b07b0-Zr4Lw8Xc2VbNm6QaSd9FgHjKl3PoIuYtRe5Tq7WzXv1";
pub(crate) const HOOK: &str = "tg-40040040-Qm2Wn4Eb6Rv8Tc1Yx3Uz5Ia7Os9Pd0Lf8Kg6Jh4Gj2H";

pub(crate) const MODELS: &str = r#"
rule(
    verdict = "deny",
    reason = "reserved for release agents",
    tool = "model",
    where = {"args.model": "opus-*", "context.agent_id": "ci-*"},
    match = [{"args": {"model": "opus-large"}, "context": {"agent_id": "ci-bot"}}],
)

def evaluate(tool, args, context):
    if tool == "exec":
        return "review"
    if tool == "web" and domain_matches(context["domain"], context["agent_denied_domains"]):
        return {"verdict": "deny", "reason": "denied domain"}
    if tool == "who":
        return {"verdict": "allow", "reason": context["agent_id"] + " " + str(sorted(context["claims"].keys()))}
    if tool == "lists":
        return {"verdict": "allow", "reason": " ".join(context["domain_lists"])}
    return "allow"
"#;

/// The demo model behind these rules; `ci-bot` may use everything, and `hook`
/// may speak for it.
pub(crate) struct Ruled {
    pub(crate) gateway: Gateway,
    _home: tempfile::TempDir,
}

fn configuration(more: &str) -> String {
    format!(
        r#"[server]
bind = "127.0.0.1:0"
[[model_shortcuts]]
alias = "opus-large"
model = "demo"
[agents.ci-bot]
keys = ["{BOT}"]
denied_domains = ["bad.example"]
[agents.hook]
keys = ["{HOOK}"]
may_act_for = ["ci-bot"]
[agents.tester]
keys = ["{KEY}"]
[policy]
{more}
"#
    )
}

impl Ruled {
    pub(crate) async fn open(files: &[(&str, &str)], policy: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(home.path().join(name), text).unwrap();
        }
        let builder = Gateway::builder(program()).home(home.path());
        let gateway = builder.config(configuration(policy)).start().await;
        Self {
            gateway,
            _home: home,
        }
    }

    pub(crate) async fn with(text: &str) -> Self {
        Self::open(&[("models.star", text)], "files = [\"models.star\"]").await
    }

    pub(crate) fn home(&self) -> &Path {
        self.gateway.home()
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = Request::post(path, body).key(key);
        self.gateway.client().send(&request).await
    }

    pub(crate) async fn chat(&self, model: &str, key: &str) -> Answer {
        let request = Request::chat(model, "hi").key(key);
        self.gateway.client().send(&request).await
    }

    pub(crate) async fn evaluate(&self, key: &str, body: Value) -> (u16, Value) {
        let answer = self.post("/evaluate", key, &body).await;
        (answer.status(), answer.json())
    }

    pub(crate) async fn reloaded(&self, version: u64) {
        within("the reload", async {
            while control(&self.gateway, "/control/status").await["config_version"] != version {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_model_is_denied_to_one_agent_and_everybody_sees_the_line() {
    let ruled = Ruled::with(MODELS).await;
    let answer = ruled.chat("opus-large", BOT).await;
    assert_eq!(answer.status(), 403, "{}", answer.text());
    assert_eq!(answer.header("x-tollgate-reason"), Some("policy_denied"));
    assert_eq!(
        answer.json()["error"]["message"],
        "model \"opus-large\" is denied for agent \"ci-bot\" by rule \"models.star:2\": reserved for release agents"
    );
    let id = answer.header("x-tollgate-request-id").unwrap();
    let story = control(&ruled.gateway, &format!("/control/requests/{id}")).await;
    assert_eq!(story["rule"], "models.star:2");
    assert_eq!(story["policy_version"].as_str().unwrap().len(), 12);
    let why = ruled.gateway.command(&["why", id]).await;
    assert!(why.stdout.contains("models.star:2"), "{}", why.stdout);
    assert!(
        why.stdout.contains("reserved for release agents"),
        "{}",
        why.stdout
    );

    let answer = ruled.chat("demo", BOT).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let id = answer.header("x-tollgate-request-id").unwrap();
    let story = control(&ruled.gateway, &format!("/control/requests/{id}")).await;
    assert_eq!(story["rule"], "models.star:19");
    assert_eq!(ruled.chat("opus-large", KEY).await.status(), 200);
}

#[tokio::test]
async fn denied_models_are_not_listed_and_anthropic_gets_its_shape() {
    let ruled = Ruled::with(MODELS).await;
    let list = async |key: &str| {
        let request = Request::get("/v1/models").key(key);
        ruled.gateway.client().send(&request).await.text()
    };
    assert!(list(KEY).await.contains("opus-large"));
    assert!(!list(BOT).await.contains("opus-large"));
    let one = Request::get("/v1/models/opus-large").key(BOT);
    assert_eq!(ruled.gateway.client().send(&one).await.status(), 403);
    let message = Request::message("opus-large", "hi").key(BOT);
    let answer = ruled.gateway.client().send(&message).await;
    assert_eq!(
        (answer.status(), &answer.json()["error"]["type"]),
        (403, &json!("permission_error"))
    );
}

#[tokio::test]
async fn a_candidate_behind_an_alias_is_judged_too() {
    let text = "rule(verdict = \"deny\", where = {\"args.provider\": \"demo\"})\ndef evaluate(tool, args, context):\n    return \"allow\"\n";
    let ruled = Ruled::with(text).await;
    let answer = ruled.chat("opus-large", BOT).await;
    assert_eq!(answer.status(), 403);
    assert!(
        answer.text().contains("model \\\"demo/demo\\\" is denied"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn observe_allows_and_writes_down_what_it_would_have_said() {
    let observe = "def evaluate(tool, args, context):\n    return {\"verdict\": \"allow\", \"reason\": \"observed: would be deny: no\"}\n";
    let ruled = Ruled::with(observe).await;
    let answer = ruled.chat("demo", BOT).await;
    assert_eq!(answer.status(), 200);
    let id = answer.header("x-tollgate-request-id").unwrap();
    let why = ruled.gateway.command(&["why", id]).await;
    assert!(
        why.stdout.contains("observed: would be deny: no"),
        "{}",
        why.stdout
    );
}

#[tokio::test]
async fn clashd_calls_are_answered() {
    let ruled = Ruled::with(MODELS).await;
    let (status, said) = ruled
        .evaluate(BOT, json!({"tool": "exec", "args": {"command": "ls"}}))
        .await;
    assert_eq!((status, &said["verdict"]), (200, &json!("review")));
    assert_eq!(said["rule"], "models.star:12");
    for (url, verdict) in [
        ("https://api.bad.example/x", "deny"),
        ("https://evil-bad.example/", "allow"),
        ("https://BAD.example./", "deny"),
    ] {
        let (_, said) = ruled
            .evaluate(BOT, json!({"tool": "web", "args": {"url": url}}))
            .await;
        assert_eq!(said["verdict"], verdict, "{url} {said}");
    }
    // Everything but the tool may be left out.
    let (status, said) = ruled.evaluate(BOT, json!({"tool": "read"})).await;
    assert_eq!((status, &said["verdict"]), (200, &json!("allow")));
    for bad in [
        "",
        "[]",
        "{",
        "{\"args\":{}}",
        "{\"tool\":7}",
        "{\"tool\":\"a\",\"tool\":\"b\"}",
    ] {
        let request = Request::post("/evaluate", &json!({}))
            .key(BOT)
            .body(bad.to_owned());
        let answer = ruled.gateway.client().send(&request).await;
        assert_eq!(
            (answer.status(), &answer.json()["verdict"]),
            (400, &json!("deny")),
            "{bad}"
        );
    }
    let answer = ruled
        .gateway
        .client()
        .send(&Request::get("/evaluate").key(BOT))
        .await;
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn claude_code_hooks_are_answered_and_never_fail_open() {
    let ruled = Ruled::with(MODELS).await;
    let hook = async |key: &str, body: Value| {
        let answer = ruled.post("/hooks/claude-code", key, &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let said = answer.json()["hookSpecificOutput"].clone();
        assert_eq!(said["hookEventName"], "PreToolUse");
        said
    };
    let call = |tool: &str| json!({"tool_name": tool, "tool_input": {"command": "ls"}, "cwd": "/", "session_id": "s"});
    assert_eq!(hook(BOT, call("exec")).await["permissionDecision"], "ask");
    assert_eq!(hook(BOT, call("Read")).await["permissionDecision"], "allow");
    let denied = hook(
        BOT,
        json!({"tool_name": "web", "tool_input": {"url": "http://bad.example"}}),
    )
    .await;
    assert_eq!(denied["permissionDecision"], "deny");
    assert_eq!(
        denied["permissionDecisionReason"],
        "denied domain (models.star:14)"
    );
    assert_eq!(
        hook("tg-00000000-nobody", call("Read")).await["permissionDecision"],
        "deny"
    );
    assert_eq!(
        hook(BOT, json!({"tool_input": {}})).await["permissionDecision"],
        "deny"
    );
}

#[tokio::test]
async fn who_asks_is_known_from_the_credential_and_from_nothing_else() {
    let ruled = Ruled::with(MODELS).await;
    let (status, said) = ruled
        .evaluate("tg-00000000-nobody", json!({"tool": "read"}))
        .await;
    assert_eq!((status, &said["verdict"]), (401, &json!("deny")));
    let without = ruled
        .gateway
        .client()
        .send(&Request::post("/evaluate", &json!({"tool": "read"})))
        .await;
    assert_eq!(without.status(), 401);

    let forged = [
        json!({"tool": "who", "context": {"agent_id": "tester"}}),
        json!({"tool": "who", "context": {"identity": "tester"}}),
        json!({"tool": "who", "context": {"identity": {"agent": "tester"}}}),
        json!({"tool": "who", "agent_id": "tester"}),
        json!({"tool": "who", "context": {"agent_id": "ci-bot"}, "identity": ["ci-bot", "root"]}),
    ];
    for body in forged {
        let (status, said) = ruled.evaluate(BOT, body.clone()).await;
        assert_eq!((status, &said["verdict"]), (403, &json!("deny")), "{body}");
        assert!(
            said["reason"]
                .as_str()
                .unwrap()
                .contains("the credential is agent \"ci-bot\""),
            "{said}"
        );
    }
    // It may say its own name, and what else it says is a claim.
    let (_, said) = ruled
        .evaluate(BOT, json!({"tool": "who", "context": {"agent_id": "ci-bot", "tier": "SAFE", "plane": "model"}}))
        .await;
    assert_eq!(said["reason"], "ci-bot [\"agent_id\", \"plane\", \"tier\"]");
    // A hook with `may_act_for` speaks for others, but not for everybody.
    let (_, said) = ruled
        .evaluate(
            HOOK,
            json!({"tool": "who", "context": {"agent_id": "ci-bot"}}),
        )
        .await;
    assert!(
        said["reason"].as_str().unwrap().starts_with("ci-bot "),
        "{said}"
    );
    let (status, _) = ruled
        .evaluate(
            HOOK,
            json!({"tool": "who", "context": {"agent_id": "tester"}}),
        )
        .await;
    assert_eq!(status, 403);
    let (_, said) = ruled
        .evaluate(HOOK, json!({"tool": "web", "args": {"host": "bad.example"}, "context": {"agent_id": "ci-bot"}}))
        .await;
    assert_eq!(
        said["verdict"], "deny",
        "the domains are those of the agent that is spoken for"
    );
}

#[tokio::test]
async fn a_hook_that_runs_wild_is_slowed_down() {
    let ruled = Ruled::with(MODELS).await;
    let mut slowed = None;
    for _ in 0..2_000 {
        let answer = ruled.post("/evaluate", BOT, &json!({"tool": "read"})).await;
        if answer.status() == 429 {
            slowed = Some(answer);
            break;
        }
    }
    let slowed = slowed.expect("a limit");
    assert!(slowed.header("retry-after").is_some());
    assert_eq!(slowed.json()["verdict"], "deny");
    let (status, _) = ruled.evaluate(KEY, json!({"tool": "read"})).await;
    assert_eq!(status, 200, "others are not touched");
}

#[tokio::test]
async fn a_changed_file_is_in_force_and_a_bad_one_is_not() {
    let ruled = Ruled::with(MODELS).await;
    let file = ruled.home().join("models.star");
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 403);
    std::fs::write(
        &file,
        MODELS
            .replace("opus-", "other-")
            .replace("other-large", "other-x"),
    )
    .unwrap();
    ruled.reloaded(2).await;
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 200);

    std::fs::write(
        ruled.home().join("round.star"),
        "load(\"models.star\", \"evaluate\")\n",
    )
    .unwrap();
    let bad: [(&[u8], &str); 8] = [
        (b"load(\"round.star\", \"evaluate\")\n", "load goes round in a circle"),
        (b"load(\"gone.star\", \"evaluate\")\n", "models.star:1: load of `gone.star`: can't be read"),
        (b"for i in range(1 << 30):\n    pass\ndef evaluate(tool, args, context):\n    return \"allow\"\n", "ticks"),
        (b"x = \"a\" * 2000000000\ndef evaluate(tool, args, context):\n    return \"allow\"\n", "`*` would build"),
        (b"def evaluate(tool, args, context):\n    return allow\n", "models.star:2: Variable `allow` not found"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"x = 1\n", "defines no `evaluate`"),
        (b"x = []\nfor i in range(150000):\n    x = [x]\ndef evaluate(tool, args, context):\n    return \"allow\"\n", "the process that loads it failed"),
    ];
    for (bytes, said) in bad {
        std::fs::write(&file, bytes).unwrap();
        ruled.gateway.wait_for_output(said).await;
        assert_eq!(
            ruled.chat("demo", BOT).await.status(),
            200,
            "the last good one holds"
        );
    }
    std::fs::remove_file(&file).unwrap();
    ruled.gateway.wait_for_output("can't be read").await;
    assert_eq!(ruled.chat("demo", BOT).await.status(), 200);
    std::fs::write(&file, MODELS).unwrap();
    ruled.reloaded(3).await;
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 403);
}

#[tokio::test]
async fn a_loaded_file_is_watched_too() {
    let policy = "load(\"lists.star\", \"BAD\")\ndef evaluate(tool, args, context):\n    return \"deny\" if args.get(\"model\") in BAD else \"allow\"\n";
    let files = [
        ("models.star", policy),
        ("lists.star", "BAD = [\"opus-large\"]\n"),
    ];
    let ruled = Ruled::open(&files, "files = [\"models.star\"]").await;
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 403);
    std::fs::write(ruled.home().join("lists.star"), "BAD = []\n").unwrap();
    within("the reload", async {
        while ruled.chat("opus-large", BOT).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn files_that_never_loaded_deny_everything() {
    let ruled = Ruled::with("def evaluate(tool, args):\n    return \"allow\"\n").await;
    let answer = ruled.chat("demo", BOT).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().contains("never loaded"), "{}", answer.text());
    let (_, said) = ruled.evaluate(BOT, json!({"tool": "Read"})).await;
    assert_eq!(said["verdict"], "deny");
    // Mended, it comes into force without a restart.
    std::fs::write(ruled.home().join("models.star"), MODELS).unwrap();
    ruled.reloaded(2).await;
    assert_eq!(ruled.chat("demo", BOT).await.status(), 200);
}

/// Each of these takes a thread with it or the whole process; none may be
/// noticed by anybody but its caller.
#[tokio::test]
async fn rules_that_do_not_end_deny_in_time_and_the_gateway_lives() {
    let text = r#"
def evaluate(tool, args, context):
    if tool == "endless":
        for i in range(1 << 30):
            pass
    if tool == "deep":
        x = []
        for i in range(150000):
            x = [x]
        return {"verdict": "deny", "reason": str(x)}
    if tool == "giant":
        x = "a"
        for i in range(40):
            x += x
    if tool == "wide":
        x = "a" * 1000000
        return {"verdict": "allow", "reason": x.replace("a", x)}
    return "allow"
"#;
    let ruled = Ruled::with(text).await;
    for tool in ["endless", "deep", "giant", "wide"] {
        let began = Instant::now();
        let (status, said) = ruled.evaluate(BOT, json!({"tool": tool})).await;
        assert_eq!(
            (status, &said["verdict"]),
            (200, &json!("deny")),
            "{tool}: {said}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{tool}: {:?}",
            began.elapsed()
        );
        within("a new process", async {
            while ruled.evaluate(KEY, json!({"tool": "read"})).await.1["verdict"] != "allow" {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert_eq!(ruled.chat("demo", KEY).await.status(), 200);
}

#[tokio::test]
async fn isolation_puts_straight_rules_into_a_process_of_their_own() {
    let files = [("models.star", MODELS)];
    let ruled = Ruled::open(&files, "files = [\"models.star\"]\nisolation = \"process\"").await;
    assert_eq!(ruled.chat("opus-large", BOT).await.status(), 403);
    assert_eq!(ruled.chat("demo", BOT).await.status(), 200);
    let children =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", ruled.gateway.pid()));
    let children = children.unwrap_or_default();
    for child in children.split_whitespace() {
        let environment = std::fs::read(format!("/proc/{child}/environ")).unwrap_or_default();
        assert!(environment.is_empty(), "no key of the gateway stands there");
    }
}

#[tokio::test]
async fn domain_lists_and_clashds_agents_file_are_facts() {
    let agents = json!({"agents": [{
        "agent_id": "tester",
        "allowed_domains": ["good.example"],
        "denied_domains": ["bad.example"],
        "domain_list_sources": [{"name": "own", "url": "own.txt", "refresh_secs": 60}],
    }]});
    let files = [
        ("models.star", MODELS),
        ("agents.json", &agents.to_string()),
        (
            "feed.txt",
            "# feed\n0.0.0.0 ads.example\n~^cdn[0-9]+[.]x[.]io$\n",
        ),
        ("own.txt", "ads.example\n"),
    ];
    let policy = "files = [\"models.star\"]\nagents = \"agents.json\"\n[[policy.domain_lists]]\nname = \"feed\"\nfile = \"feed.txt\"";
    let ruled = Ruled::open(&files, policy).await;
    let lists = async |key: &str, host: &str| {
        let (_, said) = ruled
            .evaluate(key, json!({"tool": "lists", "args": {"host": host}}))
            .await;
        said["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(lists(KEY, "x.ads.example").await, "feed own");
    assert_eq!(lists(BOT, "x.ads.example").await, "feed");
    assert_eq!(lists(BOT, "cdn7.x.io").await, "feed");
    let (_, said) = ruled
        .evaluate(KEY, json!({"tool": "web", "args": {"host": "bad.example"}}))
        .await;
    assert_eq!(said["verdict"], "deny");
}

#[tokio::test]
async fn the_command_line_checks_tests_and_explains() {
    let ruled = Ruled::with(MODELS).await;
    let checked = ruled.gateway.command(&["policy", "check"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(
        checked
            .stdout
            .contains("models.star: 1 rule, 1 example, all hold"),
        "{checked:?}"
    );
    let tested = ruled.gateway.command(&["policy", "test", "--json"]).await;
    assert_eq!(tested.json()["files"][0]["examples"], 1);

    let call = r#"{"tool":"model","args":{"model":"opus-large"},"context":{"agent_id":"ci-bot"}}"#;
    let said = ruled.gateway.command(&["policy", "eval", call]).await;
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(0),
            "deny  models.star:2: reserved for release agents\n"
        )
    );
    let said = ruled
        .gateway
        .command(&[
            "policy",
            "eval",
            "--tool",
            "model",
            "--agent",
            "ci-bot",
            "--args",
            r#"{"model":"demo"}"#,
            "--json",
        ])
        .await;
    assert_eq!(
        said.json(),
        json!({"verdict": "allow", "rule": "models.star:19", "reason": ""})
    );
    let said = ruled.gateway.command(&["policy", "explain", call]).await;
    assert!(
        said.stdout.contains("rule  deny  models.star:2"),
        "{said:?}"
    );

    let broken = ruled.home().join("broken.star");
    std::fs::write(&broken, MODELS.replace("\"opus-*\"", "\"gpt-*\"")).unwrap();
    let broken = broken.to_str().unwrap();
    let tested = ruled.gateway.command(&["policy", "test", broken]).await;
    assert_eq!(tested.code, Some(1), "{tested:?}");
    assert!(
        tested
            .stdout
            .starts_with("broken.star:2: match: example 1 does not match"),
        "{tested:?}"
    );
    assert_eq!(
        ruled
            .gateway
            .command(&["policy", "check", broken])
            .await
            .code,
        Some(2)
    );
    assert_eq!(
        ruled.gateway.command(&["policy", "eval"]).await.code,
        Some(2)
    );
    assert_eq!(
        ruled
            .gateway
            .command(&["policy", "check", "/none.star"])
            .await
            .code,
        Some(2)
    );
}
