//! `settings.yml`: the budgets of this machine.
//!
//! It stands with `TOLLGATE_HOME` or beside the configuration, and nowhere
//! else: a repository that an agent works in must not say what the agent may
//! spend.

use std::io::ErrorKind;
use std::path::Path;

use tollgate_budget::{BudgetSpec, Scope, Shutdown};
use tollgate_types::{Label, Money, Secret};

use super::budget::{self, Gathered, Names};
use super::describe::{expected, io, quoted};
use super::fault::Findings;
use super::near::{nearest, shown};
use super::schema::{BUDGET, Key, Kind};
use super::surroundings::Surroundings;
use super::syntax;
use super::tree::{Entry, Table, Text, Value};
use super::yaml::{self, Content, Member, Node};

/// What the file may hold.
const KEYS: [&str; 3] = ["budget", "shutdown", "aliases"];
/// The key of a budget that counts every provider.
const ALL: &str = "all";

/// The budgets of the host; none where there is no file. What is wrong is in
/// the findings, which begin with the file's name.
pub(super) fn budgets(
    file: &Path,
    configured: Option<Vec<Label>>,
    surroundings: &dyn Surroundings,
    findings: &mut Findings,
) -> Vec<BudgetSpec> {
    let bytes = match surroundings.file(file, syntax::LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.fault(0, format!("can't be read: {}", io(&error)));
            return Vec::new();
        }
    };
    let Some(text) = syntax::decode(&bytes, findings) else {
        return Vec::new();
    };
    if text.trim().is_empty() {
        return Vec::new();
    }
    match yaml::read(text) {
        Ok(root) => judge(&root, configured, findings),
        Err(not) => {
            findings.fault(not.line, format!("syntax: {}", not.why));
            Vec::new()
        }
    }
}

fn judge(root: &Node, configured: Option<Vec<Label>>, findings: &mut Findings) -> Vec<BudgetSpec> {
    let members = match &root.content {
        Content::Map(members) => members,
        // Nothing but comments.
        Content::Nothing => return Vec::new(),
        other => {
            let message = format!("found {}, expected keys and values", other.article());
            findings.fault(root.line, message);
            return Vec::new();
        }
    };
    for member in members {
        if !KEYS.contains(&member.key.as_str()) {
            unknown("", member, &KEYS, findings);
        }
    }
    let value = |key: &str| members.iter().find(|member| member.key == key);
    let shutdown = value("shutdown").map_or(Shutdown::Cutoff, |it| shutdown(it, findings));
    let names = Names {
        aliases: value("aliases").map_or_else(Vec::new, |it| aliases(it, findings)),
        configured,
    };
    let mut gathered = Gathered::default();
    for member in value("budget").map_or(&[][..], |it| providers(it, findings)) {
        for table in tables(member, findings) {
            let Some(id) = provider(member, &table, &names, findings) else {
                break;
            };
            if let Some(spec) = budget::spec(&table, Scope::Host, id, shutdown, findings) {
                gathered.add(spec, &table, findings);
            }
        }
    }
    gathered.specs
}

/// The provider that an entry counts: none inside for all of them, none at all
/// for a name that nobody has.
fn provider(
    member: &Member,
    table: &Table,
    names: &Names,
    findings: &mut Findings,
) -> Option<Option<Label>> {
    if member.key == ALL {
        return Some(None);
    }
    let said = shown(&member.key);
    names
        .provider(&member.key, &said, table, member.line, findings)
        .map(Some)
}

fn shutdown(member: &Member, findings: &mut Findings) -> Shutdown {
    const WORDS: [&str; 3] = ["cutoff", "freeze", "kill"];
    match &member.value.content {
        Content::Text(word) if WORDS.contains(&word.as_str()) => budget::shutdown_of(word),
        other => {
            let found = match other {
                Content::Text(word) => quoted(word, true),
                other => other.article().to_owned(),
            };
            let message = format!("shutdown is {found}, expected one of {}", WORDS.join(", "));
            let near = match other {
                Content::Text(word) => nearest(word, WORDS),
                _ => None,
            };
            let fault = findings.fault(member.value.line, message);
            if let Some(near) = near {
                fault.hint(format!("did you mean \"{near}\"?"));
            }
            Shutdown::Cutoff
        }
    }
}

fn aliases(member: &Member, findings: &mut Findings) -> Vec<(String, String)> {
    let Content::Map(pairs) = &member.value.content else {
        let found = member.value.content.article();
        let message = format!("aliases is {found}, expected names and ids of providers");
        findings.fault(member.value.line, message);
        return Vec::new();
    };
    let mut aliases = Vec::new();
    for pair in pairs {
        match &pair.value.content {
            Content::Text(id) => aliases.push((pair.key.clone(), id.clone())),
            other => {
                let name = shown(&pair.key);
                let message = format!(
                    "aliases: {name} is {}, expected the id of a provider",
                    other.article()
                );
                findings.fault(pair.value.line, message);
            }
        }
    }
    aliases
}

/// The budgets by provider.
fn providers<'m>(member: &'m Member, findings: &mut Findings) -> &'m [Member] {
    match &member.value.content {
        Content::Map(members) => members,
        Content::Nothing => &[],
        other => {
            let message = format!(
                "budget is {}, expected a number or table by provider",
                other.article()
            );
            let fault = findings.fault(member.value.line, message);
            fault.hint("such as `claude: 5000000` below it; `all` counts every provider");
            &[]
        }
    }
}

/// What a provider's entry holds: a number of tokens, a table, or a list of
/// either.
fn tables(member: &Member, findings: &mut Findings) -> Vec<Table> {
    let (place, node) = (format!("budget {}", shown(&member.key)), &member.value);
    match &node.content {
        Content::List(items) => {
            let each = items.iter();
            each.filter_map(|item| table(&place, item, findings))
                .collect()
        }
        _ => table(&place, node, findings).into_iter().collect(),
    }
}

fn table(place: &str, node: &Node, findings: &mut Findings) -> Option<Table> {
    let mut table = Table {
        section: &BUDGET,
        place: place.to_owned(),
        line: node.line,
        entries: Vec::new(),
    };
    let mut whole = true;
    match &node.content {
        Content::Map(members) => {
            // The provider is the key of the entry.
            let keys = BUDGET.keys.iter().filter(|key| key.name != "provider");
            let keys: Vec<&'static Key> = keys.collect();
            for member in members {
                let Some(key) = keys.iter().find(|key| key.name == member.key) else {
                    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                    unknown(place, member, &names, findings);
                    whole = false;
                    continue;
                };
                match value(place, key, &member.value, findings) {
                    Some(value) => table.entries.push(Entry {
                        key: key.name,
                        line: member.line,
                        value,
                    }),
                    None => whole = false,
                }
            }
        }
        Content::Integer(_) => {
            let key = BUDGET.key("tokens")?;
            table.entries.push(Entry {
                key: key.name,
                line: node.line,
                value: value(place, key, node, findings)?,
            });
        }
        other => {
            let message = format!(
                "{place}: is {}, expected a number of tokens or a table",
                other.article()
            );
            findings.fault(node.line, message);
            return None;
        }
    }
    whole.then_some(table)
}

fn value(place: &str, key: &Key, node: &Node, findings: &mut Findings) -> Option<Value> {
    let found = match (key.kind, &node.content) {
        (Kind::Integer(low, high), Content::Integer(number)) => i64::try_from(*number)
            .ok()
            .filter(|found| (low..=high).contains(found))
            .map(Value::Integer),
        (Kind::Usd, content) => money(content).map(Value::Money),
        (Kind::Boolean, Content::Boolean(flag)) => Some(Value::Boolean(*flag)),
        (Kind::Word(words), Content::Text(word)) => words
            .contains(&word.as_str())
            .then(|| Value::Text(text(word, node))),
        (Kind::Text, Content::Text(word)) => Some(Value::Text(text(word, node))),
        _ => None,
    };
    if found.is_none() {
        let message = format!(
            "{place}: {} is {}, expected {}",
            key.name,
            said(&node.content),
            expected(key.kind)
        );
        let near = match (key.kind, &node.content) {
            (Kind::Word(words), Content::Text(word)) => nearest(word, words.iter().copied()),
            _ => None,
        };
        let fault = findings.fault(node.line, message);
        match (key.name, near) {
            (_, Some(near)) => fault.hint(format!("did you mean \"{near}\"?")),
            ("tokens" | "usd", None) => {
                fault.hint("0 blocks all spending; delete the line for no limit");
            }
            _ => {}
        }
    }
    found
}

fn money(content: &Content) -> Option<Money> {
    match content {
        Content::Integer(number) => number.to_string().parse().ok(),
        // The shortest text of a float is the decimal that was written.
        Content::Float(number) => number.to_string().parse().ok(),
        Content::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(word: &str, node: &Node) -> Text {
    Text {
        secret: Secret::new(word.to_owned()),
        line: node.line,
        shown: quoted(word, true),
        expanded: false,
    }
}

fn said(content: &Content) -> String {
    match content {
        Content::Integer(number) => format!("\"{number}\""),
        Content::Float(number) => format!("\"{number}\""),
        Content::Boolean(flag) => format!("\"{flag}\""),
        Content::Text(text) => quoted(text, true),
        other => other.article().to_owned(),
    }
}

fn unknown(place: &str, member: &Member, known: &[&str], findings: &mut Findings) {
    let what = match place.is_empty() {
        true => format!("unknown key {}", shown(&member.key)),
        false => format!("{place}: unknown key {}", shown(&member.key)),
    };
    let fault = findings.fault(member.line, what);
    match nearest(&member.key, known.iter().copied()) {
        Some(near) => fault.hint(format!("did you mean \"{near}\"?")),
        None => fault.hint(format!("expected one of {}", known.join(", "))),
    }
}
