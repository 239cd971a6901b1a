//! A person decides, or nobody does in time.

use super::plausible::{amendment, facts};
use crate::proposal::{Expired, Kind, Outcome, Proposal, ProposalFact, State};
use crate::samples::*;
use crate::trail::{Actor, Extension};
use crate::value::Digest;

/// What a person may send to a proposal that waits, in the order of the documents' table.
const DECISIONS: [Kind; 4] = [Kind::Amended, Kind::Voted, Kind::Approved, Kind::Rejected];

/// A fact of a kind for the proposal, with an extension of its deadline by so many seconds.
fn extended(proposal: &Proposal, kind: Kind, seconds: u64) -> ProposalFact {
    let mut fact = facts(proposal, kind, at(30)).remove(0);
    let extension = Some(Extension {
        control_seq: 2,
        ms: seconds * 1000,
    });
    if let ProposalFact::Amended(amended) = &mut fact {
        amended.extension = extension;
    } else if let ProposalFact::Voted(voted) = &mut fact {
        voted.extension = extension;
    } else if let ProposalFact::Approved(approved) = &mut fact {
        approved.extension = extension;
    } else if let ProposalFact::Rejected(rejected) = &mut fact {
        rejected.extension = extension;
    } else if let ProposalFact::Started(started) = &mut fact {
        started.extension = extension;
    }
    fact
}

/// A proposal for which a decision of this kind is the right one.
fn waits_for(kind: Kind) -> Story {
    awaiting(breaks(300), if kind == Kind::Voted { 2 } else { 1 })
}

#[test]
fn a_decision_counts_until_its_deadline_and_not_after() {
    for kind in DECISIONS {
        let story = waits_for(kind);
        let fact = facts(story.proposal(), kind, at(30)).remove(0);
        assert!(
            story.attempt(at(1800), person("alice"), &fact).is_ok(),
            "{kind}: the deadline itself is in time"
        );
        let late = story
            .attempt(at(1800).plus_millis(1), person("alice"), &fact)
            .unwrap_err();
        assert_eq!(late.problem, "comes after the deadline", "{kind}");
    }
}

#[test]
fn a_pause_moves_the_deadline_by_its_length() {
    for kind in DECISIONS {
        let story = waits_for(kind);
        let fact = extended(story.proposal(), kind, 600);
        assert!(story.attempt(at(2400), person("alice"), &fact).is_ok(), "{kind}");
        let late = story
            .attempt(at(2400).plus_millis(1), person("alice"), &fact)
            .unwrap_err();
        assert_eq!(late.problem, "comes after the deadline", "{kind}");
    }
}

#[test]
fn a_decision_names_the_scored_record_that_was_shown() {
    for kind in DECISIONS {
        let story = waits_for(kind);
        let elsewhere = proposed(breaks(300)).then(21, Actor::Agent, &gate(1));
        let fact = facts(elsewhere.proposal(), kind, at(30)).remove(0);
        assert_eq!(
            story.refuses(30, person("alice"), &fact),
            "decides on something else than was scored",
            "{kind}"
        );
    }
}

#[test]
fn a_yes_to_what_was_scored_before_an_amendment_is_refused() {
    let story = awaiting(breaks(300), 1);
    let yes = approves(story.proposal());
    let amended = ProposalFact::Amended(Box::new(amendment(story.proposal(), breaks(60))));
    let story = story
        .then(30, person("alice"), &amended)
        .then(40, Actor::Agent, &gate(1));
    assert_eq!(
        story.refuses(50, person("bob"), &yes),
        "decides on something else than was scored"
    );
    let yes = approves(story.proposal());
    let story = story.then(50, person("bob"), &yes);
    assert_eq!(story.proposal().state().name(), "approved");
}

#[test]
fn only_a_person_decides() {
    for kind in DECISIONS {
        let story = waits_for(kind);
        let fact = facts(story.proposal(), kind, at(30)).remove(0);
        for nobody in [Actor::Agent, Actor::System] {
            assert_eq!(
                story.refuses(30, nobody, &fact),
                "is a person's decision, and no person made it",
                "{kind}"
            );
        }
    }
}

#[test]
fn a_quorum_needs_as_many_different_people() {
    let story = awaiting(breaks(300), 3);
    let vote = facts(story.proposal(), Kind::Voted, at(30)).remove(0);
    let yes = approves(story.proposal());
    let short = "is short of the quorum";
    assert_eq!(story.refuses(30, person("alice"), &yes), short);
    let story = story.then(30, person("alice"), &vote);
    assert_eq!(story.refuses(31, person("bob"), &yes), short);
    let twice = "is a second vote of one person";
    assert_eq!(story.refuses(31, person("alice"), &vote), twice);
    let story = story.then(31, person("bob"), &vote);
    assert_eq!(story.refuses(32, person("bob"), &yes), twice);
    let asked_for_more = story.clone().then(32, person("carol"), &vote);
    assert_eq!(
        asked_for_more.proposal().state().name(),
        "awaiting_approval",
        "rules may ask for more people than the quorum"
    );
    let story = story.then(32, person("carol"), &yes);
    assert_eq!(story.proposal().state().name(), "approved");
}

#[test]
fn one_no_ends_it_whatever_the_quorum() {
    let story = awaiting(breaks(300), 3);
    let vote = facts(story.proposal(), Kind::Voted, at(30)).remove(0);
    let story = story.then(30, person("alice"), &vote);
    let no = facts(story.proposal(), Kind::Rejected, at(31)).remove(0);
    let story = story.then(31, person("bob"), &no);
    assert_eq!(*story.proposal().state(), State::Closed(Outcome::Rejected));
}

#[test]
fn who_triggered_it_may_reject_but_not_approve() {
    let story = Story::of(&unhealthy(), Some("alice"))
        .then(10, Actor::Agent, &proposes(breaks(300)))
        .then(20, Actor::Agent, &gate(1));
    assert_eq!(
        story.refuses(30, person("alice"), &approves(story.proposal())),
        "is the vote of somebody who requested or edited it"
    );
    let no = facts(story.proposal(), Kind::Rejected, at(30)).remove(0);
    assert!(story.attempt(at(30), person("alice"), &no).is_ok());
}

#[test]
fn an_editor_has_no_vote_on_what_was_edited_and_earlier_votes_are_void() {
    let story = awaiting(breaks(300), 2);
    let vote = facts(story.proposal(), Kind::Voted, at(30)).remove(0);
    let story = story.then(30, person("alice"), &vote);
    let amended = ProposalFact::Amended(Box::new(amendment(story.proposal(), breaks(60))));
    let story = story.then(40, person("bob"), &amended);
    assert_eq!(story.proposal().proposed().unwrap().action, breaks(60));
    let story = story.then(50, Actor::Agent, &gate(2));
    let vote = facts(story.proposal(), Kind::Voted, at(60)).remove(0);
    assert_eq!(
        story.refuses(60, person("bob"), &vote),
        "is the vote of somebody who requested or edited it"
    );
    let story = story.then(60, person("alice"), &vote);
    let State::AwaitingApproval(waiting) = story.proposal().state() else {
        panic!("{:?}", story.proposal().state())
    };
    assert_eq!(waiting.votes, [id("alice")]);
}

#[test]
fn an_amendment_only_narrows() {
    let story = awaiting(breaks(120), 1);
    for (action, legal) in [
        (breaks(60), true),
        (breaks(120), false),
        (breaks(121), false),
        (reroutes(), false),
        (pages(), false),
    ] {
        let amended = ProposalFact::Amended(Box::new(amendment(story.proposal(), action)));
        match story.attempt(at(30), person("alice"), &amended) {
            Ok(next) => assert!(legal && *next.proposal().state() == State::Proposed),
            Err(err) => {
                assert!(!legal, "{err}");
                assert_eq!(err.problem, "widens the action: only less effect is allowed");
            }
        }
    }
}

#[test]
fn unanswered_it_expires_for_good_and_not_before_its_deadline() {
    let story = awaiting(breaks(300), 1);
    let over = facts(story.proposal(), Kind::Expired, at(1801)).remove(0);
    assert_eq!(
        story.refuses(1800, Actor::System, &over),
        "comes before the deadline"
    );
    let expired = story
        .attempt(at(1800).plus_millis(1), Actor::System, &over)
        .unwrap();
    assert_eq!(*expired.proposal().state(), State::Closed(Outcome::Expired));
    assert!(expired.proposal().settled_at().is_some());
    let other = ProposalFact::Expired(Expired {
        closes: false,
        deadline: at(1000),
        extension: None,
    });
    assert_eq!(
        story.refuses(1801, Actor::System, &other),
        "names another deadline"
    );
}

#[test]
fn an_approval_that_was_not_used_in_time_is_asked_for_again() {
    let story = approved(breaks(300));
    let over = ProposalFact::Expired(Expired {
        closes: false,
        deadline: at(900),
        extension: Some(Extension {
            control_seq: 1,
            ms: 60_000,
        }),
    });
    assert_eq!(
        story.refuses(960, Actor::System, &over),
        "comes before the deadline"
    );
    let yes = approves(awaiting(breaks(300), 1).proposal());
    let story = story.then(961, Actor::System, &over);
    assert_eq!(*story.proposal().state(), State::Proposed);
    assert_eq!(story.proposal().settled_at(), None);
    let story = story.then(962, Actor::Agent, &gate(1));
    assert_eq!(
        story.refuses(963, person("alice"), &yes),
        "decides on something else than was scored"
    );
}

#[test]
fn an_approval_is_good_until_its_end_also_across_a_pause() {
    let story = approved(breaks(300));
    let starts_at = |seconds: u64, extension: u64| {
        let mut fact = extended(story.proposal(), Kind::Started, extension);
        if let ProposalFact::Started(started) = &mut fact {
            started.restore_at = Some(at(seconds + 300));
            started.extension = started.extension.filter(|extension| extension.ms > 0);
        }
        story.attempt(at(seconds), Actor::Agent, &fact).is_ok()
    };
    assert!(starts_at(900, 0) && !starts_at(901, 0));
    assert!(starts_at(960, 60) && !starts_at(961, 60));
}

#[test]
fn a_decision_without_a_scored_record_to_name_does_not_exist() {
    let story = proposed(breaks(300));
    let fact = facts(story.proposal(), Kind::Approved, at(30)).remove(0);
    assert_eq!(scored_digest(story.proposal()), Digest::of(b"nothing waits"));
    assert_eq!(story.refuses(30, person("alice"), &fact), "does not belong here");
}
