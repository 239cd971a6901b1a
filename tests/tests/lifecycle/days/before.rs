//! What was before an outbreak: how long it counts, and what does not make it count longer.

use super::*;

/// Alice says no to whatever waits.
async fn rejects(world: &World, _: u64) {
    for id in world.proposals() {
        if matches!(world.proposal(&id).await.state(), State::AwaitingApproval(_)) {
            world.reject("alice", &id).await;
        }
    }
}

#[test]
fn what_was_turned_down_is_not_asked_again_all_day() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        day.passes(2 * DAY, &every_minute, rejects).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: rejected, turneddown, 16 events more
              17 min  #2 declined, asked_before: declined, turneddown, 30 events more
              48 min  #3 declined, asked_before: declined, turneddown, 50 events more
             109 min  #4 declined, asked_before: declined, turneddown, 50 events more
             230 min  #5 declined, asked_before: declined, turneddown, 50 events more
             471 min  #6 declined, asked_before: declined, turneddown, 50 events more
             712 min  #7 declined, asked_before: declined, turneddown, 50 events more
             953 min  #8 declined, asked_before: declined, turneddown, 50 events more
            1194 min  #9 declined, asked_before: declined, turneddown, 50 events more
            1435 min  #10 declined, asked_before: declined, turneddown, 50 events more
            1676 min  #11 declined, asked_before: declined, turneddown, 50 events more
            1917 min  #12 declined, asked_before: declined, turneddown, 50 events more
            2158 min  #13 declined, asked_before: declined, turneddown, 50 events more
            2399 min  #14 declined, asked_before: declined, turneddown, 50 events more
            2640 min  #15 declined, asked_before: declined, turneddown, 50 events more
            15 proposals, 14 questions to models for 0.147000 USD, 1 decisions asked, 0 pages, 18 messages in all
        "#]]).await;
    });
}

/// Two days later, when nothing was heard of it meanwhile.
async fn days_later(day: &Day) {
    for _ in 0..48 {
        day.world.advance(3_600).await;
    }
    fails(&day.world, 1_000_000);
    let reports = |minute: u64| match minute {
        0 => json!({"error_rate": 1.0, "event_id": "evt-later"}),
        _ => Value::Null,
    };
    day.passes(2, &reports, nobody).await;
}

#[test]
fn a_worthless_event_does_not_keep_what_was_turned_down_for_days() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let recovers = async |world: &World, minute: u64| {
            rejects(world, minute).await;
            if minute == 1 {
                fails(world, 0);
            }
        };
        let reports = |minute: u64| match minute {
            0 | 40 => json!({}),
            _ => Value::Null,
        };
        day.passes(60, &reports, recovers).await;
        days_later(&day).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: rejected, turneddown, 0 events more
              40 min  #2 declined, unconfirmed: declined, turneddown, 0 events more
            2940 min  #3 circuit_break_provider: awaiting_approval, –, 0 events more
            3 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 0 pages, 3 messages in all
        "#]])
            .await;
    });
}

#[test]
fn a_worthless_event_does_not_keep_what_was_tried_in_vain_for_days() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let recovers = async |world: &World, minute: u64| {
            approves(world, minute).await;
            if minute == 45 {
                fails(world, 0);
            }
        };
        let reports = |minute: u64| match minute {
            0..=40 | 200 => json!({}),
            _ => Value::Null,
        };
        day.passes(220, &reports, recovers).await;
        days_later(&day).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, fruitless, 18 events more
              19 min  #2 circuit_break_provider: restored, fruitless, 21 events more
             200 min  #3 declined, unconfirmed: declined, turneddown, 0 events more
            3100 min  #4 circuit_break_provider: awaiting_approval, –, 0 events more
            4 proposals, 3 questions to models for 0.031500 USD, 3 decisions asked, 2 pages, 52 messages in all
        "#]]).await;
    });
}

#[test]
fn what_claims_to_be_worse_and_cannot_be_measured_waits_until_it_can() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        fails(&day.world, 300_000);
        let requests = |world: &World, requests: u64| {
            world.gateway.change(|inventory| {
                for provider in &mut inventory.providers {
                    provider.requests = requests;
                }
            });
        };
        let meanwhile = async |world: &World, minute: u64| match minute {
            0 => {
                rejects(world, minute).await;
                // All of its traffic fails, and hardly any is left to tell.
                fails(world, 1_000_000);
                requests(world, 2);
            }
            5 => requests(world, 200),
            _ => {}
        };
        let reports = |minute: u64| match minute {
            0 => json!({"error_rate": 0.3}),
            3 => json!({"error_rate": 1.0}),
            _ => Value::Null,
        };
        day.passes(20, &reports, meanwhile).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: rejected, turneddown, 0 events more
               7 min  #2 circuit_break_provider: awaiting_approval, –, 0 events more
            2 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 0 pages, 3 messages in all
        "#]])
            .await;
    });
}
