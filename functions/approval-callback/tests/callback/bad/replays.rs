//! Genuine requests that come again: what they asked for was done once, and is not done twice.

use domain::proposal::{ProposalFact, Revoked};
use domain::value::Digest;
use serde_json::Value;
use testkit::sample::{ALICE, BOB};
use testkit::story::{Story, breaks, person, second};

use super::shapes::filled;
use super::{Sent, Table};
use crate::door::{Door, interaction};

const STALE: &str = "This proposal changed since you saw it.";

/// Alice approves at second 30, and takes it back at second 40, or Bob does.
fn taken_back_by(who: &str) -> Story {
    let story = Story::approved(breaks());
    let scored = story.records()[2].digest;
    let fact = ProposalFact::Revoked(Revoked {
        scored,
        policy: Digest::of(b"policy"),
        decider: None,
    });
    story.then(40, person(who), &fact)
}

/// A click of the second in which Slack signed it.
fn of_second(door: Door, user: &str, action: &str, seconds: i64) -> Sent {
    let event = interaction(&door.signed_at(&door.payload(user, action), seconds));
    Sent { door, event }
}

pub(super) fn rows(table: &mut Table) {
    for who in ["alice", "bob"] {
        for seconds in [20, 29, 30] {
            let sent = of_second(Door::with(taken_back_by(who)), ALICE, "approve", seconds);
            let name = format!("the approval of second {seconds} again, after {who} took it back");
            table.row(&name, 200, STALE, sent);
        }
    }
    let approved = Door::with(Story::approved(breaks()));
    let words = "Your approval is recorded. It is to start before 10:15.";
    table.row(
        "an approval that comes again",
        200,
        words,
        of_second(approved, ALICE, "approve", 29),
    );
    let rejected = || Door::with(Story::rejected(breaks()));
    let words = "Your rejection is recorded. Nothing will be executed.";
    let sent = filled(rejected(), "reject", &[("reason", "because")], |_| {});
    table.row("a rejection that comes again", 200, words, sent);
    let decided = "It was rejected by alice at 10:00.";
    table.row(
        "an approval after one's own rejection",
        200,
        decided,
        of_second(rejected(), ALICE, "approve", 50),
    );
    let by = |payload: &mut Value| payload["user"]["id"] = BOB.into();
    let sent = filled(rejected(), "reject", &[("reason", "because")], by);
    table.row(
        "a rejection after another's",
        200,
        "It was rejected by alice at <!date^1795341630^",
        sent,
    );
    let again = "Your request is recorded. Another person must agree before anything is taken back.";
    let sent = filled(
        Door::with(Story::undo_requested()),
        "undo",
        &[("reason", "because")],
        |_| {},
    );
    table.row("a request for an undo that comes again", 200, again, sent);
    let door = Door::new();
    door.clock.set(second(400));
    let sent = of_second(door, ALICE, "approve", 50);
    table.row(
        "a click that comes again after six minutes",
        401,
        "more than 300 s from now",
        sent,
    );
    let sent = of_second(Door::with(taken_back_by("bob")), ALICE, "revoke", 29);
    table.row(
        "a revocation of what was taken back",
        200,
        "There is no approval of yours to take back.",
        sent,
    );
}

#[tokio::test]
async fn who_approves_anew_after_it_was_taken_back_is_heard() {
    for (user, seconds) in [(ALICE, 41), (ALICE, 31), (BOB, 41)] {
        let sent = of_second(Door::with(taken_back_by("alice")), user, "approve", seconds);
        assert_eq!(sent.door.send(&sent.event).await.status, 200);
        let heard = user == BOB || seconds == 41;
        let expected = if heard { &["approved"][..] } else { &[] };
        assert_eq!(
            sent.door.since(),
            expected,
            "{user} {seconds}: {:?}",
            sent.door.told()
        );
    }
}
