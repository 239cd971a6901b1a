//! For a proposal in any state, facts of any kind that fit it as well as they can.

use crate::action::Action;
use crate::inventory::Condition;
use crate::proposal::{
    Amended, Commented, Decision, DeclineReason, Declined, Escalated, Expired, Failed, Kind, Notified,
    Precondition, Proposal, ProposalFact, Received, Refused, Rejected, Repeated, Restored, Revoked, State,
    Unclear, Verbatim, Verified, Voted,
};
use crate::samples::*;
use crate::trail::generation::Course;
use crate::value::{Digest, EventId, Timestamp};

/// Facts of a kind for a proposal at an instant: at least one of them is legal wherever the kind is.
pub(super) fn facts(proposal: &Proposal, kind: Kind, when: Timestamp) -> Vec<ProposalFact> {
    let scored_record = scored_digest(proposal);
    let policy = Digest::of(b"policy");
    let text = || "because of the test".to_owned();
    match kind {
        Kind::Received => vec![received(proposal, when)],
        Kind::Declined => vec![ProposalFact::Declined(Declined {
            reason: DeclineReason::NothingToDo,
            explanation: text(),
            proposer: None,
            borne_out: None,
        })],
        Kind::Proposed => [breaks(300), reroutes(), pages()].map(proposes).to_vec(),
        Kind::Scored => scores(when),
        Kind::Amended => vec![ProposalFact::Amended(Box::new(amendment(
            proposal,
            narrower(proposal),
        )))],
        Kind::Voted => vec![ProposalFact::Voted(Voted {
            scored: scored_record,
            policy,
            extension: None,
            decider: None,
        })],
        Kind::Approved => vec![approves(proposal)],
        Kind::Revoked => vec![ProposalFact::Revoked(Revoked {
            scored: proposal.scored_record().copied().unwrap_or(scored_record),
            policy,
            decider: None,
        })],
        Kind::Rejected => vec![ProposalFact::Rejected(Rejected {
            scored: scored_record,
            policy,
            reason: None,
            extension: None,
            decider: None,
        })],
        Kind::Expired => vec![ProposalFact::Expired(Expired {
            closes: false,
            deadline: deadline(proposal).unwrap_or(when),
            extension: None,
        })],
        Kind::Refused => vec![ProposalFact::Refused(Refused {
            precondition: Precondition::NoDrift,
            explanation: text(),
        })],
        Kind::Started => vec![ProposalFact::Started(starts(proposal, when))],
        Kind::Succeeded => vec![succeeds(proposal)],
        Kind::Failed => vec![ProposalFact::Failed(failure(proposal))],
        Kind::Unknown => vec![ProposalFact::Unknown(Unclear { cause: text() })],
        Kind::Restored => vec![ProposalFact::Restored(Restored {
            readings: readings(proposal, |change| &change.before),
        })],
        Kind::RestoreFailed => vec![ProposalFact::RestoreFailed(failure(proposal))],
        Kind::UndoRequested => vec![asks_undo()],
        Kind::UndoApproved => vec![ProposalFact::UndoApproved(answers_undo(proposal))],
        Kind::UndoRejected => vec![ProposalFact::UndoRejected(answers_undo(proposal))],
        Kind::Verified => vec![ProposalFact::Verified(Verified {
            condition: Condition::Refuted(text()),
        })],
        Kind::Repeated => vec![ProposalFact::Repeated(Repeated {
            event_id: id("e-2"),
            occurred_at: when,
            content: None,
            source: None,
            complaints: Vec::new(),
            worse: None,
        })],
        Kind::Notified => vec![ProposalFact::Notified(Notified {
            channel: "slack".to_owned(),
            reference: None,
            to: None,
            until: None,
            shows: None,
            problem: None,
        })],
        Kind::Escalated => vec![ProposalFact::Escalated(Escalated {
            to: "on-call".to_owned(),
        })],
        Kind::Acknowledged => vec![acknowledges()],
        Kind::Commented => vec![ProposalFact::Commented(Commented { text: text() })],
    }
}

fn received(proposal: &Proposal, when: Timestamp) -> ProposalFact {
    let mut event = proposal.received().event.clone();
    event.event_id = EventId::new(&format!("e-{}", when.as_millis())).unwrap();
    ProposalFact::Received(Received {
        event,
        verbatim: Verbatim::Inline("{}".to_owned()),
        occurred_at: when,
        lease_until: when.plus_seconds(60),
        requested_by: None,
        course: Course::default(),
        source: None,
        complaints: Vec::new(),
    })
}

fn scores(when: Timestamp) -> Vec<ProposalFact> {
    let decided = |decision, needed| {
        let mut scored = scored(15, decision, needed);
        scored.deadline = scored.deadline.map(|_| when.plus_seconds(1800));
        scored.valid_until = scored.valid_until.map(|_| when.plus_seconds(900));
        ProposalFact::Scored(scored)
    };
    vec![
        decided(Decision::Gate, 1),
        decided(Decision::Gate, 2),
        decided(Decision::Auto, 1),
        decided(Decision::Shadow, 1),
    ]
}

fn failure(proposal: &Proposal) -> Failed {
    Failed {
        reason: "because of the test".to_owned(),
        readings: readings(proposal, |change| &change.before),
    }
}

/// An amendment of the proposal to another action.
pub(super) fn amendment(proposal: &Proposal, action: Action) -> Amended {
    Amended {
        scored: scored_digest(proposal),
        preview: action.preview(&inventory()).unwrap(),
        action,
        policy: None,
        extension: None,
        decider: None,
    }
}

/// The proposal's action with less effect, where that can be.
fn narrower(proposal: &Proposal) -> Action {
    match proposal.proposed().map(|proposed| &proposed.action) {
        Some(Action::CircuitBreakProvider(action)) => breaks(action.duration_s - 1),
        Some(action) => action.clone(),
        None => breaks(30),
    }
}

/// The deadline that the proposal waits for.
pub(super) fn deadline(proposal: &Proposal) -> Option<Timestamp> {
    if let State::AwaitingApproval(waiting) = proposal.state() {
        Some(waiting.deadline)
    } else if let State::Approved(approval) = proposal.state() {
        Some(approval.valid_until)
    } else {
        None
    }
}
