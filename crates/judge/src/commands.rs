//! Commands as every plane has them judged: [`Commands::judge`].
//!
//! Text that everybody writes is read on the spot, in microseconds. Wild text
//! (long, with many brackets) goes to a child that was started before: a parser
//! that loops can't be stopped in a thread, and a stack that overflows takes its
//! process with it. A child that is late is killed, and what it was asked is
//! opaque.

mod reader;
mod serve;

use tollgate_command::{
    Answer, Question, Reading, Setting, Verdict, hear, judge_tame, tell, too_slow,
};

use crate::load::Place;
use reader::Readers;
pub use serve::serve_commands;

/// Longest reading of a wild text, in milliseconds, waiting for a free child
/// counted.
pub const LONGEST_READING_MS: u64 = 20;

/// Judges commands, wherever it takes to do so.
#[derive(Debug)]
pub struct Commands {
    setting: Setting,
    readers: Option<Readers>,
}

impl Commands {
    /// Judges tame text on the spot; wild text is opaque.
    pub fn tame_only(setting: Setting) -> Self {
        Self {
            setting,
            readers: None,
        }
    }

    /// Judges wild text in children of this program, which are started now.
    /// Must be called within a runtime.
    pub fn with_children(setting: Setting, place: Place) -> Self {
        Self {
            setting,
            readers: Some(Readers::new(place)),
        }
    }

    /// Waits until a child is there to be asked, where there are any.
    pub async fn ready(&self) {
        if let Some(readers) = &self.readers {
            readers.ready().await;
        }
    }

    /// What is known of the machine.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Judges shell text that would run in `folder`. Total: what can't be read,
    /// or not in time, is opaque.
    pub async fn judge(&self, text: &str, folder: Option<&str>) -> Verdict {
        let setting = Setting {
            folder: folder.map(str::to_owned).or(self.setting.folder.clone()),
            ..self.setting.clone()
        };
        if let Some(verdict) = judge_tame(text, &setting) {
            return verdict;
        }
        match &self.readers {
            Some(readers) => readers.read(text, &setting).await,
            None => None,
        }
        .unwrap_or_else(too_slow)
    }

    /// Answers one record of a batch.
    pub async fn answer(&self, question: &Question, reading: Reading) -> Answer {
        match reading {
            Reading::Message => hear(question),
            Reading::Command => {
                let verdict = self.judge(&question.command, question.cwd.as_deref());
                tell(question, verdict.await)
            }
        }
    }
}
