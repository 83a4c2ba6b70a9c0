//! `[approvals]`: who is asked about commands, and for how long.

use super::Default::{Integer as Number, Text as Word};
use super::Kind::{Seconds, Text, Word as OneOf};
use super::{Key, Section};

pub(super) static APPROVALS: Section = Section {
    noun: "approvals",
    keys: &[
        Key::new("file", Text, "What agents may run without being asked about (docs/approvals.md); relative to this file. Made at the first start, beside `settings.yml` where nothing is said.").or(Word("exec-approvals.json")),
        Key::new("judge", Text, "A model, as `provider/model`, that judges commands of tier LOW and advises on those above. Without one see `low_without_judge`."),
        Key::new("low_without_judge", OneOf(&["allow", "ask"]), "What becomes of LOW where no model judges.").or(Word("allow")),
        Key::new("medium_seconds", Seconds(1, 86_400), "How long a question of tier MEDIUM or below waits before it becomes HIGH.").or(Number(60)),
        Key::new("high_seconds", Seconds(1, 86_400), "How long one of tier HIGH waits before it becomes CRITICAL.").or(Number(30)),
        Key::new("critical_seconds", Seconds(1, 86_400), "How long one of tier CRITICAL waits before it is denied.").or(Number(10)),
    ],
};
