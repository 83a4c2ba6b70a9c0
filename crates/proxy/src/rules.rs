use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use tollgate_budget::ScopePath;
use tollgate_desk::{Desk, Subject};
use tollgate_identity::Agent;
use tollgate_judge::Judge;
use tollgate_llm::Endpoint;
use tollgate_policy::{Context, Decision, Domain, DomainList, Fact, Facts, Taint, Verdict};
use tollgate_routing::{Candidate, RouteTable};
use tollgate_types::{AgentName, Label, Tier, UnixMillis};

use crate::account::now;
use crate::bank::Bank;
use crate::gateway::Gateway;
use crate::refusal::Refusal;

/// The rules in force, and what they know of agents beside the call itself.
pub struct Rules {
    /// The one decide function.
    pub judge: Arc<Judge>,
    /// Domain lists that hold for every agent.
    pub lists: Vec<Arc<DomainList>>,
    /// Facts that the operator adds, for agents without any of their own.
    pub context: Vec<(Label, Label)>,
    /// Where single agents may go.
    pub domains: HashMap<AgentName, Domains>,
}

/// Where one agent may go.
#[derive(Default)]
pub struct Domains {
    /// Domains that it may reach; none says nothing.
    pub allowed: Arc<[Label]>,
    /// Domains that it may not reach.
    pub denied: Arc<[Label]>,
    /// Lists of its own.
    pub lists: Vec<Arc<DomainList>>,
    /// Facts that the operator adds, those for every agent counted.
    pub context: Vec<(Label, Label)>,
}

/// A model request as rules see it.
pub(crate) struct ModelCall<'c> {
    /// The name that the caller wrote.
    pub(crate) asked: &'c str,
    /// None where it is only asked whether the model may be listed.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) stream: bool,
    pub(crate) max_output: Option<u64>,
    pub(crate) choices: u64,
}

/// What rules that deny nothing say to a model request.
pub(crate) struct Judged {
    /// What speaks for it: the first word with a reason, or the first.
    pub(crate) said: Decision,
    /// The first word that wants a person, and what it was said about.
    pub(crate) review: Option<(Decision, String)>,
}

impl Judged {
    fn weigh(&mut self, agent: &Agent, model: impl FnOnce() -> String) -> Result<(), Refusal> {
        match self.said.verdict() {
            Verdict::Deny => return Err(Refusal::denied(model(), agent.name(), &self.said)),
            Verdict::Review => self.review = Some((self.said.clone(), model())),
            Verdict::Allow => {}
        }
        Ok(())
    }

    fn join(&mut self, next: Self) {
        if self.said.reason().is_empty() && !next.said.reason().is_empty() {
            self.said = next.said;
        }
        self.review = self.review.take().or(next.review);
    }
}

impl<'c> ModelCall<'c> {
    /// The question whether a name may be listed.
    pub(crate) fn listed(asked: &'c str) -> Self {
        Self {
            asked,
            endpoint: None,
            stream: false,
            max_output: None,
            choices: 1,
        }
    }

    fn args(&self, model: &'c str, provider: Option<&'c str>) -> Fact<'c> {
        Fact::map([
            ("model", Fact::text(model)),
            ("asked", Fact::text(self.asked)),
            ("provider", provider.into()),
            ("endpoint", self.endpoint.map(Endpoint::path).into()),
            ("stream", self.stream.into()),
            ("max_output", self.max_output.into()),
            ("choices", self.choices.into()),
        ])
    }
}

impl Rules {
    /// Puts the name asked and every concrete candidate to the rules; the first
    /// that is denied refuses the request.
    pub(crate) async fn model<'c>(
        &self,
        gateway: &Gateway,
        agent: &Agent,
        call: &ModelCall<'c>,
        routes: &'c RouteTable,
        candidates: impl IntoIterator<Item = &'c Candidate>,
    ) -> Result<Judged, Refusal> {
        let ask = |model: &'c str, provider: Option<&'c str>| Facts {
            tool: Cow::Borrowed("model"),
            args: call.args(model, provider),
            context: self.context(gateway, agent, agent.name(), "model", None, provider),
        };
        let said = self.judge.decide(&ask(call.asked, None)).await;
        let mut judged = Judged { said, review: None };
        judged.weigh(agent, || call.asked.chars().take(200).collect())?;
        for candidate in candidates {
            let provider = routes.provider(candidate.provider);
            let facts = ask(&candidate.model, Some(provider));
            let said = self.judge.decide(&facts).await;
            let mut next = Judged { said, review: None };
            next.weigh(agent, || format!("{provider}/{}", candidate.model))?;
            judged.join(next);
        }
        Ok(judged)
    }

    /// Whether what the rules say of this agent's models depends on the question and the
    /// snapshot alone: nothing moves that they could see, and nothing has happened.
    pub(crate) fn depend_on_nothing_else(&self, gateway: &Gateway, agent: &Agent) -> bool {
        let name = agent.name();
        self.judge.is_steady()
            && (gateway.desk.is_empty() || taint(&gateway.desk, agent, name, now()).is_empty())
    }

    /// The lists that hold for an agent: everybody's, then its own.
    pub(crate) fn lists_of(&self, agent: &AgentName) -> impl Iterator<Item = &Arc<DomainList>> {
        let own = self.domains.get(agent);
        self.lists
            .iter()
            .chain(own.map_or(&[][..], |own| &own.lists))
    }

    /// What is known around a call. `agent` is the credential's; `named` the one
    /// that it may speak for; `provider` is asked where one is known.
    pub(crate) fn context<'c>(
        &'c self,
        gateway: &Gateway,
        agent: &'c Agent,
        named: &'c AgentName,
        plane: &'static str,
        domain: Option<&Domain>,
        provider: Option<&str>,
    ) -> Context<'c> {
        let now = now();
        let own = self.domains.get(named);
        let added = own.map_or(&self.context, |own| &own.context);
        let on = |domain: &Domain| {
            let lists = self.lists_of(named).filter(|list| list.has(domain));
            lists.map(|list| list.name().clone()).collect()
        };
        // Model requests are the many, and steady rules can't see what is left.
        let left = (plane != "model" || !self.judge.is_steady())
            .then(|| budget_left(&gateway.bank, agent, named, provider, now));
        Context {
            agent_id: Cow::Borrowed(named.as_str()),
            run: agent
                .principal()
                .run
                .as_ref()
                .map(|run| Cow::Borrowed(run.as_str())),
            plane: Cow::Borrowed(plane),
            bottle: agent.principal().bottle.as_deref().map(Cow::Borrowed),
            domain_lists: domain.map(on).unwrap_or_default(),
            domain: domain.map(|domain| Cow::Owned(domain.as_str().to_owned())),
            agent_allowed_domains: own.map(|own| Arc::clone(&own.allowed)).unwrap_or_default(),
            agent_denied_domains: own.map(|own| Arc::clone(&own.denied)).unwrap_or_default(),
            taint: taint(&gateway.desk, agent, named, now),
            budget_left: left.flatten(),
            time: now,
            extra: added
                .iter()
                .map(|(name, value)| (Cow::Borrowed(&**name), Fact::text(value)))
                .collect(),
            ..Context::default()
        }
    }
}

/// What has happened in the run, or to the agent outside any run. Where a hook
/// within a run speaks for another agent, what is known of either counts.
fn taint(desk: &Desk, agent: &Agent, named: &AgentName, now: UnixMillis) -> Vec<Taint<'static>> {
    if desk.is_empty() {
        return Vec::new();
    }
    let run = agent.principal().run.clone().map(Subject::Run);
    let is_own = run.is_some() && named == agent.name();
    let outside = (!is_own).then(|| Subject::Agent(named.clone()));
    let mut all: Vec<Taint<'static>> = Vec::new();
    for fact in run
        .iter()
        .chain(&outside)
        .flat_map(|it| desk.facts(it, now))
    {
        let kind = fact.kind.as_str();
        if !all.iter().any(|known| known.kind == kind) {
            all.push(Taint {
                kind: Cow::Borrowed(kind),
                source: Cow::Owned(fact.source.as_ref().to_owned()),
                at: fact.at,
            });
        }
    }
    all
}

/// Tokens that are left at the budgets that hold; without a provider, at those
/// that count every one.
fn budget_left(
    bank: &Bank,
    agent: &Agent,
    named: &AgentName,
    provider: Option<&str>,
    now: UnixMillis,
) -> Option<u64> {
    let run = agent.principal().run.as_ref();
    let run = run.filter(|_| named == agent.name());
    let who = match named == agent.name() {
        true => agent.scopes().clone(),
        false => ScopePath::agent(named.clone()),
    };
    let room = bank
        .budgets()
        .room(&who, run, provider.unwrap_or_default(), now);
    room.tokens
}

impl Gateway {
    /// What the rules say of a command. `agent` is the credential's; `named`
    /// the one that is judged.
    pub async fn judge_command(
        &self,
        agent: &Agent,
        named: &AgentName,
        args: Fact<'_>,
        tier: Tier,
    ) -> Decision {
        let snapshot = self.snapshot();
        let rules = &snapshot.rules;
        let mut context = rules.context(self, agent, named, "command", None, None);
        context.tier = Some(Cow::Borrowed(tier.name()));
        let facts = Facts {
            tool: Cow::Borrowed("exec"),
            args,
            context,
        };
        rules.judge.decide(&facts).await
    }
}

impl Refusal {
    /// What a rule that did not allow a model means to its caller.
    pub(crate) fn denied(model: String, agent: &AgentName, said: &Decision) -> Self {
        Self::Rule {
            model,
            agent: agent.to_string(),
            review: said.verdict() == Verdict::Review,
            rule: said.rule().clone(),
            reason: said.reason().to_owned(),
        }
    }
}
