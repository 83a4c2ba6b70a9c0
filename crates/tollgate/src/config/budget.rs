//! Budgets, in `[agents.NAME]` and in `settings.yml`: a checked table to what
//! the engine takes.

use std::collections::HashSet;

use tollgate_budget::{BudgetSpec, Limit, Scope, Shutdown, Window};
use tollgate_types::Label;

use super::fault::Findings;
use super::near::{nearest, shown};
use super::tree::Table;
use super::{discover, probe, zone};

/// What agents call their providers, and the provider's id.
const ALIASES: [(&str, &str); 3] = [
    ("claude", "anthropic"),
    ("codex", "openai"),
    ("gemini", "google"),
];

/// Which names of providers a budget may have.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Ids of the configuration, in its order; none where it could not be
    /// read, so that nothing is known to be wrong.
    pub(super) configured: Option<Vec<Label>>,
    /// Other names and the ids they stand for; later ones win.
    pub(super) aliases: Vec<(String, String)>,
}

/// Budgets as they are gathered, each of its kind once.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) specs: Vec<BudgetSpec>,
    keys: HashSet<Label>,
}

impl Gathered {
    /// One more; a second one for the same is a fault.
    pub(super) fn add(&mut self, spec: BudgetSpec, table: &Table, findings: &mut Findings) {
        if self.keys.insert(spec.key()) {
            return self.specs.push(spec);
        }
        let message = format!(
            "{}: stands twice for the same provider and time, expected it once",
            table.place
        );
        findings.fault(table.line, message);
    }
}

/// `[budget]`: the shortest answer that a request may be cut down to, where it
/// may be at all.
pub(super) fn clamp_floor(root: &Table) -> Option<u64> {
    let table = root.table("budget")?;
    table
        .flag("clamp_max_tokens")
        .then(|| table.number("clamp_floor"))
}

/// The budgets of an agent or a bottle.
pub(super) fn of(
    scope: &Scope,
    table: &Table,
    names: &Names,
    gathered: &mut Gathered,
    findings: &mut Findings,
) {
    for table in table.tables("budget") {
        let provider = match table.text("provider") {
            None => Some(None),
            Some(text) => names
                .provider(text.as_str(), &text.shown, table, text.line, findings)
                .map(Some),
        };
        let Some(provider) = provider else { continue };
        if let Some(spec) = spec(table, scope.clone(), provider, Shutdown::Cutoff, findings) {
            gathered.add(spec, table, findings);
        }
    }
}

/// A budget from its table; `shutdown` holds where it says nothing.
pub(super) fn spec(
    table: &Table,
    scope: Scope,
    provider: Option<Label>,
    shutdown: Shutdown,
    findings: &mut Findings,
) -> Option<BudgetSpec> {
    let limit = Limit {
        tokens: table.has("tokens").then(|| table.number("tokens")),
        usd: table.money("usd"),
    };
    if limit == Limit::default() {
        // A limit that was refused is no limit that was forgotten.
        if findings.has_fault_at(table.line) {
            return None;
        }
        let message = format!(
            "{}: limits nothing, expected tokens, usd or both",
            table.place
        );
        let fault = findings.fault(table.line, message);
        fault.hint("0 blocks all spending; delete the budget for no limit");
        return None;
    }
    let name = table.word("time_zone");
    let Some(zone) = zone::named(name) else {
        let found = table.text("time_zone").map_or("", |text| &text.shown);
        let message = format!(
            "{}: time_zone is {found}, expected a zone that the system knows",
            table.place
        );
        let fault = findings.fault(table.line_of("time_zone"), message);
        fault.hint("such as \"UTC\" or \"Europe/Berlin\"; zones come with the package tzdata");
        return None;
    };
    Some(BudgetSpec {
        scope,
        provider,
        limit,
        window: match table.word("per") {
            "run" => Window::Run,
            "day" => Window::Day,
            "month" => Window::Month,
            _ => Window::Total,
        },
        zone,
        ceiling: table.flag("ceiling"),
        shutdown: match table.has("shutdown") {
            true => shutdown_of(table.word("shutdown")),
            false => shutdown,
        },
    })
}

/// What a word stands for.
pub(super) fn shutdown_of(word: &str) -> Shutdown {
    match word {
        "freeze" => Shutdown::Freeze,
        "kill" => Shutdown::Kill,
        _ => Shutdown::Cutoff,
    }
}

impl Names {
    /// The id that a name stands for. A name that nobody has is a fault: a
    /// budget with a slip in it would hold nothing.
    pub(super) fn provider(
        &self,
        name: &str,
        said: &str,
        table: &Table,
        line: u32,
        findings: &mut Findings,
    ) -> Option<Label> {
        let Some(configured) = &self.configured else {
            return Some(name.into());
        };
        let is_configured = |id: &str| configured.iter().any(|known| **known == *id);
        let id = match is_configured(name) {
            true => name,
            false => self.alias(name),
        };
        if is_configured(id) {
            return Some(id.into());
        }
        if known_ids().any(|known| known == id) {
            let (place, id_shown) = (&table.place, shown(id));
            let message = format!("{place}: counts provider {id_shown}, which is not configured");
            let ids: Vec<&str> = configured.iter().map(|id| &**id).collect();
            let fault = findings.warn(line, message);
            fault.hint(format!("there are {}", ids.join(", ")));
            return Some(id.into());
        }
        let place = &table.place;
        let message = format!("{place}: provider is {said}, expected the id of a provider");
        let aliases = ALIASES.map(|(alias, _)| alias);
        let ids = configured.iter().map(|id| &**id);
        let near = nearest(name, ids.chain(aliases)).or_else(|| nearest(name, known_ids()));
        findings.fault(line, message).hint(match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "an id of [providers.ID], or a name under aliases in settings.yml".to_owned(),
        });
        None
    }

    fn alias<'n>(&'n self, name: &'n str) -> &'n str {
        let added = self.aliases.iter().rev();
        let added = added.map(|(alias, id)| (alias.as_str(), id.as_str()));
        let found = added.chain(ALIASES).find(|(alias, _)| *alias == name);
        found.map_or(name, |(_, id)| id)
    }
}

/// Providers that may come without a configuration.
fn known_ids() -> impl Iterator<Item = &'static str> {
    let keyed = discover::KNOWN.iter().map(|known| known.id);
    keyed
        .chain(probe::Kind::ALL.map(probe::Kind::id))
        .chain(["demo"])
}
