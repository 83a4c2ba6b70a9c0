use tollgate_api::{AgentCreated, AgentRemoved, AgentReport, NewAgentRequest};
use tollgate_types::AgentName;

use super::failure::Failure;
use super::gateway;
use super::listing::{Column, listing};
use super::screen::{Paint, Screen, plain};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `agents` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an agent and print its key, once
    Add {
        /// Lower-case letters, digits, `-`, `_` and `.`
        name: AgentName,
        /// A model that it may ask for, as a glob; repeat it for more [default: all]
        #[arg(long, value_name = "GLOB")]
        allow: Vec<String>,
        /// A model that it may not ask for; wins
        #[arg(long, value_name = "GLOB")]
        block: Vec<String>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// List every agent
    List {
        /// An array of JSON objects
        #[arg(long)]
        json: bool,
    },
    /// Take an agent's key away at once; its history stays
    Remove {
        /// The agent's name
        name: AgentName,
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
    let json = command.json();
    match command {
        Command::Add { .. } => {
            let request = command.request();
            let created: AgentCreated = gateway::talk(paths, surroundings, async |client| {
                Ok(client.post("/control/agents", &request).await?)
            })?;
            let base = gateway::base(paths, surroundings)?;
            screen.either(json, &created, |_| made(&created, &base))
        }
        Command::List { .. } => {
            let agents: Vec<AgentReport> = gateway::talk(paths, surroundings, async |client| {
                Ok(client.get("/control/agents").await?)
            })?;
            screen.either(json, &agents, |paint| render(&agents, paint))
        }
        Command::Remove { name, .. } => {
            let path = format!("/control/agents/{name}");
            let removed: AgentRemoved = gateway::talk(paths, surroundings, async |client| {
                Ok(client.delete(&path).await?)
            })?;
            let name = plain(&removed.name).into_owned();
            screen.either(json, &removed, |_| {
                format!("agent {name} is removed, its keys open nothing any more")
            })
        }
    }
}

impl Command {
    const fn json(&self) -> bool {
        match self {
            Self::Add { json, .. } | Self::List { json } | Self::Remove { json, .. } => *json,
        }
    }

    fn request(&self) -> NewAgentRequest {
        let Self::Add {
            name, allow, block, ..
        } = self
        else {
            return NewAgentRequest::default();
        };
        NewAgentRequest {
            name: name.to_string(),
            allowed_models: (!allow.is_empty()).then(|| allow.clone()),
            blocked_models: (!block.is_empty()).then(|| block.clone()),
        }
    }
}

/// The key with the lines that use it.
fn made(created: &AgentCreated, base: &str) -> String {
    let (name, key) = (plain(&created.name), plain(&created.key));
    format!(
        "agent {name} is made; this is its key, shown this once:

  {key}

Claude Code
  export ANTHROPIC_BASE_URL={base}
  export ANTHROPIC_AUTH_TOKEN={key}

OpenAI SDKs
  export OPENAI_BASE_URL={base}/v1
  export OPENAI_API_KEY={key}
"
    )
}

fn render(agents: &[AgentReport], paint: Paint) -> String {
    let joined = |words: &[String]| match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(", "),
    };
    let rows: Vec<[String; 5]> = agents
        .iter()
        .map(|agent| {
            [
                agent.name.clone(),
                agent.source.clone(),
                joined(&agent.key_hints),
                joined(&agent.allowed_models),
                joined(&agent.blocked_models),
            ]
        })
        .collect();
    let columns = ["AGENT", "FROM", "KEYS", "ALLOWED MODELS", "BLOCKED MODELS"].map(Column::Left);
    listing(
        columns,
        &rows,
        "no agents: `tollgate agents add NAME` makes one",
        paint,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_comes_with_the_lines_that_use_it() {
        let created = AgentCreated {
            name: "ci-bot".into(),
            key: "tg-1a2b3c4d-EXAMPLE".into(),
            key_hint: "tg-1a2b3c4d-…".into(),
        };
        insta::assert_snapshot!(made(&created, "http://127.0.0.1:4100"));
    }

    #[test]
    fn agents_are_listed_without_their_keys() {
        let agent = AgentReport {
            name: "ci-bot".into(),
            source: "ledger".into(),
            key_hints: vec!["tg-1a2b3c4d-…".into()],
            allowed_models: vec!["gpt-*".into(), "fast".into()],
            ..AgentReport::default()
        };
        insta::assert_snapshot!(render(&[agent], Paint(false)));
    }
}
