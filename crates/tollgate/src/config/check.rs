//! The document against the schema: unknown keys, wrong types, ranges,
//! variables. What passes is in the [`Table`] that comes back.

use std::cell::RefCell;

use tollgate_types::{Money, Secret};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::describe::{article, expected, placed, quoted};
use super::expand::{Unexpanded, expand};
use super::fault::Findings;
use super::near::{nearest, shown};
use super::schema::{Default, Key, Kind, Secrecy, Section, Standing};
use super::syntax::Lines;
use super::tree::{Entry, Table, Text, Value};

type Item<'a> = Spanned<DeValue<'a>>;

/// Walks the document once and remembers what has to be known afterwards.
pub(crate) struct Check<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) lines: &'a Lines,
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The syntax is broken: where a quote is missing, a secret may stand in
    /// any value, so no value is shown, and a missing key may just be unread.
    pub(crate) broken: bool,
    /// The first line that has a secret written out.
    pub(crate) literal_secret: Option<u32>,
    /// Values that must not leave, each with the kind that it is called.
    pub(crate) guarded: Vec<(&'static str, Secret)>,
}

impl Check<'_> {
    /// Checks one table. `place` is what faults call it.
    pub(crate) fn table(
        &mut self,
        section: &'static Section,
        place: String,
        line: u32,
        found: &DeTable<'_>,
    ) -> Table {
        let mut table = Table {
            section,
            place,
            line,
            entries: Vec::new(),
        };
        for (name, item) in in_file_order(found) {
            let line = self.lines.at(name.span().start);
            let Some(key) = section.key(name.get_ref()) else {
                self.unknown(&table, line, name.get_ref());
                continue;
            };
            self.standing(&table, key, line);
            if let Some(value) = self.value(&table, key, item) {
                let key = key.name;
                table.entries.push(Entry { key, line, value });
            }
        }
        self.required(&table, found);
        table
    }

    fn unknown(&mut self, table: &Table, line: u32, name: &str) {
        if self.broken && (name.is_empty() || self.findings.has_fault_at(line)) {
            return;
        }
        let known = table.section.keys.iter().map(|key| key.name);
        let what = match table.place.is_empty() {
            true => format!("unknown section {}", shown(name)),
            false => format!("{}: unknown key {}", table.place, shown(name)),
        };
        let hint = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("expected one of {}", known.collect::<Vec<_>>().join(", ")),
        };
        self.findings.fault(line, what).hint(hint);
    }

    /// Says what this version does not do, where the file asks for it.
    fn standing(&mut self, table: &Table, key: &Key, line: u32) {
        let what = match table.place.is_empty() {
            true => format!("[{}]", key.name),
            false => format!("{}: {}", table.place, key.name),
        };
        match key.standing {
            Standing::Ignored => {
                self.findings.warn(
                    line,
                    format!("{what} is not built into this version; ignored"),
                );
            }
            Standing::Works => {}
        }
    }

    fn value(&mut self, table: &Table, key: &'static Key, item: &Item<'_>) -> Option<Value> {
        match (key.kind, item.get_ref()) {
            (Kind::Text, DeValue::String(_)) => self.text(table, key, item).map(Value::Text),
            (Kind::Word(words) | Kind::WordOrFalse(words), DeValue::String(_)) => {
                let text = self.text(table, key, item)?;
                self.one_of(table, key, words, text).map(Value::Text)
            }
            (Kind::WordOrFalse(_), DeValue::Boolean(false)) => Some(Value::Boolean(false)),
            (Kind::Boolean, DeValue::Boolean(flag)) => Some(Value::Boolean(*flag)),
            (Kind::Integer(low, high) | Kind::Seconds(low, high), DeValue::Integer(number)) => {
                let found = integer(number).filter(|found| (low..=high).contains(found));
                self.in_range(table, key, item, found.map(Value::Integer))
            }
            (Kind::Float(low, high), DeValue::Integer(_) | DeValue::Float(_)) => {
                let found = float(item.get_ref()).filter(|found| (low..=high).contains(found));
                self.in_range(table, key, item, found.map(Value::Float))
            }
            (Kind::Usd, DeValue::Integer(_) | DeValue::Float(_)) => {
                let found = number_text(item.get_ref()).replace('_', "").parse();
                self.in_range(table, key, item, found.ok().map(Value::Money))
            }
            (Kind::Usd, DeValue::String(_)) => {
                let text = self.text(table, key, item)?;
                self.usd(table, key, &text).map(Value::Money)
            }
            (Kind::TextOrTexts, DeValue::String(_)) => self
                .text(table, key, item)
                .map(|text| Value::Texts(vec![text])),
            (_, found) => self.collection(table, key, item, found),
        }
    }

    fn usd(&mut self, table: &Table, key: &Key, text: &Text) -> Option<Money> {
        let found = text.as_str().parse();
        if let Err(error) = &found {
            let message = format!("{} is {}, {error}", key.name, text.shown);
            self.fault(table, text.line, message);
        }
        found.ok()
    }

    fn collection(
        &mut self,
        table: &Table,
        key: &'static Key,
        item: &Item<'_>,
        found: &DeValue<'_>,
    ) -> Option<Value> {
        let value = match (key.kind, found) {
            (Kind::Texts | Kind::TextOrTexts, DeValue::Array(items)) => {
                Value::Texts(self.texts(table, key, items))
            }
            (Kind::Map, DeValue::Table(pairs)) => Value::Map(self.map(table, key, pairs)),
            (Kind::Table(section), DeValue::Table(found)) => {
                // A section inside of one that has a name of its own.
                let place = match table.place.contains('"') {
                    true => format!("{}: {}", table.place, section.noun),
                    false => section.noun.to_owned(),
                };
                Value::Table(self.table(section, place, self.line(item), found))
            }
            (Kind::Named(section, defaults), DeValue::Table(found)) => {
                Value::Named(self.named(section, defaults, key, found))
            }
            (Kind::Tables(section), DeValue::Array(items)) => {
                Value::Tables(self.tables(table, key, section, items))
            }
            (Kind::OneOrMore(section), DeValue::Array(items)) => {
                Value::Tables(self.tables(table, key, section, items))
            }
            (Kind::OneOrMore(section), _) => {
                Value::Tables(self.one_of_more(table, key, section, item)?)
            }
            _ => {
                self.wrong_type(table, key, item);
                return None;
            }
        };
        Some(value)
    }

    fn texts(&mut self, table: &Table, key: &Key, items: &[Item<'_>]) -> Vec<Text> {
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(_) => texts.extend(self.text(table, key, item)),
                other => {
                    let message = format!("{} has {}, expected strings", key.name, article(other));
                    self.fault(table, self.line(item), message);
                }
            }
        }
        texts
    }

    fn map(&mut self, table: &Table, key: &Key, pairs: &DeTable<'_>) -> Vec<(String, Text)> {
        let mut texts = Vec::new();
        for (name, item) in in_file_order(pairs) {
            match item.get_ref() {
                DeValue::String(_) => texts.extend(
                    self.text(table, key, item)
                        .map(|text| (name.get_ref().to_string(), text)),
                ),
                other => {
                    let name = shown(name.get_ref());
                    let message = format!(
                        "{}: {name} is {}, expected a string",
                        key.name,
                        article(other)
                    );
                    self.fault(table, self.line(item), message);
                }
            }
        }
        texts
    }

    fn named(
        &mut self,
        section: &'static Section,
        defaults: Option<&'static Section>,
        key: &Key,
        found: &DeTable<'_>,
    ) -> Vec<(String, Table)> {
        let mut tables = Vec::new();
        for (name, item) in in_file_order(found) {
            let line = self.lines.at(name.span().start);
            let place = format!("{} {}", section.noun, shown(name.get_ref()));
            let (section, place) = match defaults.filter(|_| name.get_ref() == "defaults") {
                Some(defaults) => (defaults, defaults.noun.to_owned()),
                None => (section, place),
            };
            match item.get_ref() {
                DeValue::Table(found) => {
                    let table = self.table(section, place, line, found);
                    tables.push((name.get_ref().to_string(), table));
                }
                other if !self.findings.has_fault_at(line) => {
                    let message = format!("{place} is {}, expected a table", article(other));
                    let header = format!("write [{}.NAME] and its keys below", key.name);
                    self.findings.fault(line, message).hint(header);
                }
                _ => {}
            }
        }
        tables
    }

    fn tables(
        &mut self,
        table: &Table,
        key: &Key,
        section: &'static Section,
        items: &[Item<'_>],
    ) -> Vec<Table> {
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let line = self.line(item);
            match item.get_ref() {
                DeValue::Table(found) => {
                    let own = format!("{} {}", section.noun, index + 1);
                    let place = match table.place.is_empty() {
                        true => own,
                        false => format!("{}: {own}", table.place),
                    };
                    tables.push(self.table(section, place, line, found));
                }
                other => {
                    let message = format!("{} has {}, expected tables", key.name, article(other));
                    self.fault(table, line, message);
                }
            }
        }
        tables
    }

    /// One table where there may be more, or the value of its first key.
    fn one_of_more(
        &mut self,
        table: &Table,
        key: &'static Key,
        section: &'static Section,
        item: &Item<'_>,
    ) -> Option<Vec<Table>> {
        let line = self.line(item);
        let place = format!("{}: {}", table.place, section.noun);
        if let DeValue::Table(found) = item.get_ref() {
            return Some(vec![self.table(section, place, line, found)]);
        }
        let first = section.keys.first()?;
        if !matches!(
            (first.kind, item.get_ref()),
            (Kind::Integer(..), DeValue::Integer(_))
        ) {
            self.wrong_type(table, key, item);
            return None;
        }
        let mut one = Table {
            section,
            place,
            line,
            entries: Vec::new(),
        };
        let value = self.value(&one, first, item)?;
        one.entries.push(Entry {
            key: first.name,
            line,
            value,
        });
        Some(vec![one])
    }

    /// A string, filled in. Faults show it only as it stands in the file, and
    /// only where its key never holds a secret.
    fn text(&mut self, table: &Table, key: &Key, item: &Item<'_>) -> Option<Text> {
        let DeValue::String(raw) = item.get_ref() else {
            return None;
        };
        let line = self.line(item);
        let brought = RefCell::new(Vec::new());
        let variable = |name: &str| {
            let value = (self.variable)(name)?;
            if key.secrecy != Secrecy::Open || names_secret(name) {
                brought
                    .borrow_mut()
                    .push((kind_of(key), Secret::new(value.clone())));
            }
            Some(value)
        };
        let expanded = expand(raw, &variable);
        self.guarded.append(&mut brought.into_inner());
        match expanded {
            Ok(made) => {
                if key.secrecy == Secrecy::Secret && !made.expanded {
                    self.guarded
                        .push((kind_of(key), Secret::new(made.text.clone())));
                }
                let open = key.secrecy == Secrecy::Open && !self.broken;
                if key.secrecy == Secrecy::Secret && !made.expanded && !made.text.is_empty() {
                    self.literal_secret.get_or_insert(line);
                }
                Some(Text {
                    shown: quoted(raw, open),
                    expanded: made.expanded,
                    secret: Secret::new(made.text),
                    line,
                })
            }
            Err(faults) => {
                for fault in faults {
                    self.unexpanded(table, key, line, &fault);
                }
                None
            }
        }
    }

    fn unexpanded(&mut self, table: &Table, key: &Key, line: u32, fault: &Unexpanded) {
        match fault {
            Unexpanded::Unset(name) => {
                let name = shown(name);
                let message = format!("{} names variable {name}, which is not set", key.name);
                if let Some(fault) = self.fault(table, line, message) {
                    fault.hint("export it before the start, or use a *_file key");
                }
            }
            Unexpanded::Malformed => {
                let message = format!(
                    "{} has `${{` that is no variable, expected ${{NAME}}",
                    key.name
                );
                if let Some(fault) = self.fault(table, line, message) {
                    fault.hint("$${ writes a literal ${");
                }
            }
        }
    }

    fn one_of(&mut self, table: &Table, key: &Key, words: &[&str], text: Text) -> Option<Text> {
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let known = expected(key.kind);
        let message = format!("{} is {}, expected {known}", key.name, text.shown);
        let near = nearest(text.as_str(), words.iter().copied()).filter(|_| !text.expanded);
        if let (Some(fault), Some(near)) = (self.fault(table, text.line, message), near) {
            fault.hint(format!("did you mean \"{near}\"?"));
        }
        None
    }

    /// The value, or a fault where it was out of range.
    fn in_range(
        &mut self,
        table: &Table,
        key: &Key,
        item: &Item<'_>,
        value: Option<Value>,
    ) -> Option<Value> {
        if value.is_none() {
            let open = key.secrecy == Secrecy::Open && !self.broken;
            let found = quoted(&number_text(item.get_ref()), open);
            let message = format!("{} is {found}, expected {}", key.name, expected(key.kind));
            self.fault(table, self.line(item), message);
        }
        value
    }

    fn wrong_type(&mut self, table: &Table, key: &Key, item: &Item<'_>) {
        let found = article(item.get_ref());
        let message = match table.place.is_empty() {
            true => format!("[{}] is {found}, expected {}", key.name, expected(key.kind)),
            false => format!("{} is {found}, expected {}", key.name, expected(key.kind)),
        };
        let numeric =
            matches!(item.get_ref(), DeValue::String(text) if text.trim().parse::<f64>().is_ok());
        let wanted = matches!(
            key.kind,
            Kind::Integer(..) | Kind::Seconds(..) | Kind::Float(..) | Kind::OneOrMore(_)
        );
        if let Some(fault) = self.fault(table, self.line(item), message)
            && numeric
            && wanted
        {
            fault.hint("write the number without quotes");
        }
    }

    fn required(&mut self, table: &Table, found: &DeTable<'_>) {
        if self.broken {
            return;
        }
        for key in table.section.keys {
            if matches!(key.default, Default::Required) && !found.contains_key(key.name) {
                let message = format!("{} is missing, expected {}", key.name, expected(key.kind));
                self.fault(table, table.line, message);
            }
        }
    }

    /// A fault, unless the line has a syntax fault already.
    fn fault(&mut self, table: &Table, line: u32, message: String) -> Option<&mut super::Fault> {
        if self.broken && self.findings.has_fault_at(line) {
            return None;
        }
        Some(self.findings.fault(line, placed(&table.place, &message)))
    }

    fn line(&self, item: &Item<'_>) -> u32 {
        self.lines.at(item.span().start)
    }
}

/// What a value of this key is called where it is found.
fn kind_of(key: &Key) -> &'static str {
    match key.name {
        "keys" => "agent-key",
        "api_key" | "key" => "provider-key",
        _ => "configured-secret",
    }
}

/// Whether a variable is called as secrets are, wherever it is used: guarding an
/// address or the name of a model would have it taken out of every text.
fn names_secret(name: &str) -> bool {
    const WORDS: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The parser sorts keys by name; the file's order is the user's.
fn in_file_order<'t, 'a>(
    table: &'t DeTable<'a>,
) -> Vec<(&'t Spanned<toml::de::DeString<'a>>, &'t Item<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn float(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => integer(number)?.to_string().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// A number as it stands in the file.
fn number_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => String::new(),
    }
}
