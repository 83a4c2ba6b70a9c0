use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;
use tollgate_types::{AgentName, Label, RunId};

use crate::BudgetFault;

/// Longest chain of bottles. A person's has two or three.
const LONGEST: usize = 64;

/// Where a budget stands, most specific first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One run of an agent: `tollgate run --budget`.
    Run(RunId),
    /// An agent.
    Agent(AgentName),
    /// A bottle, or one that it extends.
    Bottle(Label),
    /// Everything on this machine.
    Host,
}

impl Scope {
    /// The bare name, as errors show it.
    pub fn name(&self) -> &str {
        match self {
            Self::Run(run) => run.as_str(),
            Self::Agent(agent) => agent.as_str(),
            Self::Bottle(bottle) => bottle,
            Self::Host => "host",
        }
    }
}

/// `agent:ci-bot`, `bottle:base`, `run:…`, `host`: no two scopes have the same.
impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(out, "run:{}", run.as_str()),
            Self::Agent(agent) => write!(out, "agent:{agent}"),
            Self::Bottle(bottle) => write!(out, "bottle:{bottle}"),
            Self::Host => out.write_str("host"),
        }
    }
}

/// The scopes that a caller stands in, from the agent out to the host.
///
/// Made once per agent and configuration; cloning counts a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopePath(Arc<[Scope]>);

impl ScopePath {
    /// An agent outside any bottle.
    pub fn agent(agent: AgentName) -> Self {
        Self([Scope::Agent(agent), Scope::Host].into())
    }

    /// An agent in a bottle. Bottles that the bottle extends stand above it,
    /// each once, nearest first.
    ///
    /// # Errors
    /// [`BudgetFault::Cycle`] where a bottle extends itself in the end, or the
    /// chain is longer than 64.
    pub fn bottled(agent: AgentName, bottle: &str, extends: &Extends) -> Result<Self, BudgetFault> {
        Ok(Self::chained(agent, &extends.chain(bottle)?))
    }

    /// An agent in the first of these bottles, which stand in each other as
    /// [`Extends::chain`] has them.
    pub fn chained(agent: AgentName, bottles: &[Label]) -> Self {
        let mut scopes = vec![Scope::Agent(agent)];
        scopes.extend(bottles.iter().cloned().map(Scope::Bottle));
        scopes.push(Scope::Host);
        Self(scopes.into())
    }

    /// Most specific first.
    pub fn scopes(&self) -> &[Scope] {
        &self.0
    }
}

/// Which bottle extends which.
#[derive(Clone, Debug, Default)]
pub struct Extends(HashMap<Label, Vec<Label>>);

impl Extends {
    /// From pairs of a bottle and what it extends, in the order written.
    pub fn new(bottles: impl IntoIterator<Item = (Label, Vec<Label>)>) -> Self {
        Self(bottles.into_iter().collect())
    }

    /// The bottle and everything above it, each once, nearest first.
    ///
    /// # Errors
    /// [`BudgetFault::Cycle`] where a bottle extends itself in the end, or the
    /// chain is longer than 64.
    pub fn chain(&self, bottle: &str) -> Result<Vec<Label>, BudgetFault> {
        let mut chain: Vec<Label> = Vec::new();
        let mut trail = SmallVec::new();
        self.climb(&bottle.into(), &mut trail, &mut chain)?;
        Ok(chain)
    }

    fn climb(
        &self,
        bottle: &Label,
        trail: &mut SmallVec<[Label; 8]>,
        chain: &mut Vec<Label>,
    ) -> Result<(), BudgetFault> {
        if trail.contains(bottle) || trail.len() >= LONGEST || chain.len() >= LONGEST {
            let bottles: Vec<&str> = trail.iter().chain([bottle]).map(|it| &**it).collect();
            return Err(BudgetFault::Cycle {
                chain: bottles.join(" → "),
            });
        }
        if chain.contains(bottle) {
            return Ok(());
        }
        chain.push(bottle.clone());
        trail.push(bottle.clone());
        for parent in self.0.get(bottle).into_iter().flatten() {
            self.climb(parent, trail, chain)?;
        }
        trail.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extends(pairs: &[(&str, &[&str])]) -> Extends {
        let labels = |names: &[&str]| names.iter().map(|name| Label::from(*name)).collect();
        Extends::new(
            pairs
                .iter()
                .map(|(name, above)| ((*name).into(), labels(above))),
        )
    }

    fn path(extends: &Extends, bottle: &str) -> Result<String, BudgetFault> {
        let agent = AgentName::new("a").unwrap();
        let path = ScopePath::bottled(agent, bottle, extends)?;
        let scopes: Vec<String> = path.scopes().iter().map(Scope::to_string).collect();
        Ok(scopes.join(" "))
    }

    #[test]
    fn a_shared_parent_counts_once() {
        let bottles = extends(&[
            ("dev", &["node", "net"]),
            ("node", &["base"]),
            ("net", &["base"]),
        ]);
        assert_eq!(
            path(&bottles, "dev").unwrap(),
            "agent:a bottle:dev bottle:node bottle:base bottle:net host"
        );
    }

    #[test]
    fn cyclic_parents_are_named() {
        let bottles = extends(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a"]),
            ("self", &["self"]),
        ]);
        assert_eq!(
            path(&bottles, "a").unwrap_err().to_string(),
            "bottles extend each other in a circle: a → b → c → a"
        );
        assert!(path(&bottles, "self").is_err());
    }

    #[test]
    fn a_diamond_of_diamonds_stays_small() {
        let names: Vec<String> = (0..40).map(|n| format!("b{n}")).collect();
        let bottles = Extends::new(names.windows(3).map(|three| {
            let above = vec![three[1].as_str().into(), three[2].as_str().into()];
            (three[0].as_str().into(), above)
        }));
        assert!(path(&bottles, "b0").is_ok());
    }
}
