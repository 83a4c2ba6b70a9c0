use std::fmt;

use tollgate_budget::ScopePath;
use tollgate_types::{AgentName, Label, Principal, RunId};
use wildmatch::WildMatch;

use crate::KeyDigest;

/// Where an agent is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentSource {
    /// `[agents.NAME]` in the configuration.
    Config,
    /// `tollgate agents add`.
    Ledger,
    /// `agents/NAME.md`.
    File,
}

impl fmt::Display for AgentSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Config => "the configuration",
            Self::Ledger => "the ledger",
            Self::File => "agents/*.md",
        })
    }
}

/// What is set where a request says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ModelDefaults {
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Most tokens of an answer.
    pub max_tokens: Option<u64>,
    /// Tokens that are kept back of a stream's beginning; none leaves it to the
    /// server.
    pub hold_tokens: Option<u64>,
    /// The same in milliseconds.
    pub hold_ms: Option<u64>,
}

/// An agent as it is written down.
#[derive(Clone, Debug)]
pub struct AgentSpec {
    /// Its name.
    pub name: AgentName,
    /// Digests of its keys; may be empty, as for `main` in anonymous mode.
    pub keys: Vec<KeyDigest>,
    /// Globs of models it may use. Where the configuration has no such key
    /// this is `["*"]`; an empty list allows nothing.
    pub allowed_models: Vec<String>,
    /// Globs of models it may not use, whatever `allowed_models` says.
    pub blocked_models: Vec<String>,
    /// Agents that it may speak for: a hook that serves several.
    pub may_act_for: Vec<AgentName>,
    /// The bottle that it runs in and those above that, nearest first; empty
    /// outside any.
    pub bottles: Vec<Label>,
    /// Where it is written down.
    pub source: AgentSource,
    /// What is set where a request says nothing.
    pub defaults: ModelDefaults,
}

/// An agent, ready to be asked what it may do.
#[derive(Debug)]
pub struct Agent {
    spec: AgentSpec,
    principal: Principal,
    scopes: ScopePath,
    allowed: Vec<WildMatch>,
    blocked: Vec<WildMatch>,
}

/// Which list said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelList {
    /// No glob of `allowed_models` matches.
    Allowed,
    /// This glob of `blocked_models` matches.
    Blocked(String),
}

impl fmt::Display for ModelList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => out.write_str("nothing in its `allowed_models` matches"),
            Self::Blocked(glob) => write!(out, "`{glob}` in its `blocked_models` matches"),
        }
    }
}

/// An agent may not use a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("model `{model}` is denied for agent `{agent}`: {list}")]
pub struct ModelDenied {
    /// Who asked.
    pub agent: AgentName,
    /// The name that was judged, cut to 64 characters.
    pub model: String,
    /// Which list decided.
    pub list: ModelList,
}

impl Agent {
    pub(crate) fn new(spec: AgentSpec) -> Self {
        let allowed = spec.allowed_models.iter().map(|glob| WildMatch::new(glob));
        let blocked = spec.blocked_models.iter();
        // A provider that ignores case must not be a way around a block.
        let blocked = blocked.map(|glob| WildMatch::new_case_insensitive(glob));
        let mut principal = Principal::agent(spec.name.clone());
        principal.bottle = spec.bottles.first().cloned();
        Self {
            principal,
            scopes: ScopePath::chained(spec.name.clone(), &spec.bottles),
            allowed: allowed.collect(),
            blocked: blocked.collect(),
            spec,
        }
    }

    /// An agent of which nothing is written down: it has no key, and no model.
    pub fn unlisted(name: AgentName) -> Self {
        Self::new(AgentSpec {
            name,
            keys: Vec::new(),
            allowed_models: Vec::new(),
            blocked_models: Vec::new(),
            may_act_for: Vec::new(),
            bottles: Vec::new(),
            source: AgentSource::Config,
            defaults: ModelDefaults::default(),
        })
    }

    /// The same agent as it acts in a run, which may have a bottle of its own.
    pub(crate) fn in_run(&self, run: RunId, bottles: Option<Vec<Label>>) -> Self {
        let mut spec = self.spec.clone();
        spec.bottles = bottles.unwrap_or(spec.bottles);
        let mut agent = Self::new(spec);
        agent.principal.run = Some(run);
        agent
    }

    /// Its name.
    pub fn name(&self) -> &AgentName {
        &self.spec.name
    }

    /// As it is written down.
    pub fn spec(&self) -> &AgentSpec {
        &self.spec
    }

    /// The principal that acts.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The scopes whose budgets count what it uses, out to the host.
    pub fn scopes(&self) -> &ScopePath {
        &self.scopes
    }

    /// Whether it may speak for another agent.
    pub fn may_act_for(&self, other: &AgentName) -> bool {
        self.spec.name == *other || self.spec.may_act_for.contains(other)
    }

    /// Whether it may use a model. To be asked for the name that the caller
    /// wrote and for `provider/model` of every candidate that it leads to;
    /// every answer must be yes.
    ///
    /// `blocked_models` wins. Its globs are matched, case ignored, against the
    /// name and against what follows each of its slashes: `gpt-4o` blocks
    /// `openai/gpt-4o` and `openrouter/openai/gpt-4o`. Globs of
    /// `allowed_models` are matched exactly, against the name and against what
    /// follows its first slash: `gpt-4o` allows `openai/gpt-4o`. So an alias
    /// has to be allowed together with what it stands for, and an operator who
    /// points it elsewhere later has not widened what the agent may use.
    ///
    /// # Errors
    /// [`ModelDenied`] says which list decided.
    pub fn may_use(&self, model: &str) -> Result<(), ModelDenied> {
        let denied = |list| {
            Err(ModelDenied {
                agent: self.spec.name.clone(),
                model: model.chars().filter(|c| !c.is_control()).take(64).collect(),
                list,
            })
        };
        let mut names = suffixes(model);
        if let Some(glob) = self
            .blocked
            .iter()
            .find(|glob| names.clone().any(|name| glob.matches(name)))
        {
            return denied(ModelList::Blocked(glob.pattern()));
        }
        let bare = names.nth(1);
        let allows =
            |glob: &WildMatch| glob.matches(model) || bare.is_some_and(|bare| glob.matches(bare));
        if self.allowed.iter().any(allows) {
            return Ok(());
        }
        denied(ModelList::Allowed)
    }
}

/// The name and what follows each of its slashes.
fn suffixes(name: &str) -> impl Iterator<Item = &str> + Clone {
    std::iter::successors(Some(name), |name| Some(name.split_once('/')?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(allowed: &[&str], blocked: &[&str]) -> Agent {
        let owned = |globs: &[&str]| globs.iter().map(ToString::to_string).collect();
        Agent::new(AgentSpec {
            name: AgentName::new("ci-bot").unwrap(),
            keys: Vec::new(),
            allowed_models: owned(allowed),
            blocked_models: owned(blocked),
            may_act_for: Vec::new(),
            bottles: Vec::new(),
            source: AgentSource::Config,
            defaults: ModelDefaults::default(),
        })
    }

    #[test]
    fn the_lists_decide() {
        let table: [(&[&str], &[&str], &str, bool); 14] = [
            (&["*"], &[], "openai/gpt-4o", true),
            (&[], &[], "openai/gpt-4o", false),
            (&["gpt-*"], &[], "gpt-4o", true),
            (&["gpt-*"], &[], "openai/gpt-4o", true),
            (&["gpt-*"], &[], "openrouter/openai/gpt-4o", false),
            (&["openai/*"], &[], "openai/gpt-4o", true),
            (&["openai/*"], &[], "gpt-4o", false),
            (&["GPT-4o"], &[], "gpt-4o", false),
            (&["*"], &["gpt-4o"], "gpt-4o", false),
            (&["*"], &["gpt-4o"], "openai/gpt-4o", false),
            (&["*"], &["gpt-4o"], "openrouter/openai/GPT-4o", false),
            (&["*"], &["gpt-4o"], "gpt-4o-mini", true),
            (&["gpt-4o"], &["gpt-4o"], "gpt-4o", false),
            (&["*"], &["anthropic/*"], "claude-opus", true),
        ];
        for (allowed, blocked, model, expected) in table {
            let judged = agent(allowed, blocked).may_use(model);
            assert_eq!(judged.is_ok(), expected, "{allowed:?} {blocked:?} {model}");
        }
    }

    #[test]
    fn a_refusal_names_the_list() {
        let blocked = agent(&["*"], &["claude-*", "o?-*"]).may_use("openai/o1-pro");
        assert_eq!(
            blocked.unwrap_err().to_string(),
            "model `openai/o1-pro` is denied for agent `ci-bot`: `o?-*` in its `blocked_models` matches"
        );
        let missing = agent(&["gpt-*"], &[]).may_use("opus\r\n-large");
        assert_eq!(
            missing.unwrap_err().to_string(),
            "model `opus-large` is denied for agent `ci-bot`: nothing in its `allowed_models` matches"
        );
    }
}
