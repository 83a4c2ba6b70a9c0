//! The judge: text in, verdict out.

mod act;
mod assign;
mod environment;
mod git;
mod hook;
mod input;
mod path;
mod way;

use tollgate_types::Tier;

use crate::effect::Effect;
use crate::grammar;
use crate::plan::{Arg, Direction, Input, Origin, Step};
use crate::read::{self, Scope};
use crate::setting::Setting;
use crate::sight::Sight;
use crate::verdict::{Finding, Verdict};
use way::Way;

/// Deepest chain of commands inside commands.
const DEEPEST: usize = 8;
/// Most commands of one text, unwrapped ones included.
const MOST: usize = 1_000;

/// Judges shell text. Total: whatever can't be read is opaque, MEDIUM or above.
pub fn judge(text: &str, setting: &Setting) -> Verdict {
    let mut bench = Bench::new(setting);
    bench.text(text, None);
    Verdict::of(bench.findings, bench.steps)
}

/// Judges shell text on the spot where all of it is tame: short, with few
/// brackets. `None` means that it belongs in a process that may be killed.
pub fn judge_tame(text: &str, setting: &Setting) -> Option<Verdict> {
    let mut bench = Bench::new(setting);
    bench.scope.only_tame = true;
    bench.text(text, None);
    (!bench.scope.met_wild).then(|| Verdict::of(bench.findings, bench.steps))
}

/// What is said of text that could not be judged in time.
pub fn too_slow() -> Verdict {
    let mut bench = Bench::new(&Setting::default());
    bench.opaque("unreadable", "the text could not be read in time");
    Verdict::of(bench.findings, bench.steps)
}

/// Judges an argv that no shell will read.
pub fn judge_argv(argv: &[String], setting: &Setting) -> Verdict {
    let mut bench = Bench::new(setting);
    bench.argv(argv);
    Verdict::of(bench.findings, bench.steps)
}

/// The same, where all text that it hands to a shell is tame; see
/// [`judge_tame`].
pub fn judge_argv_tame(argv: &[String], setting: &Setting) -> Option<Verdict> {
    let mut bench = Bench::new(setting);
    bench.scope.only_tame = true;
    bench.argv(argv);
    (!bench.scope.met_wild).then(|| Verdict::of(bench.findings, bench.steps))
}

/// One judgement in the making.
pub(crate) struct Bench {
    setting: Setting,
    scope: Scope,
    pub(crate) findings: Vec<Finding>,
    steps: Vec<Step>,
    depth: usize,
    /// Inside a command that runs with the rights of others.
    is_elevated: bool,
    /// The step of the text that is being judged.
    root: Option<usize>,
    way: Way,
}

impl Bench {
    fn new(setting: &Setting) -> Self {
        Self {
            setting: setting.clone(),
            scope: Scope::new(setting.home.as_deref()),
            findings: Vec::new(),
            steps: Vec::new(),
            depth: 0,
            is_elevated: false,
            root: None,
            way: Way::new(setting),
        }
    }

    /// Shell text: the whole, or what a command hands to a shell.
    pub(crate) fn text(&mut self, text: &str, inside: Option<&str>) {
        if self.depth >= DEEPEST {
            return self.opaque("nesting", "commands nested too deep to be followed");
        }
        self.depth += 1;
        self.scope.depth = 0;
        match read::plan(text, &mut self.scope) {
            Ok(plan) => {
                for why in plan.hidden {
                    match why == read::FORK_BOMB {
                        true => self.find(Tier::Critical, Sight::Known, "fork-bomb", why),
                        false => self.opaque("hidden", &why),
                    }
                }
                let offset = self.steps.len();
                for mut step in plan.steps {
                    if let Some(name) = inside {
                        step.origin = Origin::Inside(name.to_owned());
                    }
                    // Unwrapped steps stand between: a pipe's places are only
                    // good within one text.
                    if let Input::Pipe(range) = &step.input {
                        step.input = Input::Pipe(range.start + offset..range.end + offset);
                    }
                    self.step(step);
                }
            }
            Err(why) => self.opaque("unreadable", &why.to_string()),
        }
        self.depth -= 1;
    }

    fn argv(&mut self, argv: &[String]) {
        let argv = argv
            .iter()
            .map(|word| Arg {
                quoted: true,
                ..Arg::fixed(word)
            })
            .collect();
        self.step(Step {
            argv,
            ..Step::default()
        });
    }

    pub(crate) fn step(&mut self, step: Step) {
        if self.steps.len() >= MOST {
            return self.opaque("too-many", "more commands than are followed");
        }
        let place = self.steps.len();
        let step = Step {
            folder: self.way.at(&step),
            ..step
        };
        if !matches!(step.origin, Origin::Inside(_)) {
            self.root = Some(place);
        }
        self.steps.push(step.clone());
        let prefix = !step.argv.is_empty();
        for (name, value) in &step.assignments {
            self.assignment(name, value, prefix);
        }
        for redirect in &step.redirects {
            let effect = match redirect.direction {
                Direction::Read => Effect::Read,
                _ => Effect::Write,
            };
            self.path(effect, &redirect.file, "a redirection");
        }
        if !step.argv.is_empty() {
            self.command(&step);
            match self.scope.functions.contains(&step.argv[0].text) {
                true => self.way.lost(),
                false => self.way.moved(&step, self.setting.home.as_deref()),
            }
        }
        if !matches!(step.origin, Origin::Inside(_)) {
            self.root = None;
        }
    }

    /// A command that a step runs: the rest of a wrapper's words.
    pub(crate) fn inner(&mut self, argv: Vec<Arg>, wrapper: &str, outer: &Step) {
        if self.depth >= DEEPEST {
            return self.opaque("nesting", "commands nested too deep to be followed");
        }
        self.depth += 1;
        self.step(Step {
            argv,
            origin: Origin::Inside(wrapper.to_owned()),
            input: outer.input.clone(),
            ..Step::default()
        });
        self.depth -= 1;
    }

    fn command(&mut self, step: &Step) {
        let program = &step.argv[0];
        if program.dynamic || program.glob && program.text != "[" {
            self.opaque(
                "dynamic-program",
                &format!("`{}` is known only when it runs", shown(&program.text)),
            );
            // What follows may be the program, where the first word vanishes.
            if program.splits && step.argv.len() > 1 {
                self.inner(step.argv[1..].to_vec(), "an expansion", step);
            }
            return;
        }
        if self.scope.functions.contains(&program.text) {
            return;
        }
        let Some(name) = self.name(&program.text) else {
            return;
        };
        let grammar = grammar::find(name).or_else(|| self.other_case(name));
        let Some(grammar) = grammar else {
            let reason = format!("`{}` is not a program that is known", shown(name));
            return self.find(Tier::Medium, Sight::Unknown, "unknown-program", reason);
        };
        self.known(name, grammar, step);
    }

    /// The name to look up: without its folder where that is one of the
    /// system's. Everything else with a slash is a script by path.
    fn name<'a>(&mut self, program: &'a str) -> Option<&'a str> {
        let Some((folder, name)) = program.rsplit_once('/') else {
            return Some(program);
        };
        let system = [
            "/bin",
            "/usr/bin",
            "/sbin",
            "/usr/sbin",
            "/usr/local/bin",
            "/usr/local/sbin",
            "/opt/homebrew/bin",
            "/usr/games",
            "/usr/libexec",
        ];
        if system.contains(&folder) && !name.is_empty() {
            return Some(name);
        }
        self.opaque(
            "script-by-path",
            &format!("`{}` is run by its path", shown(program)),
        );
        None
    }

    /// `RM` is `rm` where the file system does not tell them apart.
    fn other_case(&mut self, name: &str) -> Option<&'static grammar::Grammar> {
        let lower = name.to_lowercase();
        let grammar = (lower != name).then(|| grammar::find(&lower)).flatten()?;
        let reason = format!(
            "`{}` is `{lower}` only where case does not count",
            shown(name)
        );
        self.find(Tier::Medium, Sight::Unknown, "letter-case", reason);
        Some(grammar)
    }

    pub(crate) fn does(&mut self, effect: Effect, who: &str, what: &str) {
        if effect == Effect::Read {
            return;
        }
        let reason = match what.is_empty() {
            true => format!("`{}` {}", shown(who), effect.says()),
            false => format!("`{} {}` {}", shown(who), shown(what), effect.says()),
        };
        self.find(effect.tier(), effect.sight(), effect.name(), reason);
    }

    pub(crate) fn opaque(&mut self, rule: &str, reason: &str) {
        self.find(Tier::Medium, Sight::Opaque, rule, reason.to_owned());
    }

    pub(crate) fn find(&mut self, tier: Tier, sight: Sight, rule: &str, reason: impl Into<String>) {
        if tier == Tier::Safe && sight == Sight::Known {
            return;
        }
        let rule = rule.to_owned();
        self.findings.push(Finding {
            tier,
            sight,
            rule,
            reason: reason.into(),
            step: self.root,
        });
    }
}

/// A word as it may stand in a reason: short, one line, nothing invisible.
pub(crate) fn shown(word: &str) -> String {
    let mut text: String = word.chars().take(60).flat_map(char::escape_debug).collect();
    text = text.replace('`', "'");
    if word.chars().count() > 60 {
        text.push('…');
    }
    text
}
