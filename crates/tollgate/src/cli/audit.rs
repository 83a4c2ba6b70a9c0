use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;
use tollgate_api::{PruneReport, PruneRequest};
use tollgate_ledger::{AuditReport, Cursor, Kept, Trust};
use tollgate_secrets::{AuditKey, AuditPublicKey};

use super::failure::Failure;
use super::gateway;
use super::screen::{Screen, plain};
use super::when;
use crate::config::{self, Surroundings};
use crate::paths::Paths;

/// How often `tail --follow` looks for more.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// Longest kept checkpoint that is read, in bytes.
const LONGEST_HEAD: usize = 8 << 10;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check that no record was changed, removed, reordered or cut off
    Verify {
        /// Another ledger than this gateway's, such as a copy
        #[arg(long, value_name = "FILE")]
        ledger: Option<PathBuf>,
        /// Public keys whose signatures count; this gateway's own without
        #[arg(long = "key", value_name = "ed25519:HEX")]
        keys: Vec<String>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the last records
    Tail {
        /// How many
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Go on printing what comes
        #[arg(long)]
        follow: bool,
        /// JSON lines with --follow, an array without
        #[arg(long)]
        json: bool,
    },
    /// Write all records with their links, and all checkpoints, as JSON lines
    Export {
        /// Another ledger than this gateway's
        #[arg(long, value_name = "FILE")]
        ledger: Option<PathBuf>,
    },
    /// Remove old records; a signed statement of them stays, as do sums of usage
    Prune {
        /// Records from before then go: a date (UTC), or a span such as 90d
        #[arg(long, value_name = "WHEN")]
        before: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the public key that checks this gateway's checkpoints
    Key,
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    match command {
        Command::Verify { ledger, keys, json } => {
            let file = file(ledger.as_ref(), paths, surroundings)?;
            let trusted = || trust(keys, ledger.is_some(), paths);
            let mut trust = trusted()?;
            let mut report = block_on(tollgate_ledger::verify(&file, &trust))?.map_err(audit)?;
            if trust.kept == Kept::Missing && !report.whole {
                // A gateway that wrote its very first checkpoint meanwhile has
                // kept it by now.
                trust = trusted()?;
                report = block_on(tollgate_ledger::verify(&file, &trust))?.map_err(audit)?;
            }
            screen.either(*json, &report, |_| render(&report))?;
            match report.whole {
                true => Ok(()),
                false => Err(Failure::failed(anyhow::anyhow!("the record is not whole"))),
            }
        }
        Command::Tail {
            limit,
            follow,
            json,
        } => tail(*limit, *follow, *json, paths, surroundings, screen),
        Command::Export { ledger } => {
            let file = file(ledger.as_ref(), paths, surroundings)?;
            write_out(&file)
        }
        Command::Prune { before, json } => prune(before, *json, paths, surroundings, screen),
        Command::Key => {
            let key = AuditKey::open(&paths.state.join("audit.key")).map_err(Failure::failed)?;
            screen.print(&format!("{}\n", key.public()));
            Ok(())
        }
    }
}

/// Line by line: a ledger may be larger than the memory.
fn write_out(file: &Path) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut gone = false;
    let written = block_on(tollgate_ledger::export(file, Cursor(0), |line| {
        let written = writeln!(out, "{line}");
        // A reader that has had enough (`| head -1`) is no failure.
        gone |= matches!(&written, Err(error) if error.kind() == ErrorKind::BrokenPipe);
        written
    }))?;
    match written {
        Err(_) if gone => Ok(()),
        Err(error) => Err(audit(error)),
        Ok(_) => out.flush().map_err(Failure::failed),
    }
}

pub(super) fn audit(error: tollgate_ledger::AuditError) -> Failure {
    let hint = error.hint();
    let failure = Failure::failed(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn file(
    named: Option<&PathBuf>,
    paths: &Paths,
    surroundings: &dyn Surroundings,
) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named.clone());
    }
    let settings = config::load(paths, surroundings).map_err(Failure::usage)?;
    Ok(settings.ledger.path)
}

/// This gateway's own key and its newest checkpoint, or the keys that were
/// named. A copy may be older than the newest checkpoint here.
fn trust(named: &[String], copy: bool, paths: &Paths) -> Result<Trust, Failure> {
    let mut keys = Vec::new();
    for text in named {
        let key: AuditPublicKey = text.parse().map_err(Failure::usage)?;
        keys.push(*key.as_bytes());
    }
    if keys.is_empty() {
        let own = AuditKey::open(&paths.state.join("audit.key"));
        keys.extend(own.ok().map(|key| *key.public().as_bytes()));
    }
    let kept = || tollgate_secrets::read_private(&paths.state.join("audit.head"), LONGEST_HEAD);
    Ok(Trust {
        keys,
        kept: match copy {
            true => Kept::Elsewhere,
            false => kept().map_or(Kept::Missing, |head| Kept::Is(head.expose().to_owned())),
        },
        check: |key, text, signature| AuditPublicKey::from_bytes(*key).verify(text, signature),
    })
}

fn render(report: &AuditReport) -> String {
    let mut text = format!(
        "{} records ({} requests, {} events), {} signed checkpoints cover {}\n",
        report.records, report.requests, report.events, report.checkpoints, report.covered
    );
    for fault in &report.faults {
        text.push_str(&format!("fault: {}\n", plain(&fault.to_string())));
    }
    if report.more_faults > 0 {
        text.push_str(&format!("and {} more\n", report.more_faults));
    }
    for note in &report.notes {
        text.push_str(&format!("note: {}\n", plain(note)));
    }
    text.push_str(match report.whole {
        true => "whole: nothing was changed, removed, reordered or cut off\n",
        false => "NOT WHOLE\n",
    });
    text
}

fn prune(
    before: &str,
    json: bool,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let before = when::since(before, when::now()).map_err(Failure::usage)?;
    let report: PruneReport = gateway::talk(paths, surroundings, async |client| {
        let request = PruneRequest { before };
        Ok(client.post("/control/audit/prune", &request).await?)
    })?;
    screen.either(json, &report, |_| pruned(&report, before))?;
    match report.damaged {
        None => Ok(()),
        Some(record) => Err(Failure::failed(anyhow::anyhow!(
            "record {record} is not what its link says, so nothing from there on was removed"
        ))
        .hint("`tollgate audit verify` names what was changed")),
    }
}

fn pruned(report: &PruneReport, before: u64) -> String {
    let PruneReport {
        requests, events, ..
    } = report;
    match report.through {
        0 => format!("nothing is older than {}", when::shown(before)),
        through => format!(
            "removed {requests} requests and {events} events, up to record {through}; \
             a signed statement of them stays"
        ),
    }
}

fn tail(
    limit: u32,
    follow: bool,
    json: bool,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    gateway::talk(paths, surroundings, async |client| {
        let path = format!("/control/audit?newest={limit}");
        let mut entries: Vec<Value> = client.get(&path).await?;
        if !follow && json {
            return screen.json(&entries);
        }
        let mut after = 0;
        loop {
            for entry in &entries {
                match json {
                    true => screen.print(&format!("{entry}\n")),
                    false => screen.print(&line(entry)),
                }
                after = entry["cursor"].as_u64().unwrap_or(after);
            }
            if !follow {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
            let path = format!("/control/audit?after={after}");
            entries = client.get(&path).await?;
        }
    })
}

fn line(entry: &Value) -> String {
    let event = &entry["event"];
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let actor = &event["principal"]["actor"];
    let who = actor
        .as_object()
        .and_then(|actor| actor.values().next())
        .unwrap_or(actor);
    let rule = event["rule"].as_str().map(|rule| format!(" by {rule}"));
    let text = format!(
        "{:>8}  {}  {:<18} {:<12} {}{}",
        entry["cursor"].to_string(),
        when::shown(event["at"].as_u64().unwrap_or(0)),
        word(&event["kind"]),
        word(who),
        word(&event["outcome"]),
        rule.unwrap_or_default(),
    );
    format!("{}\n", plain(&text))
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    Ok(runtime.block_on(future))
}
