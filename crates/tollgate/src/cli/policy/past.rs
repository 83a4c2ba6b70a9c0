//! Calls of the past as the ledger keeps them, and as facts again.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use tollgate_desk::{Desk, Subject};
use tollgate_judge::Judge;
use tollgate_ledger::{Past, StoredRequest};
use tollgate_policy::{Decision, Facts, Verdict};
use tollgate_routing::{Ask, RouteTable};
use tollgate_types::{Event, Label, Outcome, ReasonCode, UnixMillis};

use crate::config::{self, AgentDomains, Settings};

/// How a denial begins that comes from a rule's own fault.
pub(super) const FAILED: &str = "the rule failed";

/// A verdict as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Allow,
    Review,
    Deny,
}

impl Word {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Deny => "deny",
        }
    }
}

impl From<Verdict> for Word {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Allow,
            Verdict::Review => Self::Review,
            Verdict::Deny => Self::Deny,
        }
    }
}

/// What the rules of that time said.
pub(super) enum Known {
    /// Nothing: the call never came to them.
    Unasked,
    /// The verdict, and the rule that made it.
    Call(Word, String),
}

/// One call.
pub(super) struct Recorded {
    pub(super) id: String,
    pub(super) at: UnixMillis,
    pub(super) agent: String,
    pub(super) tool: String,
    pub(super) known: Known,
    /// Whether rules were given more at that time than the ledger keeps.
    pub(super) lacks_facts: bool,
    /// The arguments of a hook that it does not keep.
    pub(super) without: Vec<String>,
    args: Value,
    context: Value,
    /// Where a model call went: provider and model.
    served: Option<(String, String)>,
}

/// What the configuration says today.
pub(super) struct Situation {
    routes: RouteTable,
    agents: HashMap<String, AgentDomains>,
    context: Vec<(Label, Label)>,
}

impl Situation {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let routes = RouteTable::new(
            settings.routing.clone(),
            &config::windows(&settings.catalog),
        );
        let routes = routes.map_err(|faults| {
            anyhow::anyhow!(
                faults
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            )
        })?;
        let agents = settings.policy.agents.iter();
        Ok(Self {
            routes,
            agents: agents
                .map(|it| (it.agent.to_string(), it.clone()))
                .collect(),
            context: settings.policy.context.clone(),
        })
    }

    /// What holds for the agent beside the call.
    fn complete(&self, agent: &str, context: &mut Value) {
        let own = self.agents.get(agent);
        let added = own.map_or(&[][..], |own| &own.context);
        for (name, value) in self.context.iter().chain(added) {
            context[&**name] = json!(&**value);
        }
        if let Some(own) = own {
            let texts = |labels: &[Label]| labels.iter().map(|it| json!(&**it)).collect::<Vec<_>>();
            context["agent_allowed_domains"] = json!(texts(&own.allowed));
            context["agent_denied_domains"] = json!(texts(&own.denied));
        }
    }
}

impl Recorded {
    /// A call of the model plane or of a hook; none for everything else.
    pub(super) fn read(past: &Past, desk: &Desk) -> Option<Self> {
        match past {
            Past::Request(request) => Self::request(request, desk),
            Past::Event(event) if &*event.kind == "tool.judged" => Some(Self::hook(event)),
            Past::Event(_) => None,
        }
    }

    fn request(request: &StoredRequest, desk: &Desk) -> Option<Self> {
        let principal = request.principal.as_ref()?;
        let agent = principal.actor.name().to_owned();
        let subject = match &principal.run {
            Some(run) => Subject::Run(run.clone()),
            None => Subject::Agent(agent.parse().ok()?),
        };
        let taint: Vec<_> = desk
            .facts(&subject, request.at)
            .iter()
            .map(|it| it.kind.as_str())
            .collect();
        Some(Self {
            id: request.id.to_string(),
            at: request.at,
            tool: "model".to_owned(),
            known: was(request),
            lacks_facts: true,
            without: Vec::new(),
            args: json!({
                "asked": request.model_asked,
                "endpoint": request.endpoint,
                "stream": request.stream,
                "max_output": null,
                "choices": 1,
            }),
            context: json!({
                "agent_id": agent,
                "plane": "model",
                "run": principal.run,
                "bottle": principal.bottle,
                "time": request.at.0 / 1000,
                "taint": taint,
            }),
            served: request
                .provider
                .as_ref()
                .zip(request.model_served.as_ref())
                .map(|(provider, model)| (provider.to_string(), model.to_string())),
            agent,
        })
    }

    fn hook(event: &Event) -> Self {
        let facts = &event.facts;
        let known = match &*event.outcome {
            "allow" => Some(Word::Allow),
            "review" => Some(Word::Review),
            "deny" => Some(Word::Deny),
            _ => None,
        };
        let rule = event.rule.as_deref().unwrap_or("-").to_owned();
        let args = facts["args"].clone();
        let names = facts["args_names"].as_array().into_iter().flatten();
        let without: Vec<String> = names
            .filter_map(Value::as_str)
            .filter(|name| args.get(name).is_none())
            .map(str::to_owned)
            .collect();
        let agent = facts["agent_id"].as_str().unwrap_or_default().to_owned();
        Self {
            id: event.id.to_string(),
            at: event.at,
            tool: facts["tool"].as_str().unwrap_or_default().to_owned(),
            known: known.map_or(Known::Unasked, |word| Known::Call(word, rule)),
            lacks_facts: !without.is_empty(),
            without,
            args: if args.is_object() { args } else { json!({}) },
            context: json!({
                "agent_id": agent,
                "plane": "hook",
                "run": event.principal.run,
                "bottle": event.principal.bottle,
                "domain": facts["domain"],
                "domain_lists": facts["domain_lists"],
                "taint": facts["taint"],
                "time": event.at.0 / 1000,
            }),
            served: None,
            agent,
        }
    }

    /// What these rules say, and to what of it: the name asked and each
    /// candidate behind it, as admission puts them.
    pub(super) async fn judged(&self, situation: &Situation, judge: &Judge) -> (Decision, String) {
        let mut context = self.context.clone();
        situation.complete(&self.agent, &mut context);
        if self.tool != "model" || self.context["plane"] != "model" {
            let decision = decide(judge, &self.tool, &self.args, &context).await;
            let domain = self.context["domain"].as_str().unwrap_or("-").to_owned();
            return (decision, domain);
        }
        let asked = self.args["asked"].as_str().unwrap_or_default().to_owned();
        let mut args = self.args.clone();
        args["model"] = json!(asked);
        args["provider"] = Value::Null;
        let mut said = (decide(judge, "model", &args, &context).await, asked.clone());
        for (provider, model) in self.candidates(situation, &asked) {
            if !said.0.is_allowed() {
                break;
            }
            args["model"] = json!(model);
            args["provider"] = json!(provider);
            let next = decide(judge, "model", &args, &context).await;
            if !next.is_allowed() {
                said = (next, format!("{provider}/{model}"));
            }
        }
        said
    }

    /// Where it went; where it went nowhere, where it would go today.
    fn candidates(&self, situation: &Situation, asked: &str) -> Vec<(String, String)> {
        if let Some(served) = &self.served {
            return vec![served.clone()];
        }
        let Ok(plan) = situation.routes.resolve(&Ask {
            name: asked,
            ..Ask::default()
        }) else {
            return Vec::new();
        };
        let candidates = plan.candidates.iter().map(|it| {
            let provider = situation.routes.provider(it.provider);
            (provider.to_string(), it.model.to_string())
        });
        candidates.collect()
    }
}

async fn decide(judge: &Judge, tool: &str, args: &Value, context: &Value) -> Decision {
    let call = json!({"tool": tool, "args": args, "context": context}).to_string();
    match Facts::from_json(call.as_bytes()) {
        Ok(facts) => judge.decide(&facts).await,
        Err(error) => Decision::failed(&tollgate_policy::Failure::Process(error.to_string())),
    }
}

/// What became of a request, as far as rules are concerned. An agent's own
/// lists refuse before they are asked.
fn was(request: &StoredRequest) -> Known {
    let Some(rule) = &request.rule else {
        return Known::Unasked;
    };
    let refused =
        request.outcome == Outcome::Refused && request.reason == Some(ReasonCode::PolicyDenied);
    // Whatever a person said then, the rule's own word was this one.
    let message = &request.message;
    let reviewed = message.starts_with("held for review: ")
        || message.contains(" is held for review for agent ");
    let word = match refused {
        true if rule.contains("_models`") => return Known::Unasked,
        _ if reviewed => Word::Review,
        true => Word::Deny,
        false => Word::Allow,
    };
    Known::Call(word, rule.to_string())
}
