//! A known program: what its words come to.

use tollgate_types::Tier;

use super::{Bench, hook, shown};
use crate::code;
use crate::effect::Effect;
use crate::grammar::{self, Act, Fit, Grammar, Kind};
use crate::plan::{Arg, Input, Step};
use crate::read;
use crate::sight::Sight;
use crate::target::{self, Place};

/// Programs that run a command as somebody else, on this machine and in its
/// folders.
const RIGHTS: &[&str] = &["sudo", "doas", "run0", "pkexec"];

/// Stands for the words that `xargs` reads.
pub(super) const INPUT: &str = "input_of_xargs";

impl Bench {
    pub(super) fn known(&mut self, name: &str, grammar: &'static Grammar, step: &Step) {
        let fit = grammar::fit(grammar, &step.argv[1..]);
        if fit.info && !fit.has_code {
            return;
        }
        if let Some(hook) = grammar.hook {
            hook::run(self, hook, name, &fit, step);
        }
        let worst = deletion(&fit);
        let before = self.findings.len();
        let edits = fit
            .acts
            .iter()
            .any(|act| matches!(act, Act::Does(Effect::Edit, _)));
        let tells = matches!(grammar.effect, Some(Effect::Fetch | Effect::Open));
        for act in &fit.acts {
            match act {
                Act::Does(Effect::Root, what) => self.rights(name, what, &fit, before),
                Act::Does(effect, what) => self.does(*effect, name, what),
                Act::Command(argv) => self.elevated(argv.clone(), name, step),
                Act::Joined(words) => self.joined(words, name),
                Act::Has(kind, arg) => {
                    self.has(*kind, arg, name, worst);
                    if edits && *kind == Kind::In && !is_stream(arg) {
                        self.path(Effect::Write, arg, name);
                    }
                    if tells {
                        self.told(*kind, arg, name);
                    }
                }
            }
        }
        self.production(name, &fit);
        self.input(name, grammar, &fit, step);
        self.folder(name, &fit);
    }

    /// What `sudo` runs has the rights of others: it reads what the caller
    /// could not.
    fn elevated(&mut self, argv: Vec<Arg>, name: &str, step: &Step) {
        let outer = self.is_elevated;
        self.is_elevated |= RIGHTS.contains(&name);
        let argv = match name {
            "xargs" | "gxargs" => self.with_input(argv, step),
            _ => argv,
        };
        self.inner(argv, name, step);
        self.is_elevated = outer;
    }

    /// `xargs` puts words behind the command that only its input knows.
    fn with_input(&mut self, mut argv: Vec<Arg>, step: &Step) -> Vec<Arg> {
        let replaces = |word: &Arg| {
            word.text.starts_with("-I") || word.text.starts_with("-i") || word.text == "-J"
        };
        let own = &step.argv[..step.argv.len() - argv.len().min(step.argv.len())];
        if !own.iter().any(replaces) {
            self.scope.fill_by_input(INPUT);
            argv.push(Arg {
                dynamic: true,
                splits: true,
                ..Arg::fixed(format!("{}${INPUT}", self.listed(step)))
            });
        }
        argv
    }

    /// Where the files lie that a pipe lists: below the first folder that
    /// `find`, `grep` and their like are given, or here. Empty where it carries
    /// anything else.
    fn listed(&self, step: &Step) -> String {
        let Input::Pipe(range) = &step.input else {
            return String::new();
        };
        let first = self.steps.get(range.start).map(|step| &step.argv[..]);
        let Some([program, words @ ..]) = first else {
            return String::new();
        };
        let lists = [
            "find", "fd", "fdfind", "ls", "git", "grep", "egrep", "fgrep", "rg", "ag",
        ];
        if !lists.contains(&program.text.as_str()) {
            return String::new();
        }
        let far =
            |word: &&Arg| word.text.starts_with(['/', '~', '$']) || word.text.starts_with("..");
        match words.iter().find(far) {
            Some(root) => format!("{}/", root.text.trim_end_matches('/')),
            None => "./".to_owned(),
        }
    }

    /// Rights of others count less over what only looks: `sudo dmesg`.
    fn rights(&mut self, name: &str, what: &str, fit: &Fit, before: usize) {
        let looks = RIGHTS.contains(&name)
            && self.findings.len() == before
            && fit.acts.iter().any(|act| matches!(act, Act::Command(_)));
        match looks {
            true => self.find(
                Tier::Low,
                Sight::Known,
                "root-look",
                format!("`{}` looks with other rights", shown(name)),
            ),
            false => self.does(Effect::Root, name, what),
        }
    }

    fn has(&mut self, kind: Kind, arg: &Arg, name: &str, worst: Effect) {
        match kind {
            Kind::Val | Kind::Task | Kind::Pat | Kind::Repo => {}
            Kind::Mode => hook::grants(self, &arg.text, name),
            Kind::In if is_stream(arg) => {}
            Kind::In => self.path(Effect::Read, arg, name),
            Kind::Peek => self.peek(arg, name),
            Kind::Out => self.path(Effect::Write, arg, name),
            Kind::Del => self.path(worst, arg, name),
            Kind::Move => self.path(Effect::Delete, arg, name),
            Kind::Send => {
                self.path(Effect::Read, arg, name);
                self.does(Effect::Send, name, &arg.text);
            }
            Kind::Url => self.url(arg, name),
            Kind::Run => self.does(Effect::Run, name, &arg.text),
            Kind::Cmd => self.shell(arg, name),
            Kind::Argv | Kind::Join => {}
            Kind::Code => self.code(arg, name),
            Kind::Sql => self.sql(arg, name),
            Kind::Sed => self.found(code::sed(&arg.text), arg, name),
            Kind::Ed => self.found(code::ed(&arg.text), arg, name),
            Kind::Awk => self.found(code::awk(&arg.text), arg, name),
            Kind::Env => {
                if let Some((variable, value)) = arg.text.split_once('=') {
                    let value = Arg {
                        text: value.to_owned(),
                        ..arg.clone()
                    };
                    self.assignment(variable, &value, true);
                }
            }
            Kind::Dir => {}
            Kind::Expr => self.expression(arg, name),
            Kind::Method
                if ["GET", "HEAD", "OPTIONS"].contains(&arg.text.to_uppercase().as_str()) => {}
            Kind::Method => self.does(Effect::Send, name, &arg.text),
            Kind::Remote => self.remote(arg, name),
            Kind::Dest if elsewhere(arg) => self.does(Effect::Send, name, &arg.text),
            Kind::Dest if worst != Effect::Delete => self.path(worst, arg, name),
            Kind::Dest => self.path(Effect::Write, arg, name),
            Kind::Look => self.look(arg, name),
            Kind::Peer if self.scope.is_computed(&arg.text) || arg.text.contains('@') => {
                self.does(Effect::Connect, name, &arg.text);
            }
            Kind::Peer => {}
            Kind::Name => self.named(arg, name),
        }
    }

    /// `curl -H "X: $(cat key)"`, `xdg-open "https://x/$(id)"`: what is computed
    /// goes to whoever answers.
    fn told(&mut self, kind: Kind, arg: &Arg, name: &str) {
        let goes = match kind {
            Kind::Val | Kind::Url => true,
            _ => arg.text.contains("://"),
        };
        if goes && arg.dynamic && self.scope.holds_computed(&arg.text) {
            self.does(Effect::Send, name, "with a computed part");
        }
    }

    /// `export NAME=value`, `alias name=text`, and names that a shell evaluates.
    fn named(&mut self, arg: &Arg, name: &str) {
        if let Some(why) = read::subscript(arg) {
            self.opaque("subscript", &why);
        }
        let Some((variable, value)) = arg.text.split_once('=') else {
            return self.filled(&arg.text, name);
        };
        let value = Arg {
            text: value.to_owned(),
            ..arg.clone()
        };
        match name {
            "alias" => self.shell(&value, name),
            _ => self.assignment(variable, &value, false),
        }
    }

    /// `read PATH`, `printf -v PATH …`: a value that is not known.
    fn filled(&mut self, variable: &str, name: &str) {
        let keeps = [
            "export", "readonly", "declare", "typeset", "local", "unset", "alias",
        ];
        if !keeps.contains(&name) {
            let value = Arg {
                dynamic: true,
                ..Arg::fixed("$(…)")
            };
            self.assignment(variable, &value, false);
        }
    }

    /// Shell text in one word.
    pub(super) fn shell(&mut self, arg: &Arg, name: &str) {
        if arg.dynamic {
            let reason = format!(
                "`{}` runs text that is known only when it runs",
                shown(name)
            );
            self.opaque("dynamic-code", &reason);
        }
        // Editors write a command as `:!text`.
        let text = arg.text.trim_start_matches(':').trim_start_matches('!');
        self.text(text, Some(name));
    }

    /// Words that a program joins with spaces and hands to a shell.
    fn joined(&mut self, words: &[Arg], name: &str) {
        let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let dynamic = words.iter().any(|word| word.dynamic);
        let arg = Arg {
            dynamic: false,
            ..Arg::fixed(text.join(" "))
        };
        if dynamic && words[0].dynamic {
            self.opaque(
                "dynamic-code",
                &format!(
                    "`{}` runs text that is known only when it runs",
                    shown(name)
                ),
            );
        }
        self.shell(&arg, name);
    }

    pub(super) fn code(&mut self, arg: &Arg, name: &str) {
        self.does(Effect::Code, name, "");
        if arg.dynamic {
            self.opaque(
                "dynamic-code",
                &format!(
                    "`{}` runs code that is known only when it runs",
                    shown(name)
                ),
            );
        }
        for (effect, what) in code::script(&arg.text) {
            self.does(effect, name, what);
        }
        for text in code::shell_calls(&arg.text) {
            self.text(&text, Some(name));
        }
    }

    pub(super) fn sql(&mut self, arg: &Arg, name: &str) {
        let found = code::sql(&arg.text);
        if arg.dynamic {
            self.does(Effect::Unsure, name, "");
        }
        for (effect, what) in found {
            self.does(effect, name, what);
        }
    }

    pub(super) fn found(&mut self, found: Vec<code::Found>, arg: &Arg, name: &str) {
        if arg.dynamic && arg.splits {
            self.does(Effect::Unsure, name, "");
        }
        for one in found {
            match one {
                code::Found::Does(effect, what) => self.does(effect, name, what),
                code::Found::Shell(text) => self.text(&text, Some(name)),
                code::Found::Writes(path) => self.path(Effect::Write, &Arg::fixed(path), name),
                code::Found::Reads(path) => self.path(Effect::Read, &Arg::fixed(path), name),
            }
        }
    }

    /// `s/a/b/` and `y/a/b/` only rename; other perl is code.
    fn expression(&mut self, arg: &Arg, name: &str) {
        let head = arg
            .text
            .trim_start_matches("tr")
            .trim_start_matches(['s', 'y']);
        let replaces = head.len() < arg.text.len()
            && head.starts_with(|first: char| !first.is_alphanumeric() && first != ' ');
        match replaces {
            true => self.found(code::sed(&arg.text), arg, name),
            false if arg.text.contains(['(', '`', ';', '$']) => self.code(arg, name),
            false => {}
        }
    }

    fn url(&mut self, arg: &Arg, name: &str) {
        if let Some(path) = arg.text.strip_prefix("file:") {
            let path = Arg {
                text: format!("/{}", path.trim_start_matches('/')),
                ..arg.clone()
            };
            self.peek(&path, name);
        }
        if arg.dynamic && self.scope.holds_computed(&arg.text) {
            self.does(Effect::Send, name, "an address with a computed part");
        }
    }

    /// Reading through an option that was not made for it leaks only where the
    /// caller could not simply read: outside the workspace.
    fn peek(&mut self, arg: &Arg, name: &str) {
        let place = target::place(&arg.text, &self.view());
        if !matches!(place, Place::Workspace | Place::Temporary | Place::Nothing) {
            self.does(Effect::Leak, name, &arg.text);
        }
        self.path(Effect::Read, arg, name);
    }

    /// Names and attributes tell little; of credentials they tell where, and the
    /// guard's own folders are nobody's to look around in.
    fn look(&mut self, arg: &Arg, name: &str) {
        match target::place(&arg.text, &self.view()) {
            Place::Guard => self.path(Effect::Read, arg, name),
            Place::Credential => {
                let (who, what) = (shown(name), shown(&arg.text));
                let reason = format!("`{who}` looks at credentials `{what}`");
                self.find(Tier::Medium, Sight::Known, "look.credential", reason);
            }
            _ => {}
        }
    }

    fn remote(&mut self, arg: &Arg, name: &str) {
        if !elsewhere(arg) {
            self.path(Effect::Read, arg, name);
        }
    }

    /// What changes a service is worse where the service is in production.
    fn production(&mut self, name: &str, fit: &Fit) {
        let changes = fit.acts.iter().any(|act| {
            matches!(
                act,
                Act::Does(
                    Effect::Change | Effect::Push | Effect::Purge | Effect::Send | Effect::Unsure,
                    _
                )
            )
        });
        let named = fit
            .acts
            .iter()
            .filter_map(|act| match act {
                Act::Has(_, arg) => Some(arg.text.as_str()),
                _ => None,
            })
            .chain(fit.flags.iter().map(String::as_str))
            .any(is_production);
        if changes && named {
            self.find(
                Tier::High,
                Sight::Known,
                "production",
                format!("`{}` changes something in production", shown(name)),
            );
        }
    }

    /// `cd` moves what later relative paths mean.
    fn folder(&mut self, name: &str, fit: &Fit) {
        if !["cd", "pushd"].contains(&name) {
            return;
        }
        self.setting.folder = match fit.operands.first() {
            Some(arg) if arg.dynamic => None,
            Some(arg) if arg.text.starts_with(['/', '~']) => Some(arg.text.clone()),
            Some(arg) => self
                .setting
                .folder
                .as_ref()
                .map(|folder| format!("{folder}/{}", arg.text)),
            None => self.setting.home.clone().or_else(|| Some("~".to_owned())),
        };
    }
}

/// Deleting is worse with a flag that makes it recursive.
fn deletion(fit: &Fit) -> Effect {
    let mut worst = Effect::Delete;
    for act in &fit.acts {
        if let Act::Does(effect @ (Effect::Destroy | Effect::Purge | Effect::Wipe), _) = act
            && effect.tier() > worst.tier()
        {
            worst = *effect;
        }
    }
    worst
}

/// `host:path`, `host::module` or an address.
fn elsewhere(arg: &Arg) -> bool {
    arg.text.contains("://")
        || arg.text.split_once(':').is_some_and(|(host, _)| {
            // `C:` is a drive.
            let drive = host.len() == 1 && host.starts_with(|one: char| one.is_ascii_uppercase());
            !host.contains('/') && !host.is_empty() && !drive
        })
}

fn is_stream(arg: &Arg) -> bool {
    arg.text == "-" || arg.text.starts_with("/dev/fd/")
}

fn is_production(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower
        .split(|one: char| !one.is_ascii_alphanumeric())
        .any(|part| ["prod", "production", "prd", "live"].contains(&part))
}

impl Step {
    /// Whether code could come in by standard input.
    pub(super) fn is_fed(&self) -> bool {
        self.input != Input::Inherited
            || self
                .redirects
                .iter()
                .any(|redirect| redirect.direction == crate::plan::Direction::Read)
    }
}
