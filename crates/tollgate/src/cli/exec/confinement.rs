//! What stands around a command.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tollgate_run::{Backstop, Bubblewrap, Confinement, Keeper, Sandbox, Sealed, Spec};

use super::ENTER;
use super::command::Command;
use super::engine::{Around, Engine};
use super::held::Held;
use crate::cli::failure::Failure;
use crate::config::{ExecHost, ExecSettings, Surroundings};
use crate::paths::Paths;

/// In a home folder: keys of services, which no build needs.
const KEYS: [&str; 8] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".config/gcloud",
];
/// What the card says where Tollgate's own files can be read by the command.
const UNMASKED: &str = "mask of Tollgate's own files";

/// What this machine can put up, and what is wanted.
#[derive(Debug)]
pub(super) struct Walls {
    bubblewrap: Option<Bubblewrap>,
    /// The folder of this gateway's state, and its configuration.
    own: Vec<PathBuf>,
    sandbox: Option<Wish>,
    /// What makes the sandbox, where that is not bubblewrap.
    engine: Option<Engine>,
}

/// A sandbox as the configuration has it.
#[derive(Debug)]
struct Wish {
    network: bool,
    writable: Vec<PathBuf>,
    masked: Vec<PathBuf>,
}

/// Where a command runs, as it stands in what is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) label: String,
    pub(super) lacks: Vec<String>,
    /// Behind a mount namespace.
    walled: bool,
}

impl Place {
    /// As a claim in the question.
    pub(super) fn host(&self) -> Option<&str> {
        self.label.split(':').next()
    }
}

impl Walls {
    /// # Errors
    /// A sandbox is wanted and can't be had: then nothing runs.
    pub(super) fn find(
        sandbox: bool,
        settings: ExecSettings,
        paths: &Paths,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, Failure> {
        let bubblewrap = Bubblewrap::find();
        let wanted = sandbox || settings.host == ExecHost::Sandbox;
        let image = settings.image.filter(|_| wanted);
        let engine = image.map(Engine::find).transpose()?;
        if wanted && engine.is_none() && bubblewrap.is_none() {
            let message = "not run: a sandbox is wanted, and bubblewrap does not work here";
            let failure = Failure::failed(anyhow::anyhow!(message)).not_run();
            return Err(failure.hint(
                "install bubblewrap (`bwrap`), and let users make user namespaces \
                 (`sysctl user.max_user_namespaces`)",
            ));
        }
        let home = surroundings.variable("HOME").map(PathBuf::from);
        let keys = home
            .iter()
            .flat_map(|home| KEYS.iter().map(|key| home.join(key)));
        Ok(Self {
            bubblewrap,
            own: own(paths),
            sandbox: wanted.then(|| Wish {
                network: settings.network,
                writable: writable(settings.writable, home.as_deref()),
                masked: keys.collect(),
            }),
            engine,
        })
    }

    /// A container has an image's programs, paths and variables.
    pub(super) const fn is_container(&self) -> bool {
        self.engine.is_some()
    }

    /// Where this command would run.
    pub(super) fn place(&self, command: &Command, held: &Held) -> Place {
        let sealed = match (&self.engine, held) {
            (_, Held::Here(sealed)) => sealed,
            (engine, Held::Inside(_)) => {
                return Place {
                    label: engine.as_ref().map(Engine::label).unwrap_or_default(),
                    lacks: engine
                        .as_ref()
                        .map(|engine| engine.lacks(&command.words))
                        .unwrap_or_default(),
                    walled: true,
                };
            }
        };
        if self.sandbox.is_some() {
            let lacks = Backstop::of_this_kernel().lacks();
            return Place {
                label: "sandbox:bubblewrap".to_owned(),
                lacks: lacks.into_iter().map(str::to_owned).collect(),
                walled: true,
            };
        }
        let walled = self.is_walled(sealed, command.only_reads());
        Place {
            label: "gateway".to_owned(),
            lacks: match walled {
                true => Vec::new(),
                false => vec![UNMASKED.to_owned()],
            },
            walled,
        }
    }

    /// Without root a mount namespace means a user namespace: owners look
    /// strange from inside, and `sudo` does not work. Two kinds are worth that:
    /// a script, which has to run from its copy and at its path; and what only
    /// reads, since nobody is asked about that, and `grep -r . ~` would find
    /// the operator's token.
    fn is_walled(&self, sealed: &Sealed, reads: bool) -> bool {
        let can = |bubblewrap: &Bubblewrap| bubblewrap.plain || sealed.has_copies() || reads;
        self.bubblewrap.as_ref().is_some_and(can) && !sealed.elevates()
    }

    /// The command as it is started, with its environment.
    pub(super) fn put_up(
        &self,
        held: Held,
        place: &Place,
        environment: Vec<(OsString, OsString)>,
        terminal: bool,
    ) -> io::Result<Spec> {
        let masked = self.masked();
        match (held, &self.engine, &self.sandbox) {
            (Held::Here(sealed), ..) => {
                let mut spec = self.around(sealed, place, &masked)?;
                spec.environment = environment;
                Ok(spec)
            }
            (Held::Inside(contained), Some(engine), Some(wish)) => {
                let around = Around {
                    writable: &wish.writable,
                    masked: &masked,
                    network: wish.network,
                    environment: &environment,
                    terminal,
                };
                engine.put_up(contained, &around).map_err(io::Error::other)
            }
            (Held::Inside(_), ..) => Err(io::Error::other("no engine for a container")),
        }
    }

    /// Where a container was killed together with what would have taken it
    /// away.
    pub(super) fn clear_away(&self) {
        self.engine.iter().for_each(Engine::clear_away);
    }

    fn masked(&self) -> Vec<PathBuf> {
        let mut masked = self.own.clone();
        masked.extend(self.sandbox.iter().flat_map(|wish| wish.masked.clone()));
        masked
    }

    fn around(&self, sealed: Sealed, place: &Place, masked: &[PathBuf]) -> io::Result<Spec> {
        let Some(bubblewrap) = &self.bubblewrap else {
            return Ok(sealed.into_spec());
        };
        if !place.walled && !self.is_walled(&sealed, false) {
            return Ok(sealed.into_spec());
        }
        sealed.into_confined(&Confinement {
            bubblewrap,
            enter: &Keeper::this_program(&[ENTER]),
            masked,
            sandbox: self.sandbox.as_ref().map(|wish| Sandbox {
                writable: &wish.writable,
                network: wish.network,
                backstop: Backstop::of_this_kernel(),
            }),
        })
    }
}

/// Its folder, and its configuration where that stands elsewhere.
fn own(paths: &Paths) -> Vec<PathBuf> {
    let mut own = vec![paths.state.clone()];
    if !paths.config.starts_with(&paths.state) {
        own.push(paths.config.clone());
    }
    own
}

/// Those that are there; bubblewrap can mount no others.
fn writable(folders: Vec<PathBuf>, home: Option<&Path>) -> Vec<PathBuf> {
    let found = folders.into_iter().filter_map(|folder| {
        let whole = match folder.strip_prefix("~") {
            Ok(below) => home?.join(below),
            Err(_) => folder,
        };
        whole.is_dir().then_some(whole)
    });
    found.collect()
}
