//! An operator's script that looks at inbound text: `scan(input)`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, LibraryExtension, Module};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::{OwnedFrozenValue, Value};

use crate::decide::{guarded, limit};
use crate::fault::{PolicyFault, plain};
use crate::source;
use crate::vocabulary::{Carried, bounded, marks, questions};

/// Largest compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// Patterns kept compiled; then it begins anew.
const MOST_PATTERNS: usize = 256;

/// Shortest run of base64 that is decoded, in letters.
const SHORTEST_RUN: usize = 16;

/// A script with `scan(input)`, frozen. Calls share nothing that can change.
pub struct ScanScript {
    name: String,
    scan: OwnedFrozenValue,
}

/// What a script is given, by the names of the adversary detector.
#[derive(Clone, Copy, Debug)]
pub struct ScanInput<'i> {
    /// Where the text came from; empty where that is not known.
    pub url: &'i str,
    /// The text.
    pub content: &'i str,
    /// Such as `web_fetch`.
    pub context: &'i str,
    /// Share of talk about injections from which on a text is taken as one
    /// about them.
    pub discussion_ratio_threshold: f64,
    /// Signals below which no ratio is formed.
    pub min_signals_for_ratio: u32,
}

/// What a script said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanSaid {
    /// `clean`, `review` or `unsafe`.
    pub verdict: String,
    /// Why.
    pub reason: Option<String>,
}

static WORDS: LazyLock<Globals> = LazyLock::new(|| {
    use LibraryExtension::{Filter, Json, Map, Partial, Print, SetType, StructType};
    let extensions = [StructType, SetType, Map, Filter, Partial, Json, Print];
    GlobalsBuilder::extended_by(&extensions)
        .with(bounded)
        .with(marks)
        .with(questions)
        .with(patterns)
        .build()
});

impl ScanScript {
    /// Reads and freezes a script; it loads nothing.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn load(name: &str, text: &str) -> Result<Self, PolicyFault> {
        let source = source::parse(name, text)?;
        if let Some(load) = source.written().loads().first() {
            let line = load.span.resolve_span().begin.line + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            return Err(PolicyFault::at(name, line, "a scan script loads nothing"));
        }
        let (marked, _) = source.marked(name, 0)?;
        let carried = Carried::loading();
        let frozen = guarded(|| {
            Ok(Module::with_temp_heap(|module| {
                {
                    let mut eval = Evaluator::new(&module);
                    limit(&mut eval);
                    eval.extra = Some(&carried.0);
                    eval.eval_module(marked, &WORDS)
                        .map_err(|error| PolicyFault::starlark(name, &error))?;
                }
                module.freeze().map_err(|error| {
                    PolicyFault::of_file(name, format!("can't be frozen: {error:?}"))
                })
            }))
        });
        let module: FrozenModule =
            frozen.unwrap_or_else(|message| Err(PolicyFault::of_file(name, message)))?;
        let scan = module.get_option("scan").ok().flatten().filter(|it| {
            let parameters = it.value().parameters_spec();
            parameters.is_some_and(|it| it.can_fill_with_args(1, &[]))
        });
        let scan = scan.ok_or_else(|| {
            PolicyFault::of_file(name, "defines no `scan` that takes input").hint(
                "def scan(input): return {\"verdict\": \"clean\"}; or \"review\", or \"unsafe\"",
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            scan,
        })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks it about one text, on a heap of its own and within the limits of
    /// rules.
    ///
    /// # Errors
    /// It failed, or what it said is no verdict; without the text.
    pub fn scan(&self, input: &ScanInput<'_>) -> Result<ScanSaid, String> {
        let carried = Carried::default();
        guarded(|| {
            Module::with_temp_heap(|module| {
                let heap = module.heap();
                let mut eval = Evaluator::new(&module);
                limit(&mut eval);
                eval.extra = Some(&carried.0);
                let input = heap.alloc(AllocDict([
                    ("url", heap.alloc(input.url)),
                    ("content", heap.alloc(input.content)),
                    ("context", heap.alloc(input.context)),
                    (
                        "discussion_ratio_threshold",
                        heap.alloc(input.discussion_ratio_threshold),
                    ),
                    (
                        "min_signals_for_ratio",
                        heap.alloc(input.min_signals_for_ratio),
                    ),
                ]));
                let scan = heap.access_owned_frozen_value(&self.scan);
                let value = eval.eval_function(scan, &[input], &[]);
                // Starlark's messages quote values, and those are the text.
                let value = value.map_err(|error| {
                    let place = error.span().map(|span| span.resolve().span.begin.line + 1);
                    format!("it failed at line {}", place.unwrap_or(0))
                })?;
                said(value)
            })
        })
    }
}

/// `"review"` or `{"verdict": "review", "reason": "…"}`.
fn said(value: Value<'_>) -> Result<ScanSaid, String> {
    let dict = DictRef::from_value(value);
    let word = match &dict {
        Some(dict) => dict.get_str("verdict").and_then(|it| it.unpack_str()),
        None => value.unpack_str(),
    };
    let Some(word @ ("clean" | "review" | "unsafe")) = word else {
        return Err("it returned no verdict, expected clean, review or unsafe".to_owned());
    };
    let reason = dict.as_ref().and_then(|dict| dict.get_str("reason"));
    Ok(ScanSaid {
        verdict: word.to_owned(),
        reason: reason.and_then(|it| it.unpack_str()).map(plain),
    })
}

#[starlark_module]
fn patterns(globals: &mut GlobalsBuilder) {
    /// Whether a pattern matches somewhere in a text.
    fn regex_match<'v>(
        #[starlark(require = pos)] pattern: &'v str,
        #[starlark(require = pos)] text: &'v str,
    ) -> starlark::Result<bool> {
        Ok(compiled(pattern)?.is_match(text))
    }

    /// Whether it matches in what base64 within the text holds.
    fn base64_decoded_regex_match<'v>(
        #[starlark(require = pos)] pattern: &'v str,
        #[starlark(require = pos)] text: &'v str,
    ) -> starlark::Result<bool> {
        let pattern = compiled(pattern)?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
        let mut runs = text.split(|c| !is_letter(c));
        Ok(runs.any(|run| {
            run.len() >= SHORTEST_RUN && pattern.is_match(&String::from_utf8_lossy(&decoded(run)))
        }))
    }
}

/// A pattern, compiled once; it can't run away, as the library's can't.
fn compiled(pattern: &str) -> starlark::Result<Regex> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known.get(pattern) {
        return Ok(regex.clone());
    }
    let built = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|_| starlark::Error::new_other(Unread))?;
    if known.len() >= MOST_PATTERNS {
        known.clear();
    }
    known.insert(pattern.to_owned(), built.clone());
    Ok(built)
}

#[derive(Debug, thiserror::Error)]
#[error("a pattern can't be read, or is too large")]
struct Unread;

/// Base64 of either alphabet; a tail that says less than a byte is left out.
fn decoded(run: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in run.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(script: &str, content: &str) -> Result<ScanSaid, String> {
        let script = ScanScript::load("own.star", script).unwrap();
        script.scan(&ScanInput {
            url: "https://a.example/",
            content,
            context: "web_fetch",
            discussion_ratio_threshold: 0.3,
            min_signals_for_ratio: 3,
        })
    }

    #[test]
    fn a_script_says_what_its_patterns_find() {
        let script = "def scan(input):\n    \
            if input[\"context\"] != \"web_fetch\":\n        return \"clean\"\n    \
            for p in [\"(?i)pay the invoice\", \"wire \\\\d+\"]:\n        \
            if regex_match(p, input[\"content\"]):\n            \
            return {\"verdict\": \"review\", \"reason\": p}\n    \
            if base64_decoded_regex_match(\"pay the\", input[\"content\"]):\n        \
            return \"unsafe\"\n    return \"clean\"\n";
        let verdict = |text| ask(script, text).unwrap().verdict;
        assert_eq!(verdict("nothing"), "clean");
        assert_eq!(verdict("please PAY the invoice"), "review");
        assert_eq!(verdict("see cGF5IHRoZSBpbnZvaWNl now"), "unsafe");
        let said = ask(script, "wire 500").unwrap();
        assert_eq!(said.reason.as_deref(), Some("wire \\d+"));
    }

    #[test]
    fn what_fails_is_an_error_without_the_text() {
        let text = "hunter2hunter2";
        for script in [
            "def scan(input): return input[\"content\"]",
            "def scan(input): return int(input[\"content\"])",
            "def scan(input): return {\"verdict\": input[\"content\"]}",
            "def scan(input): return regex_match(\"(\" + input[\"content\"], \"x\")",
            "def scan(input):\n    n = 0\n    for i in range(1000000000):\n        n += 1\n    return \"clean\"",
        ] {
            let error = ask(script, text).unwrap_err();
            assert!(!error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_script_without_scan_or_with_load_is_refused() {
        for script in [
            "x = 1",
            "def scan(): pass",
            "load(\"a.star\", \"b\")\ndef scan(i): pass",
        ] {
            assert!(ScanScript::load("own.star", script).is_err(), "{script}");
        }
    }
}
