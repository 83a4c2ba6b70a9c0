use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tollgate_scan::{Answer, Asked, Opinion, OpinionFault, SecondOpinion, Verdict};

use crate::upstream::{Connector, Target, post_json};

/// Longest answer, in bytes.
const LONGEST: usize = 64 << 10;

/// A scanner behind HTTP: `POST {url}/scan` with `{"url","content","context"}`
/// answers `{"verdict":"clean|review|unsafe","reason"?}`.
pub struct Remote {
    target: Arc<Target>,
    connector: Connector,
    fails_closed: bool,
    limit: Duration,
}

#[derive(Deserialize)]
struct Said {
    verdict: String,
    reason: Option<String>,
}

impl Remote {
    /// A scanner at a base URL, asked for at most `limit`.
    pub fn new(target: Target, fails_closed: bool, limit: Duration) -> Self {
        Self {
            target: Arc::new(target),
            connector: Connector::default(),
            fails_closed,
            limit,
        }
    }

    async fn ask(&self, asked: &Asked<'_>) -> Result<Opinion, String> {
        let body = json!({
            "url": asked.url.unwrap_or_default(),
            "content": asked.content,
            "context": asked.context.as_str(),
        });
        let body = body.to_string().into();
        let answer = post_json(&self.connector, &self.target, "/scan", body, LONGEST);
        let answer = tokio::time::timeout(self.limit, answer).await;
        let late = |_| format!("no answer in {} s", self.limit.as_secs_f32());
        let answer = answer.map_err(late)??;
        // Its own words could repeat the text, so they are not shown.
        let said: Said = serde_json::from_slice(&answer)
            .map_err(|_| "its answer is no verdict, expected {\"verdict\":…}".to_owned())?;
        let verdict = match said.verdict.as_str() {
            "clean" => Verdict::Clean,
            "review" => Verdict::Review,
            "unsafe" => Verdict::Unsafe,
            _ => return Err("its verdict is none, expected clean, review or unsafe".to_owned()),
        };
        Ok(Opinion {
            verdict,
            reason: said.reason,
        })
    }
}

impl SecondOpinion for Remote {
    fn name(&self) -> &str {
        "remote"
    }

    fn fails_closed(&self) -> bool {
        self.fails_closed
    }

    /// Waits for the network: called where waiting is allowed.
    fn scan(&self, asked: &Asked<'_>) -> Answer {
        let said = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.block_on(self.ask(asked)),
            Err(_) => Err("there is no runtime to ask it on".to_owned()),
        };
        said.map_err(|what| OpinionFault {
            name: format!("remote scanner {}", self.target.authority()),
            what,
        })
    }
}
