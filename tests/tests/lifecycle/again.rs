//! At the start everything is asked again: a pause, a clock, a policy or a directory that went on meanwhile start
//! nothing.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::sync::Arc;
use std::time::Duration;

use domain::inventory::Inventory;
use domain::message::Lane;
use domain::permission::{Circumstances, Directory, Principal, Resource, Rules, Verb, Verdict};
use domain::policy::{Freeze, LocalTime};
use domain::ports::Clock;
use domain::proposal::State;
use domain::trail::StreamId;
use domain::value::ProposalId;
use serde_json::json;
use testkit::{Cutter, sample};
use tests::{World, walk};

/// A break of a failing openai that the policy approved, and that did not start yet. It is 10:01:30.
async fn approved_by_policy(change: impl FnOnce(&mut World)) -> (World, ProposalId) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.weigh_nothing();
    world.deployment.auto_approve = true;
    change(&mut world);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    until_scored(&world).await;
    assert_eq!(world.state(&id).await, "approved");
    (world, id)
}

/// Everything but execution gets its messages.
async fn until_scored(world: &World) {
    let cutter = Cutter::never();
    let mut moved = true;
    while moved {
        moved = world.turn_stream(&cutter).await;
        moved |= world.turn_bus();
        moved |= world.deliver(Lane::Ingest, &cutter).await;
        moved |= world.deliver(Lane::Scoring, &cutter).await;
    }
}

/// A freeze from a minute of ten o'clock until midnight.
fn freezes(world: &World, minute: u8) {
    let time = |text: String| LocalTime::try_from(text).unwrap();
    let freeze = Freeze {
        name: "release".to_owned(),
        from: time(format!("2026-11-22T10:{minute:02}")),
        to: time("2026-11-23T00:00".to_owned()),
    };
    world
        .policies
        .change(|in_force| in_force.policy.freeze = vec![freeze]);
}

/// Why a proposal was refused.
async fn refused(world: &World, id: &ProposalId) -> String {
    assert_eq!(world.state(id).await, "refused", "{}", world.story().await);
    assert_eq!(world.gateway.writes(), []);
    world.proposal(id).await.because().unwrap().to_owned()
}

#[tokio::test]
async fn a_pause_carries_no_automatic_approval_into_a_freeze() {
    let (world, id) = approved_by_policy(|world| freezes(world, 5)).await;
    world.pause("a look at something").await;
    world.advance(600).await;
    world.resume().await;
    world.advance(120).await;
    assert_eq!(
        world.kinds(&id).await,
        ["received", "proposed", "scored", "expired", "scored"],
        "scored again, in the freeze"
    );
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.gateway.writes(), []);
}

#[tokio::test]
async fn no_pause_makes_an_approval_good_for_longer() {
    // What the policy approved runs when it is scored again; people are asked again, about another record.
    let (world, id) = approved_by_policy(|_| {}).await;
    world.pause("a look at something").await;
    world.advance(1200).await;
    assert_eq!(
        world.state(&id).await,
        "proposed",
        "its approval ran out meanwhile"
    );
    world.resume().await;
    world.advance(120).await;
    assert_eq!(
        world.kinds(&id).await[..6],
        ["received", "proposed", "scored", "expired", "scored", "started"]
    );

    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let shown = world.shown(&id).await;
    world.approve("alice", &id).await.text();
    world.pause("a look at something").await;
    world.advance(1200).await;
    world.resume().await;
    world.advance(120).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_ne!(world.shown(&id).await, shown);
    assert_eq!(world.gateway.writes(), []);
}

#[tokio::test]
async fn an_approval_that_outlives_a_pause_starts_after_it() {
    let (world, id) = approved_by_policy(|_| {}).await;
    world.pause("a look at something").await;
    world.advance(300).await;
    world.resume().await;
    world.advance(120).await;
    assert_eq!(
        world.kinds(&id).await[..4],
        ["received", "proposed", "scored", "started"]
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn an_approval_that_runs_out_while_it_is_checked_expires_and_is_no_poison() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    let State::Approved(approval) = world.proposal(&id).await.state().clone() else {
        panic!("it is approved");
    };
    world.clock.set(approval.valid_until);
    let target = StreamId::Target(sample::target("provider", "openai"));
    let cutter = Cutter::gives_way();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Execution, &cutter).await;
    });
    let mut late = false;
    while !walk::step(&mut task) {
        if !late && !walk::now(world.trail.seen(&target)).is_empty() {
            world.clock.advance(Duration::from_millis(200));
            late = true;
        }
    }
    drop(task);
    assert!(late, "it claimed its targets in time");
    assert_eq!(world.queue(Lane::Execution).dead(), []);
    assert_eq!(world.kinds(&id).await.last().unwrap(), "expired");
    assert_eq!(world.gateway.writes(), []);
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval", "and is asked again");
    world.assert_sound().await;
}

/// Rules that let nothing run by themselves after an instant, and let everything be approved.
struct Until(domain::value::Timestamp, testkit::FrozenClock);

impl Rules for Until {
    fn ask(&self, _: Verb, _: &Principal<'_>, _: &Resource<'_>, _: &Circumstances) -> Verdict {
        let allowed = self.1.now() <= self.0;
        Verdict {
            allowed,
            rules: Vec::new(),
            because: (!allowed).then(|| "it is too late for that".to_owned()),
        }
    }
}

#[tokio::test]
async fn rules_that_look_at_the_clock_are_asked_at_the_start() {
    let (world, id) = approved_by_policy(|world| {
        let until = Until(world.clock.now(), world.clock.clone());
        world.policies.change(|in_force| in_force.rules = Arc::new(until));
    })
    .await;
    world.clock.advance(Duration::from_secs(1));
    world.run_until_quiet().await;
    let because = refused(&world, &id).await;
    assert!(because.contains("it is too late for that"), "{because}");
}

#[tokio::test]
async fn what_the_switches_the_policy_and_the_deployment_say_by_now_counts() {
    type Change = fn(&mut World);
    let table: [(&str, Change); 8] = [
        ("decision: recorded auto, computed again gate", |world| {
            world.deployment.auto_approve = false
        }),
        ("threshold: recorded 40, computed again 14", |world| {
            world.deployment.risk_threshold = 14
        }),
        ("decision: recorded auto, computed again shadow", |world| {
            let kinds = domain::action::ActionKind::ALL.into();
            world.policies.change(|in_force| in_force.policy.shadow = kinds);
        }),
        ("factor change_freeze: recorded nothing", |world| {
            freezes(world, 0);
            world
                .policies
                .change(|in_force| in_force.policy.raises.change_freeze = domain::policy::Points::new(40));
        }),
        ("valid_until: recorded", |world| freezes(world, 4)),
        ("policy: recorded", |world| {
            world
                .policies
                .change(|in_force| in_force.digest = domain::value::Digest::of(b"another"));
        }),
        ("automatic: recorded", |world| {
            world.policies.change(|in_force| {
                in_force.policy.automatic.per_hour = domain::policy::Ranged::new(1);
            });
        }),
        ("approvals_needed: recorded 1, computed again 2", |world| {
            world.policies.change(|in_force| {
                let mut policy = serde_json::to_value(&in_force.policy).unwrap();
                policy["quorum"] = json!({"from": 10, "people": 2});
                in_force.policy = serde_json::from_value(policy).unwrap();
            });
        }),
    ];
    for (expected, change) in table {
        let (mut world, id) = approved_by_policy(|_| {}).await;
        change(&mut world);
        world.run_until_quiet().await;
        let because = refused(&world, &id).await;
        assert!(because.contains(expected), "{expected}: {because}");
        assert!(!world.topic.told().is_empty(), "and people are told");
    }
}

#[tokio::test]
async fn without_the_policy_in_force_nothing_starts_by_itself_and_nothing_is_closed() {
    let (world, id) = approved_by_policy(|_| {}).await;
    let gone = Some("the bucket is down".to_owned());
    world.policies.change(|in_force| in_force.instead_because = gone);
    world.advance(120).await;
    assert_eq!(world.state(&id).await, "approved");
    world.policies.change(|in_force| in_force.instead_because = None);
    world.advance(120).await;
    assert_ne!(world.gateway.writes(), []);
    world.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_confirmed_any_more_does_not_start_by_itself() {
    let (world, id) = approved_by_policy(|_| {}).await;
    world
        .gateway
        .change(|inventory| inventory.providers[0].requests = 0);
    world.run_until_quiet().await;
    refused(&world, &id).await;
}

/// The sample directory where something about alice is changed; `None` takes her out.
fn directory(change: impl Fn(&mut serde_json::Value) -> bool) -> Directory {
    let people = ["alice", "bob"].map(|id| {
        json!({"id": id, "name": id, "bot": false, "active": true, "groups": ["sre"],
               "slack": [{"team": sample::SLACK_TEAM, "user": if id == "alice" { sample::ALICE } else { sample::BOB }}]})
    });
    let mut kept = Vec::new();
    for mut person in people {
        if person["id"] != "alice" || change(&mut person) {
            kept.push(person);
        }
    }
    Directory::parse(&json!({ "operators": kept }).to_string()).unwrap()
}

/// A break that alice approved, and that did not start yet.
async fn approved_by_alice(inventory: Inventory) -> (World, ProposalId) {
    let world = World::new(inventory);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    assert_eq!(world.state(&id).await, "approved");
    (world, id)
}

#[tokio::test]
async fn everybody_who_approved_is_looked_up_and_asked_again_at_the_start() {
    type Change = fn(&World);
    let table: [(&str, Change); 8] = [
        ("is not in the operator directory", |world| {
            world.operators.set(directory(|_| false));
        }),
        ("is not active any more", |world| {
            world.operators.set(directory(|alice| {
                alice["active"] = json!(false);
                true
            }));
        }),
        ("is a bot", |world| {
            world.operators.set(directory(|alice| {
                alice["bot"] = json!(true);
                true
            }));
        }),
        (
            "alice approved it, and the policy does not allow that any more: no rule allows it",
            |world| {
                world.policies.change(|in_force| {
                    let mut policy = serde_json::to_value(&in_force.policy).unwrap();
                    policy["approvers"] = json!(["sre"]);
                    in_force.policy = serde_json::from_value(policy).unwrap();
                });
                world.operators.set(directory(|alice| {
                    alice["groups"] = json!(["sales"]);
                    true
                }));
            },
        ),
        (
            "1 approved it, and the policy in force asks for 2 different people",
            |world| {
                world.policies.change(|in_force| {
                    let mut policy = serde_json::to_value(&in_force.policy).unwrap();
                    policy["quorum"] = json!({"from": 10, "people": 2});
                    in_force.policy = serde_json::from_value(policy).unwrap();
                    in_force.digest = domain::value::Digest::of(b"another");
                });
            },
        ),
        ("the policy only watches this action", |world| {
            let kinds = domain::action::ActionKind::ALL.into();
            world.policies.change(|in_force| in_force.policy.shadow = kinds);
        }),
        (
            "the policy does not allow that any more: it is too late for that",
            |world| {
                let until = Until(sample::now(), world.clock.clone());
                world.policies.change(|in_force| in_force.rules = Arc::new(until));
            },
        ),
        (
            "people were shown another risk than evidence and policy give",
            |world| {
                world.policies.change(|in_force| {
                    in_force.policy.raises.critical_team = domain::policy::Points::new(50);
                    in_force.digest = domain::value::Digest::of(b"another");
                });
            },
        ),
    ];
    for (expected, change) in table {
        let (world, id) = approved_by_alice(sample::inventory_with_unhealthy("openai")).await;
        change(&world);
        world.run_until_quiet().await;
        let because = refused(&world, &id).await;
        assert!(because.contains(expected), "{expected}: {because}");
    }
    // A policy that sees less risk than people were shown, and a directory that says the same, change nothing.
    let (world, id) = approved_by_alice(sample::inventory_with_unhealthy("openai")).await;
    world.policies.change(|in_force| {
        in_force.policy = testkit::flat();
        in_force.digest = domain::value::Digest::of(b"another");
    });
    world.operators.set(directory(|_| true));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
}

#[tokio::test]
async fn without_the_directory_what_people_approved_waits_and_starts_later() {
    let (world, id) = approved_by_alice(sample::inventory_with_unhealthy("openai")).await;
    world.operators.outages.next(usize::MAX);
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "approved");
    world.operators.outages.end();
    world.advance(180).await;
    assert_ne!(world.gateway.writes(), []);
    world.assert_sound().await;
}
