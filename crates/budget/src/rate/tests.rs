use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_176_002_000);

fn rate(requests: Option<u64>, tokens: Option<u64>) -> Arc<AgentRate> {
    Arc::new(AgentRate::new(requests, tokens))
}

#[test]
fn requests_are_let_through_up_to_the_limit_and_again_after_a_minute() {
    let rate = rate(Some(3), None);
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(rate.take(NOW, 0, 0).unwrap());
    }
    let no = rate.take(NOW, 0, 0).unwrap_err();
    assert_eq!(
        no.to_string(),
        "3 requests a minute are allowed, 3 are used and this request takes 1"
    );
    let after = no.after.unwrap();
    assert!((60..=65).contains(&after.as_secs()), "{after:?}");
    let state = rate.requests(NOW).unwrap();
    assert_eq!((state.limit, state.remaining, state.reset), (3, 0, after));
    let then = NOW.plus(after.as_millis() as u64);
    assert!(rate.take(UnixMillis(then.0 - 1), 0, 0).is_err());
    kept.push(rate.take(then, 0, 0).unwrap());
    assert_eq!(rate.requests(then).unwrap().remaining, 2);
}

#[test]
fn tokens_are_settled_to_the_truth() {
    let rate = rate(None, Some(1_000));
    let less = rate.take(NOW, 100, 600).unwrap();
    assert_eq!(rate.tokens(NOW).unwrap().remaining, 400);
    less.settle(NOW.plus(9_000), 200);
    assert_eq!(rate.tokens(NOW.plus(9_000)).unwrap().remaining, 800);
    let more = rate.take(NOW, 100, 300).unwrap();
    more.settle(NOW, 1_900);
    let over = rate.take(NOW, 1, 1).unwrap_err();
    assert_eq!((over.used, over.unit), (2_100, "tokens"));
}

#[test]
fn a_request_refused_for_its_tokens_is_no_request() {
    let rate = rate(Some(5), Some(100));
    assert!(rate.take(NOW, 200, 200).is_err_and(|no| no.after.is_none()));
    assert_eq!(rate.requests(NOW).unwrap().remaining, 5);
    // Its answer alone may be larger than the limit: alone it is let through.
    let taken = rate.take(NOW, 50, 5_000).unwrap();
    assert!(rate.take(NOW, 1, 1).is_err());
    taken.settle(NOW, 60);
    assert!(rate.take(NOW, 1, 40).is_ok());
}

#[test]
fn a_stream_longer_than_a_minute_counts_what_it_used_more() {
    let rate = rate(None, Some(1_000));
    let taken = rate.take(NOW, 100, 400).unwrap();
    let later = NOW.plus(300_000);
    assert_eq!(rate.tokens(later).unwrap().remaining, 1_000);
    taken.settle(later, 700);
    assert_eq!(rate.tokens(later).unwrap().remaining, 700);
    let taken = rate.take(later, 100, 400).unwrap();
    taken.settle(later.plus(300_000), 100);
    assert_eq!(rate.tokens(later.plus(300_000)).unwrap().remaining, 1_000);
}

#[test]
fn other_limits_keep_what_was_used() {
    let old = rate(Some(10), Some(100));
    old.take(NOW, 40, 40).unwrap().settle(NOW, 40);
    let new = AgentRate::new(Some(5), None).with_state_of(&old);
    assert_eq!(new.requests(NOW).unwrap().remaining, 4);
    assert_eq!(new.tokens(NOW), None);
}

#[test]
fn threads_together_never_pass_a_limit() {
    let rate = rate(Some(1_000), Some(50_000));
    let through: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4u64)
            .map(|thread| {
                let rate = &rate;
                scope.spawn(move || {
                    (0..2_000u64)
                        // All within one minute, over the borders of slots.
                        .filter(|at| {
                            let now = NOW.plus(at * 29 + thread);
                            rate.take(now, 20, 60)
                                .map(|taken| taken.settle(now, 40))
                                .is_ok()
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(through, 1_000);
    let then = NOW.plus(58_000);
    assert_eq!(rate.tokens(then).unwrap().remaining, 10_000);
    let free = NOW.plus(200_000);
    assert_eq!(rate.tokens(free).unwrap().remaining, 50_000);
    assert_eq!(rate.requests(free).unwrap().remaining, 1_000);
}

proptest! {
    /// Any steps of time, any sizes: what was taken within any sixty seconds
    /// never exceeds the limit, and after a quiet minute all is free again.
    #[test]
    fn no_minute_ever_holds_more_than_the_limit(
        limit in 1u64..60,
        steps in prop::collection::vec((0u64..9_000, 1u64..20), 1..200),
    ) {
        let rate = rate(None, Some(limit));
        let mut now = NOW;
        let mut taken: Vec<(u64, u64)> = Vec::new();
        for (wait, asked) in steps {
            now = now.plus(wait);
            match rate.take(now, asked, asked) {
                Ok(it) => {
                    it.settle(now, asked);
                    taken.push((now.0, asked));
                }
                Err(no) => {
                    let used: u64 = taken.iter().filter(|(at, _)| *at + 65_000 > now.0).map(|(_, asked)| asked).sum();
                    prop_assert!(used + asked > limit, "refused with {used} of {limit} used: {no:?}");
                    prop_assert_eq!(no.after.is_none(), asked > limit);
                }
            }
            let used: u64 = taken.iter().filter(|(at, _)| *at + 60_000 > now.0).map(|(_, asked)| asked).sum();
            prop_assert!(used <= limit, "{used} of {limit}");
        }
        prop_assert_eq!(rate.tokens(now.plus(65_000)).unwrap().remaining, limit);
    }
}
