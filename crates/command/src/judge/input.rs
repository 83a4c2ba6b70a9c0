//! Programs that run what comes in by standard input.

use super::{Bench, shown};
use crate::code;
use crate::effect::Effect;
use crate::grammar::{Act, Fit, Grammar, Kind};
use crate::plan::{Arg, Input, Origin, Step};

impl Bench {
    pub(super) fn input(&mut self, name: &str, grammar: &'static Grammar, fit: &Fit, step: &Step) {
        let reads_stdin = grammar.input == Some(Kind::Ed) && step.is_fed()
            || fit.operands.iter().all(|operand| operand.text == "-")
            || fit
                .flags
                .iter()
                .any(|flag| flag == "-s" && grammar.input == Some(Kind::Cmd));
        // `php -l`, `screen -ls`: a flag says that the whole call only reads.
        let looks = fit
            .acts
            .iter()
            .any(|act| matches!(act, Act::Does(Effect::Read, _)));
        if !reads_stdin || fit.has_code || looks && !step.is_fed() {
            return;
        }
        match (grammar.input, step.is_fed()) {
            (Some(kind), true) => self.fed(name, kind, step),
            _ => {
                if let Some(effect) = grammar.bare
                    && fit.path.is_empty()
                {
                    self.does(effect, name, "");
                }
            }
        }
    }

    fn fed(&mut self, name: &str, kind: Kind, step: &Step) {
        let text = match &step.input {
            Input::Text(text) => Some(text.clone()),
            Input::Pipe(range) => self.printed(range.clone()),
            Input::Inherited => None,
        };
        match (kind, text) {
            (Kind::Cmd, Some(text)) => {
                self.does(Effect::Code, name, "");
                self.shell(&text, name);
            }
            (Kind::Ed, Some(text)) => self.found(code::ed(&text.text), &text, name),
            (Kind::Code, Some(text)) => self.code(&text, name),
            (Kind::Sql, Some(text)) => self.sql(&text, name),
            (Kind::Cmd | Kind::Code | Kind::Sql | Kind::Ed, None) => {
                self.opaque(
                    "piped-code",
                    &format!("`{}` runs what another command sends it", shown(name)),
                );
            }
            _ => {}
        }
    }

    /// What a pipe carries, where that is the words of one `echo`.
    fn printed(&self, range: std::ops::Range<usize>) -> Option<Arg> {
        let steps: Vec<&Step> = self
            .steps
            .get(range)?
            .iter()
            .filter(|step| step.origin != Origin::Substitution)
            .collect();
        let [step] = steps.as_slice() else {
            return None;
        };
        let (program, words) = step.argv.split_first()?;
        if !["echo", "printf"].contains(&program.text.as_str())
            || words.iter().any(|word| word.dynamic)
        {
            return None;
        }
        let words: Vec<&str> = words
            .iter()
            .map(|word| word.text.as_str())
            .filter(|word| !["-e", "-n", "-ne", "-en"].contains(word))
            .collect();
        Some(Arg::fixed(words.join(" ").replace("\\n", "\n")))
    }
}

impl Fit {
    /// Whether a flag is there, by its last name in the grammar.
    pub(super) fn has_flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}
