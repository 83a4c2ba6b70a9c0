//! Sections whose plane this version does not have: their syntax is checked,
//! so that a file written for a later version says what it loses here.

use super::Default::{Text as Word, Texts as Words};
use super::Kind::{Text, Texts};
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
