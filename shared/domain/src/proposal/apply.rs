//! The state machine: which record may follow which, and what it makes of the state.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named refuses the record: the safe default"
)]

use super::fact::{Amended, Approved, Expired, ProposalFact, Received, Scored, Started, UndoDecided, Voted};
use super::state::{Approval, Awaiting, Done, Execution, Lease, Outcome, State, UndoState, extended};
use super::{Decision, Proposal};
use crate::action::{Plan, Undo};
use crate::control::Extension;
use crate::digest::Digest;
use crate::ids::OperatorId;
use crate::record::{Actor, Fact, Record};
use crate::stream::{Seq, StreamId};
use crate::target::{Reading, Setting};

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
    /// Why.
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
        let next = self.transition(record, fact).map_err(illegal)?;
        if let Some(next) = next {
            self.state = next;
            self.state_since = record.at;
            if !self.state.is_settled() {
                self.settled_at = None;
            } else if self.settled_at.is_none() {
                self.settled_at = Some(record.at);
            }
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
                self.declined = Some(declined);
                State::Closed(Outcome::Declined)
            }
            ProposalFact::Proposed(proposed) => {
                require(matches!(state, State::Reasoning(_)), NOT_NOW)?;
                self.proposed = Some(*proposed);
                State::Proposed
            }
            ProposalFact::Scored(scored) => {
                require(state == State::Proposed, NOT_NOW)?;
                self.scored_as(record, scored)?
            }
            ProposalFact::Amended(amended) => self.amended(record, &awaiting(state)?, *amended)?,
            ProposalFact::Voted(voted) => self.voted(record, awaiting(state)?, &voted)?,
            ProposalFact::Approved(approved) => self.approved(record, &awaiting(state)?, &approved)?,
            ProposalFact::Rejected(rejected) => {
                let waiting = awaiting(state)?;
                in_time(record, &waiting, rejected.extension)?;
                names_scored(&waiting, rejected.scored)?;
                operator(record)?;
                State::Closed(Outcome::Rejected)
            }
            ProposalFact::Expired(expired) => expire(record, &state, expired)?,
            ProposalFact::Refused(_) => {
                require(matches!(state, State::Approved(_)), NOT_NOW)?;
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
                State::Closed(Outcome::Failed)
            }
            ProposalFact::Unknown(_) => match state {
                State::Executing(execution) => State::Unknown(execution),
                _ => return Err(NOT_NOW),
            },
            ProposalFact::Restored(restored) => {
                let execution = takeable_back(record, &state)?;
                require(
                    shows_before(&execution.plan, &restored.readings),
                    "does not show every target as before",
                )?;
                State::Closed(Outcome::Restored)
            }
            ProposalFact::RestoreFailed(_) => {
                takeable_back(record, &state)?;
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
                self.events_seen.insert(repeated.event_id);
                return Ok(None);
            }
            ProposalFact::Notified(_) | ProposalFact::Escalated(_) | ProposalFact::Commented(_) => {
                return Ok(None);
            }
        };
        Ok(Some(next))
    }

    fn received_again(
        &mut self,
        record: &Record,
        state: State,
        received: Received,
    ) -> Result<State, Problem> {
        let State::Reasoning(lease) = state else {
            return Err(NOT_NOW);
        };
        require(!lease.holds(record.at), "takes a lease that still holds")?;
        require(
            received.event.fingerprint() == *self.id.fingerprint(),
            "received an event of another trouble",
        )?;
        self.requesters.extend(received.requested_by.iter().cloned());
        self.events_seen.insert(received.event.event_id.clone());
        let lease = Lease {
            until: received.lease_until,
            record: record.digest,
        };
        self.received = received;
        Ok(State::Reasoning(lease))
    }

    fn scored_as(&mut self, record: &Record, scored: Scored) -> Result<State, Problem> {
        require(
            (scored.floor..=100).contains(&scored.score),
            "scores below the action's floor or above 100",
        )?;
        let sum = scored
            .factors
            .iter()
            .fold(i64::from(scored.baseline), |sum, factor| {
                sum + i64::from(factor.points)
            });
        require(
            sum == i64::from(scored.score),
            "has factors that do not sum to its score",
        )?;
        let next = match (scored.decision, scored.deadline, scored.valid_until) {
            (Decision::Gate, Some(deadline), None) => State::AwaitingApproval(Awaiting {
                scored: record.digest,
                deadline,
                paused_before_ms: scored.paused_before_ms,
                needed: scored.approvals_needed,
                votes: Vec::new(),
            }),
            (Decision::Auto, None, Some(valid_until)) => {
                require(
                    scored.auto_approve && scored.score <= scored.threshold,
                    "approves by itself what a person must approve",
                )?;
                require(
                    scored.automatic.is_some(),
                    "has no limits for automatic execution",
                )?;
                State::Approved(Approval {
                    valid_until,
                    paused_before_ms: scored.paused_before_ms,
                })
            }
            (Decision::Shadow, None, None) => State::Closed(Outcome::Shadow),
            (Decision::Gate | Decision::Auto | Decision::Shadow, _, _) => {
                return Err("has a deadline that its decision does not go with");
            }
        };
        self.scored = Some(scored);
        Ok(next)
    }

    fn amended(&mut self, record: &Record, waiting: &Awaiting, amended: Amended) -> Result<State, Problem> {
        in_time(record, waiting, amended.extension)?;
        names_scored(waiting, amended.scored)?;
        let editor = operator(record)?;
        let proposed = self.proposed.as_mut().ok_or(NOT_NOW)?;
        require(
            amended.action.narrows(&proposed.action),
            "widens the action: only less effect is allowed",
        )?;
        proposed.action = amended.action;
        proposed.preview = amended.preview;
        self.requesters.insert(editor);
        Ok(State::Proposed)
    }

    /// The operator, if this vote may count.
    fn voter(
        &self,
        record: &Record,
        waiting: &Awaiting,
        extension: Option<Extension>,
        scored: Digest,
    ) -> Result<OperatorId, Problem> {
        in_time(record, waiting, extension)?;
        names_scored(waiting, scored)?;
        let voter = operator(record)?;
        require(
            !self.requesters.contains(&voter),
            "is the vote of somebody who requested or edited it",
        )?;
        require(!waiting.votes.contains(&voter), "is a second vote of one person")?;
        Ok(voter)
    }

    fn voted(&self, record: &Record, mut waiting: Awaiting, voted: &Voted) -> Result<State, Problem> {
        let voter = self.voter(record, &waiting, voted.extension, voted.scored)?;
        // Rules may ask for more people than the quorum: then a vote that completes it is a vote still.
        waiting.votes.push(voter);
        Ok(State::AwaitingApproval(waiting))
    }

    fn approved(&self, record: &Record, waiting: &Awaiting, approved: &Approved) -> Result<State, Problem> {
        self.voter(record, waiting, approved.extension, approved.scored)?;
        require(
            waiting.votes.len() + 1 >= usize::from(waiting.needed),
            "is short of the quorum",
        )?;
        Ok(State::Approved(Approval {
            valid_until: approved.valid_until,
            paused_before_ms: approved.paused_before_ms,
        }))
    }

    fn started(&self, record: &Record, state: &State, started: Started) -> Result<State, Problem> {
        let preview = &self.proposed.as_ref().ok_or(NOT_NOW)?.preview;
        require(
            started.plan == preview.plan,
            "plans something else than was previewed",
        )?;
        let held: Vec<_> = started.held.iter().map(|held| &held.target).collect();
        require(
            held.iter().copied().eq(&started.plan.claims),
            "does not hold every target of its plan",
        )?;
        match (started.restore_at, &preview.undo) {
            (Some(end), Undo::Restore { after_s }) => {
                require(end > record.at, "starts after its own end")?;
                require(
                    end <= record.at.plus_seconds(*after_s),
                    "lasts longer than was previewed",
                )?;
            }
            (None, Undo::OnDemand | Undo::OneShot) => {}
            (Some(_) | None, _) => return Err("has an end where its action has none, or the reverse"),
        }
        match state {
            State::Approved(approval) => require(
                approval.holds(record.at, started.extension),
                "starts on an approval that is over",
            )?,
            State::Executing(before) => {
                require(!before.lease.holds(record.at), "takes a lease that still holds")?;
                require(before.restore_at == started.restore_at, "moves the effect's end")?;
            }
            _ => return Err(NOT_NOW),
        }
        Ok(State::Executing(Execution {
            plan: started.plan,
            held: started.held,
            lease: Lease {
                until: started.lease_until,
                record: record.digest,
            },
            restore_at: started.restore_at,
            restore_failed_at: None,
        }))
    }
}

impl Execution {
    fn restore_failed(self, record: &Record) -> Self {
        Self {
            restore_failed_at: Some(record.at),
            ..self
        }
    }
}

fn require(holds: bool, problem: Problem) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(problem) }
}

fn awaiting(state: State) -> Result<Awaiting, Problem> {
    match state {
        State::AwaitingApproval(waiting) => Ok(waiting),
        _ => Err(NOT_NOW),
    }
}

fn acting(state: State) -> Result<Execution, Problem> {
    match state {
        State::Executing(execution) | State::Unknown(execution) => Ok(execution),
        _ => Err(NOT_NOW),
    }
}

fn operator(record: &Record) -> Result<OperatorId, Problem> {
    match &record.actor {
        Actor::Operator { id, .. } => Ok(id.clone()),
        Actor::Agent | Actor::System => Err("is a person's decision, and no person made it"),
    }
}

fn in_time(record: &Record, waiting: &Awaiting, extension: Option<Extension>) -> Result<(), Problem> {
    require(
        record.at <= extended(waiting.deadline, extension),
        "comes after the deadline",
    )
}

fn names_scored(waiting: &Awaiting, scored: Digest) -> Result<(), Problem> {
    require(
        waiting.scored == scored,
        "decides on something else than was scored",
    )
}

fn expire(record: &Record, state: &State, expired: Expired) -> Result<State, Problem> {
    let (deadline, next) = match state {
        State::AwaitingApproval(waiting) => (waiting.deadline, State::Closed(Outcome::Expired)),
        State::Approved(approval) => (approval.valid_until, State::Proposed),
        _ => return Err(NOT_NOW),
    };
    require(expired.deadline == deadline, "names another deadline")?;
    require(
        record.at > extended(deadline, expired.extension),
        "comes before the deadline",
    )?;
    Ok(next)
}

/// The effect that may be taken back now: its end has come, or a person's undo was approved.
fn takeable_back<'a>(record: &Record, state: &'a State) -> Result<&'a Execution, Problem> {
    let undo_approved = matches!(state, State::Succeeded(done) if done.undo.is_approved());
    let execution = state.execution().ok_or(NOT_NOW)?;
    require(
        undo_approved || execution.restore_due(record.at),
        "takes back an effect whose end has not come",
    )?;
    Ok(execution)
}

fn decide_undo(
    record: &Record,
    state: State,
    decided: &UndoDecided,
    undo: UndoState,
) -> Result<Done, Problem> {
    let State::Succeeded(done) = state else {
        return Err(NOT_NOW);
    };
    match &done.undo {
        UndoState::Requested { by, record: asked } => {
            require(*asked == decided.requested, "answers another request")?;
            let decider = operator(record)?;
            require(
                by.as_ref() != Some(&decider) || undo == UndoState::None,
                "approves one's own request",
            )?;
        }
        // Somebody else changed the target since: taking it back would undo their work.
        UndoState::Approved { request } if undo == UndoState::None => {
            require(*request == decided.requested, "answers another request")?;
            require(
                record.actor == Actor::Agent && decided.reason.is_some(),
                "gives up an approved undo without the agent's reason",
            )?;
        }
        UndoState::None | UndoState::Approved { .. } => return Err(NOT_NOW),
    }
    Ok(Done { undo, ..done })
}

/// Every target of the plan was read, and each reads as `expected`.
fn all_read<'a>(
    plan: &'a Plan,
    readings: &[Reading],
    expected: impl Fn(usize) -> Option<&'a Setting>,
) -> bool {
    readings.len() == plan.changes.len()
        && plan
            .changes
            .iter()
            .zip(readings)
            .enumerate()
            .all(|(at, (change, reading))| {
                reading.target == change.target && expected(at).is_none_or(|value| *value == reading.value)
            })
}

fn shows_all(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |at| {
        plan.changes.get(at).map(|change| &change.after)
    })
}

fn shows_before(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |at| {
        plan.changes.get(at).map(|change| &change.before)
    })
}

fn shows_none(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |_| None)
        && plan
            .changes
            .iter()
            .zip(readings)
            .all(|(change, reading)| change.after != reading.value)
}
