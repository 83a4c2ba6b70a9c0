use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tollgate_api::{NewOperatorRequest, OperatorCreated, OperatorReport};
use tollgate_control::{OperatorFault, Operators};
use tollgate_identity::{KeyDigest, OperatorBook, mint_operator_token};
use tollgate_types::{OperatorName, Secret, Tier};

use super::house::now;
use crate::paths::Paths;

/// Longest token that is read from a file, in bytes.
const LONGEST: usize = 512;
/// Largest `operators.json`, in bytes.
const LARGEST: usize = 1 << 20;

/// The first operator's name.
const FIRST: &str = "operator";

/// Operators by their tokens. The first one's is made at the first start and
/// stands in `operator.token`, for the commands of the same user; it may allow
/// everything. The others stand in `operators.json`, by the digests of theirs.
pub(super) struct Register {
    file: PathBuf,
    first: (OperatorName, KeyDigest),
    force: ArcSwap<Force>,
    /// Held by whoever changes the file.
    changing: Mutex<()>,
}

struct Force {
    book: OperatorBook,
    others: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: OperatorName,
    token: KeyDigest,
    may_answer: Tier,
    added_at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    operators: Vec<Entry>,
}

/// Reads who may call; makes the first operator's token where there is none, and
/// gives it back to be guarded.
pub(super) fn open(paths: &Paths) -> anyhow::Result<(Arc<Register>, Secret)> {
    let file = paths.operator_token();
    let token = match tollgate_secrets::read_private(&file, LONGEST) {
        Ok(token) => token,
        Err(error) if error.is_missing() => {
            let minted = mint_operator_token()?;
            tollgate_secrets::write_private(&file, minted.token.expose().as_bytes())?;
            minted.token
        }
        Err(error) => {
            let mending = error.mending().map(|command| format!("\nhint: {command}"));
            anyhow::bail!("{error}{}", mending.unwrap_or_default());
        }
    };
    let first = (OperatorName::new(FIRST)?, KeyDigest::of(token.expose()));
    let file = paths.operators();
    let others = read(&file)?;
    let force = force(&first, others)
        .with_context(|| format!("`{}`: operators of one name or token", file.display()))?;
    let register = Arc::new(Register {
        file,
        first,
        force: ArcSwap::from_pointee(force),
        changing: Mutex::default(),
    });
    Ok((register, token))
}

fn read(file: &std::path::Path) -> anyhow::Result<Vec<Entry>> {
    let text = match tollgate_secrets::read_private(file, LARGEST) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let read: File = serde_json::from_str(text.expose())
        .with_context(|| format!("`{}` is no list of operators", file.display()))?;
    anyhow::ensure!(
        read.version == 1,
        "`{}`: version is {}, expected 1",
        file.display(),
        read.version
    );
    Ok(read.operators)
}

fn force(first: &(OperatorName, KeyDigest), others: Vec<Entry>) -> Option<Force> {
    let all = others.iter().map(|it| (it.name.clone(), it.token));
    let all: Vec<_> = std::iter::once(first.clone()).chain(all).collect();
    let mut names: Vec<_> = all.iter().map(|(name, _)| name).collect();
    names.sort();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return None;
    }
    let book = OperatorBook::new(all).ok()?;
    Some(Force { book, others })
}

impl Register {
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), OperatorFault>,
    ) -> Result<(), OperatorFault> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut others = self.force.load().others.clone();
        change(&mut others)?;
        let force = force(&self.first, others)
            .ok_or_else(|| OperatorFault::Internal("two operators are alike".to_owned()))?;
        let file = File {
            version: 1,
            operators: force.others.clone(),
        };
        let internal = |error: String| OperatorFault::Internal(error);
        let text = serde_json::to_vec_pretty(&file).map_err(|error| internal(error.to_string()))?;
        tollgate_secrets::write_private(&self.file, &text)
            .map_err(|error| internal(error.to_string()))?;
        self.force.store(Arc::new(force));
        Ok(())
    }
}

impl Operators for Register {
    fn identify(&self, token: &str) -> Option<OperatorName> {
        self.force.load().book.identify(token).cloned()
    }

    /// Who is not known may allow nothing that is asked about.
    fn may_answer(&self, operator: &OperatorName) -> Tier {
        if *operator == self.first.0 {
            return Tier::Critical;
        }
        let force = self.force.load();
        let found = force.others.iter().find(|it| it.name == *operator);
        found.map_or(Tier::Safe, |it| it.may_answer)
    }

    fn list(&self) -> Vec<OperatorReport> {
        let first = OperatorReport {
            name: self.first.0.to_string(),
            may_answer: Tier::Critical,
            added_at: None,
        };
        let force = self.force.load();
        let others = force.others.iter().map(|it| OperatorReport {
            name: it.name.to_string(),
            may_answer: it.may_answer,
            added_at: Some(it.added_at),
        });
        std::iter::once(first).chain(others).collect()
    }

    fn add(&self, wanted: &NewOperatorRequest) -> Result<OperatorCreated, OperatorFault> {
        let name = OperatorName::new(&wanted.name)
            .map_err(|error| OperatorFault::Wrong(error.to_string()))?;
        let may_answer = wanted.may_answer.unwrap_or(Tier::Critical);
        let minted =
            mint_operator_token().map_err(|error| OperatorFault::Internal(error.to_string()))?;
        self.change(|others| {
            if name == self.first.0 || others.iter().any(|it| it.name == name) {
                return Err(OperatorFault::Exists(name.to_string()));
            }
            others.push(Entry {
                name: name.clone(),
                token: minted.digest,
                may_answer,
                added_at: now().0,
            });
            Ok(())
        })?;
        Ok(OperatorCreated {
            name: name.to_string(),
            may_answer,
            token: minted.token.expose().to_owned(),
        })
    }

    fn remove(&self, name: &OperatorName) -> Result<(), OperatorFault> {
        if *name == self.first.0 {
            let message = format!("`{name}` is the first operator, whose token is operator.token");
            return Err(OperatorFault::Wrong(message));
        }
        self.change(|others| {
            let before = others.len();
            others.retain(|it| it.name != *name);
            match others.len() < before {
                true => Ok(()),
                false => Err(OperatorFault::Unknown(name.to_string())),
            }
        })
    }
}
