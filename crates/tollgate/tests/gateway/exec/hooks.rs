//! What agents' hooks get: a command that asks by itself.

use serde_json::{Value, json};
use tollgate_testkit::{Gateway, Request};

use crate::house::{KEY, program};

const RULES: &str = r#"
def evaluate(tool, args, context):
    if tool == "Bash" and "never" in args["command"]:
        return "deny"
    if tool == "Bash" and "review" in args["command"]:
        return {"verdict": "review", "reason": "look at it"}
    return "allow"
"#;

async fn gateway() -> Gateway {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("rules.star"), RULES).unwrap();
    let rules = home.keep().join("rules.star");
    let config = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[policy]\nfiles = [\"{}\"]\n\
         [agents.tester]\nkeys = [\"{KEY}\"]\n",
        rules.display()
    );
    Gateway::builder(program()).config(config).start().await
}

/// What Claude Code sends before it runs its tool.
fn pre_tool_use(command: &str, cwd: &str) -> Value {
    json!({
        "session_id": "8f3c2a51-6f0e-4b6c-9a55-0d7f4e6f1c2b",
        "transcript_path": "/home/u/.claude/projects/p/8f3c2a51.jsonl",
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {
            "command": command,
            "description": "Says hello",
            "timeout": 120_000,
        },
        "tool_use_id": "toolu_01ABC123",
    })
}

async fn hook(gateway: &Gateway, path: &str, body: &Value) -> Value {
    let answer = gateway
        .client()
        .send(&Request::post(path, body).key(KEY))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["hookSpecificOutput"].clone()
}

#[tokio::test]
async fn a_bash_call_becomes_a_command_that_asks() {
    let gateway = gateway().await;
    let text = "echo 'it'\"'\"'s' && echo \"$0\" > said";
    let work = tempfile::tempdir().unwrap();
    let said = hook(&gateway, "/hooks/claude-code", &pre_tool_use(text, "/")).await;
    assert_eq!(said["hookEventName"], "PreToolUse");
    assert_eq!(said["permissionDecision"], "allow");
    let input = &said["updatedInput"];
    assert_eq!(input["description"], "Says hello", "the rest stays: {said}");
    assert_eq!(input["timeout"], 120_000, "{said}");
    let command = input["command"].as_str().unwrap();
    assert!(command.contains(" exec --agent tester -- "), "{command}");

    // As the agent would run it, with nothing of Tollgate in its environment.
    let done = tokio::process::Command::new("bash")
        .args(["-c", command])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(work.path())
        .output();
    let done = tollgate_testkit::within("the command", done).await.unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{errors}");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "it's\n", "{errors}");
    let written = std::fs::read_to_string(work.path().join("said")).unwrap();
    assert_eq!(written, "bash\n");

    // What was rewritten is not rewritten again.
    let again = hook(&gateway, "/hooks/claude-code", &pre_tool_use(command, "/")).await;
    assert_eq!(again["permissionDecision"], "allow");
    assert_eq!(again["updatedInput"], Value::Null, "{again}");
}

#[tokio::test]
async fn rules_still_deny_and_a_review_asks_a_person() {
    let gateway = gateway().await;
    let denied = hook(
        &gateway,
        "/hooks/claude-code",
        &pre_tool_use("ls never", "/"),
    )
    .await;
    assert_eq!(denied["permissionDecision"], "deny");
    assert_eq!(denied["updatedInput"], Value::Null, "{denied}");
    let review = hook(
        &gateway,
        "/hooks/claude-code",
        &pre_tool_use("ls review", "/"),
    )
    .await;
    let command = review["updatedInput"]["command"].as_str().unwrap();
    assert!(command.contains(" --ask -- 'ls review'"), "{command}");
    // Other tools are for the rules alone.
    let mut read = pre_tool_use("ls", "/");
    read["tool_name"] = "Read".into();
    let read = hook(&gateway, "/hooks/claude-code", &read).await;
    assert_eq!(read["permissionDecision"], "allow");
    assert_eq!(read["updatedInput"], Value::Null, "{read}");
}

#[tokio::test]
async fn agents_that_ignore_new_input_are_told_what_to_run() {
    let gateway = gateway().await;
    let call = pre_tool_use("ls -la", "/");
    let said = hook(&gateway, "/hooks/claude-code?rewrite=say", &call).await;
    assert_eq!(said["permissionDecision"], "deny");
    let reason = said["permissionDecisionReason"].as_str().unwrap();
    let command = reason.strip_prefix("run it as: ").unwrap();
    let again = pre_tool_use(command, "/");
    let again = hook(&gateway, "/hooks/claude-code?rewrite=say", &again).await;
    assert_eq!(again["permissionDecision"], "allow", "{again}");
    let off = hook(&gateway, "/hooks/claude-code?rewrite=off", &call).await;
    assert_eq!(off["permissionDecision"], "allow");
    assert_eq!(off["updatedInput"], Value::Null, "{off}");
}
