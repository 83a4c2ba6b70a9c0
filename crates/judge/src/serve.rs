use std::io::{self, BufRead, Write};

use nix::sys::resource::{Resource, setrlimit};
use tollgate_policy::{Engine, Fact, Facts};

use crate::line::{Answer, Ask, Proven, Saying};

/// Memory of a child, in bytes of address space: what a library maps before it
/// has done anything is a good part of it.
const MEMORY: u64 = 1 << 30;

/// What the hidden subcommand runs: loads the files of the first line, then
/// answers a line for each line, until the pipe is closed.
///
/// # Errors
/// Where the limits can't be set or the pipe breaks.
pub fn serve(input: impl BufRead, output: impl Write) -> io::Result<()> {
    confine()?;
    let mut pipe = Pipe { input, output };
    let Some(Ask::Load(files)) = pipe.hear()? else {
        return pipe.say(&Answer::Unreadable("expected the files first".to_owned()));
    };
    let loaded = Engine::load(&files, &mut |name| {
        let asked = pipe.say(&Answer::Need(name.to_owned()));
        match asked.and_then(|()| pipe.hear()) {
            Ok(Some(Ask::Library(text))) => text,
            Ok(_) => Err("the gateway gave no text".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    let engine = match loaded {
        Ok(engine) => engine,
        Err(faults) => return pipe.say(&Answer::Faults(faults)),
    };
    pipe.say(&Answer::Loaded(proven(&engine)))?;
    while let Some(ask) = pipe.hear()? {
        let answer = answer(&engine, ask);
        pipe.say(&answer)?;
    }
    Ok(())
}

/// No files, no core dump, no more memory than this, and no life without the
/// gateway.
pub(crate) fn confine() -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    nix::sys::prctl::set_dumpable(false)?;
    nix::sys::prctl::set_no_new_privs()?;
    let limits = [
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, 8),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

fn answer(engine: &Engine, ask: Ask) -> Answer {
    let facts = |fact: Fact<'static>| {
        Facts::try_from(fact).map_err(|error| Answer::Unreadable(error.to_string()))
    };
    match ask {
        Ask::Decide(fact) => match facts(fact) {
            Ok(facts) => Answer::Decision(engine.decide(&facts)),
            Err(unreadable) => unreadable,
        },
        Ask::Explain(fact) => match facts(fact) {
            Ok(facts) => Answer::Said(explain(engine, &facts)),
            Err(unreadable) => unreadable,
        },
        Ask::Load(_) | Ask::Library(_) => Answer::Unreadable("the files are loaded".to_owned()),
    }
}

pub(crate) fn explain(engine: &Engine, facts: &Facts<'_>) -> Vec<Saying> {
    let said = engine.explain(facts).into_iter().map(|said| Saying {
        file: said.file,
        decision: said.decision,
        rules: said.rules,
    });
    said.collect()
}

pub(crate) fn proven(engine: &Engine) -> Proven {
    Proven {
        version: engine.version().to_string(),
        straight: engine.is_straight(),
        steady: engine.is_steady(),
        files: engine
            .files()
            .map(|file| (file.name().to_owned(), file.rules(), file.examples()))
            .collect(),
    }
}

struct Pipe<I, O> {
    input: I,
    output: O,
}

impl<I: BufRead, O: Write> Pipe<I, O> {
    fn hear(&mut self) -> io::Result<Option<Ask>> {
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.output.write_all(&line)?;
        self.output.flush()
    }
}
