mod past;
mod replay;

use std::path::PathBuf;

use serde_json::{Value, json};
use tollgate_judge::{Isolation, Judge};
use tollgate_policy::{Decision, Fact, Facts, PolicyFault};

use super::failure::Failure;
use super::gateway;
use super::screen::{Paint, Screen, plain};
use crate::config::{self, Settings, Surroundings};
use crate::paths::Paths;
use crate::serve::policy;

/// What `policy` takes. None of it needs a running gateway.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Load the files and print everything that is wrong with them
    Check(Files),
    /// Run the examples of every rule
    Test(Files),
    /// Put one call to the rules
    Eval(Call),
    /// Show what every file and rule says to one call
    Explain(Call),
    /// Judge the calls of the past again, and show what would differ
    Replay(replay::Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// Policy files; without any, those of the configuration, or else the
    /// shipped default
    files: Vec<PathBuf>,
    /// JSON for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Call {
    /// The call as JSON: {"tool": …, "args": {…}, "context": {…}}; `-` reads
    /// it from standard input
    #[arg(value_name = "CALL")]
    call: Option<String>,
    /// The tool: model, http, exec, host, mcp, chat or a tool's own name
    #[arg(long, conflicts_with = "call")]
    tool: Option<String>,
    /// Its arguments as JSON
    #[arg(long, value_name = "JSON", conflicts_with = "call")]
    args: Option<String>,
    /// What is known around it as JSON
    #[arg(long, value_name = "JSON", conflicts_with = "call")]
    context: Option<String>,
    /// The agent that asks
    #[arg(long, conflicts_with = "call")]
    agent: Option<String>,
    /// Policy files instead of the configuration's
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// JSON for scripts
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    command: &Command,
    paths: impl Fn() -> Result<Paths, Failure>,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let named = match command {
        Command::Check(files) | Command::Test(files) => &files.files,
        Command::Eval(call) | Command::Explain(call) => &call.files,
        Command::Replay(it) => &it.files,
    };
    let replays = matches!(command, Command::Replay(_));
    let settings = match named.is_empty() || replays {
        true => Some(configured(&paths()?, surroundings)?),
        false => None,
    };
    let files = match &settings {
        Some(settings) if named.is_empty() => settings.policy.files.clone(),
        _ => named.clone(),
    };
    if let Command::Replay(it) = command
        && it.ledger.is_none()
    {
        // A gateway that runs writes down what it still holds; without one
        // there is nothing to wait for.
        let newest = "/control/audit?newest=1";
        let shown = gateway::talk(&paths()?, surroundings, async |client| {
            let _rows: Value = client.get(newest).await?;
            Ok(())
        });
        shown.ok();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(async {
        match command {
            Command::Check(it) => check(&files, it.json, false, screen).await,
            Command::Test(it) => check(&files, it.json, true, screen).await,
            Command::Eval(call) => eval(&files, call, screen).await,
            Command::Explain(call) => explain(&files, call, screen).await,
            Command::Replay(it) => match &settings {
                Some(settings) => replay::run(it, &files, settings, screen).await,
                None => Ok(()),
            },
        }
    })
}

/// What the hidden subcommand runs.
pub(super) fn child() -> Result<(), Failure> {
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    tollgate_judge::serve(input, output).map_err(Failure::failed)
}

fn configured(paths: &Paths, surroundings: &dyn Surroundings) -> Result<Settings, Failure> {
    config::load(paths, surroundings).map_err(|faults| {
        Failure::usage(anyhow::anyhow!("{faults}"))
            .hint("`tollgate config check` looks at it; files can also be named here")
    })
}

/// Always in a process of its own: a file that is being written may do anything.
async fn load(files: &[PathBuf]) -> Result<Judge, Vec<PolicyFault>> {
    read_in(files, Isolation::Process).await
}

async fn read_in(files: &[PathBuf], isolation: Isolation) -> Result<Judge, Vec<PolicyFault>> {
    let texts = match files.is_empty() {
        true => vec![policy::shipped_default()],
        false => policy::read(files)?,
    };
    let mut library = policy::library(files);
    tollgate_judge::load(&policy::place()?, isolation, texts, &mut library).await
}

async fn check(
    files: &[PathBuf],
    json: bool,
    test: bool,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let loaded = load(files).await;
    if json {
        screen.json(&report(&loaded))?;
    } else {
        let paint = screen.paint;
        screen.print(&told(&loaded, paint));
    }
    match (loaded, test) {
        (Ok(_), _) => Ok(()),
        (Err(_), true) => Err(Failure::examples_shown()),
        (Err(_), false) => Err(Failure::faults_shown()),
    }
}

fn report(loaded: &Result<Judge, Vec<PolicyFault>>) -> Value {
    match loaded {
        Ok(judge) => json!({
            "ok": true,
            "version": &**judge.version(),
            "files": judge.files().iter().map(|(name, rules, examples)| {
                json!({"file": name, "rules": rules, "examples": examples})
            }).collect::<Vec<_>>(),
            "faults": [],
        }),
        Err(faults) => json!({"ok": false, "files": [], "faults": faults}),
    }
}

fn told(loaded: &Result<Judge, Vec<PolicyFault>>, paint: Paint) -> String {
    let mut text = String::new();
    match loaded {
        Ok(judge) => {
            for (name, rules, examples) in judge.files() {
                let line = format!(
                    "{}: {}, {}, all hold",
                    plain(name),
                    counted(*rules, "rule"),
                    counted(*examples, "example")
                );
                text += &format!("{}\n", paint.good(&line));
            }
            text += &format!("policy {}\n", judge.version());
        }
        Err(faults) => {
            for fault in faults {
                text += &format!("{fault}\n");
            }
            text += &format!("{}\n", paint.bad(&counted(faults.len(), "fault")));
        }
    }
    text
}

async fn eval(files: &[PathBuf], call: &Call, screen: &mut Screen) -> Result<(), Failure> {
    let facts = call.facts()?;
    let judge = ready(files).await?;
    let decision = judge.decide(&facts).await;
    match call.json {
        true => screen.json(&object(&decision)),
        false => {
            let paint = screen.paint;
            screen.print(&line(&decision, paint));
            Ok(())
        }
    }
}

async fn explain(files: &[PathBuf], call: &Call, screen: &mut Screen) -> Result<(), Failure> {
    let facts = call.facts()?;
    let judge = ready(files).await?;
    let said = judge.explain(&facts).await.map_err(Failure::failed)?;
    let decision = judge.decide(&facts).await;
    if call.json {
        let files: Vec<_> = said
            .iter()
            .map(|file| {
                json!({
                    "file": file.file,
                    "says": object(&file.decision),
                    "rules": file.rules.iter().map(object).collect::<Vec<_>>(),
                })
            })
            .collect();
        return screen.json(&json!({
            "decision": object(&decision),
            "files": files,
            "facts": facts,
        }));
    }
    let paint = screen.paint;
    let mut text = line(&decision, paint);
    for file in &said {
        text += &format!(
            "\n{}\n  says  {}",
            plain(&file.file),
            line(&file.decision, paint)
        );
        for rule in &file.rules {
            text += &format!("  rule  {}", line(rule, paint));
        }
        if file.rules.is_empty() {
            text += "  no rule(…) matches, so evaluate decides\n";
        }
    }
    screen.print(&text);
    Ok(())
}

async fn ready(files: &[PathBuf]) -> Result<Judge, Failure> {
    load(files).await.map_err(unready)
}

fn unready(faults: Vec<PolicyFault>) -> Failure {
    Failure::usage(anyhow::anyhow!(policy::lines(&faults)))
}

fn object(decision: &Decision) -> Value {
    json!({
        "verdict": decision.verdict().as_str(),
        "rule": &**decision.rule(),
        "reason": decision.reason(),
    })
}

fn line(decision: &Decision, paint: Paint) -> String {
    let word = decision.verdict().as_str();
    let word = match word {
        "allow" => paint.good(word),
        "review" => paint.warn(word),
        word => paint.bad(word),
    };
    match decision.reason() {
        "" => format!("{word}  {}\n", plain(decision.rule())),
        reason => format!("{word}  {}: {}\n", plain(decision.rule()), plain(reason)),
    }
}

fn counted(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

const EXAMPLE: &str =
    "tollgate policy eval --tool model --agent ci-bot --args '{\"model\": \"gpt-4o\"}'";

impl Call {
    fn facts(&self) -> Result<Facts<'static>, Failure> {
        let wrong = |what: &str, error: tollgate_policy::NotFacts| {
            Failure::usage(anyhow::anyhow!("{what}: {error}"))
        };
        if let Some(call) = &self.call {
            let text = match call.as_str() {
                "-" => std::io::read_to_string(std::io::stdin()).map_err(Failure::failed)?,
                text => text.to_owned(),
            };
            return Facts::from_json(text.as_bytes())
                .map_err(|error| wrong("a call in JSON", error).hint(EXAMPLE));
        }
        let Some(tool) = &self.tool else {
            return Err(Failure::usage(anyhow::anyhow!("no call, expected one")).hint(EXAMPLE));
        };
        let mut call = vec![("tool".into(), Fact::Text(tool.clone().into()))];
        for (name, json) in [("args", &self.args), ("context", &self.context)] {
            if let Some(json) = json {
                let fact = Fact::from_json(json.as_bytes());
                call.push((
                    name.into(),
                    fact.map_err(|error| wrong(&format!("--{name}"), error))?,
                ));
            }
        }
        let facts = Facts::try_from(Fact::Map(call)).map_err(|error| wrong("call", error))?;
        Ok(self.named(facts))
    }

    fn named(&self, mut facts: Facts<'static>) -> Facts<'static> {
        if let Some(agent) = &self.agent {
            facts.context.agent_id = agent.clone().into();
        }
        facts
    }
}
