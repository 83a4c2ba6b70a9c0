use tollgate_approvals::Card;

use super::*;

fn report() -> ApprovalReport {
    ApprovalReport {
        id: ApprovalId::from_random([0xab; 16]),
        status: "pending".into(),
        tier: Tier::Medium,
        agent: "main".into(),
        subject: "npm test".into(),
        expires_at_ms: 61_000,
        asked_at_ms: 1_000,
        judged_tier: Tier::Medium,
        reason: "`npm` runs a task of the project".into(),
        may_always: true,
        like: Vec::new(),
        by: None,
        card: Some(Card {
            tier: "MEDIUM".into(),
            known: "known".into(),
            reason: "`npm` runs a task of the project".into(),
            agent: "main".into(),
            requester: "uid 1000, process 7 (node)".into(),
            commands: vec![vec!["npm".into(), "test".into()]],
            folder: "/w".into(),
            place: "gateway".into(),
            ..Card::default()
        }),
    }
}

#[test]
fn what_waits_is_listed_with_the_time_left() {
    insta::assert_snapshot!(table(&[report()], 1_500, Paint(false)));
    assert_eq!(table(&[], 0, Paint(false)), "nothing waits for an answer\n");
}

#[test]
fn a_card_comes_with_what_can_be_said() {
    let mut it = report();
    insta::assert_snapshot!("medium", whole(&it, 1_500, 80, Paint(false)));
    it.tier = Tier::High;
    it.may_always = false;
    it.like = vec![ApprovalId::from_random([1; 16])];
    insta::assert_snapshot!("risen", whole(&it, 1_500, 80, Paint(false)));
    it.status = "denied".into();
    it.by = Some("olga".into());
    it.like.clear();
    insta::assert_snapshot!("denied", whole(&it, 1_500, 80, Paint(false)));
}

#[test]
fn an_answer_says_what_it_means() {
    let mut it = report();
    it.by = Some("olga".into());
    for (status, expected) in [
        ("allowed_once", "npm test: may run, once (by olga)"),
        (
            "allowed_always",
            "npm test: may run, now and by its rule from now on (by olga)",
        ),
        ("denied", "npm test: does not run (by olga)"),
    ] {
        it.status = status.to_owned();
        assert_eq!(answered(&it), expected);
    }
}
