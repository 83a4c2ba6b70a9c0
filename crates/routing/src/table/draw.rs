use std::sync::atomic::Ordering::Relaxed;

use super::synthetic::{Member, Order, Synthetic, Target};
use super::{Candidate, NoPlan, Plan};

/// One expansion of a synthetic model into concrete candidates.
///
/// A synthetic model that is met twice adds nothing the second time: all that
/// fits of it is in the plan already. So the work is bounded by the number of
/// members in the table, however they are nested.
pub(super) struct Draw<'t> {
    synthetics: &'t [Synthetic],
    need: u64,
    random: u64,
    in_order: bool,
    seen: Vec<u32>,
    candidates: Vec<Candidate>,
    /// The largest window that was too small.
    widest: u64,
}

impl<'t> Draw<'t> {
    pub(super) fn new(synthetics: &'t [Synthetic], need: u64, random: u64) -> Self {
        Self {
            synthetics,
            need,
            random,
            in_order: false,
            seen: Vec::new(),
            candidates: Vec::new(),
            widest: 0,
        }
    }

    /// Members as they stand, without chance and without taking a turn.
    pub(super) fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    pub(super) fn plan(mut self, index: u32, name: &str) -> Result<Plan, NoPlan> {
        self.add(index);
        if self.candidates.is_empty() {
            return Err(NoPlan::TooLarge {
                name: name.to_owned(),
                need: self.need,
                widest: self.widest,
            });
        }
        Ok(Plan {
            candidates: self.candidates,
        })
    }

    pub(super) fn into_candidates(self) -> Vec<Candidate> {
        self.candidates
    }

    pub(super) fn add(&mut self, index: u32) {
        self.synthetic(index, None);
    }

    fn synthetic(&mut self, index: u32, window: Option<u64>) {
        let synthetics = self.synthetics;
        let Some(synthetic) = synthetics.get(index as usize) else {
            return;
        };
        if self.seen.contains(&index) {
            return;
        }
        self.seen.push(index);
        let members = &synthetic.members;
        match &synthetic.order {
            Order::Drawn if !self.in_order => {
                for at in self.drawn(members) {
                    self.member(&members[at], window);
                }
            }
            Order::InTurn { cycle, position } if !self.in_order => {
                let turn = position.fetch_add(1, Relaxed);
                let first = cycle.get(turn % cycle.len().max(1));
                let first = first.map_or(0, |first| *first as usize);
                for member in members[first..].iter().chain(&members[..first]) {
                    self.member(member, window);
                }
            }
            _ => {
                for member in members {
                    self.member(member, window);
                }
            }
        }
    }

    fn member(&mut self, member: &Member, outer: Option<u64>) {
        if let Some(window) = member.window
            && window < self.need
        {
            self.widest = self.widest.max(window);
            return;
        }
        let window = member.window.or(outer);
        match &member.target {
            Target::Synthetic(index) => self.synthetic(*index, window),
            Target::Model(candidate) => {
                let same = |known: &Candidate| {
                    known.provider == candidate.provider && known.model == candidate.model
                };
                if !self.candidates.iter().any(same) {
                    let window = window.or(candidate.window);
                    self.candidates.push(Candidate {
                        window,
                        ..candidate.clone()
                    });
                }
            }
        }
    }

    /// Members in an order drawn by weight, none put back.
    fn drawn(&mut self, members: &[Member]) -> Vec<usize> {
        let mut left: Vec<usize> = (0..members.len()).collect();
        let weight = |at: &usize| u64::from(members[*at].weight);
        let mut total: u64 = left.iter().map(weight).sum();
        let mut order = Vec::with_capacity(members.len());
        while !left.is_empty() {
            let mut ticket = self.chance() % total.max(1);
            let winner = left.iter().position(|at| {
                let won = ticket < weight(at);
                ticket = ticket.saturating_sub(weight(at));
                won
            });
            let at = left.remove(winner.unwrap_or(0));
            total -= weight(&at);
            order.push(at);
        }
        order
    }

    /// The next number of a SplitMix64 sequence (Steele, Lea, Flood, 2014).
    fn chance(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
