//! `[approvals]`.

use std::path::Path;
use std::time::Duration;

use tollgate_approvals::Ladder;

use super::settings::ApprovalSettings;
use super::tree::Table;

/// `usual` is where the rules stand if the file names no other place.
pub(super) fn approvals(table: &Table, beside: &Path, usual: &Path) -> ApprovalSettings {
    let millis = |key| {
        let wait: Duration = table.seconds(key);
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
    };
    ApprovalSettings {
        file: match table.text("file") {
            Some(text) => beside.join(text.as_str()),
            None => usual.to_owned(),
        },
        judge: table.text("judge").map(|text| text.as_str().to_owned()),
        ask_low: table.word("low_without_judge") == "ask",
        ladder: Ladder {
            medium: millis("medium_seconds"),
            high: millis("high_seconds"),
            critical: millis("critical_seconds"),
            ..Ladder::default()
        },
    }
}
