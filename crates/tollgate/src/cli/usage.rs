use serde_json::{Value, json};
use tollgate_api::{UsageLine, UsageReport};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, grouped, listing};
use super::screen::{Paint, Screen};
use super::when;
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `usage` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = By::Agent)]
    by: By,
    /// From when: a span such as 30m, 24h, 7d, 2w, or a date (UTC) [default: everything]
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// An array of JSON objects
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    Agent,
    Provider,
    Model,
    Bottle,
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Bottle => "bottle",
        }
    }
}

pub(super) fn run(
    arguments: &Arguments,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let since = match &arguments.since {
        Some(text) => Some(when::since(text, when::now()).map_err(Failure::usage)?),
        None => None,
    };
    let since = since
        .map(|millis| format!("&since={millis}"))
        .unwrap_or_default();
    let path = format!("/control/usage?by={}{since}", arguments.by.word());
    let report: UsageReport = gateway::talk(paths, surroundings, async |client| {
        Ok(client.get(&path).await?)
    })?;
    let objects = objects(&report, arguments.by)?;
    screen.either(arguments.json, &objects, |paint| {
        render(&report, arguments.by, paint)
    })
}

/// The rows with their key under the name of what it is, too.
fn objects(report: &UsageReport, by: By) -> Result<Vec<Value>, Failure> {
    let mut objects = Vec::new();
    for line in &report.rows {
        let mut object = serde_json::to_value(line).map_err(Failure::failed)?;
        if let Value::Object(fields) = &mut object {
            fields.insert(by.word().to_owned(), json!(line.key));
        }
        objects.push(object);
    }
    Ok(objects)
}

fn render(report: &UsageReport, by: By, paint: Paint) -> String {
    use Column::{Left, Right};
    let head = match by {
        By::Agent => "AGENT",
        By::Provider => "PROVIDER",
        By::Model => "MODEL",
        By::Bottle => "BOTTLE",
    };
    let rows: Vec<[String; 9]> = report.rows.iter().map(row).collect();
    let columns = [
        Left(head),
        Right("REQUESTS"),
        Right("FAILED"),
        Right("REFUSED"),
        Right("INPUT"),
        Right("CACHE READ"),
        Right("CACHE WRITE"),
        Right("OUTPUT"),
        Right("TOTAL"),
    ];
    let mut text = listing(columns, &rows, "no requests", paint);
    let estimated: u64 = report.rows.iter().map(|line| line.estimated_requests).sum();
    if estimated > 0 {
        let note =
            format!("~ holds estimates; requests that came back without figures: {estimated}");
        text.push_str(&paint.faint(&note));
        text.push('\n');
    }
    text
}

fn row(line: &UsageLine) -> [String; 9] {
    let mark = if line.estimated_requests > 0 { "~" } else { "" };
    [
        line.key.clone(),
        grouped(line.requests),
        grouped(line.failed),
        grouped(line.refused),
        grouped(line.input),
        grouped(line.cache_read),
        grouped(line.cache_write),
        grouped(line.output),
        format!("{mark}{}", grouped(line.total)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> UsageReport {
        let line = |key: &str, requests, estimated_requests| UsageLine {
            key: key.into(),
            requests,
            input: 1_200,
            output: 300,
            total: 1_500,
            estimated_requests,
            ..UsageLine::default()
        };
        UsageReport {
            by: "agent".into(),
            since: None,
            rows: vec![line("main", 1234, 0), line("ci-bot", 3, 1)],
        }
    }

    #[test]
    fn usage_lines_up_and_marks_estimates() {
        insta::assert_snapshot!(render(&report(), By::Agent, Paint(false)));
        insta::assert_snapshot!(render(&UsageReport::default(), By::Agent, Paint(false)), @"no requests");
    }

    #[test]
    fn json_rows_name_what_they_are_keyed_by() {
        let objects = objects(&report(), By::Agent).unwrap();
        assert_eq!(objects[0]["agent"], "main");
        assert_eq!(objects[0]["key"], "main");
        assert_eq!(objects[0]["total"], 1500);
    }
}
