use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tollgate_types::Secret;

use super::*;

mod budgets;
mod faults;
mod secrecy;
mod values;

/// A machine that exists only in the test.
#[derive(Default)]
pub(crate) struct Fake {
    variables: HashMap<String, String>,
    text: Option<Vec<u8>>,
    settings: Option<String>,
    secrets: HashMap<PathBuf, String>,
    loose: HashSet<PathBuf>,
}

impl Fake {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(crate) fn file(mut self, text: &str) -> Self {
        self.text = Some(text.as_bytes().to_vec());
        self
    }

    /// The text of `settings.yml`.
    fn host(mut self, text: &str) -> Self {
        self.settings = Some(text.to_owned());
        self
    }

    fn secret(mut self, path: &str, text: &str) -> Self {
        self.secrets.insert(path.into(), text.into());
        self
    }

    fn loose(mut self, path: &str) -> Self {
        self.loose.insert(path.into());
        self
    }
}

impl Surroundings for Fake {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &Path, _limit: usize) -> std::io::Result<Vec<u8>> {
        let found = match path.ends_with("settings.yml") {
            true => self.settings.clone().map(String::into_bytes),
            false => self.text.clone(),
        };
        found.ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn secret_file(&self, path: &Path) -> Result<Secret, String> {
        let found = self.secrets.get(path).cloned().map(Secret::new);
        found.ok_or_else(|| format!("`{}` does not exist", path.display()))
    }

    fn private(&self, path: &Path) -> Result<(), String> {
        match self.loose.contains(path) {
            true => Err(format!(
                "`{0}` has mode 0644, expected 0600: `chmod 600 {0}`",
                path.display()
            )),
            false => Ok(()),
        }
    }
}

fn paths() -> Paths {
    Paths {
        config: "tollgate.toml".into(),
        named: true,
        state: "/state".into(),
    }
}

fn judged(machine: &Fake) -> Result<Settings, Faults> {
    load(&paths(), machine)
}

/// What `config check` would say of a text.
fn faults(machine: Fake, text: &str) -> String {
    match judged(&machine.file(text)) {
        Ok(settings) => settings
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}\n"))
            .collect(),
        Err(faults) => {
            let warnings = faults
                .warnings
                .iter()
                .map(|warning| format!("warning: {warning}\n"));
            faults
                .faults
                .iter()
                .map(|fault| format!("{fault}\n"))
                .chain(warnings)
                .collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        drop(read(&bytes, &paths(), &Nowhere));
    }

    #[test]
    fn no_text_of_toml_makes_it_panic(
        lines in proptest::collection::vec(
            prop_oneof![
                "\\[{1,2}(server|providers|providers\\.a|agents|agents\\.defaults|model_routes|alloys|x)\\]{1,2}",
                "(bind|api_key|tokens|keys|wire|base_url|models|headers|alias|model) ?= ?(\"[^\"]{0,12}\"?|-?[0-9]{1,20}|\\[.{0,8}\\]|\\{.{0,12}\\}|true|1e9)",
                ".{0,24}",
            ],
            0..12,
        )
    ) {
        let text = lines.join("\n");
        let found = read(text.as_bytes(), &paths(), &Nowhere);
        if let Err(faults) = found {
            let last = u32::try_from(text.lines().count()).unwrap().max(1);
            prop_assert!(faults.faults.iter().all(|fault| fault.line.is_none_or(|line| (1..=last + 1).contains(&line))));
        }
    }
}
