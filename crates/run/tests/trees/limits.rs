use std::time::Duration;

use tollgate_run::{Cause, Exit, Output, Resource, Tree};
use tollgate_testkit::within;

use crate::stage::{Heard, keeper, look, shell};

#[tokio::test]
async fn time_is_up() {
    let mut spec = shell("sleep 1000 & echo $!; exec sleep 1000");
    spec.limits.time = Some(Duration::from_millis(50));
    let mut heard = Heard::start(spec).await;
    let child = heard.pid().await;
    let end = within("its end", heard.tree.wait()).await;
    assert_eq!((end.exit, end.cause), (Exit::Signal(9), Cause::TimedOut));
    assert!(look(child).is_none());
}

#[tokio::test]
async fn output_is_kept_up_to_its_limit_and_ends_the_tree_past_it() {
    let mut spec = shell("printf 12345; printf err >&2");
    (spec.output, spec.errors) = (Output::Captured, Output::Captured);
    spec.limits.output_bytes = 5;
    let tree = Tree::start(spec, &keeper()).await.unwrap();
    let captured = within("its output", tree.captured()).await;
    assert_eq!(tree.wait().await.cause, Cause::Itself);
    assert_eq!(
        (&*captured.output, &*captured.errors),
        (&b"12345"[..], &b"err"[..])
    );
    assert!(tree.captured().await.output.is_empty());

    let mut spec = shell("while :; do echo 0123456789; done");
    spec.output = Output::Captured;
    spec.limits.output_bytes = 100_000;
    let tree = Tree::start(spec, &keeper()).await.unwrap();
    let captured = within("its output", tree.captured()).await;
    assert_eq!(tree.wait().await.cause, Cause::OutputLimit);
    assert_eq!(captured.output.len(), 100_000);
}

#[tokio::test]
async fn limits_hold_for_every_process_and_can_not_be_raised() {
    let mut spec = shell("ulimit -Hn; ulimit -Sn; sh -c 'ulimit -Hc'");
    spec.limits.resources = vec![
        (Resource::OpenFiles, 64),
        (Resource::CoreBytes, 0),
        // More than there is: what holds already stays.
        (Resource::CpuSeconds, u64::MAX),
    ];
    let mut heard = Heard::start(spec).await;
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(heard.line().await);
    }
    assert_eq!(lines, ["64", "64", "0"]);
    let end = within("its end", heard.tree.wait()).await;
    assert_eq!(end.exit, Exit::Code(0));
}

#[tokio::test]
async fn the_smallest_limits_leave_a_keeper_that_kills() {
    let mut spec = shell("echo; exec sleep 1000");
    spec.limits.resources = vec![
        (Resource::OpenFiles, 32),
        (Resource::CpuSeconds, 1),
        (Resource::FileBytes, 0),
        (Resource::CoreBytes, 0),
    ];
    let mut heard = Heard::start(spec).await;
    heard.line().await;
    heard.tree.freeze().await.unwrap();
    heard.tree.kill().await.unwrap();
    assert!(look(heard.tree.pid()).is_none());
}
