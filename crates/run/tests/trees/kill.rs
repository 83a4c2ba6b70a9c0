use tollgate_run::{Cause, Exit, Session, TreeError};
use tollgate_testkit::within;

use crate::stage::{Heard, both_ways, grown, look, shell, until, until_gone};

/// Each process becomes two, `depth` times over; then all of them sleep.
fn bomb(depth: u32) -> String {
    format!(
        "grow() {{ [ $1 -gt 0 ] && {{ grow $(($1-1)) & grow $(($1-1)) & }}; echo; exec sleep 1000; }}; grow {depth}"
    )
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed() {
    for spec in both_ways("trap '' TERM INT HUP; echo; while :; do sleep 1000; done") {
        let mut heard = Heard::start(spec).await;
        heard.line().await;
        let members = grown(&heard.tree, 2).await;
        heard.tree.signal(15).await.unwrap();
        heard.tree.freeze().await.unwrap();
        heard.tree.thaw().await.unwrap();
        assert!(look(heard.tree.pid()).is_some());
        heard.tree.kill().await.unwrap();
        until_gone(&members).await;
        let end = within("its end", heard.tree.wait()).await;
        assert_eq!((end.exit, end.cause), (Exit::Signal(9), Cause::Killed));
        heard.silence().await;
        // Once more is no error; other orders say why not.
        heard.tree.kill().await.unwrap();
        assert!(heard.tree.members().await.unwrap().is_empty());
        let error = heard.tree.freeze().await.unwrap_err();
        assert!(matches!(error, TreeError::Ended(_)), "{error}");
    }
}

const DAEMON: &str = "(setsid sh -c '(setsid sh -c \"echo \\$\\$; exec sleep 1000\" &)' &)";

#[tokio::test]
async fn a_daemon_that_forked_twice_belongs_to_the_tree() {
    for spec in both_ways(&format!("{DAEMON}; echo $$; exec sleep 1000")) {
        let mut heard = Heard::start(spec).await;
        let (one, other) = (heard.pid().await, heard.pid().await);
        let daemon = if one == heard.tree.pid() { other } else { one };
        let keeper = heard.tree.keeper_pid();
        until("the daemon to be the keeper's", || async {
            look(daemon).unwrap().parent == keeper
        })
        .await;
        assert_ne!(look(daemon).unwrap().session, keeper);
        assert!(heard.tree.members().await.unwrap().contains(&daemon));
        heard.tree.kill().await.unwrap();
        assert!(look(daemon).is_none());
        heard.silence().await;
    }
}

#[tokio::test]
async fn nobody_outlives_the_command() {
    for mut spec in both_ways(&format!("{DAEMON}; read line; exit 3")) {
        let (reader, writer) = std::io::pipe().unwrap();
        spec.input = tollgate_run::Input::From(reader.into());
        let mut heard = Heard::start(spec).await;
        let daemon = heard.pid().await;
        drop(writer);
        let end = within("its end", heard.tree.wait()).await;
        assert_eq!((end.exit, end.cause), (Exit::Code(3), Cause::Itself));
        assert!(look(daemon).is_none());
    }
    // Who is nearly through may finish.
    let mut spec = shell("exec 3<&0; (read line <&3; echo late $line) & exit 0");
    spec.limits.linger = std::time::Duration::from_secs(10);
    let (reader, writer) = std::io::pipe().unwrap();
    spec.input = tollgate_run::Input::From(reader.into());
    let mut heard = Heard::start(spec).await;
    std::io::Write::write_all(&mut &writer, b"but whole\n").unwrap();
    assert_eq!(heard.line().await, "late but whole");
    let end = within("its end", heard.tree.wait()).await;
    assert_eq!(end.exit, Exit::Code(0));
}

#[tokio::test]
async fn a_stopped_child_is_killed_and_stays_stopped_over_a_thaw() {
    let script = "sh -c 'echo $$; kill -STOP $$' & sh -c 'echo $$; exec sleep 1000' & wait";
    for spec in both_ways(script) {
        let mut heard = Heard::start(spec).await;
        let pids = [heard.pid().await, heard.pid().await];
        until("one of them to stop", || async {
            pids.iter().any(|pid| look(*pid).unwrap().state == 'T')
        })
        .await;
        let stopped = |pid: &&i32| look(**pid).unwrap().state == 'T';
        let stopped_one = *pids.iter().find(stopped).unwrap();
        heard.tree.freeze().await.unwrap();
        heard.tree.thaw().await.unwrap();
        until("the others to go on", || async {
            pids.iter()
                .all(|pid| (look(*pid).unwrap().state == 'T') == (*pid == stopped_one))
        })
        .await;
        heard.tree.kill().await.unwrap();
        until_gone(&pids).await;
        heard.silence().await;
    }
}

#[tokio::test]
async fn a_fork_bomb_is_killed_to_the_last() {
    for spec in both_ways(&bomb(7)) {
        let mut heard = Heard::start(spec).await;
        let members = grown(&heard.tree, 255).await;
        heard.tree.kill().await.unwrap();
        assert!(members.iter().all(|pid| look(*pid).is_none()));
        heard.silence().await;
    }
}

#[tokio::test]
async fn a_fork_bomb_is_killed_while_it_grows() {
    for mut spec in both_ways(&bomb(8)) {
        if !spec.cgroup {
            // Nothing but the looks at the table then: no group of its own.
            spec.session = Session::Caller;
        }
        let mut heard = Heard::start(spec).await;
        heard.line().await;
        heard.tree.kill().await.unwrap();
        // Everybody inherited the pipe: its end is the end of the last one.
        heard.silence().await;
    }
}

#[tokio::test]
async fn who_restarts_what_dies_is_killed() {
    let hydra = "head() { while :; do sh -c 'sleep 1000'; echo; done; }; \
                 for i in 1 2 3 4 5 6 7 8; do (head) & done; echo; wait";
    for spec in both_ways(hydra) {
        let mut heard = Heard::start(spec).await;
        heard.line().await;
        grown(&heard.tree, 17).await;
        heard.tree.kill().await.unwrap();
        heard.silence().await;
    }
}

#[tokio::test]
async fn frozen_means_that_nobody_runs() {
    let busy = "while :; do :; done & while :; do :; done & \
                while :; do /bin/true; done & echo; wait";
    for spec in both_ways(busy) {
        let mut heard = Heard::start(spec).await;
        heard.line().await;
        grown(&heard.tree, 4).await;
        heard.tree.freeze().await.unwrap();
        let members = heard.tree.members().await.unwrap();
        let time = || -> Vec<u64> {
            members
                .iter()
                .map(|pid| look(*pid).unwrap().ticks)
                .collect()
        };
        let before = time();
        // Long enough on any machine for a running loop to be charged.
        for _ in 0..100 {
            assert_eq!(heard.tree.members().await.unwrap(), members);
        }
        assert_eq!(time(), before);
        heard.tree.freeze().await.unwrap();
        heard.tree.thaw().await.unwrap();
        until("them to go on", || async {
            time_of(&members) > before.iter().sum()
        })
        .await;
        // A frozen tree is killed as well as any other.
        heard.tree.freeze().await.unwrap();
        heard.tree.kill().await.unwrap();
        heard.silence().await;
    }
}

fn time_of(pids: &[i32]) -> u64 {
    pids.iter()
        .filter_map(|pid| look(*pid))
        .map(|seen| seen.ticks)
        .sum()
}

#[tokio::test]
async fn a_tree_without_a_holder_is_killed() {
    for spec in both_ways(&format!("{DAEMON}; echo $$; exec sleep 1000")) {
        let mut heard = Heard::start(spec).await;
        let pids = [heard.pid().await, heard.pid().await];
        let keeper = heard.tree.keeper_pid();
        let Heard { tree, .. } = heard;
        drop(tree);
        until_gone(&[pids[0], pids[1], keeper]).await;
    }
}

#[tokio::test]
async fn a_keeper_that_was_killed_takes_its_tree_along() {
    for spec in both_ways("sleep 1000 & echo $!; exec sleep 1000") {
        let mut heard = Heard::start(spec).await;
        let child = heard.pid().await;
        let keeper = nix::unistd::Pid::from_raw(heard.tree.keeper_pid());
        nix::sys::signal::kill(keeper, nix::sys::signal::Signal::SIGKILL).unwrap();
        let end = within("its end", heard.tree.wait()).await;
        assert_eq!((end.cause, end.left), (Cause::KeeperLost, 0));
        until_gone(&[child, heard.tree.pid(), keeper.as_raw()]).await;
        heard.silence().await;
    }
}

/// Groups of the keeper `pid`, in every hierarchy of this machine.
fn groups_of(pid: i32) -> Vec<std::path::PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let mounts = mounts.lines().filter(|line| line.contains(" - cgroup2 "));
    let points = mounts.map(|line| line.split(' ').nth(4).unwrap());
    let folders = points.map(|point| {
        let folder = std::path::Path::new(point).join(own.unwrap_or_default());
        folder.join(format!("tollgate-{pid}"))
    });
    folders.filter(|folder| folder.exists()).collect()
}

#[tokio::test]
async fn its_cgroup_goes_with_it() {
    for script in ["exit 0", "echo $(echo); exec sleep 1000"] {
        for spec in both_ways(script) {
            let wanted = spec.cgroup;
            let heard = Heard::start(spec).await;
            let keeper = heard.tree.keeper_pid();
            if script != "exit 0" {
                // Where none may be made, there is none to look for.
                assert_eq!(
                    groups_of(keeper).len(),
                    usize::from(heard.tree.has_cgroup())
                );
                assert!(wanted || !heard.tree.has_cgroup());
                heard.tree.kill().await.unwrap();
            }
            within("its end", heard.tree.wait()).await;
            assert_eq!(groups_of(keeper), Vec::<std::path::PathBuf>::new());
        }
    }
    let mut spec = shell("true");
    spec.argv = vec!["/no/such/program".into()];
    tollgate_run::Tree::start(spec, &crate::stage::keeper())
        .await
        .unwrap_err();
}
