//! A container as the place of a command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tollgate_approvals::Words;
use tollgate_run::{
    CONTAINER_SHELL, Contained, Container, ContainerError, Image, Podman, Role, SealError, Spec,
};

use crate::cli::failure::Failure;

/// How containers are named; chance follows.
const NAME: &str = "tollgate-exec-";
/// What the card says of every container.
const NOT_HELD: &str = "hold of its folder's files";
const NO_USER_NAMESPACE: &str = "user namespace";
const OWN_IMAGES: &str = "images out of this user's reach";
const OTHER_SHELL: &str = "bash (the image's /bin/sh reads the text)";

/// Podman with the image that is configured.
#[derive(Debug)]
pub(super) struct Engine {
    podman: Podman,
    image: Image,
    /// What the image is called.
    called: String,
    /// The container's own name.
    name: String,
}

impl Engine {
    /// # Errors
    /// No podman, or no such image: then nothing runs.
    pub(super) fn find(called: String) -> Result<Self, Failure> {
        let wanted = |error: ContainerError| {
            let hint = match error {
                ContainerError::NoImage(_) => format!("`podman pull {called}` fetches it"),
                _ => "install podman, or set `backend = \"bubblewrap\"`".to_owned(),
            };
            let text = format!("not run: a container is wanted, and {error}");
            Failure::failed(anyhow::anyhow!(text)).not_run().hint(hint)
        };
        let podman = Podman::find().map_err(&wanted)?;
        let image = podman.image(&called).map_err(&wanted)?;
        Ok(Self {
            podman,
            image,
            called,
            name: format!("{NAME}{}", chance()?),
        })
    }

    /// Where it runs, as it stands in what is approved: the image by its
    /// digest, whatever its name comes to mean meanwhile.
    pub(super) fn label(&self) -> String {
        format!("sandbox:podman {}@sha256:{}", self.called, self.image.id)
    }

    pub(super) fn lacks(&self, words: &Words) -> Vec<String> {
        let own = match self.podman.plain {
            true => NO_USER_NAMESPACE,
            false => OWN_IMAGES,
        };
        let mut lacks = vec![NOT_HELD.to_owned(), own.to_owned()];
        if matches!(words, Words::Text(_)) {
            lacks.push(OTHER_SHELL.to_owned());
        }
        lacks
    }

    pub(super) fn look(
        words: &Words,
        folder: &Path,
        watched: &[(PathBuf, Role)],
    ) -> Result<Contained, SealError> {
        let argv: Vec<OsString> = match words {
            Words::Text(text) => [CONTAINER_SHELL, "-c", text].map(OsString::from).to_vec(),
            Words::Plan(plan) => plan.iter().flatten().map(OsString::from).collect(),
        };
        Contained::open(argv, folder, watched)
    }

    pub(super) fn put_up(
        &self,
        contained: Contained,
        around: &Around<'_>,
    ) -> Result<Spec, ContainerError> {
        contained.into_spec(&Container {
            podman: &self.podman,
            image: &self.image,
            name: &self.name,
            writable: around.writable,
            masked: around.masked,
            network: around.network,
            environment: around.environment,
            terminal: around.terminal,
        })
    }

    /// A container whose podman was killed takes nobody away.
    pub(super) fn clear_away(&self) {
        self.podman.remove(&self.name);
    }
}

/// What a container is put into.
pub(super) struct Around<'a> {
    pub(super) writable: &'a [PathBuf],
    pub(super) masked: &'a [PathBuf],
    pub(super) network: bool,
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) terminal: bool,
}

fn chance() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(anyhow::anyhow!("no random bytes: {error}")).not_run())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
