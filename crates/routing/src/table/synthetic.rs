use std::sync::atomic::AtomicUsize;

use super::Candidate;
use crate::ProviderIndex;

/// Where a name leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// To one concrete model.
    Model(Candidate),
    /// To a synthetic model, by its place in the table.
    Synthetic(u32),
}

impl Target {
    pub(super) fn model(provider: ProviderIndex, model: &str) -> Self {
        Self::Model(Candidate {
            provider,
            model: model.into(),
            window: None,
        })
    }
}

/// A synthetic model whose members are known to lead somewhere.
#[derive(Debug)]
pub(super) struct Synthetic {
    pub(super) order: Order,
    pub(super) members: Vec<Member>,
    /// The smallest window in it and in what it nests.
    pub(super) narrowest: Option<u64>,
}

/// Who is asked first.
#[derive(Debug)]
pub(super) enum Order {
    /// Cascades, dispatchers (sorted when the table is made), fallbacks and
    /// alloys of `first_available`: as the members stand.
    AsTheyStand,
    /// Drawn by weight.
    Drawn,
    /// In turn: a cycle of member numbers that holds the weights, and where
    /// it has got to.
    InTurn {
        cycle: Box<[u32]>,
        position: AtomicUsize,
    },
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) target: Target,
    pub(super) weight: u32,
    /// What does not fit in here leaves the member out.
    pub(super) window: Option<u64>,
}
