//! The declarations that a file has made, read back from its frozen module.

use starlark::environment::FrozenModule;
use starlark::values::dict::{DictRef, FrozenDictRef};
use starlark::values::tuple::{FrozenTupleRef, TupleRef};
use starlark::values::{OwnedFrozenValue, Value};
use tollgate_types::Label;

use crate::decision::Verdict;
use crate::fault::{PolicyFault, plain};
use crate::glob::Glob;
use crate::rule::{Expectation, Pattern, Rule};
use crate::value;
use crate::vocabulary::declaration;
use crate::{Fact, Facts};

/// What a file declares.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) rules: Vec<Rule>,
    pub(crate) expectations: Vec<Expectation>,
    /// The facts that the rules look at, each once.
    pub(crate) paths: Vec<Vec<String>>,
}

const RULE: [&str; 7] = [
    "verdict", "reason", "tool", "where", "when", "match", "no_match",
];
const EXPECT: [&str; 5] = ["verdict", "tool", "args", "context", "reason"];

/// Reads all of a module's declarations.
pub(crate) fn declared(file: &str, module: &FrozenModule) -> Result<Declared, Vec<PolicyFault>> {
    let mut all = Declared::default();
    let mut faults = Vec::new();
    for at in 0.. {
        let Ok(Some(declared)) = module.get_option(&declaration(at)) else {
            break;
        };
        if let Err(fault) = all.add(file, &declared) {
            faults.push(fault);
        }
    }
    match faults.is_empty() {
        true => Ok(all),
        false => Err(faults),
    }
}

impl Declared {
    fn add(&mut self, file: &str, declared: &OwnedFrozenValue) -> Result<(), PolicyFault> {
        let parts = TupleRef::from_value(declared.value());
        let Some([word, line, said]) = parts.map(|parts| parts.content()) else {
            return Ok(());
        };
        let line = line.unpack_i32().map_or(0, |line| line.unsigned_abs());
        let said = Said {
            file,
            line,
            said: *said,
        };
        match word.unpack_str() {
            Some("rule") => {
                let rule = self.rule(&said, declared)?;
                self.rules.push(rule);
            }
            _ => self.expectations.push(said.expectation()?),
        }
        Ok(())
    }

    fn rule(&mut self, said: &Said<'_>, declared: &OwnedFrozenValue) -> Result<Rule, PolicyFault> {
        said.only("rule", &RULE)?;
        let tools = said.texts("tool")?;
        let mut wants = Vec::new();
        for (path, pattern) in said.pairs("where")? {
            let patterns = said.patterns(&path, pattern)?;
            wants.push((self.slot(said, &path)?, patterns));
        }
        let when = match said.get("when") {
            None => None,
            Some(when)
                if when
                    .parameters_spec()
                    .is_some_and(|it| it.can_fill_with_args(3, &[])) =>
            {
                Some(function(declared).ok_or_else(|| said.fault("when can't be read"))?)
            }
            Some(when) => {
                let message = format!(
                    "when is {}, expected a function of tool, args and context",
                    when.get_type()
                );
                return Err(said.fault(message));
            }
        };
        let tool = tools
            .first()
            .filter(|tool| tools.len() == 1 && !tool.contains(['*', '?']));
        Ok(Rule {
            place: said.place(),
            line: said.line,
            verdict: said.verdict()?,
            reason: said
                .text("reason")?
                .map(|reason| plain(&reason))
                .unwrap_or_default(),
            matches: said.examples("match", tool)?,
            misses: said.examples("no_match", tool)?,
            tools: tools.iter().map(|tool| Glob::new(tool)).collect(),
            wants,
            when,
        })
    }

    /// The slot of a path such as `args.model`.
    fn slot(&mut self, said: &Said<'_>, path: &str) -> Result<usize, PolicyFault> {
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        let rooted = matches!(
            (steps.first().map(String::as_str), steps.len()),
            (Some("tool"), 1) | (Some("args" | "context"), 2..)
        );
        if !rooted || steps.iter().any(String::is_empty) {
            let message = format!("where has the key `{}`", plain(path));
            return Err(said
                .fault(message)
                .hint("expected tool, args.NAME or context.NAME"));
        }
        if let Some(slot) = self.paths.iter().position(|known| *known == steps) {
            return Ok(slot);
        }
        self.paths.push(steps);
        Ok(self.paths.len() - 1)
    }
}

/// The function under `when`, with the heap that keeps it alive.
fn function(declared: &OwnedFrozenValue) -> Option<OwnedFrozenValue> {
    let found = declared.try_map(|declared| {
        let parts = FrozenTupleRef::from_frozen_value(declared).ok_or(())?;
        let said = parts.content().get(2).ok_or(())?;
        let said = FrozenDictRef::from_frozen_value(*said).ok_or(())?;
        said.get_str("when").ok_or(())
    });
    found.ok()
}

/// One declaration as it was made.
struct Said<'s> {
    file: &'s str,
    line: u32,
    said: Value<'s>,
}

impl<'s> Said<'s> {
    fn fault(&self, message: impl Into<String>) -> PolicyFault {
        PolicyFault::at(self.file, self.line, message)
    }

    fn place(&self) -> Label {
        format!("{}:{}", self.file, self.line).into()
    }

    fn get(&self, key: &str) -> Option<Value<'s>> {
        let found = DictRef::from_value(self.said)?.get_str(key);
        found.filter(|value| !value.is_none())
    }

    fn fact(&self, key: &str) -> Result<Fact<'static>, PolicyFault> {
        let Some(found) = self.get(key) else {
            return Ok(Fact::Nothing);
        };
        value::read(found)
            .ok_or_else(|| self.fault(format!("{key} holds something that is no plain data")))
    }

    fn only(&self, word: &str, known: &[&str]) -> Result<(), PolicyFault> {
        let Some(said) = DictRef::from_value(self.said) else {
            return Ok(());
        };
        let mut keys = said.iter().filter_map(|(key, _)| key.unpack_str());
        match keys.find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(self
                .fault(format!(
                    "{word}(…) has the unknown argument `{}`",
                    plain(key)
                ))
                .hint(format!("expected {}", known.join(", ")))),
        }
    }

    fn verdict(&self) -> Result<Verdict, PolicyFault> {
        let said = self.text("verdict")?;
        let verdict = said.as_deref().and_then(Verdict::from_word);
        verdict.ok_or_else(|| {
            let found = said.map_or("is missing".to_owned(), |word| {
                format!("is \"{}\"", plain(&word))
            });
            self.fault(format!(
                "verdict {found}, expected \"allow\", \"deny\" or \"review\""
            ))
        })
    }

    fn text(&self, key: &str) -> Result<Option<String>, PolicyFault> {
        match self.fact(key)? {
            Fact::Nothing => Ok(None),
            Fact::Text(text) => Ok(Some(text.into_owned())),
            other => Err(self.fault(format!("{key} is {}, expected a string", other.kind()))),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, PolicyFault> {
        let fault = |found: &Fact<'_>| {
            self.fault(format!(
                "{key} is {}, expected a string or a list of strings",
                found.kind()
            ))
        };
        let text = |fact: Fact<'static>| match fact {
            Fact::Text(text) => Ok(text.into_owned()),
            other => Err(fault(&other)),
        };
        match self.fact(key)? {
            Fact::Nothing => Ok(Vec::new()),
            Fact::List(list) => list.into_iter().map(text).collect(),
            one => text(one).map(|text| vec![text]),
        }
    }

    fn pairs(&self, key: &str) -> Result<Vec<(String, Fact<'static>)>, PolicyFault> {
        match self.fact(key)? {
            Fact::Nothing => Ok(Vec::new()),
            Fact::Map(pairs) => Ok(pairs
                .into_iter()
                .map(|(name, fact)| (name.into_owned(), fact))
                .collect()),
            other => Err(self.fault(format!("{key} is {}, expected a dict", other.kind()))),
        }
    }

    fn patterns(&self, path: &str, found: Fact<'static>) -> Result<Vec<Pattern>, PolicyFault> {
        let one = |fact: Fact<'static>| match fact {
            Fact::Text(glob) => Ok(Pattern::Glob(Glob::new(&glob))),
            Fact::Flag(flag) => Ok(Pattern::Flag(flag)),
            Fact::Whole(number) => Ok(Pattern::Whole(number)),
            Fact::Nothing => Ok(Pattern::Nothing),
            other => Err(self.fault(format!(
                "where `{}` is {}, expected a glob, a number, a boolean, None or a list of them",
                plain(path),
                other.kind()
            ))),
        };
        match found {
            Fact::List(list) if list.is_empty() => Err(self.fault(format!(
                "where `{}` is an empty list and matches nothing",
                plain(path)
            ))),
            Fact::List(list) => list.into_iter().map(one).collect(),
            single => one(single).map(|pattern| vec![pattern]),
        }
    }

    fn examples(
        &self,
        key: &str,
        tool: Option<&String>,
    ) -> Result<Vec<Facts<'static>>, PolicyFault> {
        let list = match self.fact(key)? {
            Fact::Nothing => return Ok(Vec::new()),
            Fact::List(list) => list,
            other => {
                return Err(self.fault(format!(
                    "{key} is {}, expected a list of calls",
                    other.kind()
                )));
            }
        };
        let examples = list.into_iter().enumerate();
        let example = |(at, call)| {
            let mut facts = Facts::try_from(call).map_err(|error| {
                self.fault(format!("{key}: example {}: {error}", at + 1))
                    .hint("an example is {\"tool\": …, \"args\": {…}, \"context\": {…}}")
            })?;
            if let Some(tool) = tool.filter(|_| facts.tool.is_empty()) {
                facts.tool = tool.clone().into();
            }
            Ok(facts)
        };
        examples.map(example).collect()
    }

    fn expectation(&self) -> Result<Expectation, PolicyFault> {
        self.only("expect", &EXPECT)?;
        let mut call = Vec::new();
        for key in ["tool", "args", "context"] {
            match self.fact(key)? {
                Fact::Nothing => {}
                fact => call.push((key.into(), fact)),
            }
        }
        let facts =
            Facts::try_from(Fact::Map(call)).map_err(|error| self.fault(error.to_string()))?;
        Ok(Expectation {
            line: self.line,
            verdict: self.verdict()?,
            reason: self.text("reason")?,
            facts,
        })
    }
}
