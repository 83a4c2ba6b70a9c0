//! Writes HTTP/1.1, right or wrong, and counts what the peer took.

use crate::received::Log;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

pub(super) struct Pen<'l, W> {
    writer: W,
    log: &'l Log,
}

impl<'l, W: AsyncWrite + Unpin> Pen<'l, W> {
    pub(super) fn new(writer: W, log: &'l Log) -> Self {
        Self { writer, log }
    }

    pub(super) async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await?;
        // TLS holds records back until told
        self.writer.flush().await?;
        self.log
            .count(|counts| counts.sent_bytes += bytes.len() as u64);
        Ok(())
    }

    /// Head and body in one write.
    pub(super) async fn whole(
        &mut self,
        status: u16,
        content_type: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut answer = head(status, content_type, headers);
        answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        answer.extend_from_slice(body);
        self.raw(&answer).await
    }

    pub(super) async fn stream_head(&mut self, content_type: &str) -> io::Result<()> {
        let headers = [
            ("cache-control", "no-cache".to_owned()),
            ("transfer-encoding", "chunked".to_owned()),
        ];
        let mut answer = head(200, content_type, &headers);
        answer.extend_from_slice(b"\r\n");
        self.raw(&answer).await
    }

    /// One HTTP chunk in one write.
    pub(super) async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.raw(&framed).await
    }

    pub(super) async fn last_chunk(&mut self) -> io::Result<()> {
        self.raw(b"0\r\n\r\n").await
    }
}

/// Status line and headers, without the blank line.
pub(super) fn head(status: u16, content_type: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status} Fake\r\ncontent-type: {content_type}\r\nx-request-id: req_fake\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.into_bytes()
}
