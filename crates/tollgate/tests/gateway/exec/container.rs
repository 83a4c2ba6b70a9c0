//! In a container, where this machine has podman and something to make an image
//! of: a busybox that needs no library (Debian's `podman`, `runc` and
//! `busybox-static`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use tollgate_testkit::within;

use super::stage::Workshop;

const PODMAN: &str = "/usr/bin/podman";

/// An image with a name that no other test has; taken away when dropped.
struct Image {
    name: String,
    root: TempDir,
}

impl Image {
    /// `None`, said aloud, where it can't be made.
    #[allow(clippy::print_stdout, reason = "says what this machine lacks")]
    async fn make(test: &str) -> Option<Self> {
        let busybox = busybox().filter(|_| Path::new(PODMAN).is_file());
        let Some(busybox) = busybox else {
            println!("skipped: no podman here, or no busybox that is linked statically");
            return None;
        };
        let image = Self {
            name: format!("localhost/tollgate-{test}-{}:1", std::process::id()),
            root: tempfile::tempdir().unwrap(),
        };
        let programs = image.root.path().join("bin");
        fs::create_dir(&programs).unwrap();
        fs::copy(busybox, programs.join("busybox")).unwrap();
        for name in ["sh", "cat", "touch", "ls", "grep", "sleep", "id", "echo"] {
            symlink("busybox", programs.join(name)).unwrap();
        }
        if !image.import().await || !image.runs().await {
            println!("skipped: podman is here and runs no container");
            return None;
        }
        Some(image)
    }

    /// Whether podman by itself can make one; many machines don't let it.
    async fn import(&self) -> bool {
        let archive = self.root.path().join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-cf").arg(&archive).arg("-C").arg(self.root.path());
        assert!(tar.arg("bin").status().await.unwrap().success());
        let mut import = Command::new(PODMAN);
        import.arg("import").arg(&archive).arg(&self.name);
        import.stdout(Stdio::null()).stderr(Stdio::null());
        import.status().await.unwrap().success()
    }

    async fn runs(&self) -> bool {
        let mut trial = Command::new(PODMAN);
        trial.args(["run", "--rm", "--network", "none", &self.name]);
        trial.args(["/bin/busybox", "true"]);
        trial.stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().await.unwrap().success()
    }

    fn config(&self) -> String {
        let backend = format!("backend = \"podman\", image = \"{}\"", self.name);
        format!("[exec]\nhost = \"sandbox\"\nsandbox = {{ {backend} }}\n")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let mut remove = std::process::Command::new(PODMAN);
        remove.args(["rmi", "--force", &self.name]);
        remove.stdout(Stdio::null()).stderr(Stdio::null());
        drop(remove.status());
    }
}

/// One without a loader: nothing else has to be in the image.
fn busybox() -> Option<PathBuf> {
    let places = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
    places.into_iter().find(|place| {
        let bytes = fs::read(place).unwrap_or_default();
        // The loader that a program asks for stands at its beginning.
        let begin = bytes.get(..4096).unwrap_or_default();
        !begin.is_empty() && !begin.windows(7).any(|part| part == b"/ld-lin")
    })
}

/// Containers of `exec` that are left.
async fn containers() -> String {
    let mut list = Command::new(PODMAN);
    list.args([
        "ps",
        "--all",
        "--filter",
        "name=tollgate-exec-",
        "--format",
        "{{.Command}}",
    ]);
    let output = list.output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_container_has_its_folder_and_nothing_else_of_this_machine() {
    let Some(image) = Image::make("walls").await else {
        return;
    };
    let shop = Workshop::with(&image.config()).await;
    fs::write(shop.at("note"), "of the folder\n").unwrap();
    let tries = "cat note; touch made && echo made; touch /made || echo not there; \
                 ls /etc/passwd || echo none of the machine; ls /sys/class/net; \
                 grep -cE '^(Seccomp:.2|NoNewPrivs:.1|CapEff:.0+)$' /proc/self/status";
    let asking = shop.begin(&["--env", "MARK=x", "--", tries]);
    let id = shop.question().await;
    let shown = shop.gateway.command(&["approvals", "show", &id]).await;
    assert!(
        shown
            .stdout
            .contains(&format!("sandbox:podman {}@sha256:", image.name)),
        "{shown:?}"
    );
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    let expected = "of the folder\nmade\nnot there\nnone of the machine\nlo\n3\n";
    assert_eq!(done.stdout, expected, "{done:?}");
    assert!(shop.at("made").exists() && !Path::new("/made").exists());
}

#[tokio::test]
async fn another_image_of_the_same_name_is_not_what_was_approved() {
    let Some(image) = Image::make("swap").await else {
        return;
    };
    let shop = Workshop::with(&image.config()).await;
    let asking = shop.begin(&["--", "sh", "-c", "echo ran; true"]);
    let id = shop.question().await;
    // While it waits, the name comes to mean something else.
    fs::write(image.root.path().join("bin/other"), "other").unwrap();
    image.import().await;
    shop.answer(&id, "allow-once").await;
    let done = asking.end().await;
    // What runs is what was looked up before the question.
    assert_eq!((done.code, &*done.stdout), (Some(0), "ran\n"), "{done:?}");
    let again = shop.begin(&["--", "sh", "-c", "ls /bin/other; true"]);
    let id = shop.question().await;
    shop.answer(&id, "allow-once").await;
    let done = again.end().await;
    assert_eq!(done.stdout, "/bin/other\n", "{done:?}");
}

#[tokio::test]
async fn orders_and_time_reach_into_a_container() {
    let Some(image) = Image::make("time").await else {
        return;
    };
    let shop = Workshop::with(&image.config()).await;
    let marker = format!("{}", 90_000 + std::process::id());
    let asking = shop.begin(&["--timeout", "2", "--", "sleep", &marker]);
    let done = asking.end().await;
    assert_eq!(done.code, Some(137), "{done:?}");
    assert!(done.stderr.contains("killed after 2 s"), "{done:?}");
    let loops = format!("echo {marker}; while :; do echo x >> ticks; done");
    let asking = shop.begin(&["--", &loops]);
    within("it to run", async {
        while !shop.at("ticks").exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let cut = shop.gateway.command(&["cutoff", "main", "--kill"]).await;
    assert_eq!(cut.code, Some(0), "{cut:?}");
    let done = asking.end().await;
    assert_eq!(done.code, Some(137), "{done:?}");
    within("no container of either", async {
        while containers().await.contains(&marker) {}
    })
    .await;
}

#[tokio::test]
async fn without_the_engine_or_the_image_nothing_runs() {
    let sandbox = "backend = \"podman\", image = \"localhost/no-such-image:0\"";
    let config = format!("[exec]\nhost = \"sandbox\"\nsandbox = {{ {sandbox} }}\n");
    let shop = Workshop::with(&config).await;
    let done = shop.exec(&["--", "touch", "marker"]).await;
    done.was_not_run("a container is wanted, and podman");
    assert!(!shop.at("marker").exists());
}
