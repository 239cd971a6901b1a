//! For a proposal in any state, facts of any kind that fit it as well as they can.

use crate::action::Action;
use crate::digest::Digest;
use crate::inventory::Condition;
use crate::proposal::{
    Amended, Commented, Decision, DeclineReason, Declined, Escalated, Expired, Failed, Notified,
    Precondition, Proposal, ProposalFact, Received, Refused, Rejected, Repeated, Restored, State, Unclear,
    Verbatim, Verified, Voted,
};
use crate::samples::*;
use crate::time::Timestamp;

/// Facts of a kind for a proposal at an instant: at least one of them is legal wherever the kind is.
pub(super) fn facts(proposal: &Proposal, kind: &str, when: Timestamp) -> Vec<ProposalFact> {
    let scored_record = scored_digest(proposal);
    let policy = Digest::of(b"policy");
    let text = || "because of the test".to_owned();
    match kind {
        "received" => vec![received(proposal, when)],
        "declined" => vec![ProposalFact::Declined(Declined {
            reason: DeclineReason::NothingToDo,
            explanation: text(),
            proposer: None,
        })],
        "proposed" => [breaks(300), reroutes(), pages()].map(proposes).to_vec(),
        "scored" => scores(when),
        "amended" => vec![ProposalFact::Amended(Box::new(amendment(
            proposal,
            narrower(proposal),
        )))],
        "voted" => vec![ProposalFact::Voted(Voted {
            scored: scored_record,
            policy,
            extension: None,
        })],
        "approved" => vec![approves(proposal)],
        "rejected" => vec![ProposalFact::Rejected(Rejected {
            scored: scored_record,
            policy,
            extension: None,
        })],
        "expired" => vec![ProposalFact::Expired(Expired {
            deadline: deadline(proposal).unwrap_or(when),
            extension: None,
        })],
        "refused" => vec![ProposalFact::Refused(Refused {
            precondition: Precondition::NoDrift,
            explanation: text(),
        })],
        "started" => vec![ProposalFact::Started(starts(proposal, when))],
        "succeeded" => vec![succeeds(proposal)],
        "failed" => vec![ProposalFact::Failed(failure(proposal))],
        "unknown" => vec![ProposalFact::Unknown(Unclear { cause: text() })],
        "restored" => vec![ProposalFact::Restored(Restored {
            readings: readings(proposal, |change| &change.before),
        })],
        "restore_failed" => vec![ProposalFact::RestoreFailed(failure(proposal))],
        "undo_requested" => vec![asks_undo()],
        "undo_approved" => vec![ProposalFact::UndoApproved(answers_undo(proposal))],
        "undo_rejected" => vec![ProposalFact::UndoRejected(answers_undo(proposal))],
        "verified" => vec![ProposalFact::Verified(Verified {
            condition: Condition::Refuted(text()),
        })],
        "repeated" => vec![ProposalFact::Repeated(Repeated {
            event_id: id("e-2"),
            occurred_at: when,
        })],
        "notified" => vec![ProposalFact::Notified(Notified {
            channel: "slack".to_owned(),
            reference: None,
        })],
        "escalated" => vec![ProposalFact::Escalated(Escalated {
            to: "on-call".to_owned(),
        })],
        "commented" => vec![ProposalFact::Commented(Commented { text: text() })],
        other => panic!("{other} is no kind"),
    }
}

fn received(proposal: &Proposal, when: Timestamp) -> ProposalFact {
    ProposalFact::Received(Received {
        event: proposal.received().event.clone(),
        verbatim: Verbatim::Inline("{}".to_owned()),
        occurred_at: when,
        lease_until: when.plus_seconds(60),
        requested_by: None,
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
        extension: None,
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
