//! What a person needs of a proposal's record to follow its story.

use super::Line;
use super::received::{not_as_it_came, of_received};
use crate::action::{Plan, Undo};
use crate::inventory::{Condition, Reading};
use crate::proposal::{
    Amended, Approved, Declined, Evidence, Expired, Failed, Fallback, Notified, ProposalFact, Proposed,
    Proposer, Reasoning, Rejected, Scored, Started, Succeeded, Voted,
};
use crate::trail::Extension;
use crate::value::Timestamp;

/// A fact in a few lines.
pub(super) fn of(fact: &ProposalFact) -> Vec<Line> {
    match fact {
        ProposalFact::Received(received) => of_received(received),
        ProposalFact::Declined(declined) => of_declined(declined),
        ProposalFact::Proposed(proposed) => of_proposed(proposed),
        ProposalFact::Scored(scored) => of_scored(scored),
        ProposalFact::Amended(amended) => of_amended(amended),
        ProposalFact::Voted(Voted {
            scored, extension, ..
        }) => vec![
            Line::of("approves ")
                .short(scored)
                .ours(", one of several needed")
                .then(moved(*extension)),
        ],
        ProposalFact::Approved(approved) => of_approved(approved),
        ProposalFact::Revoked(revoked) => vec![
            Line::of("takes the approval of ")
                .short(&revoked.scored)
                .ours(" back"),
        ],
        ProposalFact::Rejected(Rejected {
            scored,
            extension,
            reason,
            ..
        }) => {
            let mut lines = vec![Line::of("rejects ").short(scored).then(moved(*extension))];
            lines.extend(reason.as_ref().map(|reason| Line::new().theirs(reason)));
            lines
        }
        ProposalFact::Expired(Expired {
            deadline,
            extension,
            closes,
        }) => vec![
            Line::of("the deadline ")
                .at(*deadline)
                .ours(" passed")
                .then(moved(*extension))
                .ours(if *closes {
                    ": it was approved and did not start, several times"
                } else {
                    ""
                }),
        ],
        ProposalFact::Refused(refused) => vec![Line::new().theirs(&refused.explanation)],
        ProposalFact::Started(started) => of_started(started),
        ProposalFact::Succeeded(succeeded) => of_succeeded(succeeded),
        ProposalFact::Failed(failed) | ProposalFact::RestoreFailed(failed) => of_failed(failed),
        ProposalFact::Unknown(unclear) => vec![Line::new().theirs(&unclear.cause)],
        ProposalFact::Restored(restored) => of_readings(&restored.readings),
        ProposalFact::UndoRequested(request) => {
            vec![Line::of("asks for an undo: ").theirs(&request.reason)]
        }
        ProposalFact::UndoApproved(decided) => {
            vec![Line::of("agrees to the undo ").short(&decided.requested)]
        }
        ProposalFact::UndoRejected(decided) => {
            let mut lines = vec![Line::of("rejects the undo ").short(&decided.requested)];
            lines.extend(decided.reason.as_ref().map(|reason| Line::new().theirs(reason)));
            lines
        }
        ProposalFact::Verified(verified) => vec![asked_again(&verified.condition)],
        ProposalFact::Repeated(repeated) => vec![
            Line::of("reported again by event ")
                .theirs(&repeated.event_id)
                .ours(", of ")
                .at(repeated.occurred_at),
        ]
        .into_iter()
        .chain(
            repeated
                .source
                .iter()
                .map(|source| Line::of("from ").theirs(source)),
        )
        .chain(not_as_it_came(&repeated.complaints))
        .chain(
            repeated
                .worse
                .iter()
                .map(|worse| Line::of("worse than before: ").theirs(&worse.told)),
        )
        .collect(),
        ProposalFact::Notified(notified) => {
            vec![of_notified(notified)]
        }
        ProposalFact::Escalated(escalated) => vec![Line::of("asked ").theirs(&escalated.to)],
        ProposalFact::Acknowledged(acknowledged) => {
            vec![Line::of("has seen to it: ").theirs(&acknowledged.reason)]
        }
        ProposalFact::Commented(commented) => vec![Line::new().theirs(&commented.text)],
    }
}

fn of_notified(notified: &Notified) -> Line {
    let to = notified.to.as_ref().map(|to| Line::of(" ").theirs(to));
    let place = Line::new().theirs(&notified.channel).then(to.unwrap_or_default());
    if let Some(problem) = &notified.problem {
        return Line::of("could not tell ").then(place).ours(": ").theirs(problem);
    }
    if let Some(until) = notified.until {
        return Line::of("about to tell ").then(place).ours(", until ").at(until);
    }
    let reference = notified
        .reference
        .as_ref()
        .map(|reference| Line::of(", as ").theirs(reference));
    let shows = notified.shows.map(|seq| Line::of(", up to record ").ours(seq));
    Line::of("told in ")
        .then(place)
        .then(reference.unwrap_or_default())
        .then(shows.unwrap_or_default())
}

fn of_declined(declined: &Declined) -> Vec<Line> {
    let mut lines = vec![
        Line::of(declined.reason.name())
            .ours(": ")
            .theirs(&declined.explanation),
    ];
    let by = declined.proposer.as_ref();
    lines.extend(by.map(|by| Line::of("declined by ").then(proposer(by))));
    lines
}

fn proposer(proposer: &Proposer) -> Line {
    match proposer {
        Proposer::Runbook { version, instead_of } => {
            let runbook = Line::of("the built-in runbook, version ").ours(*version);
            let Some(Fallback { because, reasoning }) = instead_of else {
                return runbook;
            };
            let runbook = runbook.ours(", because ").theirs(because);
            match reasoning {
                Some(work) => runbook.ours(" (after ").then(reasoned(work)).ours(")"),
                None => runbook,
            }
        }
        Proposer::Model(work) => reasoned(work),
    }
}

/// A model's work, with where its transcript is.
fn reasoned(work: &Reasoning) -> Line {
    Line::new()
        .theirs(&work.model)
        .ours(" in ")
        .count(usize::try_from(work.turns).unwrap_or(usize::MAX), "turn")
        .ours(", ")
        .ours(work.requests)
        .ours(" requests, ")
        .ours(work.input_tokens)
        .ours(" + ")
        .ours(work.output_tokens)
        .ours(" tokens, ")
        .ours(work.cost)
        .ours(" USD, ")
        .ours(work.took_ms)
        .ours(" ms; prompt ")
        .ours(work.prompt_version)
        .ours(" (")
        .short(&work.prompt)
        .ours("), transcript ")
        .ours(work.transcript)
}

fn of_proposed(proposed: &Proposed) -> Vec<Line> {
    let mut lines = chosen(proposed);
    lines.extend(changes(proposed));
    lines.push(undo(proposed.preview.undo));
    lines.push(condition(&proposed.evidence.condition));
    lines.extend(affects(&proposed.evidence));
    lines
}

/// The action, and who chose it for which reason.
pub(crate) fn chosen(proposed: &Proposed) -> Vec<Line> {
    vec![
        Line::new()
            .ours(proposed.action.kind())
            .ours(": ")
            .theirs(&proposed.action),
        Line::of("chosen by ")
            .then(proposer(&proposed.proposer))
            .ours(": ")
            .theirs(&proposed.rationale),
    ]
}

/// What it changes, from what to what, and what that means.
pub(crate) fn changes(proposed: &Proposed) -> Vec<Line> {
    let mut lines = of_plan(&proposed.preview.plan);
    let impact = proposed.preview.impact.iter();
    lines.extend(impact.map(|impact| Line::new().theirs(impact)));
    lines
}

/// Whom it concerns, where the gateway could be read, and which of the event's fields it does not bear out.
pub(crate) fn affects(evidence: &Evidence) -> Vec<Line> {
    if evidence.read_at.is_none() {
        return Vec::new();
    }
    let left_out = evidence.left_out.iter();
    let left_out = left_out.map(|why| Line::of("not borne out by the gateway: ").theirs(why));
    let teams = evidence.teams.iter().map(|team| Line::new().theirs(team));
    let named = match evidence.teams.len() {
        0 => Line::new(),
        _ => Line::of(" (").joined(teams, ", ").ours(")"),
    };
    let critical = match evidence.critical_team {
        true => ", one of them critical",
        false => "",
    };
    let affected = usize::try_from(evidence.teams_affected).unwrap_or(usize::MAX);
    let affects = Line::of("affects ")
        .count(affected, "team")
        .then(named)
        .ours(critical)
        .ours(", ")
        .ours(evidence.traffic_share)
        .ours(" of the traffic");
    std::iter::once(affects).chain(left_out).collect()
}

fn of_plan(plan: &Plan) -> Vec<Line> {
    let changes = plan.changes.iter().map(|change| Line::new().theirs(change));
    let page = plan.page.iter().map(|page| {
        Line::of("pages, ")
            .ours(page.severity.name())
            .ours(": ")
            .theirs(&page.summary)
    });
    changes.chain(page).collect()
}

/// How it is taken back.
pub(crate) fn undo(undo: Undo) -> Line {
    match undo {
        Undo::Restore { after_s } => Line::of("ends by itself after ").ours(after_s).ours(" s"),
        Undo::OnDemand => Line::of("can be undone on demand"),
        Undo::OneShot => Line::of("cannot be undone"),
    }
}

/// Whether the gateway confirms the event.
pub(crate) fn condition(condition: &Condition) -> Line {
    match condition {
        Condition::Confirmed(what) => Line::of("the gateway confirms it: ").theirs(what),
        Condition::Refuted(what) => Line::of("the gateway shows otherwise: ").theirs(what),
        Condition::Unreadable(why) => Line::of("the gateway could not be asked: ").theirs(why),
    }
}

/// The metric that fired, some time after the effect.
fn asked_again(condition: &Condition) -> Line {
    match condition {
        Condition::Confirmed(what) => Line::of("the trouble is still there: ").theirs(what),
        Condition::Refuted(what) => Line::of("the trouble is over: ").theirs(what),
        Condition::Unreadable(why) => Line::of("the gateway could not be asked: ").theirs(why),
    }
}

fn of_scored(scored: &Scored) -> Vec<Line> {
    let moved_by = scored
        .factors
        .iter()
        .map(|factor| Line::of(" ").signed(factor.points).ours(" ").theirs(&factor.name));
    let mut lines = vec![
        Line::of("score ")
            .ours(scored.score)
            .ours(" = baseline ")
            .ours(scored.baseline)
            .joined(moved_by, "")
            .ours(", at least ")
            .ours(scored.floor)
            .ours("; threshold ")
            .ours(scored.threshold)
            .ours(", automatic approval ")
            .ours(if scored.auto_approve { "on" } else { "off" }),
    ];
    lines.extend(scored.factors.iter().map(|factor| {
        Line::new()
            .theirs(&factor.name)
            .ours(": ")
            .theirs(&factor.because)
    }));
    lines.push(
        Line::of(scored.decision.name())
            .ours(": ")
            .theirs(&scored.because),
    );
    lines.extend(scored.deadline.map(|until| {
        Line::of("needs ")
            .count(usize::from(scored.approvals_needed), "approval")
            .ours(" by ")
            .at(until)
    }));
    lines.extend(
        scored
            .valid_until
            .map(|until| may_start(scored.not_before, until)),
    );
    lines.push(Line::of("policy ").short(&scored.policy));
    lines
}

fn may_start(from: Option<Timestamp>, until: Timestamp) -> Line {
    match from {
        Some(from) => Line::of("may start from ").at(from).ours(" until ").at(until),
        None => Line::of("may start until ").at(until),
    }
}

fn of_amended(amended: &Amended) -> Vec<Line> {
    let mut lines = vec![
        Line::of("narrowed to ")
            .ours(amended.action.kind())
            .ours(": ")
            .theirs(&amended.action)
            .then(moved(amended.extension)),
    ];
    lines.extend(of_plan(&amended.preview.plan));
    lines
}

fn of_approved(approved: &Approved) -> Vec<Line> {
    vec![
        Line::of("approves ")
            .short(&approved.scored)
            .then(moved(approved.extension)),
        may_start(approved.not_before, approved.valid_until),
    ]
}

fn of_started(started: &Started) -> Vec<Line> {
    let mut lines = of_plan(&started.plan);
    let held = started.held.iter().map(|held| {
        Line::new()
            .theirs(&held.target)
            .ours(" (fence ")
            .ours(held.fence)
            .ours(")")
    });
    if !started.held.is_empty() {
        lines.push(Line::of("holds ").joined(held, ", "));
    }
    lines.push(
        Line::of("its writer acts until ")
            .at(started.lease_until)
            .then(moved(started.extension)),
    );
    lines.extend(started.restore_at.map(|at| Line::of("ends by itself at ").at(at)));
    lines
}

fn of_succeeded(succeeded: &Succeeded) -> Vec<Line> {
    let mut lines = of_readings(&succeeded.readings);
    let receipt = succeeded.receipt.iter();
    lines.extend(receipt.map(|receipt| Line::of("receipt ").theirs(receipt)));
    lines
}

fn of_failed(failed: &Failed) -> Vec<Line> {
    let mut lines = vec![Line::new().theirs(&failed.reason)];
    lines.extend(of_readings(&failed.readings));
    lines
}

fn of_readings(readings: &[Reading]) -> Vec<Line> {
    let reads = |reading: &Reading| {
        Line::new()
            .theirs(&reading.target)
            .ours(" reads ")
            .theirs(&reading.value)
    };
    readings.iter().map(reads).collect()
}

fn moved(extension: Option<Extension>) -> Line {
    match extension {
        Some(Extension { control_seq, ms }) => Line::of(" (a pause moved the deadline by ")
            .ours(ms)
            .ours(" ms: control, record ")
            .ours(control_seq)
            .ours(")"),
        None => Line::new(),
    }
}
