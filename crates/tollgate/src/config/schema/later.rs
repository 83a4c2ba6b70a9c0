//! Sections whose plane this version does not have: their syntax is checked,
//! so that a file written for a later version says what it loses here.

use super::Default::{Text as Word, Texts as Words};
use super::Kind::{Table, Text, Texts, Word as OneOf};
use super::{Key, Section};

pub(super) static EGRESS: Section = Section {
    noun: "egress",
    keys: &[
        Key::new("bind", Text, "Address and port of the proxy.").or(Word("127.0.0.1:4101")),
        Key::new("routes", Text, "The file of routes.").or(Word("routes.yaml")),
        Key::new(
            "allow_private",
            Texts,
            "The only non-public addresses that may be dialled.",
        )
        .or(Words(&[])),
        Key::new(
            "upstream_ca_files",
            Texts,
            "Authorities trusted beside the system's.",
        )
        .or(Words(&[])),
    ],
};

pub(super) static EXEC: Section = Section {
    noun: "exec",
    keys: &[
        Key::new(
            "host",
            OneOf(&["gateway", "sandbox"]),
            "Where commands run.",
        )
        .or(Word("gateway")),
        Key::new("sandbox", Table(&SANDBOX), "What they run in."),
    ],
};

static SANDBOX: Section = Section {
    noun: "exec sandbox",
    keys: &[
        Key::new("backend", Text, "What makes the sandbox.").or(Word("bubblewrap")),
        Key::new(
            "image",
            Text,
            "The image, where a container engine is the back end.",
        ),
    ],
};
