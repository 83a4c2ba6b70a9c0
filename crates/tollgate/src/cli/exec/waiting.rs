//! What is said while a person is asked.

use std::time::Duration;

use tokio::time::Instant;
use tollgate_api::{ExecAnswer, ExecOutcome};

use crate::cli::screen::Screen;

/// Tells of a question on standard error: standard output is the command's.
#[derive(Debug)]
pub(super) struct Waiting {
    json: bool,
    /// What is waited for, and until when.
    stands: Option<(String, Instant)>,
}

impl Waiting {
    pub(super) const fn new(json: bool) -> Self {
        Self { json, stands: None }
    }

    /// It waits, or it waits at another tier now.
    pub(super) fn changed(&mut self, answer: &ExecAnswer, screen: &mut Screen) {
        if self.json {
            let line = serde_json::to_string(answer).unwrap_or_default();
            screen.aside(&line);
            return;
        }
        let ExecOutcome::Pending {
            approval_id,
            tier,
            reason,
            timeout_ms,
            ..
        } = &answer.outcome
        else {
            self.stands = None;
            return screen.progress("");
        };
        let time = Duration::from_millis(*timeout_ms);
        let seconds = time.as_secs_f32().ceil();
        screen.progress("");
        screen.note(&format!("{tier}: {reason}"));
        screen.note(&format!(
            "waits for a person, {seconds} s left at {tier}: {approval_id}"
        ));
        if self.stands.is_none() {
            screen.note(&format!(
                "answer elsewhere: tollgate approvals show {approval_id}"
            ));
        }
        self.stands = Some((tier.to_string(), Instant::now() + time));
    }

    /// Comes once a second for as long as a person is waited for.
    pub(super) async fn second(&self) {
        match &self.stands {
            Some(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            None => std::future::pending().await,
        }
    }

    /// The time that is left, where somebody looks.
    pub(super) fn tick(&self, screen: &mut Screen) {
        if let Some((tier, until)) = &self.stands {
            let left = until
                .saturating_duration_since(Instant::now())
                .as_secs_f32()
                .ceil();
            screen.progress(&format!("tollgate: {left} s left at {tier} "));
        }
    }
}
