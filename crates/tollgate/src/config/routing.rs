//! Which name leads where: routes, aliases, synthetic models, fallbacks.

use tollgate_llm::Catalog;
use tollgate_routing::{
    AgentFallback, AlloySpec, MemberSpec, ProviderRoutes, RouteTable, RoutingConfig, SizedSpec,
    Strategy,
};
use tollgate_types::Label;

use super::build::Build;
use super::near::nearest;
use super::settings::{ProviderSettings, Upstream};
use super::tree::{Table, Text};

/// Sections that name models.
const NAMING: [&str; 7] = [
    "providers",
    "model_routes",
    "model_shortcuts",
    "alloys",
    "cascades",
    "dispatchers",
    "agents",
];

impl Build<'_> {
    pub(super) fn routing(
        &mut self,
        root: &Table,
        providers: &[ProviderSettings],
        catalog: &Catalog,
    ) -> RoutingConfig {
        let routing = RoutingConfig {
            providers: routes_of(providers),
            model_routes: self.model_routes(root),
            shortcuts: self.shortcuts(root),
            alloys: root.tables("alloys").iter().filter_map(alloy).collect(),
            cascades: root.tables("cascades").iter().filter_map(sized).collect(),
            dispatchers: root
                .tables("dispatchers")
                .iter()
                .filter_map(sized)
                .collect(),
            fallbacks: fallbacks(root.named("agents")),
        };
        self.fallbacks_of_something(root);
        self.routable(root, &routing, catalog);
        routing
    }

    /// Fallbacks of no name would never be tried.
    fn fallbacks_of_something(&mut self, root: &Table) {
        let agents = root.named("agents").iter();
        for model in agents.filter_map(|(_, table)| table.table("model")) {
            if model.has("fallback") && !model.has("provider") {
                let line = model.line_of("fallback");
                self.fault(model, line, "fallback has no provider beside it")
                    .hint("provider is the name that falls back when it is asked for");
            }
        }
    }

    fn model_routes(&mut self, root: &Table) -> Vec<(String, Label)> {
        let ids: Vec<&str> = root
            .named("providers")
            .iter()
            .map(|(id, _)| id.as_str())
            .collect();
        let mut routes = Vec::new();
        for table in root.tables("model_routes") {
            let (Some(pattern), Some(provider)) = (table.text("pattern"), table.text("provider"))
            else {
                continue;
            };
            if !ids.contains(&provider.as_str()) {
                self.no_provider(table, provider, &ids);
            }
            routes.push((pattern.as_str().to_owned(), provider.as_str().into()));
        }
        routes
    }

    fn no_provider(&mut self, table: &Table, found: &Text, ids: &[&str]) {
        let message = format!(
            "{}: provider is {}, expected the id of a provider",
            table.place, found.shown
        );
        let hint = match (nearest(found.as_str(), ids.iter().copied()), ids.is_empty()) {
            (Some(near), _) => format!("did you mean \"{near}\"?"),
            (None, true) => "the file has no [providers.ID]".to_owned(),
            (None, false) => format!("there are {}", ids.join(", ")),
        };
        self.findings.fault(found.line, message).hint(hint);
    }

    fn shortcuts(&mut self, root: &Table) -> Vec<(String, String)> {
        let pair = |table: &Table| {
            let (alias, model) = (table.text("alias")?, table.text("model")?);
            Some((alias.as_str().to_owned(), model.as_str().to_owned()))
        };
        root.tables("model_shortcuts")
            .iter()
            .filter_map(pair)
            .collect()
    }

    /// What the routing engine itself finds: circles, names that lead nowhere.
    fn routable(&mut self, root: &Table, routing: &RoutingConfig, catalog: &Catalog) {
        // Without a provider, names that lead to it lead nowhere, and saying
        // so would hide what is really wrong.
        if !self.providers_whole {
            return;
        }
        let Err(faults) = RouteTable::new(routing.clone(), &windows(catalog)) else {
            return;
        };
        let variables = NAMING.iter().any(|key| root.has_variables(key));
        for fault in faults {
            let place = fault.place();
            let line = root.line_at(&place);
            // A route to no provider was said above, with the near name.
            if self.findings.has_fault_at(line) {
                continue;
            }
            // Its words quote names, and those may be a variable's value.
            if variables {
                let message =
                    format!("{place} does not lead to a model (not shown: names hold variables)");
                self.findings.fault(line, message);
                continue;
            }
            let found = self.findings.fault(line, fault.to_string());
            found.hint = fault.hint();
        }
    }
}

/// What the catalog knows of the windows that a file does not write.
pub fn windows(catalog: &Catalog) -> impl Fn(&str, &str) -> Option<u64> {
    |provider, model| catalog.facts(provider, model).context_window
}

/// What routing has to know of the providers.
pub(super) fn routes_of(providers: &[ProviderSettings]) -> Vec<ProviderRoutes> {
    let routes = |provider: &ProviderSettings| {
        let mut models = provider.models.clone();
        if provider.upstream == Upstream::Demo && models.is_empty() {
            models.push(tollgate_llm::demo::MODEL.to_owned());
        }
        ProviderRoutes {
            id: provider.id.clone(),
            models,
            takes_callers_key: provider.callers_key,
        }
    };
    providers.iter().map(routes).collect()
}

fn alloy(table: &Table) -> Option<AlloySpec> {
    Some(AlloySpec {
        id: table.text("id")?.as_str().to_owned(),
        strategy: match table.word("strategy") {
            "round_robin" => Strategy::RoundRobin,
            "first_available" => Strategy::FirstAvailable,
            _ => Strategy::Weighted,
        },
        members: table
            .tables("constituents")
            .iter()
            .filter_map(member)
            .collect(),
    })
}

fn sized(table: &Table) -> Option<SizedSpec> {
    Some(SizedSpec {
        id: table.text("id")?.as_str().to_owned(),
        members: table.tables("models").iter().filter_map(member).collect(),
    })
}

fn member(table: &Table) -> Option<MemberSpec> {
    let has = |key: &str| table.section.key(key).is_some();
    let window = has("context_window") && table.has("context_window");
    Some(MemberSpec {
        model: table.text("model")?.as_str().to_owned(),
        weight: match has("weight") {
            true => u32::try_from(table.number("weight")).unwrap_or(1),
            false => 1,
        },
        context_window: window.then(|| table.number("context_window")),
    })
}

/// The fallbacks of everybody, and of agents that have their own.
fn fallbacks(agents: &[(String, Table)]) -> Vec<AgentFallback> {
    let fallback = |(name, table): &(String, Table)| {
        let model = table.table("model")?;
        Some(AgentFallback {
            agent: (name != "defaults").then(|| name.as_str().into()),
            primary: model.text("provider")?.as_str().to_owned(),
            fallback: model.words("fallback"),
        })
    };
    agents.iter().filter_map(fallback).collect()
}
