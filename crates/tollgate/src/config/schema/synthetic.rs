//! Synthetic models: names with a choice behind them.

use super::Default::{Integer as Number, Text as Word};
use super::Kind::{Integer, Tables, Text, Word as OneOf};
use super::{Key, Section};

const WINDOW: i64 = 1_000_000_000;

pub(super) static ALLOYS: Section = Section {
    noun: "alloy",
    keys: &[
        Key::new("id", Text, "The name that is asked for.").required(),
        Key::new(
            "strategy",
            OneOf(&["weighted", "round_robin", "first_available"]),
            "Who is asked first, the others being its fallbacks: drawn by weight, in turn, or the first in order that can be asked.",
        )
        .or(Word("weighted")),
        Key::new("constituents", Tables(&CONSTITUENT), "What is mixed.").required(),
    ],
};

static CONSTITUENT: Section = Section {
    noun: "constituent",
    keys: &[
        Key::new(
            "model",
            Text,
            "A model, an alias, or another synthetic model.",
        )
        .required(),
        Key::new(
            "weight",
            Integer(1, 1_000_000),
            "Share of the requests, or of the turns; `first_available` has none.",
        )
        .or(Number(1)),
    ],
};

pub(super) static CASCADES: Section = Section {
    noun: "cascade",
    keys: &[
        Key::new("id", Text, "The name that is asked for.").required(),
        Key::new(
            "models",
            Tables(&SIZED),
            "Tried in order, those whose window is too small skipped.",
        )
        .required(),
    ],
};

pub(super) static DISPATCHERS: Section = Section {
    noun: "dispatcher",
    keys: &[
        Key::new("id", Text, "The name that is asked for.").required(),
        Key::new(
            "models",
            Tables(&SIZED),
            "The smallest window that takes the request is asked first, then larger ones.",
        )
        .required(),
    ],
};

static SIZED: Section = Section {
    noun: "model",
    keys: &[
        Key::new(
            "model",
            Text,
            "A model, an alias, or another synthetic model.",
        )
        .required(),
        Key::new(
            "context_window",
            Integer(1, WINDOW),
            "In tokens; else what is known of the model. A dispatcher has to know it, a cascade never skips a model of which it does not.",
        ),
    ],
};
