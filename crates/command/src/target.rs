//! What a path stands for: the same effect is worse on `/etc` than on `src`.

use tollgate_types::Tier;

use crate::effect::Effect;
use crate::setting::Setting;

/// Kinds of places, told by the text of a path alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `/dev/null`, the standard streams.
    Nothing,
    /// Relative paths that stay below, and what lies in the workspace.
    Workspace,
    Temporary,
    /// Below the home folder.
    HomeFile,
    /// An absolute path elsewhere, or one that climbs out.
    Outside,
    /// Known only when the command runs.
    Computed,
    /// `/etc`, `/usr` and their like.
    System,
    /// A folder whose loss is the loss of a machine: `/etc`, `/usr`, `/home`.
    Vital,
    /// `/`, or a home as a whole.
    Everything,
    Device,
    /// `/dev/tcp/…`: a connection.
    Socket,
    /// Read by a shell, a login or a scheduler: writing it is running it.
    Startup,
    /// Run by git.
    Hook,
    /// Settings of a project that tell editors, agents and builds what to run.
    Runner,
    /// Private keys, tokens, password hashes.
    Credential,
    /// Files that tell what people did or what a process knows.
    Private,
    /// Tollgate's own.
    Guard,
}

/// Rules of findings about places that decide what runs later, or who may
/// what: no open pattern of an allowlist covers them.
pub(crate) fn is_taken_over(rule: &str) -> bool {
    rule.rsplit_once('.').is_some_and(|(_, place)| {
        [
            "startup",
            "hook",
            "runner",
            "guard",
            "credential",
            "system",
            "vital",
            "device",
        ]
        .contains(&place)
    })
}

/// Finds the place of a path.
pub(crate) fn place(path: &str, setting: &Setting) -> Place {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let full = normal(path, setting);
    let lower = full.to_lowercase();
    if let Some(special) = device(&lower) {
        return special;
    }
    if guarded(&full, &lower, setting) {
        return Place::Guard;
    }
    if whole(&full, setting) {
        return Place::Everything;
    }
    if let Some(named) = by_name(&lower) {
        return named;
    }
    area(&full, setting)
}

/// Cleans a path: `~`, `.` and `..`, doubled slashes; a relative one stands
/// below the working folder where that is known.
fn normal(path: &str, setting: &Setting) -> String {
    let home = setting.home.as_deref().unwrap_or("~");
    let joined = match path {
        "~" | "$HOME" | "${HOME}" => home.to_owned(),
        _ => match path
            .strip_prefix("~/")
            .or_else(|| path.strip_prefix("$HOME/"))
        {
            Some(rest) => format!("{home}/{rest}"),
            None => match (&setting.folder, path.starts_with(['/', '~', '$'])) {
                (Some(folder), false) => format!("{folder}/{path}"),
                _ => path.to_owned(),
            },
        },
    };
    let rooted = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let body = parts.join("/");
    match (rooted, body.is_empty()) {
        (true, _) => format!("/{body}"),
        (false, true) => ".".to_owned(),
        (false, false) => body,
    }
}

fn device(lower: &str) -> Option<Place> {
    let name = lower.strip_prefix("/dev/")?;
    Some(match name {
        "null" | "stdout" | "stderr" | "stdin" | "tty" | "zero" | "full" | "random" | "urandom" => {
            Place::Nothing
        }
        _ if name.starts_with("fd/") || name.starts_with("pts/") => Place::Nothing,
        _ if name.starts_with("tcp/") || name.starts_with("udp/") => Place::Socket,
        _ if name.starts_with("shm/") => Place::Temporary,
        _ => Place::Device,
    })
}

fn guarded(full: &str, lower: &str, setting: &Setting) -> bool {
    setting
        .guarded
        .iter()
        .any(|own| full == own || full.starts_with(own) && full[own.len()..].starts_with('/'))
        || [".config/tollgate", ".local/state/tollgate", ".tollgate"]
            .iter()
            .any(|own| has_folder(lower, own))
        || ["exec-approvals.json", "tollgate.toml"].contains(&last(lower))
}

/// `/`, `/*`, a home, `~/*`.
fn whole(full: &str, setting: &Setting) -> bool {
    let stem = full.trim_end_matches(['*', '.', '?']);
    let stem = match stem.len() == full.len() {
        true => full,
        false if stem.ends_with('/') => stem,
        false => return false,
    };
    let stem = match stem.trim_end_matches('/') {
        "" if stem.starts_with('/') => return true,
        other => other,
    };
    if stem == "~" || setting.home.as_deref() == Some(stem) || stem == "/root" {
        return true;
    }
    let of_one = |base: &str| {
        stem.strip_prefix(base)
            .is_some_and(|user| !user.is_empty() && !user.contains('/'))
    };
    of_one("/home/") || of_one("/Users/") || of_one("~") && !stem.contains('/')
}

const STARTUP: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".inputrc",
    ".vimrc",
    ".exrc",
    ".emacs",
    ".gitconfig",
    ".npmrc",
    ".pypirc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    "authorized_keys",
    "authorized_keys2",
    "crontab",
    "config.fish",
    ".bash_functions",
    ".curlrc",
    ".wgetrc",
    ".screenrc",
    ".tmux.conf",
    ".envrc",
    ".pam_environment",
    "sshrc",
    "rc.local",
    "sitecustomize.py",
    "usercustomize.py",
];
const STARTUP_FOLDERS: &[&str] = &[
    ".config/autostart",
    ".config/systemd",
    ".config/fish",
    ".config/environment.d",
    "launchagents",
    "launchdaemons",
    "startupitems",
    "/etc/cron.d",
    "/var/spool/cron",
    "/etc/init.d",
    "/etc/systemd",
    "/etc/profile.d",
    "/usr/lib/systemd",
    "/lib/systemd",
    ".config/nvim",
    ".vim/plugin",
    ".config/git",
    "/etc/rc.d",
    "/etc/pam.d",
    "/etc/sudoers.d",
];
const RUNNERS: &[&str] = &[
    ".mcp.json",
    ".gdbinit",
    ".lldbinit",
    ".yarnrc",
    ".yarnrc.yml",
    ".npmrc",
    ".gitmodules",
    ".pre-commit-config.yaml",
    ".exrc",
    ".nvimrc",
    ".lvimrc",
    ".dir-locals.el",
    "devcontainer.json",
];
const RUNNER_FOLDERS: &[&str] = &[
    ".vscode",
    ".idea",
    ".devcontainer",
    ".cargo",
    ".claude",
    ".cursor",
    ".codex",
    ".gemini",
    ".opencode",
];
const CREDENTIALS: &[&str] = &[
    "shadow",
    "gshadow",
    "sudoers",
    "master.passwd",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "credentials.json",
    "login.keychain-db",
    "login.keychain",
    ".vault-token",
    ".dockercfg",
    ".htpasswd",
    "spwd.db",
    "sam",
    "ntds.dit",
    "krb5.keytab",
    "logins.json",
    "key4.db",
    "login data",
    ".my.cnf",
    "shadow-",
    "opasswd",
];
const CREDENTIAL_FOLDERS: &[&str] = &[
    ".aws",
    ".gnupg",
    ".kube",
    ".config/gcloud",
    ".azure",
    ".docker/config.json",
    ".ssh",
    "keychains",
    ".password-store",
    ".config/gh",
    "/etc/ssl/private",
    "/etc/ssh",
    "/var/db/dslocal",
    "application support/google/chrome",
    ".config/google-chrome",
    ".mozilla",
];

fn by_name(lower: &str) -> Option<Place> {
    let name = last(lower);
    let inside_git = has_folder(lower, ".git") && name != ".git";
    let settles = ["config", "attributes", ".gitattributes", "config.worktree"];
    if has_folder(lower, ".git/hooks")
        || has_folder(lower, ".husky")
        || inside_git && settles.contains(&name)
    {
        return Some(Place::Hook);
    }
    if RUNNERS.contains(&name) || RUNNER_FOLDERS.iter().any(|one| has_folder(lower, one)) {
        return Some(Place::Runner);
    }
    if STARTUP.contains(&name) || STARTUP_FOLDERS.iter().any(|one| has_folder(lower, one)) {
        return Some(Place::Startup);
    }
    let public = name.ends_with(".pub") || name.starts_with("known_hosts");
    if !public
        && (CREDENTIALS.contains(&name) && (lower.contains('/') || name.len() > 6)
            || CREDENTIAL_FOLDERS.iter().any(|one| has_folder(lower, one)))
    {
        return Some(Place::Credential);
    }
    let private = name.ends_with("_history")
        || name == ".env"
        || name.starts_with(".env.") && !name.ends_with("example") && !name.ends_with("sample")
        || lower.starts_with("/proc/")
            && ["environ", "mem", "maps", "cmdline", "kcore"].contains(&name);
    private.then_some(Place::Private)
}

fn area(full: &str, setting: &Setting) -> Place {
    if let Some(root) = setting.root()
        && (full == root || full.starts_with(root) && full[root.len()..].starts_with('/'))
    {
        return Place::Workspace;
    }
    let below = |base: &str| {
        full.strip_prefix(base)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    if [
        "/tmp",
        "/var/tmp",
        "/private/tmp",
        "/var/folders",
        "/run/user",
    ]
    .iter()
    .any(|base| full.trim_end_matches("/*") == *base || below(base))
    {
        return Place::Temporary;
    }
    if VITAL.contains(&full.trim_end_matches("/*")) {
        return Place::Vital;
    }
    if SYSTEM.iter().any(|base| below(base)) {
        return Place::System;
    }
    if full.starts_with('~') || setting.home.as_deref().is_some_and(below) {
        return Place::HomeFile;
    }
    match full.starts_with('/') || full.starts_with("..") {
        true => Place::Outside,
        false => Place::Workspace,
    }
}

const VITAL: &[&str] = &[
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/boot",
    "/var",
    "/home",
    "/Users",
    "/opt",
    "/root",
    "/sys",
    "/proc",
    "/dev",
    "/srv",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/var/lib",
    "/System",
    "/Library",
    "/Applications",
    "/usr/sbin",
    "/usr/share",
    "/private/etc",
];
const SYSTEM: &[&str] = &[
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/boot",
    "/sys",
    "/proc",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/System",
    "/Library",
    "/private/etc",
    "/opt",
    "/var/db",
    "/var/www",
    "/run",
    "/Applications",
    "/var/run",
    "/var/cache",
    "/var/audit",
];

/// What an effect on a path comes to.
pub(crate) fn on(effect: Effect, place: Place) -> (Tier, &'static str) {
    use Place as P;
    let reading = matches!(effect, Effect::Read);
    let destroying = matches!(effect, Effect::Destroy | Effect::Purge | Effect::Wipe);
    match place {
        P::Nothing if !destroying => (Tier::Safe, "no file"),
        P::Credential if reading => (Tier::High, "credentials"),
        // Tokens of operators, and the key that signs grants.
        P::Guard if reading => (Tier::High, "the guard's own files"),
        P::Private if reading => (Tier::Medium, "private traces"),
        P::Device if reading => (Tier::Medium, "a device"),
        P::Socket => (Tier::Medium, "a network connection"),
        _ if reading => (Tier::Safe, "a file"),
        P::Computed => (
            effect.tier().max(Tier::Medium),
            "a path that is known only when it runs",
        ),
        P::Guard => (Tier::Critical, "the guard's own files"),
        P::Device => (Tier::Critical, "a device"),
        P::Everything if matches!(effect, Effect::Write | Effect::Local) => {
            (Tier::Medium, "a whole home")
        }
        P::Everything => (Tier::Critical, "everything below `/` or a home"),
        P::Vital if destroying => (Tier::Critical, "a vital folder"),
        P::Vital | P::System => (Tier::High, "system files"),
        P::Startup => (Tier::High, "a start-up file"),
        P::Runner => (
            effect.tier().max(Tier::Medium),
            "settings that other programs run from",
        ),
        P::Hook => (Tier::High, "git's hooks or configuration"),
        P::Credential => (Tier::High, "credentials"),
        P::Private | P::Outside | P::HomeFile => {
            (effect.tier().max(Tier::Medium), "outside the workspace")
        }
        P::Workspace | P::Temporary | P::Nothing => (effect.tier(), "in the workspace"),
    }
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path)
}

/// Whether `folder` stands in the path as whole parts.
fn has_folder(path: &str, folder: &str) -> bool {
    path.match_indices(folder).any(|(at, _)| {
        let before = at == 0 || path.as_bytes()[at - 1] == b'/';
        let after = path.as_bytes().get(at + folder.len());
        before && matches!(after, None | Some(b'/'))
    })
}
