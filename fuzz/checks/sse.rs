//! What must hold of any stream in any chunks. Runs under the fuzzer and, so
//! that it is exercised on a stable compiler, in the tests of `tollgate-llm`.

use bytes::Bytes;
use tollgate_llm::{Endpoint, StreamFault, StreamTap, TapOptions};

#[derive(Debug, PartialEq)]
struct Outcome {
    out: Vec<u8>,
    fault: Option<StreamFault>,
    usage: Option<String>,
    output_bytes: u64,
    finished: bool,
}

/// The first byte chooses endpoint and options, the next eight the chunks'
/// sizes, the rest is the stream.
pub(crate) fn check(input: &[u8]) {
    let Some((head, stream)) = input.split_at_checked(9) else {
        return;
    };
    let endpoint = match head[0] & 3 {
        0 => Endpoint::ChatCompletions,
        1 => Endpoint::Completions,
        _ => Endpoint::Messages,
    };
    let strip_usage = head[0] & 4 != 0;
    let whole = run(endpoint, strip_usage, stream, &[u8::MAX]);
    let torn = run(endpoint, strip_usage, stream, &head[1..]);
    let single = run(endpoint, strip_usage, stream, &[0]);
    assert_eq!(whole, torn);
    assert_eq!(whole, single);
    if whole.fault.is_none() {
        assert!(whole.finished, "a clean end without a terminator");
    }
    if !strip_usage {
        // What is added at most: the end of the last event.
        let pairs = whole.out.iter().zip(stream);
        let same = pairs.take_while(|(out, came)| out == came).count();
        let added = &whole.out[same..];
        assert!(b"\n\n".starts_with(added), "bytes were changed");
    }
    assert!(whole.out.len() <= stream.len() + 2);
}

fn run(endpoint: Endpoint, strip_usage: bool, stream: &[u8], sizes: &[u8]) -> Outcome {
    let mut tap = StreamTap::new(endpoint, TapOptions { strip_usage });
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
    Outcome {
        out,
        fault,
        usage: tap.usage().map(|usage| format!("{usage:?}")),
        output_bytes: tap.output_bytes(),
        finished: tap.is_finished(),
    }
}
