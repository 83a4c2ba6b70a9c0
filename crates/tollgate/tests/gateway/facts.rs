//! What every model gateway must get right on the wire, and that a test of that
//! number shows it: `fact_14_…` in whichever crate it belongs to.

use std::fs;
use std::path::Path;

const FACTS: [(u8, &str); 33] = [
    (1, "chat: usage stands in a last chunk without choices"),
    (2, "chat: asked for always, given to those who asked"),
    (3, "chat: a stream ends with [DONE]"),
    (4, "chat: fragments of calls go by their index"),
    (5, "chat: fragments go on at once and unread, none is {}"),
    (6, "chat: reasoning and unknown fields pass"),
    (7, "Responses: the end is completed, incomplete or failed"),
    (8, "Responses: numbers, ids and indexes agree"),
    (9, "Responses: tools and items not known yet pass"),
    (
        10,
        "Responses: encrypted reasoning is all the state there is",
    ),
    (11, "Anthropic: the order of events, pings anywhere"),
    (12, "Anthropic: cumulative figures are not added up"),
    (13, "cached tokens are counted once, either way"),
    (
        14,
        "Anthropic: proofs are opaque, byte for byte, for their maker",
    ),
    (15, "Anthropic: a block's number is not a tool's"),
    (16, "Anthropic: 529 is worth a retry, and a 503 elsewhere"),
    (17, "Anthropic: what its clients ask for is there"),
    (18, "Gemini: arguments are objects, ids may be absent"),
    (19, "Gemini: events or an array, two versions"),
    (20, "Gemini: figures repeat, thoughts stand apart"),
    (21, "Gemini: signatures of thoughts on the first call"),
    (22, "errors come in the caller's envelope"),
    (23, "an error can come under a 200"),
    (24, "a 429 is a rate or a quota"),
    (25, "waiting is told in many spellings"),
    (26, "events are framed in every way there is"),
    (27, "a stream without its terminator failed"),
    (
        28,
        "a client that leaves ends the stream, what came is booked",
    ),
    (29, "zero is zero, an estimate is marked"),
    (30, "what isn't edited stays byte for byte"),
    (31, "streams are neither compressed nor held back"),
    (32, "tied turns stay; a forced move strips, and says so"),
    (
        33,
        "mlx: comments first, a whole object last, names rewritten",
    ),
];

#[test]
fn every_fact_has_a_test_of_its_number() {
    let mut sources = String::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    read(&crates, &mut sources);
    for (at, (number, words)) in FACTS.into_iter().enumerate() {
        assert_eq!(usize::from(number), at + 1);
        let own = format!("fn fact_{number}_");
        let shared = format!("_and_{number}_");
        let tests = sources.lines().map(str::trim);
        let found = tests.filter(|line| {
            let is_test = line.contains("fn fact_");
            is_test && (line.contains(&own) || line.contains(&shared))
        });
        assert!(found.count() > 0, "no test shows fact {number}: {words}");
    }
}

/// The Rust sources below a folder.
fn read(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|ending| ending == "rs");
        if path.is_dir() {
            read(&path, sources);
        } else if is_source && !path.ends_with("facts.rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
            sources.push('\n');
        }
    }
}
