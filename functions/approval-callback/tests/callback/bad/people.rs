//! Operators who may not do this to this proposal now.

use domain::proposal::Decision;
use domain::value::Digest;
use serde_json::{Value, json};
use testkit::sample::{self, ALICE, BOB};
use testkit::story::{Story, breaks, pages, reroutes, second};

use super::shapes::filled;
use super::states::{also_waits, narrowed, pause};
use super::{Sent, Table};
use crate::door::{Door, interaction};

const STALE: &str = "This proposal changed since you saw it.";

pub(super) fn rows(table: &mut Table) {
    states(table);
    stale(table);
    own(table);
    late(table);
    paused(table);
    policy(table);
    undo(table);
}

/// Everything that an operator could do to a proposal that does not wait.
fn states(table: &mut Table) {
    for (name, story, words) in [
        (
            "is reasoned about",
            Story::begins(),
            "It is being reasoned about.",
        ),
        ("is scored", Story::proposed(breaks()), STALE),
        (
            "was approved",
            Story::approved(breaks()),
            "It was approved by alice at 10:00",
        ),
        ("is executed", Story::executing(breaks()), "is being executed"),
        (
            "may have had an effect",
            Story::unknown(breaks()),
            "not known yet whether it took effect",
        ),
        ("is in force", Story::succeeded(breaks()), "it is in force"),
        (
            "was declined",
            Story::declined(),
            "Nothing was proposed; it was declined",
        ),
        (
            "is watched",
            Story::scored(breaks(), Decision::Shadow),
            "It was only recorded",
        ),
        (
            "was approved by the policy",
            Story::scored(breaks(), Decision::Auto),
            "The policy approved it",
        ),
        (
            "was rejected",
            Story::rejected(breaks()),
            "It was rejected by alice at 10:00",
        ),
        ("has expired", Story::expired(breaks()), "It expired at 10:30"),
        ("was refused", Story::refused(breaks()), "It was refused at 10:00"),
        ("has failed", Story::failed(breaks()), "It failed at 10:00"),
        (
            "was taken back",
            Story::restored(),
            "Its effect was taken back at",
        ),
    ] {
        for what in ["approve", "reject", "narrow"] {
            // The message that they see shows the last score, if there ever was one.
            let scored = story.records().iter().rfind(|record| record.kind == "scored");
            let seen = scored.map_or_else(|| Digest::of(b"nothing"), |record| record.digest);
            let door = Door::with(story.clone());
            let sent = shows(door, BOB, what, seen);
            table.row(&format!("{what} what {name}"), 200, words, sent);
        }
    }
    for (name, story, action, words) in [
        (
            "revoke what nobody approved",
            Story::awaiting(breaks()),
            "revoke",
            "There is no approval of yours to take back.",
        ),
        (
            "revoke what was rejected",
            Story::rejected(breaks()),
            "revoke",
            "It was rejected by alice",
        ),
        (
            "revoke what is executed",
            Story::executing(breaks()),
            "revoke",
            "is being executed",
        ),
        (
            "undo what waits",
            Story::awaiting(breaks()),
            "undo",
            "It waits for 1 approval",
        ),
        (
            "undo what was approved",
            Story::approved(breaks()),
            "undo",
            "It was approved by alice",
        ),
        (
            "undo what is executed",
            Story::executing(breaks()),
            "undo",
            "is being executed",
        ),
        (
            "undo what was taken back",
            Story::restored(),
            "undo",
            "Its effect was taken back",
        ),
        (
            "undo a page",
            Story::succeeded(pages()),
            "undo",
            "cannot be taken back",
        ),
    ] {
        table.row(name, 200, words, Sent::to(Door::with(story), BOB, action));
    }
}

/// A click on a message that shows one record.
fn shows(door: Door, user: &str, action: &str, seen: Digest) -> Sent {
    let value = format!("{}.{seen}", door.story.proposal().id());
    let mut payload = testkit::slack::payload(user, action, &value, crate::door::RESPONSE_URL);
    payload["team"]["id"] = json!(sample::SLACK_TEAM);
    payload["user"]["team_id"] = json!(sample::SLACK_TEAM);
    let event = interaction(&door.signed(&payload));
    Sent { door, event }
}

fn stale(table: &mut Table) {
    let story = Story::awaiting(breaks());
    for action in ["approve", "reject", "narrow"] {
        for record in &story.records()[..2] {
            let name = format!("{action} what was shown as {}", record.kind);
            table.row(
                &name,
                200,
                STALE,
                shows(Door::new(), ALICE, action, record.digest),
            );
        }
        let other = Digest::of(b"another score");
        table.row(
            &format!("{action} another digest"),
            200,
            STALE,
            shows(Door::new(), ALICE, action, other),
        );
    }
    let approved = Door::with(Story::approved(breaks()));
    let other = Digest::of(b"another score");
    table.row(
        "revoke another digest",
        200,
        STALE,
        shows(approved, ALICE, "revoke", other),
    );
    let done = Door::with(Story::succeeded(reroutes()));
    table.row(
        "undo another digest",
        200,
        STALE,
        shows(done, ALICE, "undo", other),
    );
    let unknown = "There is no such proposal.";
    let of = |door: &Door, id: &str| format!("{id}.{}", door.value().split_once('.').unwrap().1);
    for (name, id) in [
        (
            "a proposal that nobody knows",
            sample::proposal_of(&sample::budget_exceeded("payments")).to_string(),
        ),
        (
            "another outbreak",
            format!("{}-2", Door::new().story.proposal().id().fingerprint()),
        ),
    ] {
        for action in ["approve", "reject", "revoke", "undo", "narrow"] {
            let door = Door::new();
            let value = of(&door, &id);
            let sent = Sent::payload_to(door, action, |payload| {
                payload["actions"][0]["value"] = json!(value)
            });
            table.row(&format!("{action} {name}"), 200, unknown, sent);
        }
    }
    // Another proposal waits, too: neither's digest opens the other.
    for (name, swaps) in [("another's digest", true), ("this digest of another", false)] {
        let door = Door::new();
        let other = also_waits(&door);
        let (id, own) = (door.story.proposal().id().clone(), door.value());
        let seen = other.last().digest;
        let value = match swaps {
            true => format!("{id}.{seen}"),
            false => format!("{}.{}", other.id(), own.split_once('.').unwrap().1),
        };
        let sent = Sent::payload_to(door, "approve", |payload| {
            payload["actions"][0]["value"] = json!(value)
        });
        table.row(&format!("approve {name}"), 200, STALE, sent);
    }
}

fn own(table: &mut Table) {
    let door = Door::with(narrowed());
    let (first, last) = (door.value(), door.story.last().digest);
    let words = "You requested or edited this proposal: somebody else must approve it.";
    table.row(
        "approve one's own change",
        200,
        words,
        shows(door, ALICE, "approve", last),
    );
    for action in ["approve", "reject", "narrow"] {
        for user in [ALICE, BOB] {
            let first = first.split_once('.').unwrap().1.parse().unwrap();
            let sent = shows(Door::with(narrowed()), user, action, first);
            table.row(
                &format!("{action} what was changed since, as {user}"),
                200,
                STALE,
                sent,
            );
        }
    }
}

fn late(table: &mut Table) {
    let words = "It is too late: the deadline for this decision was 10:30.";
    for (name, seconds) in [("a second late", 1801), ("a day late", 86_400)] {
        for action in ["approve", "reject", "narrow"] {
            let door = Door::new();
            door.clock.set(second(seconds));
            let payload = door.payload(ALICE, action);
            let event = interaction(&door.signed_at(&payload, i64::try_from(seconds).unwrap()));
            table.row(&format!("{action} {name}"), 200, words, Sent { door, event });
        }
    }
}

fn paused(table: &mut Table) {
    let words = "The agent is paused (of the test).";
    for action in ["approve", "narrow"] {
        let sent = Sent::to(Door::new(), ALICE, action);
        pause(&sent.door);
        table.row(&format!("{action} while paused"), 200, words, sent);
    }
    let sent = filled(Door::new(), "narrow", &[("duration_s", "60")], |_| {});
    pause(&sent.door);
    table.row("less, while paused", 200, words, sent);
}

fn policy(table: &mut Table) {
    let sent = Sent::click();
    let shadow = |in_force: &mut domain::permission::InForce| {
        in_force.policy.shadow = std::iter::once(breaks().kind()).collect();
    };
    sent.door.policies.change(shadow);
    table.row(
        "approve what is only watched by now",
        200,
        "The policy only watches this action now",
        sent,
    );
    for action in ["approve", "reject", "narrow"] {
        let sent = Sent::to(Door::new(), ALICE, action);
        sent.door
            .policies
            .change(|in_force| in_force.rules = std::sync::Arc::new(Nobody));
        table.row(
            &format!("{action} what the rules leave to nobody"),
            200,
            "of the test",
            sent,
        );
    }
}

/// Rules by which nobody may do anything.
struct Nobody;

impl domain::permission::Rules for Nobody {
    fn ask(
        &self,
        _: domain::permission::Verb,
        _: &domain::permission::Principal<'_>,
        _: &domain::permission::Resource<'_>,
        _: &domain::permission::Circumstances,
    ) -> domain::permission::Verdict {
        domain::permission::Verdict {
            allowed: false,
            rules: Vec::new(),
            because: Some("of the test".to_owned()),
        }
    }
}

fn undo(table: &mut Table) {
    let asked = || Door::with(Story::undo_requested());
    let request = asked().story.last().digest;
    let own = "You asked for this undo: somebody else must agree to it.";
    table.row(
        "agree to one's own undo",
        200,
        own,
        shows(asked(), ALICE, "approve", request),
    );
    let scored = asked().value();
    let sent = Sent::payload_to(asked(), "approve", |payload| {
        payload["actions"][0]["value"] = Value::from(scored)
    });
    table.row(
        "agree to an undo with the score's digest",
        200,
        "It was approved by alice",
        sent,
    );
    let done = Door::with(Story::undo_approved());
    table.row(
        "agree to an undo twice",
        200,
        "It was approved by alice",
        shows(done, ALICE, "approve", request),
    );
    let words = "There is nothing to ask for: an undo was asked for by alice";
    table.row(
        "ask for an undo twice",
        200,
        words,
        Sent::to(asked(), BOB, "undo"),
    );
    let sent = filled(
        Door::with(Story::succeeded(pages())),
        "undo",
        &[("reason", "because")],
        |_| {},
    );
    table.row("fill in an undo of a page", 200, "cannot be taken back", sent);
}
