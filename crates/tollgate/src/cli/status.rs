use std::fmt::Write;

use serde::Serialize;
use tollgate_api::{ProfileReport, StatusReport};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, grouped, listing};
use super::screen::{Paint, Screen, plain};
use super::when::{lasting, shown};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `status` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Ask the providers too, and list every credential
    #[arg(long)]
    deep: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// The report, with credentials where they were asked for.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    status: StatusReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    profiles: Option<Vec<ProfileReport>>,
}

pub(super) fn run(
    arguments: &Arguments,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let whole = gateway::talk(paths, surroundings, async |client| {
        let path = if arguments.deep {
            "/control/status?deep=1"
        } else {
            "/control/status"
        };
        let status = client.get(path).await?;
        let profiles = match arguments.deep {
            true => Some(client.get("/control/profiles").await?),
            false => None,
        };
        Ok(Whole { status, profiles })
    })?;
    screen.either(arguments.json, &whole, |paint| render(&whole, paint))
}

fn render(whole: &Whole, paint: Paint) -> String {
    let status = &whole.status;
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
        let label = paint.bad("the file on disk is not in force:");
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
    if let Some(profiles) = &whole.profiles {
        text.push('\n');
        text.push_str(&credentials(profiles, paint));
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
                provider
                    .note
                    .clone()
                    .unwrap_or_else(|| provider.base_url.clone()),
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

fn credentials(profiles: &[ProfileReport], paint: Paint) -> String {
    use Column::{Left, Right, State};
    let moment = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), shown);
    let rows: Vec<[String; 6]> = profiles
        .iter()
        .map(|profile| {
            [
                profile.profile_id.clone(),
                profile.standing.clone(),
                grouped(profile.requests_count),
                grouped(profile.failure_count),
                moment(profile.last_used_at),
                moment(profile.cooldown_until),
            ]
        })
        .collect();
    let columns = [
        Left("CREDENTIAL"),
        State("STANDING"),
        Right("REQUESTS"),
        Right("FAILURES"),
        Left("LAST USED"),
        Left("RESTS UNTIL"),
    ];
    listing(columns, &rows, "no credentials", paint)
}

#[cfg(test)]
mod tests;
