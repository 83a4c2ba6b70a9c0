use std::collections::HashMap;

use tollgate_types::Label;
use wildmatch::WildMatch;

use crate::nearest::{did_you_mean, nearest};
use crate::{ProviderIndex, RoutingConfig, RoutingFault};

mod build;
mod draw;
mod listed;
mod names;
mod synthetic;

use draw::Draw;
pub use listed::ListedName;
use synthetic::{Synthetic, Target};

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
    /// Its context window in tokens, where the configuration says it.
    pub window: Option<u64>,
}

/// What is tried for a request, in order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first, then its fallbacks.
    pub candidates: Vec<Candidate>,
}

/// A name that is asked for, and what a choice behind it may depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The name as the caller wrote it.
    pub name: &'a str,
    /// Who asks; agents may have fallbacks of their own.
    pub agent: &'a str,
    /// Tokens that the request takes at most, its answer included; counts only
    /// where [`RouteTable::narrowest`] says so. 0 fits everywhere.
    pub need: u64,
    /// A number that is another one for every request; chance is made of it.
    pub random: u64,
}

/// Why a name leads to no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// It leads nowhere.
    #[error("{0}")]
    Unknown(UnknownModel),
    /// Every model behind it is too small for the request.
    #[error(
        "the request needs about {need} tokens with its answer, the largest context window of `{name}` has {widest}"
    )]
    TooLarge {
        /// The name that was asked for.
        name: String,
        /// What the request takes.
        need: u64,
        /// The largest window behind the name.
        widest: u64,
    },
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

/// Where every name leads, checked and ready to be asked from any thread.
#[derive(Debug)]
pub struct RouteTable {
    providers: Vec<Provider>,
    by_id: HashMap<Label, ProviderIndex>,
    routes: Vec<(WildMatch, ProviderIndex)>,
    /// Aliases and synthetic models. Chains of aliases are followed once, when
    /// the table is made.
    names: HashMap<String, Target>,
    synthetics: Vec<Synthetic>,
    /// The fallbacks of everybody who has none of their own.
    fallback: Option<Fallback>,
    own_fallbacks: HashMap<Label, Fallback>,
    listed: Vec<ListedName>,
    /// Names worth suggesting.
    known: Vec<String>,
}

#[derive(Debug)]
struct Provider {
    id: Label,
    globs: Vec<WildMatch>,
    takes_callers_key: bool,
}

/// A name with fallbacks, which are a cascade without windows.
#[derive(Debug)]
struct Fallback {
    primary: String,
    plan: u32,
}

impl RouteTable {
    /// Checks a configuration and makes its table. `window` is asked for the
    /// context window of a model (provider id, model), in tokens.
    ///
    /// # Errors
    /// Every fault that was found, in the order of the configuration.
    pub fn new(
        config: RoutingConfig,
        window: &dyn Fn(&str, &str) -> Option<u64>,
    ) -> Result<Self, Vec<RoutingFault>> {
        build::build(config, window)
    }

    /// What to try for the name that a caller asked for.
    ///
    /// In this order: `provider/model`, where the first part is a configured
    /// provider (the rest is the model as it stands, slashes and percent signs
    /// included); an alias; a synthetic model, expanded with what it nests;
    /// `model_routes`; the providers' globs. A bare name is sent on as it was
    /// asked. Fallbacks follow where the name is the one that has them.
    ///
    /// # Errors
    /// [`NoPlan::Unknown`] with names that come near; [`NoPlan::TooLarge`]
    /// where no context window takes [`Ask::need`].
    pub fn resolve(&self, ask: &Ask<'_>) -> Result<Plan, NoPlan> {
        match self.target(ask.agent, ask.name) {
            Some(Target::Model(candidate)) => Ok(Plan {
                candidates: vec![candidate],
            }),
            Some(Target::Synthetic(index)) => {
                Draw::new(&self.synthetics, ask.need, ask.random).plan(index, ask.name)
            }
            None => Err(NoPlan::Unknown(self.unknown(ask.name))),
        }
    }

    /// The smallest context window that a plan for this name is measured
    /// against; none where no window counts, as for every plain model. Only
    /// where a request may be larger than this does its size have to be known.
    pub fn narrowest(&self, ask: &Ask<'_>) -> Option<u64> {
        if self.synthetics.is_empty() {
            return None;
        }
        match self.target(ask.agent, ask.name)? {
            Target::Synthetic(index) => self.synthetics.get(index as usize)?.narrowest,
            Target::Model(_) => None,
        }
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

    /// Aliases, synthetic and literal models, each once, in the order of the
    /// configuration. What a glob could match is not known here.
    pub fn names(&self) -> impl Iterator<Item = &ListedName> {
        self.listed.iter()
    }

    fn target(&self, agent: &str, name: &str) -> Option<Target> {
        let fallback = match self.own_fallbacks.is_empty() {
            true => self.fallback.as_ref(),
            false => self.own_fallbacks.get(agent).or(self.fallback.as_ref()),
        };
        match fallback.filter(|fallback| fallback.primary == name) {
            Some(fallback) => Some(Target::Synthetic(fallback.plan)),
            None => self.leads(name),
        }
    }

    /// Where a name leads, fallbacks aside.
    fn leads(&self, name: &str) -> Option<Target> {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            return None;
        }
        if let Some((first, rest)) = name.split_once('/')
            && let Some(&provider) = self.by_id.get(first)
        {
            // `openai/` alone is no bare name either.
            return (!rest.is_empty()).then(|| Target::model(provider, rest));
        }
        if let Some(target) = self.names.get(name) {
            return Some(target.clone());
        }
        Some(Target::model(self.provider_of_bare(name)?, name))
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

    /// Every concrete model that a target can lead to, whatever its size.
    fn all_of(&self, target: &Target) -> Vec<Candidate> {
        match target {
            Target::Model(candidate) => vec![candidate.clone()],
            Target::Synthetic(index) => {
                let mut draw = Draw::new(&self.synthetics, 0, 0).in_order();
                draw.add(*index);
                draw.into_candidates()
            }
        }
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
        let lower = Some(asked.to_lowercase()).filter(|name| self.leads(name).is_some());
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
