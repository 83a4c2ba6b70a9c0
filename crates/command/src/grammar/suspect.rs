//! Long options that a grammar does not list, judged by their words.
//!
//! Programs name what they do alike; an option that says `exec` or `upload`
//! is not waved through because a table is silent about it.

use crate::effect::Effect;

/// What the name of an option makes suspicious, and whether its value is a
/// file that is written.
pub(super) fn long(name: &str) -> Option<Effect> {
    let name = name.trim_start_matches('-');
    // `run` of a dry run runs nothing.
    if ["dry-run", "dryrun", "no-run", "run-help"].contains(&name) {
        return None;
    }
    let mut found = None;
    for word in name.split(['-', '_', '.']) {
        let effect = match word {
            "exec" | "execute" | "eval" | "command" | "cmd" | "script" | "hook" | "preload"
            | "shell" | "pager" | "editor" | "askpass" | "rsh" | "plugin" | "plugins"
            | "loader" | "interpreter" | "browser" | "entrypoint" | "prerun" | "postrun"
            | "run" | "launcher" => Effect::Unsure,
            "output" | "outfile" | "outdir" | "out" | "save" | "write" | "dest" | "destination"
            | "logfile" | "overwrite" => Effect::Write,
            "upload" | "post" | "send" | "webhook" | "publish" | "submit" => Effect::Send,
            "delete" | "remove" | "purge" | "destroy" | "wipe" | "erase" | "prune" => Effect::Purge,
            "password" | "token" | "privileged" => Effect::Read,
            _ => continue,
        };
        found = Some(effect);
    }
    found.filter(|effect| *effect != Effect::Read)
}
