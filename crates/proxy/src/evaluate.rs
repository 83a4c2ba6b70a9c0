//! `POST /evaluate` and `/hooks/claude-code`: rules for tools that Tollgate
//! does not run itself. Who asks is known from the credential and from nothing
//! in the body.

use std::borrow::Cow;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_identity::{Agent, bearer_token};
use tollgate_policy::{Decision, Domain, Fact, Facts, Verdict, domain_of};
use tollgate_types::{AgentName, Event, Label, Plane, RequestId, Severity};

use crate::account::now;
use crate::body::Body;
use crate::gateway::Gateway;
use crate::head;
use crate::intake::{Intake, read_body};
use crate::snapshot::{Limits, Snapshot};

/// Largest body, in bytes: what a tool is called with, not what it reads.
const LARGEST: usize = 1 << 20;

/// Which of the two shapes is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{tool, args, context}` → `{verdict, reason, rule}`, as clashd.
    Evaluate,
    /// Claude Code's `PreToolUse` hook.
    ClaudeCode,
}

impl Shape {
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/evaluate" => Some(Self::Evaluate),
            "/hooks/claude-code" => Some(Self::ClaudeCode),
            _ => None,
        }
    }
}

/// Why rules were not asked. All of it is a denial.
#[derive(Debug, thiserror::Error)]
enum Unasked {
    #[error("found {0}, expected POST")]
    Method(String),
    #[error("{0}")]
    Unauthenticated(Cow<'static, str>),
    #[error("agent \"{agent}\" asks more than rules are evaluated for")]
    Pace { agent: AgentName, seconds: u64 },
    #[error("{0}")]
    Body(String),
    #[error("the body names agent \"{claimed}\", the credential is agent \"{agent}\"")]
    Forged { agent: AgentName, claimed: String },
    #[error("the ledger can't record it, so nothing is decided")]
    Ledger,
}

impl Unasked {
    fn status(&self) -> StatusCode {
        match self {
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Pace { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Forged { .. } => StatusCode::FORBIDDEN,
            Self::Ledger => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Answers one question, whatever it is: with a verdict.
pub(crate) async fn evaluate(
    gateway: &Gateway,
    shape: Shape,
    request: Request<Incoming>,
) -> Response<Body> {
    match ask(gateway, shape, request).await {
        Ok(decision) => decided(shape, &decision),
        Err(unasked) => refused(shape, &unasked),
    }
}

async fn ask(
    gateway: &Gateway,
    shape: Shape,
    request: Request<Incoming>,
) -> Result<Decision, Unasked> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return Err(Unasked::Method(
            head.method.as_str().chars().take(20).collect(),
        ));
    }
    let snapshot = gateway.snapshot();
    head::check(&head, &snapshot.limits).map_err(|error| Unasked::Body(error.to_string()))?;
    let agent = identified(&snapshot, &head)?;
    gateway
        .pace
        .take(agent.name(), Instant::now())
        .map_err(|wait| Unasked::Pace {
            agent: agent.name().clone(),
            seconds: wait.as_secs().max(1),
        })?;
    let limits = Limits {
        body_bytes: LARGEST.min(snapshot.limits.body_bytes),
        ..snapshot.limits
    };
    let intake = read_body(body, &limits, &gateway.memory).await;
    let Intake { bytes, hold: _hold } = intake.map_err(|error| Unasked::Body(error.to_string()))?;
    let question = Question::read(shape, &bytes)?;
    let named = match question.speaks_for(agent) {
        Ok(named) => named,
        Err(claimed) => {
            let facts = json!({"v": 1, "claimed": claimed, "tool": question.tool_name()});
            record(
                gateway,
                &snapshot,
                agent,
                "identity.forged",
                None,
                facts,
                "refused",
            )
            .await?;
            return Err(Unasked::Forged {
                agent: agent.name().clone(),
                claimed,
            });
        }
    };
    let facts = question.facts(gateway, &snapshot, agent, &named);
    let decision = snapshot.rules.judge.decide(&facts).await;
    let noted = noted(&facts, &decision);
    let outcome = decision.verdict().as_str();
    record(
        gateway,
        &snapshot,
        agent,
        "tool.judged",
        Some(decision.rule()),
        noted,
        outcome,
    )
    .await?;
    Ok(decision)
}

/// Only a key will do: no loopback, no anonymous caller.
fn identified<'s>(
    snapshot: &'s Snapshot,
    head: &http::request::Parts,
) -> Result<&'s Agent, Unasked> {
    let token = bearer_token(&head.headers, head.uri.query())
        .map_err(|fault| Unasked::Unauthenticated(fault.to_string().into()))?;
    let known = token
        .as_deref()
        .and_then(|token| snapshot.agents.identify(token));
    known.map(|agent| &**agent).ok_or(Unasked::Unauthenticated(
        "the request has no Tollgate key that is known here".into(),
    ))
}

/// What a body asks.
struct Question {
    tool: Cow<'static, str>,
    args: Fact<'static>,
    /// Everything else that it says. Claims, never facts.
    claims: Vec<(Cow<'static, str>, Fact<'static>)>,
}

/// Keys under which callers say who they are.
const NAMES: [&str; 8] = [
    "agent_id",
    "agentId",
    "agent",
    "agent_name",
    "agentName",
    "identity",
    "principal",
    "as_agent",
];

impl Question {
    fn read(shape: Shape, body: &[u8]) -> Result<Self, Unasked> {
        let (tool_key, args_key) = match shape {
            Shape::Evaluate => ("tool", "args"),
            Shape::ClaudeCode => ("tool_name", "tool_input"),
        };
        let bad = |message: String| Unasked::Body(format!("body: {message}"));
        let fact = Fact::from_json(body).map_err(|error| bad(error.to_string()))?;
        let Fact::Map(pairs) = fact else {
            return Err(bad("expected a JSON object".to_owned()));
        };
        let mut tool = None;
        let mut args = Fact::Map(Vec::new());
        let mut claims = Vec::new();
        for (key, value) in pairs {
            match (&*key, value) {
                (key, Fact::Text(text)) if key == tool_key => tool = Some(text),
                (key, _) if key == tool_key => return Err(bad(format!("{key} is no string"))),
                (key, Fact::Nothing) if key == args_key => {}
                (key, value) if key == args_key => args = value,
                ("context", Fact::Map(context)) => claims.extend(context),
                (_, value) => claims.push((key, value)),
            }
        }
        match tool.filter(|tool| !tool.is_empty()) {
            Some(tool) => Ok(Self { tool, args, claims }),
            None => Err(bad(format!("{tool_key} is missing"))),
        }
    }

    fn tool_name(&self) -> String {
        self.tool.chars().take(200).collect()
    }

    /// The agent that is judged: the credential's own, or one that it may speak
    /// for. Else the name that it had no right to.
    fn speaks_for(&self, agent: &Agent) -> Result<AgentName, String> {
        let mut named = agent.name().clone();
        for (key, value) in &self.claims {
            if !NAMES.contains(&key.as_ref()) {
                continue;
            }
            for claimed in texts(value) {
                let name = AgentName::new(claimed).ok();
                match name.filter(|name| agent.may_act_for(name)) {
                    Some(name) if name == *agent.name() => {}
                    Some(name) if named == *agent.name() || named == name => named = name,
                    _ => {
                        return Err(claimed
                            .chars()
                            .filter(|c| !c.is_control())
                            .take(64)
                            .collect());
                    }
                }
            }
        }
        Ok(named)
    }

    fn facts<'q>(
        self,
        gateway: &Gateway,
        snapshot: &Snapshot,
        agent: &'q Agent,
        named: &'q AgentName,
    ) -> Facts<'q> {
        let domain = domain_in(&self.args);
        let mut context =
            snapshot
                .rules
                .context(gateway, agent, named, "hook", domain.as_ref(), None);
        if named != agent.name() {
            context
                .extra
                .push(("asked_by".into(), Fact::text(agent.name().as_str())));
        }
        context.claims = self.claims;
        Facts {
            tool: self.tool,
            args: self.args,
            context,
        }
    }
}

/// Every text within a claim of identity, whatever its form.
fn texts<'f>(fact: &'f Fact<'_>) -> Vec<&'f str> {
    match fact {
        Fact::Text(text) => vec![text],
        Fact::List(list) => list.iter().flat_map(texts).collect(),
        Fact::Map(pairs) => pairs.iter().flat_map(|(_, value)| texts(value)).collect(),
        _ => Vec::new(),
    }
}

/// Where the call goes, by the arguments that say so.
fn domain_in(args: &Fact<'_>) -> Option<Domain> {
    let keys = ["domain", "host", "hostname", "url", "uri"];
    keys.iter()
        .find_map(|key| domain_of(args.get(key)?.as_text()?))
}

/// What the ledger keeps: what was asked and answered, without the arguments
/// themselves, because nothing has looked for secrets in them.
fn noted(facts: &Facts<'_>, decision: &Decision) -> Value {
    let names: Vec<&str> = match &facts.args {
        Fact::Map(pairs) => pairs
            .iter()
            .map(|(name, _)| name.as_ref())
            .take(32)
            .collect(),
        _ => Vec::new(),
    };
    let args = serde_json::to_vec(&facts.args).unwrap_or_default();
    let digest: String = Sha256::digest(&args)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({
        "v": tollgate_policy::FACTS_VERSION,
        "tool": facts.tool.chars().take(200).collect::<String>(),
        "agent_id": facts.context.agent_id,
        "domain": facts.context.domain,
        "domain_lists": facts.context.domain_lists.iter().map(|list| &**list).collect::<Vec<_>>(),
        "taint": facts.context.taint.iter().map(|taint| &taint.kind).collect::<Vec<_>>(),
        "args_names": names,
        "args_sha256": digest,
        "reason": decision.reason(),
    })
}

async fn record(
    gateway: &Gateway,
    snapshot: &Snapshot,
    agent: &Agent,
    kind: &'static str,
    rule: Option<&Label>,
    facts: Value,
    outcome: &str,
) -> Result<(), Unasked> {
    let event = Event {
        id: RequestId::fresh(),
        parent: None,
        at: now(),
        plane: Plane::People,
        kind: kind.into(),
        principal: agent.principal().clone(),
        rule: rule.cloned(),
        versions: snapshot.versions.clone(),
        facts,
        outcome: outcome.into(),
        severity: match kind {
            "identity.forged" => Severity::Security,
            _ => Severity::Record,
        },
    };
    let written = gateway.ledger.write_event(event).await;
    written.map_err(|error| {
        tracing::error!(%error, "a decision is not in the ledger");
        Unasked::Ledger
    })
}

fn decided(shape: Shape, decision: &Decision) -> Response<Body> {
    let reason = match decision.reason() {
        "" => format!("by rule {}", decision.rule()),
        reason => reason.to_owned(),
    };
    let body = match shape {
        Shape::Evaluate => json!({
            "verdict": decision.verdict().as_str(),
            "reason": reason,
            "rule": &**decision.rule(),
        }),
        Shape::ClaudeCode => hook(
            decision.verdict(),
            &format!("{reason} ({})", decision.rule()),
        ),
    };
    answer(StatusCode::OK, &body)
}

/// A hook that gets anything but 200 goes on as if nobody had been asked, so
/// it always gets 200; the denial stands in the body.
fn refused(shape: Shape, unasked: &Unasked) -> Response<Body> {
    let reason = unasked.to_string();
    let mut response = match shape {
        Shape::Evaluate => answer(
            unasked.status(),
            &json!({"verdict": "deny", "reason": reason, "rule": "tollgate"}),
        ),
        Shape::ClaudeCode => answer(StatusCode::OK, &hook(Verdict::Deny, &reason)),
    };
    if let Unasked::Pace { seconds, .. } = unasked {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}

fn hook(verdict: Verdict, reason: &str) -> Value {
    let word = match verdict {
        Verdict::Review => "ask",
        other => other.as_str(),
    };
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": word,
        "permissionDecisionReason": reason,
    }})
}

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::whole(body.to_string().into()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
