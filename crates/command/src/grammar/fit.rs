//! A command line against a grammar: what each word of it does.

use tollgate_types::Tier;

use super::shape::{Flag, Grammar, Kind, Marks, Slot, Value};
use super::{suspect, verb};
use crate::effect::Effect;
use crate::plan::Arg;

/// One thing that a command line does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// An effect, and the word that has it.
    Does(Effect, String),
    /// A value or an operand of a kind.
    Has(Kind, Arg),
    /// A command: the words from here on.
    Command(Vec<Arg>),
    /// Shell text made of the words from here on.
    Joined(Vec<Arg>),
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Fit {
    pub(crate) acts: Vec<Act>,
    /// Names of the flags, long names where there is one.
    pub(crate) flags: Vec<String>,
    pub(crate) operands: Vec<Arg>,
    /// Dotted path of the subcommand.
    pub(crate) path: String,
    /// It only prints about itself.
    pub(crate) info: bool,
    /// Code came with a flag: what stands elsewhere is data.
    pub(crate) has_code: bool,
}

/// Fits `args` (without the program) to the program's grammar.
pub(crate) fn fit(grammar: &'static Grammar, args: &[Arg]) -> Fit {
    let mut fitting = Fitting {
        chain: vec![grammar],
        args,
        at: 0,
        fit: Fit::default(),
        ended: false,
    };
    fitting.run();
    fitting.fit
}

struct Fitting<'a> {
    /// The program and the subcommands on the way: flags of all of them count.
    chain: Vec<&'static Grammar>,
    args: &'a [Arg],
    at: usize,
    fit: Fit,
    /// After `--`, or where the rest is a command.
    ended: bool,
}

impl<'a> Fitting<'a> {
    fn run(&mut self) {
        if let [only] = self.args
            && self.is_about_itself(&only.text)
        {
            self.fit.info = true;
            return;
        }
        while let Some(arg) = self.args.get(self.at) {
            self.at += 1;
            if arg.dynamic && arg.text.starts_with('$') || self.ended {
                self.operand(arg);
            } else if arg.text == "--" {
                self.dashes();
            } else if arg.text.starts_with("--") {
                self.long(arg);
            } else if arg.text.starts_with('-') && arg.text.len() > 1 {
                self.short(arg);
            } else if let (Some(kind), true) = (self.grammar().plus, arg.text.starts_with('+')) {
                if arg.text.contains('!') {
                    self.fit.acts.push(Act::Does(Effect::Run, arg.text.clone()));
                }
                self.fit.acts.push(Act::Has(kind, cut(arg, 1)));
            } else if self.marks().letters && self.at == 1 {
                self.cluster(arg, &arg.text.clone());
            } else {
                self.operand(arg);
            }
        }
        self.close();
    }

    /// The only word asks a program about itself. `-h` and `-V` do so unless the
    /// program has another use for them, or does harm by itself.
    fn is_about_itself(&self, word: &str) -> bool {
        let short = ["-help", "-version", "-V", "-h"].contains(&word);
        let root = self.chain[0];
        let mild = root.effect.is_none_or(|effect| effect.tier() < Tier::High);
        ["--help", "--version"].contains(&word)
            || short && mild && !root.runs_anything() && self.lookup(word).is_none()
    }

    fn grammar(&self) -> &'static Grammar {
        self.chain[self.chain.len() - 1]
    }

    fn marks(&self) -> Marks {
        self.grammar().marks
    }

    fn dashes(&mut self) {
        self.ended = true;
        // A slot for a command may begin right here.
        if self.fit.operands.is_empty() && self.rest_kind(1) == Some(Kind::Argv) {
            self.at = self.at.min(self.args.len());
        }
    }

    fn long(&mut self, arg: &Arg) {
        let (name, value) = match arg.text.split_once('=') {
            Some((name, _)) => (name, Some(cut(arg, name.len() + 1))),
            None => (arg.text.as_str(), None),
        };
        match self.lookup(name).or_else(|| self.abbreviated(name)) {
            Some(flag) => self.take(flag, value),
            None => self.unlisted(name, value),
        }
    }

    fn short(&mut self, arg: &Arg) {
        let (name, value) = match arg.text.split_once('=') {
            Some((name, _)) => (name, Some(cut(arg, name.len() + 1))),
            None => (arg.text.as_str(), None),
        };
        if let Some(flag) = self.lookup(name) {
            return self.take(flag, value);
        }
        match self.marks().single || self.chain[0].marks.single {
            true => self.unlisted(name, value),
            false => self.cluster(arg, &arg.text[1..]),
        }
    }

    /// `-xzf file`: each letter is a flag until one takes a value.
    fn cluster(&mut self, arg: &Arg, letters: &str) {
        let dash = arg.text.len() - letters.len();
        for (at, letter) in letters.char_indices() {
            let name = format!("-{letter}");
            let Some(flag) = self.lookup(&name) else {
                if self.marks().strict && !letter.is_ascii_digit() {
                    self.fit.acts.push(Act::Does(Effect::Unsure, name.clone()));
                }
                self.fit.flags.push(name);
                continue;
            };
            let rest = dash + at + letter.len_utf8();
            let attached = (rest < arg.text.len()).then(|| cut(arg, rest));
            match flag.value {
                Value::None => self.take(flag, None),
                // Of `tar xf a`, the value is the next word; of `tar -fa`, the rest.
                _ if dash == 0 => self.take(flag, None),
                _ => return self.take(flag, attached),
            }
        }
    }

    fn lookup(&self, name: &str) -> Option<&'static Flag> {
        self.chain
            .iter()
            .rev()
            .find_map(|grammar| grammar.flags.iter().find(|flag| flag.names.contains(&name)))
    }

    /// GNU takes any unique beginning of a long option. What is unique can't be
    /// told from a table that lists the notable ones: the worst counts.
    fn abbreviated(&self, name: &str) -> Option<&'static Flag> {
        if name.len() < 4 {
            return None;
        }
        self.chain
            .iter()
            .flat_map(|grammar| &grammar.flags)
            .filter(|flag| {
                flag.names
                    .iter()
                    .any(|full| full.starts_with("--") && full.starts_with(name))
            })
            .max_by_key(|flag| flag.effect.map(Effect::tier))
    }

    fn take(&mut self, flag: &'static Flag, attached: Option<Arg>) {
        let name = flag.names[flag.names.len() - 1];
        self.fit.flags.push(name.to_owned());
        self.fit.info |= flag.info;
        if let Some(effect) = flag.effect {
            self.fit.acts.push(Act::Does(effect, name.to_owned()));
        }
        let kind = match flag.value {
            Value::None => return,
            Value::Needed(kind) | Value::Optional(kind) => kind,
        };
        match (kind, attached, flag.value) {
            (Kind::Argv, None, _) => self.command(),
            (Kind::Join, None, _) => self.joined(),
            (_, Some(value), _) => self.has(kind, value),
            (_, None, Value::Needed(_)) => {
                if let Some(next) = self.args.get(self.at) {
                    self.at += 1;
                    self.has(kind, next.clone());
                    self.doubted(next);
                    if kind == Kind::Val {
                        self.doubted_command(next);
                    }
                }
            }
            _ => {}
        }
    }

    /// A value that is itself the name of a flag: if the table is wrong about
    /// the flag before it, this one counts.
    fn doubted(&mut self, value: &Arg) {
        if value.text.starts_with("--")
            && let Some(flag) = self.lookup(value.text.split('=').next().unwrap_or_default())
            && let Some(effect) = flag.effect.filter(|effect| *effect != Effect::Read)
        {
            self.fit.acts.push(Act::Does(effect, value.text.clone()));
        }
    }

    /// The value of a wrapper's flag that is the name of a program: wrappers
    /// share tables, and `unshare -f sh` takes no value where `proxychains -f`
    /// does. Both readings count.
    fn doubted_command(&mut self, value: &Arg) {
        let wraps =
            self.grammar().slots.iter().any(|(slot, kind)| {
                *kind == Kind::Argv && matches!(slot, Slot::Every | Slot::At(1))
            });
        if wraps && super::find(&value.text).is_some() {
            let rest = self.args[self.at - 1..].to_vec();
            self.fit.acts.push(Act::Command(rest));
        }
    }

    fn has(&mut self, kind: Kind, value: Arg) {
        self.fit.has_code |= matches!(
            kind,
            Kind::Code | Kind::Cmd | Kind::Sql | Kind::Sed | Kind::Awk | Kind::Run
        );
        self.fit.acts.push(Act::Has(kind, value));
    }

    fn unlisted(&mut self, name: &str, value: Option<Arg>) {
        self.fit.flags.push(name.to_owned());
        if name == "--help" {
            let shows = self.chain.len() > 1 || !self.chain[0].runs_anything();
            self.fit.info |= shows && !self.fit.has_code;
            return;
        }
        let effect = match self.marks().strict {
            true => Some(Effect::Unsure),
            false => suspect::long(name),
        };
        match (effect, value) {
            (Some(Effect::Write), Some(file)) => self.fit.acts.push(Act::Has(Kind::Out, file)),
            (Some(effect), _) => self.fit.acts.push(Act::Does(effect, name.to_owned())),
            (None, Some(value)) => self.fit.acts.push(Act::Has(Kind::Val, value)),
            (None, None) => {}
        }
    }

    fn operand(&mut self, arg: &Arg) {
        if self.fit.operands.is_empty() && self.sub(arg) {
            return;
        }
        for (key, kind) in &self.grammar().keys {
            if let Some(rest) = arg.text.strip_prefix(key)
                && rest.starts_with('=')
            {
                return self.has(*kind, cut(arg, key.len() + 1));
            }
        }
        let place = self.fit.operands.len() + 1;
        match self.rest_kind(place) {
            Some(Kind::Env) if arg.text.contains('=') => return self.has(Kind::Env, arg.clone()),
            Some(Kind::Argv | Kind::Env) => {
                self.at -= 1;
                return self.command();
            }
            Some(Kind::Join) => {
                self.at -= 1;
                return self.joined();
            }
            _ => {}
        }
        self.fit.operands.push(arg.clone());
        self.ended |= self.marks().first;
    }

    /// What the operand at a place is, where the rest depends on it.
    fn rest_kind(&self, place: usize) -> Option<Kind> {
        let slots = &self.grammar().slots;
        slots
            .iter()
            .find(|(slot, _)| *slot == Slot::At(place))
            .or_else(|| slots.iter().find(|(slot, _)| *slot == Slot::Every))
            .map(|(_, kind)| *kind)
    }

    fn sub(&mut self, arg: &Arg) -> bool {
        let root = self.chain[0];
        if root.subs.is_empty() {
            return false;
        }
        let path = match self.fit.path.is_empty() {
            true => arg.text.clone(),
            false => format!("{}.{}", self.fit.path, arg.text),
        };
        let exact = root.subs.iter().find(|(name, _)| *name == path);
        let below = root.subs.iter().any(|(name, _)| {
            name.strip_prefix(&path)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        if let Some((_, grammar)) = exact {
            self.chain.push(grammar);
        }
        let found = exact.is_some() || below;
        if found {
            self.fit.path = path;
        }
        found
    }

    fn command(&mut self) {
        let rest = self.args[self.at.min(self.args.len())..].to_vec();
        let rest = match rest.first() {
            Some(first) if first.text == "--" && !self.ended => rest[1..].to_vec(),
            _ => rest,
        };
        self.at = self.args.len();
        if !rest.is_empty() {
            self.fit.has_code = true;
            self.fit.acts.push(Act::Command(rest));
        }
    }

    fn joined(&mut self) {
        let rest = self.args[self.at.min(self.args.len())..].to_vec();
        self.at = self.args.len();
        if !rest.is_empty() {
            self.fit.has_code = true;
            self.fit.acts.push(Act::Joined(rest));
        }
    }

    /// Operands are complete: their kinds, and what the whole does.
    fn close(&mut self) {
        let grammar = self.grammar();
        let count = self.fit.operands.len();
        let has_script = self.has_script();
        for (place, operand) in self.fit.operands.clone().into_iter().enumerate() {
            let slots = &grammar.slots;
            let at = |slot: Slot| {
                slots
                    .iter()
                    .find(|(one, _)| *one == slot)
                    .map(|(_, kind)| *kind)
            };
            let last = at(Slot::Last)
                .filter(|_| place + 1 == count && (count > 1 || at(Slot::Every).is_none()));
            // Of `sed -e p a.txt` and `perl -ne print a.txt` the first operand is
            // no script.
            let own = at(Slot::At(place + 1)).filter(|kind| !has_script || !kind.is_script());
            let kind = own.or(last).or_else(|| at(Slot::Every));
            let kind = kind.filter(|kind| *kind != Kind::Run || !has_script);
            self.fit
                .acts
                .push(Act::Has(kind.unwrap_or(Kind::Val), operand));
        }
        let effect = self.whole(grammar).map(|effect| self.tried(effect));
        if let Some(effect) = effect {
            let name = self.fit.path.replace('.', " ");
            self.fit.acts.push(Act::Does(effect, name));
        }
    }

    /// What the program is to do came with an option.
    fn has_script(&self) -> bool {
        let by_name = ["--regexp", "--file", "--from-file", "--expression"];
        let takes_first = self.grammar().slots.contains(&(Slot::At(1), Kind::Pat));
        let flags = &self.fit.flags;
        takes_first && flags.iter().any(|flag| by_name.contains(&&**flag))
            || self.fit.acts.iter().any(|act| match act {
                Act::Has(kind, _) => kind.is_script() && *kind != Kind::Run,
                _ => false,
            })
    }

    /// A deployment or a deletion that is only tried out. It stays a change: a
    /// program may have its own idea of trying.
    fn tried(&self, effect: Effect) -> Effect {
        let dry = ["--dry-run", "--dryrun"];
        let is_tried = self.fit.flags.iter().any(|flag| dry.contains(&&**flag));
        match effect {
            Effect::Deploy | Effect::Destroy if is_tried => Effect::Change,
            other => other,
        }
    }

    fn whole(&self, grammar: &'static Grammar) -> Option<Effect> {
        // A flag that only reads says what the whole call is: `--list`.
        if self
            .fit
            .acts
            .iter()
            .any(|act| matches!(act, Act::Does(Effect::Read, _)))
        {
            return None;
        }
        let root = self.chain[0];
        let listed = self.chain.len() > 1;
        if root.bare == Some(Effect::Read) && self.is_bare() {
            return None;
        }
        if !listed && !self.fit.operands.is_empty() && (root.marks.verbs || root.marks.remote) {
            let words: Vec<&str> = self.words();
            let fallback = match root.effect {
                Some(Effect::Open) => Effect::Open,
                _ => Effect::Unsure,
            };
            let lists = root.marks.remote && matches!(*words, [noun] if verb::is_plural(noun));
            let by_verb = verb::of(&words, root.marks.remote)
                .or_else(|| self.verb_of_options())
                .or(lists.then_some(Effect::Read));
            return Some(by_verb.unwrap_or(fallback));
        }
        if listed && (grammar.marks.verbs || grammar.marks.remote) {
            let words: Vec<&str> = self.words();
            return verb::of(&words, grammar.marks.remote)
                .or(grammar.effect)
                .or(Some(Effect::Unsure));
        }
        let verbs = root.marks.verbs || root.marks.remote;
        if !listed
            && verbs
            && let Some(effect) = self.verb_of_options()
        {
            return Some(effect);
        }
        if !listed && root.marks.sub && (!self.fit.operands.is_empty() || !self.fit.path.is_empty())
        {
            return Some(Effect::Unsure);
        }
        grammar
            .effect
            .or(root.effect.filter(|_| listed && !root.marks.sub))
    }

    /// No operand, and no option that does something.
    fn is_bare(&self) -> bool {
        self.fit.operands.is_empty() && self.fit.path.is_empty() && self.fit.acts.is_empty()
    }

    /// `--list-modems`, `--show`: options of programs of many verbs that begin
    /// like one. The worst of them counts.
    fn verb_of_options(&self) -> Option<Effect> {
        let remote = self.chain[0].marks.remote;
        let options = self
            .fit
            .flags
            .iter()
            .filter_map(|flag| flag.strip_prefix("--"));
        options
            .filter_map(|option| verb::of(&[option], remote))
            .max_by_key(|effect| effect.tier())
    }

    fn words(&self) -> Vec<&str> {
        let path = self
            .fit
            .path
            .split('.')
            .filter(|part| !part.is_empty() && self.chain.len() == 1);
        path.chain(
            self.fit
                .operands
                .iter()
                .map(|operand| operand.text.as_str()),
        )
        .collect()
    }
}

/// The rest of a word from a byte on.
fn cut(arg: &Arg, from: usize) -> Arg {
    Arg {
        text: arg.text.get(from..).unwrap_or_default().to_owned(),
        ..arg.clone()
    }
}
