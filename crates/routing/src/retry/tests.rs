use super::*;

fn after(fault: FaultClass, credentials_left: bool, candidates_left: bool) -> Situation {
    Situation {
        fault,
        repeats_on_credential: 0,
        credentials_left,
        candidates_left,
        back_offs: 0,
        retry_after: None,
        time_left: Duration::from_secs(300),
    }
}

const SAME: Step = Step::SameCredential { after_ms: 50 };
const BACK_OFF: Step = Step::BackOff { after_ms: 1000 };

#[test]
fn the_table() {
    use FaultClass::*;
    use Step::{GiveUp, NextCandidate, NextCredential};
    // with credentials left, with only candidates left, with nothing left
    let table = [
        (RateLimit, [NextCredential, NextCandidate, BACK_OFF]),
        (Quota, [NextCredential, NextCandidate, GiveUp]),
        (AuthError, [NextCredential, NextCandidate, GiveUp]),
        (Timeout, [NextCredential, NextCandidate, GiveUp]),
        (ServerError, [SAME, SAME, BACK_OFF]),
        (Connection, [SAME, SAME, BACK_OFF]),
        (BadAnswer, [SAME, SAME, BACK_OFF]),
        (ContextOverflow, [NextCandidate, NextCandidate, GiveUp]),
        (BadRequest, [GiveUp, GiveUp, GiveUp]),
    ];
    assert_eq!(table.len(), FaultClass::ALL.len());
    for (fault, steps) in table {
        let left = [(true, true), (false, true), (false, false)];
        for ((credentials, candidates), step) in left.into_iter().zip(steps) {
            let situation = after(fault, credentials, candidates);
            assert_eq!(next_step(&situation, 0.0), step, "{situation:?}");
        }
    }
}

#[test]
fn the_same_credential_is_asked_again_once_and_within_250_ms() {
    let mut situation = after(FaultClass::ServerError, true, false);
    for jitter in [0.0, 0.5, 1.0, 7.0, -1.0] {
        let step = next_step(&situation, jitter);
        assert!(
            matches!(step, Step::SameCredential { after_ms: 50..=250 }),
            "{step:?}"
        );
    }
    situation.repeats_on_credential = 1;
    assert_eq!(next_step(&situation, 0.0), Step::NextCredential);
    (situation.credentials_left, situation.candidates_left) = (false, true);
    assert_eq!(next_step(&situation, 0.0), Step::NextCandidate);
    // A provider that asks for a longer pause is not asked within 250 ms.
    situation.repeats_on_credential = 0;
    situation.retry_after = Some(Duration::from_secs(1));
    assert_eq!(next_step(&situation, 0.0), Step::NextCandidate);
}

#[test]
fn back_off_doubles_four_times_and_ends() {
    let mut situation = after(FaultClass::ServerError, false, false);
    for (back_offs, base) in [(0, 1000), (1, 2000), (2, 4000), (3, 8000)] {
        situation.back_offs = back_offs;
        assert_eq!(next_step(&situation, 0.0), Step::BackOff { after_ms: base });
        let most = Step::BackOff {
            after_ms: base + base / 4,
        };
        assert_eq!(next_step(&situation, 1.0), most);
    }
    situation.back_offs = 4;
    assert_eq!(next_step(&situation, 0.0), Step::GiveUp);
}

#[test]
fn after_the_first_back_off_a_round_is_one_attempt() {
    let mut situation = after(FaultClass::ServerError, true, false);
    situation.back_offs = 1;
    assert_eq!(next_step(&situation, 0.0), Step::BackOff { after_ms: 2000 });
    // Other credentials may be free of a rate limit, and are asked.
    situation.fault = FaultClass::RateLimit;
    assert_eq!(next_step(&situation, 0.0), Step::NextCredential);
}

#[test]
fn retry_after_is_waited_for_only_where_it_is_short() {
    let mut situation = after(FaultClass::RateLimit, false, false);
    situation.retry_after = Some(Duration::from_secs(5));
    assert_eq!(next_step(&situation, 0.0), Step::BackOff { after_ms: 5000 });
    situation.retry_after = Some(Duration::from_secs(9));
    assert_eq!(next_step(&situation, 0.0), Step::GiveUp);
    situation.retry_after = Some(Duration::MAX);
    assert_eq!(next_step(&situation, 0.0), Step::GiveUp);
}

#[test]
fn nothing_outlasts_the_request() {
    for fault in FaultClass::ALL {
        for (credentials, candidates) in [(true, true), (false, true), (false, false)] {
            let mut situation = after(fault, credentials, candidates);
            situation.time_left = Duration::ZERO;
            assert_eq!(next_step(&situation, 0.5), Step::GiveUp, "{situation:?}");
        }
    }
    let mut situation = after(FaultClass::ServerError, false, false);
    situation.time_left = Duration::from_millis(1000);
    assert_eq!(next_step(&situation, 0.0), Step::GiveUp);
}
