use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::conversation::Incoming;
use crate::memory::{BodyMemory, MemoryHold};
use crate::snapshot::Limits;

/// A request body, read whole, with the memory that it holds.
pub(crate) struct Intake {
    pub(crate) bytes: Bytes,
    pub(crate) hold: MemoryHold,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum IntakeFault {
    #[error("request body has more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("request bodies in flight have reached {limit} bytes")]
    MemoryFull { limit: usize },
    #[error("request body was silent for {seconds} s")]
    Silent { seconds: u64 },
    #[error("request body broke off after {received} bytes")]
    Broken { received: usize },
}

/// Reads the body within the request's limit and the budget for all bodies.
///
/// A body that says its length is refused before a byte of it is read; one
/// that comes in a single piece is taken as it is, without a copy.
pub(crate) async fn read_body(
    mut body: Incoming,
    limits: &Limits,
    memory: &Arc<BodyMemory>,
) -> Result<Intake, IntakeFault> {
    let announced = body.size_hint().lower();
    if announced > limits.body_bytes as u64 {
        return Err(IntakeFault::TooLarge {
            limit: limits.body_bytes,
        });
    }
    let full = || IntakeFault::MemoryFull {
        limit: limits.bodies_in_flight_bytes,
    };
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    let mut hold = memory
        .take(announced, limits.bodies_in_flight_bytes)
        .ok_or_else(full)?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut received = 0;
    while let Some(data) = next_data(&mut body, limits, received).await? {
        received += data.len();
        if received > limits.body_bytes {
            return Err(IntakeFault::TooLarge {
                limit: limits.body_bytes,
            });
        }
        let beyond = received.saturating_sub(announced).min(data.len());
        if beyond > 0 && !hold.grow(beyond, limits.bodies_in_flight_bytes) {
            return Err(full());
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(announced.max(received));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    let bytes = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok(Intake { bytes, hold })
}

async fn next_data(
    body: &mut Incoming,
    limits: &Limits,
    received: usize,
) -> Result<Option<Bytes>, IntakeFault> {
    if body.is_end_stream() {
        return Ok(None);
    }
    loop {
        let frame = tokio::time::timeout(limits.body_idle, body.frame())
            .await
            .map_err(|_| IntakeFault::Silent {
                seconds: limits.body_idle.as_secs(),
            })?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(IntakeFault::Broken { received }),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
