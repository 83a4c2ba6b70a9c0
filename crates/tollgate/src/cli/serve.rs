use std::io::IsTerminal;
use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use super::screen::Screen;
use crate::config::{self, Surroundings};
use crate::paths::Paths;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Listen here instead of `[server] bind`; loopback only, port 0 takes a
    /// free one
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<SocketAddr>,

    /// How the log is written to standard error; by default text for a
    /// terminal, JSON lines for anything else
    #[arg(long, value_enum, value_name = "FORM")]
    log: Option<LogForm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogForm {
    Text,
    Json,
}

/// Reads the configuration before anything is bound, then runs the gateway.
pub(super) fn run(
    arguments: &Arguments,
    paths: Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut settings = config::load(&paths, surroundings).map_err(|faults| {
        let number = faults.faults.len();
        let all = format!("faults in the configuration: {number}, expected none\n{faults}");
        Failure::usage(anyhow::anyhow!(all)).hint("`tollgate config check` looks at it again")
    })?;
    if let Some(bind) = arguments.bind {
        if !bind.ip().is_loopback() {
            let message = anyhow::anyhow!("--bind is `{bind}`, expected an address of loopback");
            return Err(Failure::usage(message).hint("another address is set in `[server] bind`"));
        }
        settings.server.bind = bind;
    }
    log(arguments.log, surroundings);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime
        .block_on(crate::serve::run(settings, paths, |text| {
            screen.print(text)
        }))
        .map_err(Failure::failed)
}

/// `TOLLGATE_LOG` takes the usual filters, such as `debug` or
/// `info,tollgate_proxy=trace`.
fn log(form: Option<LogForm>, surroundings: &dyn Surroundings) {
    let filter = surroundings
        .variable("TOLLGATE_LOG")
        .unwrap_or_else(|| "info".to_owned());
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(terminal);
    match form.unwrap_or(if terminal {
        LogForm::Text
    } else {
        LogForm::Json
    }) {
        LogForm::Text => log.with_target(false).compact().init(),
        LogForm::Json => log.json().flatten_event(true).init(),
    }
}
