use tollgate_api::{CutoffReport, CutoffRequest};
use tollgate_budget::Shutdown;
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
    /// Halt the processes of its runs as well
    #[arg(long, conflicts_with_all = ["kill", "undo"])]
    freeze: bool,
    /// Kill the processes of its runs as well
    #[arg(long, conflicts_with = "undo")]
    kill: bool,
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
        mode: mode(arguments),
        undo: arguments.undo,
    };
    let report: CutoffReport = gateway::talk(paths, surroundings, async |client| {
        Ok(client.post("/control/cutoff", &request).await?)
    })?;
    screen.either(arguments.json, &report, |_| render(&report))
}

fn mode(arguments: &Arguments) -> Option<Shutdown> {
    match (arguments.freeze, arguments.kill) {
        (true, _) => Some(Shutdown::Freeze),
        (_, true) => Some(Shutdown::Kill),
        _ => None,
    }
}

fn render(report: &CutoffReport) -> String {
    let agent = plain(&report.agent);
    let mut text = match (report.cut_off, report.ended) {
        (false, _) => format!("agent {agent} may go on\n"),
        (true, 0) => format!("agent {agent} is cut off; nothing was under way\n"),
        (true, 1) => format!("agent {agent} is cut off; 1 request under way ends\n"),
        (true, ended) => format!("agent {agent} is cut off; {ended} requests under way end\n"),
    };
    match report.runs {
        0 => {}
        1 => text.push_str("1 of its runs is frozen or killed\n"),
        runs => text.push_str(&format!("{runs} of its runs are frozen or killed\n")),
    }
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
            runs: 1,
            note: None,
        };
        insta::assert_snapshot!(render(&report), @r"
        agent main is cut off; 2 requests under way end
        1 of its runs is frozen or killed
        `tollgate cutoff main --undo` lets it go on
        ");
        report.cut_off = false;
        report.runs = 0;
        report.note = Some(
            "budget \"main\" is still used up; raise it with `tollgate budget set main`".into(),
        );
        insta::assert_snapshot!(render(&report), @r#"
        agent main may go on
        budget "main" is still used up; raise it with `tollgate budget set main`
        "#);
    }
}
