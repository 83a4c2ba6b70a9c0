//! What must hold of any stream in any chunks. Runs under the fuzzer and, so
//! that it is exercised on a stable compiler, in the tests of `tollgate-llm`.

use bytes::Bytes;
use serde_json::value::RawValue;
use tollgate_llm::{CallerError, Endpoint, Framing, StreamFault, StreamTap, TapOptions};
use tollgate_types::{ReasonCode, RequestId};

#[derive(Debug, PartialEq)]
struct Outcome {
    out: Vec<u8>,
    fault: Option<StreamFault>,
    usage: Option<String>,
    output_bytes: u64,
    finished: bool,
    /// What the gateway adds where the stream failed.
    error_end: Vec<u8>,
}

/// The first byte chooses endpoint and options, the next eight the chunks'
/// sizes, the rest is the stream.
pub(crate) fn check(input: &[u8]) {
    let Some((head, stream)) = input.split_at_checked(9) else {
        return;
    };
    let (endpoint, framing) = match head[0] & 7 {
        0 => (Endpoint::ChatCompletions, Framing::Events),
        1 => (Endpoint::Completions, Framing::Events),
        2 => (Endpoint::Responses, Framing::Events),
        3 => (Endpoint::StreamGenerateContent, Framing::Events),
        4 | 5 => (Endpoint::StreamGenerateContent, Framing::Array),
        _ => (Endpoint::Messages, Framing::Events),
    };
    let strip_usage = head[0] & 8 != 0;
    let options = TapOptions {
        strip_usage,
        framing,
    };
    let whole = run(endpoint, options, stream, &[u8::MAX]);
    let torn = run(endpoint, options, stream, &head[1..]);
    let single = run(endpoint, options, stream, &[0]);
    assert_eq!(whole, torn);
    assert_eq!(whole, single);
    if whole.fault.is_none() {
        assert!(whole.finished, "a clean end without a terminator");
    }
    if framing == Framing::Array {
        let ended = [&whole.out[..], &whole.error_end].concat();
        let read = serde_json::from_slice::<&RawValue>(&ended);
        assert!(
            read.is_ok(),
            "not JSON: {:?}",
            String::from_utf8_lossy(&ended)
        );
    }
    if !strip_usage {
        // What is added at most: the end of the last event.
        let pairs = whole.out.iter().zip(stream);
        let same = pairs.take_while(|(out, came)| out == came).count();
        let added = &whole.out[same..];
        let end: &[u8] = match framing {
            Framing::Events => b"\n\n",
            Framing::Array => b"\n]\n",
        };
        let is_end = (0..=end.len()).any(|from| end[from..] == *added);
        assert!(is_end || end.starts_with(added), "bytes were changed");
    }
    assert!(whole.out.len() <= stream.len() + 3);
}

fn run(endpoint: Endpoint, options: TapOptions, stream: &[u8], sizes: &[u8]) -> Outcome {
    let mut tap = StreamTap::new(endpoint, options);
    let mut out = Vec::new();
    let mut fault = None;
    let mut rest = Bytes::copy_from_slice(stream);
    for size in sizes.iter().cycle() {
        if rest.is_empty() || fault.is_some() {
            break;
        }
        let size = if *size == u8::MAX {
            rest.len()
        } else {
            usize::from(*size) + 1
        };
        let forward = tap.push(rest.split_to(size.min(rest.len())));
        out.extend(forward.bytes.concat());
        fault = forward.fault;
    }
    if fault.is_none() {
        let forward = tap.end();
        out.extend(forward.bytes.concat());
        fault = forward.fault;
    }
    let told = matches!(fault, Some(StreamFault::ErrorEvent { .. }));
    let error_end = match fault.is_some() && !told {
        true => tap.error_end(&error()).to_vec(),
        false => Vec::new(),
    };
    Outcome {
        out,
        fault,
        usage: tap.usage().map(|usage| format!("{usage:?}")),
        output_bytes: tap.output_bytes(),
        finished: tap.is_finished(),
        error_end,
    }
}

fn error() -> CallerError<'static> {
    CallerError {
        status: 502,
        reason: ReasonCode::UpstreamCut,
        message: "cut",
        hint: None,
        param: None,
        request: RequestId::from_bytes([7; 16]),
    }
}
