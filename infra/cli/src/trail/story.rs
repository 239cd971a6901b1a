//! One record in a few readable lines: what a person needs to follow the story.

use domain::action::{Plan, Undo};
use domain::control::Extension;
use domain::digest::Digest;
use domain::inventory::Condition;
use domain::proposal::{
    Amended, Approved, Expired, Failed, Fallback, ProposalFact, Proposed, Proposer, Reasoning, Received,
    Rejected, Scored, Started, Succeeded, Verbatim, Voted,
};
use domain::record::{Fact, Record};
use domain::target::Reading;
use domain::time::Timestamp;

use crate::print::{actor, count, quote};

/// The record's heading, and its essentials below it.
pub(crate) fn lines(record: &Record) -> Vec<String> {
    let heading = format!(
        "{:>4}  {}  {}  {}, by {}",
        record.seq,
        record.at,
        short(&record.digest),
        record.kind,
        actor(&record.actor)
    );
    let essentials = match ProposalFact::read(record) {
        Ok(fact) => essentials(&fact),
        Err(bad) => vec![quote(&bad.problem)],
    };
    let indented = essentials.into_iter().map(|line| format!("      {line}"));
    std::iter::once(heading).chain(indented).collect()
}

/// The beginning of a digest: enough to find the record that another one names.
fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}

fn essentials(fact: &ProposalFact) -> Vec<String> {
    match fact {
        ProposalFact::Received(received) => of_received(received),
        ProposalFact::Declined(declined) => {
            let mut lines = vec![format!(
                "{}: {}",
                declined.reason.name(),
                quote(&declined.explanation)
            )];
            lines.extend(
                declined
                    .proposer
                    .as_ref()
                    .map(|by| format!("declined by {}", proposer(by))),
            );
            lines
        }
        ProposalFact::Proposed(proposed) => of_proposed(proposed),
        ProposalFact::Scored(scored) => of_scored(scored),
        ProposalFact::Amended(amended) => of_amended(amended),
        ProposalFact::Voted(Voted {
            scored, extension, ..
        }) => {
            vec![format!(
                "approves {}, one of several needed{}",
                short(scored),
                moved(*extension)
            )]
        }
        ProposalFact::Approved(approved) => of_approved(approved),
        ProposalFact::Rejected(Rejected {
            scored, extension, ..
        }) => {
            vec![format!("rejects {}{}", short(scored), moved(*extension))]
        }
        ProposalFact::Expired(Expired { deadline, extension }) => {
            vec![format!("the deadline {deadline} passed{}", moved(*extension))]
        }
        ProposalFact::Refused(refused) => vec![quote(&refused.explanation)],
        ProposalFact::Started(started) => of_started(started),
        ProposalFact::Succeeded(succeeded) => of_succeeded(succeeded),
        ProposalFact::Failed(failed) | ProposalFact::RestoreFailed(failed) => of_failed(failed),
        ProposalFact::Unknown(unclear) => vec![quote(&unclear.cause)],
        ProposalFact::Restored(restored) => of_readings(&restored.readings),
        ProposalFact::UndoRequested(request) => vec![format!("asks for an undo: {}", quote(&request.reason))],
        ProposalFact::UndoApproved(decided) => {
            vec![format!("agrees to the undo {}", short(&decided.requested))]
        }
        ProposalFact::UndoRejected(decided) => {
            vec![format!("rejects the undo {}", short(&decided.requested))]
        }
        ProposalFact::Verified(verified) => vec![asked_again(&verified.condition)],
        ProposalFact::Repeated(repeated) => {
            vec![format!(
                "reported again by event {}, of {}",
                repeated.event_id, repeated.occurred_at
            )]
        }
        ProposalFact::Notified(notified) => {
            let reference = notified.reference.as_deref().map(quote);
            let reference = reference.map_or(String::new(), |reference| format!(", as {reference}"));
            vec![format!("told in {}{reference}", quote(&notified.channel))]
        }
        ProposalFact::Escalated(escalated) => vec![format!("asked {}", quote(&escalated.to))],
        ProposalFact::Commented(commented) => vec![quote(&commented.text)],
    }
}

fn of_received(received: &Received) -> Vec<String> {
    let event = &received.event;
    let team = event
        .team
        .as_ref()
        .map_or(String::new(), |team| format!(", team {team}"));
    let (size, kept) = match &received.verbatim {
        Verbatim::Inline(text) => (text.len() as u64, "in this record".to_owned()),
        Verbatim::Stored { sha256, bytes } => (*bytes, format!("in the payload bucket, {sha256}")),
    };
    let mut lines = vec![
        format!(
            "{} ({}): {event}",
            event.event_type().name(),
            event.severity.name()
        ),
        format!(
            "event {} of {}{team}, of {}; {size} bytes, kept verbatim {kept}",
            event.event_id, event.org, received.occurred_at
        ),
        format!("its writer reasons about it until {}", received.lease_until),
    ];
    if let Some(by) = &received.requested_by {
        lines.push(format!("triggered by {by}, who has no vote"));
    }
    lines
}

fn proposer(proposer: &Proposer) -> String {
    match proposer {
        Proposer::Runbook {
            version,
            instead_of: None,
        } => format!("the built-in runbook, version {version}"),
        Proposer::Runbook {
            version,
            instead_of: Some(Fallback { because, reasoning }),
        } => {
            let work = reasoning
                .as_ref()
                .map(|work| format!(" (after {})", reasoned(work)));
            let because = quote(because);
            format!(
                "the built-in runbook, version {version}, because {because}{}",
                work.unwrap_or_default()
            )
        }
        Proposer::Model(work) => reasoned(work),
    }
}

/// A model's work, with where its transcript is.
fn reasoned(work: &Reasoning) -> String {
    format!(
        "{} in {}, {} requests, {} + {} tokens, {} USD, {} ms; prompt {} ({}), transcript {}",
        quote(&work.model),
        count(usize::try_from(work.turns).unwrap_or(usize::MAX), "turn"),
        work.requests,
        work.input_tokens,
        work.output_tokens,
        work.cost,
        work.took_ms,
        work.prompt_version,
        short(&work.prompt),
        work.transcript
    )
}

fn of_proposed(proposed: &Proposed) -> Vec<String> {
    let mut lines = vec![
        format!("{}: {}", proposed.action.kind(), proposed.action),
        format!(
            "chosen by {}: {}",
            proposer(&proposed.proposer),
            quote(&proposed.rationale)
        ),
    ];
    lines.extend(of_plan(&proposed.preview.plan));
    lines.extend(proposed.preview.impact.iter().map(|impact| quote(impact)));
    lines.push(undo(proposed.preview.undo));
    lines.push(condition(&proposed.evidence.condition));
    let evidence = &proposed.evidence;
    if evidence.read_at.is_some() {
        let teams: Vec<&str> = evidence.teams.iter().map(|team| team.as_str()).collect();
        let named = match teams.len() {
            0 => String::new(),
            _ => format!(" ({})", teams.join(", ")),
        };
        let critical = match evidence.critical_team {
            true => ", one of them critical",
            false => "",
        };
        let affected = usize::try_from(evidence.teams_affected).unwrap_or(usize::MAX);
        lines.push(format!(
            "affects {}{named}{critical}, {} of the traffic",
            count(affected, "team"),
            evidence.traffic_share
        ));
    }
    lines
}

fn of_plan(plan: &Plan) -> Vec<String> {
    let changes = plan.changes.iter().map(ToString::to_string);
    let page = plan
        .page
        .iter()
        .map(|page| format!("pages, {}: {}", page.severity.name(), quote(&page.summary)));
    changes.chain(page).collect()
}

fn undo(undo: Undo) -> String {
    match undo {
        Undo::Restore { after_s } => format!("ends by itself after {after_s} s"),
        Undo::OnDemand => "can be undone on demand".to_owned(),
        Undo::OneShot => "cannot be undone".to_owned(),
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Confirmed(what) => format!("the gateway confirms it: {}", quote(what)),
        Condition::Refuted(what) => format!("the gateway shows otherwise: {}", quote(what)),
        Condition::Unreadable(why) => format!("the gateway could not be asked: {}", quote(why)),
    }
}

/// The metric that fired, some time after the effect.
fn asked_again(condition: &Condition) -> String {
    match condition {
        Condition::Confirmed(what) => format!("the trouble is still there: {}", quote(what)),
        Condition::Refuted(what) => format!("the trouble is over: {}", quote(what)),
        Condition::Unreadable(why) => format!("the gateway could not be asked: {}", quote(why)),
    }
}

fn of_scored(scored: &Scored) -> Vec<String> {
    let mut lines = vec![format!(
        "score {} = baseline {}{}, at least {}; threshold {}, automatic approval {}",
        scored.score,
        scored.baseline,
        scored
            .factors
            .iter()
            .map(|factor| format!(" {:+} {}", factor.points, quote(&factor.name)))
            .collect::<String>(),
        scored.floor,
        scored.threshold,
        if scored.auto_approve { "on" } else { "off" },
    )];
    lines.extend(
        scored
            .factors
            .iter()
            .map(|factor| format!("{}: {}", quote(&factor.name), quote(&factor.because))),
    );
    lines.push(format!("{}: {}", scored.decision.name(), quote(&scored.because)));
    let by = |until: &Timestamp| {
        let needed = count(usize::from(scored.approvals_needed), "approval");
        format!("needs {needed} by {until}")
    };
    lines.extend(scored.deadline.as_ref().map(by));
    lines.extend(scored.valid_until.map(|until| format!("may start until {until}")));
    lines.push(format!("policy {}", short(&scored.policy)));
    lines
}

fn of_amended(amended: &Amended) -> Vec<String> {
    let mut lines = vec![format!(
        "narrowed to {}: {}{}",
        amended.action.kind(),
        amended.action,
        moved(amended.extension)
    )];
    lines.extend(of_plan(&amended.preview.plan));
    lines
}

fn of_approved(approved: &Approved) -> Vec<String> {
    vec![
        format!(
            "approves {}{}",
            short(&approved.scored),
            moved(approved.extension)
        ),
        format!("may start until {}", approved.valid_until),
    ]
}

fn of_started(started: &Started) -> Vec<String> {
    let mut lines = of_plan(&started.plan);
    let held = started
        .held
        .iter()
        .map(|held| format!("{} (fence {})", held.target, held.fence));
    let held: Vec<String> = held.collect();
    if !held.is_empty() {
        lines.push(format!("holds {}", held.join(", ")));
    }
    lines.push(format!(
        "its writer acts until {}{}",
        started.lease_until,
        moved(started.extension)
    ));
    lines.extend(started.restore_at.map(|at| format!("ends by itself at {at}")));
    lines
}

fn of_succeeded(succeeded: &Succeeded) -> Vec<String> {
    let mut lines = of_readings(&succeeded.readings);
    lines.extend(
        succeeded
            .receipt
            .iter()
            .map(|receipt| format!("receipt {}", quote(receipt))),
    );
    lines
}

fn of_failed(failed: &Failed) -> Vec<String> {
    let mut lines = vec![quote(&failed.reason)];
    lines.extend(of_readings(&failed.readings));
    lines
}

fn of_readings(readings: &[Reading]) -> Vec<String> {
    readings
        .iter()
        .map(|reading| format!("{} reads {}", reading.target, reading.value))
        .collect()
}

fn moved(extension: Option<Extension>) -> String {
    extension.map_or(String::new(), |Extension { control_seq, ms }| {
        format!(" (a pause moved the deadline by {ms} ms: control, record {control_seq})")
    })
}
