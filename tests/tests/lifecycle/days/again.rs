//! What comes again: the same alert unchanged, one id with other values, and what came while nobody could judge it.

use domain::action::ActionKind;
use domain::trail::generation::{Course, Ending, Tried};

use super::*;

#[test]
fn an_alert_that_says_the_same_again_and_again_is_no_single_delivery() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let same = |_| json!({"event_id": "alert-1", "occurred_at": Value::Null});
        day.passes(240, &same, approves).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, fruitless, 1 events more
              30 min  #2 circuit_break_provider: restored, fruitless, 2 events more
              75 min  #3 declined, fruitless: declined, paged, 10 events more
            3 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 3 pages, 16 messages in all
        "#]]).await;
    });
}

#[test]
fn an_alert_of_one_id_with_another_value_each_time_is_recorded_so_often_and_no_more() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        // Nobody is to be called for it: it hardly becomes worse.
        let varies = |minute: u64| {
            json!({"event_id": "alert-1", "occurred_at": Value::Null,
                   "error_rate": format!("0.62{minute:04}").parse::<f64>().unwrap()})
        };
        day.passes(240, &varies, nobody).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 45 events more
              46 min  #2 circuit_break_provider: expired, fruitless, 50 events more
             107 min  #3 declined, fruitless: declined, paged, 50 events more
            3 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 3 pages, 100 messages in all
        "#]]).await;
    });
}

#[test]
fn what_is_worse_and_comes_during_a_pause_is_judged_after_it() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        day.world.pause("a release").await;
        let reports = |minute: u64| match minute {
            0 => json!({"error_rate": 0.04}),
            1 => json!({}),
            _ => Value::Null,
        };
        let resumes = async |world: &World, minute: u64| {
            if minute == 5 {
                world.resume().await;
            }
        };
        day.passes(10, &reports, resumes).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: awaiting_approval, –, 0 events more
            1 proposals, 1 questions to models for 0.010500 USD, 1 decisions asked, 0 pages, 1 messages in all
        "#]])
            .await;
    });
}

#[test]
fn what_was_turned_down_and_becomes_worse_during_a_pause_is_asked_after_it() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        fails(&day.world, 260_000);
        let meanwhile = async |world: &World, minute: u64| match minute {
            0 => {
                let id = world.proposals().remove(0);
                world.reject("alice", &id).await;
                world.pause("a release").await;
                fails(world, 950_000);
            }
            5 => world.resume().await,
            _ => {}
        };
        let reports = |minute: u64| match minute {
            0 => json!({"error_rate": 0.26}),
            2 => json!({"error_rate": 0.95}),
            _ => Value::Null,
        };
        day.passes(10, &reports, meanwhile).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: rejected, turneddown, 0 events more
               2 min  #2 circuit_break_provider: awaiting_approval, –, 0 events more
            2 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 0 pages, 3 messages in all
        "#]])
            .await;
    });
}

#[test]
fn what_the_policy_only_watched_is_asked_once_it_does_not_any_more() {
    let course = |ended| {
        let tried = Tried {
            proposal: "gnr4sqzfryd4gg3mhvufxxmnmg-1".parse().unwrap(),
            action: Some(ActionKind::CircuitBreakProvider),
            targets: Vec::new(),
            ended,
            at: World::new(sample::inventory()).clock.now(),
        };
        Course::default().after(tried, None, false)
    };
    let turned_down = |ended| {
        course(ended)
            .turned_down(ActionKind::CircuitBreakProvider, &[])
            .is_some()
    };
    assert!(turned_down(Ending::TurnedDown) && !turned_down(Ending::Watched));
    assert_eq!(
        course(Ending::Watched).wait_s(Ending::Watched, 900),
        1800,
        "it backs off all the same"
    );
    // A person's no outlives whatever nobody was asked about.
    let mut long = course(Ending::TurnedDown);
    for _ in 0..20 {
        let [watched] = course(Ending::Watched).tried.try_into().unwrap();
        long = long.after(watched, None, false);
    }
    let asked = long.turned_down(ActionKind::CircuitBreakProvider, &[]);
    assert!(asked.is_some(), "{long:?}");
    assert_eq!(long.tried.len(), 6);
}

#[test]
fn who_acknowledges_an_older_call_is_heard_as_well() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let sees_to_it = async |world: &World, minute: u64| {
            if minute < 290 {
                return approves(world, minute).await;
            }
            if minute != 300 {
                return;
            }
            let mut calls = Vec::new();
            for id in world.proposals() {
                let proposal = world.proposal(&id).await;
                calls.extend(
                    proposal
                        .call()
                        .map(|call| (proposal.opened_at(), id, call.record)),
                );
            }
            calls.sort();
            assert_eq!(calls.len(), 2, "they were called twice");
            let (_, id, record) = calls.remove(0);
            let done = [(REASON, "failed over by hand")];
            let answer = world
                .fills_in_about("bob", Does::Acknowledge, &id, record, &done, &Cutter::never())
                .await;
            assert!(answer.text().contains("as a new one"), "{answer:?}");
        };
        day.passes(303, &every_minute, sees_to_it).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, fruitless, 18 events more
              19 min  #2 circuit_break_provider: restored, fruitless, 33 events more
              53 min  #3 declined, fruitless: declined, seento, 50 events more
             294 min  #4 declined, fruitless: declined, paged, 6 events more
             301 min  #5 circuit_break_provider: awaiting_approval, –, 1 events more
            5 proposals, 3 questions to models for 0.031500 USD, 3 decisions asked, 4 pages, 68 messages in all
        "#]]).await;
    });
}

#[test]
fn two_claims_that_outdo_each_other_by_turns_are_not_judged_by_turns() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        day.world.pause("a release").await;
        let reports = |minute: u64| match minute % 2 {
            0 => json!({"error_rate": 0.3, "severity": "critical"}),
            _ => json!({"error_rate": 0.6, "severity": "info"}),
        };
        day.passes(40, &reports, nobody).await;
        let id = day.world.proposals().remove(0);
        let kinds = day.world.kinds(&id).await;
        let judged = kinds.iter().filter(|kind| *kind == "received").count();
        assert!(judged <= 2, "{kinds:?}");
    });
}
