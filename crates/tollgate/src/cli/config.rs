use serde_json::{Value, json};

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
    let (faults, warnings) = match &found {
        Ok(settings) => (&[][..], &settings.warnings[..]),
        Err(faults) => (&faults.faults[..], &faults.warnings[..]),
    };
    if json {
        screen.json(&objects(faults, warnings))?;
    } else {
        let paint = screen.paint;
        screen.print(&render(faults, warnings, found.as_ref().ok(), paint));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Failure::faults_shown()),
    }
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
