use std::os::fd::AsRawFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tollgate_run::{Cause, End, Exit, Input, Output, Session, Spec, StartError, Tree};
use tollgate_testkit::within;

use crate::stage::{Heard, both_ways, keeper, look, shell};

async fn end_of(spec: Spec) -> End {
    let tree = within("a start", Tree::start(spec, &keeper()))
        .await
        .unwrap();
    within("an end", tree.wait()).await
}

#[tokio::test]
async fn the_commands_own_end_is_told() {
    let itself = |exit| End {
        exit,
        cause: Cause::Itself,
        left: 0,
    };
    for spec in both_ways("exit 7") {
        assert_eq!(end_of(spec).await, itself(Exit::Code(7)));
    }
    for spec in both_ways("kill -KILL $$") {
        assert_eq!(end_of(spec).await, itself(Exit::Signal(9)));
    }
    assert_eq!(end_of(shell("true")).await, itself(Exit::Code(0)));
}

#[tokio::test]
async fn what_can_not_be_run_is_named() {
    let fault = async |spec: Spec| Tree::start(spec, &keeper()).await.unwrap_err().to_string();
    let mut spec = Spec::new(["no-such-program"]);
    spec.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    assert_eq!(
        fault(spec).await,
        "can't run `no-such-program`: no such file or directory"
    );
    assert_eq!(
        fault(Spec::new(["/etc/passwd"])).await,
        "can't run `/etc/passwd`: permission denied"
    );
    let mut spec = shell("true");
    spec.folder = Some("/no/such/folder".into());
    assert_eq!(
        fault(spec).await,
        "can't work in `/no/such/folder`: no such file or directory"
    );
    let none = tollgate_run::Keeper::new("/no/such/keeper", &[]);
    let error = Tree::start(shell("true"), &none).await.unwrap_err();
    assert!(matches!(error, StartError::Keeper(_)), "{error}");
    // A program that is no keeper: it says nothing and ends.
    let wrong = tollgate_run::Keeper::new("/bin/true", &[]);
    let error = Tree::start(shell("true"), &wrong).await.unwrap_err();
    assert!(matches!(error, StartError::Keeper(_)), "{error}");
}

#[tokio::test]
async fn the_command_gets_what_stands_there_and_nothing_else() {
    // A descriptor that nobody marked, as a careless library would leave it.
    let open = std::fs::File::open("/dev/null").unwrap();
    fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let mut spec = Spec::new(["/bin/sh", "-c", "ls -l /proc/self/fd; pwd; cat; env"]);
    spec.environment = vec![("PATH".into(), "/bin".into()), ("A".into(), "b c".into())];
    spec.folder = Some("/usr".into());
    let (reader, writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut &writer, b"from the holder\n").unwrap();
    drop(writer);
    spec.input = Input::From(reader.into());
    spec.output = Output::Captured;
    spec.errors = Output::Captured;
    let tree = Tree::start(spec, &keeper()).await.unwrap();
    let captured = within("its output", tree.captured()).await;
    assert_eq!(String::from_utf8_lossy(&captured.errors), "");
    let text = String::from_utf8(captured.output).unwrap();
    let descriptors = text.lines().filter(|line| line.contains(" -> "));
    // The three, and the folder that `ls` reads.
    assert_eq!(descriptors.count(), 4, "{} in {text}", open.as_raw_fd());
    assert!(!text.contains("socket:"), "{text}");
    let (_, rest) = text.split_once("/usr\n").unwrap();
    let mut lines: Vec<&str> = rest.lines().collect();
    lines.sort_unstable();
    // The shell adds PWD of itself.
    assert_eq!(lines, ["A=b c", "PATH=/bin", "PWD=/usr", "from the holder"]);
}

#[tokio::test]
async fn a_session_of_its_own_or_the_callers() {
    let own = look(i32::try_from(std::process::id()).unwrap()).unwrap();
    let mut new = Heard::start(shell("echo; exec sleep 1000")).await;
    new.line().await;
    let seen = look(new.tree.pid()).unwrap();
    assert_eq!(seen.session, new.tree.keeper_pid());
    assert_eq!(seen.group, new.tree.pid());
    let mut spec = shell("echo; exec sleep 1000");
    spec.session = Session::Caller;
    let mut callers = Heard::start(spec).await;
    callers.line().await;
    let seen = look(callers.tree.pid()).unwrap();
    assert_eq!((seen.session, seen.group), (own.session, own.group));
    callers.tree.kill().await.unwrap();
    assert!(look(callers.tree.pid()).is_none());
}

/// What `/proc/PID/status` says of a mask, without the C library's own
/// signals (32 and 33).
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap() & 0x7fff_ffff
}

#[tokio::test]
async fn the_command_hears_every_signal_that_its_holder_hears() {
    let own = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    for mut spec in both_ways("exec cat /proc/self/status") {
        spec.output = Output::Captured;
        let tree = Tree::start(spec, &keeper()).await.unwrap();
        let captured = within("its output", tree.captured()).await;
        let status = String::from_utf8(captured.output).unwrap();
        assert_eq!(mask(&status, "SigBlk:"), mask(&own, "SigBlk:"));
        // Rust ignores SIGPIPE for itself, not for what it starts.
        let sigpipe = 1 << 12;
        assert_eq!(mask(&status, "SigIgn:"), mask(&own, "SigIgn:") & !sigpipe);
    }
}
