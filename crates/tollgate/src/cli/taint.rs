use clap::builder::PossibleValuesParser;
use tollgate_api::{TaintReport, TaintRequest};
use tollgate_desk::{Subject, TaintKind};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, listing};
use super::screen::{Paint, Screen, plain};
use super::when;
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `taint` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What is known, of whom, and until when
    Show {
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Put a fact down for 24 hours; rules know of it at once
    Set {
        /// An agent outside any run, or run:ID
        subject: Subject,
        /// What has happened
        #[arg(value_parser = kinds())]
        kind: String,
        /// Where it came from [default: operator]
        #[arg(long, value_name = "TEXT")]
        source: Option<String>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forget everything that is known of an agent or a run
    Clear {
        /// An agent outside any run, or run:ID
        subject: Subject,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(TaintKind::ALL.map(TaintKind::as_str))
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    match command {
        Command::Show { json } => {
            let all: Vec<TaintReport> = gateway::talk(paths, surroundings, async |client| {
                Ok(client.get("/control/taint").await?)
            })?;
            screen.either(*json, &all, |paint| render(&all, paint))
        }
        Command::Set {
            subject,
            kind,
            source,
            json,
        } => {
            let request = TaintRequest {
                subject: subject.to_string(),
                kind: kind.clone(),
                source: source.clone(),
            };
            let report: TaintReport = gateway::talk(paths, surroundings, async |client| {
                Ok(client.post("/control/taint", &request).await?)
            })?;
            screen.either(*json, &report, |_| told(&report))
        }
        Command::Clear { subject, json } => {
            let path = format!("/control/taint/{subject}");
            let report: TaintReport = gateway::talk(paths, surroundings, async |client| {
                Ok(client.delete(&path).await?)
            })?;
            screen.either(*json, &report, |_| forgotten(&report))
        }
    }
}

/// A line for every fact.
fn render(all: &[TaintReport], paint: Paint) -> String {
    let rows: Vec<[String; 5]> = all
        .iter()
        .flat_map(|report| {
            report.facts.iter().map(|fact| {
                [
                    report.subject.clone(),
                    fact.kind.clone(),
                    fact.source.clone(),
                    when::shown(fact.seen_at),
                    when::shown(fact.expires_at),
                ]
            })
        })
        .collect();
    let columns = ["SUBJECT", "TAINT", "FROM", "SINCE", "UNTIL"].map(Column::Left);
    listing(columns, &rows, "nothing is tainted", paint)
}

fn told(report: &TaintReport) -> String {
    let subject = plain(&report.subject);
    format!(
        "{subject} is tainted: {}\n`tollgate taint clear {subject}` forgets it\n",
        named(report)
    )
}

fn forgotten(report: &TaintReport) -> String {
    format!(
        "{} is clean; forgotten: {}\n",
        plain(&report.subject),
        named(report)
    )
}

fn named(report: &TaintReport) -> String {
    let kinds: Vec<_> = report.facts.iter().map(|fact| plain(&fact.kind)).collect();
    kinds.join(", ")
}

#[cfg(test)]
mod tests {
    use tollgate_api::TaintFactReport;

    use super::*;

    #[test]
    fn what_is_known_is_listed_and_no_source_commands_the_terminal() {
        let fact = |kind: &str, source: &str| TaintFactReport {
            kind: kind.into(),
            source: source.into(),
            seen_at: 1_795_132_800_000,
            expires_at: 1_795_219_200_000,
        };
        let report = TaintReport {
            subject: "agent:ci-bot".into(),
            facts: vec![
                fact("untrusted_content", "web\u{1b}[2J"),
                fact("secret_seen", "operator"),
            ],
        };
        insta::assert_snapshot!(render(std::slice::from_ref(&report), Paint(false)), @r"
        SUBJECT       TAINT              FROM      SINCE                    UNTIL
        agent:ci-bot  untrusted_content  web�[2J   2026-11-20 00:00:00 UTC  2026-11-21 00:00:00 UTC
        agent:ci-bot  secret_seen        operator  2026-11-20 00:00:00 UTC  2026-11-21 00:00:00 UTC
        ");
        insta::assert_snapshot!(render(&[], Paint(false)), @"nothing is tainted");
        insta::assert_snapshot!(told(&report), @r"
        agent:ci-bot is tainted: untrusted_content, secret_seen
        `tollgate taint clear agent:ci-bot` forgets it
        ");
        insta::assert_snapshot!(forgotten(&report), @"agent:ci-bot is clean; forgotten: untrusted_content, secret_seen");
    }
}
