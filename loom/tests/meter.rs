//! Every interleaving of the meter that budgets hang on, with loom's atomics
//! under the very file that the gateway is built from.

#![allow(dead_code, reason = "each model uses a part of the meter")]

#[path = "../../crates/budget/src/meter.rs"]
mod meter;

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

use loom::sync::Arc;
use loom::thread;
use meter::Meter;

const LIMIT: Option<u64> = Some(10);

#[test]
fn two_who_fit_alone_but_not_together() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 0));
        let other = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || meter.take(6, LIMIT).is_ok())
        };
        let mine = meter.take(6, LIMIT).is_ok();
        let other = other.join().unwrap();
        assert!(mine != other, "exactly one has it");
        assert_eq!(meter.spoken(), 6);
    });
}

#[test]
fn settling_makes_room_for_the_rest_and_no_more() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 0));
        meter.take(8, LIMIT).unwrap();
        let settling = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || meter.settle(8, 5, LIMIT))
        };
        let taken = match meter.take(5, LIMIT) {
            Ok(_) => 5,
            Err(no) => {
                assert_eq!(no.left, 2);
                0
            }
        };
        assert!(!settling.join().unwrap());
        assert_eq!((meter.spoken(), meter.settled()), (5 + taken, 5));
    });
}

#[test]
fn exactly_one_settles_the_last() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 0));
        meter.take(5, LIMIT).unwrap();
        meter.take(5, LIMIT).unwrap();
        let other = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || meter.settle(5, 5, LIMIT))
        };
        let mine = meter.settle(5, 5, LIMIT);
        assert!(mine != other.join().unwrap());
        assert_eq!((meter.spoken(), meter.settled()), (10, 10));
    });
}

#[test]
fn what_is_abandoned_is_cleared_once() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 0));
        meter.take(4, LIMIT).unwrap();
        meter.abandon(4);
        let other = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || meter.reconcile(0, LIMIT).0)
        };
        let mine = meter.reconcile(0, LIMIT).0;
        assert_eq!(mine + other.join().unwrap(), 4);
        assert_eq!((meter.spoken(), meter.unreconciled()), (0, 0));
    });
}

/// The ledger lowers its mark while a request takes: whoever is told that it
/// is backed is in what the ledger writes.
#[test]
fn a_lower_mark_never_leaves_out_one_who_is_backed() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 9));
        // All that was drawn was given back.
        meter.reconcile(0, LIMIT);
        let ledger = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || meter.next_slice(0, 10))
        };
        let total = meter.take(3, LIMIT).unwrap();
        let backed = meter.covers(total);
        let written = ledger.join().unwrap();
        assert!(!backed || written >= 3, "backed and {written} written");
    });
}

/// The same with the write itself, another request, and one who settles.
#[test]
fn a_write_covers_all_who_are_backed_before_the_next() {
    loom::model(|| {
        let meter = Arc::new(Meter::new(0, 8));
        meter.reconcile(0, LIMIT);
        meter.take(2, LIMIT).unwrap();
        let ledger = {
            let meter = Arc::clone(&meter);
            thread::spawn(move || {
                let written = meter.next_slice(0, 10);
                meter.back(written);
                written
            })
        };
        let total = meter.take(4, LIMIT).unwrap();
        let backed = meter.covers(total);
        meter.settle(2, 1, LIMIT);
        let written = ledger.join().unwrap();
        // 1 is settled and 4 are under way if they were let through.
        let used = 1 + if backed { 4 } else { 0 };
        assert!(used <= written.max(2), "{used} used, {written} written");
    });
}
