//! The client: a number of keep-alive connections, each sending its next
//! request when the last answer is complete. Prints one line of JSON.

use crate::upstream::{EVENTS, STAMP, STAMP_DIGITS, unix_nanos};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No answer takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Load {
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) connections: usize,
    /// Over all connections.
    pub(crate) requests: usize,
    pub(crate) stream: bool,
}

/// Nanoseconds; bounded by the number of requests, so nothing has to be
/// rounded into buckets.
#[derive(Default)]
struct Samples {
    answers: Vec<u64>,
    /// From an event's being sent to its being read.
    events: Vec<u64>,
}

impl Load {
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let [address, key, connections, requests, kind] = arguments else {
            return Err("load wants: ADDRESS KEY CONNECTIONS REQUESTS chat|stream".to_owned());
        };
        let number = |text: &str| {
            text.parse::<usize>()
                .map_err(|error| format!("`{text}`: {error}"))
        };
        Ok(Self {
            address: address.clone(),
            key: key.clone(),
            connections: number(connections)?,
            requests: number(requests)?,
            stream: kind == "stream",
        })
    }

    pub(crate) fn to_arguments(&self) -> [String; 6] {
        let kind = if self.stream { "stream" } else { "chat" };
        let [connections, requests] =
            [self.connections, self.requests].map(|number| number.to_string());
        [
            "load".to_owned(),
            self.address.clone(),
            self.key.clone(),
            connections,
            requests,
            kind.to_owned(),
        ]
    }

    pub(crate) async fn run(self) -> Result<(), String> {
        let request: Arc<[u8]> = self.request().into();
        let samples = Arc::new(Mutex::new(Samples::default()));
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..self.connections {
            let (address, request) = (self.address.clone(), Arc::clone(&request));
            let (samples, share) = (Arc::clone(&samples), self.requests / self.connections);
            tasks.spawn(async move { converse(&address, &request, share, &samples).await });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| error.to_string())??;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let mut samples = std::mem::take(&mut *samples.lock().unwrap());
        let count = samples.answers.len();
        if self.stream && samples.events.len() != count * EVENTS {
            return Err(format!(
                "found {} events in {count} streams, expected {EVENTS} each",
                samples.events.len()
            ));
        }
        let line = json!({
            "requests": count, "per_second": count as f64 / seconds,
            "p50": quantile(&mut samples.answers, 0.5), "p99": quantile(&mut samples.answers, 0.99),
            "event_p50": quantile(&mut samples.events, 0.5), "event_p99": quantile(&mut samples.events, 0.99),
        });
        println!("{line}");
        Ok(())
    }

    fn request(&self) -> Vec<u8> {
        let stream = if self.stream { ",\"stream\":true" } else { "" };
        let text = "Tell me about the sea. ".repeat(8);
        let body = format!(
            "{{\"model\":\"bench\"{stream},\"messages\":[{{\"role\":\"system\",\"content\":\"You are terse.\"}},{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
        );
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: bench/1\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        [head, body].concat().into_bytes()
    }
}

async fn converse(
    address: &str,
    request: &[u8],
    count: usize,
    samples: &Mutex<Samples>,
) -> Result<(), String> {
    let mut socket = TcpStream::connect(address)
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    socket.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(128 << 10);
    let mut ours = Samples::default();
    for _ in 0..count {
        buffer.clear();
        let begun = Instant::now();
        let exchange = exchange(&mut socket, request, &mut buffer, &mut ours.events);
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| format!("{address}: no answer in {PATIENCE:?}"))??;
        ours.answers
            .push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
    }
    let mut all = samples.lock().unwrap();
    all.answers.append(&mut ours.answers);
    all.events.append(&mut ours.events);
    Ok(())
}

async fn exchange(
    socket: &mut TcpStream,
    request: &[u8],
    buffer: &mut Vec<u8>,
    events: &mut Vec<u64>,
) -> Result<(), String> {
    socket
        .write_all(request)
        .await
        .map_err(|error| error.to_string())?;
    let mut scanned = 0;
    let mut body = None;
    loop {
        match socket.read_buf(buffer).await {
            Ok(0) => {
                return Err(format!(
                    "the answer ended early: {}",
                    String::from_utf8_lossy(buffer)
                ));
            }
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        if body.is_none() {
            body = Body::after_head(buffer)?;
        }
        match body {
            None => {}
            Some(Body::Until(end)) if buffer.len() >= end => return Ok(()),
            Some(Body::Until(_)) => {}
            Some(Body::Chunked) => {
                scanned = read_stamps(buffer, scanned, events);
                if buffer.ends_with(b"\r\n0\r\n\r\n") {
                    return Ok(());
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Body {
    Until(usize),
    Chunked,
}

impl Body {
    fn after_head(buffer: &[u8]) -> Result<Option<Self>, String> {
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = head + 4;
        if !buffer.starts_with(b"HTTP/1.1 200") {
            return Err(format!(
                "found {}, expected a 200",
                String::from_utf8_lossy(buffer)
            ));
        }
        let text = String::from_utf8_lossy(&buffer[..head]);
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        Ok(Some(length.map_or(Self::Chunked, |length| {
            Self::Until(head + length)
        })))
    }
}

/// Reads the times in events that have come whole; returns up to where.
fn read_stamps(buffer: &[u8], from: usize, events: &mut Vec<u64>) -> usize {
    let mut scanned = from;
    let now = unix_nanos();
    while let Some(place) = buffer[scanned..]
        .windows(STAMP.len())
        .position(|window| window == STAMP)
    {
        let digits = scanned + place + STAMP.len();
        let Some(stamp) = buffer.get(digits..digits + STAMP_DIGITS) else {
            return scanned + place;
        };
        if let Some(sent) = std::str::from_utf8(stamp)
            .ok()
            .and_then(|text| text.parse::<u128>().ok())
        {
            events.push(u64::try_from(now.saturating_sub(sent)).unwrap());
        }
        scanned = digits;
    }
    // a stamp's name may still be half there
    buffer.len().saturating_sub(STAMP.len()).max(scanned)
}

fn quantile(samples: &mut [u64], share: f64) -> u64 {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    samples
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(0)
}
