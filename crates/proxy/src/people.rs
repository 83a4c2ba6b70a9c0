use tollgate_approvals::Fallback;
use tollgate_desk::Room;
use tollgate_types::AgentName;

/// What holds for an agent when nobody can be asked.
pub type FallbackOf = Box<dyn Fn(&AgentName) -> Fallback + Send + Sync>;

/// Where a person is asked about a request.
pub struct People {
    room: Room,
    fallback: FallbackOf,
}

impl People {
    /// People who are asked in this room.
    pub fn new(room: Room, fallback: FallbackOf) -> Self {
        Self { room, fallback }
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Whether a question is over before it begins: nobody is connected who
    /// could answer, and the operator does not want to be waited for. A rule
    /// that wants a person is never satisfied without one, whatever the
    /// fallback lets commands do.
    pub(crate) fn nobody_is_there(&self, agent: &AgentName) -> bool {
        (self.fallback)(agent) != Fallback::Deny && self.room.followers() == 0
    }
}
