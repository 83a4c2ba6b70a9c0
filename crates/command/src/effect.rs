//! What a command does to the world, and the tier that this has by itself.

use tollgate_types::Tier;

use crate::sight::Sight;

/// One table holds name, tier and sight of every effect; the grammars use the
/// names, the verdict's rules too.
macro_rules! effects {
    ($($(#[$doc:meta])* $variant:ident $name:literal $tier:ident $sight:ident $says:literal;)*) => {
        /// What a command, a flag or an operand does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Effect { $($(#[$doc])* $variant,)* }

        impl Effect {
            pub(crate) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
            pub(crate) fn tier(self) -> Tier {
                match self { $(Self::$variant => Tier::$tier,)* }
            }
            pub(crate) fn sight(self) -> Sight {
                match self { $(Self::$variant => Sight::$sight,)* }
            }
            /// Continues "`tar` …".
            pub(crate) fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }
        }
    };
}

effects! {
    Read "read" Safe Known "reads or prints";
    Write "write" Low Known "writes files";
    /// The files that are read are written as well: `sed -i`.
    Edit "edit" Low Known "changes files in place";
    Local "local" Low Known "changes local state";
    Delete "delete" Low Known "deletes";
    Fetch "fetch" Low Known "fetches from the network";
    Open "open" Low Known "opens a window or a session of its own";
    /// A task of the project, whose text stands in its files.
    Task "task" Medium Known "runs a task of the project";
    Code "code" Medium Known "runs code that it is given";
    Send "send" Medium Known "sends data out";
    Push "push" Medium Known "publishes work to others";
    Install "install" Medium Known "installs software";
    Change "change" Medium Known "changes a system or a service";
    /// The pager of a terminal runs commands that are typed into it.
    Page "page" Medium Known "shows its text in a pager, which can run a shell";
    Root "root" Medium Known "acts with other rights";
    Listen "listen" Medium Known "opens a port to others";
    Connect "connect" Medium Known "opens a session on another machine";
    /// A file is read by a way that is not made for it, so that it leaks.
    Leak "leak" Medium Known "reads files by a side way";
    Spy "spy" Medium Known "watches other processes, people or traffic";
    Purge "purge" Medium Known "deletes many things at once";
    Run "run" Medium Opaque "runs something that can't be seen";
    Shell "shell" Medium Opaque "opens a shell or an interpreter";
    Unsure "unsure" Medium Unknown "has an option or a subcommand that is not known";
    Destroy "destroy" High Known "destroys data";
    Config "config" High Known "changes the configuration of a system";
    Secret "secret" High Known "touches credentials";
    Deploy "deploy" High Known "deploys or publishes";
    Stop "stop" High Known "stops services, machines or protections";
    Guard "guard" Critical Known "acts on the guard itself";
    Wipe "wipe" Critical Known "destroys a system or a device";
}
