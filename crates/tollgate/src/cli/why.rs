use std::fmt::Write;

use tollgate_api::{Client, RequestSummary, Story, StoryStep};
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
    /// The request's id, from the answer's header x-tollgate-request-id;
    /// without one, the request that ended last
    id: Option<RequestId>,
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
    let story = gateway::talk(paths, surroundings, async |client| {
        let id = match arguments.id {
            Some(id) => id.to_string(),
            None => newest(&client).await?,
        };
        let path = format!("/control/requests/{id}");
        Ok(client.get::<Story>(&path).await?)
    })?;
    screen.either(arguments.json, &story, |paint| render(&story, paint))
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
    let width = story
        .steps
        .iter()
        .map(|step| called(step).chars().count())
        .max()
        .unwrap_or(0);
    for (at, step) in story.steps.iter().enumerate() {
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
    let _written = write!(text, "\n{}\n", plain(&story.ending));
    text.push_str(&paint.faint(&format!("{}\n", judged(story))));
    text
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
