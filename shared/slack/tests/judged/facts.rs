//! A record of every kind, with words of somebody's in each place that can hold any.

use domain::action::{Action, RaiseRateLimit};
use domain::inventory::Condition;
use domain::proposal::{
    Acknowledged, Amended, Commented, Decider, DeclineReason, Declined, Escalated, Expired, Failed, Notified,
    Precondition, ProposalFact, Refused, Rejected, Repeated, Revoked, Unclear, UndoDecided, UndoRequested,
    Verified, Voted,
};
use domain::trail::{Actor, Entry, Record};
use domain::value::{Digest, EventId, OperatorId, TeamId, WriterId};
use testkit::story::{Story, breaks, inventory, second};

/// Records after those of a proposal that waits: what they say is `words`, and somebody of that name said it.
pub(crate) fn records(words: &str) -> Vec<Record> {
    let story = Story::awaiting(breaks());
    let digest = Digest::of(b"of the test");
    let actor = Actor::Operator {
        id: OperatorId::new("alice").unwrap(),
        name: words.to_owned(),
        channel: words.to_owned(),
    };
    let writer = WriterId::new("w1").unwrap();
    let record = |fact| Entry::after(story.last(), second(60), actor.clone(), &fact).seal(writer.clone());
    let mut all: Vec<Record> = facts(words, digest).into_iter().map(record).collect();
    // One of a version that writes other records.
    let newer = Record {
        kind: words.to_owned(),
        body: words.to_owned(),
        ..story.last().clone()
    };
    all.push(newer);
    all
}

fn facts(words: &str, digest: Digest) -> Vec<ProposalFact> {
    let text = || words.to_owned();
    let undo = || UndoDecided {
        requested: digest,
        reason: Some(text()),
        policy: None,
        decider: None,
    };
    let failed = || Failed {
        reason: text(),
        readings: Vec::new(),
    };
    let verified = |condition| ProposalFact::Verified(Verified { condition });
    vec![
        amended(digest),
        ProposalFact::Declined(Declined {
            reason: DeclineReason::NothingToDo,
            explanation: text(),
            proposer: None,
            borne_out: None,
        }),
        ProposalFact::Voted(Voted {
            scored: digest,
            policy: digest,
            extension: None,
            decider: None,
        }),
        ProposalFact::Revoked(Revoked {
            scored: digest,
            policy: digest,
            decider: None,
        }),
        ProposalFact::Rejected(Rejected {
            scored: digest,
            policy: digest,
            reason: Some(text()),
            extension: None,
            decider: None,
        }),
        ProposalFact::Expired(Expired {
            closes: false,
            deadline: second(1800),
            extension: None,
        }),
        ProposalFact::Refused(Refused {
            precondition: Precondition::NoDrift,
            explanation: text(),
        }),
        ProposalFact::Failed(failed()),
        ProposalFact::RestoreFailed(failed()),
        ProposalFact::Unknown(Unclear { cause: text() }),
        ProposalFact::UndoRequested(UndoRequested {
            reason: text(),
            policy: None,
            decider: None,
        }),
        ProposalFact::UndoApproved(undo()),
        ProposalFact::UndoRejected(undo()),
        verified(Condition::Confirmed(text())),
        verified(Condition::Refuted(text())),
        verified(Condition::Unreadable(text())),
        ProposalFact::Repeated(Repeated {
            event_id: EventId::new("<!channel>").unwrap(),
            occurred_at: second(60),
            content: None,
            source: None,
            complaints: Vec::new(),
            worse: None,
        }),
        ProposalFact::Escalated(Escalated { to: text() }),
        ProposalFact::Acknowledged(Acknowledged {
            reason: text(),
            decider: Decider {
                groups: vec![text()],
                directory: Digest::of(b"directory"),
            },
        }),
        ProposalFact::Commented(Commented { text: text() }),
        ProposalFact::Notified(Notified {
            channel: text(),
            reference: Some(text()),
            to: Some(text()),
            until: None,
            shows: None,
            problem: Some(text()),
        }),
    ]
}

fn amended(scored: Digest) -> ProposalFact {
    let action = Action::RaiseRateLimit(RaiseRateLimit {
        team: TeamId::new("payments").unwrap(),
        rpm_percent: Some(5),
        tpm_percent: None,
    });
    let preview = action.preview(&inventory()).unwrap();
    ProposalFact::Amended(Box::new(Amended {
        scored,
        action,
        preview,
        policy: None,
        extension: None,
        decider: None,
    }))
}
