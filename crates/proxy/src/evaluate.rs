//! `POST /evaluate` and `/hooks/…`: rules for tools that Tollgate
//! does not run itself. Who asks is known from the credential and from nothing
//! in the body.

mod noted;

use std::borrow::Cow;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tollgate_identity::{Agent, bearer_token};
use tollgate_policy::{Decision, Domain, Fact, Facts, Verdict, domain_of};
use tollgate_types::AgentName;

use crate::body::Body;
use crate::conversation::Incoming;
use crate::gateway::Gateway;
use crate::head;
use crate::intake::{Intake, read_body};
use crate::pace::RULES;
use crate::rewrite::{Rewriting, Rewritten, becomes_exec, rewritten};
use crate::snapshot::{Limits, Snapshot};
use noted::{heard, noted, record};

/// Largest body, in bytes: what a tool is called with, not what it reads.
const LARGEST: usize = 1 << 20;

/// Which of the two shapes is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{tool, args, context}` → `{verdict, reason, rule}`, as clashd.
    Evaluate,
    /// Claude Code's `PreToolUse` hook.
    ClaudeCode,
    /// What zeroclaw tells of its own doings: written down, nothing is judged.
    ZeroclawAudit,
}

impl Shape {
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/evaluate" => Some(Self::Evaluate),
            "/hooks/claude-code" => Some(Self::ClaudeCode),
            "/hooks/zeroclaw-audit" => Some(Self::ZeroclawAudit),
            _ => None,
        }
    }
}

/// Why rules were not asked. All of it is a denial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unasked {
    #[error("found {found}, expected {expected}")]
    Method { found: String, expected: Method },
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
    #[error("the text could not be looked at")]
    Unread,
}

impl Unasked {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Pace { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Forged { .. } => StatusCode::FORBIDDEN,
            Self::Ledger => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unread => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Method { .. } | Self::Body(_) => "bad_request",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Pace { .. } => "rate_limited",
            Self::Forged { .. } => "forged",
            Self::Ledger => "ledger_unavailable",
            Self::Unread => "internal",
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
        Ok(Some(said)) => decided(shape, &said),
        Ok(None) => answer(StatusCode::OK, &json!({"status": "ok"})),
        Err(unasked) => refused(shape, &unasked),
    }
}

async fn ask(
    gateway: &Gateway,
    shape: Shape,
    request: Request<Incoming>,
) -> Result<Option<Said>, Unasked> {
    let (head, body) = request.into_parts();
    let how = Rewriting::of(head.uri.query());
    let snapshot = gateway.snapshot();
    let agent = admitted(gateway, &snapshot, &head, &Method::POST)?;
    let intake = read_body(body, &limits(&snapshot), &gateway.memory).await;
    let Intake { bytes, hold: _hold } = intake.map_err(|error| Unasked::Body(error.to_string()))?;
    let question = Question::read(shape, &bytes)?;
    let named = question.named(gateway, &snapshot, agent).await?;
    if shape == Shape::ZeroclawAudit {
        let facts = heard(&question, &named, &bytes);
        record(gateway, &snapshot, agent, "hook.audit", None, facts, "ok").await?;
        return Ok(None);
    }
    let mut facts = question.facts(gateway, &snapshot, agent, &named);
    let program = gateway.exec.as_deref();
    let program = program.filter(|_| shape == Shape::ClaudeCode);
    if becomes_exec(program, how, &facts).is_some() {
        let becomes = ("becomes".into(), Fact::text("exec"));
        facts.context.extra.push(becomes);
    }
    let decision = snapshot.rules.judge.decide(&facts).await;
    let instead = program.and_then(|program| rewritten(program, how, &named, &facts, &decision));
    let noted = noted(&facts, &decision, instead.is_some());
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
    Ok(Some(Said { decision, instead }))
}

/// What the rules say, and what takes the place of the call.
struct Said {
    decision: Decision,
    instead: Option<Rewritten>,
}

/// What every question of a hook has to pass: a method, a head, a key, a pace.
pub(crate) fn admitted<'s>(
    gateway: &Gateway,
    snapshot: &'s Snapshot,
    head: &http::request::Parts,
    method: &Method,
) -> Result<&'s Agent, Unasked> {
    if head.method != *method {
        return Err(Unasked::Method {
            found: head.method.as_str().chars().take(20).collect(),
            expected: method.clone(),
        });
    }
    head::check(head, &snapshot.limits).map_err(|error| Unasked::Body(error.to_string()))?;
    let agent = identified(snapshot, head)?;
    let pace = gateway.pace.take(agent.name(), RULES, Instant::now());
    pace.map_err(|wait| Unasked::Pace {
        agent: agent.name().clone(),
        seconds: wait.as_secs().max(1),
    })?;
    Ok(agent)
}

fn limits(snapshot: &Snapshot) -> Limits {
    Limits {
        body_bytes: LARGEST.min(snapshot.limits.body_bytes),
        ..snapshot.limits
    }
}

/// Only a key will do: no loopback, no anonymous caller.
pub(crate) fn identified<'s>(
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
            Shape::Evaluate | Shape::ZeroclawAudit => ("tool", "args"),
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
                (key, _) if key == tool_key && shape != Shape::ZeroclawAudit => {
                    return Err(bad(format!("{key} is no string")));
                }
                (key, Fact::Nothing) if key == args_key => {}
                (key, value) if key == args_key => args = value,
                ("context", Fact::Map(context)) => claims.extend(context),
                (_, value) => claims.push((key, value)),
            }
        }
        match tool.filter(|tool| !tool.is_empty()) {
            Some(tool) => Ok(Self { tool, args, claims }),
            None if shape == Shape::ZeroclawAudit => Ok(Self {
                tool: Cow::Borrowed(""),
                args,
                claims,
            }),
            None => Err(bad(format!("{tool_key} is missing"))),
        }
    }

    fn tool_name(&self) -> String {
        self.tool.chars().take(200).collect()
    }

    /// The same, and a forged name is in the ledger before it is refused.
    async fn named(
        &self,
        gateway: &Gateway,
        snapshot: &Snapshot,
        agent: &Agent,
    ) -> Result<AgentName, Unasked> {
        let claimed = match self.speaks_for(agent) {
            Ok(named) => return Ok(named),
            Err(claimed) => claimed,
        };
        let facts = json!({"v": 1, "claimed": claimed, "tool": self.tool_name()});
        let kind = "identity.forged";
        record(gateway, snapshot, agent, kind, None, facts, "refused").await?;
        Err(Unasked::Forged {
            agent: agent.name().clone(),
            claimed,
        })
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
        snapshot: &'q Snapshot,
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

fn decided(shape: Shape, said: &Said) -> Response<Body> {
    let decision = &said.decision;
    let reason = match decision.reason() {
        "" => format!("by rule {}", decision.rule()),
        reason => reason.to_owned(),
    };
    let body = match shape {
        Shape::Evaluate | Shape::ZeroclawAudit => json!({
            "verdict": decision.verdict().as_str(),
            "reason": reason,
            "rule": &**decision.rule(),
        }),
        Shape::ClaudeCode => {
            let reason = format!("{reason} ({})", decision.rule());
            match &said.instead {
                None => hook(decision.verdict(), &reason),
                Some(Rewritten::Input(input)) => replaced(input, &reason),
                Some(Rewritten::Command(command)) => {
                    hook(Verdict::Deny, &format!("run it as: {command}"))
                }
            }
        }
    };
    answer(StatusCode::OK, &body)
}

/// A hook that gets anything but 200 goes on as if nobody had been asked, so
/// it always gets 200; the denial stands in the body.
fn refused(shape: Shape, unasked: &Unasked) -> Response<Body> {
    let reason = unasked.to_string();
    let mut response = match shape {
        Shape::Evaluate | Shape::ZeroclawAudit => answer(
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

/// The call goes on with other arguments: what it runs then asks by itself, so
/// nobody has to be asked here.
fn replaced(input: &Value, reason: &str) -> Value {
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "allow",
        "permissionDecisionReason": reason,
        "updatedInput": input,
    }})
}

pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::whole(body.to_string().into()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
