//! The trail as a story: a changed behaviour is a changed line.

use std::fmt::Write as _;

use domain::control::{ControlFact, Extension};
use domain::incident::IncidentFact;
use domain::inventory::Condition;
use domain::proposal::{ProposalFact, Started};
use domain::record::{Actor, Fact, Record};
use domain::stream::StreamId;
use domain::target::{Reading, TargetFact};
use domain::time::Timestamp;
use testkit::sample;

use super::World;

impl World {
    /// The whole trail, one line for each record in the order of writing. The first proposal is `1`, the
    /// next `2`, …; times are seconds since the world began.
    pub async fn story(&self) -> String {
        let records = self.records().await;
        let mut names: Vec<String> = Vec::new();
        for record in &records {
            if let StreamId::Proposal(id) = &record.stream
                && !names.contains(&id.to_string())
            {
                names.push(id.to_string());
            }
        }
        let mut story = String::new();
        for record in &records {
            let who = match &record.actor {
                Actor::Agent => "agent".to_owned(),
                Actor::System => "system".to_owned(),
                Actor::Operator { id, .. } => id.to_string(),
            };
            writeln!(story, "{:<6}{who:6} {}", since(record.at), line(record)).unwrap();
        }
        for (at, name) in names.iter().enumerate() {
            story = story.replace(name, &format!("#{}", at + 1));
        }
        story
    }
}

fn since(at: Timestamp) -> String {
    let began = sample::now().plus_seconds(90);
    let ms = at.millis_since(began);
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        rest => format!("{}.{rest:03}s", ms / 1000),
    }
}

fn line(record: &Record) -> String {
    let what = match &record.stream {
        StreamId::Proposal(id) => return format!("{id} {}", proposal(&ProposalFact::read(record).unwrap())),
        StreamId::Incident(_) => match IncidentFact::read(record).unwrap() {
            IncidentFact::Opened { generation, .. } => format!("opened, generation {generation}"),
        },
        StreamId::Target(target) => match TargetFact::read(record).unwrap() {
            TargetFact::Claimed(claim) => {
                let why = if claim.taking_back { " to take it back" } else { "" };
                format!("{target} claimed for {} ({}){why}", claim.proposal, claim.fence)
            }
            TargetFact::Released(release) => {
                format!("{target} released by {} ({})", release.proposal, release.fence)
            }
        },
        StreamId::Control => {
            let fact = ControlFact::read(record).unwrap();
            let paused = &fact.switches().paused;
            let why = paused.as_ref().map_or("", |pause| &pause.reason);
            format!("control {} {why}", fact.kind())
        }
        StreamId::Limit { name, .. } => format!("limit {name}"),
    };
    what.trim_end().to_owned()
}

fn proposal(fact: &ProposalFact) -> String {
    let kind = fact.kind();
    let said = match fact {
        ProposalFact::Received(received) => received.event.to_string(),
        ProposalFact::Declined(declined) => format!("({}) {}", declined.reason.name(), declined.explanation),
        ProposalFact::Proposed(proposed) => {
            format!("{} [{}]", proposed.action, proposed.preview.impact.join("; "))
        }
        ProposalFact::Scored(scored) => {
            format!("{}: {}, {}", scored.score, scored.decision.name(), scored.because)
        }
        ProposalFact::Approved(approved) => {
            format!(
                "until {}{}",
                since(approved.valid_until),
                extended(approved.extension)
            )
        }
        ProposalFact::Voted(voted) => extended(voted.extension),
        ProposalFact::Rejected(rejected) => extended(rejected.extension),
        ProposalFact::Expired(expired) => {
            format!("at {}{}", since(expired.deadline), extended(expired.extension))
        }
        ProposalFact::Refused(refused) => refused.explanation.clone(),
        ProposalFact::Started(started) => begun(started),
        ProposalFact::Succeeded(succeeded) => {
            let receipt = succeeded.receipt.as_deref().unwrap_or_default();
            format!("{}{receipt}", read(&succeeded.readings))
        }
        ProposalFact::Failed(failed) | ProposalFact::RestoreFailed(failed) => failed.reason.clone(),
        ProposalFact::Unknown(unclear) => unclear.cause.clone(),
        ProposalFact::Restored(restored) => read(&restored.readings),
        ProposalFact::Verified(verified) => match &verified.condition {
            Condition::Confirmed(observed) => format!("still: {observed}"),
            Condition::Refuted(observed) => format!("over: {observed}"),
            Condition::Unreadable(problem) => format!("unreadable: {problem}"),
        },
        ProposalFact::Repeated(repeated) => repeated.event_id.to_string(),
        ProposalFact::Amended(_)
        | ProposalFact::UndoRequested(_)
        | ProposalFact::UndoApproved(_)
        | ProposalFact::UndoRejected(_)
        | ProposalFact::Notified(_)
        | ProposalFact::Escalated(_)
        | ProposalFact::Commented(_) => String::new(),
    };
    format!("{kind} {said}").trim_end().to_owned()
}

fn begun(started: &Started) -> String {
    let changes: Vec<String> = started.plan.changes.iter().map(ToString::to_string).collect();
    let held: Vec<String> = started
        .held
        .iter()
        .map(|held| format!("{} ({})", held.target, held.fence))
        .collect();
    let end = started
        .restore_at
        .map(|at| format!(", until {}", since(at)))
        .unwrap_or_default();
    let page = started.plan.page.as_ref().map_or("", |_| "page");
    let holds = if held.is_empty() {
        String::new()
    } else {
        format!(", holds {}", held.join(", "))
    };
    format!(
        "{}{page}{end}{holds}{}",
        changes.join("; "),
        extended(started.extension)
    )
}

fn read(readings: &[Reading]) -> String {
    let read: Vec<String> = readings
        .iter()
        .map(|reading| format!("{} reads {}", reading.target, reading.value))
        .collect();
    read.join("; ")
}

fn extended(extension: Option<Extension>) -> String {
    extension.map_or(String::new(), |extension| {
        format!(", {} s longer for a pause", extension.ms / 1000)
    })
}
