//! `policy replay`: what other rules would have said to the calls of the past.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use tollgate_desk::{DEFAULT_TTL, Desk};
use tollgate_judge::{Isolation, Judge};
use tollgate_ledger::{History, Past};
use tollgate_types::UnixMillis;

use super::past::{Known, Recorded, Situation, Word};
use super::{counted, read_in};
use crate::cli::failure::Failure;
use crate::cli::listing::{Column, listing};
use crate::cli::screen::{Paint, Screen, plain};
use crate::cli::when;
use crate::config::Settings;
use crate::taint;

/// Kinds of differences that are told apart; what is caused by names that
/// callers make up must not fill the memory.
const MOST_KINDS: usize = 1_000;

/// How often the terminal is told how far it is.
const STEP: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Policy files to try; without any, those of the configuration
    pub(super) files: Vec<PathBuf>,
    /// Only calls since then: a span such as 7d, or a date (UTC)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Another ledger than this gateway's, such as a copy
    #[arg(long, value_name = "FILE")]
    pub(super) ledger: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    policy: String,
    since: Option<u64>,
    judged: u64,
    same: u64,
    differ: u64,
    /// The rules needed facts that the ledger does not keep.
    unknown: u64,
    /// Judged without arguments that the ledger does not keep.
    in_part: u64,
    /// Calls that rules were never asked about.
    skipped: u64,
    differences: Vec<Difference>,
    /// Differences beyond the kinds that are listed.
    more: u64,
}

/// Calls that differ in the same way.
#[derive(Debug, Serialize)]
struct Difference {
    count: u64,
    agent: String,
    tool: String,
    /// Model or domain.
    what: String,
    was: Word,
    was_rule: String,
    would: Word,
    would_rule: String,
    reason: String,
    /// Arguments that these rules were not given, because the ledger does not
    /// keep them.
    without: Vec<String>,
    /// One of them, for `tollgate why`.
    example: String,
    last_at: u64,
}

pub(super) async fn run(
    arguments: &Arguments,
    files: &[PathBuf],
    settings: &Settings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let since = match &arguments.since {
        Some(text) => Some(when::since(text, when::now()).map_err(Failure::usage)?),
        None => None,
    };
    // Straight files are judged on the spot: there may be millions of calls.
    let judge = read_in(files, Isolation::Auto).await;
    let judge = judge.map_err(super::unready)?;
    let ledger = arguments.ledger.as_deref().unwrap_or(&settings.ledger.path);
    let report = replay(&judge, settings, ledger, since, screen).await?;
    screen.either(arguments.json, &report, |paint| render(&report, paint))
}

async fn replay(
    judge: &Judge,
    settings: &Settings,
    ledger: &Path,
    since: Option<u64>,
    screen: &mut Screen,
) -> Result<Report, Failure> {
    // Taint of before counts within.
    let ttl = u64::try_from(DEFAULT_TTL.as_millis()).unwrap_or(u64::MAX);
    let from = since.map(|since| UnixMillis(since.saturating_sub(ttl)));
    let opened = History::open(ledger, from).await;
    let mut history = opened.map_err(super::super::audit::audit)?;
    let situation = Situation::new(settings).map_err(Failure::usage)?;
    let (desk, mut tally) = (Desk::default(), Tally::default());
    let mut told = Instant::now();
    while let Some(chunk) = history.next().await.map_err(super::super::audit::audit)? {
        for past in chunk {
            if let Past::Event(event) = &past {
                taint::apply(&desk, event);
            }
            let Some(recorded) = Recorded::read(&past, &desk) else {
                continue;
            };
            if recorded.at.0 < since.unwrap_or(0) {
                continue;
            }
            match recorded.known {
                Known::Unasked => tally.skipped += 1,
                Known::Call(..) => tally.add(&recorded, &situation, judge).await,
            }
        }
        if told.elapsed() > STEP {
            told = Instant::now();
            let (judged, percent) = (tally.judged, history.percent());
            screen.progress(&format!(
                "{percent} %, {} judged",
                counted(judged as usize, "call")
            ));
        }
    }
    screen.progress("");
    Ok(tally.report(judge, since))
}

#[derive(Default)]
struct Tally {
    judged: u64,
    same: u64,
    unknown: u64,
    in_part: u64,
    skipped: u64,
    more: u64,
    differences: HashMap<[String; 8], Difference>,
}

impl Tally {
    async fn add(&mut self, recorded: &Recorded, situation: &Situation, judge: &Judge) {
        let Known::Call(was, was_rule) = &recorded.known else {
            return;
        };
        self.judged += 1;
        self.in_part += u64::from(!recorded.without.is_empty());
        let (decision, what) = recorded.judged(situation, judge).await;
        let would = Word::from(decision.verdict());
        if recorded.lacks_facts && decision.reason().starts_with(super::past::FAILED) {
            self.unknown += 1;
        } else if would == *was {
            self.same += 1;
        } else {
            let key = [
                recorded.agent.clone(),
                recorded.tool.clone(),
                what.clone(),
                was.as_str().to_owned(),
                was_rule.clone(),
                would.as_str().to_owned(),
                decision.rule().to_string(),
                recorded.without.join(", "),
            ];
            if self.differences.len() >= MOST_KINDS && !self.differences.contains_key(&key) {
                self.more += 1;
                return;
            }
            let difference = self.differences.entry(key).or_insert_with(|| Difference {
                count: 0,
                agent: recorded.agent.clone(),
                tool: recorded.tool.clone(),
                what,
                was: *was,
                was_rule: was_rule.clone(),
                would,
                would_rule: decision.rule().to_string(),
                reason: decision.reason().to_owned(),
                without: recorded.without.clone(),
                example: recorded.id.clone(),
                last_at: 0,
            });
            difference.count += 1;
            difference.last_at = difference.last_at.max(recorded.at.0);
        }
    }

    fn report(self, judge: &Judge, since: Option<u64>) -> Report {
        let mut differences: Vec<_> = self.differences.into_values().collect();
        differences.sort_by(|one, two| {
            let key = |it: &Difference| (it.agent.clone(), it.tool.clone(), it.what.clone());
            two.count
                .cmp(&one.count)
                .then_with(|| key(one).cmp(&key(two)))
        });
        Report {
            policy: judge.version().to_string(),
            since,
            judged: self.judged,
            same: self.same,
            differ: self.judged - self.same - self.unknown,
            unknown: self.unknown,
            in_part: self.in_part,
            skipped: self.skipped,
            differences,
            more: self.more,
        }
    }
}

fn render(report: &Report, paint: Paint) -> String {
    let mut text = format!(
        "policy {}: {} judged again, {} would be decided as before, {} otherwise\n",
        plain(&report.policy),
        counted(report.judged as usize, "call"),
        report.same,
        report.differ
    );
    if report.unknown > 0 {
        text += &format!(
            "{} can't be told: these rules look at arguments that the ledger does not keep\n",
            counted(report.unknown as usize, "call")
        );
    }
    if report.in_part > 0 {
        text += &format!(
            "{} judged without some of their arguments, which the ledger does not keep\n",
            counted(report.in_part as usize, "call")
        );
    }
    if !report.differences.is_empty() {
        text += &format!("\n{}", table(report, paint));
    }
    if report.more > 0 {
        text += &format!("and {} more\n", report.more);
    }
    text
}

fn table(report: &Report, paint: Paint) -> String {
    let rows: Vec<[String; 7]> = report
        .differences
        .iter()
        .map(|it| {
            [
                it.count.to_string(),
                it.agent.clone(),
                it.tool.clone(),
                it.what.clone(),
                format!("{} by {}", it.was.as_str(), it.was_rule),
                format!("{} by {}{}", it.would.as_str(), it.would_rule, without(it)),
                it.example.clone(),
            ]
        })
        .collect();
    let columns = [
        Column::Right("CALLS"),
        Column::Left("AGENT"),
        Column::Left("TOOL"),
        Column::Left("WHAT"),
        Column::Left("WAS"),
        Column::Left("WOULD BE"),
        Column::Left("FOR EXAMPLE"),
    ];
    listing(columns, &rows, "no differences", paint)
}

fn without(it: &Difference) -> String {
    match it.without.as_slice() {
        [] => String::new(),
        names => format!(", without {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_line_up() {
        let difference = |count, what: &str| Difference {
            count,
            agent: "ci-bot".into(),
            tool: "model".into(),
            what: what.into(),
            was: Word::Allow,
            was_rule: "default.star:37".into(),
            would: Word::Deny,
            would_rule: "models.star:2".into(),
            reason: "reserved for release agents".into(),
            without: Vec::new(),
            example: "0198c0de-0000-7000-8000-000000000001".into(),
            last_at: 1_795_132_800_000,
        };
        let report = Report {
            policy: "8c9c6b2b0d0a".into(),
            since: None,
            judged: 120,
            same: 102,
            differ: 14,
            unknown: 4,
            in_part: 5,
            skipped: 3,
            differences: vec![
                difference(12, "opus-large"),
                Difference {
                    tool: "exec".into(),
                    without: vec!["argv".into()],
                    ..difference(2, "opus-\u{1b}[2J")
                },
            ],
            more: 0,
        };
        insta::assert_snapshot!(render(&report, Paint(false)));
        let said = serde_json::to_value(&report).unwrap();
        assert_eq!(said["differences"][0]["was"], "allow");
    }
}
