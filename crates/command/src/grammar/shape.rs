//! What a grammar says of a program.

use crate::effect::Effect;

/// What a value or an operand stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain text, a number, a name.
    Val,
    /// A file that is read.
    In,
    /// A file that is read by a side way (a list, a configuration).
    Peek,
    /// A file that is written.
    Out,
    /// A file that is deleted.
    Del,
    /// A file that is moved away.
    Move,
    /// A file or text that is sent out.
    Send,
    /// An address that is fetched; `file://` reads.
    Url,
    /// A file, library, plugin or name that is executed.
    Run,
    /// Shell text.
    Cmd,
    /// This word and all that follow are a command.
    Argv,
    /// This word and all that follow are shell text.
    Join,
    /// Code of an interpreter.
    Code,
    Sql,
    Sed,
    Awk,
    /// Commands of ed and ex, a line each.
    Ed,
    /// `NAME=value` for the environment.
    Env,
    /// A folder to work in.
    Dir,
    /// A local path, or `host:path`.
    Remote,
    /// A local path that is written, or `host:path`.
    Dest,
    /// A name that a shell evaluates.
    Name,
    /// A task of the project.
    Task,
    /// A perl expression that renames: `s/a/b/`.
    Expr,
    /// A method of HTTP.
    Method,
    /// What is searched for; as an operand only where no option gave it.
    Pat,
    /// A repository of git, whose settings count.
    Repo,
    /// A mode of a new file, as of `install -m`.
    Mode,
    /// A path whose name and attributes are looked at, not what it holds.
    Look,
    /// A name; with `@` one on another machine.
    Peer,
}

impl Kind {
    /// Says what a program is to do; where an option said it, an operand is data.
    pub(crate) fn is_script(self) -> bool {
        matches!(
            self,
            Self::Code | Self::Cmd | Self::Sed | Self::Awk | Self::Pat | Self::Run
        )
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "val" => Self::Val,
            "in" => Self::In,
            "peek" => Self::Peek,
            "out" => Self::Out,
            "del" => Self::Del,
            "move" => Self::Move,
            "send" => Self::Send,
            "url" => Self::Url,
            "run" => Self::Run,
            "cmd" => Self::Cmd,
            "argv" => Self::Argv,
            "join" => Self::Join,
            "code" => Self::Code,
            "sql" => Self::Sql,
            "sed" => Self::Sed,
            "awk" => Self::Awk,
            "ed" => Self::Ed,
            "env" => Self::Env,
            "dir" => Self::Dir,
            "remote" => Self::Remote,
            "name" => Self::Name,
            "dest" => Self::Dest,
            "task" => Self::Task,
            "method" => Self::Method,
            "expr" => Self::Expr,
            "pat" => Self::Pat,
            "mode" => Self::Mode,
            "repo" => Self::Repo,
            "look" => Self::Look,
            "peer" => Self::Peer,
            _ => return None,
        })
    }
}

/// Whether a flag takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    /// Attached or in the next word.
    Needed(Kind),
    /// Attached only.
    Optional(Kind),
}

/// One flag under all its names.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub(crate) names: Vec<&'static str>,
    pub(crate) value: Value,
    pub(crate) effect: Option<Effect>,
    /// The command only prints something about itself.
    pub(crate) info: bool,
}

/// Where operands stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Counted from one.
    At(usize),
    /// The last of several.
    Last,
    Every,
}

/// What needs more than a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Find,
    Git,
    Mode,
    Owner,
    Kill,
    Tar,
    Test,
    Network,
    Container,
    Dump,
    /// Operands may call a shell in a language of their own.
    Expression,
    /// Operands with `=` are settings.
    Assign,
    /// An operand is a new name of the machine.
    Name,
    /// Operands may be a database of secrets.
    Secret,
}

/// Words that a grammar is marked with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// A subcommand that is not listed is not known.
    pub(crate) sub: bool,
    /// Subcommands that are not listed are judged by their verb, on this
    /// machine.
    pub(crate) verbs: bool,
    /// The same, on a service of others.
    pub(crate) remote: bool,
    /// A flag that is not listed is not known.
    pub(crate) strict: bool,
    /// Flags that are not listed are harmless: somebody has looked at every
    /// program of the entry for flags that run, write or send.
    pub(crate) free: bool,
    /// Long options have one dash.
    pub(crate) single: bool,
    /// The first operand may be a cluster of flags without a dash.
    pub(crate) letters: bool,
    /// Flags end at the first operand.
    pub(crate) first: bool,
}

/// A program or a subcommand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grammar {
    pub(crate) effect: Option<Effect>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) slots: Vec<(Slot, Kind)>,
    /// `key=value` operands, as of `dd`.
    pub(crate) keys: Vec<(&'static str, Kind)>,
    /// Operands that begin with `+`.
    pub(crate) plus: Option<Kind>,
    /// Without operands and without code.
    pub(crate) bare: Option<Effect>,
    /// What standard input holds.
    pub(crate) input: Option<Kind>,
    pub(crate) hook: Option<Hook>,
    pub(crate) marks: Marks,
    /// Dotted paths: `remote.add`.
    pub(crate) subs: Vec<(&'static str, Grammar)>,
    /// Command lines that the grammar proves itself by: a tier and a line.
    pub(crate) examples: Vec<(&'static str, &'static str)>,
}

impl Grammar {
    /// Whether the program runs what it is given: a shell, an interpreter, a
    /// wrapper.
    pub(crate) fn runs_anything(&self) -> bool {
        self.bare == Some(Effect::Shell)
            || self.effect == Some(Effect::Run)
            || self.input.is_some()
            || self.slots.iter().any(|(_, kind)| {
                matches!(
                    kind,
                    Kind::Argv | Kind::Join | Kind::Env | Kind::Cmd | Kind::Run
                )
            })
    }
}
