use tollgate_run::{Cause, StartError, Trees};
use tollgate_testkit::within;
use tollgate_types::{AgentName, RunId};

use crate::stage::{keeper, look, shell, until, until_gone};

fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

#[tokio::test]
async fn an_order_reaches_every_tree_of_its_agent_and_no_other() {
    let trees = Trees::new(keeper());
    let (mine, yours) = (agent("mine"), agent("yours"));
    let start = async |agent: &AgentName, run: &str| {
        let run = RunId::new(run);
        trees.start(agent, &run, shell("exec sleep 1000")).await
    };
    let first = start(&mine, "a").await.unwrap();
    let second = start(&mine, "b").await.unwrap();
    let other = start(&yours, "c").await.unwrap();
    assert_eq!(trees.list().len(), 3);

    let report = trees.freeze_agent(&mine).await;
    assert_eq!((report.done, report.failed.len()), (2, 0));
    let refused = start(&mine, "d").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "agent `mine` is frozen, nothing is started for it"
    );
    trees.thaw_agent(&mine).await;
    let third = start(&mine, "e").await.unwrap();

    assert_eq!(trees.kill_run(&RunId::new("a")).await.done, 1);
    assert!(look(first.pid()).is_none() && look(second.pid()).is_some());
    let report = trees.kill_agent(&mine).await;
    assert_eq!(report.failed.len(), 0);
    until_gone(&[second.pid(), third.pid()]).await;
    assert!(look(other.pid()).is_some());
    // Freezing does not soften a cutoff.
    trees.freeze_agent(&mine).await;
    let refused = start(&mine, "f").await.unwrap_err();
    assert!(refused.to_string().contains("cut off"), "{refused}");
    until("the dead to be forgotten", || async {
        trees.list() == [(yours.clone(), RunId::new("c"))]
    })
    .await;
    // The last handles: a tree that nobody holds is killed.
    let last = other.pid();
    drop((trees, other));
    until_gone(&[last]).await;
}

/// Trees start, end by themselves and are killed, all at once: whatever the
/// order, nobody lives on who was started before the cutoff stood, and nobody
/// starts after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cutoff_in_the_midst_of_starts_and_ends_misses_nobody() {
    for round in 0..4 {
        let trees = Trees::new(keeper());
        let mine = agent("mine");
        let starts: Vec<_> = (0..16)
            .map(|number| {
                let (trees, mine) = (trees.clone(), mine.clone());
                tokio::spawn(async move {
                    let run = RunId::new(&format!("r{number}"));
                    let ends = number % 3 == 0;
                    let script = if ends { "exit 0" } else { "exec sleep 1000" };
                    trees.start(&mine, &run, shell(script)).await
                })
            })
            .collect();
        // Somewhere in the midst: later from round to round.
        until("some to have started", || async {
            trees.list().len() >= round * 3
        })
        .await;
        let report = within("the cutoff", trees.kill_agent(&mine)).await;
        assert!(report.failed.is_empty(), "{report:?}");
        for start in starts {
            match within("a start", start).await.unwrap() {
                Ok(tree) => {
                    let end = within("an end", tree.wait()).await;
                    assert!(matches!(end.cause, Cause::Killed | Cause::Itself));
                    assert_eq!(end.left, 0);
                    assert!(look(tree.pid()).is_none());
                }
                Err(error) => assert!(matches!(error, StartError::Standing { .. }), "{error}"),
            }
        }
        until("all to be forgotten", || async { trees.list().is_empty() }).await;
    }
}
