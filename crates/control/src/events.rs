//! The ledger as a stream of server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tollgate_ledger::{Cursor, Entry, Ledger};

use crate::Control;
use crate::answer::Refusal;
use crate::read::bad_query;

/// Followers at once. Each has a connection, a page of entries, and now and
/// then one of the ledger's few readers.
const MOST_FOLLOWERS: usize = 32;
/// Entries read at once, and held for one follower at most.
const PAGE: u32 = 64;
/// Bytes handed over at once; an entry is never split.
const CHUNK: usize = 32 << 10;
/// Silence ends connections on the way; a comment is none.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Longest time that a follower may leave its events unread. Shorter than
/// what the listener allows any client, so that it can still be told why.
const SLOWEST: Duration = Duration::from_secs(30);
/// When a browser comes back after the connection has ended.
const RETRY_MS: u32 = 2000;

/// The places for followers, and what ends them all.
#[derive(Clone, Debug)]
pub struct Followers {
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Followers {
    /// Followers until `stopping` says true or is gone.
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(MOST_FOLLOWERS)),
            stopping,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// A cursor; without one, what comes from now on.
    after: Option<u64>,
}

/// `GET /control/events`: every entry after a cursor, then each one as it is
/// committed. `Last-Event-ID` wins over `after`: a browser that comes back
/// still has the address it began with.
pub(crate) async fn follow(
    State(control): State<Arc<Control>>,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let committed = control.ledger.committed();
    let newest = *committed.borrow();
    let after = match last_event_id(&headers)?.or(query.after) {
        Some(after) if after > newest.0 => return Err(beyond(after, newest)),
        Some(after) => Cursor(after),
        None => newest,
    };
    let place = Arc::clone(&control.followers.places).try_acquire_owned();
    let place = place.map_err(|_| too_many())?;
    let feed = Feed {
        ledger: control.ledger.clone(),
        committed,
        stopping: control.followers.stopping.clone(),
        cursor: after,
        page: VecDeque::new(),
        handed_over: None,
        stage: Stage::Begin,
        heartbeat: HEARTBEAT,
        _place: place,
    };
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let body = Body::from_stream(futures_util::stream::unfold(feed, Feed::next));
    Ok((head, body).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let cursor = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    cursor.map(Some).ok_or_else(|| {
        Refusal::bad_request("`Last-Event-ID` is not a cursor")
            .hint("send the `id` of the last event, a whole number")
    })
}

/// Waiting for it would be waiting for ever.
fn beyond(after: u64, newest: Cursor) -> Refusal {
    Refusal::bad_request(format!(
        "found cursor {after}, expected at most {}, the newest entry's",
        newest.0
    ))
    .hint("another ledger than the one that it came from; begin with `after=0`")
}

fn too_many() -> Refusal {
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_followers",
        format!("{MOST_FOLLOWERS} follow the events already, expected fewer"),
    )
    .hint("end one of them; every one can be read by several")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Following,
    Ended,
}

/// What is kept for one follower: where it is, and at most a page of what
/// comes next. Nothing is read for it before it has taken what was read.
struct Feed {
    ledger: Ledger,
    committed: watch::Receiver<Cursor>,
    stopping: watch::Receiver<bool>,
    cursor: Cursor,
    page: VecDeque<Entry>,
    /// When it was last given something.
    handed_over: Option<Instant>,
    stage: Stage,
    heartbeat: Duration,
    _place: OwnedSemaphorePermit,
}

type Chunk = (Result<Bytes, Infallible>, Feed);

impl Feed {
    async fn next(mut self) -> Option<Chunk> {
        let text = match self.stage {
            Stage::Ended => return None,
            Stage::Begin => {
                self.stage = Stage::Following;
                // So that whoever loses the connection before the first event
                // still comes back to this place.
                format!("retry: {RETRY_MS}\nid: {}\n\n", self.cursor.0)
            }
            Stage::Following => self.following().await,
        };
        self.handed_over = Some(Instant::now());
        Some((Ok(text.into()), self))
    }

    async fn following(&mut self) -> String {
        let waited = self.handed_over.map_or(Duration::ZERO, |at| at.elapsed());
        if waited > SLOWEST {
            let seconds = waited.as_secs();
            return self.end("slow", format!("nothing was read for {seconds} s"));
        }
        loop {
            if *self.stopping.borrow() {
                return self.end("draining", "the gateway ends".to_owned());
            }
            if self.page.is_empty() {
                let read = self.ledger.committed_events(self.cursor, PAGE).await;
                match read {
                    Ok(page) => self.page = page.into(),
                    Err(error) => return self.end("ledger_unavailable", error.to_string()),
                }
            }
            if !self.page.is_empty() {
                return self.events();
            }
            match self.wait().await {
                // The next round sees what it is.
                Woken::News => {}
                Woken::Silence => return ": \n\n".to_owned(),
                Woken::LedgerGone => {
                    return self.end("ledger_unavailable", "the ledger is closed".to_owned());
                }
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let cursor = self.cursor;
        tokio::select! {
            biased;
            // That nobody is left to stop it is a stop as well.
            stopped = self.stopping.wait_for(|stopping| *stopping) => match stopped {
                Ok(_) => Woken::News,
                Err(_) => Woken::LedgerGone,
            },
            told = self.committed.wait_for(|newest| *newest > cursor) => match told {
                Ok(_) => Woken::News,
                Err(_) => Woken::LedgerGone,
            },
            () = tokio::time::sleep(self.heartbeat) => Woken::Silence,
        }
    }

    fn events(&mut self) -> String {
        let mut text = String::new();
        while text.len() < CHUNK
            && let Some(entry) = self.page.pop_front()
        {
            self.cursor = entry.cursor;
            // An entry was read from JSON and columns of text and numbers.
            let data = serde_json::to_string(&entry).unwrap_or_else(|_| "{}".to_owned());
            text.push_str(&format!("id: {}\ndata: {data}\n\n", self.cursor.0));
        }
        text
    }

    /// The last event, under a name of its own, so that no reader takes it for
    /// an entry.
    fn end(&mut self, reason: &'static str, message: String) -> String {
        self.stage = Stage::Ended;
        let data = json!({"reason": reason, "message": message, "cursor": self.cursor});
        format!("event: end\ndata: {data}\n\n")
    }
}

enum Woken {
    /// New entries, or a drain.
    News,
    Silence,
    LedgerGone,
}

#[cfg(test)]
mod tests;
