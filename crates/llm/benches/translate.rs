//! What a translation costs above the fast path, for the promises in
//! `docs/performance.md`: an answer of 1 KB at most 15 µs, an event of a stream
//! at most 1 µs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what it measures"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use tollgate_llm::{
    AnswerFrame, Endpoint, Framing, StreamTap, TapOptions, Translator, read_answer,
    translate_answer,
};
use tollgate_types::RequestId;

const ROUNDS: u32 = 20_000;

fn main() {
    for (from, to) in [
        (Endpoint::ChatCompletions, Endpoint::Messages),
        (Endpoint::Messages, Endpoint::ChatCompletions),
        (Endpoint::StreamGenerateContent, Endpoint::ChatCompletions),
        (Endpoint::Messages, Endpoint::Responses),
        (Endpoint::Responses, Endpoint::Messages),
        (Endpoint::Responses, Endpoint::ChatCompletions),
    ] {
        answer(from, to);
        stream(from, to);
    }
}

fn answer(from: Endpoint, to: Endpoint) {
    let text = "word ".repeat(200);
    let body = match from {
        Endpoint::Messages => format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":3,"output_tokens":200}}}}"#
        ),
        Endpoint::ChatCompletions => format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":200,"total_tokens":203}}}}"#
        ),
        Endpoint::Responses => format!(
            r#"{{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{{"id":"msg_1","type":"message","role":"assistant","content":[{{"type":"output_text","text":"{text}","annotations":[]}}]}}],"usage":{{"input_tokens":3,"output_tokens":200,"total_tokens":203}}}}"#
        ),
        _ => format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}],"role":"model"}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":3,"candidatesTokenCount":200,"totalTokenCount":203}},"modelVersion":"m"}}"#
        ),
    };
    let plain = time(|| {
        black_box(read_answer(from, black_box(body.as_bytes())).unwrap());
    });
    let whole = time(|| {
        black_box(translate_answer(from, to, black_box(body.as_bytes()), &frame()).unwrap());
    });
    report("answer of 1 KB", from, to, plain, whole);
}

fn stream(from: Endpoint, to: Endpoint) {
    let event = Bytes::from(match from {
        Endpoint::Messages => {
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n"
        }
        Endpoint::ChatCompletions => {
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n"
        }
        Endpoint::Responses => {
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":7,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" word\",\"logprobs\":[]}\n\n"
        }
        _ => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" word\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\"}\r\n\r\n"
        }
    });
    let mut tap = StreamTap::new(from, TapOptions::default());
    let plain = time(|| {
        black_box(tap.push(event.clone()));
    });
    let mut translator = Translator::new(from, to, Framing::Events, frame());
    let whole = time(|| {
        black_box(translator.push(event.clone()));
    });
    report("event", from, to, plain, whole);
}

fn time(mut work: impl FnMut()) -> f64 {
    let best = (0..5).map(|_| {
        let began = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        began.elapsed().as_secs_f64() / f64::from(ROUNDS)
    });
    best.fold(f64::INFINITY, f64::min) * 1e6
}

fn report(what: &str, from: Endpoint, to: Endpoint, plain: f64, whole: f64) {
    let above = whole - plain;
    println!("{what:15} {from:?} -> {to:?}: {whole:.2} µs, {above:.2} µs above the fast path");
}

fn frame() -> AnswerFrame {
    AnswerFrame {
        request: RequestId::from_bytes([7; 16]),
        created: 1,
        model: "m".to_owned(),
        rename: false,
        usage_asked: true,
    }
}
