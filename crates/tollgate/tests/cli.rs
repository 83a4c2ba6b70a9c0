//! The program itself, as a shell or a script calls it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise and owns its files"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::mpsc;

use assert_cmd::Command;

/// The program with nothing of the caller's environment.
fn tollgate(home: &Path) -> Command {
    let mut command = Command::cargo_bin("tollgate").unwrap();
    command
        .env_clear()
        .env("TOLLGATE_HOME", home)
        .current_dir(home);
    command
}

fn configure(home: &Path, text: &str, mode: u32) {
    let file = home.join("tollgate.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn private(home: &Path, name: &str, text: &str) -> PathBuf {
    let file = home.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// Exit code, standard output and standard error, with the folder's name cut.
fn shown(home: &Path, output: &Output) -> String {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .unwrap()
            .replace(home.to_str().unwrap(), "HOME")
    };
    format!(
        "exit {}\n--- out\n{}--- err\n{}",
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr)
    )
}

fn run(home: &Path, arguments: &[&str]) -> String {
    shown(home, &tollgate(home).args(arguments).output().unwrap())
}

const FAULTY: &str = "\
[server]
bind = \"127.0.0.1:0\"
drian_seconds = 3
[providers.openai]
wire = \"openai\"
base_url = \"https://api.openai.com/v1\"
api_key = \"sk-proj-never-shown-0123456789\"
timeout_seconds = 0
[egress]
";

#[test]
fn a_faulty_file_is_reported_whole() {
    let home = tempfile::tempdir().unwrap();
    configure(home.path(), FAULTY, 0o644);
    let checked = run(home.path(), &["config", "check"]);
    assert!(!checked.contains("never-shown"));
    insta::assert_snapshot!(checked);
    assert_eq!(run(home.path(), &["--validate"]), checked);
    insta::assert_snapshot!("serve", run(home.path(), &["serve"]));
    insta::assert_snapshot!("json", run(home.path(), &["config", "check", "--json"]));
}

#[test]
fn a_private_file_may_hold_a_key() {
    let home = tempfile::tempdir().unwrap();
    let text =
        "[providers.a]\nwire = \"anthropic\"\nbase_url = \"https://host\"\napi_key = \"sk-1\"\n";
    configure(home.path(), text, 0o600);
    insta::assert_snapshot!(run(home.path(), &["config", "check"]));
    configure(home.path(), text, 0o640);
    assert!(run(home.path(), &["config", "check"]).starts_with("exit 2\n"));
}

#[test]
fn no_file_is_no_fault_unless_it_was_named() {
    let home = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(run(home.path(), &["config", "check"]));
    insta::assert_snapshot!(
        "named",
        run(
            home.path(),
            &["config", "check", "--config", "nowhere.toml"]
        )
    );
}

#[test]
fn commands_without_a_gateway_end_with_3() {
    let home = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(run(home.path(), &["status"]));
    // A port that nobody listens on: bound and given back.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    configure(
        home.path(),
        &format!("[server]\nbind = \"127.0.0.1:{port}\"\n"),
        0o644,
    );
    let token = private(home.path(), "operator.token", "tgo-0-secret\n");
    let why = ["why", "req_00000000000000000000000000000000"];
    let commands: [&[&str]; 6] = [
        &["status"],
        &["usage"],
        &["models", "list"],
        &["agents", "list"],
        &["agents", "add", "a"],
        &why,
    ];
    for command in commands {
        let found = run(home.path(), command);
        assert!(found.starts_with("exit 3\n"), "{command:?}: {found}");
        assert!(
            found.contains("hint: ") && !found.contains("tgo-0-secret"),
            "{command:?}: {found}"
        );
    }
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!("loose_token", run(home.path(), &["status"]));
}

/// Answers as the control API would, and remembers what was asked.
fn gateway(home: &Path, answers: &'static [(&str, &str)]) -> mpsc::Receiver<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    private(
        home,
        "gateway.addr",
        &listener.local_addr().unwrap().to_string(),
    );
    // The gateway's own word wins over the configuration's.
    configure(home, "[server]\nbind = \"127.0.0.1:1\"\n", 0o644);
    private(home, "operator.token", "tgo-0-secret\n");
    let (asked, seen) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(32) {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            let line = request
                .lines()
                .next()
                .unwrap()
                .trim_end_matches(" HTTP/1.1")
                .to_owned();
            let answer = answers.iter().find(|(known, _)| *known == line);
            let (status, body) = match answer {
                Some((_, body)) => ("200 OK", *body),
                None => (
                    "404 Not Found",
                    r#"{"error":{"code":"not_found","message":"no such thing","hint":"look again"}}"#,
                ),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .unwrap();
            asked.send(request).unwrap();
        }
    });
    seen
}

/// The head and, where it has a length, the body.
fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    let length = |head: &[u8]| {
        let head = String::from_utf8_lossy(head).to_lowercase();
        let found = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        found.unwrap_or(0)
    };
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        bytes.push(byte[0]);
    }
    let mut body = vec![0; length(&bytes)];
    stream.read_exact(&mut body).unwrap();
    bytes.append(&mut body);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn commands_ask_the_running_gateway() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let asked = gateway(
        home,
        &[
            (
                "GET /control/models?provider=demo",
                r#"[{"id":"demo","kind":"model","provider":"demo"}]"#,
            ),
            ("GET /control/usage?by=model", r#"{"by":"model","rows":[]}"#),
            ("GET /control/agents", "[]"),
            (
                "POST /control/agents",
                r#"{"name":"ci","key":"tg-1-KEY","key_hint":"tg-1-…"}"#,
            ),
            ("DELETE /control/agents/ci", r#"{"name":"ci"}"#),
        ],
    );
    let models = ["models", "list", "--provider", "demo", "--json"];
    let add = [
        "agents", "add", "ci", "--allow", "gpt-*", "--block", "gpt-4", "--json",
    ];
    let why = ["why", "req_00000000000000000000000000000000"];
    let shown: Vec<String> = [
        run(home, &models),
        run(home, &["usage", "--by", "model", "--json"]),
        run(home, &["agents", "list", "--json"]),
        run(home, &add),
        run(home, &["agents", "remove", "ci"]),
        run(home, &why),
    ]
    .into();
    insta::assert_snapshot!(shown.join("\n"));
    let requests: Vec<String> = asked.try_iter().collect();
    // An id that is no request's may be a command's.
    assert_eq!(requests.len(), 7);
    assert!(
        requests
            .iter()
            .all(|request| request.contains("authorization: Bearer tgo-0-secret\r\n"))
    );
    assert!(
        requests[3]
            .ends_with(r#"{"name":"ci","allowed_models":["gpt-*"],"blocked_models":["gpt-4"]}"#)
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 7] = [
        &[],
        &["sreve"],
        &["why", "not-an-id"],
        &["agents", "add", "Not A Name"],
        &["agents", "add", "defaults"],
        &["usage", "--since", "yesterday"],
        &["usage", "--by", "colour"],
    ];
    for command in commands {
        let found = run(home.path(), command);
        assert!(found.starts_with("exit 2\n"), "{command:?}: {found}");
    }
}

#[test]
fn schema_completions_and_manual_are_printed() {
    let home = tempfile::tempdir().unwrap();
    let schema = tollgate(home.path())
        .args(["config", "schema"])
        .output()
        .unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(home.path(), &["completions", shell]).starts_with("exit 0\n--- out\n"));
    }
    assert!(run(home.path(), &["man"]).contains(".TH tollgate 1"));
}

#[test]
fn classify_answers_json_lines_in_order() {
    let home = tempfile::tempdir().unwrap();
    let input = "{\"id\":\"a\",\"command\":\"ls\"}\n{\"id\":\"b\",\"command\":\"rm -rf /\"}\nnonsense\n{\"id\":7,\"command\":\"\"}\n";
    let output = tollgate(home.path())
        .args(["classify", "--json"])
        .write_stdin(input)
        .output()
        .unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let tiers: Vec<_> = lines
        .iter()
        .map(|line| line["tier"].as_str().unwrap())
        .collect();
    assert_eq!(tiers, ["SAFE", "CRITICAL", "MEDIUM", "SAFE"]);
    assert_eq!(lines[1]["id"], "b");
    assert_eq!(lines[3]["id"], 7);
    assert_eq!(lines[2]["known"], "opaque");
}

#[test]
fn classify_hears_a_person_only_in_messages() {
    let home = tempfile::tempdir().unwrap();
    let said = |kind: &str| -> serde_json::Value {
        let output = tollgate(home.path())
            .args([
                "classify",
                "--json",
                "--kind",
                kind,
                "echo I want to kill myself",
            ])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(said("message")["status"], "crisis");
    assert_eq!(said("message")["resources"]["emergency"], "911");
    assert_eq!(said("command")["tier"], "SAFE");
}
