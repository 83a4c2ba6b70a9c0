use tollgate_api::{RequestSummary, Story, StoryStep};
use tollgate_ledger::StoredRequest;
use tollgate_types::{Actor, Attempt, Outcome, Principal, ReasonCode, Sighting, UsageSource};

/// One request's path, step by step, from what the ledger knows of it.
///
/// Pure: the same record always gives the same story. Steps that a request
/// did not reach are left out; the last one says what stopped it.
pub fn story(request: &StoredRequest) -> Story {
    Story {
        request: summary(request),
        ending: ending(request),
        run: request
            .principal
            .as_ref()
            .and_then(|who| who.run.as_ref())
            .map(|run| run.as_str().to_owned()),
        rule: request.rule.as_deref().map(str::to_owned),
        config_version: request.versions.config,
        policy_version: match &*request.versions.policy {
            "" => "none".into(),
            policy => policy.into(),
        },
        overhead_micros: request.overhead_micros,
        steps: steps(request),
    }
}

/// One request in short.
pub fn summary(request: &StoredRequest) -> RequestSummary {
    let text = |label: &Option<std::sync::Arc<str>>| label.as_deref().map(str::to_owned);
    RequestSummary {
        id: request.id.to_string(),
        at: request.at.0,
        agent: request
            .principal
            .as_ref()
            .map(|who| who.actor.name().into()),
        dialect: request.dialect.as_ref().into(),
        endpoint: request.endpoint.as_ref().into(),
        stream: request.stream,
        provider: text(&request.provider),
        model_asked: text(&request.model_asked),
        model_served: text(&request.model_served),
        credential: text(&request.credential),
        attempts: request.attempts.len() as u64,
        status: request.status,
        outcome: request.outcome.as_str().into(),
        reason: request.reason.map(|reason| reason.as_str().into()),
        input: request.usage.tokens.input,
        cache_read: request.usage.tokens.cache_read,
        cache_write: request.usage.tokens.cache_write,
        output: request.usage.tokens.output,
        estimated: request.usage.source == UsageSource::Estimated,
        latency_micros: request.latency_micros,
        first_byte_micros: request.first_byte_micros,
    }
}

fn ending(request: &StoredRequest) -> String {
    let after = milliseconds(request.latency_micros);
    match request.outcome {
        Outcome::Ok => format!("answered with {} after {after}", request.status),
        Outcome::Refused => format!("refused with {}: {}", request.status, why(request)),
        Outcome::Failed => format!("failed with {}: {}", request.status, why(request)),
        Outcome::ClientLeft => format!("the caller left after {after}"),
    }
}

/// The log's own words, or the reason's where there are none.
fn why(request: &StoredRequest) -> String {
    match (request.message.as_str(), request.reason) {
        ("", Some(reason)) => format!("`{reason}`"),
        ("", None) => "no reason was given".into(),
        (message, _) => message.into(),
    }
}

fn steps(request: &StoredRequest) -> Vec<StoryStep> {
    let stopped = stopped_at(request);
    let before = [
        (Stage::Accepted, accepted(request)),
        (Stage::Identified, identified(request)),
        (Stage::Planned, planned(request)),
        (Stage::Permitted, permitted(request)),
        (Stage::Scanned, scanned(request)),
        (Stage::Reserved, reserved(request)),
    ];
    let mut steps = Vec::new();
    for (stage, detail) in before {
        let at_ms = (stage == Stage::Accepted).then_some(0.0);
        if stopped == Some(stage) {
            steps.push(step(stage.word(), "refused", at_ms, refusal(request)));
            steps.push(settled(request));
            return steps;
        }
        let is_nothing = stage == Stage::Scanned && request.findings.is_empty();
        if !is_nothing {
            steps.push(step(stage.word(), "done", at_ms, detail));
        }
    }
    attempts(request, &mut steps);
    if stopped == Some(Stage::Leased) {
        steps.push(step("leased", "refused", None, refusal(request)));
    } else if let Some(relayed) = relayed(request) {
        steps.push(relayed);
    }
    steps.push(settled(request));
    steps
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Accepted,
    Identified,
    Planned,
    Permitted,
    Scanned,
    Reserved,
    Leased,
}

impl Stage {
    const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Identified => "identified",
            Self::Planned => "planned",
            Self::Permitted => "permitted",
            Self::Scanned => "scanned",
            Self::Reserved => "reserved",
            Self::Leased => "leased",
        }
    }
}

/// Where a request that reached no provider was stopped.
fn stopped_at(request: &StoredRequest) -> Option<Stage> {
    use ReasonCode as R;
    if !request.attempts.is_empty() {
        return None;
    }
    match request.reason? {
        R::Unauthenticated => Some(Stage::Identified),
        R::UnknownModel | R::UnsupportedDialect | R::NotConfigured => Some(Stage::Planned),
        // A budget that is used up cuts off as well.
        R::CutOff if request.budget.is_some() => Some(Stage::Reserved),
        R::PolicyDenied | R::CutOff => Some(Stage::Permitted),
        R::SecretFound => Some(Stage::Scanned),
        R::BudgetExhausted | R::RateLimited => Some(Stage::Reserved),
        R::PoolExhausted => Some(Stage::Leased),
        // What is wrong with the body is found before a model is looked up.
        R::BadRequest | R::BodyTooLarge | R::SlowClient | R::ClientLeft
            if request.principal.is_some() =>
        {
            Some(Stage::Planned)
        }
        R::BadRequest
        | R::BodyTooLarge
        | R::HeadersTooLarge
        | R::SlowClient
        | R::ClientLeft
        | R::NotFound
        | R::Overloaded
        | R::Draining
        | R::LedgerUnavailable => Some(Stage::Accepted),
        _ => Some(Stage::Leased),
    }
}

fn refusal(request: &StoredRequest) -> String {
    match request.reason {
        Some(reason) if !request.message.is_empty() => format!("{} (`{reason}`)", request.message),
        _ => why(request),
    }
}

fn accepted(request: &StoredRequest) -> String {
    let stream = if request.stream { ", as a stream" } else { "" };
    format!(
        "`{}` in the dialect of {}{stream}",
        request.endpoint, request.dialect
    )
}

fn identified(request: &StoredRequest) -> String {
    let Some(Principal { actor, run, .. }) = &request.principal else {
        return "no one".into();
    };
    let who = match actor {
        Actor::Agent(name) => format!("agent `{name}`"),
        Actor::Operator(name) => format!("operator `{name}`"),
        Actor::Gateway => "the gateway itself".into(),
    };
    match run {
        Some(run) => format!("{who} in run `{}`", run.as_str()),
        None => who,
    }
}

fn planned(request: &StoredRequest) -> String {
    let asked = request.model_asked.as_deref().unwrap_or("nothing");
    let mut candidates: Vec<String> = Vec::new();
    let tried = request
        .attempts
        .iter()
        .map(|attempt| (&attempt.provider, &attempt.model));
    let last = request.provider.as_ref().zip(request.model_served.as_ref());
    for (provider, model) in tried.chain(last) {
        let candidate = format!("`{provider}/{model}`");
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    match candidates.is_empty() {
        true => format!("asked for `{asked}`"),
        false => format!("asked for `{asked}`, tried {}", candidates.join(", then ")),
    }
}

fn permitted(request: &StoredRequest) -> String {
    let config = request.versions.config;
    match (request.rule.as_deref(), &*request.versions.policy) {
        // What a rule said while it allowed, such as what it would have done.
        (Some(rule), _) if request.outcome == Outcome::Ok && !request.message.is_empty() => {
            format!(
                "by rule `{rule}`: {} (configuration {config})",
                request.message
            )
        }
        (Some(rule), _) => format!("by rule `{rule}` (configuration {config})"),
        (None, "" | "none") => {
            format!("by the agent's own list of models (configuration {config}, no policy)")
        }
        (None, policy) => format!("by policy `{policy}` (configuration {config})"),
    }
}

/// What was found, most telling first: never the text.
fn scanned(request: &StoredRequest) -> String {
    let told = |it: &Sighting| {
        let times = match it.count {
            1 => String::new(),
            count => format!(" {count} times"),
        };
        let (way, done) = (it.direction.as_str(), it.consequence.as_str());
        format!(
            "`{}` in {}{times}, {way}: {done} (`{}`)",
            it.kind, it.place, it.detector
        )
    };
    let all: Vec<_> = request.findings.iter().map(told).collect();
    all.join("; ")
}

fn reserved(request: &StoredRequest) -> String {
    match (request.budget.as_deref(), request.reserved_tokens) {
        (None, 0) => "no budget stands in the way".into(),
        (None, tokens) => format!("{tokens} tokens, which count and no budget limits"),
        (Some(budget), tokens) => format!("{tokens} tokens at most, of budget `{budget}`"),
    }
}

/// One step per attempt. Waiting between attempts is not recorded, so only the
/// first one's beginning is known.
fn attempts(request: &StoredRequest, steps: &mut Vec<StoryStep>) {
    for (number, attempt) in request.attempts.iter().enumerate() {
        let at_ms = (number == 0).then(|| milli(request.overhead_micros));
        let state = if attempt.fault.is_some() {
            "failed"
        } else {
            "done"
        };
        let name = format!("attempt {}", number + 1);
        steps.push(step(&name, state, at_ms, attempt_detail(attempt)));
    }
}

fn attempt_detail(attempt: &Attempt) -> String {
    let mut detail = format!("`{}/{}`", attempt.provider, attempt.model);
    if !attempt.credential.is_empty() {
        detail.push_str(&format!(" with `{}`", attempt.credential));
    }
    match (attempt.status, attempt.fault) {
        (Some(status), None) => detail.push_str(&format!(": {status}")),
        (Some(status), Some(fault)) => {
            detail.push_str(&format!(": {status}, `{}`", fault.as_str()));
        }
        (None, Some(fault)) => detail.push_str(&format!(": `{}`", fault.as_str())),
        (None, None) => {}
    }
    if !attempt.note.is_empty() {
        detail.push_str(&format!(" ({})", attempt.note));
    }
    detail.push_str(&format!(", took {}", milliseconds(attempt.micros)));
    detail
}

/// The answer's way to the caller, where one began.
fn relayed(request: &StoredRequest) -> Option<StoryStep> {
    let at_ms = Some(milli(request.first_byte_micros?));
    let status = request.status;
    let (state, detail) = match request.outcome {
        Outcome::Ok => ("done", format!("{status}, whole answer")),
        Outcome::ClientLeft => ("client_left", "the caller left before the end".into()),
        Outcome::Failed | Outcome::Refused => ("failed", refusal(request)),
    };
    Some(step("relayed", state, at_ms, detail))
}

fn settled(request: &StoredRequest) -> StoryStep {
    let tokens = &request.usage.tokens;
    let detail = match request.usage.source {
        UsageSource::None => "nothing was used".into(),
        source => format!(
            "{} tokens, {}: {} input, {} cache read, {} cache write, {} output",
            tokens.total(),
            source.as_str(),
            tokens.input,
            tokens.cache_read,
            tokens.cache_write,
            tokens.output
        ),
    };
    let state = match request.outcome {
        Outcome::Ok => "done",
        outcome => outcome.as_str(),
    };
    let at_ms = Some(milli(request.latency_micros));
    step("settled", state, at_ms, detail)
}

fn step(name: &str, state: &str, at_ms: Option<f64>, detail: String) -> StoryStep {
    StoryStep {
        step: name.into(),
        state: state.into(),
        at_ms,
        detail,
    }
}

/// Milliseconds to the microsecond.
fn milli(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn milliseconds(micros: u64) -> String {
    format!("{:.1} ms", milli(micros))
}

#[cfg(test)]
mod tests;
