//! From a configuration to a table: every fault is named, none hides another.

use std::collections::{HashMap, HashSet};

use tollgate_types::Label;
use wildmatch::WildMatch;

use super::{Candidate, ListedName, Plan, Provider, RouteTable};
use crate::nearest::nearest;
use crate::{AgentFallback, ProviderIndex, ProviderRoutes, RoutingConfig, RoutingFault};

pub(super) fn build(config: RoutingConfig) -> Result<RouteTable, Vec<RoutingFault>> {
    let mut faults = Vec::new();
    let mut table = providers(&config.providers, &mut faults);
    table.known = known_names(&config);
    table.routes = routes(&config.model_routes, &table, &mut faults);
    aliases(&config.shortcuts, &mut table, &mut faults);
    if let Some(fallback) = &config.default_fallback {
        table.fallback = plan(fallback, &table, &mut faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    table.listed = listed(&config, &table);
    Ok(table)
}

fn providers(routes: &[ProviderRoutes], faults: &mut Vec<RoutingFault>) -> RouteTable {
    if routes.len() > usize::from(u16::MAX) {
        faults.push(RoutingFault::TooManyProviders {
            found: routes.len(),
        });
    }
    let mut by_id = HashMap::new();
    for (index, provider) in (0..=u16::MAX).zip(routes) {
        let id = &provider.id;
        let problem = match by_id.insert(Label::clone(id), ProviderIndex(index)) {
            Some(_) => "given twice, expected each id once",
            None if id.is_empty() => "empty, expected a name without `/`",
            None if id.contains('/') => "split by a slash, expected a name without `/`",
            None => continue,
        };
        faults.push(RoutingFault::ProviderId {
            id: Label::clone(id),
            problem,
        });
    }
    let provider = |routes: &ProviderRoutes| Provider {
        id: Label::clone(&routes.id),
        globs: routes
            .models
            .iter()
            .map(|glob| WildMatch::new(glob))
            .collect(),
    };
    RouteTable {
        providers: routes.iter().map(provider).collect(),
        by_id,
        routes: Vec::new(),
        aliases: HashMap::new(),
        fallback: None,
        listed: Vec::new(),
        known: Vec::new(),
    }
}

fn routes(
    routes: &[(String, Label)],
    table: &RouteTable,
    faults: &mut Vec<RoutingFault>,
) -> Vec<(WildMatch, ProviderIndex)> {
    let mut found = Vec::new();
    for (index, (pattern, provider)) in routes.iter().enumerate() {
        if let Some(&provider) = table.by_id.get(provider) {
            found.push((WildMatch::new(pattern), provider));
            continue;
        }
        let ids = table.providers.iter().map(|provider| &*provider.id);
        faults.push(RoutingFault::UnknownProvider {
            index,
            pattern: pattern.clone(),
            provider: Label::clone(provider),
            nearest: nearest(provider, ids).into_iter().next(),
        });
    }
    found
}

/// Follows every alias to its model; the targets may be aliases themselves.
fn aliases(shortcuts: &[(String, String)], table: &mut RouteTable, faults: &mut Vec<RoutingFault>) {
    let mut targets: HashMap<&str, (usize, &str)> = HashMap::new();
    for (index, (alias, model)) in shortcuts.iter().enumerate() {
        let first = alias
            .split_once('/')
            .and_then(|(first, _)| table.by_id.get_key_value(first));
        if let Some((provider, _)) = first {
            faults.push(RoutingFault::ShadowedAlias {
                index,
                alias: alias.clone(),
                provider: Label::clone(provider),
            });
        } else if targets.contains_key(alias.as_str()) {
            faults.push(RoutingFault::DuplicateAlias {
                index,
                alias: alias.clone(),
            });
        } else {
            targets.insert(alias, (index, model));
        }
    }
    let mut in_circles = HashSet::new();
    let mut resolved = HashMap::new();
    for (index, (alias, _)) in shortcuts.iter().enumerate() {
        if targets
            .get(alias.as_str())
            .is_none_or(|(first, _)| *first != index)
        {
            continue;
        }
        match follow(alias, &targets) {
            Err(circle) => {
                // Every alias that leads into a circle finds it; it is named once.
                if circle.iter().all(|name| in_circles.insert(*name)) {
                    faults.push(cycle(&circle, &targets));
                }
            }
            Ok(model) => match table.candidate(model) {
                Some(candidate) => {
                    resolved.insert(alias.clone(), candidate);
                }
                None => faults.push(RoutingFault::UnresolvedAlias {
                    index,
                    alias: alias.clone(),
                    model: model.to_owned(),
                    nearest: table.near(model),
                }),
            },
        }
    }
    table.aliases = resolved;
}

/// The name at the end of a chain of aliases, or the circle that it runs into.
fn follow<'c>(
    alias: &'c str,
    targets: &HashMap<&'c str, (usize, &'c str)>,
) -> Result<&'c str, Vec<&'c str>> {
    let mut chain = vec![alias];
    let mut seen = HashMap::from([(alias, 0)]);
    let mut name = alias;
    while let Some(&(_, next)) = targets.get(name) {
        if let Some(&start) = seen.get(next) {
            return Err(chain.split_off(start));
        }
        seen.insert(next, chain.len());
        chain.push(next);
        name = next;
    }
    Ok(name)
}

/// The circle told from the alias that stands first in the configuration.
fn cycle(circle: &[&str], targets: &HashMap<&str, (usize, &str)>) -> RoutingFault {
    let place = |name: &&str| targets.get(*name).map_or(usize::MAX, |(index, _)| *index);
    let first = (0..circle.len())
        .min_by_key(|&at| place(&circle[at]))
        .unwrap_or(0);
    let turned = (0..=circle.len()).map(|step| circle[(first + step) % circle.len()].to_owned());
    RoutingFault::AliasCycle {
        index: place(&circle[first]),
        chain: turned.collect(),
    }
}

fn plan(
    fallback: &AgentFallback,
    table: &RouteTable,
    faults: &mut Vec<RoutingFault>,
) -> Option<(String, Plan)> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let others = fallback.fallback.iter().enumerate();
    let others = others.map(|(index, model)| (Some(index), model));
    for (index, model) in std::iter::once((None, &fallback.primary)).chain(others) {
        match table.candidate(model) {
            Some(candidate) if candidates.contains(&candidate) => {}
            Some(candidate) => candidates.push(candidate),
            None => faults.push(RoutingFault::UnresolvedFallback {
                index,
                model: model.clone(),
                nearest: table.near(model),
            }),
        }
    }
    Some((fallback.primary.clone(), Plan { candidates }))
}

fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?'])
}

/// Aliases and literal names, bare and with their provider.
fn known_names(config: &RoutingConfig) -> Vec<String> {
    let mut names: Vec<String> = config
        .shortcuts
        .iter()
        .map(|(alias, _)| alias.clone())
        .collect();
    names.extend(config.default_fallback.iter().flat_map(|fallback| {
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

fn listed(config: &RoutingConfig, table: &RouteTable) -> Vec<ListedName> {
    let aliases = config.shortcuts.iter().map(|(alias, _)| alias.clone());
    let models = literals(config).map(|(provider, model)| {
        let leads = table.candidate(model);
        let here = leads.is_some_and(|found| {
            table.provider(found.provider) == provider && *found.model == *model
        });
        if here {
            model.to_owned()
        } else {
            format!("{provider}/{model}")
        }
    });
    let mut seen = HashSet::new();
    aliases
        .chain(models)
        .filter(|name| seen.insert(name.clone()))
        .filter_map(|name| {
            let candidate = table.candidate(&name)?;
            Some(ListedName { name, candidate })
        })
        .collect()
}

fn literals(config: &RoutingConfig) -> impl Iterator<Item = (&Label, &str)> {
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
        .filter(|(_, model)| is_literal(model))
}
