use tollgate_api::{BudgetChange, BudgetReport};
use tollgate_budget::MOST_TOKENS;
use tollgate_types::{AgentName, Money};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, grouped, listing};
use super::screen::{Paint, Screen};
use super::when;
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `budget` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What every budget has, has used and has left
    Show {
        /// Only those of this agent, bottle:NAME or host
        whose: Option<Whose>,
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Make or change a budget; holds from the next request on
    Set(Set),
}

/// What `budget set` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// An agent, bottle:NAME, or host
    whose: Whose,
    /// The limit of tokens; 0 blocks
    #[arg(required_unless_present_any = ["usd", "remove"], allow_negative_numbers = true, value_parser = tokens)]
    tokens: Option<u64>,
    /// The limit of money, such as 12.50
    #[arg(long, value_name = "DOLLARS")]
    usd: Option<Money>,
    /// Count only this provider
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// How long it lasts
    #[arg(long, value_parser = ["total", "run", "day", "month"], value_name = "TIME")]
    per: Option<String>,
    /// Where days and months begin, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Whether it holds even where a more specific budget governs
    #[arg(long, value_name = "BOOL")]
    ceiling: Option<bool>,
    /// What happens when it is used up
    #[arg(long, value_parser = ["cutoff", "freeze", "kill"], value_name = "WHAT")]
    shutdown: Option<String>,
    /// Remove it instead
    #[arg(long, conflicts_with_all = ["tokens", "usd", "ceiling", "shutdown"])]
    remove: bool,
    /// An array of JSON objects
    #[arg(long)]
    json: bool,
}

/// A number of tokens as people write it: `2000`, `5_000_000`.
pub(super) fn tokens(text: &str) -> Result<u64, String> {
    let found = text.replace('_', "").parse().ok();
    found
        .filter(|tokens| *tokens <= MOST_TOKENS)
        .ok_or_else(|| {
            format!("expected whole tokens from 0 to {MOST_TOKENS}, such as 2000 or 5_000_000")
        })
}

/// Where a budget stands: `agent:NAME`, `bottle:NAME` or `host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whose(String);

impl std::str::FromStr for Whose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').unwrap_or(("", text));
        match kind {
            "" if text == "host" => Ok(Self("host".to_owned())),
            "" | "agent" => AgentName::new(name)
                .map(|name| Self(format!("agent:{name}")))
                .map_err(|error| error.to_string()),
            "bottle" if !name.is_empty() => Ok(Self(text.to_owned())),
            _ => Err("expected an agent, bottle:NAME or host".to_owned()),
        }
    }
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let (json, budgets) = match command {
        Command::Show { whose, json } => {
            let mut budgets: Vec<BudgetReport> =
                gateway::talk(paths, surroundings, async |client| {
                    Ok(client.get("/control/budgets").await?)
                })?;
            if let Some(Whose(scope)) = whose {
                budgets.retain(|budget| budget.scope == *scope);
            }
            (*json, budgets)
        }
        Command::Set(set) => {
            let change = set.change();
            let budgets = gateway::talk(paths, surroundings, async |client| {
                Ok(client.post("/control/budgets", &change).await?)
            })?;
            (set.json, budgets)
        }
    };
    screen.either(json, &budgets, |paint| render(&budgets, paint))
}

impl Set {
    fn change(&self) -> BudgetChange {
        BudgetChange {
            scope: self.whose.0.clone(),
            provider: self.provider.clone(),
            per: self.per.clone(),
            time_zone: self.time_zone.clone(),
            tokens: self.tokens,
            usd: self.usd,
            ceiling: self.ceiling,
            shutdown: self.shutdown.clone(),
            remove: self.remove,
        }
    }
}

/// A line for every limit.
fn render(budgets: &[BudgetReport], paint: Paint) -> String {
    use Column::{Left, Right, State};
    let columns = [
        Left("BUDGET"),
        Left("PER"),
        Right("LIMIT"),
        Right("USED"),
        Right("SET ASIDE"),
        Right("LEFT"),
        Left("RESETS"),
        State("STATE"),
    ];
    let rows: Vec<[String; 8]> = budgets.iter().flat_map(rows).collect();
    let nothing = "no budgets: `tollgate budget set AGENT TOKENS` makes one";
    let mut text = listing(columns, &rows, nothing, paint);
    if budgets.iter().any(is_unreconciled) {
        let note = "~ holds what may have been used when the gateway stopped or a request was lost";
        text.push_str(&paint.faint(note));
        text.push('\n');
    }
    text
}

fn rows(budget: &BudgetReport) -> Vec<[String; 8]> {
    let tokens = &budget.tokens;
    let tokens = tokens.limit.map(|limit| {
        let used = tokens.settled.saturating_add(tokens.unreconciled);
        [limit, used, tokens.reserved, tokens.left.unwrap_or(0)].map(grouped)
    });
    let usd = &budget.usd;
    let usd = usd.limit.map(|limit| {
        let used = usd.settled.saturating_add(usd.unreconciled);
        [limit, used, usd.reserved, usd.left.unwrap_or_default()].map(|sum| format!("${sum}"))
    });
    let row = |[limit, used, reserved, left]: [String; 4]| {
        let mark = if is_unreconciled(budget) { "~" } else { "" };
        [
            budget.name.clone(),
            per(budget),
            limit,
            format!("{mark}{used}"),
            reserved,
            left,
            budget.resets_at.map_or_else(|| "-".to_owned(), when::shown),
            if budget.exhausted { "used up" } else { "ready" }.to_owned(),
        ]
    };
    [tokens, usd].into_iter().flatten().map(row).collect()
}

/// How long it lasts, and that it is a ceiling.
fn per(budget: &BudgetReport) -> String {
    let run = budget.period.strip_prefix("run:");
    let per = match run {
        Some(run) if !run.is_empty() => format!("run {run}"),
        _ => budget.per.clone(),
    };
    match budget.ceiling {
        true => format!("{per}, ceiling"),
        false => per,
    }
}

fn is_unreconciled(budget: &BudgetReport) -> bool {
    budget.tokens.unreconciled > 0 || budget.usd.unreconciled > Money::ZERO
}

#[cfg(test)]
mod tests {
    use tollgate_api::BudgetCount;

    use super::*;

    #[test]
    fn tokens_are_whole_and_can_be_counted() {
        assert_eq!(tokens("2000"), Ok(2000));
        assert_eq!(tokens("5_000_000"), Ok(5_000_000));
        for bad in [
            "-5",
            "1.5",
            "10k",
            "10 GB",
            "",
            "99999999999999999999",
            "1000000000000001",
        ] {
            let told = tokens(bad).unwrap_err();
            assert!(told.starts_with("expected whole tokens from 0"), "{bad}");
        }
    }

    #[test]
    fn budgets_line_up_with_a_line_for_every_limit() {
        let tokens = |limit, settled, reserved, unreconciled: u64| BudgetCount {
            limit: Some(limit),
            settled,
            reserved,
            unreconciled,
            left: Some(limit - settled - reserved - unreconciled),
        };
        let money = |text: &str| text.parse::<Money>().unwrap();
        let main = BudgetReport {
            name: "main".into(),
            per: "day".into(),
            period: "since:1795132800000".into(),
            resets_at: Some(1_795_219_200_000),
            tokens: tokens(2_000, 1_200, 300, 0),
            usd: BudgetCount {
                limit: Some(money("30")),
                settled: money("0.0042"),
                left: Some(money("29.9958")),
                ..BudgetCount::default()
            },
            ..BudgetReport::default()
        };
        let host = BudgetReport {
            name: "host/anthropic".into(),
            per: "total".into(),
            period: "total".into(),
            ceiling: true,
            exhausted: true,
            tokens: tokens(5_000_000, 5_000_000, 0, 0),
            ..BudgetReport::default()
        };
        let run = BudgetReport {
            name: "run-7".into(),
            per: "run".into(),
            period: "run:7".into(),
            tokens: tokens(100, 0, 0, 40),
            ..BudgetReport::default()
        };
        insta::assert_snapshot!(render(&[host, main, run], Paint(false)));
        insta::assert_snapshot!(render(&[], Paint(false)), @"no budgets: `tollgate budget set AGENT TOKENS` makes one");
    }

    #[test]
    fn a_bare_name_is_an_agent() {
        let whose = |text: &str| text.parse::<Whose>().map(|whose| whose.0);
        assert_eq!(whose("main"), Ok("agent:main".into()));
        assert_eq!(whose("agent:host"), Ok("agent:host".into()));
        assert_eq!(whose("host"), Ok("host".into()));
        assert_eq!(whose("bottle:dev"), Ok("bottle:dev".into()));
        for bad in ["", "Main", "bottle:", "run:7", "agent:"] {
            assert!(whose(bad).is_err(), "{bad}");
        }
    }
}
