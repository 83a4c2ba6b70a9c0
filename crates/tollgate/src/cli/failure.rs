use std::process::ExitCode;

use tollgate_api::ClientError;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: Option<anyhow::Error>,
    hint: Option<String>,
}

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Failed,
    Usage,
    NotReachable,
    NotRun,
    /// The code of the command that was run.
    PassedOn(u8),
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotReachable => 3,
            Self::NotRun => 126,
            Self::PassedOn(code) => code,
        }
    }
}

impl Failure {
    /// It was refused, or went wrong.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Failed, error)
    }

    /// The command or the configuration is wrong.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// Nobody is there.
    pub(crate) fn not_reachable(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::NotReachable, error)
    }

    /// Whatever went wrong, the command was not run.
    pub(crate) fn not_run(self) -> Self {
        Self {
            exit: Exit::NotRun,
            ..self
        }
    }

    /// The command was run and ended with this code; there is nothing to say.
    pub(crate) const fn passed_on(code: u8) -> Self {
        Self {
            exit: Exit::PassedOn(code),
            error: None,
            hint: None,
        }
    }

    /// The configuration is wrong, and everything was said already.
    pub(crate) const fn faults_shown() -> Self {
        Self {
            exit: Exit::Usage,
            error: None,
            hint: None,
        }
    }

    /// Examples do not hold, and everything was said already.
    pub(crate) const fn examples_shown() -> Self {
        Self {
            exit: Exit::Failed,
            error: None,
            hint: None,
        }
    }

    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: Some(error.into()),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.exit.code())
    }

    /// The chain of causes, outermost first, then the hint.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let causes = self.error.iter().flat_map(|error| error.chain());
        let mut lines: Vec<(&'static str, String)> = Vec::new();
        for (at, cause) in causes.enumerate() {
            let label = if at == 0 { "error" } else { "cause" };
            lines.push((label, cause.to_string()));
        }
        lines.extend(self.hint.clone().map(|hint| ("hint", hint)));
        lines
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let hint = error.hint().map(str::to_owned);
        let exit = match error {
            ClientError::NotReachable { .. } => Exit::NotReachable,
            ClientError::Refused { .. } | ClientError::BadAnswer { .. } => Exit::Failed,
        };
        Self {
            hint,
            ..Self::new(exit, error)
        }
    }
}
