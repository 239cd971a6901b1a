//! The state machine: which record may follow which, and what it makes of the state.
//!
//! Here is what any record must satisfy, and the table of kinds; what each kind asks beyond its state is in `decisions`
//! (scored, amended, votes, deadlines, undo) and `effects` (started, what targets read).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named refuses the record: the safe default"
)]

mod decisions;
mod effects;

use self::decisions::{awaiting, decide_undo, expire, in_time, names_scored, revoked};
use self::effects::{acting, shows_all, shows_before, shows_none, to_take_back};
use super::fact::{Kind, ProposalFact, Received};
use super::outbreak::Call;
use super::state::{Done, Lease, Outcome, State, UndoState};
use super::{Moved, Proposal, is_about};
use crate::incident::Badness;
use crate::trail::{Actor, BrokenChain, Fact, Record, Seq, StreamId};
use crate::value::OperatorId;

/// A record that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} ({kind}) is illegal in state {state}: it {problem}")]
pub struct IllegalTransition {
    /// Its position; 0 where there are no records.
    pub seq: Seq,
    /// Its kind.
    pub kind: String,
    /// The state it met.
    pub state: &'static str,
    /// Why it cannot follow, in words after "it".
    pub problem: String,
}

impl IllegalTransition {
    pub(super) fn new(record: &Record, state: &'static str, problem: &str) -> Self {
        Self {
            seq: record.seq,
            kind: record.kind.clone(),
            state,
            problem: problem.to_owned(),
        }
    }

    /// A fact that would stand behind a record that does not hold.
    pub(super) fn follows(fault: &BrokenChain, fact: &ProposalFact) -> Self {
        Self {
            seq: fault.seq + 1,
            kind: fact.what().name().to_owned(),
            state: "–",
            problem: format!("would follow one that does not hold: {fault}"),
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            seq: 0,
            kind: "none".to_owned(),
            state: "–",
            problem: "has no records".to_owned(),
        }
    }
}

/// Why a fact is illegal, in words that follow "it".
type Problem = &'static str;

const NOT_NOW: Problem = "does not belong here";

impl Proposal {
    /// The proposal after one more record.
    pub fn apply(mut self, record: &Record) -> Result<Self, IllegalTransition> {
        let state = self.state.name();
        let illegal = |problem: &str| IllegalTransition::new(record, state, problem);
        if record.stream != StreamId::Proposal(self.id.clone()) {
            return Err(illegal("is of another stream"));
        }
        if record.seq != self.last.seq + 1 {
            return Err(illegal("is not the next one"));
        }
        if record.at < self.last.at {
            return Err(illegal("is earlier than the one before it"));
        }
        let fact = ProposalFact::read(record).map_err(|err| illegal(&err.problem))?;
        self.last_kind = fact.what();
        let approves = self.last_kind == Kind::Approved;
        self.touched |= matches!(self.last_kind, Kind::Amended | Kind::Revoked);
        if self.last_kind == Kind::Scored {
            self.approved = None;
        }
        let next = self.transition(record, fact).map_err(illegal)?;
        if let Some(next) = next {
            if next.execution().is_none()
                && let Some(execution) = self.state.execution()
            {
                self.effect = Some(execution.clone());
            }
            self.state = next;
            self.moved = Moved::by(record);
            if approves {
                self.approved = Some(self.moved.clone());
            }
            if !self.state.is_settled() {
                self.settled_at = None;
            } else if self.settled_at.is_none() {
                self.settled_at = Some(record.at);
            }
        }
        if self.last_kind != Kind::Notified {
            self.news = Moved::by(record);
        }
        self.last = record.clone();
        Ok(self)
    }

    /// The state after a fact, or `None` where it only informs. Also folds the fact's data into `self`,
    /// which the caller drops if this fails.
    fn transition(&mut self, record: &Record, fact: ProposalFact) -> Result<Option<State>, Problem> {
        let state = self.state.clone();
        let next = match fact {
            ProposalFact::Received(received) => self.received_again(record, state, received)?,
            ProposalFact::Declined(declined) => {
                require(matches!(state, State::Reasoning(_)), NOT_NOW)?;
                self.because = Some(declined.explanation.clone());
                self.call = Call::by(record, &declined);
                // Where the agent came to no end, what was claimed counts: else each event after it would be worse.
                let unended = declined.reason.is_inability() && self.call.is_none();
                let claimed = unended.then(|| Badness::of(&self.received.event));
                self.events.borne_out(declined.borne_out.or(claimed));
                self.declined = Some(declined);
                State::Closed(Outcome::Declined)
            }
            ProposalFact::Proposed(proposed) => {
                require(matches!(state, State::Reasoning(_)), NOT_NOW)?;
                self.events
                    .borne_out(proposed.evidence.borne_out(&self.received.event));
                self.proposed = Some(*proposed);
                State::Proposed
            }
            ProposalFact::Scored(scored) => {
                require(state == State::Proposed, NOT_NOW)?;
                self.scored_as(record, scored)?
            }
            ProposalFact::Amended(amended) => self.amended(record, &awaiting(state)?, *amended)?,
            ProposalFact::Voted(voted) => self.voted(record, awaiting(state)?, &voted)?,
            ProposalFact::Approved(approved) => self.approved_as(record, awaiting(state)?, &approved)?,
            ProposalFact::Revoked(revoking) => revoked(record, state, &revoking)?,
            ProposalFact::Rejected(rejected) => {
                let waiting = awaiting(state)?;
                in_time(record, &waiting, rejected.extension)?;
                names_scored(&waiting, rejected.scored)?;
                operator(record)?;
                self.because = rejected.reason;
                State::Closed(Outcome::Rejected)
            }
            ProposalFact::Expired(expired) => {
                let closes = expired.closes;
                let next = expire(record, &state, expired)?;
                self.goes_round(next, closes)?
            }
            ProposalFact::Refused(refused) => {
                require(matches!(state, State::Approved(_)), NOT_NOW)?;
                self.because = Some(refused.explanation);
                State::Closed(Outcome::Refused)
            }
            ProposalFact::Started(started) => self.started(record, &state, started)?,
            ProposalFact::Succeeded(succeeded) => {
                let execution = acting(state)?;
                require(
                    shows_all(&execution.plan, &succeeded.readings),
                    "does not show every target as planned",
                )?;
                require(
                    execution.plan.page.is_none() || succeeded.receipt.is_some(),
                    "has no receipt of the page",
                )?;
                State::Succeeded(Done {
                    execution,
                    undo: UndoState::None,
                })
            }
            ProposalFact::Failed(failed) => {
                let execution = acting(state)?;
                require(
                    shows_none(&execution.plan, &failed.readings),
                    "does not show that no target is as planned",
                )?;
                self.because = Some(failed.reason);
                State::Closed(Outcome::Failed)
            }
            ProposalFact::Unknown(_) => match state {
                State::Executing(execution) => State::Unknown(execution),
                _ => return Err(NOT_NOW),
            },
            ProposalFact::Restored(restored) => {
                let execution = to_take_back(record, &state)?;
                require(
                    shows_before(&execution.plan, &restored.readings),
                    "does not show every target as before",
                )?;
                State::Closed(Outcome::Restored)
            }
            ProposalFact::RestoreFailed(_) => {
                to_take_back(record, &state)?;
                match state {
                    State::Executing(execution) => State::Executing(execution.restore_failed(record)),
                    State::Unknown(execution) => State::Unknown(execution.restore_failed(record)),
                    State::Succeeded(done) => State::Succeeded(Done {
                        execution: done.execution.restore_failed(record),
                        ..done
                    }),
                    _ => return Err(NOT_NOW),
                }
            }
            ProposalFact::UndoRequested(_) => match state {
                State::Succeeded(done) if done.undo == UndoState::None => {
                    require(
                        !done.execution.plan.changes.is_empty(),
                        "asks to take back what cannot be",
                    )?;
                    let undo = UndoState::Requested {
                        by: record.actor.operator().cloned(),
                        record: record.digest,
                    };
                    State::Succeeded(Done { undo, ..done })
                }
                _ => return Err(NOT_NOW),
            },
            ProposalFact::UndoApproved(decided) => {
                let request = decided.requested;
                State::Succeeded(decide_undo(
                    record,
                    state,
                    &decided,
                    UndoState::Approved { request },
                )?)
            }
            ProposalFact::UndoRejected(decided) => {
                State::Succeeded(decide_undo(record, state, &decided, UndoState::None)?)
            }
            ProposalFact::Verified(verified) => {
                self.verified = Some(verified);
                return Ok(None);
            }
            ProposalFact::Repeated(repeated) => {
                self.events.repeated(record, &repeated);
                let evidence = repeated.worse.and_then(|worse| worse.evidence);
                match (state, evidence, self.proposed.as_mut()) {
                    // People are asked again, on what is known now.
                    (State::AwaitingApproval(_), Some(evidence), Some(proposed)) => {
                        proposed.evidence = *evidence;
                        State::Proposed
                    }
                    (_, _, _) => return Ok(None),
                }
            }
            ProposalFact::Notified(notified) => {
                self.messages.note(notified);
                return Ok(None);
            }
            ProposalFact::Acknowledged(_) => {
                operator(record)?;
                match self.call.as_mut() {
                    Some(call) if call.acknowledged.is_none() => call.acknowledged = Some(Moved::by(record)),
                    Some(_) | None => return Err(NOT_NOW),
                }
                return Ok(None);
            }
            ProposalFact::Escalated(_) | ProposalFact::Commented(_) => return Ok(None),
        };
        Ok(Some(next))
    }

    fn received_again(
        &mut self,
        record: &Record,
        state: State,
        received: Received,
    ) -> Result<State, Problem> {
        require(
            is_about(&received.event, self.id.fingerprint()),
            "received an event of another trouble",
        )?;
        match state {
            State::Reasoning(lease) => {
                require(!lease.holds(record.at), "takes a lease that still holds")?;
                // Another event is judged for the first time.
                let same = received.event.content() == self.received.event.content();
                self.tries = if same { self.tries + 1 } else { 1 };
            }
            State::Closed(Outcome::Declined) if self.was_declined_for_its_event() => {
                require(
                    !self.events.just_took(&received.event, record.at),
                    "judges an event again",
                )?;
                self.events.begins_anew(&received.event);
                self.tries = 1;
                self.judged += 1;
                (self.declined, self.because) = (None, None);
            }
            _ => return Err(NOT_NOW),
        }
        self.requesters.extend(received.requested_by.iter().cloned());
        self.events.take(&received.event, record.at);
        let lease = Lease {
            until: received.lease_until,
            record: record.digest,
        };
        self.received = received;
        Ok(State::Reasoning(lease))
    }
}

fn require(holds: bool, problem: Problem) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(problem) }
}

fn operator(record: &Record) -> Result<OperatorId, Problem> {
    match &record.actor {
        Actor::Operator { id, .. } => Ok(id.clone()),
        Actor::Agent | Actor::System => Err("is a person's decision, and no person made it"),
    }
}
