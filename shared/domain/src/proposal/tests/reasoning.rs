//! From the receipt to the score.

use serde_json::json;

use super::plausible::facts;
use crate::incident::{Badness, Measure, Severity};
use crate::proposal::{
    Decision, DeclineReason, Declined, Evidence, Expired, Kind, Outcome, ProposalFact, Received, Repeated,
    Scored, State, Verbatim, Worse,
};
use crate::samples::*;
use crate::trail::Actor;
use crate::trail::generation::{Course, Ending};
use crate::value::Ppm;

fn receives_again(seconds: u64, event_id: &str, by: Option<&str>) -> ProposalFact {
    ProposalFact::Received(Received {
        event: event("provider.unhealthy", serde_json::json!({"event_id": event_id})),
        verbatim: Verbatim::Inline("{}".to_owned()),
        occurred_at: at(seconds),
        lease_until: at(seconds + 60),
        requested_by: by.map(id),
        course: Course::default(),
        source: None,
        complaints: Vec::new(),
    })
}

/// Whether an event of this id is a redelivery.
fn has_seen(story: &Story, event_id: &str) -> bool {
    let event = event("provider.unhealthy", serde_json::json!({"event_id": event_id}));
    story.proposal().has_seen(&event, at(100))
}

#[test]
fn an_id_that_comes_with_other_content_or_a_day_later_is_another_event() {
    let story = Story::of(&unhealthy(), None);
    let proposal = story.proposal();
    assert!(proposal.has_seen(&unhealthy(), at(86_399)));
    assert!(!proposal.has_seen(&unhealthy(), at(86_400)));
    let other = event("provider.unhealthy", serde_json::json!({"error_rate": 0.9}));
    assert!(
        !proposal.has_seen(&other, at(1)),
        "an alert's name, at another firing"
    );
    let repeats = |content| {
        let mut fact = facts(proposal, Kind::Repeated, at(1)).remove(0);
        if let ProposalFact::Repeated(repeated) = &mut fact {
            (repeated.event_id, repeated.content) = (id("e-1"), content);
        }
        story.clone().then(1, Actor::Agent, &fact)
    };
    let counted = repeats(Some(other.content()));
    assert!(counted.proposal().has_seen(&other, at(2)));
    let older = repeats(None);
    assert!(
        older.proposal().has_seen(&other, at(2)),
        "older records tell only of the id"
    );
}

/// The story of a proposal that people are asked about, once it is reported worse.
fn worsened(value: u64, evidence: bool) -> Story {
    let story = awaiting(breaks(300), 1);
    let known = story.proposal().proposed().unwrap().evidence.clone();
    let worse = Worse {
        badness: Badness {
            severity: Severity::Critical,
            measure: Measure::FailedPpm,
            value,
        },
        told: "provider openai fails 95.0 %".to_owned(),
        evidence: evidence.then(|| {
            Box::new(Evidence {
                traffic_share: Ppm(999_999),
                ..known
            })
        }),
    };
    let repeated = Repeated {
        event_id: id("e-2"),
        occurred_at: at(30),
        content: None,
        source: None,
        complaints: Vec::new(),
        worse: Some(worse),
    };
    story.then(30, Actor::Agent, &ProposalFact::Repeated(repeated))
}

#[test]
fn what_becomes_worse_while_people_are_asked_is_scored_again_on_what_is_known_then() {
    let story = worsened(950_000, true);
    let proposal = story.proposal();
    assert_eq!(*proposal.state(), State::Proposed);
    assert_eq!(proposal.proposed().unwrap().evidence.traffic_share, Ppm(999_999));
    assert!(proposal.has_just_worsened());
    assert_eq!(proposal.worst().unwrap().value, 950_000);
    let repeats = facts(proposal, Kind::Repeated, at(31)).remove(0);
    let later = story.clone().then(31, Actor::Agent, &repeats);
    assert!(!later.proposal().has_just_worsened());
    let without = worsened(950_000, false);
    assert_eq!(without.proposal().state().name(), "awaiting_approval");
}

#[test]
fn what_the_gateway_never_bore_out_is_outdone_by_whatever_it_does() {
    let of = |value| Badness {
        severity: Severity::Critical,
        measure: Measure::FailedPpm,
        value,
    };
    let declines = |borne_out| {
        let declined = ProposalFact::Declined(Declined {
            reason: DeclineReason::NothingToDo,
            explanation: "so".to_owned(),
            proposer: None,
            borne_out,
        });
        Story::of(&unhealthy(), None).then(5, Actor::Agent, &declined)
    };
    // Its sender claims 62 %.
    let unproven = declines(None);
    assert_eq!(unproven.proposal().worst(), None);
    assert!(unproven.proposal().is_outdone_by(of(100_000)));
    assert_eq!(unproven.proposal().course_after(at(2_000)).worst, None);
    let seen = declines(Some(Badness {
        severity: Severity::Critical,
        ..of(260_000)
    }));
    assert!(!seen.proposal().is_outdone_by(of(510_000)) && seen.proposal().is_outdone_by(of(520_000)));
    assert_eq!(seen.proposal().course_after(at(2_000)).worst, Some(of(260_000)));
}

/// An automatic approval that has run out so often, the last time with this said of it.
fn gone_round(times: u64, closes: bool) -> Result<Story, String> {
    let mut story = proposed(breaks(300));
    let mut now = 20;
    for round in 1..=times {
        let mut scored = scored(15, Decision::Auto, 1);
        scored.valid_until = Some(at(now + 900));
        story = story.then(now, Actor::System, &ProposalFact::Scored(scored));
        now += 901;
        assert_eq!(story.proposal().expires_for_good(), round > 2, "round {round}");
        let expired = ProposalFact::Expired(Expired {
            deadline: at(now - 1),
            extension: None,
            closes: closes && round == times,
        });
        story = story
            .attempt(at(now), Actor::System, &expired)
            .map_err(|err| err.problem)?;
    }
    Ok(story)
}

#[test]
fn what_is_approved_and_never_starts_goes_round_twice_and_is_closed() {
    let closed = gone_round(3, true).unwrap();
    assert_eq!(closed.proposal().state().name(), "expired");
    assert_eq!(closed.proposal().ending(), Some(Ending::Fruitless));
    assert_eq!(
        gone_round(2, true).unwrap_err(),
        "closes what may still be asked about again"
    );
    // Older records do not close: they were scored again, and read as they were.
    let older = gone_round(4, false).unwrap();
    assert_eq!(older.proposal().state().name(), "proposed");
}

#[test]
fn what_was_declined_for_its_event_counts_as_no_outbreak() {
    let course_after = |reason: DeclineReason| {
        let declined = ProposalFact::Declined(Declined {
            reason,
            explanation: "so".to_owned(),
            proposer: None,
            borne_out: None,
        });
        let story = Story::of(&unhealthy(), None).then(5, Actor::Agent, &declined);
        story.proposal().course_after(at(2_000))
    };
    assert!(course_after(DeclineReason::Contradiction).is_new());
    assert!(course_after(DeclineReason::Unconfirmed).is_new());
    assert_eq!(course_after(DeclineReason::NothingToDo).turned_down, 1);
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
    assert!(has_seen(&taken, "e-1") && has_seen(&taken, "e-2"));
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
    assert!(has_seen(&story, "e-1") && !has_seen(&story, "e-2"));
    for number in 0..50 {
        assert!(story.proposal().takes_repeats(), "{number}");
        let mut fact = facts(story.proposal(), Kind::Repeated, at(1)).remove(0);
        if let ProposalFact::Repeated(repeated) = &mut fact {
            repeated.event_id = id(&format!("again-{number}"));
        }
        story = story.then(1, Actor::Agent, &fact);
    }
    assert!(has_seen(&story, "again-49"));
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

#[test]
fn what_was_taken_again_after_another_content_of_its_id_reads_as_it_was() {
    // One id with two values by turns, each declined for what it was: older agents wrote that.
    let with_rate = |rate: f64| {
        event(
            "provider.unhealthy",
            json!({"event_id": "alert", "error_rate": rate}),
        )
    };
    let declined = ProposalFact::Declined(Declined {
        reason: DeclineReason::Unconfirmed,
        explanation: "so".to_owned(),
        proposer: None,
        borne_out: None,
    });
    let mut story = Story::of(&with_rate(0.62), None).then(5, Actor::Agent, &declined);
    for (second, rate) in [(200, 0.63), (400, 0.62)] {
        let mut received = story.proposal().received().clone();
        received.event = with_rate(rate);
        received.lease_until = at(second + 60);
        story = story
            .then(second, Actor::Agent, &ProposalFact::Received(received))
            .then(second + 5, Actor::Agent, &declined);
    }
    let again = ProposalFact::Received(story.proposal().received().clone());
    let judged_twice = story.attempt(at(500), Actor::Agent, &again);
    assert!(judged_twice.is_err(), "the last one is not judged twice");
}
