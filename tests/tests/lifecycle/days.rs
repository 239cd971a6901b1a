//! A day of one trouble, reported every minute: what the agent proposes, asks models and tells people, and that it is neither a
//! flood nor silence.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod again;
mod before;

use std::fmt::Write as _;

use ::slack::button::Does;
use ::slack::form::REASON;
use domain::inventory::Inventory;
use domain::ports::Clock;
use domain::proposal::{Proposal, State};
use domain::telling::Urgency;
use domain::value::{Ppm, Timestamp};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use testkit::{Cutter, sample};
use tests::model::{ScriptedModel, calling};
use tests::{World, walk};

/// Minutes of a day.
const DAY: u64 = 24 * 60;

/// A model that always wants to break openai.
fn model() -> ScriptedModel {
    ScriptedModel::new("claude-sonnet-4-6", |_| {
        Ok(calling(&[(
            "circuit_break_provider",
            json!({"provider": "openai", "duration_s": 120, "rationale": "openai fails."}),
        )]))
    })
}

/// What is reported in a minute of the day, as `detail` of `provider.unhealthy`, over the sample event's.
type Reports = dyn Fn(u64) -> Value;

/// What a day came to.
struct Day {
    world: World,
    model: ScriptedModel,
    began: Timestamp,
}

impl Day {
    fn of(inventory: Inventory) -> Self {
        let mut world = World::new(inventory);
        let model = model();
        world.ask(vec![Box::new(model.clone())]);
        let began = world.clock.now();
        Self { world, model, began }
    }

    /// One event a minute, and what else happens each minute.
    async fn passes(&self, minutes: u64, reports: &Reports, meanwhile: impl AsyncFn(&World, u64)) {
        for minute in 0..minutes {
            let mut detail = json!({"severity": "warning", "provider": "openai", "error_rate": 0.62,
                                    "requests": 180, "window_s": 300, "event_id": format!("evt-{minute}"),
                                    "occurred_at": self.world.clock.now().to_string()});
            let changes = reports(minute);
            if !changes.is_null() {
                detail
                    .as_object_mut()
                    .unwrap()
                    .extend(changes.as_object().unwrap().clone());
                self.world.route(&sample::envelope("provider.unhealthy", detail));
            }
            Box::pin(self.world.advance(60)).await;
            meanwhile(&self.world, minute).await;
        }
    }

    /// Each outbreak with how it ended, what people were told, and the counts.
    async fn told(&self) -> String {
        let mut story = String::new();
        let after = |at: Timestamp| at.millis_since(self.began) / 60_000;
        let mut proposals: Vec<Proposal> = Vec::new();
        for id in self.world.proposals() {
            proposals.push(self.world.proposal(&id).await);
        }
        proposals.sort_by_key(Proposal::opened_at);
        for proposal in &proposals {
            let what = match (proposal.proposed(), proposal.declined()) {
                (Some(proposed), _) => proposed.action.kind().name().to_owned(),
                (None, Some(declined)) => format!("declined, {}", declined.reason.name()),
                (None, None) => "nothing yet".to_owned(),
            };
            let ended = proposal
                .ending()
                .map_or("–".to_owned(), |ended| format!("{ended:?}").to_lowercase());
            writeln!(
                story,
                "{:>4} min  #{} {what}: {}, {ended}, {} events more",
                after(proposal.opened_at()),
                proposal.id().generation(),
                proposal.state().name(),
                proposal.repeats()
            )
            .unwrap();
        }
        let told = self.world.topic.told();
        let urgent = |urgency| {
            told.iter()
                .filter(|(_, concern)| concern.urgency == urgency)
                .count()
        };
        let money = self.money().await;
        writeln!(
            story,
            "{} proposals, {} questions to models for {money} USD, {} decisions asked, {} pages, {} messages in all",
            proposals.len(),
            self.model.asked(),
            urgent(Urgency::Decide),
            urgent(Urgency::Page),
            told.len()
        )
        .unwrap();
        self.world.assert_sound().await;
        story
    }

    /// What the models cost.
    async fn money(&self) -> domain::value::Micros {
        let mut days = 0;
        for days_on in 0..3 {
            let day = domain::trail::spend::stream(self.began.plus_seconds(days_on * 86_400));
            let records = self.world.trail.seen(&day).await;
            days += domain::trail::spend::total(&records).unwrap().0;
        }
        domain::value::Micros(days)
    }

    async fn is(&self, expected: Expect) {
        expected.assert_eq(&self.told().await);
    }

    /// The longest time in which nobody was told anything that asks for them, minutes.
    fn longest_silence(&self) -> u64 {
        let urgent = self.world.topic.told().into_iter();
        let mut at: Vec<Timestamp> = urgent
            .filter(|(_, concern)| concern.urgency != Urgency::Inform)
            .map(|(announcement, _)| announcement.at)
            .collect();
        at.push(self.world.clock.now());
        let gaps = at.windows(2).map(|pair| pair[1].millis_since(pair[0]) / 60_000);
        gaps.max().unwrap_or(0)
    }
}

/// Whoever waits is approved by Alice.
async fn approves(world: &World, _: u64) {
    for id in world.proposals() {
        if matches!(world.proposal(&id).await.state(), State::AwaitingApproval(_)) {
            world.approve("alice", &id).await;
        }
    }
}

async fn nobody(_: &World, _: u64) {}

fn every_minute(_: u64) -> Value {
    json!({})
}

/// How much openai fails now.
fn fails(world: &World, ppm: u32) {
    world.gateway.change(|inventory| {
        let openai = inventory
            .providers
            .iter_mut()
            .find(|one| one.id.as_str() == "openai");
        openai.unwrap().error_rate = Ppm(ppm);
    });
}

#[test]
fn a_remedy_that_never_helps_is_tried_twice_and_then_people_are_called() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        day.passes(DAY, &every_minute, approves).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, fruitless, 18 events more
              19 min  #2 circuit_break_provider: restored, fruitless, 33 events more
              53 min  #3 declined, fruitless: declined, paged, 50 events more
             294 min  #4 declined, fruitless: declined, paged, 50 events more
             535 min  #5 declined, fruitless: declined, paged, 50 events more
             776 min  #6 declined, fruitless: declined, paged, 50 events more
            1017 min  #7 declined, fruitless: declined, paged, 50 events more
            1258 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 8 pages, 69 messages in all
        "#]]).await;
        assert!(day.longest_silence() <= 245, "{}", day.longest_silence());
    });
}

#[test]
fn what_somebody_has_seen_to_is_looked_at_as_new() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let sees_to_it = async |world: &World, minute: u64| {
            approves(world, minute).await;
            for id in world.proposals() {
                let proposal = world.proposal(&id).await;
                // Half an hour after they were called, and once.
                let called = proposal.call().filter(|call| call.acknowledged.is_none());
                let (Some(call), 90..) = (called, minute) else {
                    continue;
                };
                let done = [(REASON, "failed over by hand")];
                let (asks, never) = (Does::Acknowledge, Cutter::never());
                let answer = world
                    .fills_in_about("bob", asks, &id, call.record, &done, &never)
                    .await;
                assert!(answer.text().contains("as a new one"), "{answer:?}");
                fails(world, 620_000);
            }
        };
        day.passes(180, &every_minute, sees_to_it).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, fruitless, 18 events more
              19 min  #2 circuit_break_provider: restored, fruitless, 33 events more
              53 min  #3 declined, fruitless: declined, seento, 37 events more
              91 min  #4 circuit_break_provider: restored, fruitless, 18 events more
             110 min  #5 circuit_break_provider: restored, fruitless, 33 events more
             144 min  #6 declined, fruitless: declined, seento, 0 events more
             145 min  #7 circuit_break_provider: restored, fruitless, 18 events more
             164 min  #8 circuit_break_provider: restored, fruitless, 15 events more
            8 proposals, 6 questions to models for 0.063000 USD, 6 decisions asked, 8 pages, 175 messages in all
        "#]]).await;
    });
}

#[test]
fn where_nobody_answers_people_are_asked_twice_and_then_called() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        day.passes(DAY, &every_minute, nobody).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 45 events more
              46 min  #2 circuit_break_provider: expired, fruitless, 50 events more
             107 min  #3 declined, fruitless: declined, paged, 50 events more
             348 min  #4 declined, fruitless: declined, paged, 50 events more
             589 min  #5 declined, fruitless: declined, paged, 50 events more
             830 min  #6 declined, fruitless: declined, paged, 50 events more
            1071 min  #7 declined, fruitless: declined, paged, 50 events more
            1312 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 8 pages, 105 messages in all
        "#]]).await;
        assert!(day.longest_silence() <= 245, "{}", day.longest_silence());
    });
}

#[test]
fn what_is_refused_at_its_start_twice_is_for_people() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let drifts = async |world: &World, minute: u64| {
            for id in world.proposals() {
                let proposal = world.proposal(&id).await;
                if matches!(proposal.state(), State::AwaitingApproval(_)) {
                    // Another group begins to use openai: that is not what was previewed.
                    world.gateway.change(|inventory| {
                        let mut another = inventory.model_groups[0].clone();
                        another.id = format!("group-{minute}").parse().unwrap();
                        inventory.model_groups.push(another);
                    });
                    world.approve("alice", &id).await;
                }
            }
        };
        day.passes(DAY, &every_minute, drifts).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: refused, fruitless, 16 events more
              17 min  #2 circuit_break_provider: refused, fruitless, 31 events more
              49 min  #3 declined, fruitless: declined, paged, 50 events more
             290 min  #4 declined, fruitless: declined, paged, 50 events more
             531 min  #5 declined, fruitless: declined, paged, 50 events more
             772 min  #6 declined, fruitless: declined, paged, 50 events more
            1013 min  #7 declined, fruitless: declined, paged, 50 events more
            1254 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 8 pages, 59 messages in all
        "#]]).await;
        assert!(day.longest_silence() <= 245, "{}", day.longest_silence());
    });
}

#[test]
fn a_remedy_that_helps_is_proposed_each_time_and_models_are_asked_six_times_a_day() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        // Every hour it fails, until the break has begun.
        let helps = async |world: &World, minute: u64| {
            approves(world, minute).await;
            match minute % 60 {
                59 => fails(world, 620_000),
                1 => fails(world, 4_000),
                _ => {}
            }
        };
        let reports = |minute: u64| if minute % 60 < 10 { json!({}) } else { Value::Null };
        day.passes(DAY, &reports, helps).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: restored, helped, 9 events more
              60 min  #2 circuit_break_provider: restored, helped, 9 events more
             120 min  #3 circuit_break_provider: restored, helped, 9 events more
             180 min  #4 circuit_break_provider: restored, helped, 9 events more
             240 min  #5 circuit_break_provider: restored, helped, 9 events more
             300 min  #6 circuit_break_provider: restored, helped, 9 events more
             360 min  #7 circuit_break_provider: restored, helped, 9 events more
             420 min  #8 circuit_break_provider: restored, helped, 9 events more
             480 min  #9 circuit_break_provider: restored, helped, 9 events more
             540 min  #10 circuit_break_provider: restored, helped, 9 events more
             600 min  #11 circuit_break_provider: restored, helped, 9 events more
             660 min  #12 circuit_break_provider: restored, helped, 9 events more
             720 min  #13 circuit_break_provider: restored, helped, 9 events more
             780 min  #14 circuit_break_provider: restored, helped, 9 events more
             840 min  #15 circuit_break_provider: restored, helped, 9 events more
             900 min  #16 circuit_break_provider: restored, helped, 9 events more
             960 min  #17 circuit_break_provider: restored, helped, 9 events more
            1020 min  #18 circuit_break_provider: restored, helped, 9 events more
            1080 min  #19 circuit_break_provider: restored, helped, 9 events more
            1140 min  #20 circuit_break_provider: restored, helped, 9 events more
            1201 min  #21 circuit_break_provider: restored, helped, 9 events more
            1261 min  #22 circuit_break_provider: restored, helped, 9 events more
            1321 min  #23 circuit_break_provider: restored, helped, 9 events more
            1381 min  #24 circuit_break_provider: restored, helped, 9 events more
            24 proposals, 12 questions to models for 0.126000 USD, 24 decisions asked, 0 pages, 360 messages in all
        "#]]).await;
    });
}

#[test]
fn a_flapping_provider_is_no_flood() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let flaps = async |world: &World, minute: u64| {
            fails(world, if minute % 10 < 5 { 620_000 } else { 4_000 });
        };
        let reports = |minute: u64| if minute % 10 < 6 { json!({}) } else { Value::Null };
        day.passes(DAY, &reports, flaps).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 29 events more
              50 min  #2 circuit_break_provider: expired, fruitless, 36 events more
             112 min  #3 declined, fruitless: declined, paged, 50 events more
             353 min  #4 declined, fruitless: declined, paged, 50 events more
             594 min  #5 declined, fruitless: declined, paged, 50 events more
             835 min  #6 declined, fruitless: declined, paged, 50 events more
            1080 min  #7 declined, fruitless: declined, paged, 50 events more
            1322 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 8 pages, 75 messages in all
        "#]]).await;
    });
}

#[test]
fn what_becomes_worse_while_people_are_asked_is_told_and_asked_again() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        fails(&day.world, 260_000);
        let worsens = async |world: &World, minute: u64| {
            if minute == 10 {
                fails(world, 950_000);
            }
        };
        let reports = |minute: u64| match minute {
            0..=10 => json!({"error_rate": 0.26}),
            _ => json!({"error_rate": 0.95, "severity": "critical"}),
        };
        day.passes(DAY, &reports, worsens).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 50 events more
              57 min  #2 circuit_break_provider: expired, fruitless, 50 events more
             118 min  #3 declined, fruitless: declined, paged, 50 events more
             359 min  #4 declined, fruitless: declined, paged, 50 events more
             600 min  #5 declined, fruitless: declined, paged, 50 events more
             841 min  #6 declined, fruitless: declined, paged, 50 events more
            1082 min  #7 declined, fruitless: declined, paged, 50 events more
            1323 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 3 decisions asked, 9 pages, 111 messages in all
        "#]]).await;
        let id = day.world.proposals().remove(0);
        let kinds = day.world.kinds(&id).await;
        let scores = kinds.iter().filter(|kind| *kind == "scored").count();
        assert_eq!(scores, 2, "{kinds:?}");
    });
}

#[test]
fn forty_invented_organisations_are_one_incident() {
    walk::now(async {
        let day = Day::of(sample::inventory_with_unhealthy("openai"));
        let reports = |minute: u64| json!({"org_id": format!("invented-{}", minute % 40)});
        day.passes(DAY, &reports, nobody).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 45 events more
              46 min  #2 circuit_break_provider: expired, fruitless, 50 events more
             107 min  #3 declined, fruitless: declined, paged, 50 events more
             348 min  #4 declined, fruitless: declined, paged, 50 events more
             589 min  #5 declined, fruitless: declined, paged, 50 events more
             830 min  #6 declined, fruitless: declined, paged, 50 events more
            1071 min  #7 declined, fruitless: declined, paged, 50 events more
            1312 min  #8 declined, fruitless: declined, paged, 50 events more
            8 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 8 pages, 105 messages in all
        "#]]).await;
    });
}

#[test]
fn contradictions_silence_nothing() {
    walk::now(async {
        let day = Day::of(sample::inventory());
        let reports = |minute: u64| match minute {
            0..720 => json!({"error_rate": 0.04}),
            _ => json!({}),
        };
        let fails_then = async |world: &World, minute: u64| {
            if minute == 719 {
                fails(world, 620_000);
            }
        };
        day.passes(DAY, &reports, fails_then).await;
        day.is(expect![[r#"
               0 min  #1 circuit_break_provider: expired, fruitless, 50 events more
             766 min  #2 circuit_break_provider: expired, fruitless, 50 events more
             827 min  #3 declined, fruitless: declined, paged, 50 events more
            1068 min  #4 declined, fruitless: declined, paged, 50 events more
            1309 min  #5 declined, fruitless: declined, paged, 50 events more
            5 proposals, 2 questions to models for 0.021000 USD, 2 decisions asked, 5 pages, 57 messages in all
        "#]])
            .await;
    });
}
