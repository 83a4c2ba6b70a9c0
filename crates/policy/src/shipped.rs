//! The policy files that come with Tollgate.

const FILES: [(&str, &str); 4] = [
    (
        "default.star",
        include_str!("../../../policies/default.star"),
    ),
    ("strict.star", include_str!("../../../policies/strict.star")),
    ("ci.star", include_str!("../../../policies/ci.star")),
    (
        "observe.star",
        include_str!("../../../policies/observe.star"),
    ),
];

/// What stands before the name of a shipped file, in `load` and in settings.
pub const SHIPPED: &str = "@tollgate/";

/// The text of a shipped file: `default.star`, `strict.star`, `ci.star` or
/// `observe.star`.
pub fn text(file: &str) -> Option<&'static str> {
    let found = FILES.iter().find(|(name, _)| *name == file);
    found.map(|(_, text)| *text)
}
