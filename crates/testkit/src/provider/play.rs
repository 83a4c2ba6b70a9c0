//! Plays one script for one request.

use super::Shared;
use super::pen::{Pen, head};
use super::refusal::refusal;
use crate::received::Received;
use crate::script::Script;
use crate::wire::{Ask, Parts, Saying, Wire};
use bytes::Bytes;
use std::io;
use tokio::io::AsyncWrite;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finish {
    KeepAlive,
    Close,
    Reset,
    /// The peer left before the script was over.
    HungUp,
}

/// An error means that the peer is gone.
pub(super) async fn play<W: AsyncWrite + Unpin>(
    shared: &Shared,
    request: &Received,
    mut script: Script,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    while let Script::After(gate, inner) = script {
        gate.pass().await;
        script = *inner;
    }
    let wire = shared.wire.asked_by(request);
    if let Some(refusal) = refusal(wire, request, &script) {
        pen.whole(
            refusal.status,
            "application/json",
            &refusal.headers,
            &refusal.body,
        )
        .await?;
        return Ok(Finish::KeepAlive);
    }
    match script {
        Script::Text { .. } if wire.ask(request) == Ask::Models => {
            pen.whole(200, "application/json", &[], &wire.models(&shared.models))
                .await?;
            Ok(Finish::KeepAlive)
        }
        Script::Text { words } => say(wire, request, Saying::Words(words), pen).await,
        Script::ToolCalls => say(wire, request, Saying::ToolCalls, pen).await,
        Script::Thinking => say(wire, request, Saying::Thinking, pen).await,
        Script::Timeout => std::future::pending().await,
        Script::ResetBeforeFirstByte => Ok(Finish::Reset),
        Script::NotJson => {
            pen.whole(
                200,
                "text/html",
                &[],
                b"<html><body>Bad gateway, says the load balancer</body></html>",
            )
            .await?;
            Ok(Finish::KeepAlive)
        }
        Script::WrongLength => wrong_length(wire, request, pen).await,
        Script::EndlessHeaders { mib } => endless_headers(mib, pen).await,
        Script::Redirect { location } => {
            pen.whole(302, "text/plain", &[("location", location)], b"moved")
                .await?;
            Ok(Finish::KeepAlive)
        }
        Script::ErrorIn200 if !request.wants_stream() => {
            let body = wire.error_in_200(&request.model());
            pen.whole(200, "application/json", &[], &body).await?;
            Ok(Finish::KeepAlive)
        }
        Script::Whole {
            status,
            content_type,
            body,
        } => {
            pen.whole(status, content_type, &[], &body).await?;
            Ok(Finish::KeepAlive)
        }
        Script::Raw(bytes) => {
            pen.raw(&bytes).await?;
            Ok(Finish::Close)
        }
        stream => play_stream(wire, request, stream, pen).await,
    }
}

async fn say<W: AsyncWrite + Unpin>(
    wire: Wire,
    request: &Received,
    saying: Saying,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    if request.wants_stream() {
        pen.stream_head(wire.stream_type()).await?;
        let parts = wire.stream(request, saying, true);
        let count = parts.content.len();
        begin(&parts, count, pen).await?;
        return end(&parts, pen).await;
    }
    pen.whole(200, "application/json", &[], &wire.whole(request, saying))
        .await?;
    Ok(Finish::KeepAlive)
}

/// The scripts that answer 200 with an event stream.
async fn play_stream<W: AsyncWrite + Unpin>(
    wire: Wire,
    request: &Received,
    script: Script,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    pen.stream_head(wire.stream_type()).await?;
    let parts = |events| wire.stream(request, Saying::Words(events), true);
    match script {
        Script::Stream { events, gate } => {
            let parts = parts(events);
            for index in 0..events {
                if let Some(gate) = &gate {
                    gate.pass().await;
                }
                content(&parts, index, pen).await?;
            }
            if let Some(gate) = &gate {
                gate.pass().await;
            }
            return end(&parts, pen).await;
        }
        Script::StreamWithoutUsage { events } => {
            let parts = wire.stream(request, Saying::Words(events), false);
            begin(&parts, events, pen).await?;
            return end(&parts, pen).await;
        }
        Script::ResetAfterHeaders => return Ok(Finish::Reset),
        Script::ResetAfterFirstEvent => {
            begin(&parts(1), 1, pen).await?;
            return Ok(Finish::Reset);
        }
        Script::Cut { events } => {
            begin(&parts(events), events, pen).await?;
        }
        Script::CutMidEvent => {
            let parts = parts(2);
            begin(&parts, 1, pen).await?;
            pen.chunk(&parts.content[1][..parts.content[1].len() / 2])
                .await?;
            return Ok(Finish::Close);
        }
        Script::Stall { events, gate } => {
            let parts = parts(events);
            begin(&parts, events, pen).await?;
            gate.pass().await;
            return end(&parts, pen).await;
        }
        Script::BadChunk => {
            return odd_event(wire, request, br#"{"choices":[{"delta":}]}"#, pen).await;
        }
        Script::InvalidUtf8 => {
            let data = [
                wire.content_prefix().as_bytes(),
                b"\xff\xfe\xc3(",
                wire.content_suffix().as_bytes(),
            ]
            .concat();
            return odd_event(wire, request, &data, pen).await;
        }
        Script::BadChunkEncoding => {
            begin(&parts(1), 1, pen).await?;
            pen.raw(b"no-length-at-all\r\ndata: {}\n\n\r\n").await?;
            return Ok(Finish::Close);
        }
        Script::ErrorIn200 => chunks(&wire.error_event(true), pen).await?,
        Script::ErrorAfterFirstEvent => {
            begin(&parts(1), 1, pen).await?;
            chunks(&wire.error_event(false), pen).await?;
        }
        Script::HugeLine { mib } => return huge_line(wire, mib, pen).await,
        Script::Chunks(list) => chunks(&list, pen).await?,
        other => unreachable!("{other:?} is not a stream"),
    }
    pen.last_chunk().await?;
    Ok(Finish::KeepAlive)
}

/// The opening and the first `count` content events.
async fn begin<W: AsyncWrite + Unpin>(
    parts: &Parts,
    count: usize,
    pen: &mut Pen<'_, W>,
) -> io::Result<()> {
    for index in 0..count {
        content(parts, index, pen).await?;
    }
    Ok(())
}

async fn content<W: AsyncWrite + Unpin>(
    parts: &Parts,
    index: usize,
    pen: &mut Pen<'_, W>,
) -> io::Result<()> {
    if index == 0 {
        chunks(&parts.opening, pen).await?;
    }
    pen.chunk(&parts.content[index]).await
}

async fn end<W: AsyncWrite + Unpin>(parts: &Parts, pen: &mut Pen<'_, W>) -> io::Result<Finish> {
    if parts.content.is_empty() {
        chunks(&parts.opening, pen).await?;
    }
    chunks(&parts.ending, pen).await?;
    pen.last_chunk().await?;
    Ok(Finish::KeepAlive)
}

async fn chunks<W: AsyncWrite + Unpin>(list: &[Bytes], pen: &mut Pen<'_, W>) -> io::Result<()> {
    for bytes in list {
        pen.chunk(bytes).await?;
    }
    Ok(())
}

/// A good event, one with `data`, and a proper ending.
async fn odd_event<W: AsyncWrite + Unpin>(
    wire: Wire,
    request: &Received,
    data: &[u8],
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    let parts = wire.stream(request, Saying::Words(1), true);
    begin(&parts, 1, pen).await?;
    pen.chunk(&wire.content_event(data, false)).await?;
    end(&parts, pen).await
}

async fn wrong_length<W: AsyncWrite + Unpin>(
    wire: Wire,
    request: &Received,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    let body = wire.whole(request, Saying::Words(5));
    let mut answer = head(
        200,
        "application/json",
        &[("content-length", (body.len() + 100).to_string())],
    );
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&body);
    pen.raw(&answer).await?;
    Ok(Finish::Close)
}

async fn endless_headers<W: AsyncWrite + Unpin>(
    mib: usize,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    pen.raw(&head(200, "application/json", &[])).await?;
    let lines = format!("x-flood: {}\r\n", "f".repeat(1013)).repeat(64);
    for _ in 0..mib * 16 {
        pen.raw(lines.as_bytes()).await?;
    }
    Ok(Finish::Close)
}

async fn huge_line<W: AsyncWrite + Unpin>(
    wire: Wire,
    mib: usize,
    pen: &mut Pen<'_, W>,
) -> io::Result<Finish> {
    let mut event = wire
        .content_event(wire.content_prefix().as_bytes(), true)
        .to_vec();
    event.truncate(event.trim_ascii_end().len());
    pen.chunk(&event).await?;
    let filler = vec![b'a'; 1 << 16];
    for _ in 0..mib * 16 {
        pen.chunk(&filler).await?;
    }
    Ok(Finish::Close)
}
