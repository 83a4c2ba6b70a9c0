//! What holds of any translation.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_llm::{Edits, Endpoint, Strictness, read_request, read_request_at, translate_request};

use crate::translation;

const ALL: [(Endpoint, &str); 4] = [
    (Endpoint::ChatCompletions, "chat"),
    (Endpoint::Messages, "messages"),
    (Endpoint::StreamGenerateContent, "gemini"),
    (Endpoint::Responses, "responses"),
];

/// The bodies of all golden cases of a dialect: good material to break.
fn bodies(dialect: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/translate");
    let cases = fs::read_dir(root.join(dialect)).unwrap();
    let files = cases.flat_map(|case| {
        let case = case.unwrap().path();
        ["request.json", "response.json", "stream.sse"].map(|file| fs::read(case.join(file)))
    });
    files.flatten().collect()
}

#[derive(Clone, Debug)]
enum Harm {
    Cut(prop::sample::Index),
    Swap(prop::sample::Index, u8),
    Drop(prop::sample::Index, u8),
    Twice(prop::sample::Index, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<prop::sample::Index>();
    let byte = prop::sample::select(b"{}[]\":,\\0nt \r\n\xff".to_vec());
    prop_oneof![
        at.clone().prop_map(Harm::Cut),
        (at.clone(), byte).prop_map(|(at, byte)| Harm::Swap(at, byte)),
        (at.clone(), any::<u8>()).prop_map(|(at, length)| Harm::Drop(at, length)),
        (at, any::<u8>()).prop_map(|(at, length)| Harm::Twice(at, length)),
    ]
}

fn harmed(mut body: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        if body.is_empty() {
            break;
        }
        match harm {
            Harm::Cut(at) => body.truncate(at.index(body.len())),
            Harm::Swap(at, byte) => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            Harm::Drop(at, length) | Harm::Twice(at, length) => {
                let from = at.index(body.len());
                let to = (from + usize::from(*length)).min(body.len());
                let part = body[from..to].to_vec();
                match harm {
                    Harm::Twice(..) => drop(body.splice(to..to, part)),
                    _ => drop(body.drain(from..to)),
                }
            }
        }
    }
    body
}

/// A conversation as a chat request has it, with nothing that has two ways to
/// be said.
fn conversation() -> impl Strategy<Value = Value> {
    let text = "[^\u{0}]{1,20}";
    let calls = prop::collection::btree_map("[a-z]{1,4}", any::<i32>(), 0..3);
    let round = (
        text,
        prop::option::of(text),
        prop::collection::vec(calls, 0..3),
        text,
    );
    (text, prop::collection::vec(round, 0..4), text).prop_map(|(system, rounds, last)| {
        let mut messages = vec![json!({"role": "system", "content": system})];
        for (at, (asked, said, calls, answer)) in rounds.into_iter().enumerate() {
            messages.push(json!({"role": "user", "content": asked}));
            let mut turn = json!({"role": "assistant", "content": said});
            if calls.is_empty() && said.is_none() {
                turn["content"] = "ok".into();
            }
            let list = calls.iter().enumerate().map(|(number, arguments)| {
                let function = json!({"name": "f", "arguments": json!(arguments).to_string()});
                json!({"id": format!("call_{at}_{number}"), "type": "function", "function": function})
            });
            let list: Vec<Value> = list.collect();
            let answers: Vec<Value> = list
                .iter()
                .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": answer}))
                .collect();
            if !list.is_empty() {
                turn["tool_calls"] = list.into();
            }
            messages.push(turn);
            messages.extend(answers);
        }
        messages.push(json!({"role": "user", "content": last}));
        json!({"model": "gpt-4o", "max_tokens": 9, "temperature": 0.5, "messages": messages})
    })
}

fn translated(from: Endpoint, to: Endpoint, body: &[u8]) -> Vec<u8> {
    let view = read_request(from, body).unwrap();
    let edits = Edits::default();
    let done = translate_request(from, to, &view, body, &edits, Strictness::Strict).unwrap();
    done.body.to_vec()
}

/// The objects of a body, by their pointers; what goes over as it is (schemas,
/// arguments, a tool's answer) apart.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    let whole = [
        "schema",
        "parameters",
        "input_schema",
        "response_schema",
        "responseSchema",
        "args",
        "response",
    ];
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (key, inner) in members {
                // A tool's call has its arguments in `input`, a response's request its items.
                let arguments = key == "input" && inner.is_object();
                if !whole.contains(&key.as_str()) && !arguments {
                    objects(inner, &format!("{at}/{key}"), found);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                objects(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A member that nobody knows, in every object of every golden request: it is
/// refused, it is passed on, or it is told.
#[test]
fn nothing_is_lost_in_silence() {
    let mut told = 0;
    for (from, name) in ALL {
        for body in bodies(name) {
            let Ok(body) = serde_json::from_slice::<Value>(&body) else {
                continue;
            };
            let mut places = Vec::new();
            objects(&body, "", &mut places);
            for place in places {
                let mut odd = body.clone();
                odd.pointer_mut(&place).unwrap()["quite_new"] = json!({"a": 1});
                let odd = serde_json::to_vec(&odd).unwrap();
                let path = from.path().replace("{model}", "model");
                let Ok(view) = read_request_at(from, &path, Some("alt=sse"), &odd) else {
                    continue;
                };
                for (to, _) in ALL.into_iter().filter(|(to, _)| *to != from) {
                    let edits = Edits {
                        model: Some("model"),
                        ..Edits::default()
                    };
                    let with =
                        |strictness| translate_request(from, to, &view, &odd, &edits, strictness);
                    let Ok(done) = with(Strictness::Lenient) else {
                        continue;
                    };
                    let passed = String::from_utf8_lossy(&done.body).contains("quite_new");
                    let noted = done.drops.iter().any(|drop| {
                        let dotted = drop.path.replace(['[', '.'], "/").replace(']', "");
                        drop.path.ends_with("quite_new") || place.starts_with(&format!("/{dotted}"))
                    });
                    assert!(
                        passed || noted,
                        "{name} to {to:?}: {place}: {:?}",
                        done.drops
                    );
                    told += usize::from(noted);
                    let strict = with(Strictness::Strict);
                    // What is bound to its maker is left out in either way.
                    let bound = done.drops.iter().any(|drop| drop.words.contains("thought"));
                    assert!(
                        passed || bound || strict.is_err(),
                        "{name} to {to:?}: {place}"
                    );
                }
            }
        }
    }
    assert!(told > 300, "{told} members were told");
}

proptest! {
    /// No panic, the same answer in any chunks, and whatever comes out is
    /// whole: see the checks.
    #[test]
    fn anything_is_translated_or_refused(
        dialect in 0..4_usize,
        which in any::<prop::sample::Index>(),
        head in any::<[u8; 9]>(),
        harms in prop::collection::vec(harm(), 0..4),
    ) {
        let (endpoint, name) = ALL[dialect];
        let bodies = bodies(name);
        let body = harmed(which.get(&bodies).clone(), &harms);
        translation::check(endpoint, &[&head[..], &body].concat());
    }

    /// There and back again, a conversation says what it said.
    #[test]
    fn a_round_trip_keeps_the_meaning(asked in conversation()) {
        let body = serde_json::to_vec(&asked).unwrap();
        let there = translated(Endpoint::ChatCompletions, Endpoint::Messages, &body);
        let back = translated(Endpoint::Messages, Endpoint::ChatCompletions, &there);
        let back: Value = serde_json::from_slice(&back).unwrap();
        // A user's message behind tools' answers is one turn with them there.
        prop_assert_eq!(&back, &asked);
    }
}

/// The end of every golden stream broken byte by byte: what has ended stays
/// ended, and what broke has no clean end.
#[test]
fn a_stream_that_breaks_at_its_end_does_not_end_cleanly() {
    const HEAD: [u8; 9] = [3, 0, 0, 0, 0, 0, 0, 0, 255];
    for (from, name) in ALL {
        let streams = bodies(name)
            .into_iter()
            .filter(|body| body.starts_with(b"event:") || body.starts_with(b"data:"));
        for body in streams {
            for at in body.len().saturating_sub(150)..body.len() {
                let mut broken = body.clone();
                broken[at] = b'{';
                translation::check(from, &[&HEAD[..], &broken].concat());
            }
        }
    }
}
