mod deep;

use std::fmt::Write;

use tollgate_api::{ProviderStatus, StatusReport};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, grouped, listing};
use super::screen::{Paint, Screen, plain};
use super::when::{lasting, now};
use crate::config::Surroundings;
use crate::paths::Paths;
use crate::serve::policy;

/// What `status` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Every credential too: its counts, its rest, its last error
    #[arg(long)]
    deep: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let path = match arguments.deep {
        true => "/control/status?deep=1",
        false => "/control/status",
    };
    let status: StatusReport = gateway::talk(paths, surroundings, async |client| {
        Ok(client.get(path).await?)
    })?;
    screen.either(arguments.json, &status, |paint| {
        render(&status, now(), paint)
    })
}

fn render(status: &StatusReport, now: u64, paint: Paint) -> String {
    let mut text = format!(
        "tollgate {} is {}, process {}, up {}\n\n",
        plain(&status.version),
        paint.state(&plain(&status.state)),
        status.pid,
        lasting(status.uptime_seconds)
    );
    for (label, value) in facts(status) {
        // Writing to a string can't fail.
        let _written = writeln!(text, "  {label:<11}{}", plain(&value));
    }
    if let Some(fault) = &status.config_fault {
        let label = paint.bad("the files on disk are not in force:");
        let _written = write!(
            text,
            "\n{label}\n{}\n",
            fault
                .lines()
                .map(|line| format!("  {}\n", plain(line)))
                .collect::<String>()
                .trim_end()
        );
    }
    text.push('\n');
    text.push_str(&providers(status, paint));
    if let Some(profiles) = &status.profiles {
        text.push('\n');
        text.push_str(&deep::credentials(profiles, now, paint));
    }
    text
}

fn facts(status: &StatusReport) -> Vec<(&'static str, String)> {
    let config = status
        .config_file
        .as_deref()
        .unwrap_or("none, from the environment");
    let ledger = &status.ledger;
    let mut facts = vec![
        ("listening", format!("http://{}", status.bind)),
        (
            "config",
            format!("{config}, version {}", status.config_version),
        ),
        ("policy", policy::told(&status.policy)),
        (
            "anonymous",
            match &status.anonymous {
                Some(agent) => format!("agent {agent}"),
                None => "refused".to_owned(),
            },
        ),
        ("agents", status.agents.to_string()),
        ("in flight", status.in_flight.to_string()),
        ("ledger", ledger.path.clone()),
        (
            "",
            format!(
                "{} written, {} queued, {} lost",
                grouped(ledger.written),
                ledger.queued,
                ledger.lost
            ),
        ),
    ];
    if let Some(error) = &ledger.last_error {
        facts.push(("", format!("last error: {error}")));
    }
    facts
}

fn providers(status: &StatusReport, paint: Paint) -> String {
    use Column::{Left, Right, State};
    let rows: Vec<[String; 7]> = status
        .providers
        .iter()
        .map(|provider| {
            [
                provider.id.clone(),
                provider.wire.clone(),
                provider.state.clone(),
                format!("{}/{}", provider.credentials_ready, provider.credentials),
                provider.in_flight.to_string(),
                provider.source.clone(),
                place(provider),
            ]
        })
        .collect();
    let columns = [
        Left("PROVIDER"),
        Left("WIRE"),
        State("STATE"),
        Right("KEYS"),
        Right("IN FLIGHT"),
        Left("FROM"),
        Left("WHERE"),
    ];
    listing(columns, &rows, "no providers", paint)
}

/// Where it is, and what there is to know about it.
fn place(provider: &ProviderStatus) -> String {
    let breaker = provider.breaker.as_ref();
    let breaker = breaker.filter(|state| *state != "closed");
    let mut place = provider.base_url.clone();
    let breaker = breaker.map(|state| format!("breaker {state}"));
    for more in [breaker, provider.note.clone()].into_iter().flatten() {
        place.push_str(", ");
        place.push_str(&more);
    }
    place
}

#[cfg(test)]
mod tests;
