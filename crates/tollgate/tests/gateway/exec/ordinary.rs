//! All of it as a user who is not root, where the tests themselves are root's;
//! where they are not, every other test is this one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use tollgate_testkit::{Gateway, RunOutput, within};

use crate::house::program;

/// Of nobody who owns anything here (`nobody`).
const USER: u32 = 65_534;

/// A gateway of that user, whose program stands where they may execute it.
struct Quarters {
    gateway: Gateway,
    program: PathBuf,
    folder: TempDir,
}

impl Quarters {
    /// `None` where the tests are not root's, and there is no other user to be.
    async fn open(config: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        // Below `/tmp`: the way to the built one may be root's alone.
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let copy = folder.path().join("tollgate");
        // By another process: what this one has open for writing, a child that
        // is being started somewhere else has open too, and can't be executed.
        let copied = Command::new("cp").arg(program()).arg(&copy).status().await;
        assert!(copied.unwrap().success());
        for own in ["home", "work"] {
            let own = folder.path().join(own);
            fs::create_dir(&own).unwrap();
            fs::set_permissions(&own, Permissions::from_mode(0o700)).unwrap();
            chown(&own, Some(USER), Some(USER)).unwrap();
        }
        let config = format!("[server]\nbind = \"127.0.0.1:0\"\nanonymous = \"main\"\n{config}");
        let gateway = Gateway::builder(&copy)
            .config(config)
            .home(folder.path().join("home"))
            .user(USER);
        Some(Self {
            gateway: gateway.start().await,
            program: copy,
            folder,
        })
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn token(&self) -> PathBuf {
        self.gateway.home().join("operator.token")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("exec")
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TOLLGATE_HOME", self.gateway.home())
            .uid(USER)
            .gid(USER)
            .current_dir(self.work())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn exec(&self, arguments: &[&str]) -> RunOutput {
        let mut command = self.command(arguments);
        let output = within("the end of `exec`", command.output()).await.unwrap();
        read(&output)
    }

    /// Waits for the question and says yes.
    async fn exec_allowed(&self, arguments: &[&str]) -> RunOutput {
        let child = self.command(arguments).spawn().unwrap();
        let id = within("a question", async {
            loop {
                let list = self.gateway.command(&["approvals", "list", "--json"]).await;
                if let Some(id) = list.json()[0]["id"].as_str() {
                    return id.to_owned();
                }
            }
        })
        .await;
        let done = self
            .gateway
            .command(&["approvals", "allow-once", &id])
            .await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let output = within("the end of `exec`", child.wait_with_output());
        read(&output.await.unwrap())
    }
}

fn read(output: &std::process::Output) -> RunOutput {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    RunOutput {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// False where users can make no user namespaces, said aloud: that is the machine's
/// choice, and no package mends it.
#[allow(clippy::print_stdout, reason = "says what this machine lacks")]
async fn has_bubblewrap() -> bool {
    let mut tried = Command::new("bwrap");
    tried.args(["--dev-bind", "/", "/", "--", "/bin/true"]);
    let works = tried.uid(USER).gid(USER).status().await;
    let works = works.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: bubblewrap does not work for uid {USER} here");
    }
    works
}

#[tokio::test]
async fn an_ordinary_user_runs_asks_and_is_answered() {
    let Some(quarters) = Quarters::open("").await else {
        return;
    };
    let done = quarters.exec(&["--", "id", "-u"]).await;
    assert_eq!((done.code, &*done.stdout), (Some(0), "65534\n"), "{done:?}");
    let doomed = quarters.work().join("build");
    fs::create_dir(&doomed).unwrap();
    chown(&doomed, Some(USER), Some(USER)).unwrap();
    let done = quarters.exec_allowed(&["--", "rm", "-rf", "./build"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!doomed.exists());
    let done = quarters
        .exec(&["--timeout", "1", "--", "tail -f /dev/null; true"])
        .await;
    assert_eq!(done.code, Some(137), "{done:?}");
}

#[tokio::test]
async fn what_nobody_is_asked_about_never_sees_the_operators_token() {
    let Some(quarters) = Quarters::open("").await else {
        return;
    };
    let token = fs::read_to_string(quarters.token()).unwrap();
    // By its name it is no harmless file.
    let name = quarters.token().display().to_string();
    let classified = quarters
        .gateway
        .command(&["classify", &format!("cat {name}")])
        .await;
    assert!(classified.stdout.starts_with("HIGH"), "{classified:?}");
    if !has_bubblewrap().await {
        return;
    }
    // And what reads everything meets an empty folder.
    let above = quarters.folder.path().display().to_string();
    let done = quarters.exec(&["--", "grep", "-r", "tg", &above]).await;
    assert!(!done.stdout.contains(token.trim()), "{done:?}");
    assert!(!done.stdout.contains("operator.token"), "{done:?}");
    let done = quarters
        .exec(&["--", &format!("grep -rl . {above} | sort")])
        .await;
    assert!(!done.stdout.contains("/home/"), "{done:?}");
}

#[tokio::test]
async fn an_ordinary_users_sandbox_is_as_tight_as_roots() {
    if !nix::unistd::geteuid().is_root() || !has_bubblewrap().await {
        return;
    }
    let quarters = Quarters::open("[exec]\nhost = \"sandbox\"\n")
        .await
        .unwrap();
    let tries = format!(
        "touch here && echo here; touch /var/made || echo not there; cat {} || echo no token; \
         grep -cE '^(Seccomp:.2|NoNewPrivs:.1)' /proc/self/status; id -u",
        quarters.token().display()
    );
    let done = quarters.exec_allowed(&["--", &tries]).await;
    let expected = "here\nnot there\nno token\n2\n65534\n";
    assert_eq!(done.stdout, expected, "{done:?}");
    assert!(quarters.work().join("here").exists());
}
