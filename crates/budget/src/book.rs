use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;
use tollgate_types::Label;

use crate::cell::Cell;
use crate::fault::MOST_TOKENS;
use crate::{BudgetFault, BudgetSpec, Scope, Used};

/// Every budget at one moment; replaced as a whole, so that no request sees
/// half of a change.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) generation: u64,
    pub(crate) scopes: HashMap<Scope, Arc<[Entry]>>,
}

/// A budget and its use.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) spec: Arc<BudgetSpec>,
    pub(crate) cell: Arc<Cell>,
}

/// Budgets that count a request, and which of them hold.
pub(crate) type Matching<'b> = SmallVec<[(&'b Entry, bool); 8]>;

impl Book {
    /// A book of exactly these budgets. Those that `old` has under the same
    /// key keep their use; others begin with what is known of them.
    pub(crate) fn new(
        specs: Vec<BudgetSpec>,
        used: &[Used],
        old: &Self,
    ) -> Result<Self, Vec<BudgetFault>> {
        check(&specs)?;
        let mut known: HashMap<&str, Vec<Used>> = HashMap::new();
        for used in used {
            known.entry(&used.budget).or_default().push(used.clone());
        }
        let mut scopes: HashMap<Scope, Vec<Entry>> = HashMap::new();
        for spec in specs {
            let key = spec.key();
            let cell = old.entry(&spec.scope, &key).map_or_else(
                || Cell::new(&spec, known.get(&*key).map_or(&[], Vec::as_slice)),
                |entry| Arc::clone(&entry.cell),
            );
            let entry = Entry {
                spec: Arc::new(spec),
                cell,
            };
            scopes
                .entry(entry.spec.scope.clone())
                .or_default()
                .push(entry);
        }
        Ok(Self {
            generation: old.generation + 1,
            scopes: scopes
                .into_iter()
                .map(|(scope, entries)| (scope, entries.into()))
                .collect(),
        })
    }

    /// The same book with one budget made or changed.
    pub(crate) fn with(&self, spec: BudgetSpec, used: &[Used]) -> Result<Self, Vec<BudgetFault>> {
        check(std::slice::from_ref(&spec))?;
        let key = spec.key();
        let cell = match self.entry(&spec.scope, &key) {
            Some(entry) => Arc::clone(&entry.cell),
            None => Cell::new(&spec, used),
        };
        let scope = spec.scope.clone();
        let entry = Entry {
            spec: Arc::new(spec),
            cell,
        };
        let entries = self.others(&scope, &key).chain([entry]).collect();
        Ok(self.replacing(scope, entries))
    }

    /// The same book without one budget; none where it does not have it.
    pub(crate) fn without(&self, key: &str) -> Option<Self> {
        let found = self.entries().find(|entry| *entry.cell.key == *key)?;
        let scope = found.spec.scope.clone();
        let others = self.others(&scope, key).collect();
        Some(self.replacing(scope, others))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.scopes.values().flat_map(|entries| entries.iter())
    }

    pub(crate) fn entry(&self, scope: &Scope, key: &str) -> Option<&Entry> {
        let mut entries = self.scopes.get(scope)?.iter();
        entries.find(|entry| *entry.cell.key == *key)
    }

    fn others(&self, scope: &Scope, key: &str) -> impl Iterator<Item = Entry> {
        let entries = self.scopes.get(scope).into_iter().flat_map(|it| it.iter());
        entries
            .filter(move |entry| *entry.cell.key != *key)
            .cloned()
    }

    fn replacing(&self, scope: Scope, entries: Vec<Entry>) -> Self {
        let mut scopes = self.scopes.clone();
        match entries.is_empty() {
            true => scopes.remove(&scope),
            false => scopes.insert(scope, entries.into()),
        };
        Self {
            generation: self.generation + 1,
            scopes,
        }
    }

    /// The budgets that count a request to this provider. Of the scopes that
    /// have any, the first governs; further out only ceilings hold.
    pub(crate) fn matching<'b>(
        &'b self,
        own: &'b [Entry],
        scopes: &[Scope],
        provider: &str,
    ) -> Matching<'b> {
        let mut found = Matching::new();
        let outer = scopes.iter().filter_map(|scope| self.scopes.get(scope));
        for entries in std::iter::once(own).chain(outer.map(|entries| &**entries)) {
            let governed = !found.is_empty();
            let counting = entries.iter().filter(|entry| entry.spec.counts(provider));
            found.extend(counting.map(|entry| (entry, !governed || entry.spec.ceiling)));
        }
        found
    }
}

/// What no budget may be, alone or beside the others.
pub(crate) fn check(specs: &[BudgetSpec]) -> Result<(), Vec<BudgetFault>> {
    let mut faults = Vec::new();
    let mut seen: HashSet<Label> = HashSet::new();
    for spec in specs {
        let key = spec.key();
        if spec.limit.tokens.is_none() && spec.limit.usd.is_none() {
            faults.push(BudgetFault::NoLimit(key.clone()));
        }
        if let Some(found) = spec.limit.tokens.filter(|&found| found > MOST_TOKENS) {
            let key = key.clone();
            faults.push(BudgetFault::TooLarge { key, found });
        }
        if !seen.insert(key.clone()) {
            faults.push(BudgetFault::Duplicate(key));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults),
    }
}
