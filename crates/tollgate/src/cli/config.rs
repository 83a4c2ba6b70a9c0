use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};
use tollgate_clearance::LARGEST;

use super::failure::Failure;
use super::screen::{Paint, Screen};
use crate::config::{self, Fault, Settings, Source, Surroundings, schema};
use crate::paths::Paths;

/// What `config` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print everything that is wrong with the file
    Check {
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Print a JSON Schema of the file
    Schema {
        /// A page of documentation instead
        #[arg(long)]
        markdown: bool,
    },
}

pub(super) fn run(
    command: &Command,
    paths: impl FnOnce() -> Result<Paths, Failure>,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    match command {
        Command::Check { json } => check(&paths()?, surroundings, *json, screen),
        Command::Schema { markdown: true } => {
            screen.print(&schema::markdown());
            Ok(())
        }
        Command::Schema { markdown: false } => screen.json(&schema::json_schema()),
    }
}

/// Every fault and warning; exit code 2 where there is a fault.
pub(super) fn check(
    paths: &Paths,
    surroundings: &dyn Surroundings,
    json: bool,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let found = config::load(paths, surroundings);
    let (mut faults, warnings) = match &found {
        Ok(settings) => (Vec::new(), &settings.warnings[..]),
        Err(faults) => (faults.faults.clone(), &faults.warnings[..]),
    };
    // Where the configuration can't be read, its usual place is looked at.
    let rules = found.as_ref().ok().map(|it| it.approvals.file.clone());
    faults.extend(rules_faults(
        &rules.unwrap_or_else(|| paths.approvals()),
        surroundings,
    ));
    let settings = found.as_ref().ok().filter(|_| faults.is_empty());
    if json {
        screen.json(&objects(&faults, warnings))?;
    } else {
        let paint = screen.paint;
        screen.print(&render(&faults, warnings, settings, paint));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Failure::faults_shown()),
    }
}

/// What keeps `exec-approvals.json` from being in force. A gateway makes the
/// file at its start, so that none is no fault.
fn rules_faults(file: &Path, surroundings: &dyn Surroundings) -> Vec<Fault> {
    let fault = |line, message: String, hint: Option<String>| Fault {
        file: file.to_owned(),
        line,
        message,
        hint,
    };
    let text = match surroundings.file(file, LARGEST) {
        Ok(bytes) if bytes.len() > LARGEST => {
            let message = format!("is longer than {LARGEST} bytes, expected less");
            return vec![fault(None, message, None)];
        }
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![fault(None, format!("can't be read: {error}"), None)],
    };
    let mode = surroundings.private(file).err();
    let mode = mode.map(|message| fault(None, message, None));
    let flaws = match std::str::from_utf8(&text) {
        Ok(text) => tollgate_clearance::examine(text),
        Err(_) => return vec![fault(None, "is no UTF-8 text, expected JSON".into(), None)],
    };
    let flaws = flaws.into_iter().map(|flaw| {
        let line = flaw.line.and_then(|line| u32::try_from(line).ok());
        fault(line, flaw.message, flaw.hint.map(str::to_owned))
    });
    mode.into_iter().chain(flaws).collect()
}

fn render(
    faults: &[Fault],
    warnings: &[Fault],
    settings: Option<&Settings>,
    paint: Paint,
) -> String {
    let mut text = String::new();
    for fault in faults {
        text.push_str(&format!("{fault}\n"));
    }
    for warning in warnings {
        text.push_str(&format!("{} {warning}\n", paint.warn("warning:")));
    }
    if let Some(settings) = settings {
        text.push_str(&format!("{}\n", paint.good(&summary(settings))));
    } else {
        let faults = counted(faults.len(), "fault");
        text.push_str(&format!("{}\n", paint.bad(&faults)));
    }
    text
}

fn summary(settings: &Settings) -> String {
    let keys: usize = settings
        .providers
        .iter()
        .map(|provider| provider.keys.len())
        .sum();
    let holds = format!(
        "{} with {}, {}",
        counted(settings.providers.len(), "provider"),
        counted(keys, "key"),
        counted(settings.agents.len(), "agent")
    );
    match &settings.source {
        Source::File(file) => format!("{}: nothing wrong; {holds}", file.display()),
        Source::Environment(file) => {
            format!(
                "{}: no such file; the environment gives {holds}",
                file.display()
            )
        }
    }
}

fn counted(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

fn objects(faults: &[Fault], warnings: &[Fault]) -> Vec<Value> {
    let object = |severity: &str, fault: &Fault| {
        json!({
            "severity": severity,
            "file": fault.file.display().to_string(),
            "line": fault.line,
            "message": fault.message,
            "hint": fault.hint,
        })
    };
    let faults = faults.iter().map(|fault| object("fault", fault));
    faults
        .chain(warnings.iter().map(|warning| object("warning", warning)))
        .collect()
}
