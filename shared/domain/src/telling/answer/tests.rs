use expect_test::{Expect, expect};

use super::*;
use crate::action::Complaint;
use crate::proposal::{Failed, Precondition, ProposalFact, Refused, Rejected, Scored, UndoDecided};
use crate::samples::*;
use crate::trail::Actor;
use crate::value::{Digest, Reason};

/// A line as a terminal shows it, the time of day alone.
fn text(line: &Line) -> String {
    line.render(str::to_owned, |at| at.to_string()[11..16].to_owned())
}

fn all(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

fn shows(lines: impl IntoIterator<Item = String>, expected: &Expect) {
    expected.assert_eq(&all(lines));
}

fn rejected(story: Story, reason: Option<&str>) -> Story {
    let fact = ProposalFact::Rejected(Rejected {
        scored: scored_digest(story.proposal()),
        policy: Digest::of(b"policy"),
        reason: reason.map(str::to_owned),
        extension: None,
        decider: None,
    });
    story.then(60, person("bob"), &fact)
}

#[test]
fn who_decided_and_when_is_said_of_every_state() {
    let undo = |story: Story| story.then(120, person("carol"), &asks_undo());
    let agreed = |story: Story| {
        let fact = ProposalFact::UndoApproved(answers_undo(story.proposal()));
        story.then(180, person("bob"), &fact)
    };
    let refused = ProposalFact::Refused(Refused {
        precondition: Precondition::Condition,
        explanation: "openai answers again".to_owned(),
    });
    let failed = ProposalFact::Failed(Failed {
        reason: "the gateway refused".to_owned(),
        readings: readings(executing(breaks(300)).proposal(), |change| &change.before),
    });
    let auto = ProposalFact::Scored(scored(15, crate::proposal::Decision::Auto, 1));
    let held = ProposalFact::Scored(Scored {
        not_before: Some(at(80)),
        ..scored(15, crate::proposal::Decision::Auto, 1)
    });
    let stories = [
        Story::of(&unhealthy(), None),
        proposed(breaks(300)),
        awaiting(breaks(300), 2),
        approved(breaks(300)),
        proposed(breaks(300)).then(20, Actor::Agent, &auto),
        proposed(breaks(300)).then(20, Actor::Agent, &held),
        executing(breaks(300)),
        succeeded(breaks(300)),
        succeeded(reroutes()),
        succeeded(pages()),
        undo(succeeded(reroutes())),
        agreed(undo(succeeded(breaks(300)))),
        rejected(awaiting(breaks(300), 1), None),
        rejected(awaiting(breaks(300), 1), Some("openai is back")),
        approved(breaks(300)).then(60, Actor::Agent, &refused),
        executing(breaks(300)).then(60, Actor::Agent, &failed),
    ];
    shows(
        stories.iter().map(|story| text(&stands(story.proposal()))),
        &expect![[r#"
            It is being reasoned about.
            It is being scored.
            It waits for 2 approvals until 10:30.
            It was approved by alice at 10:00; it is to start before 10:15.
            The policy approved it; it is to start before 10:15.
            The policy approved it; it starts after 10:01.
            It was approved by alice at 10:00, and is being executed.
            It was approved by alice at 10:00; it is in force and ends by itself at 10:05.
            It was approved by alice at 10:00; it is in force.
            It was approved by alice at 10:00; it is done.
            It was approved by alice at 10:00; it is in force, and an undo was asked for by carol at 10:02 and waits for another person.
            It was approved by alice at 10:00; it is in force, and it is to be taken back.
            It was rejected by bob at 10:01.
            It was rejected by bob at 10:01: openai is back.
            It was approved by alice at 10:00, and not executed. It was refused at 10:01: openai answers again.
            It was approved by alice at 10:00. It failed at 10:01: the gateway refused.
        "#]],
    );
}

#[test]
fn a_request_that_counts_is_told_as_the_trail_has_it() {
    let waits = awaiting(breaks(300), 2);
    let voted = ProposalFact::Voted(crate::proposal::Voted {
        scored: scored_digest(waits.proposal()),
        policy: Digest::of(b"policy"),
        extension: None,
        decider: None,
    });
    let reason = Reason::new("of the test").unwrap();
    let no = Request::Reject { reason: None };
    let acknowledge = Request::Acknowledge {
        reason: reason.clone(),
    };
    let undo = Request::Undo { reason };
    let asked = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
    let answer = answers_undo(asked.proposal());
    let told = [
        (&Request::Approve, waits.then(60, person("alice"), &voted)),
        (&Request::Approve, approved(breaks(300))),
        (&Request::Approve, executing(breaks(300))),
        (&no, rejected(awaiting(breaks(300), 1), None)),
        (&Request::Revoke, awaiting(breaks(300), 2)),
        (&undo, asked.clone()),
        (
            &Request::Approve,
            asked
                .clone()
                .then(70, person("bob"), &ProposalFact::UndoApproved(answer.clone())),
        ),
        (
            &no,
            asked.then(
                70,
                person("bob"),
                &ProposalFact::UndoRejected(UndoDecided { ..answer }),
            ),
        ),
        (&acknowledge, called().then(60, person("bob"), &acknowledges())),
    ];
    shows(
        told.iter()
            .map(|(request, story)| text(&recorded(request, story.proposal()))),
        &expect![[r#"
            Your approval is recorded. 1 more must approve.
            Your approval is recorded. It is to start before 10:15.
            Your request is recorded. It was approved by alice at 10:00, and is being executed.
            Your rejection is recorded. Nothing will be executed.
            The approval is taken back. Nothing starts without 2 more approvals.
            Your request is recorded. Another person must agree before anything is taken back.
            Your agreement is recorded. The effect is to be taken back now.
            Your rejection of the undo is recorded. The effect stays as it is.
            Your acknowledgement is recorded. The next report of this trouble is looked at as a new one.
        "#]],
    );
}

#[test]
fn a_refusal_says_who_was_first_or_what_is_to_be_done() {
    let waits = awaiting(breaks(300), 1);
    let refusals = [
        Refusal::Bot,
        Refusal::Inactive,
        Refusal::OwnProposal,
        Refusal::VotedAlready,
        Refusal::Stale,
        Refusal::TooLate(at(1800)),
        Refusal::Paused("a release".to_owned()),
        Refusal::Watched,
        Refusal::Forbidden("providers are for the night shift".to_owned()),
        Refusal::NotApproved,
        Refusal::NotNarrower(Complaint::new("duration_s", "must be a whole number")),
        Refusal::CannotBeUndone,
        Refusal::OwnUndo,
    ];
    let mut lines: Vec<_> = refusals
        .iter()
        .map(|refusal| text(&refused(refusal, waits.proposal())))
        .collect();
    lines.push(text(&refused(
        &Refusal::Decided,
        approved(breaks(300)).proposal(),
    )));
    let asked = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
    lines.push(text(&refused(&Refusal::UndoUnderWay, asked.proposal())));
    lines.push(text(&unmapped("T1/U1")));
    shows(
        lines,
        &expect![[r#"
        A bot cannot decide.
        Your operator account is not active.
        You requested or edited this proposal: somebody else must approve it.
        Your approval is recorded already; it waits for another person.
        This proposal changed since you saw it. Look at it again and decide on what it is now.
        It is too late: the deadline for this decision was 10:30.
        The agent is paused (a release). Approvals are not taken until it resumes; rejections are.
        The policy only watches this action now: it cannot be executed.
        The policy does not let you decide this (breaks of providers): providers are for the night shift.
        There is no approval of yours to take back. It waits for 1 approval until 10:30.
        Nothing was changed: duration_s must be a whole number.
        This action cannot be taken back: a page was sent.
        You asked for this undo: somebody else must agree to it.
        It was approved by alice at 10:00; it is to start before 10:15.
        There is nothing to ask for: an undo was asked for by alice at 10:01 and waits for another person.
        You are not in the operator directory, so your decision does not count: T1/U1.
    "#]],
    );
}
