//! `approvals`: what waits for a person, and the person's answer.

mod watch;

use std::time::Duration;

use tollgate_api::{AnswerRequest, ApprovalReport, Client};
use tollgate_approvals::{ApprovalId, Choice};
use tollgate_types::Tier;

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, listing};
use super::screen::{Paint, Screen, plain};
use crate::config::Surroundings;
use crate::paths::Paths;

/// Columns of a card where the terminal does not say.
const USUAL_WIDTH: usize = 80;
/// Most columns: longer lines are hard to read.
const WIDEST: usize = 120;
/// Fewest digits of an id that stand for the whole.
const SHORTEST: usize = 4;

/// What `approvals` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What waits for an answer
    List {
        /// Those that ended lately as well
        #[arg(long)]
        all: bool,
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Everything about one: its card
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Answer what comes, card by card
    Watch {
        /// One JSON object a line, and no prompt
        #[arg(long)]
        json: bool,
    },
    /// Let it run, this once
    AllowOnce(Answer),
    /// Let it run, and from now on by the rule that its card proposes
    AllowAlways(Answer),
    /// Don't let it run
    Deny(Answer),
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// Its id; the whole of it where the tier is HIGH or CRITICAL
    id: String,
    /// Why, for the record and for whoever asked
    #[arg(long)]
    reason: Option<String>,
    /// The same for all others that ask the very same
    #[arg(long)]
    all_like_it: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    match command {
        Command::List { all, json } => {
            let found = gateway::talk(paths, surroundings, async |client| fetch(&client).await)?;
            let found: Vec<_> = found
                .into_iter()
                .filter(|it| *all || it.status == "pending")
                .collect();
            screen.either(*json, &found, |paint| table(&found, now(), paint))
        }
        Command::Show { id, json } => {
            let found = gateway::talk(paths, surroundings, async |client| {
                let id = resolved(&client, id, Some(Tier::Critical)).await?;
                Ok(client.get(&format!("/control/approvals/{id}")).await?)
            })?;
            let width = width();
            screen.either(*json, &found, |paint| whole(&found, now(), width, paint))
        }
        Command::Watch { json } => watch::run(*json, paths, surroundings, screen),
        Command::AllowOnce(answer) => say(Choice::AllowOnce, answer, paths, surroundings, screen),
        Command::AllowAlways(answer) => {
            say(Choice::AllowAlways, answer, paths, surroundings, screen)
        }
        Command::Deny(answer) => say(Choice::Deny, answer, paths, surroundings, screen),
    }
}

fn say(
    decision: Choice,
    answer: &Answer,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    // A no may be short; a yes to what is HIGH names the whole of it.
    let highest = match decision {
        Choice::Deny => Some(Tier::Critical),
        _ => Some(Tier::Medium),
    };
    let request = AnswerRequest {
        decision,
        reason: answer.reason.clone(),
        all_like_it: answer.all_like_it,
    };
    let done: ApprovalReport = gateway::talk(paths, surroundings, async |client| {
        let id = resolved(&client, &answer.id, highest).await?;
        Ok(client
            .post(&format!("/control/approvals/{id}"), &request)
            .await?)
    })?;
    screen.either(answer.json, &done, |_| answered(&done))
}

async fn fetch(client: &Client) -> Result<Vec<ApprovalReport>, Failure> {
    Ok(client.get("/control/approvals").await?)
}

/// The id that is meant. A beginning will do for what stands at most at
/// `highest`, if it fits one that waits.
async fn resolved(
    client: &Client,
    text: &str,
    highest: Option<Tier>,
) -> Result<ApprovalId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let digits = text.strip_prefix("apr_").unwrap_or(text);
    let wrong = |message: String| {
        Failure::usage(anyhow::anyhow!(message)).hint("`tollgate approvals list` shows what waits")
    };
    if digits.len() < SHORTEST || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong(format!(
            "`{}` is no id, expected `apr_` and 32 hexadecimal digits, or {SHORTEST} of them at least",
            plain(text)
        )));
    }
    let all = fetch(client).await?;
    let fits = |it: &&ApprovalReport| it.id.to_string()[4..].starts_with(digits);
    let mut found = all.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) if highest.is_some_and(|highest| one.tier <= highest) => Ok(one.id),
        (Some(one), None) => Err(Failure::usage(anyhow::anyhow!(
            "{} stands at {}, which needs the whole id as confirmation",
            one.id,
            one.tier
        ))
        .hint("look at its card first: `tollgate approvals show`")),
        (Some(_), Some(_)) => Err(wrong(format!("more than one id begins with `{digits}`"))),
        (None, _) => Err(wrong(format!("no id begins with `{digits}`"))),
    }
}

fn table(found: &[ApprovalReport], now: u64, paint: Paint) -> String {
    let rows: Vec<[String; 6]> = found
        .iter()
        .map(|it| {
            [
                it.id.to_string(),
                it.tier.to_string(),
                it.agent.clone(),
                left(it, now),
                it.status.clone(),
                it.subject.clone(),
            ]
        })
        .collect();
    let columns = [
        Column::Left("ID"),
        Column::Left("TIER"),
        Column::Left("AGENT"),
        Column::Right("LEFT"),
        Column::Left("STATUS"),
        Column::Left("SUBJECT"),
    ];
    listing(columns, &rows, "nothing waits for an answer", paint)
}

/// The time left, in seconds.
fn left(report: &ApprovalReport, now: u64) -> String {
    match report.status.as_str() {
        "pending" => format!(
            "{} s",
            report.expires_at_ms.saturating_sub(now).div_ceil(1000)
        ),
        _ => "-".to_owned(),
    }
}

/// The card, what can be said, and how.
fn whole(report: &ApprovalReport, now: u64, width: usize, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(&head(report, now)));
    for line in card_lines(report, width) {
        text.push_str(&plain(&line));
        text.push('\n');
    }
    if report.status != "pending" {
        return text;
    }
    let id = report.id;
    text.push_str(&format!("\ntollgate approvals allow-once {id}\n"));
    if report.may_always {
        text.push_str(&format!("tollgate approvals allow-always {id}\n"));
    }
    text.push_str(&format!("tollgate approvals deny {id}\n"));
    text
}

fn head(report: &ApprovalReport, now: u64) -> String {
    let id = report.id;
    match (report.status.as_str(), &report.by) {
        ("pending", _) => {
            let next = match report.tier {
                Tier::Critical => "denied",
                Tier::High => "CRITICAL",
                _ => "HIGH",
            };
            let risen = match report.tier == report.judged_tier {
                true => String::new(),
                false => format!(", risen to {}", report.tier),
            };
            format!("{id}{risen}: {} until {next}", left(report, now))
        }
        (status, Some(by)) => format!("{id}: {status} by {}", plain(by)),
        (status, None) => format!("{id}: {status}"),
    }
}

fn card_lines(report: &ApprovalReport, width: usize) -> Vec<String> {
    let mut lines = report
        .card
        .as_ref()
        .map_or_else(Vec::new, |card| card.lines(width));
    if let Some(first) = lines.first_mut()
        && report.tier != report.judged_tier
    {
        *first = format!("{} now; {first}", report.tier);
    }
    if !report.like.is_empty() {
        lines.push(format!(
            "{} more ask the very same; --all-like-it answers them together",
            report.like.len()
        ));
    }
    lines
}

fn answered(report: &ApprovalReport) -> String {
    let by = report.by.as_deref().unwrap_or("nobody");
    let what = match report.status.as_str() {
        "allowed_once" => "may run, once",
        "allowed_always" => "may run, now and by its rule from now on",
        "denied" => "does not run",
        other => other,
    };
    format!("{}: {what} (by {})", plain(&report.subject), plain(by))
}

fn width() -> usize {
    let set = std::env::var("COLUMNS").ok();
    let set = set.and_then(|columns| columns.parse().ok());
    set.unwrap_or(USUAL_WIDTH).min(WIDEST)
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since: Duration = since.unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
