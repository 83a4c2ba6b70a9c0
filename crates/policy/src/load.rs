//! From texts to frozen modules.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use starlark::environment::{FrozenModule, Module};
use starlark::eval::{Evaluator, ReturnFileLoader};
use starlark::syntax::AstModule;
use tollgate_types::Label;

use crate::decide::{guarded, limit};
use crate::declare::declared;
use crate::engine::File;
use crate::fault::PolicyFault;
use crate::limits;
use crate::source::{self, Source};
use crate::vocabulary::{Carried, VOCABULARY};
use crate::{shipped, steady, straight};

/// The text of a file that is loaded, by the name that the rule wrote.
type TextOf<'l> = &'l mut dyn FnMut(&str) -> Result<String, String>;

/// Files on their way in.
pub(crate) struct Loading<'l> {
    text_of: TextOf<'l>,
    /// Names of all files, in the order of their first sight: the index in a
    /// mark counts into it.
    names: Vec<String>,
    marks: Vec<u32>,
    loaded: HashMap<String, FrozenModule>,
    /// The files that wait for what they load, outermost first.
    waiting: Vec<String>,
    libraries: Vec<String>,
    digest: Sha256,
    straight: bool,
}

/// A file that loads nothing but shipped files.
pub(crate) fn nothing(name: &str) -> Result<String, String> {
    Err(format!("no file `{name}`"))
}

impl<'l> Loading<'l> {
    pub(crate) fn new(text_of: TextOf<'l>) -> Self {
        Self {
            text_of,
            names: Vec::new(),
            marks: Vec::new(),
            loaded: HashMap::new(),
            waiting: Vec::new(),
            libraries: Vec::new(),
            digest: Sha256::new(),
            straight: true,
        }
    }

    /// A file that has a say: it must define `evaluate`.
    pub(crate) fn policy(&mut self, name: &str, text: &str) -> Result<File, Vec<PolicyFault>> {
        let one = |fault| vec![fault];
        let source = source::parse(name, text).map_err(one)?;
        let module = self.module(name, text, &source).map_err(one)?;
        let line = source.line_of_evaluate().unwrap_or(0);
        let evaluate = module.get_option("evaluate").ok().flatten();
        let callable = evaluate.filter(|it| {
            let parameters = it.value().parameters_spec();
            parameters.is_some_and(|it| it.can_fill_with_args(3, &[]))
        });
        let declared = declared(name, &module)?;
        let Some(evaluate) = callable else {
            let fault = match line {
                0 => PolicyFault::of_file(name, "defines no `evaluate`"),
                line => PolicyFault::at(
                    name,
                    line,
                    "`evaluate` does not take tool, args and context",
                ),
            };
            return Err(vec![fault.hint(
                "def evaluate(tool, args, context): return \"allow\", \"deny\" or \"review\"",
            )]);
        };
        let steady = steady::is_steady(source.written())
            && declared.rules.iter().all(|rule| rule.when.is_none())
            && !declared.paths.iter().any(|path| steady::varies(path));
        Ok(File {
            name: name.to_owned(),
            steady,
            place: match line {
                0 => name.into(),
                line => format!("{name}:{line}").into(),
            },
            evaluate,
            rules: declared.rules,
            expectations: declared.expectations,
            paths: declared.paths,
        })
    }

    /// Evaluates a file once, with everything that it loads, and freezes it.
    fn module(
        &mut self,
        name: &str,
        text: &str,
        source: &Source,
    ) -> Result<FrozenModule, PolicyFault> {
        if self.names.len() >= limits::FILES {
            let message = format!("more than {} files", limits::FILES);
            return Err(PolicyFault::of_file(name, message));
        }
        let index = self.names.len();
        self.names.push(name.to_owned());
        self.digest.update((name.len() as u64).to_le_bytes());
        self.digest.update(name);
        self.digest.update((text.len() as u64).to_le_bytes());
        self.digest.update(text);
        self.straight &= straight::is_straight(source.written());
        self.waiting.push(name.to_owned());
        let loads = self.loads(name, source.written());
        self.waiting.pop();
        let loads = loads?;
        let (marked, marks) = source.marked(name, index)?;
        self.marks.extend(marks);
        freeze(name, marked, &loads)
    }

    fn loads(
        &mut self,
        name: &str,
        written: &AstModule,
    ) -> Result<HashMap<String, FrozenModule>, PolicyFault> {
        let mut loads = HashMap::new();
        for load in written.loads() {
            let line = u32::try_from(load.span.resolve_span().begin.line + 1).unwrap_or(u32::MAX);
            let module = self.loaded(name, line, load.module_id)?;
            loads.insert(load.module_id.to_owned(), module);
        }
        Ok(loads)
    }

    fn loaded(&mut self, by: &str, line: u32, name: &str) -> Result<FrozenModule, PolicyFault> {
        let fault = |message: String| PolicyFault::at(by, line, message);
        if let Some(module) = self.loaded.get(name) {
            return Ok(module.clone());
        }
        if self.waiting.iter().any(|waiting| waiting == name) {
            let circle = format!("{} → {name}", self.waiting.join(" → "));
            return Err(fault(format!("load goes round in a circle: {circle}")));
        }
        let shipped = name.strip_prefix(shipped::SHIPPED).and_then(shipped::text);
        let text = match shipped {
            Some(text) => text.to_owned(),
            None => {
                let text = (self.text_of)(name);
                text.map_err(|error| fault(format!("load of `{name}`: {error}")))?
            }
        };
        let source = source::parse(name, &text)?;
        let module = self.module(name, &text, &source)?;
        // A rule in a file that has no say would look as if it were in force.
        let said = declared(name, &module).map_err(|mut faults| faults.remove(0))?;
        if let Some(rule) = said.rules.first() {
            let fault = PolicyFault::at(
                name,
                rule.line,
                "rule(…) stands in a file that is only loaded",
            );
            return Err(
                fault.hint("name the file in [policy] files, or move the rule into one that is")
            );
        }
        if shipped.is_none() {
            self.libraries.push(name.to_owned());
        }
        self.loaded.insert(name.to_owned(), module.clone());
        Ok(module)
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn marks(&self) -> &[u32] {
        &self.marks
    }

    pub(crate) fn libraries(&self) -> Vec<String> {
        self.libraries.clone()
    }

    pub(crate) fn is_straight(&self) -> bool {
        self.straight
    }

    pub(crate) fn version(&self) -> Label {
        let digest = self.digest.clone().finalize();
        let hex: String = digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hex.into()
    }
}

fn freeze(
    name: &str,
    marked: AstModule,
    loads: &HashMap<String, FrozenModule>,
) -> Result<FrozenModule, PolicyFault> {
    let carried = Carried::loading();
    let modules = loads
        .iter()
        .map(|(name, module)| (name.as_str(), module))
        .collect();
    let loader = ReturnFileLoader { modules: &modules };
    let frozen = guarded(|| {
        Ok(Module::with_temp_heap(|module| {
            {
                let mut eval = Evaluator::new(&module);
                limit(&mut eval);
                eval.set_loader(&loader);
                eval.extra = Some(&carried.0);
                eval.eval_module(marked, &VOCABULARY.globals)
                    .map_err(|error| PolicyFault::starlark(name, &error))?;
            }
            let frozen = module.freeze();
            frozen
                .map_err(|error| PolicyFault::of_file(name, format!("can't be frozen: {error:?}")))
        }))
    });
    frozen.unwrap_or_else(|message| Err(PolicyFault::of_file(name, message)))
}
