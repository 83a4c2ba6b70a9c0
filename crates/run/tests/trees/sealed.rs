//! What was opened is what runs, whatever happens to its name meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tollgate_run::{Exit, Output, Role, SealError, Sealed, Tree, Wanted, What};
use tollgate_testkit::within;

use crate::stage::keeper;

const PATH: &str = "/usr/bin:/bin";

/// A folder with a binary of its own and a script.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        fs::copy("/bin/echo", place.at("tool")).unwrap();
        place.script("#!/bin/sh -e\necho \"script $1\"\n");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn script(&self, text: &str) {
        fs::write(self.at("run.sh"), text).unwrap();
        fs::set_permissions(self.at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn seal(&self, argv: &[&str]) -> Result<Sealed, SealError> {
        self.seal_with(argv, PATH, &[])
    }

    fn seal_with(
        &self,
        argv: &[&str],
        search: &str,
        watched: &[(PathBuf, Role)],
    ) -> Result<Sealed, SealError> {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        Sealed::open(&Wanted {
            what: What::Argv(&argv),
            folder: &self.at(""),
            search: OsStr::new(search),
            watched,
        })
    }
}

async fn said(sealed: Sealed) -> String {
    let mut spec = sealed.into_spec();
    spec.output = Output::Captured;
    spec.errors = Output::Captured;
    spec.environment = vec![("PATH".into(), PATH.into())];
    let tree = within("a start", Tree::start(spec, &keeper()))
        .await
        .unwrap();
    let end = within("an end", tree.wait()).await;
    let captured = within("its output", tree.captured()).await;
    let text = String::from_utf8(captured.output).unwrap();
    let errors = String::from_utf8(captured.errors).unwrap();
    assert_eq!((end.exit, errors.as_str()), (Exit::Code(0), ""), "{text}");
    text
}

#[tokio::test]
async fn a_binary_that_was_replaced_does_not_run() {
    let place = Place::new();
    let sealed = place.seal(&["./tool", "as opened"]).unwrap();
    fs::copy("/bin/false", place.at("other")).unwrap();
    fs::rename(place.at("other"), place.at("tool")).unwrap();
    assert_eq!(said(sealed).await, "as opened\n");
}

#[tokio::test]
async fn a_binary_can_not_be_written_to_while_it_is_held() {
    let place = Place::new();
    let sealed = place.seal(&["./tool", "as opened"]).unwrap();
    let mut options = fs::OpenOptions::new();
    options.write(true).custom_flags(nix::libc::O_NONBLOCK);
    let error = options.open(place.at("tool")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    drop(sealed);
    // Another test may be forking, and its child has a copy until it executes.
    within("the lease to end", async {
        while options.open(place.at("tool")).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_binary_that_somebody_writes_to_runs_as_it_was_read() {
    let place = Place::new();
    let writer = fs::OpenOptions::new()
        .write(true)
        .open(place.at("tool"))
        .unwrap();
    let sealed = place.seal(&["./tool", "a copy"]).unwrap();
    writer.set_len(0).unwrap();
    assert_eq!(said(sealed).await, "a copy\n");
}

#[tokio::test]
async fn a_script_runs_as_it_was_read() {
    let place = Place::new();
    let sealed = place.seal(&["./run.sh", "first"]).unwrap();
    let roles: Vec<Role> = sealed.files().iter().map(|seen| seen.role).collect();
    assert!(roles.contains(&Role::Script), "{roles:?}");
    assert_eq!(roles.last(), Some(&Role::Binary));
    place.script("#!/bin/sh\necho changed\n");
    assert_eq!(said(sealed).await, "script first\n");
}

#[tokio::test]
async fn text_runs_in_a_shell_that_reads_no_file() {
    let place = Place::new();
    let text = OsStr::new("printf '%s|' a b; echo $0 $(( 1 + 1 ))");
    let sealed = Sealed::open(&Wanted {
        what: What::Text(text),
        folder: &place.at(""),
        search: OsStr::new("/nowhere"),
        watched: &[],
    });
    assert_eq!(said(sealed.unwrap()).await, "a|b|bash 2\n");
}

#[tokio::test]
async fn the_folder_is_the_one_that_was_opened() {
    let place = Place::new();
    let (before, moved) = (place.at("before"), place.at("moved"));
    fs::create_dir(&before).unwrap();
    fs::write(before.join("inside"), "").unwrap();
    let argv = ["ls".into()];
    let sealed = Sealed::open(&Wanted {
        what: What::Argv(&argv),
        folder: &before,
        search: OsStr::new(PATH),
        watched: &[],
    });
    fs::rename(&before, &moved).unwrap();
    fs::create_dir(&before).unwrap();
    assert_eq!(said(sealed.unwrap()).await, "inside\n");
}

#[test]
fn every_change_shows_in_what_is_seen() {
    let place = Place::new();
    symlink("tool", place.at("link")).unwrap();
    fs::write(place.at("Makefile"), "all:\n").unwrap();
    let makefile = [(PathBuf::from("Makefile"), Role::Script)];
    let seen = |argv: &[&str]| {
        let sealed = place.seal_with(argv, PATH, &makefile).unwrap();
        sealed.files().to_vec()
    };
    let (binary, script, link) = (seen(&["./tool"]), seen(&["./run.sh"]), seen(&["./link"]));
    assert_eq!(binary, seen(&["./tool"]));

    fs::write(place.at("Makefile"), "all: ; id\n").unwrap();
    assert_ne!(binary, seen(&["./tool"]), "a watched file");
    fs::write(place.at("Makefile"), "all:\n").unwrap();
    assert_eq!(binary, seen(&["./tool"]));

    place.script("#!/bin/sh\nid\n");
    assert_ne!(script, seen(&["./run.sh"]), "a script");

    fs::copy("/bin/echo", place.at("same")).unwrap();
    fs::remove_file(place.at("link")).unwrap();
    symlink("same", place.at("link")).unwrap();
    assert_ne!(
        link,
        seen(&["./link"]),
        "a link to the same bytes elsewhere"
    );

    fs::copy("/bin/true", place.at("tool")).unwrap();
    assert_ne!(binary, seen(&["./tool"]), "a binary");

    fs::remove_file(place.at("Makefile")).unwrap();
    let without = seen(&["./tool"]);
    fs::write(place.at("Makefile"), "all:\n").unwrap();
    assert_ne!(
        without,
        seen(&["./tool"]),
        "a watched file that was not there"
    );
}

#[test]
fn a_program_is_found_as_a_shell_finds_it() {
    let place = Place::new();
    let path_of = |sealed: Sealed| {
        let seen = sealed.files().iter().find(|seen| seen.role == Role::Binary);
        seen.unwrap().path.clone()
    };
    let own = format!("relative:{}:{PATH}", place.at("").display());
    let found = |name: &str| place.seal_with(&[name], &own, &[]).map(path_of);
    assert_eq!(found("tool").unwrap(), place.at("tool"));
    assert_eq!(found("./tool").unwrap(), place.at("tool"));
    assert!(Path::new("/usr/bin/env") == found("env").unwrap());
    let fault = |name: &str| found(name).unwrap_err().to_string();
    assert_eq!(fault("nosuchprogram"), "no program `nosuchprogram` in PATH");
    assert!(fault("./nosuchprogram").contains("no such file"));
    fs::set_permissions(place.at("tool"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(fault("./tool").ends_with("is not executable"));
    assert_eq!(fault(""), "no program, expected one");
    assert!(fault("/tmp").contains("is a folder, expected a file"));
}

#[test]
fn what_an_agent_could_have_changed_is_said() {
    let place = Place::new();
    let sealed = place.seal(&["./tool"]).unwrap();
    assert!(sealed.files().iter().all(|seen| seen.writable));
    assert!(!sealed.elevates());
    fs::set_permissions(place.at("tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    assert!(place.seal(&["./tool"]).unwrap().elevates());
}
