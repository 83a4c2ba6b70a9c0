use tollgate_policy::{Decision, Engine, Facts, Failure, PolicyFault};
use tollgate_types::Label;

use crate::line::{Proven, Saying};
use crate::memory::Memory;
use crate::pool::Pool;
use crate::serve::{explain, proven};

/// Rules in force, wherever they are evaluated.
pub struct Judge {
    kind: Kind,
    version: Label,
    files: Vec<(String, usize, usize)>,
    libraries: Vec<String>,
    /// None where the rules can see the moment.
    memory: Option<Memory>,
}

pub(crate) enum Kind {
    /// On the spot.
    Here(Engine),
    /// In processes of their own.
    Children(Pool),
    /// The files that the operator named have never loaded.
    Never,
}

impl Judge {
    pub(crate) fn new(kind: Kind, proven: &Proven, libraries: Vec<String>) -> Self {
        Self {
            kind,
            version: proven.version.as_str().into(),
            files: proven.files.clone(),
            libraries,
            memory: proven.steady.then(Memory::default),
        }
    }

    /// The shipped default, which holds where no files are named.
    ///
    /// # Errors
    /// Only where the program itself was built wrong.
    pub fn shipped() -> Result<Self, Vec<PolicyFault>> {
        let engine = Engine::shipped("default")?;
        let proven = proven(&engine);
        Ok(Self::new(Kind::Here(engine), &proven, Vec::new()))
    }

    /// Denies everything: the files that were named have never loaded.
    pub fn never() -> Self {
        let proven = Proven {
            version: "never-loaded".to_owned(),
            straight: true,
            steady: false,
            files: Vec::new(),
        };
        Self::new(Kind::Never, &proven, Vec::new())
    }

    /// The one decide function. Whatever keeps the rules from answering is a
    /// denial.
    pub async fn decide(&self, facts: &Facts<'_>) -> Decision {
        let Some(memory) = &self.memory else {
            return self.ask(facts).await;
        };
        let place = memory.place(facts);
        if let Some(known) = place.and_then(|place| memory.known(place, facts)) {
            return known;
        }
        let decision = self.ask(facts).await;
        if let Some(place) = place {
            memory.keep(place, facts, &decision);
        }
        decision
    }

    async fn ask(&self, facts: &Facts<'_>) -> Decision {
        match &self.kind {
            Kind::Here(engine) => engine.decide(facts),
            Kind::Children(pool) => pool.decide(facts).await,
            Kind::Never => Decision::failed(&Failure::NeverLoaded),
        }
    }

    /// What every file says of a call.
    ///
    /// # Errors
    /// Where the rules could not be asked.
    pub async fn explain(&self, facts: &Facts<'_>) -> Result<Vec<Saying>, Failure> {
        match &self.kind {
            Kind::Here(engine) => Ok(explain(engine, facts)),
            Kind::Children(pool) => pool.explain(facts).await,
            Kind::Never => Err(Failure::NeverLoaded),
        }
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Digest of all files; `never-loaded` where there are none.
    pub fn version(&self) -> &Label {
        &self.version
    }

    /// Name, number of rules and number of examples of each file.
    pub fn files(&self) -> &[(String, usize, usize)] {
        &self.files
    }

    /// What the files load, by the names that they wrote.
    pub fn libraries(&self) -> &[String] {
        &self.libraries
    }

    /// Whether no rule can see the time or what is left of a budget: a caller
    /// may spare itself the work of finding the latter out.
    pub fn is_steady(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether everything is denied, because the files that were named have
    /// never loaded.
    pub fn has_never_loaded(&self) -> bool {
        matches!(self.kind, Kind::Never)
    }

    /// Whether a process of its own evaluates.
    pub fn is_isolated(&self) -> bool {
        matches!(self.kind, Kind::Children(_))
    }
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Judge({})", self.version)
    }
}
