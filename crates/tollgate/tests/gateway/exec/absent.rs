//! Files that were not there when a command was judged, and would run in the
//! place of those that were.

use std::fs;

use super::stage::{Done, Workshop};

/// A folder with programs of the agent's own: `make` and `npm`, which a machine
/// of tests may lack, and `tool`.
async fn with_tools() -> Workshop {
    let shop = Workshop::open().await;
    for folder in ["front", "back", "deep"] {
        fs::create_dir(shop.at(folder)).unwrap();
    }
    for tool in ["make", "npm", "tool"] {
        shop.script(&format!("back/{tool}"), "#!/bin/sh\ntouch ran\n");
    }
    shop
}

/// Asks, changes something, says yes.
async fn swapped(shop: &Workshop, arguments: &[&str], change: impl FnOnce()) -> Done {
    let folders = ["front", "back"].map(|folder| shop.at(folder).display().to_string());
    let path = format!("{}:/usr/bin:/bin", folders.join(":"));
    let asking = shop.begin_with(arguments, &[("PATH", &path)]);
    let id = shop.question().await;
    change();
    shop.answer(&id, "allow-once").await;
    asking.end().await
}

#[tokio::test]
async fn rules_of_a_build_that_come_before_the_approved_ones_stop_it() {
    let shop = with_tools().await;
    fs::write(shop.at("Makefile"), "all:\n").unwrap();
    let change = || fs::write(shop.at("GNUmakefile"), "all:\n\ttouch marker\n").unwrap();
    let done = swapped(&shop, &["--", "make"], change).await;
    done.was_not_run("GNUmakefile` was not there when it was approved");
    assert!(!shop.at("ran").exists());
}

#[tokio::test]
async fn a_file_that_nothing_depends_on_may_come_to_be() {
    let shop = with_tools().await;
    fs::write(shop.at("Makefile"), "all:\n").unwrap();
    let change = || fs::write(shop.at("notes"), "GNUmakefile").unwrap();
    let done = swapped(&shop, &["--", "make"], change).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(shop.at("ran").exists());
}

#[tokio::test]
async fn a_nearer_package_stops_the_scripts_of_the_approved_one() {
    let shop = with_tools().await;
    fs::write(shop.at("package.json"), "{\"scripts\":{\"test\":\"true\"}}").unwrap();
    let nearer = "{\"scripts\":{\"test\":\"touch marker\"}}";
    let change = || fs::write(shop.at("deep/package.json"), nearer).unwrap();
    let done = swapped(&shop, &["--cwd", "deep", "--", "npm", "test"], change).await;
    done.was_not_run("deep/package.json` was not there when it was approved");
}

#[tokio::test]
async fn settings_that_would_change_what_runs_stop_it() {
    let shop = with_tools().await;
    fs::write(shop.at("package.json"), "{\"scripts\":{\"test\":\"true\"}}").unwrap();
    let change = || fs::write(shop.at(".npmrc"), "script-shell=./marker\n").unwrap();
    let done = swapped(&shop, &["--", "npm test; true"], change).await;
    done.was_not_run(".npmrc` was not there when it was approved");
}

#[tokio::test]
async fn a_program_in_front_of_one_that_a_text_names_stops_it() {
    let shop = with_tools().await;
    let change = || shop.script("front/tool", "#!/bin/sh\ntouch marker\n");
    let done = swapped(&shop, &["--", "tool; true"], change).await;
    done.was_not_run("front/tool` was not there when it was approved");
    assert!(!shop.at("ran").exists() && !shop.at("marker").exists());
}

#[tokio::test]
async fn a_program_that_only_lacks_a_right_is_not_looked_past() {
    let shop = with_tools().await;
    fs::write(shop.at("front/tool"), "#!/bin/sh\ntouch marker\n").unwrap();
    let path = format!(
        "{}:{}",
        shop.at("front").display(),
        shop.at("back").display()
    );
    let asking = shop.begin_with(&["--", "tool; true"], &[("PATH", &path)]);
    asking
        .end()
        .await
        .was_not_run("only lacks the right to be executed");
}
