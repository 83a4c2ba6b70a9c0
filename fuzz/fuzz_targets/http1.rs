#![no_main]
//! Heads and bodies of HTTP/1.1: however the bytes are cut, the answer is the same.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tollgate_http1::{HeadReader, Piece};

/// Status, body and whether it ended well; none where the bytes are no answer.
fn read(bytes: &[u8], step: usize) -> Option<(u16, Vec<u8>, bool)> {
    let (mut reader, mut buffer) = (HeadReader::default(), BytesMut::new());
    let mut parts = bytes.chunks(step.max(1));
    let mut head = loop {
        buffer.extend_from_slice(parts.next()?);
        if let Some(head) = reader.read(&mut buffer, false).ok()? {
            break head;
        }
    };
    let mut all = Vec::new();
    let ended = loop {
        match head.body.next(&mut buffer) {
            Ok(Piece::Data(data)) => all.extend_from_slice(&data),
            Ok(Piece::End) => break true,
            Ok(Piece::Missing) => match parts.next() {
                Some(part) => buffer.extend_from_slice(part),
                None => break head.body.closed().is_ok(),
            },
            Err(_) => break false,
        }
    };
    Some((head.status.as_u16(), all, ended))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    // Limits count what is there, so a whole may be refused that parts are not.
    if bytes.len() < 4096 {
        assert_eq!(read(bytes, usize::from(step)), read(bytes, bytes.len()));
    }
});
