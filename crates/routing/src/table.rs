use std::collections::HashMap;

use tollgate_types::Label;
use wildmatch::WildMatch;

use crate::nearest::{did_you_mean, nearest};
use crate::{ProviderIndex, RoutingConfig, RoutingFault};

mod build;

/// Longest name of a model that is looked up, in bytes. Nothing real comes
/// near; it bounds what a glob has to walk.
const LONGEST_NAME: usize = 512;

/// One concrete model of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who serves it.
    pub provider: ProviderIndex,
    /// What the provider is asked for.
    pub model: Label,
}

/// What is tried for a request, in order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first, then its fallbacks.
    pub candidates: Vec<Candidate>,
}

/// A name that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no model `{asked}`")]
pub struct UnknownModel {
    /// What was asked for, cut to 64 characters, without control characters.
    pub asked: String,
    /// Known names that resemble it, at most 3, best first.
    pub nearest: Vec<String>,
}

impl UnknownModel {
    /// The near names as a hint: ``did you mean `gpt-4o`?``
    pub fn hint(&self) -> Option<String> {
        did_you_mean(&self.nearest)
    }
}

/// A name that clients are shown, such as in `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedName {
    /// An alias, a literal model name, or `provider/model` where the bare name
    /// leads to somebody else.
    pub name: String,
    /// Where it leads.
    pub candidate: Candidate,
}

/// Where every name leads, checked and ready to be asked from any thread.
#[derive(Debug)]
pub struct RouteTable {
    providers: Vec<Provider>,
    by_id: HashMap<Label, ProviderIndex>,
    routes: Vec<(WildMatch, ProviderIndex)>,
    /// Chains of aliases are followed once, when the table is made.
    aliases: HashMap<String, Candidate>,
    fallback: Option<(String, Plan)>,
    listed: Vec<ListedName>,
    /// Names worth suggesting.
    known: Vec<String>,
}

#[derive(Debug)]
struct Provider {
    id: Label,
    globs: Vec<WildMatch>,
}

impl RouteTable {
    /// Checks a configuration and makes its table.
    ///
    /// # Errors
    /// Every fault that was found, in the order of the configuration.
    pub fn new(config: RoutingConfig) -> Result<Self, Vec<RoutingFault>> {
        build::build(config)
    }

    /// What to try for the name that a caller asked for.
    ///
    /// In this order: `provider/model`, where the first part is a configured
    /// provider (the rest is the model as it stands, slashes and percent signs
    /// included); an alias; `model_routes`; the providers' globs. A bare name
    /// is sent on as it was asked. Fallbacks follow where the name is the one
    /// that has them.
    ///
    /// # Errors
    /// [`UnknownModel`] with names that come near.
    pub fn resolve(&self, asked: &str) -> Result<Plan, UnknownModel> {
        if let Some((primary, plan)) = &self.fallback
            && primary == asked
        {
            return Ok(plan.clone());
        }
        let candidate = self.candidate(asked).ok_or_else(|| self.unknown(asked))?;
        Ok(Plan {
            candidates: vec![candidate],
        })
    }

    /// The id of a provider that this table gave out.
    ///
    /// # Panics
    /// Where the index is another table's and larger than any of this one.
    pub fn provider(&self, index: ProviderIndex) -> &Label {
        &self.providers[usize::from(index.0)].id
    }

    /// The index of a provider by its id.
    pub fn provider_index(&self, id: &str) -> Option<ProviderIndex> {
        self.by_id.get(id).copied()
    }

    /// Aliases and literal models, each once, in the order of the
    /// configuration. What a glob could match is not known here.
    pub fn names(&self) -> impl Iterator<Item = &ListedName> {
        self.listed.iter()
    }

    fn candidate(&self, name: &str) -> Option<Candidate> {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            return None;
        }
        if let Some((first, rest)) = name.split_once('/')
            && let Some(&provider) = self.by_id.get(first)
        {
            // `openai/` alone is no bare name either.
            return (!rest.is_empty()).then(|| Candidate {
                provider,
                model: rest.into(),
            });
        }
        if let Some(candidate) = self.aliases.get(name) {
            return Some(candidate.clone());
        }
        let provider = self.provider_of_bare(name)?;
        Some(Candidate {
            provider,
            model: name.into(),
        })
    }

    fn provider_of_bare(&self, name: &str) -> Option<ProviderIndex> {
        let route = self
            .routes
            .iter()
            .find(|(pattern, _)| pattern.matches(name));
        route.map(|(_, provider)| *provider).or_else(|| {
            let serves = |provider: &Provider| provider.globs.iter().any(|glob| glob.matches(name));
            let index = self.providers.iter().position(serves)?;
            u16::try_from(index).ok().map(ProviderIndex)
        })
    }

    fn unknown(&self, asked: &str) -> UnknownModel {
        UnknownModel {
            asked: asked.chars().filter(|c| !c.is_control()).take(64).collect(),
            nearest: self.near(asked),
        }
    }

    /// Names that would work: known ones, the same model under a provider's
    /// right name, and the name in lower case where that leads somewhere.
    fn near(&self, asked: &str) -> Vec<String> {
        if asked.len() > LONGEST_NAME {
            return Vec::new();
        }
        let lower = Some(asked.to_lowercase()).filter(|name| self.candidate(name).is_some());
        let respelt = asked.split_once('/').filter(|(_, model)| !model.is_empty());
        let respelt = respelt.and_then(|(first, model)| {
            let ids = self.providers.iter().map(|provider| &*provider.id);
            Some(format!("{}/{model}", nearest(first, ids).first()?))
        });
        let mut names: Vec<String> = lower.into_iter().chain(respelt).collect();
        names.extend(nearest(asked, self.known.iter().map(String::as_str)));
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| {
            name != asked && !name.contains(char::is_control) && seen.insert(name.clone())
        });
        names.truncate(3);
        names
    }
}

#[cfg(test)]
mod tests;
