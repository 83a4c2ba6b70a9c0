//! What budgets need to outlive a restart.

use serde_json::json;
use tollgate_ledger::{ChangeError, NewCutoff, SliceRow};
use tollgate_types::{AgentName, UnixMillis};

use crate::{event, open, records};

fn slice(budget: &str, period: &str, tokens: u64) -> SliceRow {
    SliceRow {
        budget: budget.into(),
        period: period.into(),
        tokens,
        nanos: tokens * 10,
    }
}

#[tokio::test]
async fn budgets_set_at_run_time_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for (key, tokens) in [
        ("host/*/total", 5),
        ("agent:a/*/day@UTC", 6),
        ("host/*/total", 7),
    ] {
        let spec = json!({"tokens": tokens});
        ledger
            .set_budget(key.into(), spec, event("budget.set", tokens))
            .await
            .unwrap();
    }
    let gone = "agent:a/*/day@UTC";
    ledger
        .remove_budget(gone.into(), event("budget.removed", 8))
        .await
        .unwrap();
    let error = ledger
        .remove_budget(gone.into(), event("budget.removed", 9))
        .await;
    assert!(
        matches!(error, Err(ChangeError::Unknown { .. })),
        "{error:?}"
    );
    ledger.close().await.unwrap();
    let budgets = open(folder.path()).await.budgets().await.unwrap();
    assert_eq!(budgets.len(), 1);
    assert_eq!(
        (&*budgets[0].key, budgets[0].at),
        ("host/*/total", UnixMillis(7))
    );
    assert_eq!(budgets[0].spec, json!({"tokens": 7}));
}

#[tokio::test]
async fn a_cutoff_says_by_whom_and_since_when_until_it_is_lifted() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let agent = AgentName::new("ci-bot").unwrap();
    let cutoff = NewCutoff {
        agent: agent.clone(),
        mode: "freeze".into(),
        automatic: true,
        reason: "host/anthropic".into(),
    };
    ledger
        .cut_off(cutoff, event("agent.cut_off", 5))
        .await
        .unwrap();
    ledger.close().await.unwrap();
    let ledger = open(folder.path()).await;
    let cutoffs = ledger.cutoffs().await.unwrap();
    assert_eq!(cutoffs.len(), 1);
    let found = &cutoffs[0];
    assert_eq!(
        (&*found.mode, found.automatic, &*found.by),
        ("freeze", true, "olga")
    );
    assert_eq!(
        (found.at, &*found.reason),
        (UnixMillis(5), "host/anthropic")
    );
    ledger
        .lift_cutoff(agent.clone(), event("agent.cutoff_lifted", 6))
        .await
        .unwrap();
    assert_eq!(ledger.cutoffs().await.unwrap(), []);
    let error = ledger
        .lift_cutoff(agent, event("agent.cutoff_lifted", 7))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no cutoff of agent `ci-bot` in the ledger"
    );
}

/// What was written before a crash counts after it; a process that ends
/// without a word is one that never closes.
#[tokio::test]
async fn slices_are_there_after_a_crash_and_old_windows_go() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let writing = (1..=20).map(|tokens| ledger.write_slices(vec![slice("a", "total", tokens)]));
    // In order, though they share syncs of the disk.
    for written in writing {
        written.await.unwrap();
    }
    let day = |day: u64| format!("since:{}", day * 86_400_000);
    ledger
        .write_slices(vec![
            slice("b", &day(9), 5),
            slice("b", &day(10), 6),
            slice("b", "run:x", 7),
            slice("c", &day(9), 8),
        ])
        .await
        .unwrap();
    let expected = [
        slice("a", "total", 20),
        slice("b", "run:x", 7),
        slice("b", &day(10), 6),
        slice("c", &day(9), 8),
    ];
    // Read beside the writer, which is not told.
    assert_eq!(ledger.slices().await.unwrap(), expected);
    ledger.forget_slices("run:x".into()).await.unwrap();
    assert_eq!(ledger.slices().await.unwrap().len(), 3);
    // A clean end may say less than was drawn.
    ledger
        .write_slices(vec![slice("a", "total", 3)])
        .await
        .unwrap();
    assert_eq!(ledger.slices().await.unwrap()[0].tokens, 3);
}

#[tokio::test]
async fn what_was_spent_is_known_by_agent_run_and_provider() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let written = records::some(60);
    for record in &written {
        ledger.slot().unwrap().write(record.clone());
    }
    let spent = ledger.spent(None).await.unwrap();
    for row in &spent {
        let mine = written.iter().filter(|record| {
            let who = record.principal.as_ref();
            let agent = who.map_or("(none)", |who| who.actor.name());
            let run = who
                .and_then(|who| who.run.as_ref())
                .map(|run| run.as_str().to_owned());
            let provider = record.provider.as_deref().unwrap_or("(none)");
            let bottle = who.and_then(|who| who.bottle.as_deref().map(str::to_owned));
            let place = agent == row.agent && run == row.run && bottle == row.bottle;
            place && provider == row.provider
        });
        let tokens: u64 = mine.map(|record| record.usage.tokens.total()).sum();
        assert_eq!(tokens, row.tokens, "{row:?}");
    }
    let total: u64 = spent.iter().map(|row| row.tokens).sum();
    let expected: u64 = written.iter().map(|it| it.usage.tokens.total()).sum();
    assert_eq!(total, expected);
}
