use tollgate_command::{Setting, judge};

/// Any text is judged, within the limits, and the same way twice.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let setting = Setting::default();
    let verdict = judge(text, &setting);
    assert_eq!(verdict, judge(text, &setting));
    assert!(verdict.steps.len() <= 1_000);
}
