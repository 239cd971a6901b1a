//! What a person is told of their own request: what it came to, or why it does not count, read from the trail.

use super::Line;
use crate::action::ActionKind;
use crate::permission::{Operator, Refusal, Request};
use crate::proposal::{Moved, Outcome, Proposal, State, UndoState};
use crate::trail::Actor;

/// What a request that was recorded came to, from the proposal as it stands after it.
pub fn recorded(request: &Request, proposal: &Proposal) -> Line {
    match (request, proposal.state()) {
        (Request::Approve, State::AwaitingApproval(waiting)) => match waiting.missing() {
            0 => Line::of("Your approval is recorded. The policy asks for more people to approve."),
            missing => Line::of("Your approval is recorded. ")
                .ours(missing)
                .ours(" more must approve."),
        },
        (Request::Approve, State::Approved(approval)) => match approval.not_before {
            Some(from) => Line::of("Your approval is recorded. It starts after ")
                .at(from)
                .ours(", unless somebody takes the approval back."),
            None => Line::of("Your approval is recorded. It is to start before ")
                .at(approval.valid_until)
                .ours("."),
        },
        (Request::Approve, State::Succeeded(_)) => {
            Line::of("Your agreement is recorded. The effect is to be taken back now.")
        }
        (Request::Reject { .. }, State::Closed(_)) => {
            Line::of("Your rejection is recorded. Nothing will be executed.")
        }
        (Request::Reject { .. }, State::Succeeded(_)) => {
            Line::of("Your rejection of the undo is recorded. The effect stays as it is.")
        }
        (Request::Revoke, State::AwaitingApproval(waiting)) => {
            Line::of("The approval is taken back. Nothing starts without ")
                .count(waiting.missing(), "more approval")
                .ours(".")
        }
        (Request::Narrow { .. }, State::Proposed) => {
            let narrower = proposal
                .proposed()
                .map(|proposed| Line::new().theirs(&proposed.action));
            Line::of("Your change is recorded: ")
                .then(narrower.unwrap_or_default())
                .ours(". It is scored again, and somebody else must approve it.")
        }
        (Request::Undo { .. }, State::Succeeded(_)) => {
            Line::of("Your request is recorded. Another person must agree before anything is taken back.")
        }
        (Request::Acknowledge { .. }, State::Closed(_)) => Line::of(
            "Your acknowledgement is recorded. The next report of this trouble is looked at as a new one.",
        ),
        // Somebody else's record came after it already.
        (
            Request::Approve
            | Request::Reject { .. }
            | Request::Revoke
            | Request::Narrow { .. }
            | Request::Undo { .. }
            | Request::Acknowledge { .. },
            _,
        ) => Line::of("Your request is recorded. ").then(stands(proposal)),
    }
}

/// Why a request on a proposal does not count.
pub fn refused(refusal: &Refusal, proposal: &Proposal) -> Line {
    match refusal {
        Refusal::Bot => Line::of("A bot cannot decide."),
        Refusal::Inactive => Line::of("Your operator account is not active."),
        Refusal::OwnProposal => {
            Line::of("You requested or edited this proposal: somebody else must approve it.")
        }
        Refusal::VotedAlready => Line::of("Your approval is recorded already; it waits for another person."),
        Refusal::Decided => stands(proposal),
        Refusal::Stale => {
            Line::of("This proposal changed since you saw it. Look at it again and decide on what it is now.")
        }
        Refusal::TooLate(deadline) => Line::of("It is too late: the deadline for this decision was ")
            .at(*deadline)
            .ours("."),
        Refusal::Paused(reason) => Line::of("The agent is paused (")
            .theirs(reason)
            .ours("). Approvals are not taken until it resumes; rejections are."),
        Refusal::Watched => Line::of("The policy only watches this action now: it cannot be executed."),
        Refusal::Forbidden(because) => {
            let about = proposal.proposed().map(|proposed| about(proposed.action.kind()));
            Line::of("The policy does not let you decide this")
                .ours(about.unwrap_or_default())
                .ours(": ")
                .theirs(because)
                .ours(".")
        }
        Refusal::NotApproved => {
            Line::of("There is no approval of yours to take back. ").then(stands(proposal))
        }
        Refusal::NotNarrower(complaint) => Line::of("Nothing was changed: ").theirs(complaint).ours("."),
        Refusal::CannotBeUndone => Line::of("This action cannot be taken back: a page was sent."),
        Refusal::UndoUnderWay => Line::of("There is nothing to ask for: ")
            .then(undo(proposal))
            .ours("."),
        Refusal::OwnUndo => Line::of("You asked for this undo: somebody else must agree to it."),
    }
}

/// What a person is told whom the directory does not know by what their channel says.
pub fn unmapped(identity: &str) -> Line {
    Line::of("You are not in the operator directory, so your decision does not count: ")
        .theirs(identity)
        .ours(".")
}

/// Where a proposal stands, and who brought it there, in a sentence or two.
pub fn stands(proposal: &Proposal) -> Line {
    let moved = proposal.moved();
    let ended = |how: &'static str| {
        let because = proposal.because().map(|because| Line::of(": ").theirs(because));
        Line::of(how)
            .at(moved.at)
            .then(because.unwrap_or_default())
            .ours(".")
    };
    match proposal.state() {
        State::Reasoning(_) => Line::of("It is being reasoned about."),
        State::Proposed => Line::of("It is being scored."),
        State::AwaitingApproval(waiting) => {
            let voters = waiting.votes.iter().map(|id| Line::new().theirs(id));
            let voted = match waiting.votes.is_empty() {
                true => Line::new(),
                false => Line::of(" (").joined(voters, ", ").ours(" approved)"),
            };
            Line::of("It waits for ")
                .count(waiting.missing(), "approval")
                .then(voted)
                .ours(" until ")
                .at(waiting.deadline)
                .ours(".")
        }
        State::Approved(approval) => match approval.not_before {
            Some(from) => who_approved(proposal)
                .ours("; it starts after ")
                .at(from)
                .ours("."),
            None => who_approved(proposal)
                .ours("; it is to start before ")
                .at(approval.valid_until)
                .ours("."),
        },
        State::Executing(_) => who_approved(proposal).ours(", and is being executed."),
        State::Unknown(_) => who_approved(proposal).ours("; it is not known yet whether it took effect."),
        State::Succeeded(done) => {
            let effect = match (&done.undo, done.execution.restore_at) {
                (UndoState::None, Some(end)) => Line::of("; it is in force and ends by itself at ").at(end),
                (UndoState::None, None) if done.execution.plan.changes.is_empty() => Line::of("; it is done"),
                (UndoState::None, None) => Line::of("; it is in force"),
                (UndoState::Requested { .. } | UndoState::Approved { .. }, _) => {
                    Line::of("; it is in force, and ").then(undo(proposal))
                }
            };
            who_approved(proposal).then(effect).ours(".")
        }
        State::Closed(Outcome::Rejected) => {
            let because = proposal.because().map(|because| Line::of(": ").theirs(because));
            Line::of("It was rejected")
                .then(by(moved))
                .then(because.unwrap_or_default())
                .ours(".")
        }
        State::Closed(Outcome::Expired) => ended("It expired at "),
        State::Closed(Outcome::Refused) => who_approved(proposal)
            .ours(", and not executed. ")
            .then(ended("It was refused at ")),
        State::Closed(Outcome::Failed) => who_approved(proposal).ours(". ").then(ended("It failed at ")),
        State::Closed(Outcome::Restored) => who_approved(proposal)
            .ours(". ")
            .then(ended("Its effect was taken back at ")),
        State::Closed(Outcome::Shadow) => Line::of("It was only recorded: the policy watches this action."),
        State::Closed(Outcome::Declined) => {
            let seen_to = proposal.call().and_then(|call| call.acknowledged.as_ref());
            let seen_to = seen_to.map(|moved| Line::of(" It was acknowledged").then(by(moved)).ours("."));
            ended("Nothing was proposed; it was declined at ").then(seen_to.unwrap_or_default())
        }
    }
}

/// Who approved it, without a full stop.
fn who_approved(proposal: &Proposal) -> Line {
    match proposal.approved() {
        Some(moved) => Line::of("It was approved").then(by(moved)),
        None => Line::of("The policy approved it"),
    }
}

/// How far an undo is, without a full stop.
fn undo(proposal: &Proposal) -> Line {
    let State::Succeeded(done) = proposal.state() else {
        return Line::of("nobody asks to take it back");
    };
    match &done.undo {
        UndoState::None => Line::of("nobody asks to take it back"),
        UndoState::Requested { .. } => Line::of("an undo was asked for")
            .then(by(proposal.moved()))
            .ours(" and waits for another person"),
        UndoState::Approved { .. } => Line::of("it is to be taken back"),
    }
}

fn by(moved: &Moved) -> Line {
    let who = match &moved.by {
        Actor::Agent => Line::of(" by the agent"),
        Actor::System => Line::of(" by the system"),
        Actor::Operator { name, .. } => Line::of(" by ").theirs(name),
    };
    who.ours(" at ").at(moved.at)
}

/// What a decision on an action is about: ` (budgets)`.
fn about(action: ActionKind) -> &'static str {
    match action {
        ActionKind::CircuitBreakProvider => " (breaks of providers)",
        ActionKind::RerouteModelGroup => " (routes)",
        ActionKind::RaiseRateLimit => " (rate limits)",
        ActionKind::PageOncall => " (pages)",
        ActionKind::DisableGuardrail => " (guardrails)",
        ActionKind::BumpBudgetCap => " (budgets)",
        ActionKind::DisableSlaContract => " (SLA contracts)",
    }
}

/// An operator by name, with the id where two may have one name.
pub fn named(operator: &Operator) -> Line {
    Line::new()
        .theirs(&operator.name)
        .ours(" (")
        .theirs(&operator.id)
        .ours(")")
}

#[cfg(test)]
mod tests;
