//! Events that are not as their schemas say, from the queue to the trail.

use std::fmt::Write as _;

use domain::incident::EventType;
use domain::telling::story;
use domain::value::visible;
use expect_test::expect;
use testkit::hostile;
use tests::World;

use crate::contracts::samples::tolerated;

#[tokio::test]
async fn every_tolerated_sample_is_an_incident_with_its_complaints_on_the_trail() {
    let mut table = String::new();
    for (file, envelope) in tolerated() {
        let event_type = EventType::ALL
            .into_iter()
            .find(|one| file.starts_with(one.name()))
            .unwrap();
        let world = World::new(hostile::inventory(event_type));
        let text = envelope.to_string();
        let id = world.send(&text);
        world.settle().await;
        let proposal = world.proposal(&id).await;
        let received = proposal.received();
        let fate = match (proposal.declined(), proposal.proposed()) {
            (Some(declined), _) => format!("declined ({}): {}", declined.reason.name(), declined.explanation),
            (None, Some(proposed)) => format!("{}; {}", proposed.action, proposed.rationale),
            (None, None) => panic!("{file}: neither proposed nor declined"),
        };
        writeln!(table, "{file}\n    {fate}").unwrap();
        for complaint in &received.complaints {
            writeln!(table, "    ! {complaint}").unwrap();
        }
        let records = world.records().await;
        let first = records.iter().find(|record| record.kind == "received").unwrap();
        let told: Vec<String> = story::in_full(first)
            .iter()
            .map(|line| line.render(visible, |at| at.to_string()))
            .collect();
        for complaint in &received.complaints {
            let told = told
                .iter()
                .any(|line| line.ends_with(&format!("not as it came: {complaint}")));
            assert!(told, "{file}: {complaint}");
        }
    }
    expect![[r#"
        budget.exceeded.float-dust.json
            page the on-call engineer (critical): team payments spent 104.37 USD of its hard limit of 100.00 USD; team payments spent 104.37 USD of its hard limit of 100.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision.
            ! detail.spend: "104.3700000000000001" is taken as 104.37 USD
        budget.exceeded.key.json
            page the on-call engineer (critical): key 88dc28d0f030c55e of team payments spent 11.20 USD of its hard limit of 10.00 USD; key 88dc28d0f030c55e of team payments spent 11.20 USD of its hard limit of 10.00 USD. The gateway refuses requests, and no action of ours reaches a key's budget: whether to allow more spending is a person's decision.
        budget.exceeded.negative-limit.json
            page the on-call engineer (critical): team payments spent 0.42 USD of its hard limit of 0.00 USD; team payments spent 0.42 USD of its hard limit of 0.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision.
            ! detail.spend: 0.42 is taken as 0.42 USD
            ! detail.limit: -1 is taken as 0.00 USD
        budget.exceeded.no-period.json
            page the on-call engineer (critical): team payments spent 104.37 USD of its hard limit of 100.00 USD; team payments spent 104.37 USD of its hard limit of 100.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision.
            ! detail.period: is missing: left out
        budget.exceeded.numbers.json
            page the on-call engineer (critical): team payments spent 104.37 USD of its hard limit of 100.00 USD; team payments spent 104.37 USD of its hard limit of 100.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision.
            ! detail.spend: 104.37 is taken as 104.37 USD
            ! detail.limit: 100 is taken as 100.00 USD
        budget.exceeded.period-as-days.json
            page the on-call engineer (critical): team payments spent 104.37 USD of its hard limit of 100.00 USD; team payments spent 104.37 USD of its hard limit of 100.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision.
            ! detail.period: "30d" is taken as monthly
        latency.spike.fractions.json
            re-route model group chat from openai to anthropic; provider openai takes 731205 ms, 413 ms is its one-hour median. anthropic is healthy and serves chat already.
            ! detail.current_ms: 731204.61 is taken as 731205
            ! detail.median_1h_ms: 412.7 is taken as 413
        provider.unhealthy.float-dust.json
            block provider openai for 30 s; provider openai fails 100.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai.
            ! detail.error_rate: 1.0000000000000002 is taken as 1
            ! detail.requests: 179.99999999999997 is taken as 180
        provider.unhealthy.long-group.json
            block provider openai for 30 s; provider openai fails 62.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai.
            ! detail.model_group: is longer than 256 bytes: left out
        provider.unhealthy.no-version.json
            block provider openai for 30 s; provider openai fails 62.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai.
            ! detail.version: is missing: read as version 1
            ! detail.event_id: is missing: taken as "6a7e8feb-b491-4cf7-a9f1-000000000211"
        provider.unhealthy.no-window.json
            block provider openai for 30 s; provider openai fails 62.0 % of 180 requests. Every model group keeps a healthy deployment without openai.
            ! detail.window_s: is missing: left out
        provider.unhealthy.other-severity.json
            block provider openai for 30 s; provider openai fails 62.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai.
            ! detail.severity: "P1" is taken as critical
        provider.unhealthy.time-without-offset.json
            block provider openai for 30 s; provider openai fails 62.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai.
            ! detail.occurred_at: "2026-11-22T09:59:58.250123" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
        sla.violation.as-text.json
            re-route model group chat from anthropic to openai; contract gold: p95 is 3401 ms, target 2000 ms. openai is healthy and serves chat already.
            ! detail.target: "2000" is taken as 2000
            ! detail.actual: "3400.5" is taken as 3401
            ! detail.window_s: "5m" is not a whole number from 0: left out
    "#]].assert_eq(&table);
}
