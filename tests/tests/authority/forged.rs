//! A forged record of every kind, by everybody who may not say it, and every wrong signature of whoever may.

use std::collections::BTreeMap;

use domain::proposal::{Approved, Failed, Restored, State, Voted};
use domain::trail::author::{authors_of, kinds_of, signed_by};
use domain::trail::{Authority, SetAside, Signature};
use domain::value::{Digest, Fingerprint};
use testkit::story::{self, Story};

use super::*;

/// Bodies of every kind of a proposal's records that a story has; others are empty.
fn bodies() -> BTreeMap<String, String> {
    let stories = Story::in_every_state().into_iter();
    let records = stories.flat_map(|story| story.records().to_vec());
    let more = Story::undo_approved().records().to_vec();
    records
        .chain(more)
        .map(|record| (record.kind, record.body))
        .collect()
}

/// A yes to what waits, as good as a person's.
async fn yes(world: &World, id: &ProposalId) -> Approved {
    Approved {
        scored: world.shown(id).await,
        policy: Digest::of(b"policy"),
        valid_until: world_now(world).plus_seconds(600),
        not_before: None,
        paused_before_ms: 0,
        extension: None,
        decider: None,
    }
}

/// The body of a kind that is worth most where this proposal stands.
async fn best(world: &World, id: &ProposalId, kind: &str, bodies: &BTreeMap<String, String>) -> String {
    let waits = world.state(id).await == "awaiting_approval";
    let proposal = world.proposal(id).await;
    match kind {
        "approved" if waits => ProposalFact::Approved(yes(world, id).await).body(),
        "voted" if waits => ProposalFact::Voted(Voted {
            scored: world.shown(id).await,
            policy: Digest::of(b"policy"),
            extension: None,
            decider: None,
        })
        .body(),
        "restored" => match proposal.state().execution() {
            Some(execution) => ProposalFact::Restored(Restored {
                readings: restored(&execution.plan),
            })
            .body(),
            None => "{}".to_owned(),
        },
        _ => bodies.get(kind).cloned().unwrap_or_else(|| "{}".to_owned()),
    }
}

fn restored(plan: &domain::action::Plan) -> Vec<domain::inventory::Reading> {
    let reading = |change: &domain::inventory::Change| domain::inventory::Reading {
        target: change.target.clone(),
        value: change.before.clone(),
    };
    plan.changes.iter().map(reading).collect()
}

/// Inserts a record that does not hold, and lets everything run.
async fn starts_nothing_and_is_named(world: &World, record: Record, what: &str) {
    let (stream, seq) = (record.stream.clone(), record.seq);
    world.trail.forge(record);
    world.run_until_quiet().await;
    world.advance(120).await;
    assert_eq!(world.gateway.writes().len(), 0, "{what} started something");
    assert!(is_named(world, &stream, seq).await, "{what} is not named");
}

#[tokio::test]
async fn nothing_starts_from_a_record_of_any_kind_by_whoever_may_not_say_it() {
    let (world, id) = waiting().await;
    let (stream, bodies) = (StreamId::Proposal(id.clone()), bodies());
    for (kind, authors) in kinds_of(&stream) {
        for author in Author::ALL.into_iter().filter(|author| !authors.contains(author)) {
            let fork = world.fork();
            let body = best(&fork, &id, kind, &bodies).await;
            let record = behind(&fork, &stream, kind, &body, author).await;
            starts_nothing_and_is_named(&fork, record, &format!("{kind} by {author}")).await;
            assert_eq!(
                as_far_as_it_holds(&fork, &id).await.state().name(),
                "awaiting_approval"
            );
        }
    }
}

#[tokio::test]
async fn nothing_stays_in_force_for_a_record_of_any_kind_by_whoever_may_not_say_it() {
    let (world, id) = in_force().await;
    let (stream, bodies) = (StreamId::Proposal(id.clone()), bodies());
    for (kind, authors) in kinds_of(&stream) {
        for author in Author::ALL.into_iter().filter(|author| !authors.contains(author)) {
            let fork = world.fork();
            fork.gateway.change(|inventory| block(inventory, "openai"));
            let body = best(&fork, &id, kind, &bodies).await;
            let record = behind(&fork, &stream, kind, &body, author).await;
            let seq = record.seq;
            fork.trail.forge(record);
            fork.advance(BREAK_S - 2).await;
            assert!(
                is_blocked(&fork, "openai"),
                "{kind} by {author} ended it before its time"
            );
            fork.advance(10).await;
            assert!(
                !is_blocked(&fork, "openai"),
                "{kind} by {author} kept it in force"
            );
            fork.advance(120).await;
            assert!(
                is_named(&fork, &stream, seq).await,
                "{kind} by {author} is not named"
            );
        }
    }
}

fn block(inventory: &mut domain::inventory::Inventory, provider: &str) {
    for one in &mut inventory.providers {
        if one.id.as_str() == provider {
            one.blocked = true;
        }
    }
}

/// What is wrong with a signature of whoever may say it.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    None,
    OfTheOthersKey,
    OfAnotherRecord,
    OverAnotherBody,
    OfAnUnknownKey,
    Garbage,
}

fn spoil(wrong: Wrong, record: &mut Record, right: Authority) {
    let other = match right {
        Authority::Decisions => Authority::Operators,
        Authority::Operators => Authority::Decisions,
    };
    record.signature = match wrong {
        Wrong::None => None,
        Wrong::OfTheOthersKey => Some(keys::sign(other, &record.digest)),
        Wrong::OfAnotherRecord => Some(keys::sign(right, &Digest::of(b"another stream's record"))),
        Wrong::OverAnotherBody => {
            let good = keys::sign(right, &record.digest);
            record.body.push(' ');
            record.digest = record.computed_digest();
            Some(good)
        }
        Wrong::OfAnUnknownKey => Some(Signature {
            key: "key/of-last-year".to_owned(),
            ..keys::sign(right, &record.digest)
        }),
        Wrong::Garbage => Some(Signature {
            key: keys::sign(right, &record.digest).key,
            value: "AAAA".to_owned(),
        }),
    };
}

const WRONG: [Wrong; 6] = [
    Wrong::None,
    Wrong::OfTheOthersKey,
    Wrong::OfAnotherRecord,
    Wrong::OverAnotherBody,
    Wrong::OfAnUnknownKey,
    Wrong::Garbage,
];

#[tokio::test]
async fn a_decision_by_the_callback_itself_needs_a_signature_that_is_good_for_it() {
    let (world, id) = waiting().await;
    let (stream, bodies) = (StreamId::Proposal(id.clone()), bodies());
    for (kind, _) in kinds_of(&stream) {
        let Some(by) = signed_by(&stream, kind) else {
            continue;
        };
        for wrong in WRONG {
            let fork = world.fork();
            let body = best(&fork, &id, kind, &bodies).await;
            let mut record = behind(&fork, &stream, kind, &body, Author::Callback).await;
            spoil(wrong, &mut record, by);
            starts_nothing_and_is_named(&fork, record, &format!("{kind}, {wrong:?}")).await;
        }
    }
}

#[tokio::test]
async fn the_same_yes_with_the_right_signature_starts_it() {
    let (world, id) = waiting().await;
    let fact = ProposalFact::Approved(yes(&world, &id).await);
    let mut record = fact_behind(&world, &id, &fact, Author::Callback).await;
    record.signature = Some(keys::sign(Authority::Decisions, &record.digest));
    world.trail.forge(record);
    world.run_until_quiet().await;
    assert_eq!(
        world.breaks("openai"),
        1,
        "or the other tests would prove nothing"
    );
}

#[tokio::test]
async fn no_record_of_control_counts_that_no_operator_signed() {
    let (world, id) = waiting().await;
    world.pause("a release").await;
    let before = load_control(world.port()).await.unwrap();
    let resumed = before.resume(world_now(&world)).unwrap();
    for (kind, authors) in kinds_of(&StreamId::Control) {
        for author in Author::ALL {
            let wrongs = match authors.contains(&author) {
                true => WRONG.to_vec(),
                false => vec![Wrong::None, Wrong::OfTheOthersKey],
            };
            for wrong in wrongs {
                let fork = world.fork();
                let mut record = behind(&fork, &StreamId::Control, kind, &resumed.body(), author).await;
                spoil(wrong, &mut record, Authority::Operators);
                let seq = record.seq;
                fork.trail.forge(record);
                fork.advance(120).await;
                let control = load_control(fork.port()).await.unwrap();
                assert_eq!(
                    control.switches.paused, before.switches.paused,
                    "{kind} by {author}, {wrong:?}"
                );
                assert!(
                    is_named(&fork, &StreamId::Control, seq).await,
                    "{kind} by {author}, {wrong:?}"
                );
                let told = fork.approve("alice", &id).await;
                assert!(told.text().contains("paused"), "{told:?}");
                // A signed record overrules it.
                fork.resume().await;
                assert_eq!(load_control(fork.port()).await.unwrap().switches.paused, None);
            }
        }
    }
}

#[tokio::test]
async fn no_record_of_guard_counts_by_whoever_may_not_say_it() {
    let (world, _) = waiting().await;
    for (kind, authors) in kinds_of(&StreamId::Guard) {
        for author in Author::ALL.into_iter().filter(|author| !authors.contains(author)) {
            let fork = world.fork();
            let body = r#"{"automatic_off":{"reason":"a forgery"},"paused":{"since":"2026-11-22T10:00:00Z","reason":"a forgery"}}"#;
            let record = behind(&fork, &StreamId::Guard, kind, body, author).await;
            let seq = record.seq;
            fork.trail.forge(record);
            let control = load_control(fork.port()).await.unwrap();
            assert_eq!(
                (control.switches.automatic_off, control.switches.paused),
                (None, None)
            );
            fork.advance(60).await;
            assert!(is_named(&fork, &StreamId::Guard, seq).await, "{kind} by {author}");
        }
    }
}

#[tokio::test]
async fn nothing_starts_on_a_target_of_which_nobody_knows_who_holds_it_and_set_aside_lets_it_go_on() {
    let (world, id) = waiting().await;
    let target = StreamId::Target(sample::target("provider", "openai"));
    for (kind, authors) in kinds_of(&target) {
        for author in Author::ALL.into_iter().filter(|author| !authors.contains(author)) {
            let fork = world.fork();
            let body = format!(
                r#"{{"proposal":"{id}","fence":1,"lease_until":"2026-11-22T10:00:00Z","restore_at":null,"taking_back":false}}"#
            );
            let record = behind(&fork, &target, kind, &body, author).await;
            let seq = record.seq;
            fork.trail.forge(record);
            fork.approve("alice", &id).await.text();
            fork.run_until_quiet().await;
            fork.advance(70).await;
            assert_eq!(
                fork.gateway.writes().len(),
                0,
                "{kind} by {author} started something"
            );
            assert!(is_named(&fork, &target, seq).await, "{kind} by {author}");
            set_aside(&fork, &target, seq).await;
            fork.advance(130).await;
            assert_eq!(fork.breaks("openai"), 1, "after {kind} by {author} was set aside");
        }
    }
}

async fn set_aside(world: &World, stream: &StreamId, seq: Seq) {
    let control = load_control(world.port()).await.unwrap();
    let aside = SetAside {
        stream: stream.clone(),
        seq,
        reason: "of the test".to_owned(),
    };
    world.switch(control.set_aside(aside).unwrap()).await;
}

#[tokio::test]
async fn a_forged_record_of_a_trouble_or_of_a_limit_is_named_and_freezes_nothing() {
    let (world, id) = waiting().await;
    let incident = StreamId::Incident(id.fingerprint().clone());
    let limit = StreamId::Limit {
        name: "automatic".to_owned(),
        window: world_now(&world).hour(),
    };
    for stream in [incident, limit] {
        for (kind, authors) in kinds_of(&stream) {
            for author in Author::ALL.into_iter().filter(|author| !authors.contains(author)) {
                let fork = world.fork();
                let body = format!(r#"{{"generation":900,"proposal":"{id}","of":1}}"#);
                let record = behind(&fork, &stream, kind, &body, author).await;
                let seq = record.seq;
                fork.trail.forge(record);
                let event = sample::provider_unhealthy_text("openai");
                fork.send(&sample::with_event_id(&event, "evt-2"));
                fork.advance(70).await;
                assert!(is_named(&fork, &stream, seq).await, "{kind} by {author}");
                assert_eq!(fork.proposal(&id).await.repeats(), 1, "it joins the current one");
                assert_eq!(fork.proposals().len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_restored_that_execution_itself_forged_leaves_no_provider_blocked() {
    for forged in ["restored", "failed"] {
        let (world, id) = in_force().await;
        let plan = world
            .proposal(&id)
            .await
            .state()
            .execution()
            .unwrap()
            .plan
            .clone();
        let fact = match forged {
            "restored" => {
                // At its end, before whoever is to take it back.
                world.clock.advance(std::time::Duration::from_secs(BREAK_S));
                ProposalFact::Restored(Restored {
                    readings: restored(&plan),
                })
            }
            _ => ProposalFact::Failed(Failed {
                reason: "a forgery".to_owned(),
                readings: restored(&plan),
            }),
        };
        let mut record = fact_behind(&world, &id, &fact, Author::Execution).await;
        record.actor = Actor::Agent;
        record.digest = record.computed_digest();
        world.trail.forge(record);
        until_after_the_end(&world).await;
        assert!(!is_blocked(&world, "openai"), "{forged}");
    }
}

#[tokio::test]
async fn what_a_person_blocked_since_is_left_alone() {
    let (world, _) = in_force().await;
    world.settle().await;
    assert!(!is_blocked(&world, "openai"));
    world.advance(180).await;
    world.gateway.change(|inventory| block(inventory, "openai"));
    world.advance(1_200).await;
    assert!(is_blocked(&world, "openai"));
}

#[tokio::test]
async fn a_proposal_goes_on_once_what_does_not_hold_is_set_aside() {
    let (world, id) = waiting().await;
    let stream = StreamId::Proposal(id.clone());
    let rejected = story::breaks();
    let body = Story::rejected(rejected).last().body.clone();
    let record = behind(&world, &stream, "rejected", &body, Author::Notification).await;
    let seq = record.seq;
    world.trail.forge(record);
    let told = world.approve("alice", &id).await;
    assert!(told.text().contains("sre-agent set-aside"), "{told:?}");
    set_aside(&world, &stream, seq).await;
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.breaks("openai"), 1);
    let records = world.trail.seen(&stream).await;
    let proposal = Proposal::read(&records, world.port().keys(), &[seq]).unwrap();
    assert!(matches!(proposal.state(), State::Succeeded(_)));
}

#[tokio::test]
async fn a_trouble_is_answered_though_its_proposal_was_forged_from_the_first_record_on() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let event = sample::provider_unhealthy("openai");
    let fingerprint: Fingerprint = event.fingerprint();
    let id = ProposalId::new(fingerprint, 1);
    let record = behind(&world, &StreamId::Proposal(id), "received", "{}", Author::Scoring).await;
    world.trail.forge(record);
    world.send(&sample::provider_unhealthy_text("openai"));
    world.advance(240).await;
    let ids = world.proposals();
    let waits = async |id: &ProposalId| {
        let stream = StreamId::Proposal(id.clone());
        let records = world.trail.seen(&stream).await;
        Proposal::read(&records, world.port().keys(), &[])
            .is_ok_and(|proposal| matches!(proposal.state(), State::AwaitingApproval(_)))
    };
    let mut answered = false;
    for id in &ids {
        answered |= waits(id).await;
    }
    assert!(answered, "{ids:?}");
}

#[test]
fn everybody_who_may_not_say_something_is_tried() {
    let id = sample::proposal_of(&sample::provider_unhealthy("openai"));
    let stream = StreamId::Proposal(id);
    for (kind, _) in kinds_of(&stream) {
        assert!(authors_of(&stream, kind).len() < Author::ALL.len(), "{kind}");
    }
}
