//! From the parser's tree to a flat plan.
//!
//! Every simple command becomes a step, wherever it stands: in a loop, a
//! branch that may not be taken, a substitution. The judge asks what could
//! run, not what will.

use brush_parser::ast::{
    AndOr, AndOrList, Assignment, AssignmentName, AssignmentValue, Command,
    CommandPrefixOrSuffixItem as Item, CompoundCommand, CompoundList, ExtendedTestExpr,
    FunctionDefinition, IoRedirect, Pipeline, Program, SeparatorOperator, SimpleCommand, Word,
};

use super::scope::Scope;
use super::word::{self, Atom, Decoded};
use crate::plan::{Arg, Arm, Input, Origin, Plan, Spot, Step};

/// Deepest chain of texts inside texts.
const DEEPEST: usize = 6;

pub(super) fn lower(program: &Program, scope: &mut Scope) -> Plan {
    let mut lowering = Lowering {
        plan: Plan::default(),
        scope,
        input: Input::Inherited,
        origin: Origin::Text,
        uncertain: 0,
        chain: 0,
        arm: Arm::First,
    };
    for list in &program.complete_commands {
        lowering.list(list);
    }
    lowering.plan
}

pub(super) struct Lowering<'a> {
    pub(super) plan: Plan,
    pub(super) scope: &'a mut Scope,
    input: Input,
    origin: Origin,
    /// Above zero where a command may not run, or runs in a subshell: what it
    /// assigns is not certain afterwards.
    uncertain: usize,
    /// How many lists of `&&` and `||` were met.
    chain: usize,
    arm: Arm,
}

impl Lowering<'_> {
    fn list(&mut self, list: &CompoundList) {
        for item in &list.0 {
            let background = matches!(item.1, SeparatorOperator::Async);
            self.uncertain += usize::from(background);
            self.and_or(&item.0);
            self.uncertain -= usize::from(background);
        }
    }

    fn branch(&mut self, list: &CompoundList) {
        self.uncertain += 1;
        self.list(list);
        self.uncertain -= 1;
    }

    fn and_or(&mut self, list: &AndOrList) {
        let outer = self.arm;
        self.chain += 1;
        self.arm = Arm::First;
        self.pipeline(&list.first);
        // What an arm assigns is certain in the arms behind it only: of
        // `false && X=a; echo $X`, nothing is known of X.
        let mark = self.scope.mark();
        for next in &list.additional {
            match next {
                AndOr::And(pipeline) => {
                    self.arm = Arm::And;
                    self.pipeline(pipeline);
                }
                AndOr::Or(pipeline) => {
                    self.scope.forget_since(mark);
                    self.arm = Arm::Or;
                    self.uncertain += 1;
                    self.pipeline(pipeline);
                    self.uncertain -= 1;
                }
            }
        }
        if !list.additional.is_empty() {
            self.scope.forget_since(mark);
            self.chain += 1;
        }
        self.arm = outer;
    }

    fn spot(&self) -> Spot {
        Spot {
            chain: self.chain,
            arm: self.arm,
            uncertain: self.uncertain > 0,
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        let outer = self.input.clone();
        let piped = pipeline.seq.len() > 1;
        self.uncertain += usize::from(piped);
        for (place, command) in pipeline.seq.iter().enumerate() {
            let start = self.plan.steps.len();
            self.command(command);
            if place + 1 < pipeline.seq.len() {
                self.input = Input::Pipe(start..self.plan.steps.len());
            }
        }
        self.uncertain -= usize::from(piped);
        self.input = outer;
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound, redirects) => {
                let outer = self.input.clone();
                let redirects: Vec<_> = redirects.iter().flat_map(|list| &list.0).collect();
                self.bare_redirects(&redirects);
                self.compound(compound);
                self.input = outer;
            }
            Command::Function(function) => self.function(function),
            Command::ExtendedTest(test, redirects) => {
                let redirects: Vec<_> = redirects.iter().flat_map(|list| &list.0).collect();
                self.bare_redirects(&redirects);
                self.test(&test.expr);
            }
        }
    }

    /// Redirections of a whole group: a step of their own, and the input of
    /// what stands in the group.
    fn bare_redirects(&mut self, redirects: &[&IoRedirect]) {
        let mut step = Step {
            origin: self.origin.clone(),
            spot: self.spot(),
            ..Step::default()
        };
        for redirect in redirects {
            self.redirect(redirect, &mut step);
        }
        if step.input != Input::Inherited {
            self.input = step.input.clone();
        }
        if !step.redirects.is_empty() {
            self.plan.steps.push(step);
        }
    }

    fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(sum) => self.look_inside(&sum.expr.value),
            CompoundCommand::ArithmeticForClause(each) => {
                let parts = [&each.initializer, &each.condition, &each.updater];
                for part in parts.into_iter().flatten() {
                    self.look_inside(&part.value);
                }
                self.branch(&each.body.list);
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(shell) => self.branch(&shell.list),
            CompoundCommand::ForClause(each) => {
                for value in each.values.iter().flatten() {
                    self.words(value);
                }
                self.scope.forget(&each.variable_name);
                self.branch(&each.body.list);
            }
            CompoundCommand::CaseClause(case) => {
                self.words(&case.value);
                for item in &case.cases {
                    item.patterns
                        .iter()
                        .for_each(|pattern| drop(self.words(pattern)));
                    item.cmd.iter().for_each(|list| self.branch(list));
                }
            }
            CompoundCommand::IfClause(choice) => {
                self.branch(&choice.condition);
                self.branch(&choice.then);
                for other in choice.elses.iter().flatten() {
                    other.condition.iter().for_each(|list| self.branch(list));
                    self.branch(&other.body);
                }
            }
            CompoundCommand::WhileClause(each) | CompoundCommand::UntilClause(each) => {
                self.branch(&each.0);
                self.branch(&each.1.list);
            }
            CompoundCommand::Coprocess(process) => {
                self.uncertain += 1;
                self.command(&process.body);
                self.uncertain -= 1;
            }
        }
    }

    fn function(&mut self, function: &FunctionDefinition) {
        let name = function.fname.value.clone();
        let start = self.plan.steps.len();
        let outer = std::mem::replace(&mut self.origin, Origin::Body);
        self.scope.functions.insert(name.clone());
        self.uncertain += 1;
        let input = std::mem::take(&mut self.input);
        self.compound(&function.body.0);
        let redirects: Vec<_> = function.body.1.iter().flat_map(|list| &list.0).collect();
        self.bare_redirects(&redirects);
        self.input = input;
        self.uncertain -= 1;
        self.origin = outer;
        let calls = self.plan.steps[start..]
            .iter()
            .filter(|step| step.argv.first().is_some_and(|word| word.text == name))
            .count();
        if calls > 1 {
            self.plan.hidden.push(FORK_BOMB.to_owned());
        }
    }

    fn test(&mut self, test: &ExtendedTestExpr) {
        match test {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => {
                self.test(inner)
            }
            ExtendedTestExpr::UnaryTest(_, word) => self.evaluated(word),
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.evaluated(left);
                self.evaluated(right);
            }
        }
    }

    /// An operand of `[[`: a subscript in it is evaluated once more.
    fn evaluated(&mut self, word: &Word) {
        for arg in self.words(word) {
            if let Some(why) = subscript(&arg) {
                self.plan.hidden.push(why);
            }
        }
    }

    fn simple(&mut self, simple: &SimpleCommand) {
        let mut step = Step {
            origin: self.origin.clone(),
            input: self.input.clone(),
            spot: self.spot(),
            ..Step::default()
        };
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            self.item(item, true, &mut step);
        }
        if let Some(name) = &simple.word_or_name {
            step.argv.extend(self.words(name));
        }
        let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        for item in suffix {
            self.item(item, false, &mut step);
        }
        self.scope.remember(&step, self.uncertain == 0);
        self.plan.steps.push(step);
    }

    fn item(&mut self, item: &Item, prefix: bool, step: &mut Step) {
        match item {
            Item::IoRedirect(redirect) => self.redirect(redirect, step),
            Item::Word(word) => step.argv.extend(self.words(word)),
            Item::AssignmentWord(assignment, _) if prefix => self.assignment(assignment, step),
            Item::AssignmentWord(assignment, word) => match &assignment.value {
                AssignmentValue::Scalar(_) => step.argv.extend(self.words(word)),
                AssignmentValue::Array(_) => {
                    self.assignment(assignment, step);
                    step.argv.push(Arg {
                        text: word.value.clone(),
                        dynamic: true,
                        ..Arg::default()
                    });
                }
            },
            Item::ProcessSubstitution(_, shell) => {
                self.nested(&shell.list);
                step.argv.push(stream());
            }
        }
    }

    pub(super) fn nested(&mut self, list: &CompoundList) {
        let outer = std::mem::replace(&mut self.origin, Origin::Substitution);
        let input = std::mem::take(&mut self.input);
        self.branch(list);
        self.input = input;
        self.origin = outer;
    }

    fn assignment(&mut self, assignment: &Assignment, step: &mut Step) {
        let name = match &assignment.name {
            AssignmentName::VariableName(name) => name.clone(),
            AssignmentName::ArrayElementName(name, index) => {
                self.look_inside(index);
                name.clone()
            }
        };
        let value = match &assignment.value {
            AssignmentValue::Scalar(word) => self
                .words(word)
                .into_iter()
                .reduce(join)
                .unwrap_or_default(),
            AssignmentValue::Array(members) => {
                for (key, member) in members {
                    key.iter().for_each(|key| drop(self.words(key)));
                    self.words(member);
                }
                Arg {
                    text: "(…)".to_owned(),
                    dynamic: true,
                    ..Arg::default()
                }
            }
        };
        let value = Arg {
            dynamic: value.dynamic || assignment.append,
            ..value
        };
        step.assignments.push((name, value));
    }

    /// Words of arithmetic and subscripts: only what they substitute matters.
    fn look_inside(&mut self, text: &str) {
        let decoded = word::decode_body(text, &|_| None);
        self.args(decoded);
    }

    pub(super) fn words(&mut self, word: &Word) -> Vec<Arg> {
        if word::is_plain(&word.value) {
            return vec![Arg::fixed(word.value.clone())];
        }
        let decoded = word::decode(&word.value, &|name| self.scope.known(name));
        self.args(decoded)
    }

    pub(super) fn args(&mut self, decoded: Decoded) -> Vec<Arg> {
        if let Some(why) = decoded.hidden {
            self.plan.hidden.push(why.to_owned());
        }
        for text in decoded.substitutions {
            self.substitution(&text);
        }
        decoded.words.into_iter().map(arg).collect()
    }

    fn substitution(&mut self, text: &str) {
        if self.scope.depth >= DEEPEST {
            return self
                .plan
                .hidden
                .push("substitutions nested too deep".to_owned());
        }
        let mut inner = self.scope.clone();
        inner.depth += 1;
        match super::plan(text, &mut inner) {
            Ok(plan) => {
                // Places of pipes are counted in the whole plan.
                let offset = self.plan.steps.len();
                self.plan.hidden.extend(plan.hidden);
                self.plan
                    .steps
                    .extend(plan.steps.into_iter().map(|step| Step {
                        origin: Origin::Substitution,
                        input: match step.input {
                            Input::Pipe(range) => {
                                Input::Pipe(range.start + offset..range.end + offset)
                            }
                            other => other,
                        },
                        ..step
                    }));
            }
            Err(why) => self.plan.hidden.push(why.to_string()),
        }
        self.scope.met_wild |= inner.met_wild;
        self.scope.bytes_read = inner.bytes_read;
    }
}

/// What a function that calls itself twice is called in a plan.
pub(crate) const FORK_BOMB: &str = "a function that starts itself more than once";

/// The name of a process substitution, as the program gets it.
fn stream() -> Arg {
    Arg {
        text: "/dev/fd/63".to_owned(),
        dynamic: true,
        ..Arg::default()
    }
}

pub(super) fn join(left: Arg, right: Arg) -> Arg {
    Arg {
        text: format!("{} {}", left.text, right.text),
        dynamic: left.dynamic || right.dynamic,
        splits: left.splits || right.splits,
        glob: left.glob || right.glob,
        quoted: left.quoted || right.quoted,
    }
}

fn arg(atoms: Vec<Atom>) -> Arg {
    let mut arg = Arg::default();
    for atom in atoms {
        match atom {
            Atom::Char { value, quoted } => {
                arg.quoted |= quoted;
                arg.glob |= !quoted && matches!(value, '*' | '?' | '[');
                arg.text.push(value);
            }
            Atom::Hole { text, splits } => {
                arg.dynamic = true;
                arg.splits |= splits;
                arg.text.push_str(&text);
            }
            Atom::Break => {}
            Atom::Empty => arg.quoted = true,
        }
    }
    arg
}

/// Shells evaluate the subscript of a variable's name as arithmetic, and that
/// runs what is substituted in it: `[ -v 'a[$(id)]' ]`.
pub(crate) fn subscript(arg: &Arg) -> Option<String> {
    let opening = arg.text.find('[')?;
    let inside = &arg.text[opening..];
    (inside.contains("$(") || inside.contains('`'))
        .then(|| "a subscript that is evaluated once more".to_owned())
}
