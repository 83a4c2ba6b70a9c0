//! The checked document to [`Settings`]: what no single value can say by
//! itself (names that must exist, keys that must differ, files to be read).

use std::path::{Path, PathBuf};

use tollgate_budget::BudgetSpec;
use tollgate_routing::{ProviderRoutes, RouteTable, RoutingConfig};
use tollgate_types::{AgentName, Label};

use super::agent;
use super::budget::{self, Gathered, Names};
use super::describe::placed;
use super::fault::{Fault, Findings};
use super::model;
use super::near::nearest;
use super::server;
use super::settings::{ProviderSettings, Settings, Source, Upstream};
use super::surroundings::Surroundings;
use super::tree::{Table, Text};

/// What is at hand while settings are made.
pub(super) struct Build<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) surroundings: &'a dyn Surroundings,
    /// The folder that relative paths of the file begin in.
    pub(super) beside: PathBuf,
    pub(super) files: Vec<PathBuf>,
    providers_whole: bool,
}

impl<'a> Build<'a> {
    pub(super) fn new(
        findings: &'a mut Findings,
        surroundings: &'a dyn Surroundings,
        file: &Path,
    ) -> Self {
        Self {
            findings,
            surroundings,
            beside: file.parent().unwrap_or_else(|| Path::new(".")).to_owned(),
            files: Vec::new(),
            providers_whole: true,
        }
    }

    /// Everything, or nothing where a part could not be made; then there is a
    /// fault that says why.
    pub(super) fn settings(&mut self, root: &Table, file: &Path, state: &Path) -> Option<Settings> {
        let absent = ["server", "ledger", "monitoring", "telemetry"].map(Table::default_of);
        let [server, ledger, monitoring, telemetry] = absent
            .each_ref()
            .map(|absent| root.table(&absent.place).unwrap_or(absent));
        let server = server::server(server, self.findings);
        let ledger = server::ledger(ledger, &self.beside, state, self.findings);
        let providers = self.providers(root);
        let (agent_defaults, default_fallback) = agent::defaults(root.named("agents"));
        let anonymous = server.as_ref().and_then(|server| server.anonymous.as_ref());
        let agents = self.agents(root.named("agents"), agent_defaults, anonymous);
        let policy = self.policy(root);
        let routing = RoutingConfig {
            providers: routes_of(&providers),
            model_routes: self.model_routes(root),
            shortcuts: self.shortcuts(root),
            default_fallback,
        };
        self.routing(root, &routing);
        let budgets = self.budgets(root.named("agents"), &providers);
        let (catalog, output_cap) = model::catalog(root.named("models"), self.findings);
        Some(Settings {
            source: Source::File(file.to_owned()),
            server: server?,
            ledger: ledger?,
            providers,
            routing,
            agents,
            agent_defaults,
            policy,
            budgets,
            catalog,
            output_cap,
            monitoring: server::monitoring(monitoring, telemetry),
            files: self.named_files(file),
            warnings: Vec::new(),
        })
    }

    /// The budgets of every agent.
    fn budgets(
        &mut self,
        agents: &[(String, Table)],
        providers: &[ProviderSettings],
    ) -> Vec<BudgetSpec> {
        let ids = || providers.iter().map(|it| it.id.clone()).collect();
        let names = Names {
            configured: self.providers_whole.then(ids),
            aliases: Vec::new(),
        };
        let mut gathered = Gathered::default();
        for (name, table) in agents.iter().filter(|(name, _)| name != "defaults") {
            if let Ok(name) = AgentName::new(name) {
                budget::of_agent(&name, table, &names, &mut gathered, self.findings);
            }
        }
        gathered.specs
    }

    /// The providers of the file; the demo where it names none.
    fn providers(&mut self, root: &Table) -> Vec<ProviderSettings> {
        let named = root.named("providers");
        let made: Vec<Option<ProviderSettings>> = named
            .iter()
            .map(|(id, table)| self.provider(id, table))
            .collect();
        self.providers_whole = made.iter().all(Option::is_some);
        match named.is_empty() {
            true => vec![super::discover::demo()],
            false => made.into_iter().flatten().collect(),
        }
    }

    /// A fault of a table, which is named in front.
    pub(super) fn fault(
        &mut self,
        table: &Table,
        line: u32,
        message: impl AsRef<str>,
    ) -> &mut Fault {
        self.findings
            .fault(line, placed(&table.place, message.as_ref()))
    }

    /// Globs that match something.
    pub(super) fn globs(&mut self, table: &Table, key: &str) -> Vec<String> {
        for text in table.texts(key) {
            if text.as_str().trim().is_empty() {
                let message = format!(
                    "{}: {key} has an empty glob, expected a name or `*`",
                    table.place
                );
                self.findings.fault(text.line, message);
            }
        }
        table.words(key)
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
    fn routing(&mut self, root: &Table, routing: &RoutingConfig) {
        // Without a provider, names that lead to it lead nowhere, and saying
        // so would hide what is really wrong.
        if !self.providers_whole {
            return;
        }
        let Err(faults) = RouteTable::new(routing.clone()) else {
            return;
        };
        let variables = ["providers", "model_routes", "model_shortcuts", "agents"]
            .iter()
            .any(|key| root.has_variables(key));
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

    fn named_files(&mut self, file: &Path) -> Vec<PathBuf> {
        let mut files = vec![file.to_owned()];
        files.append(&mut self.files);
        files
    }
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
        }
    };
    providers.iter().map(routes).collect()
}
