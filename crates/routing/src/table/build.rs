//! From a configuration to a table: every fault is named, none hides another.

use std::collections::HashMap;

use tollgate_types::Label;
use wildmatch::WildMatch;

use super::names::Names;
use super::synthetic::{Member, Order, Synthetic};
use super::{Fallback, Provider, RouteTable, listed};
use crate::nearest::nearest;
use crate::{AgentFallback, ProviderIndex, ProviderRoutes, RoutingConfig, RoutingFault};

pub(super) fn build(
    config: RoutingConfig,
    window: &dyn Fn(&str, &str) -> Option<u64>,
) -> Result<RouteTable, Vec<RoutingFault>> {
    let mut faults = Vec::new();
    let mut table = providers(&config.providers, &mut faults);
    table.known = listed::known(&config);
    table.routes = routes(&config.model_routes, &table, &mut faults);
    Names::declare(&config, window, &mut table, &mut faults).resolve_all();
    for fallback in &config.fallbacks {
        fallbacks(fallback, &mut table, &mut faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    table.listed = listed::listed(&config, &table);
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
        takes_callers_key: routes.takes_callers_key,
    };
    RouteTable {
        providers: routes.iter().map(provider).collect(),
        by_id,
        routes: Vec::new(),
        names: HashMap::new(),
        synthetics: Vec::new(),
        fallback: None,
        own_fallbacks: HashMap::new(),
        listed: Vec::new(),
        known: Vec::new(),
    }
}

fn routes(
    routes: &[(String, Label)],
    table: &RouteTable,
    faults: &mut Vec<RoutingFault>,
) -> Vec<(WildMatch, ProviderIndex)> {
    let mut found: Vec<(WildMatch, ProviderIndex)> = Vec::new();
    for (index, (pattern, provider)) in routes.iter().enumerate() {
        let Some(&leads) = table.by_id.get(provider) else {
            let ids = table.providers.iter().map(|provider| &*provider.id);
            faults.push(RoutingFault::UnknownProvider {
                index,
                pattern: pattern.clone(),
                provider: Label::clone(provider),
                nearest: nearest(provider, ids).into_iter().next(),
            });
            continue;
        };
        let before = found.iter().find(|(first, _)| covers(first, pattern));
        if let Some((first, wins)) = before.filter(|(_, wins)| *wins != leads) {
            faults.push(RoutingFault::Contradiction {
                index,
                pattern: pattern.clone(),
                provider: Label::clone(provider),
                first: first.to_string(),
                wins: Label::clone(table.provider(*wins)),
            });
        }
        found.push((WildMatch::new(pattern), leads));
    }
    found
}

/// Whether a glob takes every name that another one would: it takes what that
/// one stands for at its shortest and with something in every gap.
fn covers(first: &WildMatch, pattern: &str) -> bool {
    let filled = |star: &str| pattern.replace('*', star).replace('?', "\u{1}");
    first.matches(&filled("")) && first.matches(&filled("\u{1}\u{2}\u{3}"))
}

/// A name with fallbacks is a cascade whose windows don't count.
fn fallbacks(spec: &AgentFallback, table: &mut RouteTable, faults: &mut Vec<RoutingFault>) {
    let mut members = Vec::new();
    let others = spec.fallback.iter().enumerate();
    let others = others.map(|(index, model)| (Some(index), model));
    for (index, model) in std::iter::once((None, &spec.primary)).chain(others) {
        match table.leads(model) {
            Some(target) => members.push(Member {
                target,
                weight: 1,
                window: None,
            }),
            None => faults.push(RoutingFault::UnresolvedFallback {
                agent: spec.agent.clone(),
                index,
                model: model.clone(),
                nearest: table.near(model),
            }),
        }
    }
    let Ok(plan) = u32::try_from(table.synthetics.len()) else {
        return;
    };
    let narrowest = table.narrowest_of(&members);
    table.synthetics.push(Synthetic {
        order: Order::AsTheyStand,
        members,
        narrowest,
    });
    if let Some(providers) = table.callers_keys(plan) {
        faults.push(RoutingFault::TwoCallersKeys {
            entry: None,
            agent: spec.agent.clone(),
            name: spec.primary.clone(),
            providers,
        });
    }
    let fallback = Fallback {
        primary: spec.primary.clone(),
        plan,
    };
    match &spec.agent {
        Some(agent) => {
            table.own_fallbacks.insert(agent.clone(), fallback);
        }
        None => table.fallback = Some(fallback),
    }
}
