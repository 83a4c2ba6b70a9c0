//! `[bottles.NAME]`: which bottle stands in which.

use tollgate_budget::Extends;
use tollgate_types::{AgentName, Label};

use super::build::Build;
use super::near::nearest;
use super::settings::Bottles;
use super::tree::{Table, Text};

impl Build<'_> {
    /// The bottles of the file, each with those above it. A parent that is not
    /// there and a circle of parents are faults: a budget above them would hold
    /// nothing.
    pub(super) fn bottles(&mut self, tables: &[(String, Table)]) -> Bottles {
        let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
        for (name, table) in tables {
            // Bottles are files too, and stand in the same places as agents.
            if AgentName::new(name).is_err() {
                let message = "name can't be used, expected 1 to 64 lower-case letters, digits, \
                               `-`, `_` and `.`, the first one a letter or digit";
                self.fault(table, table.line, message);
            }
            for parent in table.texts("extends") {
                if !names.contains(&parent.as_str()) {
                    self.no_bottle(table, "extends", parent, &names);
                }
            }
        }
        let extends = Extends::new(tables.iter().map(|(name, table)| {
            let parents = table.texts("extends").iter();
            let parents = parents.map(|parent| Label::from(parent.as_str()));
            (name.as_str().into(), parents.collect())
        }));
        let mut bottles = Bottles::new();
        for (name, table) in tables {
            match extends.chain(name) {
                Ok(chain) => drop(bottles.insert(name.as_str().into(), chain)),
                Err(circle) => {
                    let line = table.line_of("extends");
                    let fault = self.fault(table, line, circle.to_string());
                    fault.hint("a bottle stands in others, never in itself");
                }
            }
        }
        bottles
    }

    /// The chain of the bottle that an agent names; empty without.
    pub(super) fn bottle_of(&mut self, table: &Table, bottles: &Bottles) -> Vec<Label> {
        let Some(named) = table.text("bottle") else {
            return Vec::new();
        };
        let found = bottles.get(named.as_str()).cloned();
        // One in a circle has been told of already.
        if found.is_none() && !self.findings.any() {
            let names: Vec<&str> = bottles.keys().map(|name| &**name).collect();
            self.no_bottle(table, "bottle", named, &names);
        }
        found.unwrap_or_default()
    }

    fn no_bottle(&mut self, table: &Table, key: &str, found: &Text, names: &[&str]) {
        let message = format!(
            "{}: {key} is {}, expected the name of a bottle",
            table.place, found.shown
        );
        let near = nearest(found.as_str(), names.iter().copied());
        let hint = match (near, names.is_empty()) {
            (Some(near), _) => format!("did you mean \"{near}\"?"),
            (None, true) => "the file has no [bottles.NAME]".to_owned(),
            (None, false) => format!("there are {}", names.join(", ")),
        };
        self.findings.fault(found.line, message).hint(hint);
    }
}
