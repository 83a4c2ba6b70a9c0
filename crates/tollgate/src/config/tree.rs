//! The checked document: what is in it has a known key and the right type.
//!
//! Lines stay with every value, entries stay in the order of the file (the
//! first provider that serves a name wins), and what is absent reads as its
//! default from the [schema](super::schema).

use tollgate_types::{Money, Secret};

use super::schema::{Default, Kind, ROOT, Section};

/// A string of the file with its variables filled in.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Held as a secret: nobody knows what a variable brought in.
    pub(crate) secret: Secret,
    pub(crate) line: u32,
    /// What errors say of it: the text as it stands in the file, with its
    /// variables not filled in, or that it is not shown.
    pub(crate) shown: String,
    /// Whether a variable stands in it, so that the text is not the file's.
    pub(crate) expanded: bool,
}

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        self.secret.expose()
    }
}

#[derive(Debug)]
pub(crate) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Money(Money),
    Boolean(bool),
    Texts(Vec<Text>),
    Map(Vec<(String, Text)>),
    Table(Table),
    Named(Vec<(String, Table)>),
    Tables(Vec<Table>),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: &'static str,
    pub(crate) line: u32,
    pub(crate) value: Value,
}

/// A table of the file, read through its section of the schema.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) section: &'static Section,
    /// What faults call it, such as `provider "openai": token 2`.
    pub(crate) place: String,
    pub(crate) line: u32,
    pub(crate) entries: Vec<Entry>,
}

impl Table {
    /// A table that the file does not have: every key at its default.
    fn absent(section: &'static Section) -> Self {
        Self {
            section,
            place: section.noun.to_owned(),
            line: 0,
            entries: Vec::new(),
        }
    }

    /// The same for a section of the file, by its name.
    pub(crate) fn default_of(name: &str) -> Self {
        let section = match ROOT.key(name).map(|key| key.kind) {
            Some(Kind::Table(section) | Kind::Tables(section) | Kind::Named(section, _)) => section,
            _ => &ROOT,
        };
        Self::absent(section)
    }

    /// The line of a key, or of the table where the key is not there.
    pub(crate) fn line_of(&self, key: &str) -> u32 {
        self.entry(key).map_or(self.line, |entry| entry.line)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// A string that is written out.
    pub(crate) fn text(&self, key: &str) -> Option<&Text> {
        match &self.entry(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A string, or its default, or nothing at all.
    pub(crate) fn word(&self, key: &str) -> &str {
        match (self.text(key), self.default(key)) {
            (Some(text), _) => text.as_str(),
            (None, Default::Text(text)) => text,
            _ => "",
        }
    }

    /// A number that is written out or has a default, else 0.
    pub(crate) fn number(&self, key: &str) -> u64 {
        let found = match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Integer(number)) => *number,
            _ => match self.default(key) {
                Default::Integer(number) => number,
                _ => 0,
            },
        };
        // The schema's ranges begin at zero or above.
        u64::try_from(found).unwrap_or(0)
    }

    pub(crate) fn seconds(&self, key: &str) -> std::time::Duration {
        std::time::Duration::from_secs(self.number(key))
    }

    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.entry(key)?.value {
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// An amount that is written out.
    pub(crate) fn money(&self, key: &str) -> Option<Money> {
        match self.entry(key)?.value {
            Value::Money(amount) => Some(amount),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Boolean(flag)) => *flag,
            _ => matches!(self.default(key), Default::Boolean(true)),
        }
    }

    /// The strings of a list that is written out.
    pub(crate) fn texts(&self, key: &str) -> &[Text] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// The strings of a list, or its default.
    pub(crate) fn words(&self, key: &str) -> Vec<String> {
        match (self.has(key), self.default(key)) {
            (false, Default::Texts(words)) => words.iter().map(|&word| word.to_owned()).collect(),
            _ => self
                .texts(key)
                .iter()
                .map(|text| text.as_str().to_owned())
                .collect(),
        }
    }

    pub(crate) fn map(&self, key: &str) -> &[(String, Text)] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }

    pub(crate) fn table(&self, key: &str) -> Option<&Table> {
        match &self.entry(key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn tables(&self, key: &str) -> &[Table] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Tables(tables)) => tables,
            _ => &[],
        }
    }

    pub(crate) fn named(&self, key: &str) -> &[(String, Table)] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Named(tables)) => tables,
            _ => &[],
        }
    }

    /// The line that a dotted path such as `model_shortcuts[2].model` or
    /// `agents.defaults.model.fallback[0]` points at, or the nearest one above.
    pub(crate) fn line_at(&self, path: &str) -> u32 {
        let mut steps = path
            .split(['.', '['])
            .map(|step| step.trim_end_matches(']'));
        let Some(entry) = steps.next().and_then(|key| self.entry(key)) else {
            return self.line;
        };
        let rest: Vec<&str> = steps.collect();
        let below = |table: &Table, rest: &[&str]| match rest {
            [] => table.line,
            rest => table.line_at(&rest.join(".")),
        };
        match (&entry.value, rest.as_slice()) {
            (Value::Table(table), rest) if !rest.is_empty() => below(table, rest),
            (Value::Named(tables), [name, rest @ ..]) => tables
                .iter()
                .find(|(known, _)| known == name)
                .map_or(entry.line, |(_, table)| below(table, rest)),
            (Value::Tables(tables), [index, rest @ ..]) => index
                .parse()
                .ok()
                .and_then(|index: usize| tables.get(index))
                .map_or(entry.line, |table| below(table, rest)),
            (Value::Texts(texts), [index, ..]) => index
                .parse()
                .ok()
                .and_then(|index: usize| texts.get(index))
                .map_or(entry.line, |text| text.line),
            _ => entry.line,
        }
    }

    /// Whether a variable stands in a name of a model or provider below `key`.
    pub(crate) fn has_variables(&self, key: &str) -> bool {
        self.entry(key)
            .is_some_and(|entry| variables_in(&entry.value))
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        debug_assert!(
            self.section.key(key).is_some() || key == "defaults",
            "`{key}` is not in the schema of `{}`",
            self.section.noun
        );
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn default(&self, key: &str) -> Default {
        self.section
            .key(key)
            .map_or(Default::Absent, |key| key.default)
    }
}

fn variables_in(value: &Value) -> bool {
    let table = |table: &Table| {
        let names = [
            "models",
            "constituents",
            "id",
            "pattern",
            "provider",
            "alias",
            "model",
            "fallback",
            "defaults",
        ];
        let named = |entry: &&Entry| names.contains(&entry.key);
        table
            .entries
            .iter()
            .filter(named)
            .any(|entry| variables_in(&entry.value))
    };
    match value {
        Value::Text(text) => text.expanded,
        Value::Texts(texts) => texts.iter().any(|text| text.expanded),
        Value::Table(found) => table(found),
        Value::Tables(tables) => tables.iter().any(table),
        Value::Named(tables) => tables.iter().any(|(_, found)| table(found)),
        Value::Map(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Money(_)
        | Value::Boolean(_) => false,
    }
}
