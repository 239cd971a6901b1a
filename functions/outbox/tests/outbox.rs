//! The outbox: from the trail's stream, as AWS delivers it, to bus, topic and view.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "outbox/alone.rs"]
mod alone;
#[path = "outbox/links.rs"]
mod links;

use domain::message::hint;
use domain::trail::StreamId;
use outbox::config::Config;
use outbox::links::Links;
use outbox::stream::{Batch, Failures};
use outbox::woken::Woken;
use outbox::{Deps, handle, handle_hint};
use runtime::env::Env;
use runtime::queue::{Delivery, Fault};
use serde_json::{Value, json};
use testkit::story::{Story, breaks, reroutes, second};
use testkit::{FrozenClock, MemoryBus, MemoryTopic, MemoryTrail, MemoryView, sample};

/// The outbox with proposals on the trail.
struct Out {
    trail: MemoryTrail,
    bus: MemoryBus,
    topic: MemoryTopic,
    view: MemoryView,
    clock: FrozenClock,
}

impl Out {
    fn with(story: &Story) -> Self {
        Self::with_all([story])
    }

    fn with_all<const N: usize>(stories: [&Story; N]) -> Self {
        let trail = MemoryTrail::new();
        for story in stories {
            for (entry, record) in story.entries().iter().zip(story.records()) {
                trail.insert(entry.clone()).unwrap();
                // As its story tells it: the trail counts writers over all streams.
                trail.overwrite(record.clone());
            }
        }
        Self {
            trail,
            bus: MemoryBus::default(),
            topic: MemoryTopic::default(),
            view: MemoryView::default(),
            clock: FrozenClock::at(second(500)),
        }
    }

    /// What the function answers, as Lambda reads it.
    async fn works(&self, records: Vec<Value>) -> Value {
        let batch: Batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        let deps = Deps {
            trail: &self.trail,
            bus: &self.bus,
            topic: &self.topic,
            view: &self.view,
            links: &Links::none(),
            clock: &self.clock,
        };
        let failures = handle(&deps, batch).await;
        let answer = json!(failures);
        assert_eq!(failures.is_none(), answer == nothing_failed());
        answer
    }

    async fn works_hint(&self, body: &str) -> Result<(), Fault> {
        let deps = Deps {
            trail: &self.trail,
            bus: &self.bus,
            topic: &self.topic,
            view: &self.view,
            links: &Links::none(),
            clock: &self.clock,
        };
        handle_hint(&deps, Delivery { body, receives: 1 }).await
    }

    fn announced(&self) -> Vec<String> {
        let published = self.bus.published();
        published
            .iter()
            .map(|one| format!("{} {}", one.seq, one.detail_type()))
            .collect()
    }

    /// The positions of a proposal's records that were announced, in order.
    fn announced_of(&self, story: &Story) -> Vec<u64> {
        let published = self.bus.published().into_iter();
        let of_it = published.filter(|one| one.proposal == *story.proposal().id());
        of_it.map(|one| one.seq).collect()
    }

    /// Up to which record the view has a proposal.
    fn viewed(&self, story: &Story) -> Option<u64> {
        self.view.row(story.proposal().id()).map(|row| row.seq)
    }
}

/// A stream record, in the shape that AWS documents.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
fn record(event_name: &str, stream: &str, seq: u64) -> Value {
    let keys = json!({"stream": {"S": stream}, "seq": {"N": seq.to_string()}});
    let mut record = json!({
        "eventID": format!("event-{seq}"), "eventVersion": "1.1", "awsRegion": "eu-central-1",
        "eventName": event_name, "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/sre_actions/stream/2026-11-22T09:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_341_601.0, "Keys": keys, "NewImage": keys,
            "SequenceNumber": number(seq), "SizeBytes": 512,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    });
    if event_name == "REMOVE" {
        // Time to live says so itself.
        record["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    }
    record
}

/// The stream's sequence number of its record at a position, from 1.
fn number(at: u64) -> String {
    (11_110_000_000_000_000_000_000_000_u128 + u128::from(at)).to_string()
}

/// Every record of a story, as the stream delivers it.
fn inserts(story: &Story) -> Vec<Value> {
    let stream = story.last().stream.to_string();
    story
        .records()
        .iter()
        .map(|one| record("INSERT", &stream, one.seq))
        .collect()
}

fn nothing_failed() -> Value {
    json!({ "batchItemFailures": [] })
}

/// The answer where the stream's records at these positions failed.
fn failed(at: &[u64]) -> Value {
    let failures = at.iter().map(|at| json!({ "itemIdentifier": number(*at) }));
    json!({ "batchItemFailures": failures.collect::<Vec<_>>() })
}

#[tokio::test]
async fn each_record_is_announced_in_order_as_it_was_then() {
    let story = Story::succeeded(breaks());
    let out = Out::with(&story);
    assert_eq!(out.works(inserts(&story)).await, nothing_failed());
    assert_eq!(
        out.announced(),
        [
            "1 proposal.received",
            "2 proposal.proposed",
            "3 proposal.scored",
            "4 proposal.approved",
            "5 proposal.started",
            "6 proposal.succeeded",
        ]
    );
    let states: Vec<String> = out
        .bus
        .published()
        .into_iter()
        .map(|one| one.summary.state)
        .collect();
    assert_eq!(
        states,
        [
            "reasoning",
            "proposed",
            "awaiting_approval",
            "approved",
            "executing",
            "succeeded"
        ]
    );
    let told: Vec<String> = out.topic.urgent().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(told, ["a proposal waits for approval"]);
    let row = out.view.row(story.proposal().id()).unwrap();
    assert_eq!(
        (row.seq, row.summary.state.as_str(), row.open),
        (6, "succeeded", true)
    );
}

#[tokio::test]
async fn the_sample_for_invoking_it_is_such_a_batch() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/lambda/outbox.json"
    ));
    let event: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let out = Out::with(&Story::begins());
    // Its proposal is not on this trail.
    let answer = out.works(event["Records"].as_array().unwrap().clone()).await;
    let first = &event["Records"][0]["dynamodb"]["SequenceNumber"];
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [{ "itemIdentifier": first }] })
    );
}

#[tokio::test]
async fn a_removal_and_other_streams_are_not_announced() {
    let story = Story::awaiting(breaks());
    let out = Out::with(&story);
    let stream = story.last().stream.to_string();
    let event = sample::provider_unhealthy("openai");
    let target = StreamId::Target(sample::target("provider", "openai"));
    let records = vec![
        record("REMOVE", &stream, 1),
        record("MODIFY", &stream, 2),
        record("INSERT", &StreamId::Incident(event.fingerprint()).to_string(), 1),
        record("INSERT", &target.to_string(), 1),
        record("INSERT", "control", 1),
    ];
    assert_eq!(out.works(records).await, nothing_failed());
    assert!(out.announced().is_empty() && out.view.rows().is_empty());
    assert_eq!(out.works(Vec::new()).await, nothing_failed());
}

#[tokio::test]
async fn a_failure_gives_back_a_proposal_from_its_first_record_in_the_batch() {
    let story = Story::awaiting(breaks());
    let first: fn(&Out) = |out| out.trail.outages.next(1);
    let others: [fn(&Out); 3] = [
        |out| out.bus.outages.next(1),
        |out| out.topic.outages.next(1),
        |out| out.view.outages.next(1),
    ];
    for fails in others.into_iter().chain([first]) {
        let out = Out::with(&story);
        fails(&out);
        assert_eq!(out.works(inserts(&story)).await, failed(&[1]));
        // Delivered again, it is announced, perhaps a second time, and the view is as it should be.
        assert_eq!(out.works(inserts(&story)).await, nothing_failed());
        let kinds = out.announced();
        assert_eq!(
            kinds[kinds.len() - 3..],
            ["1 proposal.received", "2 proposal.proposed", "3 proposal.scored"]
        );
        assert_eq!(out.view.row(story.proposal().id()).unwrap().seq, 3);
    }
}

#[tokio::test]
async fn the_next_batch_makes_up_for_one_that_was_given_up() {
    let story = Story::succeeded(breaks());
    let out = Out::with(&story);
    let last = vec![inserts(&story).pop().unwrap()];
    assert_eq!(out.works(last).await, nothing_failed());
    assert_eq!(out.announced().len(), 6, "from the first record on");
    assert_eq!(out.topic.told().len(), 4, "from the score on");
    // What was given up comes back by hand or late: it was announced meanwhile.
    assert_eq!(out.works(inserts(&story)).await, nothing_failed());
    assert_eq!((out.announced().len(), out.topic.told().len()), (6, 4));
}

#[tokio::test]
async fn a_hint_announces_what_no_batch_brought() {
    let story = Story::awaiting(breaks());
    let out = Out::with(&story);
    let body = hint(story.proposal().id());
    for fails in [
        (|out| out.trail.outages.next(1)) as fn(&Out),
        |out| out.bus.outages.next(1),
        |out| out.topic.outages.next(1),
        |out| out.view.outages.next(1),
    ] {
        let out = Out::with(&story);
        fails(&out);
        assert!(matches!(out.works_hint(&body).await, Err(Fault::Retry(_))));
        out.works_hint(&body).await.unwrap();
        assert_eq!(out.view.row(story.proposal().id()).unwrap().seq, 3);
    }
    out.works_hint(&body).await.unwrap();
    out.works_hint(&body).await.unwrap();
    assert_eq!(
        out.announced(),
        ["1 proposal.received", "2 proposal.proposed", "3 proposal.scored"]
    );
}

#[tokio::test]
async fn a_hint_that_can_never_be_worked_says_why() {
    let out = Out::with(&Story::begins());
    for (body, reason) in [
        (
            hint(&sample::proposal_of(&sample::provider_unhealthy("nobody"))),
            "there is no proposal",
        ),
        (
            sample::provider_unhealthy_text("openai"),
            "does not belong on this queue",
        ),
        ("{".to_owned(), "is not JSON"),
    ] {
        match out.works_hint(&body).await {
            Err(Fault::Poison(problem)) => assert!(problem.contains(reason), "{problem}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn what_woke_it_is_told_by_the_records_source() {
    let queue = json!({"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]});
    assert!(matches!(Woken::read(queue).unwrap(), Woken::Queue(event) if event.records.len() == 1));
    let stream = json!({"Records": [record("INSERT", "control", 1)]});
    assert!(matches!(Woken::read(stream).unwrap(), Woken::Stream(_)));
    let problem = Woken::read(json!({"Records": [{"eventSource": "aws:s3"}]})).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "the event is neither of SQS nor of a DynamoDB stream"
    );
}

#[tokio::test]
async fn what_the_stream_shows_and_the_table_does_not_is_a_failure() {
    let story = Story::awaiting(breaks());
    let out = Out::with(&story);
    let stream = story.last().stream.to_string();
    let records = vec![record("INSERT", &stream, 3), record("INSERT", &stream, 4)];
    assert_eq!(out.works(records).await, failed(&[3]));
    assert!(
        out.announced().is_empty(),
        "nothing of a proposal is announced before all that the batch says of it is found"
    );
}

#[tokio::test]
async fn a_late_batch_does_not_take_the_view_back() {
    let story = Story::succeeded(reroutes());
    let out = Out::with(&story);
    out.works(inserts(&story)).await;
    let late: Vec<Value> = inserts(&story).into_iter().take(2).collect();
    assert_eq!(out.works(late).await, nothing_failed());
    assert_eq!(out.view.row(story.proposal().id()).unwrap().seq, 6);
}

#[test]
fn the_answer_has_the_shape_that_lambda_reads() {
    // https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    assert_eq!(json!(Failures::none()), nothing_failed());
    assert!(Failures::none().is_none());
}

#[test]
fn a_batch_that_cannot_be_read_is_an_error_and_no_panic() {
    for nonsense in [json!({"Records": "x"}), json!([1]), json!("x")] {
        assert!(
            serde_json::from_value::<Batch>(nonsense.clone()).is_err(),
            "{nonsense}"
        );
    }
}

#[test]
fn what_is_missing_in_the_environment_is_named() {
    let names = [
        "TRAIL_TABLE",
        "STACK_NAME",
        "DECISION_KEYS",
        "OPERATOR_KEYS",
        "KEY_BUCKET",
        "PROPOSALS_TABLE",
        "BUS_NAME",
        "APPROVAL_TOPIC_ARN",
        "ANNOUNCE_DLQ_URL",
    ];
    for missing in names {
        let lookup = |asked: &str| (asked != missing && names.contains(&asked)).then(|| "x".to_owned());
        let problem = Config::from(&Env::new(&lookup)).unwrap_err().to_string();
        assert_eq!(problem, format!("environment variable {missing} is not set"));
    }
}

#[tokio::test]
async fn a_view_that_was_lost_tells_people_no_old_news_again() {
    for (story, days, tells) in [
        (Story::restored(), 2, false),
        (Story::restored(), 0, true),
        // It still waits for somebody.
        (Story::awaiting(breaks()), 2, true),
    ] {
        let out = Out::with(&story);
        out.clock.advance(std::time::Duration::from_secs(days * 86_400));
        out.works_hint(&hint(story.proposal().id())).await.unwrap();
        assert_eq!(out.announced().len(), story.records().len(), "on the bus");
        assert_eq!(
            !out.topic.told().is_empty(),
            tells,
            "{} after {days} days",
            story.last().kind
        );
        assert!(out.view.row(story.proposal().id()).is_some());
    }
}
