//! `[policy]`, and what agents have of it: their domains.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tollgate_judge::Isolation;
use tollgate_policy::{DomainList, SHIPPED, is_domain_pattern, may_be_added};
use tollgate_types::{AgentName, Label};

use super::build::Build;
use super::describe;
use super::tree::{Table, Text};

/// Largest file of a domain list or of agents, in bytes.
const LARGEST: usize = 64 << 20;

/// Most domains that are written down for one agent, each way: rules get them
/// as a list. More belong into a domain list.
const DOMAINS: usize = 256;

/// `[policy]`.
#[derive(Clone, Debug, Default)]
pub struct PolicySettings {
    /// The files, in order; none means the shipped default.
    pub files: Vec<PathBuf>,
    /// Where rules are evaluated.
    pub isolation: Isolation,
    /// Lists that hold for every agent.
    pub lists: Vec<Arc<DomainList>>,
    /// Facts of the operator's own, for every agent.
    pub context: Vec<(Label, Label)>,
    /// What is written down for single agents.
    pub agents: Vec<AgentDomains>,
}

/// Where one agent may go, as its operator wrote it down.
#[derive(Clone, Debug)]
pub struct AgentDomains {
    /// The agent.
    pub agent: AgentName,
    /// Domains that it may reach.
    pub allowed: Vec<Label>,
    /// Domains that it may not.
    pub denied: Vec<Label>,
    /// Lists of its own.
    pub lists: Vec<Arc<DomainList>>,
    /// Facts of the operator's own about it.
    pub context: Vec<(Label, Label)>,
}

/// clashd's `agents.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentsFile {
    agents: Vec<AgentEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    agent_id: String,
    #[serde(default)]
    allowed_domains: Vec<String>,
    #[serde(default)]
    denied_domains: Vec<String>,
    #[serde(default)]
    domain_list_sources: Vec<ListSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListSource {
    name: String,
    url: String,
    #[serde(default, rename = "refresh_secs")]
    _refresh_secs: Option<u64>,
}

impl PolicySettings {
    /// Takes domains from a file to what `tollgate.toml` says of the agent.
    fn put(&mut self, mut agent: AgentDomains) {
        let known = self.agents.iter().position(|it| it.agent == agent.agent);
        if let Some(at) = known {
            agent.context = self.agents.swap_remove(at).context;
        }
        self.agents.push(agent);
    }
}

impl Build<'_> {
    /// `[policy]` and the domains of `[agents.NAME]`.
    pub(super) fn policy(&mut self, root: &Table) -> PolicySettings {
        let absent = Table::default_of("policy");
        let table = root.table("policy").unwrap_or(&absent);
        let mut settings = PolicySettings {
            isolation: match table.word("isolation") {
                "process" => Isolation::Process,
                _ => Isolation::Auto,
            },
            ..PolicySettings::default()
        };
        for text in table.texts("files") {
            if text.as_str().starts_with(SHIPPED) {
                settings.files.push(text.as_str().into());
                continue;
            }
            let path = self.beside.join(text.as_str());
            self.files.push(path.clone());
            settings.files.push(path);
        }
        let mut listed = Vec::new();
        for list in table.tables("domain_lists") {
            let (Some(name), Some(file)) = (list.text("name"), list.text("file")) else {
                continue;
            };
            listed.push(name.as_str().to_owned());
            let path = self.beside.join(file.as_str());
            settings
                .lists
                .extend(self.list(name.as_str(), &path, file.line));
        }
        settings.context = self.context(table);
        for (name, agent) in root.named("agents") {
            if name != "defaults" {
                settings.agents.extend(self.domains_of(name, agent));
            }
        }
        if let Some(file) = table.text("agents") {
            self.agents_file(file, &listed, &mut settings);
        }
        settings
    }

    fn domains_of(&mut self, name: &str, table: &Table) -> Option<AgentDomains> {
        let [allowed, denied] = ["allowed_domains", "denied_domains"].map(|key| {
            let line = table.line_of(key);
            let domains = table.texts(key).iter().map(|text| text.as_str());
            self.domains(&format!("{}: {key}", table.place), line, domains)
        });
        let agent = AgentName::new(name).ok()?;
        let context = self.context(table);
        let said = !allowed.is_empty() || !denied.is_empty() || !context.is_empty();
        said.then_some(AgentDomains {
            agent,
            allowed,
            denied,
            lists: Vec::new(),
            context,
        })
    }

    /// Facts that the operator adds; never in the place of what Tollgate knows.
    fn context(&mut self, table: &Table) -> Vec<(Label, Label)> {
        let mut kept = Vec::new();
        for (name, value) in table.map("context") {
            if may_be_added(name) {
                kept.push((name.as_str().into(), value.as_str().into()));
                continue;
            }
            let found: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let message = format!(
                "{}: context has \"{found}\", which can't be added",
                table.place
            );
            self.findings.fault(value.line, message).hint(
                "expected a name that rules don't know yet, of lower-case letters, digits and `_`",
            );
        }
        kept
    }

    fn domains<'d>(
        &mut self,
        place: &str,
        line: u32,
        domains: impl Iterator<Item = &'d str>,
    ) -> Vec<Label> {
        let mut kept = Vec::new();
        for domain in domains {
            if !is_domain_pattern(domain) {
                let found: String = domain
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(80)
                    .collect();
                let message =
                    format!("{place} has \"{found}\", expected a domain, `*.domain` or `*`");
                self.findings.fault(line, message);
            } else if kept.len() == DOMAINS {
                let message = format!("{place} has more than {DOMAINS} domains");
                self.findings
                    .fault(line, message)
                    .hint("put them into a file and name it in [[policy.domain_lists]]");
                break;
            } else {
                kept.push(domain.into());
            }
        }
        kept
    }

    fn agents_file(&mut self, file: &Text, listed: &[String], settings: &mut PolicySettings) {
        let path = self.beside.join(file.as_str());
        let Some(text) = self.text_of(&path, file.line) else {
            return;
        };
        let read: AgentsFile = match serde_json::from_str(&text) {
            Ok(read) => read,
            Err(error) => {
                let message = format!("policy: agents: {}: {error}", path.display());
                self.findings.fault(file.line, message);
                return;
            }
        };
        for entry in read.agents {
            if let Some(agent) = self.agent_entry(file.line, &path, entry, listed, settings) {
                settings.put(agent);
            }
        }
    }

    fn agent_entry(
        &mut self,
        line: u32,
        path: &Path,
        entry: AgentEntry,
        listed: &[String],
        settings: &PolicySettings,
    ) -> Option<AgentDomains> {
        let place = format!("policy: agents: {}", path.display());
        let Ok(agent) = AgentName::new(&entry.agent_id) else {
            let message = format!(
                "{place}: agent_id can't be used, expected 1 to 64 lower-case letters, digits, `-`, `_` and `.`"
            );
            self.findings.fault(line, message);
            return None;
        };
        let is_said = |known: &AgentDomains| {
            let domains = known.allowed.len() + known.denied.len() + known.lists.len();
            known.agent == agent && domains > 0
        };
        if settings.agents.iter().any(is_said) {
            let message =
                format!("{place}: the domains of agent \"{agent}\" are written down twice");
            self.findings.fault(line, message);
            return None;
        }
        let place = format!("{place}: agent \"{agent}\"");
        let mut texts = |key: &str, domains: &[String]| {
            let domains = domains.iter().map(String::as_str);
            self.domains(&format!("{place}: {key}"), line, domains)
        };
        let allowed = texts("allowed_domains", &entry.allowed_domains);
        let denied = texts("denied_domains", &entry.denied_domains);
        let mut lists = Vec::new();
        for source in entry.domain_list_sources {
            let file = source.url.strip_prefix("file://").unwrap_or(&source.url);
            // A list of this name holds for every agent, and so for this one.
            if file.contains("://") && listed.contains(&source.name) {
                continue;
            }
            if file.contains("://") {
                let message = format!(
                    "{place}: domain list \"{}\" is on the network, from where this version fetches nothing",
                    source.name
                );
                self.findings
                    .fault(line, message)
                    .hint("save it as a file and name that in [[policy.domain_lists]] under the same name, or give its path as url");
                continue;
            }
            lists.extend(self.list(&source.name, &self.beside.join(file), line));
        }
        Some(AgentDomains {
            agent,
            allowed,
            denied,
            lists,
            context: Vec::new(),
        })
    }

    fn list(&mut self, name: &str, path: &Path, line: u32) -> Option<Arc<DomainList>> {
        let text = self.text_of(path, line)?;
        match DomainList::parse(name, &text) {
            Ok(list) => Some(Arc::new(list)),
            Err(faults) => {
                for fault in faults.iter().take(5) {
                    let message = format!("domain list \"{name}\": {}: {fault}", path.display());
                    self.findings.fault(line, message);
                }
                None
            }
        }
    }

    fn text_of(&mut self, path: &Path, line: u32) -> Option<String> {
        self.files.push(path.to_owned());
        let problem = match self.surroundings.file(path, LARGEST) {
            Ok(bytes) if bytes.len() > LARGEST => format!("more than {LARGEST} bytes"),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Some(text),
                Err(_) => "not UTF-8".to_owned(),
            },
            Err(error) => format!("can't be read: {}", describe::io(&error)),
        };
        self.findings
            .fault(line, format!("policy: {}: {problem}", path.display()));
        None
    }
}
