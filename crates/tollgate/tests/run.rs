//! `tollgate run` as a shell calls it: the real program, real processes, and a
//! stand-in for the gateway's three calls.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise and owns its files"
)]

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::Notify;
use tollgate_testkit::within;

const KEY: &str = "tg-1a2b3c4d-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAM";

/// What answers the control API's calls for runs.
struct Stub {
    address: SocketAddr,
    state: Arc<State>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Path, `Authorization` and body of each call.
    calls: Mutex<Vec<(String, String, Value)>>,
    /// Answers of these paths, instead of success.
    refused: Mutex<Vec<(String, u16, &'static str)>>,
    /// Lines of orders so far; each connection gets those from `first` on.
    orders: Mutex<Vec<&'static str>>,
    changed: Notify,
}

impl Stub {
    async fn start(home: &Path) -> Self {
        let stub = Self::at("127.0.0.1:0", Arc::default()).await;
        let bind = format!("[server]\nbind = \"{}\"\n", stub.address);
        std::fs::write(home.join("tollgate.toml"), bind).unwrap();
        let token = home.join("operator.token");
        std::fs::write(&token, "tgo-0-secret\n").unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        stub
    }

    async fn at(address: &str, state: Arc<State>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            // Connections end with the stub, as those of a process do.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self {
            address,
            state,
            serving,
        }
    }

    /// Goes away, connections and all.
    async fn stop(self) -> (SocketAddr, Arc<State>) {
        self.serving.abort();
        // Until it is dropped, the port is taken.
        self.serving.await.unwrap_err();
        (self.address, self.state)
    }

    fn refuse(&self, path: &str, status: u16, message: &'static str) {
        let mut refused = self.state.refused.lock().unwrap();
        refused.push((path.to_owned(), status, message));
    }

    fn order(&self, order: &'static str) {
        self.state.orders.lock().unwrap().push(order);
        self.state.changed.notify_waiters();
    }

    fn bodies(&self, path: &str) -> Vec<Value> {
        let calls = self.state.calls.lock().unwrap();
        let calls = calls.iter().filter(|(called, _, _)| called == path);
        calls.map(|(_, _, body)| body.clone()).collect()
    }

    fn ends(&self) -> Vec<Value> {
        self.bodies("/control/runs/run_7/end")
    }
}

async fn answer(mut stream: TcpStream, state: Arc<State>) {
    let (path, token, body) = request(&mut stream).await;
    let call = (path.clone(), token, body);
    state.calls.lock().unwrap().push(call);
    let refused = state.refused.lock().unwrap().clone();
    let (status, body) = match refused.iter().find(|(refused, ..)| *refused == path) {
        Some((_, status, message)) => {
            let error = json!({"code": "denied", "message": message});
            (*status, json!({ "error": error }))
        }
        None if path.ends_with("/orders") => return orders(stream, &state).await,
        None => (200, json!({"run": "run_7", "agent": "main", "key": KEY})),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: ");
    let answer = format!("{head}{}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
}

async fn request(stream: &mut TcpStream) -> (String, String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut path, mut token, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        }
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                token = value.to_owned();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (path, token, body)
}

async fn orders(mut stream: TcpStream, state: &State) {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = 0;
    loop {
        let changed = state.changed.notified();
        let new: Vec<&str> = state.orders.lock().unwrap()[told..].to_vec();
        told += new.len();
        for order in new {
            let line = format!("{{\"order\":\"{order}\"}}\n");
            stream.write_all(line.as_bytes()).await.unwrap();
        }
        changed.await;
    }
}

/// Runs its next argument. Who starts the tests in the background ignores SIGINT, and
/// no shell can trap what was ignored when it began.
const INTERRUPTIBLE: &str = "exec env --default-signal=INT /bin/sh -c \"$0\"";

/// `tollgate run` with the arguments before `--`, and a shell's script.
fn command(home: &Path, options: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .env_clear()
        .env("TOLLGATE_HOME", home)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .arg("run")
        .args(options)
        .args(["--", "/bin/sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    within("the end of `tollgate run`", command.output())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One that goes on while the test does.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    notes: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            notes: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
        }
    }

    async fn line(&mut self) -> String {
        let line = within("a line of the command", self.lines.next_line()).await;
        line.unwrap().expect("the command to say something")
    }

    async fn note(&mut self) -> String {
        let note = within("a note", self.notes.next_line()).await;
        note.unwrap().expect("`tollgate run` to say something")
    }

    async fn say(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    async fn code(&mut self) -> Option<i32> {
        let status = within("the end of `tollgate run`", self.child.wait()).await;
        status.unwrap().code()
    }

    /// Waits until nobody holds its output any more.
    async fn silence(&mut self) {
        within("everybody to be gone", async {
            while let Some(_line) = self.lines.next_line().await.unwrap() {}
        })
        .await;
    }
}

/// Processor time, in the kernel's ticks.
fn ticks(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields = fields.split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

async fn until_it_runs(pid: &str) {
    let before = ticks(pid);
    within("it to run", async {
        while ticks(pid) == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_run_has_a_key_of_its_own_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::start(home.path()).await;
    let options = ["--agent", "ci-bot", "--budget", "5000"];
    let mut command = command(home.path(), &options, "env; echo to stderr >&2; exit 7");
    command
        .env("ANTHROPIC_API_KEY", "sk-ant-real")
        .env("OPENAI_API_KEY", "sk-real")
        .env("GEMINI_API_KEY", "AIza-real");
    let output = output(command).await;
    let environment = text(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(text(&output.stderr), "to stderr\n");
    let base = format!("http://{}", stub.address);
    let expected = [
        format!("ANTHROPIC_BASE_URL={base}"),
        format!("ANTHROPIC_AUTH_TOKEN={KEY}"),
        format!("OPENAI_BASE_URL={base}/v1"),
        format!("OPENAI_API_KEY={KEY}"),
        "TOLLGATE_RUN=run_7".to_owned(),
    ];
    for line in &expected {
        assert!(environment.lines().any(|found| found == line), "{line}");
    }
    assert!(!environment.contains("real"), "{environment}");
    assert!(!environment.contains("ANTHROPIC_API_KEY"), "{environment}");
    assert_eq!(
        stub.bodies("/control/runs"),
        [json!({"agent": "ci-bot", "budget": 5000, "command": "/bin/sh"})]
    );
    assert_eq!(
        stub.ends(),
        [json!({"code": 7, "cause": "itself", "left": 0})]
    );
    let calls = stub.state.calls.lock().unwrap();
    assert!(
        calls
            .iter()
            .all(|(_, token, _)| token == "Bearer tgo-0-secret")
    );
}

#[tokio::test]
async fn input_passes_and_a_signal_is_128_and_its_number() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::start(home.path()).await;
    let mut running = Running::start(command(home.path(), &[], "cat; kill -USR1 $$"));
    running.say("through\n").await;
    assert_eq!(running.line().await, "through");
    drop(running.input);
    let status = within("its end", running.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(138));
    assert_eq!(
        stub.ends(),
        [json!({"signal": 10, "cause": "itself", "left": 0})]
    );
}

#[tokio::test]
async fn what_was_not_run_ends_with_126_and_a_reason() {
    let home = tempfile::tempdir().unwrap();
    let refused = async |script: &str| {
        let output = output(command(home.path(), &[], script)).await;
        assert_eq!(output.status.code(), Some(126), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        text(&output.stderr)
    };
    let none = refused("echo ran").await;
    assert!(none.starts_with("error: no gateway"), "{none}");

    let stub = Stub::start(home.path()).await;
    stub.refuse("/control/runs", 403, "agent `main` is cut off");
    assert_eq!(
        refused("echo ran").await,
        "error: agent `main` is cut off\n"
    );
    assert!(stub.ends().is_empty());

    // Without a way for orders nothing is started.
    stub.state.refused.lock().unwrap().clear();
    stub.refuse("/control/runs/run_7/orders", 404, "no run `run_7`");
    assert_eq!(refused("echo ran").await, "error: no run `run_7`\n");
    let not_run = json!({"code": 126, "cause": "not_run", "left": 0});
    assert_eq!(stub.ends(), std::slice::from_ref(&not_run));

    stub.state.refused.lock().unwrap().clear();
    let mut missing = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    missing.env_clear().env("TOLLGATE_HOME", home.path()).args([
        "run",
        "--",
        "/no/such/program",
        "--flag",
    ]);
    let missing = output(missing).await;
    assert_eq!(missing.status.code(), Some(126));
    assert_eq!(
        text(&missing.stderr),
        "error: can't run `/no/such/program`: no such file or directory\n"
    );
    assert_eq!(stub.ends(), [not_run.clone(), not_run]);
    let (address, state) = stub.stop().await;
    let none = refused("echo ran").await;
    assert!(none.contains(&address.to_string()), "{none}");
    drop(state);
}

const BUSY: &str = "sh -c 'echo $$; while :; do :; done' & wait";

#[tokio::test]
async fn orders_of_the_gateway_are_carried_out() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::start(home.path()).await;
    let mut running = Running::start(command(home.path(), &[], BUSY));
    let busy = running.line().await;
    until_it_runs(&busy).await;

    stub.order("freeze");
    assert_eq!(
        running.note().await,
        "tollgate: frozen by the gateway; Ctrl-C or SIGTERM ends it"
    );
    let before = ticks(&busy);
    // Another process gets the processor meanwhile.
    let other = std::process::Command::new("/bin/sh")
        .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
        .status()
        .unwrap();
    assert!(other.success());
    assert_eq!(ticks(&busy), before);

    stub.order("thaw");
    assert_eq!(running.note().await, "tollgate: goes on");
    until_it_runs(&busy).await;

    // What isn't understood is no permission to go on.
    stub.order("vanish");
    assert!(running.note().await.contains("frozen"));

    stub.order("kill");
    assert_eq!(running.note().await, "tollgate: killed by the gateway");
    running.silence().await;
    assert_eq!(running.code().await, Some(137));
    assert_eq!(
        stub.ends(),
        [json!({"signal": 9, "cause": "killed", "left": 0})]
    );
}

#[tokio::test]
async fn a_gateway_that_is_lost_is_found_again_and_the_tree_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::start(home.path()).await;
    let mut running = Running::start(command(home.path(), &[], "cat"));
    running.say("one\n").await;
    assert_eq!(running.line().await, "one");
    let (address, state) = stub.stop().await;
    running.say("two\n").await;
    assert_eq!(running.line().await, "two");
    // What it ordered meanwhile is the first that it says.
    state.orders.lock().unwrap().push("freeze");
    let stub = Stub::at(&address.to_string(), state).await;
    assert!(running.note().await.contains("frozen"));
    // Lost again: what is frozen stays so, until its user has had enough.
    stub.stop().await;
    running.signal(Signal::SIGTERM);
    running.silence().await;
    assert_eq!(running.code().await, Some(137));
    let note = running.note().await;
    assert!(
        note.contains("the gateway was not told of the end"),
        "{note}"
    );
}

#[tokio::test]
async fn a_gateway_that_does_not_know_the_run_is_told_of_it() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::start(home.path()).await;
    let options = ["--budget", "5_000", "--bottle", "dev"];
    let mut running = Running::start(command(home.path(), &options, "cat"));
    running.say("one\n").await;
    assert_eq!(running.line().await, "one");
    let (address, state) = stub.stop().await;
    let orders = ("/control/runs/run_7/orders".to_owned(), 404, "no run");
    state.refused.lock().unwrap().push(orders);
    let stub = Stub::at(&address.to_string(), state).await;
    let resumed = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        loop {
            match stub.bodies("/control/runs").get(1) {
                Some(body) => return body.clone(),
                None => tokio::task::yield_now().await,
            }
        }
    });
    assert_eq!(
        resumed.await.unwrap(),
        json!({"resume": {"run": "run_7", "key": KEY}, "agent": "main", "budget": 5000,
            "bottle": "dev", "command": "/bin/sh"})
    );
    stub.order("freeze");
    stub.state.refused.lock().unwrap().clear();
    assert!(running.note().await.contains("frozen"));
    running.signal(Signal::SIGTERM);
    running.silence().await;
    assert_eq!(running.code().await, Some(137));
    assert_eq!(stub.ends().len(), 1);
}

#[tokio::test]
async fn signals_are_passed_on() {
    let home = tempfile::tempdir().unwrap();
    let _stub = Stub::start(home.path()).await;
    let script = "trap 'exit 5' TERM; trap 'echo interrupted' INT; echo; while :; do sleep 1000 & wait; done";
    let mut interruptible = command(home.path(), &[], INTERRUPTIBLE);
    interruptible.arg(script);
    let mut running = Running::start(interruptible);
    running.line().await;
    running.signal(Signal::SIGINT);
    assert_eq!(running.line().await, "interrupted");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.code().await, Some(5));
}

#[tokio::test]
async fn kill_9_of_the_run_kills_its_tree() {
    let home = tempfile::tempdir().unwrap();
    let _stub = Stub::start(home.path()).await;
    let script = "(setsid sh -c 'echo; exec sleep 1000' &); exec sleep 1000";
    let mut running = Running::start(command(home.path(), &[], script));
    running.line().await;
    running.signal(Signal::SIGKILL);
    running.silence().await;
}

/// With a terminal the command is in the foreground: its keys reach it, once.
#[tokio::test]
async fn the_keys_of_a_terminal_reach_the_command() {
    let home = tempfile::tempdir().unwrap();
    let _stub = Stub::start(home.path()).await;
    let script = home.path().join("script.sh");
    std::fs::write(
        &script,
        "trap 'echo interrupted' INT\ntty\n\
         for _ in 1 2 3 4 5 6 7 8 9; do\n\
         read x; echo \"read $x\"; [ \"$x\" = end ] && exit 9\n\
         done\n",
    )
    .unwrap();
    let line = format!(
        "exec {} run -- /usr/bin/env --default-signal=INT /bin/sh {}",
        env!("CARGO_BIN_EXE_tollgate"),
        script.display()
    );
    // `script` gives its command a terminal whose keys the test presses; no
    // other shell stays in between to be interrupted.
    let mut terminal = Command::new("script");
    terminal
        .env_clear()
        .env("TOLLGATE_HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut running = Running::start(terminal);
    assert!(running.line().await.starts_with("/dev/pts/"));
    running.say("\u{3}").await;
    // The terminal shows the key, and a line of its own may come before.
    while !running.line().await.contains("interrupted") {}
    running.say("a\n").await;
    let mut seen = running.line().await;
    while !seen.contains("read a") {
        assert!(!seen.contains("interrupted"), "it came twice");
        seen = running.line().await;
    }
    running.say("end\n").await;
    assert_eq!(running.code().await, Some(9));
}

/// The shipped program, not the small one of the crate's own tests.
#[tokio::test]
async fn the_program_is_a_keeper_under_the_smallest_limits() {
    use tollgate_run::{Cause, Keeper, Resource, Spec, Tree};
    let mut spec = Spec::new(["/bin/sh", "-c", "sleep 1000 & sleep 1000"]);
    spec.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spec.limits.resources = vec![
        (Resource::OpenFiles, 32),
        (Resource::CpuSeconds, 1),
        (Resource::FileBytes, 0),
    ];
    let keeper = Keeper::new(env!("CARGO_BIN_EXE_tollgate"), &["keep-tree"]);
    let tree = within("a start", Tree::start(spec, &keeper)).await.unwrap();
    tree.freeze().await.unwrap();
    assert!(!tree.members().await.unwrap().is_empty());
    tree.kill().await.unwrap();
    assert_eq!(within("its end", tree.wait()).await.cause, Cause::Killed);
}
