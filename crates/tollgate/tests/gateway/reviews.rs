//! Requests to models that wait for a person.

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tollgate_testkit::{Answer, Request, RunOutput, Wire, within};

use crate::house::{DIALECTS, FIRST_KEY, House, KEY, WIRES, control, model};

const REVIEW: &str = r#"
rule(verdict = "deny", reason = "never", where = {"args.model": "claude-*"}, tool = "model")
rule(verdict = "review", reason = "ask first", tool = "model", where = {"args.provider": ["openai", "responses", "google"]})

def evaluate(tool, args, context):
    return "allow"
"#;

/// Four providers behind rules that want a look at everything.
struct Reviewed {
    house: House,
    _rules: tempfile::TempDir,
}

impl Reviewed {
    async fn open() -> Self {
        let all = "def evaluate(tool, args, context):\n    \
                   return {\"verdict\": \"review\", \"reason\": \"ask first\"}\n";
        Self::with(all, "").await
    }

    async fn with(rules: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("review.star");
        std::fs::write(&file, rules).unwrap();
        let more = format!("[policy]\nfiles = [\"{}\"]\n{more}", file.display());
        Self {
            house: House::with(&more, &[FIRST_KEY]).await,
            _rules: folder,
        }
    }

    /// Sends, and goes on.
    fn send(&self, request: Request) -> JoinHandle<Answer> {
        let client = self.house.client();
        tokio::spawn(async move { client.send(&request.key(KEY)).await })
    }

    async fn run(&self, arguments: &[&str]) -> RunOutput {
        self.house.gateway.command(arguments).await
    }

    /// Those that wait, once there are so many.
    async fn waiting(&self, count: usize) -> Vec<Value> {
        self.listed(|it| it["status"] == "pending", count).await
    }

    async fn listed(&self, fits: impl Fn(&Value) -> bool, count: usize) -> Vec<Value> {
        within("questions", async {
            loop {
                let all = control(&self.house.gateway, "/control/approvals").await;
                let all = all.as_array().unwrap().iter().filter(|it| fits(it));
                let found: Vec<Value> = all.cloned().collect();
                if found.len() == count {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    async fn answered(&self, word: &str, id: &str) -> RunOutput {
        let done = self.run(&["approvals", word, id]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        done
    }
}

fn id(said: &Value) -> String {
    said["id"].as_str().unwrap().to_owned()
}

async fn answer(sent: JoinHandle<Answer>) -> Answer {
    within("an answer", sent).await.unwrap()
}

#[tokio::test]
async fn a_request_waits_and_goes_on_as_it_was_when_a_person_says_so() {
    let reviewed = Reviewed::open().await;
    let request = Request::chat("gpt-4o", "please\u{1b}[2K release it");
    let sent = reviewed.send(request.clone());
    let one = &reviewed.waiting(1).await[0];
    assert_eq!(
        (&one["tier"], &one["agent"], &one["mayAlways"]),
        (&json!("MEDIUM"), &json!("tester"), &json!(false))
    );
    assert_eq!(one["subject"], "request to model gpt-4o");
    assert!(reviewed.house.openai.requests().is_empty());
    let card = reviewed.run(&["approvals", "show", &id(one)]).await.stdout;
    for part in [
        "MEDIUM: ask first",
        "tester, asked by 127.0.0.1:",
        "gpt-4o at /v1/chat/completions",
        "openai/gpt-4o",
        "1 message, ",
        "tokens in, ",
        "please⟨ESC⟩[2K release it",
        "review.star:2: ask first",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(card.lines().count() <= 24, "{card}");
    let always = reviewed.run(&["approvals", "allow-always", &id(one)]).await;
    assert_eq!(always.code, Some(1), "{always:?}");

    reviewed.answered("allow-once", &id(one)).await;
    let answer = answer(sent).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = reviewed.house.openai.requests();
    assert_eq!(received.len(), 1);
    assert_eq!(
        received[0].json()["messages"][0]["content"],
        "please\u{1b}[2K release it"
    );

    let request = answer.header("x-tollgate-request-id").unwrap();
    reviewed.house.story(request).await;
    let why = reviewed.run(&["why", request]).await.stdout;
    for part in [
        "asked",
        "allowed once by operator",
        "collected",
        "attempt 1",
        &id(one),
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let why = reviewed.run(&["why", &id(one)]).await.stdout;
    for part in [
        "request to model gpt-4o",
        "allowed once by operator",
        request,
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    // What is said to models is nowhere in the ledger.
    let audit = reviewed.run(&["audit", "tail", "--json"]).await.stdout;
    assert!(
        audit.contains("approval.asked") && !audit.contains("release it"),
        "{audit}"
    );
}

#[tokio::test]
async fn a_yes_is_good_for_one_request() {
    let reviewed = Reviewed::open().await;
    let request = Request::chat("gpt-4o", "hi");
    let first = reviewed.send(request.clone());
    reviewed
        .answered("allow-once", &id(&reviewed.waiting(1).await[0]))
        .await;
    assert_eq!(answer(first).await.status(), 200);
    let second = reviewed.send(request);
    let asked = reviewed.waiting(1).await;
    reviewed.answered("deny", &id(&asked[0])).await;
    assert_eq!(answer(second).await.status(), 403);
    assert_eq!(reviewed.house.openai.requests().len(), 1);
}

#[tokio::test]
async fn a_no_is_a_403_in_the_callers_dialect_streams_too() {
    let reviewed = Reviewed::open().await;
    for (wire, stream) in DIALECTS
        .map(|it| (it, false))
        .into_iter()
        .chain(WIRES.map(|it| (it, true)))
    {
        let sent = reviewed.send(Request::ask(wire, stream, model(wire)));
        let asked = reviewed.waiting(1).await;
        let done = reviewed
            .run(&["approvals", "deny", &id(&asked[0]), "--reason", "not today"])
            .await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let answer = answer(sent).await;
        assert_eq!(answer.status(), 403, "{wire:?}");
        assert_eq!(answer.header("x-tollgate-reason"), Some("policy_denied"));
        let (error, kind) = match wire {
            Wire::OpenAi | Wire::Responses => ("type", "permission_error"),
            Wire::Anthropic => ("type", "permission_error"),
            Wire::Gemini | Wire::GeminiArray => ("status", "PERMISSION_DENIED"),
        };
        let body = answer.json();
        let body = body.get(0).unwrap_or(&body);
        assert_eq!(body["error"][error], kind, "{wire:?}: {body}");
        let text = body["error"]["message"].as_str().unwrap();
        for part in [
            "held for review",
            "ask first",
            "denied by \"operator\": not today",
        ] {
            assert!(text.contains(part), "{wire:?}: {part}: {text}");
        }
        assert!(reviewed.house.provider(wire).requests().is_empty());
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_a_yes() {
    let reviewed = Reviewed::open().await;
    for wire in WIRES {
        let sent = reviewed.send(Request::ask(wire, true, model(wire)));
        let asked = reviewed.waiting(1).await;
        reviewed.answered("allow-once", &id(&asked[0])).await;
        let answer = answer(sent).await;
        assert_eq!(answer.status(), 200, "{wire:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn time_that_is_over_is_a_no() {
    let times = "[approvals]\nmedium_seconds = 1\nhigh_seconds = 1\ncritical_seconds = 1\n";
    let rules = "def evaluate(tool, args, context):\n    return \"review\"\n";
    let reviewed = Reviewed::with(rules, times).await;
    let sent = reviewed.send(Request::chat("gpt-4o", "hi"));
    let asked = reviewed.waiting(1).await;
    let answer = answer(sent).await;
    assert_eq!(answer.status(), 403);
    assert!(
        answer.text().contains("nobody answered in time"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("x-tollgate-reason"), Some("policy_denied"));
    let late = reviewed
        .run(&["approvals", "allow-once", &id(&asked[0])])
        .await;
    assert!(late.stderr.contains("asked again as"), "{late:?}");
    assert!(reviewed.house.openai.requests().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_withdraws_its_question() {
    let reviewed = Reviewed::open().await;
    let sent = reviewed.send(Request::chat("gpt-4o", "hi"));
    let asked = reviewed.waiting(1).await;
    sent.abort();
    let ended = reviewed.listed(|it| it["status"] == "withdrawn", 1).await;
    assert_eq!(ended[0]["id"], asked[0]["id"]);
    let late = reviewed
        .run(&["approvals", "allow-once", &id(&asked[0])])
        .await;
    assert_eq!(late.code, Some(1), "{late:?}");
    let row = reviewed
        .house
        .newest(|row| row["outcome"] == "client_left")
        .await;
    let why = reviewed
        .run(&["why", row["id"].as_str().unwrap()])
        .await
        .stdout;
    assert!(
        why.contains(&id(&asked[0])) && why.contains("withdrawn"),
        "{why}"
    );
    assert!(reviewed.house.openai.requests().is_empty());
}

#[tokio::test]
async fn what_waits_is_kept_over_a_restart_and_found_by_the_same_request() {
    let mut reviewed = Reviewed::open().await;
    let sent = reviewed.send(Request::chat("gpt-4o", "hi"));
    let first = id(&reviewed.waiting(1).await[0]);
    reviewed.house.gateway.sigterm().await;
    let cut = answer(sent).await;
    assert_eq!((cut.status(), cut.header("retry-after")), (503, Some("1")));
    reviewed.house.gateway.restart().await;
    assert_eq!(id(&reviewed.waiting(1).await[0]), first);
    let other = reviewed.send(Request::chat("gpt-4o", "other"));
    let both = reviewed.waiting(2).await;
    let other_id = both.iter().map(id).find(|it| *it != first).unwrap();
    let same = reviewed.send(Request::chat("gpt-4o", "hi"));
    reviewed.answered("allow-once", &first).await;
    assert_eq!(answer(same).await.status(), 200);

    reviewed.house.gateway.kill9().await;
    drop(other);
    reviewed.house.gateway.restart().await;
    assert_eq!(id(&reviewed.waiting(1).await[0]), other_id);
    reviewed.answered("allow-once", &other_id).await;
    // An answer that came first is found as well, once.
    let same = reviewed.send(Request::chat("gpt-4o", "other"));
    assert_eq!(answer(same).await.status(), 200);
    let again = reviewed.send(Request::chat("gpt-4o", "other"));
    reviewed.waiting(1).await;
    again.abort();
}

#[tokio::test]
async fn a_denial_is_not_asked_about_and_a_flood_is_stopped() {
    let reviewed = Reviewed::with(REVIEW, "").await;
    let denied = answer(reviewed.send(Request::message("claude-sonnet-4", "hi"))).await;
    assert_eq!(denied.status(), 403);
    assert!(
        denied.text().contains("is denied for agent"),
        "{}",
        denied.text()
    );
    let sent: Vec<_> = (0..16)
        .map(|number| reviewed.send(Request::chat("gpt-4o", &number.to_string())))
        .collect();
    reviewed.waiting(16).await;
    let flood = answer(reviewed.send(Request::chat("gpt-4o", "one more"))).await;
    assert_eq!(flood.status(), 429, "{}", flood.text());
    assert_eq!(flood.header("x-tollgate-reason"), Some("rate_limited"));
    assert!(
        flood.text().contains("16 questions open"),
        "{}",
        flood.text()
    );
    sent.iter().for_each(JoinHandle::abort);
    reviewed.waiting(0).await;
}

#[tokio::test]
async fn where_nobody_is_there_and_none_is_waited_for_it_is_a_no_at_once() {
    let reviewed = Reviewed::open().await;
    let file = reviewed.house.gateway.home().join("exec-approvals.json");
    let mut rules: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    // What lets commands run unasked lets no request to a model through.
    rules["defaults"]["askFallback"] = "full".into();
    std::fs::write(&file, rules.to_string()).unwrap();
    let refused = answer(reviewed.send(Request::chat("gpt-4o", "hi"))).await;
    assert_eq!(refused.status(), 403);
    assert!(
        refused
            .text()
            .contains("no operator had the question before them"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn what_dlp_leaves_to_a_person_goes_out_as_it_is_or_not_at_all() {
    let more = "[agents.defaults]\ndlp = { outbound_on_match = \"supervise\" }\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    let reviewed = Reviewed {
        house,
        _rules: tempfile::tempdir().unwrap(),
    };
    let text = format!("the key is {FIRST_KEY}");
    let sent = reviewed.send(Request::chat("gpt-4o", &text));
    let one = &reviewed.waiting(1).await[0];
    assert_eq!(one["tier"], "HIGH", "{one}");
    let card = reviewed.run(&["approvals", "show", &id(one)]).await.stdout;
    assert!(
        card.contains("provider-key in messages[0].content"),
        "{card}"
    );
    assert!(!card.contains(FIRST_KEY), "{card}");
    let short = reviewed
        .run(&["approvals", "allow-once", &id(one)[..14]])
        .await;
    assert_eq!(short.code, Some(2), "{short:?}");
    reviewed.answered("allow-once", &id(one)).await;
    assert_eq!(answer(sent).await.status(), 200);
    let received = reviewed.house.openai.requests();
    assert_eq!(received[0].json()["messages"][0]["content"], text);

    let sent = reviewed.send(Request::chat("gpt-4o", &text));
    reviewed
        .answered("deny", &id(&reviewed.waiting(1).await[0]))
        .await;
    let refused = answer(sent).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.header("x-tollgate-reason"), Some("secret_found"));
    let story = reviewed.house.story_of(&refused).await.to_string();
    assert!(story.contains("denied by operator"), "{story}");
    assert_eq!(reviewed.house.openai.requests().len(), 1);
    let metrics = Request::get("/metrics").key(&reviewed.house.gateway.operator_token());
    let counted = reviewed.house.client().send(&metrics).await.text();
    for consequence in ["noted", "blocked"] {
        let line = format!(
            "tollgate_findings_total{{detector=\"known_secrets\",kind=\"provider-key\",\
             direction=\"outbound\",consequence=\"{consequence}\"}} 1"
        );
        assert!(counted.contains(&line), "{counted}");
    }
    let clean = answer(reviewed.send(Request::chat("gpt-4o", "hi"))).await;
    assert_eq!(clean.status(), 200, "nothing to ask about");
}
