//! A record of any stream in one line, for lists and for stories of many records.

use super::Line;
use crate::inventory::{Condition, Reading};
use crate::proposal::{ProposalFact, Started};
use crate::trail::refusal::{self, RefusalFact};
use crate::trail::{
    BadBody, ControlFact, Extension, Fact, GuardFact, IncidentFact, Record, StreamId, TargetFact,
};

/// The record in one line, without who wrote it and when; or why it cannot be read.
pub fn brief(record: &Record) -> Result<Line, BadBody> {
    Ok(match &record.stream {
        StreamId::Proposal(id) => {
            let fact = ProposalFact::read(record)?;
            let said = of_proposal(&fact);
            let line = Line::new().ours(id.clone()).ours(" ").ours(fact.what());
            match said.is_empty() {
                true => line,
                false => line.ours(" ").then(said),
            }
        }
        StreamId::Incident(_) => match IncidentFact::read(record)? {
            IncidentFact::Opened { generation, .. } => Line::of("opened, generation ").ours(generation),
        },
        StreamId::Target(target) => match TargetFact::read(record)? {
            TargetFact::Claimed(claim) => Line::new()
                .theirs(target)
                .ours(" claimed for ")
                .ours(claim.proposal)
                .ours(" (")
                .ours(claim.fence)
                .ours(if claim.taking_back {
                    ") to take it back"
                } else {
                    ")"
                }),
            TargetFact::Released(release) => Line::new()
                .theirs(target)
                .ours(" released by ")
                .ours(release.proposal)
                .ours(" (")
                .ours(release.fence)
                .ours(")"),
        },
        StreamId::Control => {
            let fact = ControlFact::read(record)?;
            let line = Line::of("control ").ours(fact.kind());
            match (&fact, &fact.switches().paused) {
                (ControlFact::SetAside(switches), _) => match switches.set_aside.last() {
                    Some(aside) => line
                        .ours(" record ")
                        .ours(aside.seq)
                        .ours(" of ")
                        .theirs(&aside.stream)
                        .ours(": ")
                        .theirs(&aside.reason),
                    None => line,
                },
                (_, Some(pause)) => line.ours(" ").theirs(&pause.reason),
                (_, None) => line,
            }
        }
        StreamId::Guard => {
            let fact = GuardFact::read(record)?;
            let line = Line::of("guard ").ours(fact.kind());
            match (&fact, &fact.guard().paused) {
                (GuardFact::ForgedRecord(guard), _) => match guard.forged.last() {
                    Some(forged) => line
                        .ours(": record ")
                        .ours(forged.seq)
                        .ours(" of ")
                        .theirs(&forged.stream)
                        .ours(" ")
                        .theirs(&forged.problem)
                        .ours(if forged.taken_back { ", taken back" } else { "" }),
                    None => line,
                },
                (_, Some(pause)) => line.ours(" ").theirs(&pause.reason),
                (_, None) => line,
            }
        }
        StreamId::Limit { .. } if refusal::is_of_refusals(&record.stream) => match RefusalFact::read(record)?
        {
            RefusalFact::EventRefused(refusal) => {
                let source = refusal.source.as_deref().unwrap_or("somebody");
                Line::of("an event of ")
                    .theirs(source)
                    .ours(" not taken: ")
                    .theirs(refusal.field)
                    .ours(" ")
                    .theirs(refusal.problem)
            }
            RefusalFact::SourcesLeftOut { after } => Line::of("events of more than ")
                .ours(after)
                .ours(" sources not taken"),
            RefusalFact::NameUnknown(unknown) => Line::of("an event of ")
                .theirs(unknown.source.as_deref().unwrap_or("somebody"))
                .ours(" about nothing that is there: ")
                .theirs(unknown.problem),
            RefusalFact::NamesLeftOut { source, after } => Line::of("more than ")
                .ours(after)
                .ours(" events about nothing that is there, of ")
                .theirs(source.as_deref().unwrap_or("somebody")),
        },
        StreamId::Limit { name, .. } => Line::of("limit ").theirs(name),
    })
}

fn of_proposal(fact: &ProposalFact) -> Line {
    match fact {
        ProposalFact::Received(received) => Line::new().theirs(&received.event),
        ProposalFact::Declined(declined) => Line::of("(")
            .ours(declined.reason.name())
            .ours(") ")
            .theirs(&declined.explanation),
        ProposalFact::Proposed(proposed) => {
            let impact = proposed.preview.impact.iter();
            Line::new()
                .theirs(&proposed.action)
                .ours(" [")
                .joined(impact.map(|impact| Line::new().theirs(impact)), "; ")
                .ours("]")
        }
        ProposalFact::Scored(scored) => Line::new()
            .ours(scored.score)
            .ours(": ")
            .ours(scored.decision.name())
            .ours(", ")
            .theirs(&scored.because),
        ProposalFact::Approved(approved) => Line::of("until ")
            .at(approved.valid_until)
            .then(extended(approved.extension)),
        ProposalFact::Revoked(_) => Line::new(),
        ProposalFact::Voted(voted) => extended(voted.extension),
        ProposalFact::Rejected(rejected) => {
            let reason = rejected
                .reason
                .as_ref()
                .map(|reason| Line::of("because ").theirs(reason));
            reason.unwrap_or_default().then(extended(rejected.extension))
        }
        ProposalFact::Expired(expired) => Line::of("at ")
            .at(expired.deadline)
            .then(extended(expired.extension)),
        ProposalFact::Refused(refused) => Line::new().theirs(&refused.explanation),
        ProposalFact::Started(started) => begun(started),
        ProposalFact::Succeeded(succeeded) => {
            let receipt = succeeded.receipt.as_deref().unwrap_or_default();
            let read = read(&succeeded.readings);
            match receipt {
                "" => read,
                receipt => read.theirs(receipt),
            }
        }
        ProposalFact::Failed(failed) | ProposalFact::RestoreFailed(failed) => {
            Line::new().theirs(&failed.reason)
        }
        ProposalFact::Unknown(unclear) => Line::new().theirs(&unclear.cause),
        ProposalFact::Restored(restored) => read(&restored.readings),
        ProposalFact::Verified(verified) => match &verified.condition {
            Condition::Confirmed(observed) => Line::of("still: ").theirs(observed),
            Condition::Refuted(observed) => Line::of("over: ").theirs(observed),
            Condition::Unreadable(problem) => Line::of("unreadable: ").theirs(problem),
        },
        ProposalFact::Repeated(repeated) => Line::new().theirs(&repeated.event_id),
        ProposalFact::Amended(_)
        | ProposalFact::UndoRequested(_)
        | ProposalFact::UndoApproved(_)
        | ProposalFact::UndoRejected(_)
        | ProposalFact::Notified(_)
        | ProposalFact::Escalated(_)
        | ProposalFact::Acknowledged(_)
        | ProposalFact::Commented(_) => Line::new(),
    }
}

fn begun(started: &Started) -> Line {
    let changes = started.plan.changes.iter();
    let mut line = Line::new().joined(changes.map(|change| Line::new().theirs(change)), "; ");
    if started.plan.page.is_some() {
        line = line.ours("page");
    }
    if let Some(at) = started.restore_at {
        line = line.ours(", until ").at(at);
    }
    if !started.held.is_empty() {
        let held = started.held.iter().map(|held| {
            Line::new()
                .theirs(&held.target)
                .ours(" (")
                .ours(held.fence)
                .ours(")")
        });
        line = line.ours(", holds ").joined(held, ", ");
    }
    line.then(extended(started.extension))
}

fn read(readings: &[Reading]) -> Line {
    let reads = |reading: &Reading| {
        Line::new()
            .theirs(&reading.target)
            .ours(" reads ")
            .theirs(&reading.value)
    };
    Line::new().joined(readings.iter().map(reads), "; ")
}

fn extended(extension: Option<Extension>) -> Line {
    match extension {
        Some(extension) => Line::of(", ")
            .ours(extension.ms / 1000)
            .ours(" s longer for a pause"),
        None => Line::new(),
    }
}
