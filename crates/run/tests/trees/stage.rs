//! Starting shells, hearing from them, and looking at the kernel's table.

use std::ffi::OsString;
use std::future::Future;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tollgate_run::{Keeper, Output, Spec, Tree};
use tollgate_testkit::within;

pub(crate) fn keeper() -> Keeper {
    Keeper::new(env!("CARGO_BIN_EXE_keep-tree"), &[])
}

/// A shell that runs `script` in an otherwise empty environment.
pub(crate) fn shell(script: &str) -> Spec {
    let mut spec = Spec::new(["/bin/sh", "-c", script].map(OsString::from));
    spec.environment = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    spec
}

/// A tree whose lines on standard output the test reads as they come.
pub(crate) struct Heard {
    pub(crate) tree: Tree,
    lines: Lines<BufReader<Receiver>>,
}

impl Heard {
    pub(crate) async fn start(mut spec: Spec) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        spec.output = Output::To(writer.into());
        let tree = within("a tree to start", Tree::start(spec, &keeper())).await;
        let reader = Receiver::from_owned_fd(reader.into()).unwrap();
        Self {
            tree: tree.unwrap(),
            lines: BufReader::new(reader).lines(),
        }
    }

    /// The next line, which must come.
    pub(crate) async fn line(&mut self) -> String {
        let line = within("a line of the command", self.lines.next_line()).await;
        line.unwrap().expect("the command to say something")
    }

    /// The next line as a process id.
    pub(crate) async fn pid(&mut self) -> i32 {
        self.line().await.trim().parse().unwrap()
    }

    /// Waits until it has ended, and until nobody holds its output any more.
    pub(crate) async fn silence(&mut self) {
        within("the end of its output", async {
            while let Some(_line) = self.lines.next_line().await.unwrap() {}
        })
        .await;
    }
}

/// `script` with a cgroup and without.
pub(crate) fn both_ways(script: &str) -> [Spec; 2] {
    let mut without = shell(script);
    without.cgroup = false;
    [shell(script), without]
}

/// State, parent, group, session and processor time of a process that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) ticks: u64,
}

/// `None` where it is gone, or only waits to be waited for.
pub(crate) fn look(pid: i32) -> Option<Seen> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields[at].parse::<i32>().unwrap();
    let time = |at: usize| fields[at].parse::<u64>().unwrap();
    let seen = Seen {
        state: fields[0].chars().next()?,
        parent: number(1),
        group: number(2),
        session: number(3),
        ticks: time(11) + time(12),
    };
    (!matches!(seen.state, 'Z' | 'X')).then_some(seen)
}

/// Waits until `state` holds; the reading of it lets others go on.
pub(crate) async fn until<F>(what: &str, mut state: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    within(what, async {
        while !state().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) async fn until_gone(pids: &[i32]) {
    until("every process to be gone", || async {
        pids.iter().all(|pid| look(*pid).is_none())
    })
    .await;
}

/// Waits until the tree has this many members, and returns them.
pub(crate) async fn grown(tree: &Tree, size: usize) -> Vec<i32> {
    within("the tree to grow", async {
        loop {
            let members = tree.members().await.unwrap();
            if members.len() >= size {
                return members;
            }
        }
    })
    .await
}
