//! Something changes between the yes and the run: then nothing runs.

use std::fs;
use std::os::unix::fs::symlink;

use super::stage::{Workshop, write_script};

/// A program of the agent's own that leaves a mark.
async fn with_tool() -> Workshop {
    let shop = Workshop::open().await;
    fs::copy("/usr/bin/touch", shop.at("tool")).unwrap();
    shop
}

#[tokio::test]
async fn what_did_not_change_runs() {
    let shop = with_tool().await;
    let done = shop.swapped(&["--", "./tool", "marker"], || {}).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(shop.at("marker").exists());
}

#[tokio::test]
async fn a_binary_that_changed_does_not_run() {
    let shop = with_tool().await;
    let change = || {
        // Another inode, as an installer would do it.
        fs::copy("/usr/bin/mkdir", shop.at("other")).unwrap();
        fs::rename(shop.at("other"), shop.at("tool")).unwrap();
    };
    let done = shop.swapped(&["--", "./tool", "marker"], change).await;
    done.was_not_run("changed since it was approved");
    assert!(!shop.at("marker").exists());
    let event = shop.event("exec.not_run").await;
    let allowed = shop.event("exec.allowed").await;
    let id = allowed["id"].as_str().unwrap();
    let why = shop.gateway.command(&["why", id]).await;
    assert!(
        why.stdout.contains("changed since it was approved"),
        "{why:?}"
    );
    assert!(
        event["facts"]["reason"].as_str().unwrap().contains("tool"),
        "{event}"
    );
}

#[tokio::test]
async fn a_binary_that_was_written_to_does_not_run() {
    let shop = with_tool().await;
    let change = || {
        let mkdir = fs::read("/usr/bin/mkdir").unwrap();
        fs::write(shop.at("tool"), mkdir).unwrap();
    };
    let done = shop.swapped(&["--", "./tool", "marker"], change).await;
    done.was_not_run("changed since it was approved");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn a_script_that_changed_does_not_run() {
    let shop = Workshop::open().await;
    shop.script("run.sh", "#!/bin/sh\necho fine\n");
    let change = || shop.script("run.sh", "#!/bin/sh\ntouch marker\n");
    let done = shop.swapped(&["--", "./run.sh"], change).await;
    done.was_not_run("run.sh` changed since it was approved");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn a_script_that_an_interpreter_is_given_does_not_run_once_it_changed() {
    let shop = Workshop::open().await;
    shop.script("run.sh", "echo fine\n");
    let change = || shop.script("run.sh", "touch marker\n");
    let done = shop.swapped(&["--", "bash", "run.sh"], change).await;
    done.was_not_run("run.sh` changed since it was approved");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_not_followed() {
    let shop = with_tool().await;
    // The same bytes at its end: what counts is where it leads.
    fs::copy(shop.at("tool"), shop.at("twin")).unwrap();
    symlink("tool", shop.at("link")).unwrap();
    let change = || {
        fs::remove_file(shop.at("link")).unwrap();
        symlink("twin", shop.at("link")).unwrap();
    };
    let done = shop.swapped(&["--", "./link", "marker"], change).await;
    done.was_not_run("changed since it was approved");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn another_folder_in_its_place_is_not_worked_in() {
    let shop = Workshop::open().await;
    fs::create_dir(shop.at("place")).unwrap();
    write_script(&shop.at("run.sh"), "#!/bin/sh\ntouch marker\n");
    let change = || {
        fs::rename(shop.at("place"), shop.at("moved")).unwrap();
        fs::create_dir(shop.at("place")).unwrap();
    };
    let done = shop
        .swapped(&["--cwd", "place", "--", "../run.sh"], change)
        .await;
    done.was_not_run("place` is another one than was approved");
    assert!(!shop.at("place/marker").exists() && !shop.at("moved/marker").exists());
}

#[tokio::test]
async fn a_folder_that_became_a_link_is_not_worked_in() {
    let shop = Workshop::open().await;
    fs::create_dir(shop.at("place")).unwrap();
    fs::create_dir(shop.at("elsewhere")).unwrap();
    write_script(&shop.at("run.sh"), "#!/bin/sh\ntouch marker\n");
    let change = || {
        fs::remove_dir(shop.at("place")).unwrap();
        symlink("elsewhere", shop.at("place")).unwrap();
    };
    let done = shop
        .swapped(&["--cwd", "place", "--", "../run.sh"], change)
        .await;
    done.was_not_run("is another one than was approved");
    assert!(!shop.at("elsewhere/marker").exists());
}

#[tokio::test]
async fn a_yes_is_for_one_environment_and_no_other() {
    let shop = Workshop::open().await;
    shop.script("run.sh", "#!/bin/sh\ntouch \"$MARK\"\n");
    let asking = shop.begin(&["--env", "MARK=fine", "--", "./run.sh"]);
    let id = shop.question().await;
    let other = shop.begin(&["--env", "MARK=marker", "--", "./run.sh"]);
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(shop.at("fine").exists());
    // The other one is a question of its own.
    let own = shop.question().await;
    assert_ne!(own, id);
    shop.answer(&own, "deny").await;
    other.end().await.was_not_run("denied by");
    assert!(!shop.at("marker").exists());
}

#[tokio::test]
async fn a_program_in_front_of_the_approved_one_does_not_run() {
    let shop = with_tool().await;
    fs::create_dir(shop.at("front")).unwrap();
    fs::create_dir(shop.at("back")).unwrap();
    fs::rename(shop.at("tool"), shop.at("back/tool")).unwrap();
    let path = format!(
        "{}:{}",
        shop.at("front").display(),
        shop.at("back").display()
    );
    let asking = shop.begin_with(&["--", "tool", "fine"], &[("PATH", &path)]);
    let id = shop.question().await;
    shop.script("front/tool", "#!/bin/sh\ntouch marker\n");
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    done.was_not_run("front/tool` was not there when it was approved");
    assert!(!shop.at("marker").exists() && !shop.at("fine").exists());
}
