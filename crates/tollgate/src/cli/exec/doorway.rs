//! Where a requester asks: the socket, its token, and the key of grants.

use std::path::{Path, PathBuf};

use tollgate_approvals::{GrantPublicKey, RulesFile};
use tollgate_types::Secret;

use crate::cli::failure::Failure;
use crate::config::Surroundings;

/// Largest rules file and key that are read.
const LARGEST: usize = 64 << 20;
/// Beside the sockets.
const KEY: &str = "grant.pub";

/// How the gateway is asked.
#[derive(Debug)]
pub(super) struct Doorway {
    pub(super) socket: PathBuf,
    pub(super) token: Secret,
    /// What checks a grant. From here and not from the answer: whoever could
    /// forge an answer would send a key along.
    pub(super) key: GrantPublicKey,
}

impl Doorway {
    /// By `exec-approvals.json`, which the gateway writes a fresh token into
    /// at each start.
    pub(super) fn find(file: &Path, surroundings: &dyn Surroundings) -> Result<Self, Failure> {
        if !file.exists() {
            return Err(never_ran(file));
        }
        let text = surroundings
            .secret_file(file)
            .map_err(|error| Failure::failed(anyhow::anyhow!(error)).not_run())?;
        let rules = RulesFile::read(text.expose()).map_err(|fault| {
            let shown = file.display();
            Failure::failed(anyhow::anyhow!("`{shown}`: {fault}")).not_run()
        })?;
        let entry = rules.socket.ok_or_else(|| never_ran(file))?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        let socket = folder.join(&entry.path);
        let key = socket.with_file_name(KEY);
        Ok(Self {
            key: read_key(&key, surroundings)?,
            socket,
            token: Secret::new(entry.token),
        })
    }
}

fn read_key(path: &Path, surroundings: &dyn Surroundings) -> Result<GrantPublicKey, Failure> {
    let bytes = surroundings.file(path, LARGEST).map_err(|error| {
        let shown = path.display();
        Failure::not_reachable(anyhow::anyhow!("`{shown}`: {error}"))
            .hint("start the gateway: `tollgate serve`")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|expected| {
        let shown = path.display();
        Failure::failed(anyhow::anyhow!(
            "`{shown}` holds no key of grants, expected {expected}"
        ))
        .not_run()
    })
}

fn never_ran(file: &Path) -> Failure {
    Failure::not_reachable(anyhow::anyhow!(
        "no gateway has run here: `{}` names no socket",
        file.display()
    ))
    .hint("start it with `tollgate serve`, or name its configuration with --config")
}
