use proptest::prelude::*;

use super::*;

const LADDER: Ladder = Ladder {
    medium: 60,
    high: 30,
    critical: 10,
    collect: 300,
};

fn ask(tier: Tier) -> Approval {
    let id = ApprovalId::from_random([1; 16]);
    Approval::ask(id, Digest::of(b"x"), tier, true, UnixMillis(0), &LADDER)
}

fn answer(decision: Choice) -> Answer {
    Answer {
        by: OperatorName::new("olga").unwrap(),
        may_answer: Tier::Critical,
        decision,
        confirmed: true,
        from_asker: false,
        reason: None,
    }
}

fn say(decision: Choice) -> Event {
    Event::Answered(answer(decision))
}

fn at(approval: &mut Approval, now: u64, event: Event) -> Step {
    approval.on(event, UnixMillis(now), &LADDER)
}

#[test]
fn a_yes_is_handed_out_once() {
    let mut it = ask(Tier::High);
    let step = at(&mut it, 1, say(Choice::AllowOnce));
    assert_eq!((step.effects, step.refused), (vec![Effect::Settled], None));
    assert_eq!(at(&mut it, 2, Event::Collected).effects, [Effect::Permit]);
    let again = at(&mut it, 3, Event::Collected);
    assert!(again.effects.is_empty());
    assert!(matches!(
        again.refused,
        Some(AnswerRefused::NothingToCollect { .. })
    ));
}

#[test]
fn a_yes_that_nobody_collects_is_worth_nothing_later() {
    let mut it = ask(Tier::Medium);
    at(&mut it, 1, say(Choice::AllowOnce));
    assert!(at(&mut it, 301, Event::Collected).refused.is_some());
}

#[test]
fn the_first_answer_wins_and_the_second_hears_whose_it_was() {
    let mut it = ask(Tier::Medium);
    at(&mut it, 1, say(Choice::Deny));
    let step = at(&mut it, 2, say(Choice::AllowOnce));
    assert!(step.effects.is_empty());
    let said = step.refused.unwrap().to_string();
    assert!(said.ends_with("is denied already, by `olga`"), "{said}");
}

#[test]
fn medium_rises_to_high_to_critical_to_no() {
    let mut it = ask(Tier::Medium);
    at(&mut it, 0, Event::Delivered);
    let raised = |level, until| {
        vec![Effect::Raised {
            level,
            until: UnixMillis(until),
        }]
    };
    assert!(at(&mut it, 59, Event::TimePassed).effects.is_empty());
    assert_eq!(
        at(&mut it, 60, Event::TimePassed).effects,
        raised(Tier::High, 90)
    );
    assert_eq!(
        at(&mut it, 90, Event::TimePassed).effects,
        raised(Tier::Critical, 100)
    );
    assert_eq!(
        at(&mut it, 100, Event::TimePassed).effects,
        [Effect::Settled]
    );
    assert_eq!(
        it.state,
        State::TimedOut {
            at: UnixMillis(100)
        }
    );
}

#[test]
fn what_nobody_had_before_them_was_undeliverable() {
    let mut it = ask(Tier::Critical);
    assert_eq!(
        at(&mut it, 500, Event::TimePassed).effects,
        [Effect::Settled]
    );
    assert_eq!(it.state, State::Undeliverable { at: UnixMillis(10) });
}

#[test]
fn a_late_yes_asks_again_and_revives_nothing() {
    for delivered in [true, false] {
        let mut it = ask(Tier::Critical);
        it.delivered = delivered;
        let step = at(&mut it, 10, say(Choice::AllowOnce));
        assert_eq!(step.effects, [Effect::Settled, Effect::AskAgain]);
        assert!(at(&mut it, 11, Event::Collected).refused.is_some());
        assert!(at(&mut it, 12, say(Choice::Deny)).refused.is_some());
        let again = at(&mut it, 13, say(Choice::AllowOnce));
        assert!(again.refused.is_some() && again.effects.is_empty());
    }
}

#[test]
fn rank_confirmation_and_always_go_by_the_level_that_it_has_risen_to() {
    let with = |decision, may_answer, confirmed| {
        Event::Answered(Answer {
            may_answer,
            confirmed,
            ..answer(decision)
        })
    };
    let mut it = ask(Tier::Medium);
    assert!(it.offers_always());
    let step = at(&mut it, 61, with(Choice::AllowOnce, Tier::Medium, true));
    assert!(matches!(step.refused, Some(AnswerRefused::Rank { .. })));
    let step = at(&mut it, 61, with(Choice::AllowOnce, Tier::High, false));
    assert_eq!(step.refused, Some(AnswerRefused::Unconfirmed(Tier::High)));
    let step = at(&mut it, 61, with(Choice::AllowAlways, Tier::High, true));
    assert!(matches!(step.refused, Some(AnswerRefused::NoAlways(_))));
    assert!(!it.offers_always() && it.state.is_pending());
    // Anybody may say no.
    let step = at(&mut it, 61, with(Choice::Deny, Tier::Safe, false));
    assert_eq!(step.effects, [Effect::Settled]);
}

#[test]
fn always_needs_a_rule_and_keeps_it() {
    let mut it = ask(Tier::Medium);
    let step = at(&mut it, 1, say(Choice::AllowAlways));
    assert_eq!(step.effects, [Effect::Remember, Effect::Settled]);
    let mut none = ask(Tier::Medium);
    none.may_always = false;
    let step = at(&mut none, 1, say(Choice::AllowAlways));
    assert!(matches!(step.refused, Some(AnswerRefused::NoAlways(_))));
}

#[test]
fn nobody_answers_their_own_question() {
    for decision in [Choice::AllowOnce, Choice::AllowAlways, Choice::Deny] {
        let mut it = ask(Tier::Medium);
        let own = Answer {
            from_asker: true,
            ..answer(decision)
        };
        let step = at(&mut it, 1, Event::Answered(own));
        assert_eq!(step.refused, Some(AnswerRefused::OwnQuestion));
        assert!(it.state.is_pending());
    }
}

fn events() -> impl Strategy<Value = (u64, Event)> {
    let tier = prop::sample::select(Tier::ALL.to_vec());
    let decision = prop::sample::select(vec![Choice::AllowOnce, Choice::AllowAlways, Choice::Deny]);
    let answered = (tier, decision, any::<bool>(), any::<bool>()).prop_map(
        |(may_answer, decision, confirmed, from_asker)| {
            Event::Answered(Answer {
                may_answer,
                confirmed,
                from_asker,
                ..answer(decision)
            })
        },
    );
    let event = prop_oneof![
        4 => answered,
        3 => Just(Event::Collected),
        1 => Just(Event::TimePassed),
        1 => Just(Event::Delivered),
        1 => Just(Event::Withdrawn),
        1 => Just(Event::NobodyThere),
    ];
    (0_u64..40, event)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nothing runs unapproved, over all orders of events: a permission comes
    /// once at most, and only behind an answer that could allow what stood
    /// there at that moment.
    #[test]
    fn nothing_runs_unapproved(
        tier in prop::sample::select(Tier::ALL.to_vec()),
        may_always: bool,
        events in prop::collection::vec(events(), 0..20),
    ) {
        let id = ApprovalId::from_random([1; 16]);
        let subject = Digest::of(b"x");
        let mut it = Approval::ask(id, subject, tier, may_always, UnixMillis(0), &LADDER);
        let (mut now, mut permits, mut remembered, mut settled) = (0, 0, 0, 0);
        let mut good_yes = false;
        for (wait, event) in events {
            now += wait;
            let ended = !it.state.is_pending();
            let before = it.clone();
            let due = now >= 100 || matches!(it.state, State::Pending { level: Tier::Critical, until } if now >= until.0);
            let step = it.on(event.clone(), UnixMillis(now), &LADDER);
            permits += step.effects.iter().filter(|it| **it == Effect::Permit).count();
            remembered += step.effects.iter().filter(|it| **it == Effect::Remember).count();
            settled += step.effects.iter().filter(|it| **it == Effect::Settled).count();
            if let Event::Answered(answer) = &event
                && answer.decision != Choice::Deny
                && step.refused.is_none()
                && !step.effects.contains(&Effect::AskAgain)
            {
                prop_assert!(!ended && !due, "an answer counted after the end");
                prop_assert!(!answer.from_asker && answer.may_answer >= tier);
                prop_assert!(tier < Tier::High || answer.confirmed);
                good_yes = true;
            }
            // What has ended stays as it ended, but for being used.
            if ended {
                prop_assert_eq!(before.state.as_str(), it.state.as_str());
            }
            prop_assert_eq!(it.subject, subject);
        }
        prop_assert!(permits <= usize::from(good_yes));
        prop_assert!(remembered <= usize::from(good_yes && may_always && tier < Tier::High));
        prop_assert!(settled <= 1);
    }
}

/// The same, exhaustively: every sequence of up to five of these events, at
/// three speeds.
#[test]
fn nothing_runs_unapproved_in_any_short_sequence() {
    let weak = Event::Answered(Answer {
        may_answer: Tier::Low,
        ..answer(Choice::AllowOnce)
    });
    let alphabet = [
        say(Choice::AllowOnce),
        say(Choice::AllowAlways),
        say(Choice::Deny),
        weak.clone(),
        Event::Collected,
        Event::Withdrawn,
        Event::NobodyThere,
        Event::TimePassed,
    ];
    for (tier, pace) in [(Tier::Medium, 0), (Tier::Medium, 35), (Tier::High, 15)] {
        for code in 0..alphabet.len().pow(5) {
            let (mut it, mut code, mut now) = (ask(tier), code, 0);
            let (mut yes, mut permits) = (0, 0);
            for _ in 0..5 {
                now += pace;
                let event = alphabet[code % alphabet.len()].clone();
                code /= alphabet.len();
                let pending = it.state.is_pending();
                let step = at(&mut it, now, event.clone());
                let allows = event == alphabet[0] || event == alphabet[1];
                yes += usize::from(pending && allows && it.state.by().is_some());
                permits += step
                    .effects
                    .iter()
                    .filter(|it| **it == Effect::Permit)
                    .count();
            }
            assert!(permits <= yes.min(1), "{tier} {pace} {it:?}");
        }
    }
}
