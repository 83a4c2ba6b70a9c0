use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use smallvec::SmallVec;
use tollgate_api::{AgentReport, ModelReport, ProfileReport, ReloadReport, StatusReport};
use tollgate_ledger::{Cursor, LedgerConfig};
use tollgate_types::{Actor, AgentName, Outcome, RequestRecord, Secret, Tier, Usage};
use tower::ServiceExt;

use super::*;
use crate::{BoxFuture, MintFault, MintedKey, ReloadFault};

struct Olga;

impl Operators for Olga {
    fn identify(&self, token: &str) -> Option<OperatorName> {
        match token {
            "tgo-right" => OperatorName::new("olga").ok(),
            "tgo-medium" => OperatorName::new("max").ok(),
            _ => None,
        }
    }
    fn may_answer(&self, operator: &OperatorName) -> Tier {
        match operator.as_str() {
            "olga" => Tier::Critical,
            _ => Tier::Medium,
        }
    }
    fn list(&self) -> Vec<tollgate_api::OperatorReport> {
        Vec::new()
    }
    fn add(
        &self,
        wanted: &tollgate_api::NewOperatorRequest,
    ) -> Result<tollgate_api::OperatorCreated, crate::OperatorFault> {
        Ok(tollgate_api::OperatorCreated {
            name: wanted.name.clone(),
            may_answer: wanted.may_answer.unwrap_or(Tier::Critical),
            token: "tgo-new".to_owned(),
        })
    }
    fn remove(&self, name: &OperatorName) -> Result<(), crate::OperatorFault> {
        Err(crate::OperatorFault::Unknown(name.to_string()))
    }
}

/// Nothing waits.
struct Quiet;

impl crate::Approvals for Quiet {
    fn list(&self) -> Vec<tollgate_api::ApprovalReport> {
        Vec::new()
    }
    fn get(&self, _: tollgate_approvals::ApprovalId) -> Option<tollgate_api::ApprovalReport> {
        None
    }
    fn delivered(&self, _: Vec<tollgate_approvals::ApprovalId>) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    fn answer(
        &self,
        _: OperatorName,
        _: Tier,
        id: tollgate_approvals::ApprovalId,
        _: tollgate_api::AnswerRequest,
    ) -> BoxFuture<'_, Result<tollgate_api::ApprovalReport, crate::ApprovalFault>> {
        Box::pin(async move { Err(crate::ApprovalFault::Unknown(id.to_string())) })
    }
}

/// Has no budgets and takes none.
struct Penniless;

impl Treasury for Penniless {
    fn budgets(&self) -> Vec<tollgate_api::BudgetReport> {
        Vec::new()
    }
    fn change_budget(
        &self,
        _: tollgate_api::BudgetChange,
        _: Event,
    ) -> BoxFuture<'_, Result<Vec<tollgate_api::BudgetReport>, crate::TreasuryFault>> {
        Box::pin(async {
            Err(crate::TreasuryFault::Refused {
                message: "no budgets here".into(),
                hint: "none",
            })
        })
    }
    fn cut_off(
        &self,
        _: tollgate_api::CutoffRequest,
        _: Event,
    ) -> BoxFuture<'_, Result<tollgate_api::CutoffReport, crate::TreasuryFault>> {
        Box::pin(async { Err(crate::TreasuryFault::Ledger("disk full".into())) })
    }
}

/// Has no runs and begins none.
struct Idle;

impl crate::Runs for Idle {
    fn begin(
        &self,
        _: tollgate_api::NewRunRequest,
        _: Event,
    ) -> BoxFuture<'_, Result<tollgate_api::RunStarted, crate::RunFault>> {
        Box::pin(async { Err(crate::RunFault::TooMany(0)) })
    }
    fn orders(&self, _: &str) -> Option<tokio::sync::watch::Receiver<tollgate_api::Order>> {
        None
    }
    fn end(
        &self,
        run: String,
        _: Event,
    ) -> BoxFuture<'_, Result<tollgate_api::RunEnded, crate::RunFault>> {
        Box::pin(async { Err(crate::RunFault::UnknownRun(run)) })
    }
}

/// Knows `main` from its configuration and the ledger's agents as of the last
/// refresh.
struct Fake {
    ledger: Ledger,
    minted: AtomicU8,
    added: Mutex<Vec<AgentReport>>,
    reload: Result<ReloadReport, ReloadFault>,
}

impl Gateway for Fake {
    fn status(&self) -> StatusReport {
        StatusReport {
            state: "ready".into(),
            config_version: 4,
            in_flight: 9,
            providers: ["openai", "anthropic"]
                .map(|id| tollgate_api::ProviderStatus {
                    id: id.into(),
                    ..Default::default()
                })
                .into(),
            ..StatusReport::default()
        }
    }
    fn profiles(&self) -> Vec<ProfileReport> {
        vec![ProfileReport {
            profile_id: "openai:1".into(),
            ..ProfileReport::default()
        }]
    }
    fn models(&self) -> Vec<ModelReport> {
        vec![ModelReport {
            id: "fast".into(),
            ..ModelReport::default()
        }]
    }
    fn live_models(&self, provider: Option<String>) -> BoxFuture<'_, Vec<ModelReport>> {
        let asked = ["openai", "anthropic"].map(|id| ModelReport {
            id: format!("{id}/m"),
            provider: Some(id.into()),
            live: provider
                .as_deref()
                .is_none_or(|wanted| wanted == id)
                .then(|| "served".into()),
            ..ModelReport::default()
        });
        Box::pin(async { asked.into() })
    }
    fn agents(&self) -> Vec<AgentReport> {
        let mut agents = vec![report("main", "config")];
        agents.extend(self.added.lock().unwrap().iter().cloned());
        agents
    }
    fn mint(&self) -> Result<MintedKey, MintFault> {
        let number = self.minted.fetch_add(1, Ordering::Relaxed);
        Ok(MintedKey {
            token: Secret::new(format!("tg-{number}-secret")),
            digest: [number; 32],
            hint: format!("tg-{number}-…"),
        })
    }
    fn reload(&self) -> BoxFuture<'_, Result<ReloadReport, ReloadFault>> {
        Box::pin(async { self.reload.clone() })
    }
    fn refresh_agents(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let agents = self
                .ledger
                .agents()
                .await
                .map_err(|error| error.to_string())?;
            let agents = agents.iter().map(|agent| AgentReport {
                key_hints: vec![agent.hint.clone()],
                allowed_models: agent.allowed_models.clone(),
                ..report(agent.name.as_str(), "ledger")
            });
            *self.added.lock().unwrap() = agents.collect();
            Ok(())
        })
    }
}

fn report(name: &str, source: &str) -> AgentReport {
    AgentReport {
        name: name.into(),
        source: source.into(),
        ..AgentReport::default()
    }
}

struct Place {
    _folder: tempfile::TempDir,
    drains: tokio::sync::watch::Sender<bool>,
    ledger: Ledger,
    router: axum::Router,
}

async fn place(metrics_public: bool, reload: Result<ReloadReport, ReloadFault>) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (metrics, recent) = (Arc::new(Metrics::new("0.1.0")), Arc::new(Recent::new(2)));
    let (counted, kept) = (metrics.clone(), recent.clone());
    let path = folder.path().join("private/ledger.db");
    let ledger = Ledger::open(LedgerConfig::new(path), move |record| {
        counted.observe(record);
        kept.observe(record);
    });
    let ledger = ledger.await.unwrap();
    let gateway = Fake {
        ledger: ledger.clone(),
        minted: AtomicU8::new(1),
        added: Mutex::default(),
        reload,
    };
    let (drains, stopping) = tokio::sync::watch::channel(false);
    let router = router(Arc::new(Control {
        ledger: ledger.clone(),
        operators: Arc::new(Olga),
        gateway: Arc::new(gateway),
        treasury: Arc::new(Penniless),
        runs: Arc::new(Idle),
        approvals: Arc::new(Quiet),
        desk: Arc::default(),
        metrics,
        recent,
        followers: Followers::new(stopping),
        metrics_public,
        bind: "127.0.0.1:4100".parse().unwrap(),
    }));
    Place {
        _folder: folder,
        drains,
        ledger,
        router,
    }
}

async fn usual() -> Place {
    place(
        false,
        Ok(ReloadReport {
            config_version: 5,
            ..ReloadReport::default()
        }),
    )
    .await
}

impl Place {
    async fn send(&self, request: Request<Body>) -> (u16, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.into()).unwrap())
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let request = request(method, path)
            .header(header::AUTHORIZATION, "Bearer tgo-right")
            .body(body.into())
            .unwrap();
        let (status, body) = self.send(request).await;
        (
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        )
    }

    /// Kind, outcome and operator of every event.
    async fn events(&self) -> Vec<String> {
        let entries = self.ledger.events(Cursor::default(), 100).await.unwrap();
        let told = entries.iter().map(|entry| {
            let event = &entry.event;
            assert!(matches!(event.principal.actor, Actor::Operator(_)));
            assert_eq!(event.versions.config, 4);
            let who = event.principal.actor.name();
            format!("{} {} {who} {}", event.kind, event.outcome, event.facts)
        });
        told.collect()
    }
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:4100")
}

fn record(outcome: Outcome) -> RequestRecord {
    RequestRecord {
        id: RequestId::fresh(),
        at: UnixMillis(10),
        principal: Some(Principal::agent(AgentName::new("ci-bot").unwrap())),
        dialect: "openai",
        endpoint: "/v1/completions",
        stream: false,
        provider: None,
        model_asked: Some("x".into()),
        model_served: None,
        credential: None,
        usage: Usage::default(),
        attempts: SmallVec::new(),
        status: 404,
        outcome,
        reason: Some(tollgate_types::ReasonCode::UnknownModel),
        message: "no model `x`".into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: None,
        versions: Versions::default(),
        latency_micros: 5,
        first_byte_micros: None,
        overhead_micros: 5,
        findings: Vec::new(),
        trace: None,
    }
}

#[tokio::test]
async fn without_the_right_token_nothing_is_told() {
    let place = usual().await;
    let cases = [
        None,
        Some("Bearer tgo-wrong"),
        Some("Basic tgo-right"),
        Some("tgo-right"),
        Some("Bearer "),
    ];
    for (path, token) in ["/control/status", "/control/nowhere", "/metrics"]
        .into_iter()
        .flat_map(|path| cases.map(|token| (path, token)))
    {
        let mut request = request("GET", path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let (status, body) = place.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 401, "{path} {token:?}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["code"], "unauthenticated");
        assert!(
            body["error"]["hint"]
                .as_str()
                .unwrap()
                .contains("operator.token")
        );
        assert!(!body.to_string().contains("tgo-wrong"));
    }
    let (status, _) = place.call("GET", "/control/status", "").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn web_pages_are_kept_out_even_with_the_token() {
    let place = usual().await;
    let foreign = [
        (
            header::ORIGIN,
            "https://evil.example",
            "127.0.0.1:4100",
            "foreign_origin",
        ),
        (header::ORIGIN, "null", "127.0.0.1:4100", "foreign_origin"),
        (header::ACCEPT, "*/*", "evil.example:4100", "foreign_host"),
    ];
    for (name, value, host, code) in foreign {
        let request = Request::builder()
            .uri("/control/status")
            .header(header::HOST, host)
            .header(name, value)
            .header(header::AUTHORIZATION, "Bearer tgo-right")
            .body(Body::empty())
            .unwrap();
        let (status, body) = place.send(request).await;
        assert_eq!(status, 403, "{body}");
        assert!(body.contains(code), "{body}");
    }
}

#[tokio::test]
async fn an_agent_is_added_listed_and_removed() {
    let place = usual().await;
    let body = json!({"name": "ci-bot", "allowed_models": ["openai/*"]}).to_string();
    let (status, created) = place.call("POST", "/control/agents", body.clone()).await;
    assert_eq!(
        (status, &created["key"]),
        (201, &json!("tg-1-secret")),
        "{created}"
    );
    let (_, agents) = place.call("GET", "/control/agents", "").await;
    assert_eq!(agents[1]["name"], "ci-bot");
    assert_eq!(agents[1]["key_hints"], json!(["tg-1-…"]));
    assert_eq!(agents[1]["allowed_models"], json!(["openai/*"]));
    let (status, again) = place.call("POST", "/control/agents", body).await;
    assert_eq!((status, &again["error"]["code"]), (409, &json!("exists")));
    let (status, removed) = place.call("DELETE", "/control/agents/ci-bot", "").await;
    assert_eq!((status, removed), (200, json!({"name": "ci-bot"})));
    let (_, agents) = place.call("GET", "/control/agents", "").await;
    assert_eq!(agents.as_array().unwrap().len(), 1);
    let (status, gone) = place.call("DELETE", "/control/agents/ci-bot", "").await;
    assert_eq!(
        (status, &gone["error"]["code"]),
        (404, &json!("unknown_agent"))
    );
    let events = place.events().await;
    assert_eq!(
        events,
        [
            r#"agent.added ok olga {"agent":"ci-bot","allowed_models":["openai/*"],"blocked_models":[],"key_hint":"tg-1-…","v":1}"#,
            r#"agent.removed ok olga {"agent":"ci-bot","v":1}"#,
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_an_agent_is_refused_with_a_hint() {
    let place = usual().await;
    let many = json!({"name": "a", "allowed_models": vec!["x"; 1001]}).to_string();
    let cases = [
        (
            400,
            r#"{"name":"CI Bot"}"#,
            "has `C`, expected lower-case letters",
        ),
        (400, r#"{"name":""}"#, "expected 1 to 64"),
        (
            400,
            r#"{"name":"a","allow":["x"]}"#,
            "unknown field `allow`",
        ),
        (400, "not json", "body: "),
        (
            400,
            r#"{"name":"a","blocked_models":["a b"]}"#,
            "blocked_models[0]",
        ),
        (400, &many, "found 1001 patterns"),
        (409, r#"{"name":"main"}"#, "agent `main` exists"),
    ];
    for (expected, body, words) in cases {
        let (status, answer) = place.call("POST", "/control/agents", body.to_owned()).await;
        assert_eq!(status, expected, "{answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    let (status, _) = place
        .call("POST", "/control/agents", " ".repeat(LARGEST_BODY + 1))
        .await;
    assert_eq!(status, 413);
    let (status, answer) = place.call("DELETE", "/control/agents/main", "").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("not_removable"))
    );
    assert!(place.events().await.is_empty());
}

#[tokio::test]
async fn a_reload_is_written_down_whatever_came_of_it() {
    let place = usual().await;
    let (status, report) = place.call("POST", "/control/reload", "").await;
    assert_eq!((status, &report["config_version"]), (200, &json!(5)));
    assert_eq!(
        place.events().await,
        [r#"config.reloaded ok olga {"config_version":5,"v":1}"#]
    );

    let fault = ReloadFault {
        message: "tollgate.toml:3: unknown key `provider`".into(),
        hint: None,
    };
    let place = self::place(false, Err(fault)).await;
    let (status, answer) = place.call("POST", "/control/reload", "").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (422, &json!("reload_failed"))
    );
    assert_eq!(
        place.events().await,
        [r#"config.reloaded refused olga {"v":1}"#]
    );
}

#[tokio::test]
async fn requests_their_story_and_usage_are_there_at_once() {
    let place = usual().await;
    let records = [Outcome::Refused, Outcome::Failed, Outcome::Refused].map(record);
    for record in &records {
        place.ledger.slot().unwrap().write(record.clone());
    }
    let newest: Vec<String> = records
        .iter()
        .rev()
        .map(|record| record.id.to_string())
        .collect();
    // Two are in the ring, three only in the ledger.
    for (path, count) in [("/control/requests?limit=2", 2), ("/control/requests", 3)] {
        let (status, listed) = place.call("GET", path, "").await;
        assert_eq!(status, 200, "{listed}");
        let ids: Vec<&str> = listed
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["id"].as_str())
            .collect();
        assert_eq!(ids, newest[..count]);
    }
    let (_, story) = place
        .call("GET", &format!("/control/requests/{}", newest[0]), "")
        .await;
    assert_eq!(story["ending"], "refused with 404: no model `x`");
    let (status, _) = place
        .call(
            "GET",
            &format!("/control/requests/{}", RequestId::fresh()),
            "",
        )
        .await;
    assert_eq!(status, 404);
    let (status, answer) = place.call("GET", "/control/requests/req_1", "").await;
    assert_eq!(status, 400, "{answer}");
    let (_, usage) = place
        .call("GET", "/control/usage?by=agent&since=10", "")
        .await;
    assert_eq!(usage["rows"][0]["key"], "ci-bot");
    assert_eq!(
        (&usage["rows"][0]["requests"], &usage["rows"][0]["refused"]),
        (&json!(3), &json!(2))
    );
    let (_, usage) = place.call("GET", "/control/usage?since=11", "").await;
    assert_eq!(usage["rows"], json!([]));
    for bad in ["by=nonsense", "since=yesterday", "sinse=1"] {
        let (status, answer) = place
            .call("GET", &format!("/control/usage?{bad}"), "")
            .await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("bad_request")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn what_the_gateway_reports_is_passed_on() {
    let place = usual().await;
    let (_, status) = place.call("GET", "/control/status", "").await;
    assert_eq!(status["state"], "ready");
    let (_, profiles) = place.call("GET", "/control/profiles", "").await;
    assert_eq!(profiles[0]["profileId"], "openai:1");
    let (_, models) = place.call("GET", "/control/models", "").await;
    assert_eq!(models[0]["id"], "fast");
    let (status, answer) = place.call("GET", "/control/nowhere", "").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("not_found"))
    );
    let (status, answer) = place.call("DELETE", "/control/status", "").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (405, &json!("wrong_method"))
    );
}

#[tokio::test]
async fn metrics_are_exact_and_public_only_where_that_is_said() {
    let place = self::place(
        true,
        Err(ReloadFault {
            message: String::new(),
            hint: None,
        }),
    )
    .await;
    place.ledger.slot().unwrap().write(record(Outcome::Refused));
    let (status, text) = place
        .send(request("GET", "/metrics").body(Body::empty()).unwrap())
        .await;
    assert_eq!(status, 200);
    let counted = "tollgate_requests_total{dialect=\"openai\",provider=\"none\",outcome=\"refused\",reason=\"unknown_model\"} 1\n";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("tollgate_requests_in_flight 9\n"), "{text}");
    let (status, _) = place
        .send(
            request("GET", "/control/status")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(status, 401);
    let rebound = Request::builder()
        .uri("/metrics")
        .header(header::HOST, "evil.example")
        .body(Body::empty())
        .unwrap();
    assert_eq!(place.send(rebound).await.0, 403);
}

#[tokio::test]
async fn the_audit_chain_is_read_by_cursor_or_from_its_end() {
    let place = usual().await;
    for name in ["a", "b", "c"] {
        let body = json!({ "name": name }).to_string();
        assert_eq!(place.call("POST", "/control/agents", body).await.0, 201);
    }
    for (query, expected) in [
        ("", vec![1, 2, 3]),
        ("?newest=1", vec![3]),
        ("?limit=2", vec![2, 3]),
        ("?after=1&limit=1", vec![2]),
        ("?after=3", vec![]),
    ] {
        let path = format!("/control/audit{query}");
        let (status, entries) = place.call("GET", &path, "").await;
        assert_eq!(status, 200, "{entries}");
        let entries = entries.as_array().unwrap();
        let cursors: Vec<u64> = entries
            .iter()
            .map(|it| it["cursor"].as_u64().unwrap())
            .collect();
        assert_eq!(cursors, expected, "{query}");
        assert!(
            entries
                .iter()
                .all(|it| it["link"].as_str().unwrap().len() == 64)
        );
    }
    assert_eq!(place.call("GET", "/control/audit?last=1", "").await.0, 400);
}

#[tokio::test]
async fn only_what_has_passed_is_pruned_and_only_with_a_key() {
    let place = usual().await;
    let prune = |before: u64| json!({ "before": before }).to_string();
    let path = "/control/audit/prune";
    let (status, answer) = place.call("POST", path, prune(u64::MAX)).await;
    assert_eq!(status, 400, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("expected a moment that has passed"),
        "{answer}"
    );
    assert_eq!(place.events().await, Vec::<String>::new());
    let (status, answer) = place.call("POST", path, prune(5)).await;
    assert_eq!(status, 500, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("nothing is pruned without a key"),
        "{answer}"
    );
    // That it was wanted stands in the chain all the same.
    let events = place.events().await;
    assert_eq!(events, [r#"audit.pruned ok olga {"before":5,"v":1}"#]);
}

#[tokio::test]
async fn a_run_that_is_not_there_and_a_body_that_is_wrong_are_said() {
    let place = usual().await;
    let end = "/control/runs/run_1/end";
    for (method, path, body, status) in [
        ("GET", "/control/runs/run_1/orders", "", 404),
        ("POST", end, r#"{"code":0,"cause":"itself"}"#, 404),
        ("POST", end, r#"{"cause":"itself"}"#, 400),
        (
            "POST",
            end,
            r#"{"code":0,"signal":9,"cause":"killed"}"#,
            400,
        ),
        ("POST", end, r#"{"code":0,"cause":"boredom"}"#, 400),
        ("POST", "/control/runs", r#"{"command":""}"#, 400),
        ("POST", "/control/runs", r#"{"command":"sh"}"#, 429),
    ] {
        let request = request(method, path)
            .header(header::AUTHORIZATION, "Bearer tgo-right")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let (found, text) = place.send(request).await;
        assert_eq!(found, status, "{path} {body}: {text}");
    }
}

#[tokio::test]
async fn taint_is_set_and_cleared_with_an_event_each() {
    let place = usual().await;
    assert_eq!(
        place.call("GET", "/control/taint", "").await,
        (200, json!([]))
    );
    let body = r#"{"subject":"main","kind":"secret_seen","source":"a scan"}"#;
    let (status, told) = place.call("POST", "/control/taint", body).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["subject"], "agent:main");
    assert_eq!(told["facts"][0]["kind"], "secret_seen");
    assert_eq!(told["facts"][0]["source"], "a scan");
    let day = told["facts"][0]["expires_at"].as_u64().unwrap()
        - told["facts"][0]["seen_at"].as_u64().unwrap();
    assert_eq!(day, 24 * 60 * 60 * 1000);
    let (_, all) = place.call("GET", "/control/taint", "").await;
    assert_eq!(all, json!([told]));
    let cleared = place.call("DELETE", "/control/taint/agent:main", "").await;
    assert_eq!(cleared, (200, told));
    assert_eq!(
        place.call("GET", "/control/taint", "").await,
        (200, json!([]))
    );
    let (status, again) = place.call("DELETE", "/control/taint/main", "").await;
    assert_eq!(
        (status, &again["error"]["code"]),
        (404, &json!("not_tainted"))
    );
    assert_eq!(
        place.events().await,
        [
            r#"taint.set ok olga {"kind":"secret_seen","source":"a scan","subject":"agent:main","v":1}"#,
            r#"taint.cleared ok olga {"kinds":["secret_seen"],"subject":"agent:main","v":1}"#,
        ]
    );
}

#[tokio::test]
async fn taint_that_means_nothing_is_refused_and_not_written_down() {
    let place = usual().await;
    let long = format!(
        r#"{{"subject":"main","kind":"secret_seen","source":"{}"}}"#,
        "x".repeat(201)
    );
    for (body, expected) in [
        (r#"{"subject":"nobody","kind":"secret_seen"}"#, 404),
        (r#"{"subject":"host:x","kind":"secret_seen"}"#, 400),
        (r#"{"subject":"run:a/b","kind":"secret_seen"}"#, 400),
        (r#"{"subject":"main","kind":"tired"}"#, 400),
        (
            r#"{"subject":"main","kind":"secret_seen","source":"a\nb"}"#,
            400,
        ),
        (r#"{"subject":"main","kind":"secret_seen","ttl":1}"#, 400),
        (&long, 400),
        ("", 400),
    ] {
        let (status, told) = place.call("POST", "/control/taint", body.to_owned()).await;
        assert_eq!(status, expected, "{body}: {told}");
    }
    assert_eq!(
        place.call("GET", "/control/taint", "").await,
        (200, json!([]))
    );
    assert!(place.events().await.is_empty());
}

#[tokio::test]
async fn status_shows_credentials_where_deep_is_asked_for() {
    let place = usual().await;
    for (query, shown) in [
        ("", false),
        ("?deep=0", false),
        ("?deep=1", true),
        ("?deep=true", true),
    ] {
        let (status, body) = place
            .call("GET", &format!("/control/status{query}"), "")
            .await;
        assert_eq!(
            (status, body.get("profiles").is_some()),
            (200, shown),
            "{query}: {body}"
        );
    }
    let (status, body) = place.call("GET", "/control/status?deep=2", "").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("bad_request"))
    );
}

#[tokio::test]
async fn models_are_asked_of_one_provider_only_where_one_is_named() {
    let place = usual().await;
    let (_, models) = place.call("GET", "/control/models", "").await;
    assert_eq!(models, json!([{"id": "fast", "kind": ""}]));
    let (_, models) = place.call("GET", "/control/models?live=1", "").await;
    assert_eq!(models.as_array().map(Vec::len), Some(2), "{models}");
    let (_, models) = place
        .call("GET", "/control/models?live=1&provider=openai", "")
        .await;
    let only = json!([{"id": "openai/m", "kind": "", "provider": "openai", "live": "served"}]);
    assert_eq!(models, only);
    let (status, body) = place
        .call("GET", "/control/models?provider=nobody", "")
        .await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("unknown_provider"))
    );
    assert_eq!(body["error"]["hint"], "there are: openai, anthropic");
}

#[tokio::test]
async fn cursors_that_make_no_sense_are_refused() {
    let place = usual().await;
    let (status, body) = place.call("GET", "/control/events?after=9", "").await;
    assert_eq!(status, 400, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("expected at most 0")
    );
    let request = request("GET", "/control/events")
        .header(header::AUTHORIZATION, "Bearer tgo-right")
        .header("last-event-id", "seven")
        .body(Body::empty())
        .unwrap();
    let (status, body) = place.send(request).await;
    assert_eq!(status, 400, "{body}");
    place.drains.send(true).unwrap();
    let (status, body) = place.call("GET", "/control/events", "").await;
    assert_eq!(status, 200);
    assert!(body.as_str().unwrap().contains("event: end\n"), "{body}");
}
