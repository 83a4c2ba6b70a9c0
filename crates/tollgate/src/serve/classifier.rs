//! The judge of commands: what it knows of this machine, and its children.

use std::sync::Arc;

use tollgate_command::Setting;
use tollgate_judge::{Commands, Place};

use crate::paths::Paths;

/// The hidden subcommand that reads wild commands in a process of its own.
pub(crate) const CHILD: &str = "command-child";

/// A judge for the gateway. Where the program doesn't find itself, there are no
/// children and wild commands are opaque.
pub(crate) fn open(paths: &Paths) -> Arc<Commands> {
    let own = [&paths.config, &paths.state];
    let setting = Setting {
        guarded: own
            .into_iter()
            .filter_map(|folder| folder.to_str().map(str::to_owned))
            .collect(),
        ..Setting::default()
    };
    Arc::new(match place() {
        Some(place) => Commands::with_children(setting, place),
        None => Commands::tame_only(setting),
    })
}

/// This very program.
pub(crate) fn place() -> Option<Place> {
    let program = std::env::current_exe().ok()?;
    Some(Place {
        program,
        arguments: vec![CHILD.to_owned()],
    })
}
