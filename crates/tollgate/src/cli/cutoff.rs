use tollgate_api::{CutoffReport, CutoffRequest};
use tollgate_types::AgentName;

use super::failure::Failure;
use super::gateway;
use super::screen::{Screen, plain};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `cutoff` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The agent's name
    agent: AgentName,
    /// Let it go on
    #[arg(long)]
    undo: bool,
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
    let request = CutoffRequest {
        agent: arguments.agent.to_string(),
        undo: arguments.undo,
    };
    let report: CutoffReport = gateway::talk(paths, surroundings, async |client| {
        Ok(client.post("/control/cutoff", &request).await?)
    })?;
    screen.either(arguments.json, &report, |_| render(&report))
}

fn render(report: &CutoffReport) -> String {
    let agent = plain(&report.agent);
    let mut text = match (report.cut_off, report.ended) {
        (false, _) => format!("agent {agent} may go on\n"),
        (true, 0) => format!("agent {agent} is cut off; nothing was under way\n"),
        (true, 1) => format!("agent {agent} is cut off; 1 request under way ends\n"),
        (true, ended) => format!("agent {agent} is cut off; {ended} requests under way end\n"),
    };
    if let Some(note) = &report.note {
        text.push_str(&format!("{}\n", plain(note)));
    }
    if report.cut_off {
        text.push_str(&format!("`tollgate cutoff {agent} --undo` lets it go on\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_ends_and_how_to_go_on() {
        let mut report = CutoffReport {
            agent: "main".into(),
            cut_off: true,
            ended: 2,
            note: None,
        };
        insta::assert_snapshot!(render(&report), @r"
        agent main is cut off; 2 requests under way end
        `tollgate cutoff main --undo` lets it go on
        ");
        report.cut_off = false;
        report.note = Some(
            "budget \"main\" is still used up; raise it with `tollgate budget set main`".into(),
        );
        insta::assert_snapshot!(render(&report), @r#"
        agent main may go on
        budget "main" is still used up; raise it with `tollgate budget set main`
        "#);
    }
}
