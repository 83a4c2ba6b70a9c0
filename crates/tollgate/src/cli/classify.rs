use std::io::BufRead;

use serde_json::Value;
use tollgate_command::{Answer, Question, Reading, Setting, Verdict, hear, judge_tame, tell};
use tollgate_judge::Commands;

use super::failure::Failure;
use super::screen::{Paint, Screen, plain};

/// Longest line of a batch, in bytes. A longer one is answered as unreadable.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Says how risky a command is. Nothing is run, and no gateway is needed.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The command; without one, `--json` reads JSON lines from standard input
    #[arg(
        value_name = "CMD",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<String>,
    /// JSON for scripts
    #[arg(long)]
    json: bool,
    /// What the text is
    #[arg(long, value_enum, default_value = "command")]
    kind: Kind,
    /// Every command that would run, and every reason
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Shell text
    Command,
    /// Text that a person wrote: only a crisis counts
    Message,
}

impl Kind {
    fn reading(self) -> Reading {
        match self {
            Self::Command => Reading::Command,
            Self::Message => Reading::Message,
        }
    }
}

pub(super) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<(), Failure> {
    let setting = surroundings(std::env::var("HOME").ok(), guard_folder());
    if arguments.command.is_empty() {
        return match arguments.json {
            true => batch(arguments.kind.reading(), Bench::new(setting), screen),
            false => Err(Failure::usage(anyhow::anyhow!("no command, expected one"))
                .hint("`tollgate classify 'rm -rf build'`, or `--json` for JSON lines")),
        };
    }
    let text = arguments.command.join(" ");
    let question = Question {
        id: Value::Null,
        command: text.clone(),
        cwd: folder(),
        action: None,
    };
    let mut bench = Bench::new(setting);
    let (said, verdict) = bench.answer(&question, arguments.kind.reading())?;
    screen.either(arguments.json, &said, |paint| render(&said, paint))?;
    if let Some(verdict) = verdict.filter(|_| arguments.explain && !arguments.json) {
        screen.print(&explain(&verdict));
    }
    Ok(())
}

/// Where records are judged: tame text here, wild text in a child, which is
/// started when the first one comes.
struct Bench {
    setting: Setting,
    children: Option<(tokio::runtime::Runtime, Commands)>,
}

impl Bench {
    fn new(setting: Setting) -> Self {
        Self {
            setting,
            children: None,
        }
    }

    fn answer(
        &mut self,
        question: &Question,
        reading: Reading,
    ) -> Result<(Answer, Option<Verdict>), Failure> {
        if reading == Reading::Message {
            return Ok((hear(question), None));
        }
        let tame = judge_tame(&question.command, &question.setting(&self.setting));
        let verdict = match tame {
            Some(verdict) => verdict,
            None => self.wild(question)?,
        };
        Ok((tell(question, verdict.clone()), Some(verdict)))
    }

    fn wild(&mut self, question: &Question) -> Result<Verdict, Failure> {
        let (runtime, commands) = match &mut self.children {
            Some(children) => children,
            empty => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(Failure::failed)?;
                let setting = self.setting.clone();
                let commands = runtime.block_on(async {
                    match crate::serve::classifier::place() {
                        Some(place) => Commands::with_children(setting, place),
                        None => Commands::tame_only(setting),
                    }
                });
                empty.insert((runtime, commands))
            }
        };
        let (text, folder) = (&question.command, question.cwd.as_deref());
        Ok(runtime.block_on(async {
            commands.ready().await;
            commands.judge(text, folder).await
        }))
    }
}

/// The other end of that: what the hidden subcommand runs.
pub(super) fn child() -> Result<(), Failure> {
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    tollgate_judge::serve_commands(input, output).map_err(Failure::failed)
}

fn surroundings(home: Option<String>, guard: Option<String>) -> Setting {
    Setting {
        home: home.filter(|home| home.starts_with('/')),
        guarded: guard.into_iter().collect(),
        ..Setting::default()
    }
}

fn guard_folder() -> Option<String> {
    std::env::var("TOLLGATE_HOME")
        .ok()
        .filter(|home| home.len() > 1)
}

fn folder() -> Option<String> {
    let folder = std::env::current_dir().ok()?;
    folder.to_str().map(str::to_owned)
}

/// One line in, one line out, order kept; the process lives on until the end
/// of its input.
fn batch(reading: Reading, mut bench: Bench, screen: &mut Screen) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let size = input
            .read_until(b'\n', &mut line)
            .map_err(Failure::failed)?;
        if size == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let said = one(&line, reading, &mut bench)?;
        let text = serde_json::to_string(&said).map_err(Failure::failed)?;
        screen.print(&text);
    }
}

/// A line that is no question is answered too, and never as harmless.
fn one(line: &[u8], reading: Reading, bench: &mut Bench) -> Result<Answer, Failure> {
    let text = String::from_utf8_lossy(line);
    let question = match line.len() > LONGEST_LINE {
        true => None,
        false => serde_json::from_str::<Question>(&text).ok(),
    };
    match question {
        Some(question) => Ok(bench.answer(&question, reading)?.0),
        None => Ok(Answer::unreadable(
            serde_json::from_str::<Value>(&text)
                .ok()
                .and_then(|value| value.get("id").cloned()),
        )),
    }
}

fn render(said: &Answer, paint: Paint) -> String {
    let tier = match said.tier {
        "SAFE" | "LOW" => paint.good(said.tier),
        "MEDIUM" => paint.warn(said.tier),
        _ => paint.bad(said.tier),
    };
    let mut text = format!("{tier}  {}  {}", said.known, plain(&said.reason));
    for (name, value) in said.resources.iter().flatten() {
        text.push_str(&format!(
            "\n  {name}: {}",
            value.as_str().unwrap_or_default()
        ));
    }
    text
}

fn explain(verdict: &Verdict) -> String {
    let mut text = String::from("\nwould run:\n");
    for step in &verdict.steps {
        let words: Vec<String> = step
            .argv
            .iter()
            .map(|word| format!("{:?}", word.text))
            .collect();
        text.push_str(&format!("  {}\n", words.join(" ")));
    }
    text.push_str("because:\n");
    for finding in &verdict.findings {
        text.push_str(&format!(
            "  {:8} {:7} {:20} {}\n",
            finding.tier.name(),
            finding.sight.name(),
            finding.rule,
            plain(&finding.reason)
        ));
    }
    text
}
