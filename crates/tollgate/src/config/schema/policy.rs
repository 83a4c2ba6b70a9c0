//! `[policy]`.

use super::Default::{Text as Word, Texts as Words};
use super::Kind::{Map, Tables, Text, Texts, Word as OneOf};
use super::{Key, Section};

pub(super) static POLICY: Section = Section {
    noun: "policy",
    keys: &[
        Key::new("files", Texts, "Starlark files, relative to this file, or `@tollgate/strict.star` and the other shipped ones; the strictest verdict wins. Without any, the shipped default holds.").or(Words(&[])),
        Key::new("isolation", OneOf(&["auto", "process"]), "Where rules are evaluated: `auto` evaluates files without loops and recursion on the spot and others in a process of their own, `process` all of them there.").or(Word("auto")),
        Key::new("agents", Text, "A file of agents and their domains, as clashd's `agents.json`."),
        Key::new("context", Map, "Facts of your own: rules find them by name in `context`, for every agent."),
        Key::new("domain_lists", Tables(&DOMAIN_LIST), "Lists of domains; rules see the names of those that a domain is on."),
    ],
};

static DOMAIN_LIST: Section = Section {
    noun: "domain list",
    keys: &[
        Key::new("name", Text, "What rules see in `context[\"domain_lists\"]`.").required(),
        Key::new("file", Text, "One entry a line: a domain, `*.domain`, a line of a hosts file, a URL, or `~` and a regular expression.").required(),
    ],
};
