use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tollgate_types::{Label, Money, RunId, UnixMillis};

use crate::book::{Book, Entry, Matching, check};
use crate::cell::Cell;
use crate::period::Backing;
use crate::refused::Reached;
use crate::reservation::{Reservation, Share, Shares};
use crate::slice::Wanted;
use crate::{Amount, BudgetFault, BudgetSpec, BudgetState, PeriodKey, Refused, ScopePath, Slice};
use crate::{SliceBatch, Unit, Used, Window};

/// Every budget of the gateway. Cloning counts a reference.
#[derive(Clone, Debug)]
pub struct Budgets {
    pub(crate) core: Arc<Core>,
}

#[derive(Debug)]
pub(crate) struct Core {
    book: ArcSwap<Book>,
    /// Budgets of single runs, which come and go too often for the book.
    runs: RwLock<HashMap<RunId, Arc<[Entry]>>>,
    /// One change at a time; readers don't wait for it.
    changing: Mutex<()>,
    /// What the ledger should write.
    wanting: Mutex<Wanting>,
    /// Number of the last batch that it has written.
    granted: AtomicU64,
}

/// Windows whose mark in the ledger should move, and how many batches of them
/// were handed out.
#[derive(Debug, Default)]
struct Wanting {
    windows: Vec<Wanted>,
    batches: u64,
}

/// What is left for a request at every budget that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Tokens; none for no limit.
    pub tokens: Option<u64>,
    /// Money; none for no limit.
    pub usd: Option<Money>,
}

impl Budgets {
    /// The budgets of a gateway that starts, with what the ledger knows of
    /// their use. What it knows of budgets that are not there is ignored.
    ///
    /// # Errors
    /// Everything that is wrong with the set.
    pub fn new(specs: Vec<BudgetSpec>, used: &[Used]) -> Result<Self, Vec<BudgetFault>> {
        let book = Book::new(specs, used, &Book::default())?;
        Ok(Self {
            core: Arc::new(Core {
                book: ArcSwap::from_pointee(book),
                runs: RwLock::default(),
                changing: Mutex::default(),
                wanting: Mutex::default(),
                granted: AtomicU64::new(0),
            }),
        })
    }

    /// Sets aside what a request may use at most, at every scope of its path
    /// or at none.
    ///
    /// Refused or not, this returns at once. The reservation may be used where
    /// [`Reservation::is_backed`], else once the ledger has written a batch.
    ///
    /// # Errors
    /// [`Refused`] says which budget has too little left.
    pub fn reserve(
        &self,
        who: &ScopePath,
        run: Option<&RunId>,
        provider: &Label,
        amount: Amount,
        now: UnixMillis,
    ) -> Result<Reservation, Refused> {
        let book = self.core.book.load();
        let own = self.core.own(run);
        let shares: Shares = book
            .matching(entries(&own), who.scopes(), provider)
            .into_iter()
            .map(|(entry, holds)| Share {
                spec: Arc::clone(&entry.spec),
                period: entry.cell.period(run, now),
                holds,
            })
            .collect();
        let mut reservation = Reservation {
            core: Arc::clone(&self.core),
            shares,
            amount: Amount::ZERO,
            unpriced: false,
            needs_batch: 0,
            made: now,
            generation: book.generation,
            who: who.clone(),
            run: run.cloned(),
            provider: provider.clone(),
            open: true,
        };
        match reservation.extend(amount, now) {
            Ok(()) => Ok(reservation),
            Err(refused) => {
                reservation.cancel();
                Err(refused)
            }
        }
    }

    /// Whether nobody has a budget, so that there is nothing to set aside.
    pub fn is_empty(&self) -> bool {
        let runs = self
            .core
            .runs
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        self.core.book.load().entries().next().is_none() && runs.is_empty()
    }

    /// The least that is left at the budgets that hold for such a request, to
    /// lower its maximum to.
    pub fn room(
        &self,
        who: &ScopePath,
        run: Option<&RunId>,
        provider: &str,
        now: UnixMillis,
    ) -> Room {
        let book = self.core.book.load();
        let own = self.core.own(run);
        let mut room = Room::default();
        let least = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        for (entry, _) in holding(book.matching(entries(&own), who.scopes(), provider)) {
            let period = entry.cell.period(run, now);
            room.tokens = least(room.tokens, period.left(&entry.spec, Unit::Tokens));
            let nanos = least(
                room.usd.map(Money::nanos),
                period.left(&entry.spec, Unit::Usd),
            );
            room.usd = nanos.map(Money::from_nanos);
        }
        room
    }

    /// Of the budgets that hold for such requests and are used up, the one whose
    /// `shutdown` is the hardest. Asked anew each time, so that raising a limit or
    /// the next window lifts it.
    pub fn standing(
        &self,
        who: &ScopePath,
        run: Option<&RunId>,
        provider: &str,
        now: UnixMillis,
    ) -> Option<Reached> {
        let book = self.core.book.load();
        let own = self.core.own(run);
        let matching = book.matching(entries(&own), who.scopes(), provider);
        let used_up = holding(matching).filter_map(|(entry, _)| {
            let period = entry.cell.period(run, now);
            let reached = period.is_reached(&entry.spec);
            reached.then(|| period.reached(&entry.spec))
        });
        used_up.max_by_key(|reached| reached.shutdown)
    }

    /// Every budget and its windows that are open, by key.
    pub fn show(&self, now: UnixMillis) -> Vec<BudgetState> {
        let book = self.core.book.load();
        let mut states: Vec<BudgetState> = Vec::new();
        let runs = self
            .core
            .runs
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for entry in book.entries().chain(runs.values().flat_map(|it| it.iter())) {
            let open = entry.cell.open(now);
            states.extend(open.iter().map(|period| BudgetState::of(entry, period)));
        }
        states.sort_by(|one, two| (&one.key, &one.period).cmp(&(&two.key, &two.period)));
        states
    }

    /// The keys among these budgets whose use is not counted yet, so that the
    /// caller can ask the ledger before it makes them.
    pub fn unknown_among(&self, specs: &[BudgetSpec]) -> Vec<Label> {
        let book = self.core.book.load();
        let unknown = |spec: &BudgetSpec| {
            let key = spec.key();
            book.entry(&spec.scope, &key).is_none().then_some(key)
        };
        specs.iter().filter_map(unknown).collect()
    }

    /// Exactly these budgets from the next reservation on: a reload. Budgets
    /// that stay keep their use, new ones begin with `used`.
    ///
    /// # Errors
    /// Everything that is wrong with the set; then nothing changes.
    pub fn replace(&self, specs: Vec<BudgetSpec>, used: &[Used]) -> Result<(), Vec<BudgetFault>> {
        let _one = self.core.change();
        let book = Book::new(specs, used, &self.core.book.load())?;
        self.core.book.store(Arc::new(book));
        Ok(())
    }

    /// Makes or changes one budget from the next reservation on. `used` counts
    /// only where its key is new.
    ///
    /// # Errors
    /// What is wrong with it; then nothing changes.
    pub fn set(&self, spec: BudgetSpec, used: &[Used]) -> Result<(), Vec<BudgetFault>> {
        let _one = self.core.change();
        let book = self.core.book.load().with(spec, used)?;
        self.core.book.store(Arc::new(book));
        Ok(())
    }

    /// Removes a budget from the next reservation on; false where there is
    /// none of this key.
    pub fn remove(&self, key: &str) -> bool {
        let _one = self.core.change();
        let book = self.core.book.load().without(key);
        book.map(|book| self.core.book.store(Arc::new(book)))
            .is_some()
    }

    /// A run begins with budgets of its own, which govern it. Begun again, it
    /// keeps the use of those that it had.
    ///
    /// # Errors
    /// What is wrong with them; then the run has none.
    pub fn begin_run(
        &self,
        run: &RunId,
        specs: Vec<BudgetSpec>,
        used: &[Used],
    ) -> Result<(), Vec<BudgetFault>> {
        check(&specs)?;
        let mut runs = self
            .core
            .runs
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let old = runs.get(run).cloned();
        let entry = |spec: BudgetSpec| {
            let key = spec.key();
            let known = entries(&old).iter().find(|entry| entry.cell.key == key);
            Entry {
                cell: known.map_or_else(|| Cell::new(&spec, used), |entry| Arc::clone(&entry.cell)),
                spec: Arc::new(spec),
            }
        };
        let own = specs.into_iter().map(entry).collect();
        runs.insert(run.clone(), own);
        Ok(())
    }

    /// A run that began under another gateway goes on here: its windows of the
    /// budgets around it begin with what `used` knows of them.
    pub fn recall_run(&self, who: &ScopePath, run: &RunId, used: impl Fn(&BudgetSpec) -> Used) {
        let book = self.core.book.load();
        let scopes = who.scopes().iter();
        let entries = scopes.filter_map(|scope| book.scopes.get(scope));
        for entry in entries.flat_map(|entries| entries.iter()) {
            if entry.spec.window == Window::Run {
                entry.cell.recall_run(run, &used(&entry.spec));
            }
        }
    }

    /// A run is over: its budgets go, and its windows of other budgets. What is
    /// still under way settles all the same.
    pub fn end_run(&self, who: &ScopePath, run: &RunId) {
        let mut runs = self
            .core
            .runs
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        runs.remove(run);
        drop(runs);
        let book = self.core.book.load();
        let entries = who
            .scopes()
            .iter()
            .filter_map(|scope| book.scopes.get(scope));
        for entry in entries.flat_map(|entries| entries.iter()) {
            entry.cell.end_run(run);
        }
    }

    /// Whether there is anything for the ledger to write.
    pub fn is_wanting(&self) -> bool {
        !locked(&self.core.wanting).windows.is_empty()
    }

    /// What the ledger is to write now, in one transaction; then it tells
    /// [`Budgets::granted`]. One task does both, one batch after the other:
    /// two at once could undo each other's marks. It does so whenever a
    /// reservation that is not backed waits, and now and then without.
    pub fn want(&self) -> SliceBatch {
        let mut wanting = locked(&self.core.wanting);
        wanting.batches += 1;
        let number = wanting.batches;
        let windows = std::mem::take(&mut wanting.windows);
        // From here on whoever takes asks for the next batch.
        let quiet = |(_, period): &Wanted| period.set_wanting(false);
        windows.iter().for_each(quiet);
        drop(wanting);
        let slices = windows.iter().map(|(spec, period)| period.slice(spec));
        SliceBatch {
            slices: slices.collect(),
            number,
            windows,
            core: Arc::clone(&self.core),
        }
    }

    /// The ledger has written this batch. One whose write failed is dropped.
    pub fn granted(&self, mut batch: SliceBatch) {
        for (slice, (_, period)) in batch.slices.iter().zip(&batch.windows) {
            period.back(&slice.drawn);
        }
        // What was given back, or used beyond, while the ledger wrote.
        batch
            .windows
            .retain(|(spec, period)| period.drift(spec) == Backing::Due);
        self.core.granted.store(batch.number, Ordering::Release);
    }

    /// What is used and set aside now, exactly, to be written over the slices
    /// when the gateway ends well and nothing is under way any more.
    pub fn closing(&self, now: UnixMillis) -> Vec<Slice> {
        let book = self.core.book.load();
        let runs = self
            .core
            .runs
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let entries = book.entries().chain(runs.values().flat_map(|it| it.iter()));
        let slices = entries.flat_map(|entry| {
            let open = entry.cell.open(now).into_iter();
            open.map(|period| period.last_slice(&entry.spec))
        });
        slices.collect()
    }

    /// Clears what has an unknown fate in a window: `actual` of it was used.
    /// Gives what was cleared, and whether that used the budget up; none where
    /// there is no such window.
    pub fn reconcile(
        &self,
        key: &str,
        period: &PeriodKey,
        actual: Amount,
        now: UnixMillis,
    ) -> Option<(Amount, Option<Reached>)> {
        let book = self.core.book.load();
        let entry = book.entries().find(|entry| *entry.cell.key == *key)?;
        let open = entry.cell.open(now);
        let found = open.iter().find(|open| open.key == *period)?;
        Some(found.reconcile(&entry.spec, &actual))
    }
}

impl Core {
    fn own(&self, run: Option<&RunId>) -> Option<Arc<[Entry]>> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.get(run?).cloned()
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        locked(&self.changing)
    }

    /// Asks the ledger to write, where that is due. Gives the number of the
    /// batch that it will stand in.
    pub(crate) fn ask(&self, share: &Share, backing: Backing) -> u64 {
        let asked = backing == Backing::Due && share.period.is_wanting();
        if asked || backing == Backing::Ample {
            return 0;
        }
        let mut wanting = locked(&self.wanting);
        if !share.period.is_wanting() {
            share.period.set_wanting(true);
            let window = (Arc::clone(&share.spec), Arc::clone(&share.period));
            wanting.windows.push(window);
        }
        wanting.batches + 1
    }

    /// Asks for what could not be written once more.
    pub(crate) fn ask_again(&self, windows: Vec<Wanted>) {
        let mut wanting = locked(&self.wanting);
        for (spec, period) in windows {
            if !period.is_wanting() {
                period.set_wanting(true);
                wanting.windows.push((spec, period));
            }
        }
    }

    /// Whether a batch has been written. Later ones hold all that it held: a
    /// failed write is made good by the next one that succeeds.
    pub(crate) fn has_granted(&self, batch: u64) -> bool {
        self.granted.load(Ordering::Acquire) >= batch
    }

    /// Books a settled amount at budgets that were made after its reservation.
    pub(crate) fn book_late(&self, reservation: &Reservation, actual: &Amount) -> Vec<Reached> {
        let book = self.book.load();
        if book.generation == reservation.generation {
            return Vec::new();
        }
        let run = reservation.run.as_ref();
        let matching = book.matching(&[], reservation.who.scopes(), &reservation.provider);
        let late = matching.into_iter().filter_map(|(entry, _)| {
            let period = entry.cell.period_of(run, reservation.made)?;
            let counted = |share: &Share| Arc::ptr_eq(&share.period, &period);
            let new = !reservation.shares.iter().any(counted);
            new.then(|| period.settle(&entry.spec, &Amount::ZERO, actual))?
        });
        late.collect()
    }
}

fn entries(own: &Option<Arc<[Entry]>>) -> &[Entry] {
    own.as_deref().unwrap_or_default()
}

fn holding<'b>(matching: Matching<'b>) -> impl Iterator<Item = (&'b Entry, bool)> {
    matching.into_iter().filter(|(_, holds)| *holds)
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
