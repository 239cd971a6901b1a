//! Malformed messages: declined, or given up with a reason; never a panic, and nothing that comes back for ever.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::message::Lane;
use expect_test::expect;
use proptest::prelude::*;
use runtime::queue::{Delivery, Fault};
use serde_json::json;
use testkit::{Cutter, sample};
use tests::{World, walk};

/// What the handler of a queue makes of a body.
async fn says(world: &World, queue: Lane, body: &str) -> Result<(), Fault> {
    let arn = format!("arn:aws:sqs:eu-central-1:123456789012:sre-{}", queue.name());
    let delivery = Delivery { body, receives: 1 };
    world.handle(queue, Some(&arn), delivery, &Cutter::never()).await
}

#[tokio::test]
async fn every_malformed_sample_is_declined_or_given_up_with_its_reason() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/bus/malformed");
    let mut files: Vec<_> = fs::read_dir(samples)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut table = String::new();
    for file in files {
        let body = fs::read_to_string(&file).unwrap();
        let world = World::new(sample::inventory());
        world.queue(Lane::Ingest).send(&body, Duration::ZERO);
        world.settle().await;
        let dead = world.queue(Lane::Ingest).dead();
        let fate = match (world.proposals().as_slice(), dead.as_slice()) {
            ([], [dead]) => format!("given up: {}", dead.reason.as_deref().unwrap()),
            ([id], []) => {
                let proposal = world.proposal(id).await;
                let declined = proposal.declined().unwrap();
                format!("declined ({}): {}", declined.reason.name(), declined.explanation)
            }
            other => panic!("{}: {other:?}", file.display()),
        };
        assert_eq!(
            dead.iter().filter(|dead| dead.body != body).count(),
            0,
            "kept as it was"
        );
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        writeln!(table, "{name}\n    {fate}").unwrap();
    }
    expect![[r#"
        budget.exceeded.contradiction.json
            declined (contradiction): 12.00 USD spent do not cross the limit of 100.00 USD
        budget.exceeded.missing-field.json
            given up: detail.limit: is missing
        budget.exceeded.out-of-range.json
            given up: detail.spend: "99999999999.00" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
        budget.exceeded.unknown-scope.json
            given up: detail.scope: "the planet" is not a budget's scope: team, org, or another word such as key or user
        budget.exceeded.unknown-version.json
            given up: detail.version: 2 is unknown: this agent reads version 1
        budget.exceeded.wrong-type.json
            given up: detail.spend: true is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
        latency.spike.contradiction.json
            declined (contradiction): 1200 ms are not above 3 × the median of 400 ms
        latency.spike.missing-field.json
            given up: detail.median_1h_ms: is missing
        latency.spike.out-of-range.json
            given up: detail.current_ms: -1 is not a whole number from 0
        latency.spike.unknown-version.json
            given up: detail.version: 2 is unknown: this agent reads version 1
        latency.spike.wrong-type.json
            given up: detail.current_ms: "fast" is not a whole number from 0
        not-json.txt
            given up: message: is not JSON: expected value at line 1 column 1 in "<html><body>502 Bad Gateway</body></html>\n"
        provider.unhealthy.contradiction-few-requests.json
            declined (contradiction): 4 requests are fewer than 5
        provider.unhealthy.contradiction.json
            declined (contradiction): an error rate of 4.0 % is not above 25.0 %
        provider.unhealthy.missing-field.json
            given up: detail.provider: is missing
        provider.unhealthy.out-of-range.json
            given up: detail.error_rate: 1.7 is not a fraction within 0–1, and a percentage is not guessed
        provider.unhealthy.unknown-version.json
            given up: detail.version: 2 is unknown: this agent reads version 1
        provider.unhealthy.wrong-type.json
            given up: detail.error_rate: "62 %" is not a number
        sla.violation.contradiction.json
            declined (contradiction): the measured p95 meets its target
        sla.violation.missing-field.json
            given up: detail.actual: is missing
        sla.violation.out-of-range.json
            given up: detail.actual: 86400001 is not within 0–86400000
        sla.violation.unknown-metric.json
            given up: detail.metric: "p50" is not p95, p99 or success_rate
        sla.violation.unknown-version.json
            given up: detail.version: 2 is unknown: this agent reads version 1
        sla.violation.wrong-type.json
            given up: detail.actual: "3400 ms" is not a whole number from 0
    "#]].assert_eq(&table);
}

#[tokio::test]
async fn what_does_not_belong_on_a_queue_is_given_up() {
    let mut world = World::new(sample::inventory());
    world.routes = Some(notification::routes::Routes::read("C0SRE", "").unwrap());
    let nobody = sample::proposal_of(&sample::provider_unhealthy("openai"));
    let mut table = String::new();
    for queue in Lane::QUEUES {
        for (what, body) in [
            ("an event", sample::provider_unhealthy_text("mistral")),
            ("a hint about nothing", domain::message::hint(&nobody)),
            ("a hint of nonsense", r#"{"hint": {"proposal": 7}}"#.to_owned()),
            ("nothing", String::new()),
        ] {
            let fate = match says(&world, queue, &body).await {
                Ok(()) => "done".to_owned(),
                Err(Fault::Poison(reason)) => reason,
                Err(other) => panic!("{queue:?} {what}: {other:?}"),
            };
            writeln!(table, "{:9} {what}: {fate}", queue.name()).unwrap();
        }
    }
    expect![[r#"
        ingest    an event: done
        ingest    a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        ingest    a hint of nonsense: hint.proposal: is missing or not a string
        ingest    nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        scoring   an event: an incident event does not belong on this queue
        scoring   a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        scoring   a hint of nonsense: hint.proposal: is missing or not a string
        scoring   nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        execution an event: an incident event does not belong on this queue
        execution a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        execution a hint of nonsense: hint.proposal: is missing or not a string
        execution nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        restore   an event: an incident event does not belong on this queue
        restore   a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        restore   a hint of nonsense: hint.proposal: is missing or not a string
        restore   nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        verify    an event: an incident event does not belong on this queue
        verify    a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        verify    a hint of nonsense: hint.proposal: is missing or not a string
        verify    nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        announce  an event: an incident event does not belong on this queue
        announce  a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        announce  a hint of nonsense: hint.proposal: is missing or not a string
        announce  nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
        slack     an event: an incident event does not belong on this queue
        slack     a hint about nothing: there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records
        slack     a hint of nonsense: hint.proposal: is missing or not a string
        slack     nothing: message: is not JSON: EOF while parsing a value at line 1 column 0 in ""
    "#]].assert_eq(&table);
}

#[tokio::test]
async fn a_source_that_is_not_allowed_is_given_up_where_no_rule_filters() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let mut event: serde_json::Value =
        serde_json::from_str(&sample::provider_unhealthy_text("openai")).unwrap();
    event["source"] = json!("somebody");
    let sns = json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:in",
                     "Message": event.to_string()});
    let Err(Fault::Poison(reason)) = says(&world, Lane::Ingest, &sns.to_string()).await else {
        panic!("taken");
    };
    expect![[r#"source: "somebody" is not among the allowed sources"#]].assert_eq(&reason);
    world.route(&event.to_string());
    assert!(world.queue(Lane::Ingest).is_empty(), "the bus does not route it");
}

#[tokio::test]
async fn an_event_through_sns_is_the_event_through_the_bus() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let text = sample::provider_unhealthy_text("openai");
    let sns = json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:in",
                     "Message": text});
    world.queue(Lane::Ingest).send(&sns.to_string(), Duration::ZERO);
    world.send(&text);
    world.run_until_quiet().await;
    let [id] = world.proposals().try_into().unwrap();
    assert_eq!(world.kinds(&id).await, ["received", "proposed", "scored"]);
}

#[tokio::test]
async fn the_largest_event_that_the_bus_takes_is_kept_whole() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let text = sample::envelope(
        "provider.unhealthy",
        json!({"provider": "openai", "error_rate": 0.62, "requests": 180, "window_s": 300, "note": "\"".repeat(120_000)}),
    );
    assert!(text.len() > 240_000);
    let id = world.send(&text);
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    assert_eq!(world.payloads.count(), 1);
    world.assert_at_rest().await;
}

/// JSON that looks a little like an event.
fn nearly_events() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
        Just(json!({"deep": [{}, []]})),
    ];
    let field = prop::sample::select(vec![
        "version",
        "event_id",
        "occurred_at",
        "org_id",
        "team_id",
        "severity",
        "provider",
        "model_group",
        "error_rate",
        "requests",
        "window_s",
        "scope",
        "scope_id",
        "kind",
        "spend",
        "limit",
        "period",
        "sla_id",
        "metric",
        "target",
        "actual",
        "current_ms",
        "median_1h_ms",
    ]);
    let kind = prop::sample::select(vec![
        sample::provider_unhealthy_text("openai"),
        sample::budget_exceeded_text("payments"),
        sample::sla_violation_text("gold"),
        sample::latency_spike_text("openai"),
    ]);
    (kind, prop::collection::vec((field, value), 1..4)).prop_map(|(text, changes)| {
        let mut event: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (field, value) in changes {
            event["detail"][field] = value;
        }
        event.to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_on_any_queue_are_given_up(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let body = String::from_utf8_lossy(&bytes);
        let world = World::new(sample::inventory());
        for queue in Lane::QUEUES {
            let said = walk::now(says(&world, queue, &body));
            prop_assert!(matches!(said, Err(Fault::Poison(_))), "{queue:?}: {said:?}");
        }
        prop_assert!(world.proposals().is_empty());
        // All of it is of nobody: people are told once.
        prop_assert!(world.trail.len() <= 1);
    }

    #[test]
    fn nearly_an_event_is_taken_or_given_up(body in nearly_events()) {
        let world = World::new(sample::inventory());
        let said = walk::now(says(&world, Lane::Ingest, &body));
        match said {
            Ok(()) => walk::now(async {
                world.settle().await;
                world.assert_verified().await;
            }),
            Err(Fault::Poison(_)) => {
                prop_assert!(world.proposals().is_empty());
                prop_assert_eq!(world.trail.len(), 1, "people are told");
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}
