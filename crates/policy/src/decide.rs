//! One file's word on a call.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use starlark::PrintHandler;
use starlark::environment::Module;
use starlark::eval::Evaluator;
use starlark::values::dict::DictRef;
use starlark::values::{OwnedFrozenValue, Value};
use tollgate_types::Label;

use crate::decision::{Decision, Verdict};
use crate::engine::{File, Places};
use crate::facts::Seen;
use crate::fault::{PolicyFault, plain};
use crate::limits;
use crate::rule::Rule;
use crate::vocabulary::{Carried, VOCABULARY};
use crate::{Fact, Facts};

impl File {
    /// The strictest declared rule that matches, or else what `evaluate` says.
    pub(crate) fn ask(&self, facts: &Facts<'_>, places: &Places) -> Decision {
        let seen: Vec<Option<Seen<'_>>> = self.paths.iter().map(|path| facts.at(path)).collect();
        let mut strictest: Option<&Rule> = None;
        let mut open: Vec<&Rule> = Vec::new();
        for rule in self
            .rules
            .iter()
            .filter(|rule| rule.fits(&facts.tool, &seen))
        {
            if rule.when.is_some() {
                open.push(rule);
            } else if strictest.is_none_or(|known| rule.verdict > known.verdict) {
                strictest = Some(rule);
            }
        }
        // A condition need not be asked where it could not make it stricter.
        open.retain(|rule| strictest.is_none_or(|known| rule.verdict > known.verdict));
        match strictest {
            Some(rule) if open.is_empty() => rule.decision(),
            _ => Asking { file: self, places }.run(facts, strictest, &open),
        }
    }

    /// Whether one rule matches, its `when` included.
    pub(crate) fn matches(&self, rule: &Rule, facts: &Facts<'_>) -> Result<bool, String> {
        let seen: Vec<Option<Seen<'_>>> = self.paths.iter().map(|path| facts.at(path)).collect();
        let Some(when) = &rule.when else {
            return Ok(rule.fits(&facts.tool, &seen));
        };
        if !rule.fits(&facts.tool, &seen) {
            return Ok(false);
        }
        let carried = Carried::default();
        let places = Places::default();
        let asking = Asking {
            file: self,
            places: &places,
        };
        guarded(|| asking.with_values(facts, &carried.0, |call| call.is_true(when)))
    }
}

struct Asking<'e> {
    file: &'e File,
    places: &'e Places,
}

impl Asking<'_> {
    fn run(&self, facts: &Facts<'_>, native: Option<&Rule>, open: &[&Rule]) -> Decision {
        let carried = Carried::default();
        let decided = guarded(|| {
            Ok(self.with_values(facts, &carried.0, |call| {
                let mut strictest = native;
                for &rule in open {
                    if strictest.is_some_and(|known| rule.verdict <= known.verdict) {
                        continue;
                    }
                    match rule
                        .when
                        .as_ref()
                        .map_or(Ok(true), |when| call.is_true(when))
                    {
                        Ok(true) => strictest = Some(rule),
                        Ok(false) => {}
                        Err(message) => return self.broken(&rule.place, &message),
                    }
                }
                match strictest {
                    Some(rule) => rule.decision(),
                    None => self.evaluate(call, &carried),
                }
            }))
        });
        decided.unwrap_or_else(|message| self.broken(&self.file.place, &message))
    }

    fn evaluate(&self, call: &mut Call<'_, '_, '_, '_>, carried: &Carried) -> Decision {
        let value = match call.ask(&self.file.evaluate) {
            Ok(value) => value,
            Err(error) => {
                let fault = PolicyFault::starlark(&self.file.name, &error);
                let place = match fault.line {
                    0 => self.file.place.clone(),
                    line => format!("{}:{line}", fault.file).into(),
                };
                return self.broken(&place, &fault.message);
            }
        };
        let place = carried.mark_of(value).and_then(|mark| self.places.of(mark));
        let place = place.unwrap_or_else(|| self.file.place.clone());
        match verdict(value) {
            Ok((verdict, reason)) => Decision::new(verdict, place, reason),
            Err(message) => self.broken(&place, &message),
        }
    }

    /// What goes wrong is a denial that says so.
    fn broken(&self, place: &Label, message: &str) -> Decision {
        let reason = format!("the rule failed, so it denies: {}", plain(message));
        Decision::new(Verdict::Deny, place.clone(), reason)
    }

    /// Puts the facts on a fresh heap: no call sees what another one left.
    fn with_values<R>(
        &self,
        facts: &Facts<'_>,
        carried: &Cell<u128>,
        within: impl FnOnce(&mut Call<'_, '_, '_, '_>) -> R,
    ) -> R {
        Module::with_temp_heap(|module| {
            let heap = module.heap();
            let mut eval = Evaluator::new(&module);
            limit(&mut eval);
            eval.extra = Some(carried);
            let keys = &VOCABULARY.keys;
            let args = match &facts.args {
                Fact::Nothing => keys.fact(&Fact::Map(Vec::new()), heap),
                args => keys.fact(args, heap),
            };
            let values = [
                heap.alloc_str(&facts.tool).to_value(),
                args,
                keys.context(&facts.context, heap),
            ];
            within(&mut Call {
                eval: &mut eval,
                values,
            })
        })
    }
}

/// An evaluator with the three values of one call.
struct Call<'c, 'v, 'a, 'e> {
    eval: &'c mut Evaluator<'v, 'a, 'e>,
    values: [Value<'v>; 3],
}

impl<'v> Call<'_, 'v, '_, '_> {
    fn ask(&mut self, function: &OwnedFrozenValue) -> starlark::Result<Value<'v>> {
        let function = self.eval.heap().access_owned_frozen_value(function);
        self.eval.eval_function(function, &self.values, &[])
    }

    fn is_true(&mut self, when: &OwnedFrozenValue) -> Result<bool, String> {
        match self.ask(when) {
            Ok(value) => value.unpack_bool().ok_or_else(|| {
                format!("when returned {}, expected True or False", value.get_type())
            }),
            Err(error) => Err(error.without_diagnostic().to_string()),
        }
    }
}

/// The bounds of one evaluation, at load as well.
pub(crate) fn limit(eval: &mut Evaluator<'_, '_, '_>) {
    // These fail only where a limit is set twice or is zero.
    eval.set_max_callstack_size(limits::CALL_DEPTH).ok();
    eval.set_max_tick_count(limits::TICKS).ok();
    eval.set_max_heap_size(limits::HEAP_BYTES).ok();
    // Collecting walks values by recursion, so a value that is nested deep
    // enough would overflow the stack. Evaluations are short.
    eval.disable_gc();
    eval.set_print_handler(&Silent);
}

/// `print` says nothing: a policy has no terminal.
struct Silent;

impl PrintHandler for Silent {
    fn println(&self, _text: &str) -> starlark::Result<()> {
        Ok(())
    }
}

/// A panic of the library is an error of the rule.
pub(crate) fn guarded<R>(run: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

/// `"deny"` or `{"verdict": "deny", "reason": "…"}`.
fn verdict(value: Value<'_>) -> Result<(Verdict, String), String> {
    let known = |word: &str| {
        Verdict::from_word(word).ok_or_else(|| {
            format!(
                "evaluate returned the verdict \"{}\", {EXPECTED}",
                plain(word)
            )
        })
    };
    if let Some(word) = value.unpack_str() {
        return Ok((known(word)?, String::new()));
    }
    let Some(said) = DictRef::from_value(value) else {
        return Err(format!(
            "evaluate returned {}, {EXPECTED}",
            value.get_type()
        ));
    };
    let word = said.get_str("verdict").and_then(|word| word.unpack_str());
    let word =
        word.ok_or_else(|| format!("evaluate returned a dict without a verdict, {EXPECTED}"))?;
    let reason = match said.get_str("reason") {
        None => String::new(),
        Some(reason) if reason.is_none() => String::new(),
        Some(reason) => plain(&reason.to_str()),
    };
    Ok((known(word)?, reason))
}

const EXPECTED: &str = "expected \"allow\", \"deny\" or \"review\", or a dict with \"verdict\"";
