use std::sync::Arc;

use tollgate_approvals::ApprovalId;

use super::{Room, Ticket};
use crate::Seat;

/// Waits for the end of a question. Whoever drops it before then has gone, and
/// the question is withdrawn.
pub struct Wait {
    room: Room,
    ticket: Ticket,
    /// Whether the question was pending when it was looked at last.
    open: bool,
    begun: bool,
}

impl Wait {
    pub(super) fn new(room: Room, ticket: Ticket) -> Self {
        Self {
            room,
            ticket,
            open: true,
            begun: false,
        }
    }

    /// The question's name.
    pub fn id(&self) -> ApprovalId {
        self.ticket.id
    }

    /// Where the question stands: now at the first call, then each time that it
    /// stands elsewhere.
    pub async fn next(&mut self) -> Arc<Seat> {
        if self.begun && self.ticket.stands.changed().await.is_err() {
            // The room is gone with the gateway; what is pending stays so on
            // the disk.
            std::future::pending::<()>().await;
        }
        self.begun = true;
        let seat = Arc::clone(&self.ticket.stands.borrow_and_update());
        self.open = seat.approval.state.is_pending();
        seat
    }

    /// Stops waiting without a withdrawal: whoever asks the same again takes
    /// the place.
    pub fn leave(mut self) {
        self.open = false;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (true, Ok(runtime)) = (self.open, runtime) {
            let (room, id) = (self.room.clone(), self.ticket.id);
            runtime.spawn(async move { room.withdraw(id).await });
        }
    }
}
