//! `[scan]` and the `dlp` of agents and providers.

use super::Default::{Boolean as Yes, Integer as Number, Texts as Words};
use super::Kind::{Boolean, Integer, Table, Text, Texts, Word as OneOf};
use super::{Key, Section};

pub(super) static SCAN: Section = Section {
    noun: "scan",
    keys: &[
        Key::new("rules", Texts, "Files with forms of credentials of your own, relative to this file; see scanner.md.").or(Words(&[])),
        Key::new("skip_protection_domains", Texts, "Hosts whose text `POST /scan` does not look at; `*.example.com` covers `example.com` too.").or(Words(&[])),
        Key::new("cleared", Texts, "SHA-256 of inbound texts that pass whatever is found in them: an operator's word on that very text. `POST /scan` and the ledger name it.").or(Words(&[])),
        Key::new("remote", Table(&REMOTE), "A scanner of your own that is asked about inbound text beside."),
        Key::new("script", Text, "A Starlark file with `scan(input)`, asked about inbound text beside, relative to this file."),
        Key::new("script_fail_closed", Boolean, "Where the script fails, the text is unsafe.").or(Yes(true)),
    ],
};

static REMOTE: Section = Section {
    noun: "scan: remote",
    keys: &[
        Key::new("url", Text, "Its base URL: `POST {url}/scan` gets `{\"url\",\"content\",\"context\"}` and answers `{\"verdict\":\"clean|review|unsafe\"}`.").required(),
        Key::new("fail_closed", Boolean, "Where it can't be asked, the text is unsafe.").or(Yes(false)),
        Key::new("timeout_ms", Integer(1, 60_000), "Longest wait for it.").or(Number(2000)),
    ],
};

/// The same for agents, for all of them and for providers; the agent's own word
/// wins, then the provider's, then that for all agents, key by key.
pub(super) static DLP: Section = Section {
    noun: "dlp",
    keys: &[
        Key::new(
            "outbound_detectors",
            Texts,
            "What is looked for in requests: `token_patterns`, `known_secrets`. None where it is `[]`. Absent: both.",
        ),
        Key::new(
            "inbound_detectors",
            Texts,
            "What is looked for in answers and in what tools brought: `naive_injection_detection` and `injection_signals` taint the run, `token_patterns` and `known_secrets` are masked in answers. Absent: the first two.",
        ),
        Key::new(
            "outbound_on_match",
            OneOf(&["redact", "block", "supervise"]),
            "`redact` puts a placeholder in its place, `block` refuses the request, `supervise` asks a person. Absent: `redact`.",
        ),
        Key::new(
            "profile",
            OneOf(&PROFILES),
            "How strictly inbound text is taken, how long verdicts are remembered, how often `/scan` may be asked. Absent: `balanced`.",
        ),
    ],
};

/// Profiles and the names that older files have for them.
const PROFILES: [&str; 11] = [
    "open",
    "balanced",
    "hardened",
    "paranoid",
    "permissive",
    "relaxed",
    "standard",
    "default",
    "strict",
    "secure",
    "maximum",
];
