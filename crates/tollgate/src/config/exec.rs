//! `[exec]`: where `tollgate exec` runs commands.

use std::path::PathBuf;

use super::fault::Findings;
use super::settings::{ExecHost, ExecSettings};
use super::tree::Table;

/// The settings, or nothing where a folder is none; then there is a fault.
pub(super) fn exec(table: Option<&Table>, findings: &mut Findings) -> Option<ExecSettings> {
    let Some(table) = table else {
        return Some(ExecSettings::default());
    };
    let host = match table.word("host") {
        "sandbox" => ExecHost::Sandbox,
        _ => ExecHost::Gateway,
    };
    let Some(sandbox) = table.table("sandbox") else {
        return Some(ExecSettings {
            host,
            ..ExecSettings::default()
        });
    };
    let line = sandbox.line_of("writable");
    let mut writable = Vec::new();
    let mut is_whole = true;
    for text in sandbox.words("writable") {
        match text.strip_prefix("~/").is_some() || text.starts_with('/') && text != "/" {
            true => writable.push(PathBuf::from(text)),
            false => {
                is_whole = false;
                let found = text.escape_debug();
                findings
                    .fault(
                        line,
                        format!("exec sandbox: writable is `{found}`, expected an absolute folder"),
                    )
                    .hint("`/home/me/.cache/npm` or `~/.cache/npm`; `/` would be no sandbox");
            }
        }
    }
    let image = image(sandbox, findings);
    is_whole.then(|| ExecSettings {
        host,
        network: sandbox.flag("network"),
        writable,
        image,
    })
}

/// An image is meant where podman makes the sandbox, and only there.
fn image(sandbox: &Table, findings: &mut Findings) -> Option<String> {
    let named = sandbox.text("image").map(|text| text.as_str().to_owned());
    let is_podman = sandbox.word("backend") == "podman";
    match named.filter(|name| !name.is_empty()) {
        Some(name) if is_podman && !name.starts_with('-') => Some(name),
        None if is_podman => {
            let line = sandbox.line_of("backend");
            findings
                .fault(line, "exec sandbox: no image, expected one for podman")
                .hint("`image = \"docker.io/library/node:20\"`, once it was pulled");
            None
        }
        Some(name) if is_podman => {
            let line = sandbox.line_of("image");
            let found = name.escape_debug();
            findings.fault(
                line,
                format!("exec sandbox: image is `{found}`, expected a name"),
            );
            None
        }
        _ => None,
    }
}
