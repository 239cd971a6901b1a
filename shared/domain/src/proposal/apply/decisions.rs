//! What a score, a person's decision and a passed deadline must satisfy.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named refuses the record: the safe default"
)]

use super::{NOT_NOW, Problem, operator, require};
use crate::proposal::{
    Amended, Approval, Approved, Awaiting, Decision, Done, Expired, Outcome, Proposal, Revoked, Scored,
    State, UndoDecided, UndoState, Voted,
};
use crate::trail::{Actor, Deadline, Extension, Record};
use crate::value::{Digest, OperatorId};

impl Proposal {
    pub(super) fn scored_as(&mut self, record: &Record, scored: Scored) -> Result<State, Problem> {
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
                require(
                    scored.not_before.is_none_or(|at| at < valid_until),
                    "may start only after its end",
                )?;
                State::Approved(Approval {
                    valid_until,
                    not_before: scored.not_before,
                    // Nobody voted: who revokes what the policy approved leaves it to people, for the same time.
                    waiting: Awaiting {
                        scored: record.digest,
                        deadline: valid_until,
                        paused_before_ms: scored.paused_before_ms,
                        needed: scored.approvals_needed,
                        votes: Vec::new(),
                    },
                })
            }
            (Decision::Shadow, None, None) => State::Closed(Outcome::Shadow),
            (Decision::Gate | Decision::Auto | Decision::Shadow, _, _) => {
                return Err("has a deadline that its decision does not go with");
            }
        };
        self.scored = Some(scored);
        self.scored_record = Some(record.digest);
        self.scored_at = Some(record.at);
        Ok(next)
    }

    pub(super) fn amended(
        &mut self,
        record: &Record,
        waiting: &Awaiting,
        amended: Amended,
    ) -> Result<State, Problem> {
        in_time(record, waiting, amended.extension)?;
        names_scored(waiting, amended.scored)?;
        let editor = operator(record)?;
        let proposed = self.proposed.as_mut().ok_or(NOT_NOW)?;
        require(
            amended.action.narrows(&proposed.action),
            "widens the action: only less effect is allowed",
        )?;
        let narrower = amended.action.preview_within(&proposed.preview);
        require(
            narrower.is_ok_and(|narrower| narrower == amended.preview),
            "previews something else than the narrower action",
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

    pub(super) fn voted(
        &self,
        record: &Record,
        mut waiting: Awaiting,
        voted: &Voted,
    ) -> Result<State, Problem> {
        let voter = self.voter(record, &waiting, voted.extension, voted.scored)?;
        // Rules may ask for more people than the quorum: then a vote that completes it is a vote still.
        waiting.votes.push(voter);
        Ok(State::AwaitingApproval(waiting))
    }

    pub(super) fn approved_as(
        &self,
        record: &Record,
        mut waiting: Awaiting,
        approved: &Approved,
    ) -> Result<State, Problem> {
        let voter = self.voter(record, &waiting, approved.extension, approved.scored)?;
        require(waiting.is_completed_by_one_more(), "is short of the quorum")?;
        require(
            approved.not_before.is_none_or(|at| at < approved.valid_until),
            "may start only after its end",
        )?;
        waiting.votes.push(voter);
        Ok(State::Approved(Approval {
            valid_until: approved.valid_until,
            not_before: approved.not_before,
            waiting,
        }))
    }
}

pub(super) fn revoked(record: &Record, state: State, revoked: &Revoked) -> Result<State, Problem> {
    let revoker = operator(record)?;
    let waiting = match state {
        State::Approved(approval) => approval.waiting,
        State::AwaitingApproval(waiting) => {
            require(
                waiting.votes.contains(&revoker),
                "takes back a vote that was not given",
            )?;
            waiting
        }
        _ => return Err(NOT_NOW),
    };
    names_scored(&waiting, revoked.scored)?;
    Ok(State::AwaitingApproval(waiting.without(&revoker)))
}

pub(super) fn awaiting(state: State) -> Result<Awaiting, Problem> {
    match state {
        State::AwaitingApproval(waiting) => Ok(waiting),
        _ => Err(NOT_NOW),
    }
}

pub(super) fn in_time(
    record: &Record,
    waiting: &Awaiting,
    extension: Option<Extension>,
) -> Result<(), Problem> {
    let deadline = Deadline {
        set: waiting.deadline,
        extension,
    };
    require(!deadline.has_passed(record.at), "comes after the deadline")
}

pub(super) fn names_scored(waiting: &Awaiting, scored: Digest) -> Result<(), Problem> {
    require(
        waiting.scored == scored,
        "decides on something else than was scored",
    )
}

pub(super) fn expire(record: &Record, state: &State, expired: Expired) -> Result<State, Problem> {
    let (set, next) = match state {
        State::AwaitingApproval(waiting) => (waiting.deadline, State::Closed(Outcome::Expired)),
        State::Approved(approval) => (approval.valid_until, State::Proposed),
        _ => return Err(NOT_NOW),
    };
    require(expired.deadline == set, "names another deadline")?;
    let deadline = Deadline {
        set,
        extension: expired.extension,
    };
    require(deadline.has_passed(record.at), "comes before the deadline")?;
    Ok(next)
}

pub(super) fn decide_undo(
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
