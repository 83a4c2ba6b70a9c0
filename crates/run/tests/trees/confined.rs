//! Behind bubblewrap, where this machine has it and lets it work.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use tempfile::TempDir;
use tollgate_run::{
    Backstop, Bubblewrap, Captured, Confinement, End, Exit, Keeper, Output, Role, Sandbox, Sealed,
    Spec, Tree, Wanted, What,
};
use tollgate_testkit::within;

use crate::stage::keeper;

/// The keeper of these tests calls `enter` as well.
const PROGRAM: &str = env!("CARGO_BIN_EXE_keep-tree");

/// `None`, said aloud, where there is no bubblewrap; where tests must not be
/// skipped, that is a failure.
fn bubblewrap() -> Option<Bubblewrap> {
    let found = Bubblewrap::find();
    if found.is_none() {
        assert!(
            std::env::var_os("TOLLGATE_NO_SKIP").is_none(),
            "no bubblewrap"
        );
        println!("skipped: no bubblewrap that works here");
    }
    found
}

struct Place {
    folder: TempDir,
    bubblewrap: Bubblewrap,
    masked: Vec<PathBuf>,
}

impl Place {
    fn new() -> Option<Self> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let place = Self {
            bubblewrap: bubblewrap()?,
            masked: vec![folder.path().join("secret"), folder.path().join("key")],
            folder,
        };
        fs::create_dir_all(place.at("work")).unwrap();
        fs::create_dir_all(place.at("secret")).unwrap();
        fs::write(place.at("secret/token"), "hidden").unwrap();
        fs::write(place.at("key"), "hidden").unwrap();
        Some(place)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    async fn run(&self, what: What<'_>, sandbox: Option<Sandbox<'_>>) -> (End, Captured) {
        let sealed = self.seal(what);
        self.run_sealed(sealed, sandbox).await
    }

    fn seal(&self, what: What<'_>) -> Sealed {
        self.seal_watching(what, &[])
    }

    fn seal_watching(&self, what: What<'_>, watched: &[(PathBuf, Role)]) -> Sealed {
        let sealed = Sealed::open(&Wanted {
            what,
            folder: &self.at("work"),
            search: OsStr::new("/usr/bin:/bin"),
            watched,
        });
        sealed.unwrap()
    }

    async fn run_sealed(&self, sealed: Sealed, sandbox: Option<Sandbox<'_>>) -> (End, Captured) {
        let confinement = Confinement {
            bubblewrap: &self.bubblewrap,
            enter: &Keeper::new(PROGRAM, &["enter"]),
            masked: &self.masked,
            sandbox,
        };
        captured(sealed.into_confined(&confinement).unwrap()).await
    }
}

async fn captured(mut spec: Spec) -> (End, Captured) {
    spec.output = Output::Captured;
    spec.errors = Output::Captured;
    spec.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let tree = within("a start", Tree::start(spec, &keeper()))
        .await
        .unwrap();
    let end = within("an end", tree.wait()).await;
    (end, within("its output", tree.captured()).await)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn full(writable: &[PathBuf]) -> Option<Sandbox<'_>> {
    Some(Sandbox {
        writable,
        network: false,
        backstop: Backstop::of_this_kernel(),
    })
}

#[tokio::test]
async fn what_is_masked_looks_empty_and_the_rest_as_ever() {
    let Some(place) = Place::new() else { return };
    // No pipe: while the shell makes one it has more open than it was given.
    let look = OsStr::new(
        "ls ../secret; cat ../key 2>/dev/null; touch made; pwd; readlink /proc/$$/exe; ls /proc/$$/fd >open; wc -l <open",
    );
    let (end, captured) = place.run(What::Text(look), None).await;
    let expected = format!("{}\n/usr/bin/bash\n3\n", place.at("work").display());
    assert_eq!(text(captured.errors), "");
    assert_eq!(text(captured.output), expected);
    assert_eq!(end.exit, Exit::Code(0));
    assert!(place.at("work/made").exists());
}

#[tokio::test]
async fn a_script_runs_as_it_was_read_at_its_own_path() {
    let Some(place) = Place::new() else { return };
    let script = place.at("work/run.sh");
    fs::write(&script, "#!/bin/sh\necho \"$0 $1 first\"\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let argv: [OsString; 2] = ["./run.sh".into(), "a b".into()];
    let sealed = place.seal(What::Argv(&argv));
    fs::write(&script, "#!/bin/sh\necho changed\n").unwrap();
    let (end, captured) = place.run_sealed(sealed, None).await;
    assert_eq!(text(captured.errors), "");
    assert_eq!(
        text(captured.output),
        format!("{} a b first\n", script.display())
    );
    assert_eq!(end.exit, Exit::Code(0));
}

#[tokio::test]
async fn a_program_that_a_text_names_runs_as_it_was_read() {
    let Some(place) = Place::new() else { return };
    let tool = place.at("work/tool");
    fs::copy("/usr/bin/echo", &tool).unwrap();
    let watched = [(tool.clone(), Role::Binary)];
    let sealed = place.seal_watching(What::Text(OsStr::new("./tool first | cat")), &watched);
    // Another file in its place, as an installer would do it.
    fs::copy("/usr/bin/true", place.at("work/other")).unwrap();
    fs::rename(place.at("work/other"), &tool).unwrap();
    let (end, captured) = place.run_sealed(sealed, None).await;
    assert_eq!(text(captured.errors), "");
    assert_eq!(text(captured.output), "first\n");
    assert_eq!(end.exit, Exit::Code(0));
}

#[tokio::test]
async fn another_folder_in_its_place_is_noticed() {
    let Some(place) = Place::new() else { return };
    let sealed = place.seal(What::Text(OsStr::new("echo ran")));
    fs::rename(place.at("work"), place.at("moved")).unwrap();
    fs::create_dir(place.at("work")).unwrap();
    let (end, captured) = place.run_sealed(sealed, None).await;
    assert_eq!(text(captured.output), "");
    assert!(text(captured.errors).contains("the folder is another one than before"));
    assert_eq!(end.exit, Exit::Code(126));
}

#[tokio::test]
async fn a_sandbox_writes_in_its_folder_only() {
    let Some(place) = Place::new() else { return };
    let tries = OsStr::new(
        "touch here && echo here; touch ../beside; \
         touch /usr/made || echo not usr; touch /etc/made || echo not etc; \
         touch /tmp/own && ls /tmp | grep own",
    );
    let (_, captured) = place.run(What::Text(tries), full(&[])).await;
    assert_eq!(
        text(captured.output),
        "here\nnot usr\nnot etc\nown\n",
        "{}",
        text(captured.errors)
    );
    // This folder may be below `/tmp`, which is another one inside.
    assert!(place.at("work/here").exists() && !place.at("beside").exists());
}

#[tokio::test]
async fn a_sandbox_has_neither_network_nor_ways_out() {
    let Some(place) = Place::new() else { return };
    let tries = OsStr::new(
        "ls /sys/class/net | wc -l >/dev/null; cat /proc/net/dev | grep -c : ; \
         unshare -Ur true 2>/dev/null || echo no user namespace; \
         mount -t tmpfs none /mnt 2>/dev/null || echo no mount; \
         umount ../secret 2>/dev/null || echo no umount; \
         grep -c . /proc/1/comm; cat ../secret/token 2>/dev/null || echo no secret",
    );
    let (_, captured) = place.run(What::Text(tries), full(&[])).await;
    assert_eq!(
        text(captured.output),
        "1\nno user namespace\nno mount\nno umount\n1\nno secret\n",
        "{}",
        text(captured.errors)
    );
}

#[tokio::test]
async fn the_backstop_holds_without_the_mounts() {
    let Some(place) = Place::new() else { return };
    let backstop = Backstop::of_this_kernel();
    if !backstop.landlock {
        println!("skipped: no Landlock in this kernel");
        return;
    }
    // Straight to the last step: no mount stands before it.
    let folder = fs::metadata(place.at("work")).unwrap();
    let tries = "touch here && echo here; touch ../beside || echo not beside; \
                 echo x > /dev/null && echo null; unshare -Ur true || echo no user namespace";
    let mut argv: Vec<String> = ["keep-tree", "enter", "100"].map(Into::into).to_vec();
    argv.extend([folder.dev().to_string(), folder.ino().to_string()]);
    argv.extend(["true", "true", "2", "/dev", "."].map(Into::into));
    argv.extend(["sh", "-c", tries].map(Into::into));
    let mut spec = Spec::new(argv);
    spec.folder = Some(place.at("work"));
    spec.handed.program = Some(fs::File::open(PROGRAM).unwrap().into());
    spec.handed.kept = vec![fs::File::open("/bin/sh").unwrap().into()];
    let (_, captured) = captured(spec).await;
    assert_eq!(
        text(captured.output),
        "here\nnot beside\nnull\nno user namespace\n"
    );
}
