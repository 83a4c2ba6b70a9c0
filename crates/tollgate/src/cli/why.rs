use std::fmt::Write;

use tollgate_api::{Client, ClientError, CommandStory, RequestSummary, Story, StoryStep};
use tollgate_approvals::ApprovalId;
use tollgate_types::RequestId;

use super::failure::Failure;
use super::gateway;
use super::screen::{Paint, Screen, plain};
use super::when::{shown, took};
use crate::config::Surroundings;
use crate::paths::Paths;

/// What `why` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The id of a request (from the answer's header x-tollgate-request-id), of
    /// a command or of an approval; without one, the request that ended last
    id: Option<String>,
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
    let named = arguments.id.as_deref().map(checked).transpose()?;
    let told = gateway::talk(paths, surroundings, async |client| {
        let id = match &named {
            Some(id) => id.clone(),
            None => newest(&client).await?,
        };
        tell(&client, &id).await
    })?;
    match told {
        Told::Request(story) => {
            screen.either(arguments.json, &story, |paint| render(&story, paint))
        }
        Told::Command(story) => {
            screen.either(arguments.json, &story, |paint| command(&story, paint))
        }
    }
}

enum Told {
    Request(Box<Story>),
    Command(Box<CommandStory>),
}

/// An approval's id is a command's; any other is a request's, or else a
/// command's.
async fn tell(client: &Client, id: &str) -> Result<Told, Failure> {
    if !id.starts_with("apr_") {
        let path = format!("/control/requests/{id}");
        match client.get(&path).await {
            Err(ClientError::Refused { status: 404, .. }) => {}
            found => return Ok(Told::Request(Box::new(found?))),
        }
    }
    let found = client.get(&format!("/control/commands/{id}")).await;
    match found {
        Err(ClientError::Refused { status: 404, .. }) => {
            let nothing = anyhow::anyhow!("no request, command or approval `{}`", plain(id));
            Err(Failure::failed(nothing).hint(
                "the id is the answer's `x-tollgate-request-id`, or in `tollgate audit tail`",
            ))
        }
        found => Ok(Told::Command(Box::new(found?))),
    }
}

fn checked(id: &str) -> Result<String, Failure> {
    if id.parse::<ApprovalId>().is_ok() {
        return Ok(id.to_owned());
    }
    let parsed = id.parse::<RequestId>();
    let parsed = parsed
        .map_err(|error| Failure::usage(error).hint("an approval's id begins with `apr_`"))?;
    Ok(parsed.to_string())
}

fn command(story: &CommandStory, paint: Paint) -> String {
    let mut text = format!(
        "{}  {}\n{}: {}\n\n",
        paint.strong(&plain(&story.id)),
        shown(story.at),
        plain(&story.agent),
        plain(&story.command)
    );
    steps(&story.steps, paint, &mut text);
    text.push_str(&format!("\n{}\n", plain(&story.ending)));
    let judged = format!(
        "configuration {}, policy {}\n",
        story.config_version,
        plain(&story.policy_version)
    );
    text.push_str(&paint.faint(&judged));
    text
}

async fn newest(client: &Client) -> Result<String, Failure> {
    let recent: Vec<RequestSummary> = client.get("/control/requests?limit=1").await?;
    let newest = recent.into_iter().next().map(|request| request.id);
    newest.ok_or_else(|| {
        Failure::failed(anyhow::anyhow!("no request has come yet"))
            .hint("`tollgate serve` prints lines that send one")
    })
}

fn render(story: &Story, paint: Paint) -> String {
    let request = &story.request;
    let mut text = format!(
        "{}  {}\n{}\n\n",
        paint.strong(&plain(&request.id)),
        shown(request.at),
        asked(request)
    );
    steps(&story.steps, paint, &mut text);
    let _written = write!(text, "\n{}\n", plain(&story.ending));
    text.push_str(&paint.faint(&format!("{}\n", judged(story))));
    text
}

/// Steps under one another, numbered.
fn steps(steps: &[StoryStep], paint: Paint, text: &mut String) {
    let width = steps
        .iter()
        .map(|step| called(step).chars().count())
        .max()
        .unwrap_or(0);
    for (at, step) in steps.iter().enumerate() {
        let number = paint.faint(&format!("{:>3}.", at + 1));
        let name = format!("{:<width$}", plain(&called(step)));
        let name = if step.state == "done" {
            name
        } else {
            paint.bad(&name)
        };
        let since = step
            .at_ms
            .map_or_else(|| " ".repeat(12), |at| format!("{at:>9.1} ms"));
        // Writing to a string can't fail.
        let _written = writeln!(
            text,
            "{number} {name}  {}  {}",
            paint.faint(&since),
            plain(&step.detail)
        );
    }
}

/// `not permitted` where a request was stopped: the step's own name says that it
/// was taken.
fn called(step: &StoryStep) -> String {
    match step.state.as_str() {
        "refused" => format!("not {}", step.step),
        _ => step.step.clone(),
    }
}

fn asked(request: &RequestSummary) -> String {
    let agent = request.agent.as_deref().unwrap_or("nobody known");
    let model = request.model_asked.as_deref().unwrap_or("no model");
    let stream = if request.stream { ", streamed" } else { "" };
    let line = format!(
        "{agent} asked {model} at {}{stream}; status {} in {}",
        request.endpoint,
        request.status,
        took(request.latency_micros)
    );
    plain(&line).into_owned()
}

fn judged(story: &Story) -> String {
    let rule = story
        .rule
        .as_deref()
        .map(|rule| format!(", rule {rule}"))
        .unwrap_or_default();
    // It is taken where the first attempt begins.
    let own = match story.overhead_micros {
        0 => String::new(),
        micros => format!("; the gateway itself took {}", took(micros)),
    };
    let (config, policy) = (story.config_version, &story.policy_version);
    let line = format!("configuration {config}, policy {policy}{rule}{own}");
    plain(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_not_taken_says_so() {
        let step = |state: &str| StoryStep {
            step: "permitted".into(),
            state: state.into(),
            ..StoryStep::default()
        };
        assert_eq!(called(&step("refused")), "not permitted");
        assert_eq!(called(&step("done")), "permitted");
    }

    #[test]
    fn a_story_is_told_step_by_step() {
        let step = |step: &str, state: &str, at_ms, detail: &str| StoryStep {
            step: step.into(),
            state: state.into(),
            at_ms,
            detail: detail.into(),
        };
        let story = Story {
            request: RequestSummary {
                id: "req_00000000000000000000000000000000".into(),
                agent: Some("main".into()),
                endpoint: "/v1/chat/completions".into(),
                model_asked: Some("fast\u{1b}[31m".into()),
                stream: true,
                status: 200,
                outcome: "ok".into(),
                latency_micros: 1_234_000,
                ..RequestSummary::default()
            },
            ending: "answered by openai after 2 attempts".into(),
            config_version: 3,
            policy_version: "none".into(),
            overhead_micros: 85,
            steps: vec![
                step("accepted", "done", Some(0.0), "POST /v1/chat/completions"),
                step(
                    "attempt 1",
                    "failed",
                    Some(0.1),
                    "openai:1 answered 429, rate_limit",
                ),
                step("settled", "done", None, "120 tokens in, 45 out"),
            ],
            ..Story::default()
        };
        insta::assert_snapshot!(render(&story, Paint(false)));
    }
}
