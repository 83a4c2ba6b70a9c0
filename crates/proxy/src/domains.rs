//! `GET /domains/summary` and `/domains/check/{domain}`: what rules will know
//! of a domain, before anybody goes there.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tollgate_identity::Agent;
use tollgate_policy::{covers, domain_of};
use tollgate_types::Label;

use crate::body::Body;
use crate::evaluate::{self, Unasked};
use crate::gateway::Gateway;
use crate::rules::Rules;

/// Answers what an agent asks about domains, by the lists that hold for it.
pub(crate) fn answer(gateway: &Gateway, head: &http::request::Parts) -> Response<Body> {
    let snapshot = gateway.snapshot();
    let rules = &snapshot.rules;
    let admitted = evaluate::admitted(gateway, &snapshot, head, &Method::GET);
    let found = admitted.and_then(|agent| match head.uri.path() {
        "/domains/summary" => Ok(summary(rules, agent)),
        path => check(rules, agent, path.strip_prefix("/domains/check/")),
    });
    match found {
        Ok(found) => evaluate::answer(StatusCode::OK, &found),
        Err(unasked) => evaluate::answer(unasked.status(), &json!({"error": unasked.to_string()})),
    }
}

fn summary(rules: &Rules, agent: &Agent) -> Value {
    let lists = rules.lists_of(agent.name());
    let lists = lists.map(|list| json!({"name": &**list.name(), "entries": list.len()}));
    json!({"domain_lists": lists.collect::<Vec<_>>()})
}

fn check(rules: &Rules, agent: &Agent, text: Option<&str>) -> Result<Value, Unasked> {
    let text = text.ok_or_else(|| {
        Unasked::Body("no such path, expected /domains/summary or /domains/check/DOMAIN".to_owned())
    })?;
    let domain = domain_of(text)
        .ok_or_else(|| Unasked::Body("the path does not end in a domain or a URL".to_owned()))?;
    let lists: Vec<&str> = rules
        .lists_of(agent.name())
        .filter(|list| list.has(&domain))
        .map(|list| &**list.name())
        .collect();
    let own = rules.domains.get(agent.name());
    let covered = |patterns: &[Label]| patterns.iter().any(|it| covers(it, domain.as_str()));
    let allowed = own.filter(|own| !own.allowed.is_empty());
    Ok(json!({
        "domain": domain.as_str(),
        "listed": !lists.is_empty(),
        "domain_lists": lists,
        // Null: nothing is written down for this agent.
        "agent_allowed": allowed.map(|own| covered(&own.allowed)),
        "agent_denied": own.is_some_and(|own| covered(&own.denied)),
    }))
}
