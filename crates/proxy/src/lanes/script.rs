use tollgate_policy::{ScanInput, ScanScript};
use tollgate_scan::{Answer, Asked, Opinion, OpinionFault, SecondOpinion, Verdict};

/// An operator's script with `scan(input)`.
pub struct Script {
    script: ScanScript,
    fails_closed: bool,
}

impl Script {
    /// A script that was loaded.
    pub fn new(script: ScanScript, fails_closed: bool) -> Self {
        Self {
            script,
            fails_closed,
        }
    }
}

impl SecondOpinion for Script {
    fn name(&self) -> &str {
        self.script.name()
    }

    fn fails_closed(&self) -> bool {
        self.fails_closed
    }

    fn scan(&self, asked: &Asked<'_>) -> Answer {
        let said = self.script.scan(&ScanInput {
            url: asked.url.unwrap_or_default(),
            content: asked.content,
            context: asked.context.as_str(),
            discussion_ratio_threshold: f64::from(asked.profile.discussion_ratio()),
            min_signals_for_ratio: asked.profile.min_signals_for_ratio(),
        });
        let fault = |what| OpinionFault {
            name: self.script.name().to_owned(),
            what,
        };
        let said = said.map_err(fault)?;
        let verdict = match said.verdict.as_str() {
            "unsafe" => Verdict::Unsafe,
            "review" => Verdict::Review,
            _ => Verdict::Clean,
        };
        Ok(Opinion {
            verdict,
            reason: said.reason,
        })
    }
}
