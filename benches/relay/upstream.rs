//! A provider that costs next to nothing: a fixed 1 KB chat answer at once,
//! or 200 events, one every 5 ms. Each event carries the time at which it was
//! sent, so that the client can tell how long it was under way.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

pub(crate) const EVENTS: usize = 200;
pub(crate) const PACE: Duration = Duration::from_millis(5);
/// Stands before the time in an event; 19 digits of nanoseconds follow.
pub(crate) const STAMP: &[u8] = b"\"content\":\"";
pub(crate) const STAMP_DIGITS: usize = 19;

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n";
const EVENT_START: &str = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
const EVENT_END: &str = "\"},\"finish_reason\":null}]}\n\n";
const LAST_EVENTS: [&str; 2] = [
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":200,\"total_tokens\":211}}\n\n",
];

pub(crate) async fn serve() -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    println!("listening on http://{}", listener.local_addr().unwrap());
    let answer: Arc<[u8]> = chat_answer().into();
    loop {
        let (socket, _) = listener.accept().await.map_err(|error| error.to_string())?;
        socket.set_nodelay(true).unwrap();
        tokio::spawn(converse(socket, Arc::clone(&answer)));
    }
}

/// Ends with the connection; what a peer's hanging up breaks off is nobody's loss.
async fn converse(mut socket: TcpStream, answer: Arc<[u8]>) -> Option<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let (head, end) = loop {
            if let Some(ends) = request_ends(&buffer) {
                break ends;
            }
            if socket.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let body = &buffer[head..end];
        if contains(body, b"\"stream\":true") {
            let usage = contains(body, b"\"include_usage\":true");
            stream(&mut socket, usage).await?;
        } else if buffer.starts_with(b"POST") {
            socket.write_all(&answer).await.ok()?;
        } else {
            socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await
                .ok()?;
        }
        buffer.drain(..end);
    }
}

/// Where head and body of the first request end, once all of it is there.
fn request_ends(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let length = std::str::from_utf8(&buffer[..head])
        .ok()?
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
    let end = head + length.unwrap_or(0);
    (buffer.len() >= end).then_some((head, end))
}

async fn stream(socket: &mut TcpStream, usage: bool) -> Option<()> {
    socket.write_all(STREAM_HEAD.as_bytes()).await.ok()?;
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut chunk = String::with_capacity(512);
    for _ in 0..EVENTS {
        ticks.tick().await;
        chunk.clear();
        let length = EVENT_START.len() + STAMP_DIGITS + EVENT_END.len();
        write!(
            chunk,
            "{length:x}\r\n{EVENT_START}{:019}{EVENT_END}\r\n",
            unix_nanos()
        )
        .unwrap();
        socket.write_all(chunk.as_bytes()).await.ok()?;
    }
    let [finish, counts] = LAST_EVENTS;
    let last = format!(
        "{finish}{}data: [DONE]\n\n",
        if usage { counts } else { "" }
    );
    let last = format!("{:x}\r\n{last}\r\n0\r\n\r\n", last.len());
    socket.write_all(last.as_bytes()).await.ok()
}

/// Since 1970, in nanoseconds: the one clock that two processes share.
pub(crate) fn unix_nanos() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos()
}

fn chat_answer() -> Vec<u8> {
    let text = "All work and no play. ".repeat(32);
    let body = format!(
        "{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":11,\"completion_tokens\":160,\"total_tokens\":171}}}}"
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
