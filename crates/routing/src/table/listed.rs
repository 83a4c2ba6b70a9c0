use std::collections::HashSet;

use tollgate_types::Label;

use super::synthetic::Target;
use super::{Candidate, RouteTable};
use crate::RoutingConfig;

/// A name that clients are shown, such as in `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedName {
    /// An alias, a synthetic model, a literal model name, or `provider/model`
    /// where the bare name leads to somebody else.
    pub name: String,
    /// Every model that it can lead to; never empty.
    pub candidates: Vec<Candidate>,
    /// Whether a choice stands behind it.
    pub is_synthetic: bool,
}

/// What clients are shown.
pub(super) fn listed(config: &RoutingConfig, table: &RouteTable) -> Vec<ListedName> {
    let models = literals(config).map(|(provider, model)| {
        let here = match table.leads(model) {
            Some(Target::Model(found)) => {
                table.provider(found.provider) == provider && *found.model == *model
            }
            _ => false,
        };
        match here {
            true => model.to_owned(),
            false => format!("{provider}/{model}"),
        }
    });
    let mut seen = HashSet::new();
    declared(config)
        .map(str::to_owned)
        .chain(models)
        .filter(|name| seen.insert(name.clone()))
        .filter_map(|name| {
            let target = table.leads(&name)?;
            Some(ListedName {
                name,
                candidates: table.all_of(&target),
                is_synthetic: matches!(target, Target::Synthetic(_)),
            })
        })
        .collect()
}

/// Names worth suggesting: declared and literal ones, bare and with their
/// provider, and those that have fallbacks.
pub(super) fn known(config: &RoutingConfig) -> Vec<String> {
    let mut names: Vec<String> = declared(config).map(str::to_owned).collect();
    names.extend(config.fallbacks.iter().flat_map(|fallback| {
        std::iter::once(&fallback.primary)
            .chain(&fallback.fallback)
            .cloned()
    }));
    for (provider, model) in literals(config) {
        names.push(model.to_owned());
        names.push(format!("{provider}/{model}"));
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Names without `*` and `?`, with the provider that serves them.
pub(super) fn literals(config: &RoutingConfig) -> impl Iterator<Item = (&Label, &str)> {
    let of_routes = config
        .model_routes
        .iter()
        .map(|(pattern, provider)| (provider, pattern.as_str()));
    let of_providers = config.providers.iter();
    let of_providers = of_providers.flat_map(|provider| {
        provider
            .models
            .iter()
            .map(|model| (&provider.id, model.as_str()))
    });
    of_routes
        .chain(of_providers)
        .filter(|(_, model)| !model.contains(['*', '?']))
}

fn declared(config: &RoutingConfig) -> impl Iterator<Item = &str> {
    let aliases = config.shortcuts.iter().map(|(alias, _)| alias.as_str());
    let alloys = config.alloys.iter().map(|it| it.id.as_str());
    let sized = config.cascades.iter().chain(&config.dispatchers);
    aliases.chain(alloys).chain(sized.map(|it| it.id.as_str()))
}
