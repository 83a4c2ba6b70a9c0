use proptest::prelude::*;

use super::*;

fn subject(number: u8) -> Subject {
    format!("run:{number}").parse().unwrap()
}

fn put(desk: &Desk, number: u8, kind: TaintKind, now: u64, ttl: u64) -> Option<Subject> {
    let ttl = Duration::from_millis(ttl);
    desk.taint(subject(number), kind, "test", UnixMillis(now), ttl)
}

fn kinds(desk: &Desk, number: u8, now: u64) -> Vec<TaintKind> {
    let facts = desk.facts(&subject(number), UnixMillis(now));
    facts.iter().map(|fact| fact.kind).collect()
}

#[test]
fn a_fact_counts_from_the_moment_it_is_put_down_until_it_expires() {
    let desk = Desk::default();
    assert!(desk.is_empty());
    assert_eq!(put(&desk, 1, TaintKind::SecretSeen, 1000, 500), None);
    assert_eq!(kinds(&desk, 1, 1000), [TaintKind::SecretSeen]);
    assert_eq!(kinds(&desk, 1, 1499), [TaintKind::SecretSeen]);
    assert_eq!(kinds(&desk, 1, 1500), []);
    assert_eq!(kinds(&desk, 2, 1000), []);
    assert!(desk.show(UnixMillis(1500)).is_empty());
    // A clock that goes backwards makes nothing clean.
    assert_eq!(kinds(&desk, 1, 0), [TaintKind::SecretSeen]);
}

#[test]
fn what_happens_again_keeps_its_beginning_and_counts_longer() {
    let desk = Desk::default();
    let run = subject(1);
    for (source, now, ttl) in [("first", 0, 100), ("second", 50, 100), ("third", 60, 10)] {
        let ttl = Duration::from_millis(ttl);
        let gone = desk.taint(
            run.clone(),
            TaintKind::InjectionFound,
            source,
            UnixMillis(now),
            ttl,
        );
        assert_eq!(gone, None);
    }
    let facts = desk.facts(&run, UnixMillis(99));
    assert_eq!(
        (&*facts[0].source, facts[0].at, facts[0].until),
        ("first", UnixMillis(0), UnixMillis(150))
    );
    // After it expired it is a new fact.
    assert_eq!(put(&desk, 1, TaintKind::InjectionFound, 150, 10), None);
    assert_eq!(desk.facts(&run, UnixMillis(150))[0].at, UnixMillis(150));
}

#[test]
fn clearing_forgets_one_subject_whole() {
    let desk = Desk::default();
    for kind in TaintKind::ALL {
        assert_eq!(put(&desk, 1, kind, 0, 10), None);
    }
    assert_eq!(put(&desk, 2, TaintKind::SecretSeen, 0, 10), None);
    assert!(desk.clear(&subject(1)));
    assert!(!desk.clear(&subject(1)));
    assert_eq!(kinds(&desk, 1, 0), []);
    assert_eq!(kinds(&desk, 2, 0), [TaintKind::SecretSeen]);
}

#[test]
fn the_expired_go_first_and_then_the_oldest_and_it_is_told() {
    let desk = Desk::bounded(2);
    assert_eq!(put(&desk, 1, TaintKind::SecretSeen, 0, 100), None);
    assert_eq!(put(&desk, 2, TaintKind::SecretSeen, 1, 10), None);
    assert_eq!(put(&desk, 3, TaintKind::SecretSeen, 20, 100), None);
    // The first is touched again, so the third is the oldest now.
    assert_eq!(put(&desk, 1, TaintKind::UntrustedContent, 21, 100), None);
    let gone = put(&desk, 4, TaintKind::SecretSeen, 22, 100);
    assert_eq!(gone, Some(subject(3)));
    assert_eq!(desk.show(UnixMillis(22)).len(), 2);
}

#[test]
fn a_source_is_short_and_commands_no_terminal() {
    let desk = Desk::default();
    let source = format!("\u{1b}[2J{}", "é".repeat(500));
    let (kind, now) = (TaintKind::SecretSeen, UnixMillis(0));
    assert_eq!(
        desk.taint(subject(1), kind, &source, now, DEFAULT_TTL),
        None
    );
    let kept = &desk.facts(&subject(1), now)[0].source;
    assert!(kept.len() <= LONGEST_SOURCE && kept.starts_with("[2J"));
}

#[test]
fn writers_at_once_lose_nothing() {
    let desk = Desk::default();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let desk = &desk;
            scope.spawn(move || {
                for kind in TaintKind::ALL {
                    assert_eq!(put(desk, number, kind, 0, 10), None);
                }
            });
        }
    });
    let all = desk.show(UnixMillis(0));
    assert_eq!(all.len(), 8);
    assert!(all.iter().all(|(_, facts)| facts.len() == 4));
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize, u64),
    Clear(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_u8, 0..4_usize, 0..50_u64).prop_map(|(who, kind, ttl)| Step::Put(who, kind, ttl)),
        1 => (0..6_u8).prop_map(Step::Clear),
        2 => (0..30_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn it_knows_what_a_list_of_everything_knows(steps in prop::collection::vec(step(), 0..80)) {
        let desk = Desk::default();
        let (mut all, mut now) = (Vec::new(), 0);
        for step in steps {
            match step {
                Step::Put(who, kind, ttl) => {
                    all.push((who, TaintKind::ALL[kind], now + ttl));
                    prop_assert_eq!(put(&desk, who, TaintKind::ALL[kind], now, ttl), None);
                }
                Step::Clear(who) => {
                    all.retain(|(other, ..)| *other != who);
                    desk.clear(&subject(who));
                }
                Step::Wait(time) => now += time,
            }
            for who in 0..6 {
                let counts = |kind: &TaintKind| all.contains_counting(who, *kind, now);
                let expected: Vec<_> = TaintKind::ALL.into_iter().filter(counts).collect();
                prop_assert_eq!(kinds(&desk, who, now), expected);
            }
        }
    }

    #[test]
    fn it_never_grows_and_the_newest_is_always_there(
        most in 1..5_usize,
        puts in prop::collection::vec((0..9_u8, 0..4_usize, 1..50_u64), 1..60),
    ) {
        let desk = Desk::bounded(most);
        for (now, (who, kind, ttl)) in (0_u64..).zip(puts) {
            let before = desk.show(UnixMillis(now)).len();
            let forgotten = put(&desk, who, TaintKind::ALL[kind], now, ttl);
            prop_assert!(forgotten.is_none() || before == most);
            prop_assert!(forgotten != Some(subject(who)));
            prop_assert!(desk.show(UnixMillis(now)).len() <= most);
            prop_assert!(kinds(&desk, who, now).contains(&TaintKind::ALL[kind]));
        }
    }
}

trait Counting {
    fn contains_counting(&self, who: u8, kind: TaintKind, now: u64) -> bool;
}

impl Counting for Vec<(u8, TaintKind, u64)> {
    fn contains_counting(&self, who: u8, kind: TaintKind, now: u64) -> bool {
        let mut facts = self.iter();
        facts.any(|(other, its, until)| *other == who && *its == kind && *until > now)
    }
}
