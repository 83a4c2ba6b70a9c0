//! `approvals watch`: cards as they come, an answer for each.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tollgate_approvals::{ApprovalId, Card};
use tollgate_types::Tier;

use super::{now, width};
use crate::cli::failure::Failure;
use crate::cli::screen::{Screen, plain};
use crate::config::{self, Surroundings};
use crate::paths::Paths;

/// Digits of the id that are typed for HIGH and above.
const TYPED: usize = 6;
/// The approvers' socket, beside the rules or in the folder there.
const PLACES: [&str; 2] = ["exec-approvers.sock", "sockets/exec-approvers.sock"];

/// What the gateway sends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    r#type: String,
    id: Option<ApprovalId>,
    operator: String,
    tier: Tier,
    may_always: bool,
    expires_at_ms: u64,
    card: Card,
    status: String,
    by: Option<String>,
    error: String,
}

pub(super) fn run(
    json: bool,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let token = surroundings
        .secret_file(&paths.operator_token())
        .map_err(|error| Failure::not_reachable(anyhow::anyhow!(error)))?;
    let socket = socket(paths, surroundings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let done = runtime.block_on(async {
        let stream = UnixStream::connect(&socket).await.map_err(|error| {
            Failure::not_reachable(anyhow::anyhow!("`{}`: {error}", socket.display()))
                .hint("start the gateway with `tollgate serve`")
        })?;
        let (from, mut to) = stream.into_split();
        send(&mut to, &json!({"token": token.expose().trim()})).await?;
        let lines = BufReader::new(from).lines();
        match json {
            true => print(lines, screen).await,
            false => Watch::new(to, screen).run(lines).await,
        }
    });
    // A thread may still wait for the keyboard.
    runtime.shutdown_background();
    done
}

fn socket(paths: &Paths, surroundings: &dyn Surroundings) -> Result<PathBuf, Failure> {
    let settings = config::load(paths, surroundings);
    let file = settings.map_or_else(|_| paths.approvals(), |settings| settings.approvals.file);
    let beside = file.parent().unwrap_or(Path::new("."));
    let mut places = PLACES.iter().map(|place| beside.join(place));
    places.find(|place| place.exists()).ok_or_else(|| {
        Failure::not_reachable(anyhow::anyhow!(
            "no gateway listens in `{}`",
            beside.display()
        ))
        .hint("start it with `tollgate serve`")
    })
}

async fn print(
    mut lines: Lines<BufReader<OwnedReadHalf>>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    while let Some(line) = lines.next_line().await.map_err(Failure::failed)? {
        screen.print(&line);
    }
    Err(gone())
}

fn gone() -> Failure {
    Failure::not_reachable(anyhow::anyhow!("the gateway has closed the connection"))
}

async fn send(to: &mut OwnedWriteHalf, line: &serde_json::Value) -> Result<(), Failure> {
    let line = format!("{line}\n");
    to.write_all(line.as_bytes()).await.map_err(|_| gone())
}

/// What is on the screen, and what waits behind it.
struct Watch<'s> {
    to: OwnedWriteHalf,
    screen: &'s mut Screen,
    waiting: VecDeque<Said>,
    /// The first of `waiting` is shown and may be answered.
    shown: bool,
}

impl<'s> Watch<'s> {
    fn new(to: OwnedWriteHalf, screen: &'s mut Screen) -> Self {
        Self {
            to,
            screen,
            waiting: VecDeque::new(),
            shown: false,
        }
    }

    async fn run(mut self, mut lines: Lines<BufReader<OwnedReadHalf>>) -> Result<(), Failure> {
        let mut keys: Lines<BufReader<Stdin>> = BufReader::new(tokio::io::stdin()).lines();
        let mut listening = true;
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.heard(&line)?,
                    _ => return Err(gone()),
                },
                typed = keys.next_line(), if listening => match typed {
                    Ok(Some(typed)) if typed.trim() == "q" => return Ok(()),
                    Ok(Some(typed)) => self.typed(typed.trim()).await?,
                    _ => listening = false,
                },
            }
            if !self.shown && !self.waiting.is_empty() {
                self.show();
            }
        }
    }

    fn heard(&mut self, line: &str) -> Result<(), Failure> {
        let said: Said = serde_json::from_str(line).map_err(Failure::failed)?;
        match said.r#type.as_str() {
            "hello" => {
                let text = format!("you are operator {}; q ends this", plain(&said.operator));
                self.screen.print(&text);
            }
            "request" => self.asked(said),
            "ended" | "answered" => self.ended(&said),
            _ => {
                let text = self.screen.paint.bad(&plain(&said.error));
                self.screen.print(&text);
                self.shown = false;
            }
        }
        Ok(())
    }

    /// A new question, or one that has risen.
    fn asked(&mut self, said: Said) {
        let known = self.waiting.iter().position(|it| it.id == said.id);
        match known {
            None => self.waiting.push_back(said),
            Some(place) => {
                let risen = self.waiting[place].tier != said.tier;
                self.waiting[place] = said;
                if place == 0 && risen {
                    self.shown = false;
                }
            }
        }
    }

    fn ended(&mut self, said: &Said) {
        let Some(place) = self.waiting.iter().position(|it| it.id == said.id) else {
            return;
        };
        self.waiting.remove(place);
        let by = said.by.as_deref().map(|by| format!(" by {}", plain(by)));
        let text = format!("{}{}", said.status, by.unwrap_or_default());
        self.screen.print(&text);
        if place == 0 {
            self.shown = false;
        }
    }

    fn show(&mut self) {
        let Some(said) = self.waiting.front() else {
            return;
        };
        let mut text = String::from("\n");
        for (place, line) in said.card.lines(width()).iter().enumerate() {
            let line = plain(line);
            match place {
                0 => text.push_str(&self.screen.paint.strong(&line)),
                _ => text.push_str(&line),
            }
            text.push('\n');
        }
        text.push_str(&prompt(said, self.waiting.len()));
        self.screen.print(&text);
        self.shown = true;
    }

    async fn typed(&mut self, typed: &str) -> Result<(), Failure> {
        let Some(said) = self.waiting.front() else {
            return Ok(());
        };
        let Some(id) = said.id else {
            return Ok(());
        };
        let full = id.to_string();
        let high = said.tier >= Tier::High;
        let decision = match typed {
            "d" => "deny",
            "s" => {
                self.waiting.rotate_left(1);
                self.shown = false;
                return Ok(());
            }
            "o" if !high => "allow-once",
            "a" if !high && said.may_always => "allow-always",
            typed if high && full.ends_with(typed) && typed.len() == TYPED => "allow-once",
            _ => {
                let text = prompt(said, self.waiting.len());
                self.screen.print(&text);
                return Ok(());
            }
        };
        let answer = json!({"id": id, "decision": decision, "confirm": full});
        send(&mut self.to, &answer).await
    }
}

/// What can be typed.
fn prompt(said: &Said, waiting: usize) -> String {
    let id = said.id.map(|id| id.to_string()).unwrap_or_default();
    let seconds = said.expires_at_ms.saturating_sub(now()).div_ceil(1000);
    let yes = match (said.tier >= Tier::High, said.may_always) {
        (true, _) => {
            let digits = id.get(id.len().saturating_sub(TYPED)..).unwrap_or_default();
            format!("type {digits} to allow it once")
        }
        (false, true) => "o once, a always".to_owned(),
        (false, false) => "o once".to_owned(),
    };
    let more = match waiting {
        0 | 1 => String::new(),
        more => format!(" ({} more)", more - 1),
    };
    format!(
        "{yes}, d deny, s skip; {} within {seconds} s{more}",
        said.tier
    )
}
