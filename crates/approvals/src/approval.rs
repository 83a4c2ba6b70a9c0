use serde::{Deserialize, Serialize};
use tollgate_types::{OperatorName, Tier, UnixMillis};

use crate::ladder::above;
use crate::{ApprovalId, Choice, Digest, Ladder};

/// One question and where it stands.
///
/// It begins pending and ends once; what has ended never begins again. The only
/// way to a permission is [`Effect::Permit`], and it comes once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its name, good for this question only.
    pub id: ApprovalId,
    /// What is asked about.
    pub subject: Digest,
    /// The tier of what is asked about.
    pub tier: Tier,
    /// Whether the card proposes a rule for the next time.
    pub may_always: bool,
    /// Since when.
    pub asked_at: UnixMillis,
    /// Whether anybody who may answer was told.
    pub delivered: bool,
    /// Whether a late yes has led to another question; one does.
    #[serde(default)]
    pub asked_again: bool,
    /// Where it stands.
    pub state: State,
}

/// Where a question stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for an answer.
    Pending {
        /// The tier that it has risen to: who may answer goes by it.
        level: Tier,
        /// When it rises, or ends.
        until: UnixMillis,
    },
    /// Yes, this once.
    AllowedOnce(Yes),
    /// Yes, and the proposed rule is kept.
    AllowedAlways(Yes),
    /// No.
    Denied {
        /// Who said so.
        by: OperatorName,
        /// When.
        at: UnixMillis,
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Nobody answered in time.
    TimedOut {
        /// When.
        at: UnixMillis,
    },
    /// Nobody could be asked.
    Undeliverable {
        /// When that was known.
        at: UnixMillis,
    },
    /// Whoever asked does not want it any more.
    Withdrawn {
        /// When.
        at: UnixMillis,
    },
}

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yes {
    /// Who said so.
    pub by: OperatorName,
    /// When.
    pub at: UnixMillis,
    /// Whether the permission was handed out; it is handed out once.
    pub used: bool,
}

/// Something that happens to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody who may answer has it before them.
    Delivered,
    /// An operator spoke.
    Answered(Answer),
    /// Whoever asked takes the permission.
    Collected,
    /// Whoever asked is gone, or said that it is not wanted.
    Withdrawn,
    /// There is nobody to ask.
    NobodyThere,
    /// Nothing but time.
    TimePassed,
}

/// What an operator says, and what is known of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who, by credential.
    pub by: OperatorName,
    /// The highest tier that they may allow.
    pub may_answer: Tier,
    /// What they say.
    pub decision: Choice,
    /// Whether they typed the confirmation, or the full id on a command line.
    pub confirmed: bool,
    /// Whether the answer comes from the process that asked, or from below it.
    pub from_asker: bool,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It has risen; tell everybody who waits or may answer.
    Raised {
        /// To this tier.
        level: Tier,
        /// When it rises next, or ends.
        until: UnixMillis,
    },
    /// It has ended; tell everybody, and write it down.
    Settled,
    /// The proposed rule is to be kept.
    Remember,
    /// Hand out the permission.
    Permit,
    /// A yes came too late. The same subject is to be asked about anew, under
    /// a new id.
    AskAgain,
}

/// Why an answer, or a wish, does not count. Nothing has changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefused {
    /// Somebody was faster.
    #[error("`{id}` is {status} already, by `{by}`")]
    Answered {
        /// The question.
        id: ApprovalId,
        /// Where it stands.
        status: &'static str,
        /// Who answered.
        by: OperatorName,
    },
    /// It ended without an answer.
    #[error("`{id}` is {status} already")]
    Over {
        /// The question.
        id: ApprovalId,
        /// Where it stands.
        status: &'static str,
    },
    /// The operator may not allow this.
    #[error("`{by}` may allow up to {may_answer}, this is {level}")]
    Rank {
        /// Who.
        by: OperatorName,
        /// Up to.
        may_answer: Tier,
        /// The question's level.
        level: Tier,
    },
    /// HIGH and above need a typed confirmation.
    #[error("{0} needs the approval's full id as confirmation")]
    Unconfirmed(Tier),
    /// There is no rule that could be kept.
    #[error("this can be allowed once only: {0}")]
    NoAlways(&'static str),
    /// Nobody answers their own question.
    #[error("the answer comes from the process that asks")]
    OwnQuestion,
    /// There is no permission, or it was handed out.
    #[error("`{id}` is {status}: there is nothing to collect")]
    NothingToCollect {
        /// The question.
        id: ApprovalId,
        /// Where it stands.
        status: &'static str,
    },
}

/// What an event led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// In order.
    pub effects: Vec<Effect>,
    /// Where the event itself did not count.
    pub refused: Option<AnswerRefused>,
}

impl Approval {
    /// A question that begins now.
    pub fn ask(
        id: ApprovalId,
        subject: Digest,
        tier: Tier,
        may_always: bool,
        now: UnixMillis,
        ladder: &Ladder,
    ) -> Self {
        let until = ladder.until(tier, now);
        Self {
            id,
            subject,
            tier,
            may_always: may_always && tier < Tier::High,
            asked_at: now,
            delivered: false,
            asked_again: false,
            state: State::Pending { level: tier, until },
        }
    }

    /// Takes an event. Time counts first: an answer at the last moment finds
    /// the question as it stands at that moment.
    pub fn on(&mut self, event: Event, now: UnixMillis, ladder: &Ladder) -> Step {
        let mut step = Step::default();
        self.pass_time(now, ladder, &mut step.effects);
        let done = match event {
            Event::TimePassed => Ok(()),
            Event::Delivered => {
                self.delivered = true;
                Ok(())
            }
            Event::Answered(answer) => self.answer(answer, now, &mut step.effects),
            Event::Collected => self.collect(now, ladder, &mut step.effects),
            Event::Withdrawn => {
                self.end(State::Withdrawn { at: now }, &mut step.effects);
                Ok(())
            }
            Event::NobodyThere => {
                self.end(State::Undeliverable { at: now }, &mut step.effects);
                Ok(())
            }
        };
        step.refused = done.err();
        step
    }

    /// When time does something to it next.
    pub fn until(&self) -> Option<UnixMillis> {
        match self.state {
            State::Pending { until, .. } => Some(until),
            _ => None,
        }
    }

    /// The tier that it stands at: its own, or what it has risen to.
    pub fn level(&self) -> Tier {
        match self.state {
            State::Pending { level, .. } => level,
            _ => self.tier,
        }
    }

    /// Whether "always" can be said now.
    pub fn offers_always(&self) -> bool {
        self.may_always && self.level() < Tier::High
    }

    fn pass_time(&mut self, now: UnixMillis, ladder: &Ladder, effects: &mut Vec<Effect>) {
        while let State::Pending { level, until } = self.state
            && now >= until
        {
            let Some(level) = above(level) else {
                let ended = match self.delivered {
                    true => State::TimedOut { at: until },
                    false => State::Undeliverable { at: until },
                };
                return self.end(ended, effects);
            };
            // From the moment it was due: a sleeping machine does not give time.
            let until = ladder.until(level, until);
            self.state = State::Pending { level, until };
            effects.push(Effect::Raised { level, until });
        }
    }

    fn end(&mut self, state: State, effects: &mut Vec<Effect>) {
        if matches!(self.state, State::Pending { .. }) {
            self.state = state;
            effects.push(Effect::Settled);
        }
    }

    fn answer(
        &mut self,
        answer: Answer,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), AnswerRefused> {
        if answer.from_asker {
            return Err(AnswerRefused::OwnQuestion);
        }
        let State::Pending { level, .. } = self.state else {
            return self.late(&answer, effects);
        };
        self.delivered = true;
        let Answer { by, reason, .. } = answer.clone();
        let yes = Yes {
            by: by.clone(),
            at: now,
            used: false,
        };
        let settled = match answer.decision {
            Choice::Deny => State::Denied {
                by,
                at: now,
                reason,
            },
            Choice::AllowOnce => {
                allowed(&answer, level)?;
                State::AllowedOnce(yes)
            }
            Choice::AllowAlways => {
                allowed(&answer, level)?;
                self.always(level)?;
                effects.push(Effect::Remember);
                State::AllowedAlways(yes)
            }
        };
        self.end(settled, effects);
        Ok(())
    }

    fn always(&self, level: Tier) -> Result<(), AnswerRefused> {
        if level >= Tier::High {
            return Err(AnswerRefused::NoAlways("it is HIGH or above"));
        }
        match self.may_always {
            true => Ok(()),
            false => Err(AnswerRefused::NoAlways("no rule for it is narrow enough")),
        }
    }

    /// A yes to what nobody answered in time is good for nothing but to ask
    /// again, if whoever says so could have allowed it.
    fn late(&mut self, answer: &Answer, effects: &mut Vec<Effect>) -> Result<(), AnswerRefused> {
        let unanswered = matches!(
            self.state,
            State::TimedOut { .. } | State::Undeliverable { .. }
        );
        if unanswered && answer.decision != Choice::Deny && !self.asked_again {
            allowed(answer, self.tier)?;
            self.asked_again = true;
            effects.push(Effect::AskAgain);
            return Ok(());
        }
        let (id, status) = (self.id, self.state.as_str());
        Err(match self.state.by() {
            Some(by) => AnswerRefused::Answered {
                id,
                status,
                by: by.clone(),
            },
            None => AnswerRefused::Over { id, status },
        })
    }

    fn collect(
        &mut self,
        now: UnixMillis,
        ladder: &Ladder,
        effects: &mut Vec<Effect>,
    ) -> Result<(), AnswerRefused> {
        let (id, status) = (self.id, self.state.as_str());
        match &mut self.state {
            State::AllowedOnce(yes) | State::AllowedAlways(yes)
                if !yes.used && now < yes.at.plus(ladder.collect) =>
            {
                yes.used = true;
                effects.push(Effect::Permit);
                Ok(())
            }
            _ => Err(AnswerRefused::NothingToCollect { id, status }),
        }
    }
}

/// Whether this operator may allow what stands at this level.
fn allowed(answer: &Answer, level: Tier) -> Result<(), AnswerRefused> {
    if answer.may_answer < level {
        return Err(AnswerRefused::Rank {
            by: answer.by.clone(),
            may_answer: answer.may_answer,
            level,
        });
    }
    match level >= Tier::High && !answer.confirmed {
        true => Err(AnswerRefused::Unconfirmed(level)),
        false => Ok(()),
    }
}

impl State {
    /// The word in listings, in JSON and in the ledger.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::AllowedOnce(_) => "allowed_once",
            Self::AllowedAlways(_) => "allowed_always",
            Self::Denied { .. } => "denied",
            Self::TimedOut { .. } => "timed_out",
            Self::Undeliverable { .. } => "undeliverable",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether it waits for an answer.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Pending { .. })
    }

    /// Who answered, where anybody did.
    pub const fn by(&self) -> Option<&OperatorName> {
        match self {
            Self::AllowedOnce(yes) | Self::AllowedAlways(yes) => Some(&yes.by),
            Self::Denied { by, .. } => Some(by),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
