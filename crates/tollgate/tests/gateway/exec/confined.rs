//! Behind bubblewrap, where the machine has it.

use std::fs;

use super::stage::Workshop;

const SANDBOX: &str = "[exec]\nhost = \"sandbox\"\n";

/// False, said aloud, where there is no bubblewrap; where no test may be
/// skipped, a failure.
fn has_bubblewrap() -> bool {
    let found = tollgate_run::Bubblewrap::find().is_some();
    let must = std::env::var_os("TOLLGATE_NO_SKIP").is_some();
    assert!(found || !must, "no bubblewrap that works here");
    found
}

#[tokio::test]
async fn a_sandbox_writes_in_its_folder_only_and_sees_no_key() {
    if !has_bubblewrap() {
        return;
    }
    let shop = Workshop::with(SANDBOX).await;
    let token = shop.gateway.home().join("operator.token");
    let tries = format!(
        "touch here && echo here; touch /usr/made || echo not usr; \
         cat {} || echo no token; ls /sys/class/net /proc/1/fd >/dev/null; id -u",
        token.display()
    );
    let asking = shop.begin(&["--", &tries]);
    let id = shop.question().await;
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    let uid = nix::unistd::geteuid();
    assert_eq!(
        done.stdout,
        format!("here\nnot usr\nno token\n{uid}\n"),
        "{done:?}"
    );
    assert!(shop.at("here").exists());
}

#[tokio::test]
async fn where_a_sandbox_is_wanted_nothing_runs_beside_the_gateway() {
    let shop = Workshop::with(SANDBOX).await;
    // An executor whose configuration says nothing of it.
    let bare = shop.at("bare");
    fs::create_dir(&bare).unwrap();
    let file = shop.gateway.home().join("exec-approvals.json");
    let config = format!("[approvals]\nfile = \"{}\"\n", file.display());
    fs::write(bare.join("tollgate.toml"), config).unwrap();
    let home = bare.to_str().unwrap();
    let asking = shop.begin_with(&["--", "ls"], &[("TOLLGATE_HOME", home)]);
    asking.end().await.was_not_run("sandbox");
}

#[tokio::test]
async fn a_script_runs_from_its_copy_at_its_own_path() {
    if !has_bubblewrap() {
        return;
    }
    let shop = Workshop::open().await;
    shop.script(
        "run.sh",
        "#!/bin/sh\necho \"$0\"; cat \"$(dirname \"$0\")/beside\"\n",
    );
    fs::write(shop.at("beside"), "beside\n").unwrap();
    let done = shop.swapped(&["--", "./run.sh"], || {}).await;
    let expected = format!("{}\nbeside\n", shop.at("run.sh").display());
    assert_eq!(done.stdout, expected, "{done:?}");
}

#[tokio::test]
async fn what_is_tollgates_is_masked_where_the_file_system_stays_the_same() {
    let plain = tollgate_run::Bubblewrap::find().is_some_and(|found| found.plain);
    if !plain {
        return;
    }
    let shop = Workshop::open().await;
    let asking = shop.begin(&[
        "--ask",
        "--",
        &format!("ls -A {} | wc -l", shop.gateway.home().display()),
    ]);
    let id = shop.question().await;
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    assert_eq!(done.stdout, "0\n", "{done:?}");
}
