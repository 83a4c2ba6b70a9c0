//! Configuration: text to checked [`Settings`].
//!
//! One [table of sections and keys](schema) says what `tollgate.toml` may
//! hold. The text goes through three steps, and each one reports everything
//! that it finds before the next begins:
//!
//! 1. [`syntax`]: bytes to a TOML document.
//! 2. [`check`]: the document against the table (unknown keys, types, ranges,
//!    `${VAR}`), giving a [`tree`] in which everything is as it should be.
//! 3. [`build`]: what no single value can say by itself (names that must
//!    exist, keys that must differ or be strong, files to be read).
//!
//! The third step does not run on broken syntax: what is missing may just not
//! have been read. Without a file, [`discover`] makes the settings from the
//! environment. Either way the machine's budgets come from `settings.yml`
//! ([`host`]).
//!
//! No fault ever holds the value of a key that may be secret, what a variable
//! brought in, or a line of the file.

mod agent;
mod approvals;
mod base_url;
mod bind;
mod bottle;
mod budget;
mod build;
mod check;
mod describe;
pub mod discover;
mod exec;
mod expand;
mod fault;
mod host;
mod model;
mod near;
mod policy;
pub mod probe;
mod provider;
mod routing;
mod scan;
pub mod schema;
mod server;
mod settings;
mod surroundings;
mod syntax;
mod telemetry;
mod tree;
mod yaml;
mod zone;

use std::io::ErrorKind;
use std::path::Path;

use build::Build;
use check::Check;
use fault::Findings;
use syntax::Lines;

pub use bind::bind;
pub use fault::{Fault, Faults};
pub use policy::{AgentDomains, PolicySettings};
pub use routing::windows;
pub use scan::{Guarded, RemoteScanner, ScanScript, ScanSettings};
pub use settings::{
    AnswerModel, ApprovalSettings, Bottles, ExecHost, ExecSettings, LedgerSettings,
    MonitoringSettings, ProviderSettings, RateSettings, ServerSettings, Settings, Source,
    TelemetrySettings, Upstream,
};
pub use surroundings::{Machine, Nowhere, Surroundings};
pub use zone::named as zone_named;

use crate::paths::Paths;

/// The settings: from the file where there is one, else from the environment;
/// the machine's budgets from `settings.yml`.
///
/// # Errors
/// Every fault of the files. One that was named and is not there is one.
pub fn load(paths: &Paths, surroundings: &dyn Surroundings) -> Result<Settings, Faults> {
    let found = without_host(paths, surroundings);
    with_host(found, &paths.settings(), surroundings)
}

fn without_host(paths: &Paths, surroundings: &dyn Surroundings) -> Result<Settings, Faults> {
    match surroundings.file(&paths.config, syntax::LARGEST) {
        Ok(bytes) => read(&bytes, paths, surroundings),
        Err(error) if error.kind() == ErrorKind::NotFound && !paths.named => {
            Ok(discover::settings(paths, surroundings))
        }
        Err(error) => {
            let mut findings = Findings::new(&paths.config);
            let message = format!("can't be read: {}", describe::io(&error));
            findings
                .fault(0, message)
                .hint("--config names another file");
            findings
                .settle::<Settings>(None)
                .map(|(settings, _)| settings)
        }
    }
}

/// The same settings with the budgets of the machine, or the faults of both.
fn with_host(
    found: Result<Settings, Faults>,
    file: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Settings, Faults> {
    let mut findings = Findings::new(file);
    let ids = |settings: &Settings| settings.providers.iter().map(|it| it.id.clone()).collect();
    let configured = found.as_ref().ok().map(ids);
    let specs = host::budgets(file, configured, surroundings, &mut findings);
    match (found, findings.settle(Some(specs))) {
        (Ok(mut settings), Ok((specs, warnings))) => {
            settings.budgets.extend(specs);
            settings.warnings.extend(warnings);
            // Where it is not there yet, that it appears is a reload too.
            settings.files.push(file.to_owned());
            Ok(settings)
        }
        (Ok(settings), Err(mut faults)) => {
            faults.warnings.splice(0..0, settings.warnings);
            Err(faults)
        }
        (Err(faults), Ok(_)) => Err(faults),
        (Err(mut faults), Err(more)) => {
            faults.faults.extend(more.faults);
            faults.warnings.extend(more.warnings);
            Err(faults)
        }
    }
}

/// The settings in the text of a file. Never panics, whatever the bytes.
///
/// # Errors
/// Every fault that was found.
pub fn read(
    bytes: &[u8],
    paths: &Paths,
    surroundings: &dyn Surroundings,
) -> Result<Settings, Faults> {
    let mut findings = Findings::new(&paths.config);
    let settings = judge(bytes, paths, surroundings, &mut findings);
    let (mut settings, warnings) = findings.settle(settings)?;
    settings.warnings = warnings;
    Ok(settings)
}

fn judge(
    bytes: &[u8],
    paths: &Paths,
    surroundings: &dyn Surroundings,
    findings: &mut Findings,
) -> Option<Settings> {
    let text = syntax::decode(bytes, findings)?;
    let lines = Lines::of(text);
    let document = syntax::parse(text, &lines, findings);
    let broken = findings.any();
    let mut check = Check {
        findings,
        lines: &lines,
        variable: &|name| surroundings.variable(name),
        broken,
        literal_secret: None,
        guarded: Vec::new(),
    };
    let root = check.table(&schema::ROOT, String::new(), 1, document.get_ref());
    let (literal_secret, guarded) = (check.literal_secret, check.guarded);
    if let Some(line) = literal_secret {
        private(line, &paths.config, surroundings, findings);
    }
    if broken {
        return None;
    }
    let mut build = Build::new(findings, surroundings, &paths.config);
    let mut settings = build.settings(&root, paths)?;
    settings.guarded = Guarded(guarded);
    Some(settings)
}

/// A key that is written out may be read by whoever may read the file.
fn private(line: u32, file: &Path, surroundings: &dyn Surroundings, findings: &mut Findings) {
    if let Err(error) = surroundings.private(file) {
        findings
            .fault(line, format!("a secret is written out here: {error}"))
            .hint("or take it from \"${VAR}\" or a *_file key");
    }
}

#[cfg(test)]
pub(crate) mod tests;
