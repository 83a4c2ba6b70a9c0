//! Signals that somebody sends to `tollgate run` and means the command.

use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::task::Poll;

use nix::sys::signal::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

const PASSED_ON: [Number; 6] = [
    Number::SIGINT,
    Number::SIGQUIT,
    Number::SIGTERM,
    Number::SIGHUP,
    Number::SIGUSR1,
    Number::SIGUSR2,
];

/// One that came.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Came {
    pub(in crate::cli) number: i32,
    /// The terminal's keys reach the command by themselves: once is enough.
    pub(in crate::cli) is_known_to_the_command: bool,
}

/// Listens from its making on; the process no longer ends by these signals.
#[derive(Debug)]
pub(in crate::cli) struct Signals {
    listening: Vec<(Number, Signal)>,
    has_terminal: bool,
}

impl Signals {
    pub(in crate::cli) fn new() -> io::Result<Self> {
        let listen = |number| Ok((number, signal(SignalKind::from_raw(number as i32))?));
        // `nohup tollgate run` means the command.
        let heard = PASSED_ON.into_iter();
        let heard = heard.filter(|number| !tollgate_run::is_ignored(*number as i32));
        Ok(Self {
            listening: heard.map(listen).collect::<io::Result<_>>()?,
            has_terminal: io::stdin().is_terminal(),
        })
    }

    /// The next one. May be dropped before it is ready.
    pub(in crate::cli) async fn next(&mut self) -> Came {
        let number = poll_fn(|context| {
            for (number, signal) in &mut self.listening {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*number);
                }
            }
            Poll::Pending
        });
        let number = number.await;
        let is_key = matches!(number, Number::SIGINT | Number::SIGQUIT);
        Came {
            number: number as i32,
            is_known_to_the_command: is_key && self.has_terminal,
        }
    }
}
