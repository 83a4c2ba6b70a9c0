//! The processes that are measured: started pinned, killed when dropped.

use crate::rounds::{GATEWAY_CPU, LOAD_CPU};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(5);

pub(crate) const AGENT_KEY: &str = "tg-be9c0000-q7Vt2mXw9LbR4sZkN1pYc8uHdJ3eGf6aTiOo5xKvWlM";

/// A process that answers at an address.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    /// From its being started to its first answer.
    pub(crate) start_up: Duration,
    child: Child,
    // goes when the process has gone
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Target {
    /// Politely first: an nginx that is killed leaves its worker behind.
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        // it may have ended by itself, which is as good
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < STOP_LIMIT {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Target {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The upstream: what everything is compared with.
    pub(crate) fn direct() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        Self::announced("direct", pinned(LOAD_CPU, &program).arg("serve"), None)
    }

    pub(crate) fn nginx(upstream: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let address = format!("127.0.0.1:{}", free_port());
        let config = folder.path().join("nginx.conf");
        write_private(&config, &nginx_config(folder.path(), &address, upstream))?;
        let mut command = pinned(GATEWAY_CPU, Path::new("nginx"));
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("nginx: {error}"))?;
        while TcpStream::connect(&address).is_err() {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("nginx ended: {status}"));
            }
            if begun.elapsed() > START_LIMIT {
                child.kill().ok();
                return Err("nginx did not start".to_owned());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(Self {
            name: "nginx",
            address,
            start_up: begun.elapsed(),
            child,
            _folder: Some(folder),
        })
    }

    pub(crate) fn tollgate(program: &Path, upstream: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        write_private(
            &folder.path().join("tollgate.toml"),
            &tollgate_config(upstream),
        )?;
        let mut command = pinned(GATEWAY_CPU, program);
        command
            .arg("serve")
            .env_clear()
            .env("TOLLGATE_HOME", folder.path())
            .env("HOME", folder.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Self::announced("tollgate", &mut command, Some(folder))
    }

    /// Started when it has printed where it listens and accepts connections.
    fn announced(
        name: &'static str,
        command: &mut Command,
        folder: Option<tempfile::TempDir>,
    ) -> Result<Self, String> {
        let begun = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let (sender, lines) = mpsc::channel();
        read_lines(child.stdout.take().unwrap(), sender.clone());
        read_lines(child.stderr.take().unwrap(), sender);
        let mut said = String::new();
        while begun.elapsed() < START_LIMIT {
            let Ok(line) = lines.recv_timeout(START_LIMIT) else {
                break;
            };
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let address = rest
                    .split([' ', '/', ','])
                    .next()
                    .unwrap_or(rest)
                    .to_owned();
                TcpStream::connect(&address)
                    .map_err(|error| format!("{name} at {address}: {error}"))?;
                return Ok(Self {
                    name,
                    address,
                    start_up: begun.elapsed(),
                    child,
                    _folder: folder,
                });
            }
            said = format!("{said}{line}\n");
        }
        child.kill().ok();
        child.wait().ok();
        Err(format!("{name} did not start; it said:\n{said}"))
    }
}

/// Fails with a list of what this machine lacks.
pub(crate) fn check_tools(tollgate: Option<&PathBuf>) -> Result<(), String> {
    let mut missing = Vec::new();
    for (tool, package) in [("taskset", "util-linux"), ("nginx", "nginx-light")] {
        let search = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&search).any(|folder| folder.join(tool).is_file()) {
            missing.push(format!("`{tool}` (Debian package {package})"));
        }
    }
    if let Some(program) = tollgate.filter(|program| !program.is_file()) {
        missing.push(format!("`{}` (cargo build --release)", program.display()));
    }
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        missing.push("a second processor: the gateway has one to itself".to_owned());
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("missing here: {}", missing.join("; ")))
    }
}

pub(crate) fn pinned(cpu: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command
        .args(["-c", &cpu.to_string()])
        .arg(program)
        .stdin(Stdio::null());
    command
}

fn read_lines(pipe: impl std::io::Read + Send + 'static, lines: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        // read on even when nobody listens any more, so that the pipe never fills
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.send(line).ok();
        }
    });
}

fn nginx_config(folder: &Path, address: &str, upstream: &str) -> String {
    let folder = folder.display();
    // as root the worker would become `nobody` and could not reach the folder
    let user = if nix::unistd::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        "{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 10000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream up {{ server {upstream}; keepalive 256; keepalive_requests 10000000; }}
  server {{
    listen {address};
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
  }}
}}
"
    )
}

fn tollgate_config(upstream: &str) -> String {
    format!(
        "[server]
bind = \"127.0.0.1:0\"
[providers.upstream]
wire = \"openai\"
base_url = \"http://{upstream}/v1\"
api_key = \"sk-bench-0123456789abcdef0123456789abcdef\"
models = [\"*\"]
[agents.bench]
keys = [\"{AGENT_KEY}\"]
"
    )
}

fn write_private(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| error.to_string())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
