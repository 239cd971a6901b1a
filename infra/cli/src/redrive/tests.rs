//! Redriving against queues in memory that behave as SQS does.

mod amounts;
mod hostile;

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::bail;
use async_trait::async_trait;
use aws_sdk_sqs::types::MessageAttributeValue;
use expect_test::{Expect, expect};
use testkit::sample;

use super::*;

const DEAD: &str = "https://sqs/ingest-dlq";
const SOURCE: &str = "https://sqs/ingest";

/// Queues by URL. A message taken out is invisible until it is shown again.
#[derive(Default)]
struct MemoryQueues {
    messages: Mutex<Vec<Held>>,
    /// Calls by name that fail from the n-th on.
    broken: Option<(&'static str, usize)>,
    calls: Mutex<BTreeMap<&'static str, usize>>,
}

#[derive(Clone)]
struct Held {
    url: String,
    letter: Letter,
    visible: bool,
}

impl MemoryQueues {
    fn put(&self, url: &str, id: &str, body: &str, attributes: &[(&str, &str)]) {
        let mut messages = self.messages.lock().unwrap();
        let number = i64::try_from(messages.len()).unwrap();
        let letter = Letter {
            id: id.to_owned(),
            receipt: format!("receipt-{id}"),
            sent_at: Some(domain::value::Timestamp::from_millis(
                sample::now().as_millis() + number,
            )),
            moved_by_sqs: false,
            body: body.to_owned(),
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), text(value)))
                .collect(),
        };
        messages.push(Held {
            url: url.to_owned(),
            letter,
            visible: true,
        });
    }

    /// What lies in a queue, and whether it can be seen.
    fn bodies(&self, url: &str) -> Vec<(String, bool)> {
        let messages = self.messages.lock().unwrap();
        let here = messages.iter().filter(|held| held.url == url);
        here.map(|held| (held.letter.body.clone(), held.visible))
            .collect()
    }

    fn call(&self, name: &'static str) -> anyhow::Result<()> {
        let mut calls = self.calls.lock().unwrap();
        let calls = calls.entry(name).or_default();
        *calls += 1;
        match self.broken {
            Some((broken, from)) if broken == name && *calls >= from => bail!("{name} is broken"),
            _ => Ok(()),
        }
    }
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value);
    attribute.build().unwrap()
}

#[async_trait]
impl Queues for MemoryQueues {
    async fn count(&self, url: &str) -> anyhow::Result<usize> {
        self.call("count")?;
        let messages = self.messages.lock().unwrap();
        Ok(messages.iter().filter(|held| held.url == url).count())
    }

    async fn receive(&self, url: &str, most: usize, _: i32) -> anyhow::Result<Vec<Letter>> {
        self.call("receive")?;
        let mut messages = self.messages.lock().unwrap();
        let seen = messages.iter_mut().filter(|held| held.url == url && held.visible);
        let taken = seen.take(most.min(2)).map(|held| {
            held.visible = false;
            held.letter.clone()
        });
        Ok(taken.collect())
    }

    async fn send(
        &self,
        url: &str,
        body: &str,
        attributes: &BTreeMap<String, MessageAttributeValue>,
    ) -> anyhow::Result<()> {
        self.call("send")?;
        let attributes: Vec<(&str, &str)> = attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.string_value().unwrap()))
            .collect();
        self.put(url, &format!("sent {body}"), body, &attributes);
        Ok(())
    }

    async fn delete(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        self.call("delete")?;
        let mut messages = self.messages.lock().unwrap();
        messages.retain(|held| held.url != url || held.letter.receipt != receipt);
        Ok(())
    }

    async fn show_again(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        self.call("show_again")?;
        let mut messages = self.messages.lock().unwrap();
        let held = messages
            .iter_mut()
            .filter(|held| held.url == url && held.letter.receipt == receipt);
        held.for_each(|held| held.visible = true);
        Ok(())
    }
}

const REFUSED: &[(&str, &str)] = &[
    ("reason", "detail.provider: is missing or not a string"),
    ("function", "ingest-and-propose"),
    ("failed_at", "2026-11-22T10:00:05.000Z"),
];

fn desk<'a>(queues: &'a MemoryQueues, lane: Lane, only: &'a [String]) -> Desk<'a> {
    Desk {
        queues,
        clock: &SystemClock,
        lane,
        dead: DEAD,
        source: lane.queue_output().map(|_| SOURCE),
        limit: 500,
        only,
        reason: None,
    }
}

async fn list(queues: &MemoryQueues, lane: Lane, expected: Expect) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    desk(queues, lane, &[]).list(false, &mut terminal).await.unwrap();
    drop(terminal);
    expected.assert_eq(&String::from_utf8(buffer).unwrap());
}

async fn redrive(queues: &MemoryQueues) -> (anyhow::Result<bool>, String) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let done = desk(queues, Lane::Ingest, &[]).redrive(&mut terminal).await;
    drop(terminal);
    (done, String::from_utf8(buffer).unwrap())
}

#[tokio::test]
async fn a_list_gives_the_reasons_and_changes_nothing() {
    let queues = MemoryQueues::default();
    queues.put(DEAD, "m-1", r#"{"detail":{}}"#, REFUSED);
    queues.put(DEAD, "m-2", "\u{1b}[2J\u{202e}not JSON", &[]);
    queues.put(DEAD, "m-3", &sample::provider_unhealthy_text("openai"), &[]);
    queues.put(
        DEAD,
        "m-4",
        r#"{"hint":{"proposal":"gnr4sqzfryd4gg3mhvufxxmnmg-1"}}"#,
        &[
            ("RULE_ARN", "arn:…"),
            ("ERROR_CODE", "NO_PERMISSIONS"),
            ("ERROR_MESSAGE", "not allowed to send"),
        ],
    );
    queues.messages.lock().unwrap()[2].letter.moved_by_sqs = true;
    list(&queues, Lane::Ingest, expect![[r#"
        ingest: 4 dead letters
          m-1, received 2026-11-22T10:00:00.000Z
            refused by ingest-and-propose at 2026-11-22T10:00:05.000Z: detail.provider: is missing or not a string
            13 bytes: {"detail":{}}
          m-2, received 2026-11-22T10:00:00.001Z
            no reason with it: no function of the agent put it here
            its body is refused: message: is not JSON: expected value at line 1 column 1 in "\u{1b}[2J\u{202e}not JSON"
            15 bytes: \u{1b}[2J\u{202e}not JSON
          m-3, received 2026-11-22T10:00:00.002Z
            no reason with it: SQS moved it here after too many deliveries, so the function died or ran out of time each time
            its body can be read: event evt-1, provider.unhealthy
            421 bytes, event_id evt-1, provider openai, model_group chat: {"severity":"critical","provider":"openai","model_group":"chat","error_rate":0.62,"requests":180,"window_s":300,"version":1,"event_id":"evt-1","occurred_at":"20… (40 more characters)
          m-4, received 2026-11-22T10:00:00.003Z
            EventBridge could not deliver it: NO_PERMISSIONS: not allowed to send
            its body can be read: it is about proposal gnr4sqzfryd4gg3mhvufxxmnmg-1
            52 bytes: {"hint":{"proposal":"gnr4sqzfryd4gg3mhvufxxmnmg-1"}}
    "#]]).await;
    assert!(queues.bodies(DEAD).iter().all(|(_, visible)| *visible));
    assert_eq!(queues.bodies(DEAD).len(), 4);
}

#[tokio::test]
async fn an_incident_on_a_queue_of_hints_is_said_to_be_refused() {
    let queues = MemoryQueues::default();
    queues.put(DEAD, "m-1", &sample::provider_unhealthy_text("openai"), &[]);
    list(&queues, Lane::Scoring, expect![[r#"
        scoring: 1 dead letter
          m-1, received 2026-11-22T10:00:00.000Z
            no reason with it: no function of the agent put it here
            its body is refused: event evt-1, provider.unhealthy is an incident, which this queue does not take
            421 bytes, event_id evt-1, provider openai, model_group chat: {"severity":"critical","provider":"openai","model_group":"chat","error_rate":0.62,"requests":180,"window_s":300,"version":1,"event_id":"evt-1","occurred_at":"20… (40 more characters)
    "#]]).await;
}

#[tokio::test]
async fn failure_records_are_explained() {
    let queues = MemoryQueues::default();
    queues.put(
        DEAD,
        "m-1",
        r#"{"requestContext":{"requestId":"r","functionArn":"f","condition":"RetryAttemptsExhausted","approximateInvokeCount":31},
            "responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"version":"1.0",
            "timestamp":"2026-11-22T10:00:00.000Z",
            "DDBStreamBatchInfo":{"shardId":"s","startSequenceNumber":"1","endSequenceNumber":"2",
              "approximateArrivalOfFirstRecord":"2026-11-22T09:00:00Z","approximateArrivalOfLastRecord":"2026-11-22T09:00:03Z",
              "batchSize":2,"streamArn":"arn"}}"#,
        &[],
    );
    list(&queues, Lane::Outbox, expect![[r#"
        outbox: 1 dead letter
          m-1, received 2026-11-22T10:00:00.000Z
            2 of the trail's records were not announced, written from 2026-11-22T09:00:00Z to 2026-11-22T09:00:03Z (RetryAttemptsExhausted): Unhandled
            housekeeping has these records announced within minutes, and wakes whatever waits for them: there is nothing to put back
            568 bytes: {"requestContext":{"requestId":"r","functionArn":"f","condition":"RetryAttemptsExhausted","approximateInvokeCount":31},\u{a}            "responseContext":{"statusCo… (408 more characters)
    "#]]).await;
    let queues = MemoryQueues::default();
    queues.put(
        DEAD,
        "m-1",
        r#"{"version":"1.0","timestamp":"2026-11-22T10:00:00.000Z","requestContext":{"condition":"RetriesExhausted"},
            "requestPayload":{},"responsePayload":{"errorType":"E","errorMessage":"the trail is unavailable"}}"#,
        &[],
    );
    queues.put(DEAD, "m-2", "{}", &[]);
    list(&queues, Lane::Housekeeping, expect![[r#"
        housekeeping: 2 dead letters
          m-1, received 2026-11-22T10:00:00.000Z
            a run failed at 2026-11-22T10:00:00.000Z (RetriesExhausted): the trail is unavailable
            the next run makes up for it: there is nothing to put back
            217 bytes: {"version":"1.0","timestamp":"2026-11-22T10:00:00.000Z","requestContext":{"condition":"RetriesExhausted"},\u{a}            "requestPayload":{},"responsePayload":{"e… (57 more characters)
          m-2, received 2026-11-22T10:00:00.001Z
            no reason with it: no function of the agent put it here
            the next run makes up for it: there is nothing to put back
            2 bytes: {}
    "#]]).await;
}

#[tokio::test]
async fn a_stray_says_why_nobody_takes_it() {
    let queues = MemoryQueues::default();
    for (id, body) in [
        (
            "m-1",
            r#"{"source":"llm-gateway","detail-type":"provider.unhealty","detail":{}}"#,
        ),
        (
            "m-2",
            "{\"source\":\"some\\u001b[2Jbody\",\"detail-type\":\"latency.spike\",\"detail\":{}}",
        ),
        ("m-3", "[]"),
    ] {
        queues.put(DEAD, id, body, &[]);
    }
    list(&queues, Lane::Strays, expect![[r#"
        strays: 3 dead letters
          m-1, received 2026-11-22T10:00:00.000Z
            provider.unhealty of llm-gateway is none of provider.unhealthy, budget.exceeded, sla.violation, latency.spike, so it is not taken
            mend its sender, or EventSources, so that the next one is taken: there is nothing to put back
            70 bytes: {"source":"llm-gateway","detail-type":"provider.unhealty","detail":{}}
          m-2, received 2026-11-22T10:00:00.001Z
            some\u{1b}[2Jbody is not among EventSources, so its latency.spike is not taken
            mend its sender, or EventSources, so that the next one is taken: there is nothing to put back
            72 bytes: {"source":"some\u001b[2Jbody","detail-type":"latency.spike","detail":{}}
          m-3, received 2026-11-22T10:00:00.002Z
            its body is no event of the bus
            mend its sender, or EventSources, so that the next one is taken: there is nothing to put back
            2 bytes: []
    "#]]).await;
}

#[tokio::test]
async fn a_message_goes_back_without_what_explained_it() {
    let queues = MemoryQueues::default();
    queues.put(DEAD, "m-1", "one", REFUSED);
    queues.put(DEAD, "m-2", "two", &[("tenant", "acme"), ("ERROR_CODE", "X")]);
    queues.put(DEAD, "m-3", "three", &[]);
    let (done, told) = redrive(&queues).await;
    assert!(done.unwrap());
    expect![[r#"
        ingest: 3 dead letters
          m-1 put back
          m-2 put back
          m-3 put back
    "#]]
    .assert_eq(&told);
    assert!(queues.bodies(DEAD).is_empty());
    let messages = queues.messages.lock().unwrap();
    let sent: Vec<_> = messages
        .iter()
        .map(|held| {
            let names: Vec<&str> = held.letter.attributes.keys().map(String::as_str).collect();
            (held.url.as_str(), held.letter.body.as_str(), names)
        })
        .collect();
    assert_eq!(
        sent,
        [
            (SOURCE, "one", vec![]),
            (SOURCE, "two", vec!["tenant"]),
            (SOURCE, "three", vec![])
        ]
    );
}

#[tokio::test]
async fn nothing_is_lost_whichever_call_fails() {
    for name in ["count", "receive", "send", "delete", "show_again"] {
        for from in 1..=4 {
            let queues = MemoryQueues {
                broken: Some((name, from)),
                ..MemoryQueues::default()
            };
            for number in 0..3 {
                queues.put(DEAD, &format!("m-{number}"), &format!("body {number}"), REFUSED);
            }
            let (done, told) = redrive(&queues).await;
            let (dead, source) = (queues.bodies(DEAD), queues.bodies(SOURCE));
            for number in 0..3 {
                let body = format!("body {number}");
                let kept = dead.iter().chain(&source).any(|(kept, _)| *kept == body);
                assert!(kept, "{name} {from}: {body} is lost\n{told}");
            }
            let moved = done.as_ref().is_ok_and(|complete| *complete);
            assert_eq!(moved, dead.is_empty(), "{name} {from}: {done:?}\n{told}");
            if name == "send" {
                let shown = dead.iter().all(|(_, visible)| *visible);
                assert!(shown, "{name} {from}: what was not put back is left invisible");
            }
        }
    }
}

#[tokio::test]
async fn one_that_is_refused_again_at_once_does_not_go_round() {
    /// The function behind the queue refuses everything immediately.
    struct Refusing(MemoryQueues);

    #[async_trait]
    impl Queues for Refusing {
        async fn count(&self, url: &str) -> anyhow::Result<usize> {
            self.0.count(url).await
        }
        async fn receive(&self, url: &str, most: usize, invisible_s: i32) -> anyhow::Result<Vec<Letter>> {
            self.0.receive(url, most, invisible_s).await
        }
        async fn send(
            &self,
            _: &str,
            body: &str,
            _: &BTreeMap<String, MessageAttributeValue>,
        ) -> anyhow::Result<()> {
            self.0.put(DEAD, &format!("again {body}"), body, REFUSED);
            Ok(())
        }
        async fn delete(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
            self.0.delete(url, receipt).await
        }
        async fn show_again(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
            self.0.show_again(url, receipt).await
        }
    }

    let queues = Refusing(MemoryQueues::default());
    for number in 0..5 {
        queues.0.put(DEAD, &format!("m-{number}"), "{}", REFUSED);
    }
    let mut buffer = Vec::new();
    let desk = Desk {
        queues: &queues,
        ..desk(&queues.0, Lane::Ingest, &[])
    };
    assert!(desk.redrive(&mut Terminal::buffer(&mut buffer)).await.unwrap());
    assert_eq!(queues.0.bodies(DEAD).len(), 5);
}

#[tokio::test]
async fn messages_are_discarded_one_by_one_and_failure_records_all_at_once() {
    let queues = MemoryQueues::default();
    queues.put(DEAD, "m-1", "one", REFUSED);
    queues.put(DEAD, "m-2", "two", REFUSED);
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let all = desk(&queues, Lane::Ingest, &[]).discard(&mut terminal).await;
    assert_eq!(
        all.unwrap_err().to_string(),
        "ingest holds messages, which can be put back: name those to be deleted with --message or --reason"
    );
    assert_eq!(queues.bodies(DEAD).len(), 2);

    let only = ["m-1".to_owned()];
    let one = desk(&queues, Lane::Ingest, &only).discard(&mut terminal).await;
    assert!(one.unwrap());
    assert_eq!(queues.bodies(DEAD), [("two".to_owned(), true)]);

    let records = desk(&queues, Lane::Outbox, &[]).redrive(&mut terminal).await;
    assert!(!records.unwrap());
    assert_eq!(
        queues.bodies(DEAD),
        [("two".to_owned(), true)],
        "left where it is"
    );
    let records = desk(&queues, Lane::Outbox, &[]).discard(&mut terminal).await;
    assert!(records.unwrap());
    assert!(queues.bodies(DEAD).is_empty());
    assert!(queues.bodies(SOURCE).is_empty());
    drop(terminal);
    let told = String::from_utf8(buffer).unwrap();
    assert!(
        told.contains(r#""body":"one""#),
        "what is deleted is printed: {told}"
    );
}
