//! git: settings and transports that run something, refs that are lost.

use super::{Bench, shown};
use crate::effect::Effect;
use crate::grammar::{Act, Fit, Kind};
use crate::plan::Step;

/// Settings of git that run something, given with `-c` or `git config`.
const GIT_RUNS: &[&str] = &[
    "core.pager",
    "core.editor",
    "core.sshcommand",
    "core.fsmonitor",
    "core.hookspath",
    "core.askpass",
    "core.gitproxy",
    "credential.helper",
    "sequence.editor",
    "diff.external",
    "gpg.program",
    "uploadpack.packobjectshook",
    "init.templatedir",
    "core.worktree",
    "web.browser",
    "include.path",
    "man.viewer",
    "core.attributesfile",
];

/// Last parts of settings that run something, in the sections that have them.
const LEAVES: &[&str] = &[
    "cmd",
    "command",
    "textconv",
    "driver",
    "clean",
    "smudge",
    "process",
    "program",
    "helper",
    "proxy",
    "path",
    "uploadpack",
    "receivepack",
    "vcs",
    "difffilter",
];
const SECTIONS: &[&str] = &[
    "filter",
    "diff",
    "merge",
    "difftool",
    "mergetool",
    "browser",
    "man",
    "gpg",
    "credential",
    "trailer",
    "remote",
    "guitool",
    "interactive",
];

/// `-c key=value`, `git config key value`.
fn setting(bench: &mut Bench, key: &str, value: &str) {
    let lower = key.to_lowercase();
    let section = lower.split('.').next().unwrap_or_default();
    let leaf = lower.rsplit('.').next().unwrap_or_default();
    // What is fetched and pushed goes elsewhere, or is no longer checked.
    if ["insteadof", "pushinsteadof", "sslverify"].contains(&leaf)
        || (section, leaf) == ("http", "proxy")
        || (section, leaf) == ("safe", "directory")
    {
        return bench.does(Effect::Change, "git", key);
    }
    let runs = GIT_RUNS.contains(&lower.as_str())
        || ["pager", "alias", "includeif", "protocol"].contains(&section)
        || LEAVES.contains(&leaf) && SECTIONS.contains(&section)
        || (section, leaf) == ("submodule", "update") && value.starts_with('!');
    if !runs
        || [
            "cat",
            "less",
            "vim",
            "nano",
            "true",
            "code --wait",
            "false",
            "cache",
            "store",
            "osxkeychain",
            "manager",
        ]
        .contains(&value)
    {
        return;
    }
    match (section, value.strip_prefix('!')) {
        ("alias", Some(text)) => {
            bench.opaque(
                "git-alias",
                &format!("`git` gets an alias `{}` that runs a shell", shown(key)),
            );
            bench.text(text, Some("git"));
        }
        ("alias", None) => bench.text(&format!("git {value}"), Some("git")),
        _ => {
            bench.opaque(
                "git-setting",
                &format!("`{}` makes git run a command", shown(key)),
            );
            bench.text(value, Some("git"));
        }
    }
}

/// Settings, transports and refs of one call.
pub(super) fn run(bench: &mut Bench, fit: &Fit, step: &Step) {
    let words = &step.argv[1..];
    for (at, word) in words.iter().enumerate() {
        let given = match word.text.as_str() {
            "-c" | "--config-env" | "--config" => words.get(at + 1).map(|next| next.text.clone()),
            text => text
                .strip_prefix("--config=")
                .or_else(|| text.strip_prefix("--config-env="))
                .map(str::to_owned),
        };
        if let Some((key, value)) = given.as_deref().and_then(|given| given.split_once('=')) {
            setting(bench, key, value);
        }
        if word.text.contains("ext::") || word.text.starts_with("fd::") {
            bench.does(Effect::Run, "git", &word.text);
        }
    }
    if fit.path.starts_with("config")
        && let [key, value, ..] = fit.operands.as_slice()
    {
        setting(bench, &key.text, &value.text);
    }
    // Another repository's settings may run something; those below `.git` are
    // watched where they are written.
    for act in &fit.acts {
        if let Act::Has(Kind::Repo, folder) = act
            && (folder.dynamic || folder.text.rsplit('/').next() != Some(".git"))
        {
            bench.opaque("git-folder", "`git` takes its settings from another folder");
        }
    }
    let refs = ["push"].contains(&fit.path.as_str());
    if refs
        && fit
            .operands
            .iter()
            .any(|operand| operand.text.starts_with('+'))
    {
        bench.does(Effect::Destroy, "git", "push");
    }
    if fit.path == "push"
        && fit
            .operands
            .iter()
            .skip(1)
            .any(|operand| operand.text.starts_with(':'))
    {
        bench.does(Effect::Purge, "git", "push");
    }
}
