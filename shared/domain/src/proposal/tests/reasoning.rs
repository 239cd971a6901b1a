//! From the receipt to the score.

use super::plausible::facts;
use crate::proposal::{Decision, Kind, Outcome, ProposalFact, Received, Scored, State, Verbatim};
use crate::samples::*;
use crate::trail::Actor;

fn receives_again(seconds: u64, event_id: &str, by: Option<&str>) -> ProposalFact {
    ProposalFact::Received(Received {
        event: event("provider.unhealthy", serde_json::json!({"event_id": event_id})),
        verbatim: Verbatim::Inline("{}".to_owned()),
        occurred_at: at(seconds),
        lease_until: at(seconds + 60),
        requested_by: by.map(id),
        complaints: Vec::new(),
    })
}

fn scores(change: impl Fn(&mut Scored)) -> ProposalFact {
    let mut scored = scored(15, Decision::Auto, 1);
    change(&mut scored);
    ProposalFact::Scored(scored)
}

#[test]
fn one_reasons_until_the_lease_runs_out_and_then_another_may() {
    let story = Story::of(&unhealthy(), None);
    let again = receives_again(60, "e-1", None);
    assert_eq!(
        story.refuses(60, Actor::Agent, &again),
        "takes a lease that still holds"
    );
    let taken = story
        .attempt(at(60).plus_millis(1), Actor::Agent, &again)
        .unwrap();
    let State::Reasoning(lease) = taken.proposal().state() else {
        panic!("{:?}", taken.proposal().state())
    };
    assert_eq!((lease.until, lease.record), (at(120), taken.last().digest));
    assert_eq!(
        taken.refuses(120, Actor::Agent, &again),
        "takes a lease that still holds"
    );
}

#[test]
fn whoever_takes_the_lease_over_reasons_about_the_same_trouble() {
    let story = Story::of(&unhealthy(), None);
    let mut fact = receives_again(61, "e-2", Some("alice"));
    let taken = story.clone().then(61, Actor::Agent, &fact);
    assert!(taken.proposal().has_seen(&id("e-1")) && taken.proposal().has_seen(&id("e-2")));
    assert!(
        taken.proposal().requesters().contains(&id("alice")),
        "who triggered it has no vote"
    );
    if let ProposalFact::Received(received) = &mut fact {
        received.event = event("provider.unhealthy", serde_json::json!({"provider": "mistral"}));
    }
    assert_eq!(
        story.refuses(61, Actor::Agent, &fact),
        "received an event of another trouble"
    );
}

#[test]
fn a_repetition_is_remembered_and_their_number_is_bounded() {
    let mut story = Story::of(&unhealthy(), None);
    assert!(story.proposal().has_seen(&id("e-1")) && !story.proposal().has_seen(&id("e-2")));
    for number in 0..50 {
        assert!(story.proposal().takes_repeats(), "{number}");
        let mut fact = facts(story.proposal(), Kind::Repeated, at(1)).remove(0);
        if let ProposalFact::Repeated(repeated) = &mut fact {
            repeated.event_id = id(&format!("again-{number}"));
        }
        story = story.then(1, Actor::Agent, &fact);
    }
    assert!(story.proposal().has_seen(&id("again-49")));
    assert!(!story.proposal().takes_repeats());
}

#[test]
fn a_policy_approves_only_at_or_below_its_threshold_with_auto_approve_on() {
    let story = proposed(breaks(300));
    for (score, threshold, auto_approve, legal) in [
        (39, 40, true, true),
        (40, 40, true, true),
        (41, 40, true, false),
        (40, 40, false, false),
        (5, 40, false, false),
    ] {
        let fact = ProposalFact::Scored(Scored {
            threshold,
            auto_approve,
            ..scored(score, Decision::Auto, 1)
        });
        match story.attempt(at(20), Actor::Agent, &fact) {
            Ok(next) => assert!(legal && next.proposal().state().name() == "approved"),
            Err(err) => {
                assert!(!legal, "{err}");
                assert_eq!(err.problem, "approves by itself what a person must approve");
            }
        }
    }
}

#[test]
fn a_score_lies_between_the_floor_and_a_hundred() {
    let story = proposed(breaks(300));
    for (score, legal) in [(4, false), (5, true), (100, true), (101, false)] {
        let fact = ProposalFact::Scored(scored(score, Decision::Gate, 1));
        assert_eq!(
            story.attempt(at(20), Actor::Agent, &fact).is_ok(),
            legal,
            "{score}"
        );
    }
}

#[test]
fn each_decision_has_its_own_deadline_and_no_other() {
    let story = proposed(breaks(300));
    for decision in [Decision::Gate, Decision::Auto, Decision::Shadow] {
        for deadline in [None, Some(at(1800))] {
            for valid_until in [None, Some(at(900))] {
                let fact = scores(|scored| {
                    scored.decision = decision;
                    (scored.deadline, scored.valid_until) = (deadline, valid_until);
                });
                let legal = story.attempt(at(20), Actor::Agent, &fact).is_ok();
                let fits = (deadline.is_some(), valid_until.is_some())
                    == (decision == Decision::Gate, decision == Decision::Auto);
                assert_eq!(legal, fits, "{decision:?} {deadline:?} {valid_until:?}");
            }
        }
    }
}

#[test]
fn what_is_only_watched_ends_with_its_score() {
    let fact = ProposalFact::Scored(scored(15, Decision::Shadow, 1));
    let story = proposed(breaks(300)).then(20, Actor::Agent, &fact);
    assert_eq!(*story.proposal().state(), State::Closed(Outcome::Shadow));
    assert_eq!(story.proposal().settled_at(), Some(at(20)));
}

#[test]
fn an_entry_is_legal_or_says_why_and_never_goes_back_in_time() {
    let story = proposed(breaks(300));
    let proposal = story.proposal();
    let entry = proposal.entry(at(3), Actor::Agent, &gate(1)).unwrap();
    assert_eq!(entry.at, at(10), "a clock behind the last record's is held to it");
    assert_eq!(entry.seq, 3);
    assert_eq!(entry.prev, Some(story.last().digest));
    let err = proposal
        .entry(at(20), person("alice"), &approves(proposal))
        .unwrap_err();
    assert_eq!(
        err.to_string(),
        "record 3 (approved) is illegal in state proposed: it does not belong here"
    );
}

#[test]
fn a_stream_expires_after_its_longest_life_and_the_tiers_retention() {
    let story = succeeded(breaks(300));
    let until = u64::try_from(at((30 + 365) * 86_400).as_seconds()).unwrap();
    assert!(
        story
            .records
            .iter()
            .all(|record| record.expires_at == Some(until))
    );
}
