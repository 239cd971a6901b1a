//! A proposal as one card: what a message, a page and a command show of it, and what a person may ask for there.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Line, answer, story};
use crate::action::{Lowers, Undo};
use crate::permission::Operator;
use crate::proposal::{Call, Decision, Kind, Proposal, Proposed, Scored, State, UndoState};
use crate::trail::Control;
use crate::value::{Digest, Timestamp};

/// Fields of an event that did not come as they should, told one by one.
const TOP_COMPLAINTS: usize = 3;

/// Factors of a score that a card shows.
const TOP_FACTORS: usize = 5;

/// Operators that a card names.
const MOST_NAMES: usize = 8;

/// A proposal on one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// What is proposed, one sentence.
    pub title: Line,
    /// Where it stands, and who brought it there.
    pub standing: Line,
    /// What one needs to know to decide.
    pub sections: Vec<Section>,
    /// What a person may ask for now; none once it is decided.
    pub asks: Vec<Ask>,
}

/// A heading and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub heading: Cow<'static, str>,
    /// The lines below it.
    pub lines: Vec<Line>,
}

/// A request that a card offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What.
    pub what: What,
    /// The digest that the request names.
    pub seen: Digest,
}

/// What a card offers to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Yes to the proposal.
    Approve,
    /// No to it.
    Reject,
    /// Less of it, with the parameters that may be lowered.
    Narrow(Vec<Lowers>),
    /// The approval taken back.
    Revoke,
    /// The effect taken back.
    Undo,
    /// Yes to the undo that somebody asked for.
    ApproveUndo,
    /// No to it.
    RejectUndo,
    /// That the person has seen to what people were called for.
    Acknowledge,
}

impl Card {
    /// A proposal's card, with the operators whose yes would count; `None` where people are not told of it: before its
    /// score, and where it is only watched. Where people were called instead, it is that call.
    pub fn of(
        proposal: &Proposal,
        deciders: &[&Operator],
        control: &Control,
        now: Timestamp,
    ) -> Option<Self> {
        if let Some(call) = proposal.call() {
            return Some(Self::of_call(proposal, call, control, now));
        }
        let (proposed, scored) = (proposal.proposed()?, proposal.scored()?);
        // Whoever was asked before the policy came to watch it only sees that nobody is asked any more.
        if scored.decision == Decision::Shadow && proposal.messages().is_empty() {
            return None;
        }
        let mut sections = vec![
            happened(proposal, Some(proposed)),
            Section {
                heading: Cow::Borrowed("Proposed"),
                lines: story::chosen(proposed),
            },
            risk(scored),
            Section {
                heading: Cow::Borrowed("Change"),
                lines: story::changes(proposed),
            },
            Section {
                heading: Cow::Borrowed("Blast radius"),
                lines: story::affects(&proposed.evidence),
            },
            Section {
                heading: Cow::Borrowed("Undo"),
                lines: vec![story::undo(proposed.preview.undo)],
            },
        ];
        let asks = asks(proposal, proposed, control, now);
        if asks
            .iter()
            .any(|ask| matches!(ask.what, What::Approve | What::ApproveUndo))
        {
            sections.push(Section {
                heading: Cow::Borrowed("Who may approve"),
                lines: vec![who(deciders)],
            });
        }
        sections.retain(|section| !section.lines.is_empty());
        Some(Self {
            title: Line::new().theirs(&proposed.action),
            standing: standing(proposal, control, now),
            sections,
            asks,
        })
    }

    fn of_call(proposal: &Proposal, call: &Call, control: &Control, now: Timestamp) -> Self {
        let acknowledge = Ask {
            what: What::Acknowledge,
            seen: call.record,
        };
        Self {
            title: Line::of("People are needed: ").theirs(&proposal.received().event),
            standing: standing(proposal, control, now),
            sections: vec![happened(proposal, None)],
            asks: match &call.acknowledged {
                None if now <= call.until => vec![acknowledge],
                Some(_) | None => Vec::new(),
            },
        }
    }
}

fn standing(proposal: &Proposal, control: &Control, now: Timestamp) -> Line {
    let stands = answer::stands(proposal);
    match (proposal.state(), &control.switches.paused) {
        (State::AwaitingApproval(waiting), _) if waiting.deadline_now(control, now).has_passed(now) => {
            Line::of("The deadline passed at ")
                .at(waiting.deadline_now(control, now).at())
                .ours(".")
        }
        (State::AwaitingApproval(waiting), None)
            if waiting.deadline_now(control, now).extension.is_some() =>
        {
            stands
                .ours(" A pause moved that to ")
                .at(waiting.deadline_now(control, now).at())
                .ours(".")
        }
        (State::AwaitingApproval(_) | State::Approved(_), Some(pause)) => stands
            .ours(" The agent is paused (")
            .theirs(&pause.reason)
            .ours("): approvals are taken when it resumes, rejections now."),
        (_, _) => stands,
    }
}

fn happened(proposal: &Proposal, proposed: Option<&Proposed>) -> Section {
    let received = proposal.received();
    let event = &received.event;
    let team = event.team.as_ref().map(|team| Line::of(", team ").theirs(team));
    let source = received.source.as_ref();
    let source = source.map(|source| Line::new().theirs(source).ours(" for "));
    let mut lines = vec![
        Line::of(event.event_type().name())
            .ours(" (")
            .ours(event.severity.name())
            .ours("): ")
            .theirs(event),
        Line::of("reported by ")
            .then(source.unwrap_or_default())
            .theirs(&event.org)
            .then(team.unwrap_or_default())
            .ours(" at ")
            .at(received.occurred_at),
    ];
    lines.extend(proposed.map(|proposed| story::condition(&proposed.evidence.condition)));
    lines.extend(story::known_before(received));
    lines.extend(story::not_as_it_came(&received.complaints).take(TOP_COMPLAINTS));
    let more = received.complaints.len().saturating_sub(TOP_COMPLAINTS);
    if more > 0 {
        lines.push(Line::of("and ").count(more, "more field").ours(" not as it came"));
    }
    if proposal.repeats() > 0 {
        lines.push(
            Line::of("reported again ")
                .count(proposal.repeats(), "time")
                .ours(" since"),
        );
    }
    Section {
        heading: Cow::Borrowed("What happened"),
        lines,
    }
}

fn risk(scored: &Scored) -> Section {
    let relation = match scored.score > scored.threshold {
        true => ", above the threshold of ",
        false => ", not above the threshold of ",
    };
    let mut factors: Vec<_> = scored.factors.iter().collect();
    factors.sort_by_key(|factor| std::cmp::Reverse(factor.points.abs()));
    let top = factors.iter().take(TOP_FACTORS).map(|factor| {
        Line::new()
            .signed(factor.points)
            .ours(" ")
            .theirs(&factor.name)
            .ours(": ")
            .theirs(&factor.because)
    });
    let mut lines = vec![
        Line::new()
            .ours(scored.score)
            .ours(" of 100")
            .ours(relation)
            .ours(scored.threshold)
            .ours("; the action alone is ")
            .ours(scored.baseline),
    ];
    lines.extend(top);
    if factors.len() > TOP_FACTORS {
        lines.push(Line::of("and ").count(factors.len() - TOP_FACTORS, "smaller factor"));
    }
    lines.push(Line::of("why a person is asked or not: ").theirs(&scored.because));
    Section {
        heading: Cow::Borrowed("Risk"),
        lines,
    }
}

fn who(deciders: &[&Operator]) -> Line {
    if deciders.is_empty() {
        return Line::of("nobody in the operator directory: it will expire");
    }
    let names = deciders
        .iter()
        .take(MOST_NAMES)
        .map(|one| Line::new().theirs(&one.name));
    let line = Line::new().joined(names, ", ");
    match deciders.len().saturating_sub(MOST_NAMES) {
        0 => line,
        more => line.ours(" and ").ours(more).ours(" more"),
    }
}

fn asks(proposal: &Proposal, proposed: &Proposed, control: &Control, now: Timestamp) -> Vec<Ask> {
    let Some(scored) = proposal.scored_record() else {
        return Vec::new();
    };
    let ask = |what| Ask { what, seen: *scored };
    match proposal.state() {
        State::AwaitingApproval(waiting) if !waiting.deadline_now(control, now).has_passed(now) => {
            let lowers = proposed.action.operation().lowers();
            let narrow = (!lowers.is_empty()).then(|| ask(What::Narrow(lowers)));
            [ask(What::Approve), ask(What::Reject)]
                .into_iter()
                .chain(narrow)
                .collect()
        }
        State::Approved(_) => vec![ask(What::Revoke)],
        State::Succeeded(done) => match &done.undo {
            UndoState::None if proposed.preview.undo == Undo::OneShot => Vec::new(),
            UndoState::None => vec![ask(What::Undo)],
            UndoState::Requested { record, .. } => vec![
                Ask {
                    what: What::ApproveUndo,
                    seen: *record,
                },
                Ask {
                    what: What::RejectUndo,
                    seen: *record,
                },
            ],
            UndoState::Approved { .. } => Vec::new(),
        },
        State::AwaitingApproval(_)
        | State::Reasoning(_)
        | State::Proposed
        | State::Executing(_)
        | State::Unknown(_)
        | State::Closed(_) => Vec::new(),
    }
}

/// Whether a card's thread tells of a record of this kind: what came of it, and what was reported again.
pub fn is_told_in_the_thread(kind: Kind) -> bool {
    match kind {
        Kind::Amended
        | Kind::Revoked
        | Kind::Refused
        | Kind::Succeeded
        | Kind::Failed
        | Kind::Unknown
        | Kind::Restored
        | Kind::RestoreFailed
        | Kind::UndoRequested
        | Kind::UndoRejected
        | Kind::Verified
        | Kind::Repeated
        | Kind::Escalated
        | Kind::Acknowledged => true,
        Kind::Received
        | Kind::Declined
        | Kind::Proposed
        | Kind::Scored
        | Kind::Voted
        | Kind::Approved
        | Kind::Rejected
        | Kind::Expired
        | Kind::Started
        | Kind::UndoApproved
        | Kind::Notified
        | Kind::Commented => false,
    }
}

#[cfg(test)]
mod tests;
