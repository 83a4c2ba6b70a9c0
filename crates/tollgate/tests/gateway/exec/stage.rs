//! A gateway, a folder that an agent works in, and an operator who answers.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tollgate_testkit::{Gateway, Request, within};

use crate::house::program;

const CONFIG: &str = "[server]\nbind = \"127.0.0.1:0\"\nanonymous = \"main\"\n";

pub(crate) struct Workshop {
    pub(crate) gateway: Gateway,
    work: TempDir,
}

/// A `tollgate exec` under way.
pub(crate) struct Asking {
    child: Child,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workshop {
    pub(crate) async fn open() -> Self {
        Self::with("").await
    }

    pub(crate) async fn with(more: &str) -> Self {
        let gateway = Gateway::builder(program()).config(CONFIG.to_owned() + more);
        Self {
            gateway: gateway.start().await,
            work: TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
        }
    }

    /// A path in the folder that the agent works in.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.work.path().canonicalize().unwrap().join(name)
    }

    /// A script there that anybody may execute.
    pub(crate) fn script(&self, name: &str, text: &str) {
        write_script(&self.at(name), text);
    }

    /// `tollgate exec` with these arguments, without a terminal.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Asking {
        self.begin_with(arguments, &[])
    }

    pub(crate) fn begin_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Asking {
        let mut command = Command::new(program());
        command
            .arg("exec")
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TOLLGATE_HOME", self.gateway.home())
            .envs(variables.iter().copied())
            .current_dir(self.at(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Asking {
            child: command.spawn().unwrap(),
        }
    }

    /// The same to its end, where nobody has to be asked.
    pub(crate) async fn exec(&self, arguments: &[&str]) -> Done {
        self.begin(arguments).end().await
    }

    /// Every question that waits now.
    pub(crate) async fn waiting(&self) -> Vec<Value> {
        let request = Request::get("/control/approvals").key(&self.gateway.operator_token());
        let answer = self.gateway.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let Value::Array(all) = answer.json() else {
            panic!("{}", answer.text());
        };
        let pending = all.into_iter().filter(|one| one["status"] == "pending");
        pending.collect()
    }

    /// The id of the one question that waits, once it does.
    pub(crate) async fn question(&self) -> String {
        let all = within("a question", async {
            loop {
                let all = self.waiting().await;
                if !all.is_empty() {
                    return all;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn answer(&self, id: &str, decision: &str) {
        let path = format!("/control/approvals/{id}");
        let request = Request::post(&path, &json!({"decision": decision}));
        let request = request.key(&self.gateway.operator_token());
        let answer = self.gateway.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }

    /// Asks, changes something before the yes, and says yes.
    pub(crate) async fn swapped(&self, arguments: &[&str], change: impl FnOnce()) -> Done {
        let asking = self.begin(arguments);
        let id = self.question().await;
        change();
        self.answer(&id, "allow-once").await;
        asking.end().await
    }

    /// The newest event of a kind, once it is there.
    pub(crate) async fn event(&self, kind: &str) -> Value {
        within("an event", async {
            loop {
                let done = self.gateway.command(&["audit", "tail", "--json"]).await;
                let all: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
                let all = all.as_array().cloned().unwrap_or_default();
                let mut events = all.into_iter().rev().map(|entry| entry["event"].clone());
                if let Some(found) = events.find(|event| event["kind"] == kind) {
                    return found;
                }
            }
        })
        .await
    }
}

impl Asking {
    pub(crate) async fn end(self) -> Done {
        let ended = within("the end of `exec`", self.child.wait_with_output());
        let Output {
            status,
            stdout,
            stderr,
        } = ended.await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

impl Done {
    /// Refused, with this reason.
    pub(crate) fn was_not_run(&self, why: &str) {
        assert_eq!(self.code, Some(126), "{self:?}");
        assert!(self.stderr.contains(why), "expected `{why}` in {self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
    }
}

pub(crate) fn write_script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
