use tollgate_api::{NewOperatorRequest, OperatorCreated, OperatorReport};
use tollgate_types::{OperatorName, Tier};

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, listing};
use super::screen::{Paint, Screen, plain};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `operators` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an operator and print the token, once
    Add {
        /// Lower-case letters, digits, `-`, `_` and `.`
        name: OperatorName,
        /// The highest tier that they may allow
        #[arg(long, value_name = "TIER", default_value = "CRITICAL")]
        may_answer: Tier,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// List every operator
    List {
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Take an operator's token away at once
    Remove {
        /// The operator's name
        name: OperatorName,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(
    command: &Command,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    match command {
        Command::Add {
            name,
            may_answer,
            json,
        } => {
            let request = NewOperatorRequest {
                name: name.to_string(),
                may_answer: Some(*may_answer),
            };
            let made: OperatorCreated = gateway::talk(paths, surroundings, async |client| {
                Ok(client.post("/control/operators", &request).await?)
            })?;
            screen.either(*json, &made, |_| created(&made))
        }
        Command::List { json } => {
            let all: Vec<OperatorReport> = gateway::talk(paths, surroundings, async |client| {
                Ok(client.get("/control/operators").await?)
            })?;
            screen.either(*json, &all, |paint| table(&all, paint))
        }
        Command::Remove { name, json } => {
            let path = format!("/control/operators/{name}");
            let gone: OperatorReport = gateway::talk(paths, surroundings, async |client| {
                Ok(client.delete(&path).await?)
            })?;
            screen.either(*json, &gone, |_| {
                format!("operator {} is removed", plain(&gone.name))
            })
        }
    }
}

fn created(made: &OperatorCreated) -> String {
    format!(
        "operator {} is made and may allow up to {}; this is the token, shown this once:

  {}

It stands in `Authorization: Bearer` of the control API, and in the first line
of a connection to exec-approvers.sock.
",
        plain(&made.name),
        made.may_answer,
        plain(&made.token)
    )
}

fn table(all: &[OperatorReport], paint: Paint) -> String {
    let rows: Vec<[String; 3]> = all
        .iter()
        .map(|it| {
            let from = match it.added_at {
                None => "operator.token",
                Some(_) => "operators.json",
            };
            [it.name.clone(), it.may_answer.to_string(), from.to_owned()]
        })
        .collect();
    let columns = ["OPERATOR", "MAY ANSWER", "FROM"].map(Column::Left);
    listing(columns, &rows, "no operators", paint)
}
