use std::path::PathBuf;

use tokio::time::timeout;
use tollgate_policy::{Engine, PolicyFault};

use crate::child::{Broken, Child, Libraries};
use crate::judge::{Judge, Kind};
use crate::line::Proven;
use crate::pool::{LONGEST_LOAD, Pool, Recipe};

/// Gives the text of a file that another one loads, by the name that it wrote.
pub type Library<'l> = &'l mut (dyn FnMut(&str) -> Result<String, String> + Send);

/// How to start a child: this very program, with its hidden subcommand.
#[derive(Clone, Debug)]
pub struct Place {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// `[policy] isolation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Straight files on the spot, others in a process of their own.
    #[default]
    Auto,
    /// All of them in a process of their own.
    Process,
}

/// Stack of the thread that loads proven files: more than the child had, so
/// that what it could load is loaded here as well.
const STACK: usize = 64 << 20;

/// Loads files and proves them: in a child first, because loading runs them.
///
/// # Errors
/// Everything that is wrong with the files, or with the child.
pub async fn load(
    place: &Place,
    isolation: Isolation,
    files: Vec<(String, String)>,
    library: Library<'_>,
) -> Result<Judge, Vec<PolicyFault>> {
    let (child, proven, libraries) = started(place, &files, library).await?;
    let kind = if proven.straight && isolation == Isolation::Auto {
        Kind::Here(here(files, libraries.clone()).await?)
    } else {
        let recipe = Recipe {
            place: place.clone(),
            files,
            libraries: libraries.clone(),
        };
        Kind::Children(Pool::new(child, recipe))
    };
    let libraries = libraries.into_iter().map(|(name, _)| name).collect();
    Ok(Judge::new(kind, &proven, libraries))
}

/// The same without keeping anything: for checks.
///
/// # Errors
/// As [`load`].
pub async fn prove(
    place: &Place,
    files: Vec<(String, String)>,
    library: Library<'_>,
) -> Result<Vec<(String, usize, usize)>, Vec<PolicyFault>> {
    let (_, proven, _) = started(place, &files, library).await?;
    Ok(proven.files)
}

async fn started(
    place: &Place,
    files: &[(String, String)],
    library: Library<'_>,
) -> Result<(Child, Proven, Libraries), Vec<PolicyFault>> {
    let mut libraries: Libraries = Vec::new();
    let mut kept = |name: &str| {
        let text = library(name);
        libraries.push((name.to_owned(), text.clone()));
        text
    };
    let started = timeout(LONGEST_LOAD, Child::start(place, files, &mut kept)).await;
    match started {
        Ok(Ok((child, proven))) => Ok((child, proven, libraries)),
        Ok(Err(Broken::Faults(faults))) => Err(faults),
        Ok(Err(Broken::Process(why))) => Err(vec![of_all(
            files,
            &format!("the process that loads it failed: {why}"),
            "its top level may nest a value too deep or take more than 1 GiB",
        )]),
        Err(_) => Err(vec![of_all(
            files,
            &format!("loading took more than {} s", LONGEST_LOAD.as_secs()),
            "its top level may build too much",
        )]),
    }
}

fn of_all(files: &[(String, String)], message: &str, hint: &str) -> PolicyFault {
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    PolicyFault::of_file(&names.join(", "), message).hint(hint)
}

/// Loads what a child has proven into this process.
async fn here(
    files: Vec<(String, String)>,
    libraries: Libraries,
) -> Result<Engine, Vec<PolicyFault>> {
    let (done, loaded) = tokio::sync::oneshot::channel();
    let load = move || {
        let engine = Engine::load(&files, &mut |name| {
            let known = libraries.iter().find(|(known, _)| known == name);
            known.map_or_else(|| Err("no such file".to_owned()), |(_, text)| text.clone())
        });
        done.send(engine).ok();
    };
    let fault = |why: &str| vec![PolicyFault::of_file("policy", why)];
    let thread = std::thread::Builder::new()
        .name("policy-load".to_owned())
        .stack_size(STACK);
    thread
        .spawn(load)
        .map_err(|error| fault(&error.to_string()))?;
    loaded
        .await
        .map_err(|_| fault("the thread that loads ended"))?
}
