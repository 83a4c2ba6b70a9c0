use std::collections::HashMap;
use std::sync::Arc;

use tollgate_types::{AgentName, Label, OperatorName, RunId};

use crate::{Agent, AgentSource, AgentSpec, KeyDigest, LONGEST_KEY};

/// Agents or operators that can't be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookFault {
    /// The same agent written down twice.
    #[error("agent `{name}` is in {first} and again in {second}, expected it once")]
    SameName {
        /// The name.
        name: AgentName,
        /// Where it was first.
        first: AgentSource,
        /// Where it is again.
        second: AgentSource,
    },
    /// One key that would prove two agents or operators.
    #[error("`{first}` and `{second}` have the same key, expected a key of its own for each")]
    SharedKey {
        /// Who has it.
        first: String,
        /// Who has it too.
        second: String,
    },
    /// One key listed twice for the same agent.
    #[error("agent `{name}` has the same key twice, expected each key once")]
    SameKey {
        /// The agent.
        name: AgentName,
    },
}

/// A key that was minted for one run of an agent.
#[derive(Clone, Debug)]
pub struct RunKey {
    /// Whose run it is.
    pub agent: AgentName,
    /// The key.
    pub key: KeyDigest,
    /// What it stands for.
    pub run: RunId,
    /// The run's own bottle and those above it; none for the agent's.
    pub bottles: Option<Vec<Label>>,
}

/// All agents, by key and by name.
#[derive(Debug, Default)]
pub struct AgentBook {
    agents: Vec<Arc<Agent>>,
    by_name: HashMap<AgentName, usize>,
    by_key: HashMap<KeyDigest, usize>,
    by_run_key: HashMap<KeyDigest, Arc<Agent>>,
}

impl AgentBook {
    /// A book of agents from every source.
    ///
    /// # Errors
    /// Every name and every key that occurs twice.
    pub fn new(specs: Vec<AgentSpec>) -> Result<Self, Vec<BookFault>> {
        let (mut book, mut faults) = (Self::default(), Vec::new());
        for spec in specs {
            book.add(spec, &mut faults);
        }
        if faults.is_empty() {
            Ok(book)
        } else {
            Err(faults)
        }
    }

    /// The book with the keys of these runs: who has one is its agent, in that
    /// run. A run whose agent is gone has no key that opens.
    #[must_use]
    pub fn with_runs(mut self, runs: impl IntoIterator<Item = RunKey>) -> Self {
        let keys = runs.into_iter().filter_map(|it| {
            let agent = self.get(&it.agent)?.in_run(it.run, it.bottles);
            Some((it.key, Arc::new(agent)))
        });
        self.by_run_key = keys.collect();
        self
    }

    fn add(&mut self, spec: AgentSpec, faults: &mut Vec<BookFault>) {
        let place = self.agents.len();
        if let Some(&first) = self.by_name.get(&spec.name) {
            faults.push(BookFault::SameName {
                first: self.agents[first].spec().source,
                second: spec.source,
                name: spec.name,
            });
            return;
        }
        for key in &spec.keys {
            match self.by_key.insert(*key, place) {
                None => {}
                Some(other) if other == place => faults.push(BookFault::SameKey {
                    name: spec.name.clone(),
                }),
                Some(other) => faults.push(BookFault::SharedKey {
                    first: self.agents[other].name().to_string(),
                    second: spec.name.to_string(),
                }),
            }
        }
        self.by_name.insert(spec.name.clone(), place);
        self.agents.push(Arc::new(Agent::new(spec)));
    }

    /// Whose key this is.
    ///
    /// The digest is looked up in a hash map, with comparisons that may end
    /// early. Their timing can't be used: it tells about the digest, and who
    /// could steer a SHA-256 digest byte by byte towards a stored one could
    /// find preimages outright.
    pub fn identify(&self, token: &str) -> Option<&Arc<Agent>> {
        let digest = digest_of(token)?;
        let own = self.by_key.get(&digest);
        own.map(|place| &self.agents[*place])
            .or_else(|| self.by_run_key.get(&digest))
    }

    /// The agent of that name.
    pub fn get(&self, name: &AgentName) -> Option<&Arc<Agent>> {
        self.by_name.get(name).map(|place| &self.agents[*place])
    }

    /// All agents, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Agent>> {
        self.agents.iter()
    }
}

/// All operators, by token.
#[derive(Debug, Default)]
pub struct OperatorBook {
    by_token: HashMap<KeyDigest, OperatorName>,
}

impl OperatorBook {
    /// A book of operators; one may have several tokens.
    ///
    /// # Errors
    /// Every token that two operators share: the record has to say who.
    pub fn new(operators: Vec<(OperatorName, KeyDigest)>) -> Result<Self, Vec<BookFault>> {
        let (mut by_token, mut faults) = (HashMap::<_, OperatorName>::new(), Vec::new());
        for (name, token) in operators {
            match by_token.get(&token) {
                Some(first) if *first != name => faults.push(BookFault::SharedKey {
                    first: first.to_string(),
                    second: name.to_string(),
                }),
                _ => drop(by_token.insert(token, name)),
            }
        }
        if faults.is_empty() {
            Ok(Self { by_token })
        } else {
            Err(faults)
        }
    }

    /// Whose token this is; on timing see [`AgentBook::identify`].
    pub fn identify(&self, token: &str) -> Option<&OperatorName> {
        self.by_token.get(&digest_of(token)?)
    }
}

fn digest_of(token: &str) -> Option<KeyDigest> {
    let plausible = !token.is_empty() && token.len() <= LONGEST_KEY;
    plausible.then(|| KeyDigest::of(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelDefaults;
    use tollgate_types::Principal;

    fn spec(name: &str, keys: &[&str], source: AgentSource) -> AgentSpec {
        AgentSpec {
            name: AgentName::new(name).unwrap(),
            keys: keys.iter().map(|key| KeyDigest::of(key)).collect(),
            allowed_models: vec!["*".into()],
            blocked_models: Vec::new(),
            may_act_for: Vec::new(),
            bottles: Vec::new(),
            source,
            defaults: ModelDefaults::default(),
        }
    }

    #[test]
    fn a_key_finds_its_agent_and_nothing_else_does() {
        use AgentSource::{Config, Ledger};
        let long = "x".repeat(513);
        let specs = vec![
            spec("main", &[], Config),
            spec("ci-bot", &["one", "two", &long], Config),
            spec("ada", &["three"], Ledger),
        ];
        let book = AgentBook::new(specs).unwrap();
        let who = |token: &str| book.identify(token).map(|agent| agent.name().as_str());
        assert_eq!(
            (who("one"), who("two"), who("three")),
            (Some("ci-bot"), Some("ci-bot"), Some("ada"))
        );
        for stranger in [
            "",
            "One",
            "one ",
            "main",
            "four",
            &long,
            &KeyDigest::of("one").to_string(),
        ] {
            assert_eq!(who(stranger), None, "{}", stranger.len());
        }
        assert_eq!(
            book.get(&AgentName::new("main").unwrap())
                .unwrap()
                .principal()
                .actor
                .name(),
            "main"
        );
        let names: Vec<_> = book.iter().map(|agent| agent.name().as_str()).collect();
        assert_eq!(names, ["main", "ci-bot", "ada"]);
    }

    #[test]
    fn a_runs_key_is_its_agent_in_that_run() {
        let run = |agent: &str, key: &str| RunKey {
            agent: AgentName::new(agent).unwrap(),
            key: KeyDigest::of(key),
            run: RunId::new("run_1"),
            bottles: None,
        };
        let book = AgentBook::new(vec![spec("ada", &["own"], AgentSource::Config)]).unwrap();
        let book = book.with_runs([run("ada", "of the run"), run("gone", "of nobody")]);
        let who = |token: &str| book.identify(token).map(|agent| agent.principal().clone());
        let ada = Principal::agent(AgentName::new("ada").unwrap());
        assert_eq!(who("own"), Some(ada.clone()));
        let run = Some(RunId::new("run_1"));
        assert_eq!(who("of the run"), Some(Principal { run, ..ada }));
        assert_eq!(who("of nobody"), None);
        assert_eq!(book.iter().count(), 1);
    }

    #[test]
    fn doubles_are_named_all_of_them() {
        use AgentSource::{Config, File, Ledger};
        let faults = AgentBook::new(vec![
            spec("a", &["one", "one"], Config),
            spec("b", &["one"], File),
            spec("a", &["two"], Ledger),
        ]);
        let faults: Vec<_> = faults
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            faults,
            [
                "agent `a` has the same key twice, expected each key once",
                "`a` and `b` have the same key, expected a key of its own for each",
                "agent `a` is in the configuration and again in the ledger, expected it once",
            ]
        );
    }

    #[test]
    fn operators_are_persons_with_tokens_of_their_own() {
        let name = |name: &str| OperatorName::new(name).unwrap();
        let (one, two) = (KeyDigest::of("one"), KeyDigest::of("two"));
        let book = OperatorBook::new(vec![(name("ann"), one), (name("ann"), two)]).unwrap();
        assert_eq!(book.identify("two"), Some(&name("ann")));
        assert_eq!((book.identify("three"), book.identify("")), (None, None));
        let shared = OperatorBook::new(vec![(name("ann"), one), (name("bob"), one)]).unwrap_err();
        assert_eq!(
            shared[0].to_string(),
            "`ann` and `bob` have the same key, expected a key of its own for each"
        );
    }
}
