//! What the gateway orders while a run goes on.

use std::time::Duration;

use tokio::time::Instant;
use tollgate_api::{Client, ClientError, Lines, NewRunRequest, Order, RunOrder, RunStarted};
use tollgate_run::{End, Tree, TreeError};

use super::signals::Signals;
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;

/// Between two tries to reach a gateway that was lost: an order that it gives
/// when it is back is carried out within a second.
const AGAIN: Duration = Duration::from_millis(250);

/// Where orders come from.
pub(in crate::cli) trait OrderSource {
    /// The next order. A gateway that is lost orders nothing: what runs goes
    /// on, what is frozen stays frozen. May be dropped before it is ready.
    async fn next(&mut self) -> Order;
}

/// The connection over which orders come; it is made again when it is lost.
#[derive(Debug)]
pub(super) struct Orders<'a> {
    client: &'a Client,
    path: String,
    /// What brings the run back to a gateway that does not know it.
    resume: NewRunRequest,
    lines: Option<Lines>,
    again_at: Instant,
}

impl<'a> Orders<'a> {
    /// # Errors
    /// Where the gateway does not take it.
    pub(super) async fn open(
        client: &'a Client,
        run: &str,
        resume: NewRunRequest,
    ) -> Result<Self, Failure> {
        let path = format!("/control/runs/{run}/orders");
        let lines = client.lines(&path).await?;
        Ok(Self {
            client,
            path,
            resume,
            lines: Some(lines),
            again_at: Instant::now(),
        })
    }
}

impl OrderSource for Orders<'_> {
    async fn next(&mut self) -> Order {
        loop {
            match &mut self.lines {
                Some(lines) => match lines.next::<RunOrder>().await {
                    Ok(Some(RunOrder { order })) => return order,
                    // The standing order comes again with the next one.
                    Ok(None) | Err(_) => self.lines = None,
                },
                None => {
                    tokio::time::sleep_until(self.again_at).await;
                    self.again_at = Instant::now() + AGAIN;
                    self.lines = match self.client.lines(&self.path).await {
                        Ok(lines) => Some(lines),
                        Err(error) => {
                            self.resume_where_unknown(&error).await;
                            None
                        }
                    };
                }
            }
        }
    }
}

impl Orders<'_> {
    /// A gateway that was started anew knows none of the runs before it. Its key
    /// and its budget come back to it here, and the standing order with the next
    /// connection. Where it refuses, the tree goes on as without a gateway.
    async fn resume_where_unknown(&self, error: &ClientError) {
        if matches!(error, ClientError::Refused { status: 404, .. }) {
            let resumed = self
                .client
                .post::<_, RunStarted>("/control/runs", &self.resume);
            if let Err(error) = resumed.await {
                tracing::debug!(%error, "the run was not taken back");
            }
        }
    }
}

/// Carries out orders and passes signals on, until the tree has ended.
pub(in crate::cli) async fn attend(
    tree: &Tree,
    orders: &mut impl OrderSource,
    mut signals: Signals,
    screen: &mut Screen,
) -> End {
    let mut frozen = false;
    loop {
        tokio::select! {
            end = tree.wait() => return end,
            order = orders.next() => {
                let done = obey(tree, order, &mut frozen, screen).await;
                if let Err(error @ (TreeError::Left { .. } | TreeError::Silent)) = done {
                    screen.note(&error.to_string());
                }
            }
            signal = signals.next() => {
                // Who is frozen hears nothing; whoever asks it to end means it.
                let done = match frozen {
                    true => tree.kill().await,
                    false if signal.is_known_to_the_command => Ok(()),
                    false => tree.signal(signal.number).await,
                };
                if let Err(error @ TreeError::Silent) = done {
                    screen.note(&error.to_string());
                }
            }
        }
    }
}

async fn obey(
    tree: &Tree,
    order: Order,
    frozen: &mut bool,
    screen: &mut Screen,
) -> Result<(), TreeError> {
    match order {
        Order::Freeze | Order::Unknown => {
            let done = tree.freeze().await;
            if !std::mem::replace(frozen, true) {
                screen.note("frozen by the gateway; Ctrl-C or SIGTERM ends it");
            }
            done
        }
        Order::Thaw => {
            let done = tree.thaw().await;
            if std::mem::take(frozen) {
                screen.note("goes on");
            }
            done
        }
        Order::Kill => {
            screen.note("killed by the gateway");
            tree.kill().await
        }
    }
}
