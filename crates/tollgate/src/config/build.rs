//! The checked document to [`Settings`]: what no single value can say by
//! itself (names that must exist, keys that must differ, files to be read).

use std::path::{Path, PathBuf};

use tollgate_budget::{BudgetSpec, Scope};
use tollgate_types::AgentName;

use super::agent;
use super::approvals;
use super::budget::{self, Gathered, Names};
use super::describe::placed;
use super::exec;
use super::fault::{Fault, Findings};
use super::model;
use super::server;
use super::settings::{ProviderSettings, Settings, Source};
use super::surroundings::Surroundings;
use super::telemetry;
use super::tree::Table;
use crate::paths::Paths;

/// What is at hand while settings are made.
pub(super) struct Build<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) surroundings: &'a dyn Surroundings,
    /// The folder that relative paths of the file begin in.
    pub(super) beside: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) providers_whole: bool,
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
    pub(super) fn settings(&mut self, root: &Table, paths: &Paths) -> Option<Settings> {
        let (file, state) = (&*paths.config, &*paths.state);
        let absent = ["server", "ledger", "monitoring", "telemetry", "approvals"];
        let absent = absent.map(Table::default_of);
        let [server, ledger, monitoring, telemetry, approvals] = absent
            .each_ref()
            .map(|absent| root.table(&absent.place).unwrap_or(absent));
        let server = server::server(server, self.findings);
        let ledger = server::ledger(ledger, &self.beside, state, self.findings);
        let destination = telemetry::destination(telemetry, self.findings);
        let providers = self.providers(root);
        let agent_defaults = agent::defaults(root.named("agents"));
        let anonymous = server.as_ref().and_then(|server| server.anonymous.as_ref());
        let bottles = self.bottles(root.named("bottles"));
        let agents = self.agents(root.named("agents"), agent_defaults, anonymous, &bottles);
        let policy = self.policy(root);
        let budgets = self.budgets(root, &providers);
        let (catalog, output_cap) = model::catalog(root.named("models"), self.findings);
        let routing = self.routing(root, &providers, &catalog);
        let scan = self.scan(root);
        Some(Settings {
            source: Source::File(file.to_owned()),
            server: server?,
            ledger: ledger?,
            providers,
            routing,
            agents,
            agent_defaults,
            rates: agent::rates(root.named("agents")),
            policy,
            bottles,
            budgets,
            catalog,
            output_cap,
            clamp_floor: budget::clamp_floor(root),
            approvals: approvals::approvals(approvals, &self.beside, &paths.approvals()),
            monitoring: server::monitoring(monitoring, telemetry),
            telemetry: destination,
            scan,
            guarded: super::Guarded::default(),
            exec: exec::exec(root.table("exec"), self.findings)?,
            files: self.named_files(file),
            warnings: Vec::new(),
        })
    }

    /// The budgets of every agent and every bottle.
    fn budgets(&mut self, root: &Table, providers: &[ProviderSettings]) -> Vec<BudgetSpec> {
        let ids = || providers.iter().map(|it| it.id.clone()).collect();
        let names = Names {
            configured: self.providers_whole.then(ids),
            aliases: Vec::new(),
        };
        let mut gathered = Gathered::default();
        let agents = root.named("agents").iter();
        let agents = agents.filter_map(|(name, table)| {
            let name = AgentName::new(name).ok().filter(|_| name != "defaults")?;
            Some((Scope::Agent(name), table))
        });
        let bottles = root.named("bottles").iter();
        let bottles = bottles.map(|(name, table)| (Scope::Bottle(name.as_str().into()), table));
        for (scope, table) in agents.chain(bottles) {
            budget::of(&scope, table, &names, &mut gathered, self.findings);
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

    fn named_files(&mut self, file: &Path) -> Vec<PathBuf> {
        let mut files = vec![file.to_owned()];
        files.append(&mut self.files);
        files
    }
}
