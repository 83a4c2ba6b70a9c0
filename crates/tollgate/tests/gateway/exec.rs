//! `tollgate exec`: what was judged and approved is what runs, or nothing.

mod absent;
mod confined;
mod container;
mod hooks;
mod ordinary;
mod stage;
mod swap;

use std::fs;

use stage::Workshop;
use tollgate_testkit::{Gateway, within};

use crate::house::program;

#[tokio::test]
async fn what_only_reads_runs_at_once() {
    let shop = Workshop::open().await;
    fs::write(shop.at("a file"), "text").unwrap();
    let done = shop.exec(&["--", "cat", "a file"]).await;
    assert_eq!((done.code, &*done.stdout), (Some(0), "text"), "{done:?}");
    // Its own code is passed on.
    let done = shop.exec(&["--", "cat", "nothing"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let ended = shop.event("exec.ended").await;
    assert_eq!(ended["facts"]["end"]["code"], 1, "{ended}");
}

#[tokio::test]
async fn one_argument_is_text_and_several_are_words() {
    let shop = Workshop::open().await;
    let done = shop.exec(&["--", "echo a; echo \"$0\" | tr b B"]).await;
    assert_eq!(done.stdout, "a\nBash\n", "{done:?}");
    let done = shop.exec(&["--", "echo", "a; echo $0 | tr b B"]).await;
    assert_eq!(done.stdout, "a; echo $0 | tr b B\n", "{done:?}");
}

#[tokio::test]
async fn a_recursive_delete_waits_and_allow_once_runs_it() {
    let shop = Workshop::open().await;
    fs::create_dir_all(shop.at("build/deep")).unwrap();
    let asking = shop.begin(&["--", "rm", "-rf", "./build"]);
    let id = shop.question().await;
    assert!(shop.at("build").exists(), "nothing before the yes");
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!shop.at("build").exists());
    assert!(
        done.stderr.contains(&id) && done.stderr.contains("HIGH"),
        "{done:?}"
    );
    // Once is once.
    fs::create_dir_all(shop.at("build")).unwrap();
    let asking = shop.begin(&["--", "rm", "-rf", "./build"]);
    let again = shop.question().await;
    assert_ne!(id, again);
    shop.answer(&again, "deny").await;
    asking.end().await.was_not_run("denied by");
    assert!(shop.at("build").exists());
}

#[tokio::test]
async fn allow_always_holds_until_the_script_changes() {
    let shop = Workshop::open().await;
    fs::create_dir(shop.at("bin")).unwrap();
    // In the place of a package manager, which a machine of tests may lack.
    shop.script("bin/npm", "#!/bin/sh\necho \"$(basename \"$0\") ran $*\"\n");
    let package = |test: &str| format!("{{\"scripts\":{{\"test\":\"{test}\"}}}}");
    fs::write(shop.at("package.json"), package("true")).unwrap();
    let path = format!("{}:/usr/bin:/bin", shop.at("bin").display());
    let test = || shop.begin_with(&["--", "npm", "test"], &[("PATH", &path)]);

    let asking = test();
    let id = shop.question().await;
    shop.answer(&id, "allow-always").await;
    let done = asking.end().await;
    assert_eq!(done.stdout, "npm ran test\n", "{done:?}");

    let done = test().end().await;
    assert_eq!(done.stdout, "npm ran test\n", "asked again: {done:?}");
    assert!(!done.stderr.contains("waits for"), "{done:?}");

    fs::write(shop.at("package.json"), package("rm -rf /tmp/x")).unwrap();
    let asking = test();
    let again = shop.question().await;
    shop.answer(&again, "deny").await;
    asking.end().await.was_not_run("denied by");
}

#[tokio::test]
async fn nothing_of_the_callers_environment_gets_in_unnamed() {
    let shop = Workshop::open().await;
    shop.script("evil.sh", "echo evil\n");
    let evil = shop.at("evil.sh");
    let evil = evil.to_str().unwrap();
    let variables = [
        ("BASH_ENV", evil),
        ("LD_PRELOAD", "/nonexistent.so"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
        ("GIT_SSH_COMMAND", evil),
        ("LANG", "C.UTF-8"),
    ];
    let done = shop
        .begin_with(&["--", "env; true"], &variables)
        .end()
        .await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let names: Vec<&str> = done
        .stdout
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    for absent in [
        "BASH_ENV",
        "LD_PRELOAD",
        "AWS_SECRET_ACCESS_KEY",
        "GIT_SSH_COMMAND",
        "TOLLGATE_HOME",
    ] {
        assert!(!names.contains(&absent), "{absent} in {names:?}");
    }
    assert!(
        names.contains(&"LANG") && !done.stdout.contains("evil"),
        "{done:?}"
    );
    for never in ["LD_PRELOAD=x", "BASH_ENV", "TOLLGATE_HOME=/tmp"] {
        let done = shop
            .begin_with(&["--env", never, "--", "ls"], &variables)
            .end()
            .await;
        done.was_not_run("is never given to a command");
    }
}

#[tokio::test]
async fn without_a_gateway_nothing_runs() {
    let mut shop = Workshop::open().await;
    shop.gateway.kill9().await;
    let done = shop.exec(&["--", "touch", "marker"]).await;
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.stderr.contains("tollgate serve"), "{done:?}");
    assert!(!shop.at("marker").exists());
    let never = Gateway::builder(program());
    let done = never.run(&["exec", "--", "touch", "marker"]).await;
    assert_eq!(done.code, Some(3), "{done:?}");
}

#[tokio::test]
async fn a_gateway_that_goes_away_while_a_person_thinks_leaves_nothing_running() {
    let mut shop = Workshop::open().await;
    shop.script("run.sh", "#!/bin/sh\ntouch marker\n");
    let asking = shop.begin(&["--", "./run.sh"]);
    shop.question().await;
    shop.gateway.kill9().await;
    asking.end().await.was_not_run("the gateway was lost");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn a_cutoff_kills_what_was_granted() {
    let shop = Workshop::open().await;
    let asking = shop.begin(&["--", "echo $$ > pid; tail -f pid"]);
    let pid = pid_in(&shop).await;
    let cut = shop.gateway.command(&["cutoff", "main", "--kill"]).await;
    assert_eq!(cut.code, Some(0), "{cut:?}");
    let done = asking.end().await;
    assert_eq!(done.code, Some(137), "{done:?}");
    assert!(done.stderr.contains("killed by the gateway"), "{done:?}");
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
    let refused = shop.exec(&["--", "ls"]).await;
    refused.was_not_run("cut off");
}

#[tokio::test]
async fn a_frozen_agents_command_stands_still_and_goes_on() {
    let shop = Workshop::open().await;
    let asking = shop.begin(&[
        "--",
        "echo $$ > pid; while [ ! -e stop ]; do date > tick; done",
    ]);
    let pid = pid_in(&shop).await;
    let order = async |flag: &str| {
        let done = shop.gateway.command(&["cutoff", "main", flag]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
    };
    order("--freeze").await;
    // It writes every few milliseconds for as long as it runs.
    within("a halt", async {
        // Once may be a busy machine.
        let mut still = 0;
        while still < 5 {
            still = if ticks(&shop).await { 0 } else { still + 1 };
        }
    })
    .await;
    assert!(!ticks(&shop).await && !shop.at("stop").exists());
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    fs::write(shop.at("stop"), "").unwrap();
    order("--undo").await;
    let done = asking.end().await;
    assert_eq!(done.code, Some(0), "{done:?}");
}

/// The id that a command wrote into `pid`.
async fn pid_in(shop: &Workshop) -> i32 {
    within("it to run", async {
        loop {
            let text = fs::read_to_string(shop.at("pid")).unwrap_or_default();
            match text.trim().parse() {
                Ok(pid) => return pid,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

/// Whether it writes while another program starts and ends.
async fn ticks(shop: &Workshop) -> bool {
    let written = || fs::metadata(shop.at("tick")).unwrap().modified().unwrap();
    let before = written();
    let done = shop.gateway.command(&["status"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    written() != before
}

#[tokio::test]
async fn time_and_output_end_it() {
    let shop = Workshop::open().await;
    fs::write(shop.at("log"), "").unwrap();
    let done = shop
        .exec(&["--timeout", "1", "--", "tail", "-f", "log"])
        .await;
    assert_eq!(done.code, Some(137), "{done:?}");
    assert!(done.stderr.contains("killed after 1 s"), "{done:?}");
    let done = shop
        .exec(&["--max-output", "1000", "--", "cat", "/dev/zero"])
        .await;
    assert_eq!(done.code, Some(137), "{done:?}");
    assert_eq!(done.stdout.len(), 1000);
    assert!(
        done.stderr.contains("more than 1000 bytes"),
        "{}",
        done.stderr
    );
}
