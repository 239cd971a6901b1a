//! What fails, fails alone: a record that cannot be read, or a proposal that cannot be announced, beside others of the
//! same batch.

use std::sync::Once;

use domain::proposal::{DeclineReason, Declined, ProposalFact};
use domain::trail::refusal::{self, RefusalFact};
use domain::trail::{Actor, Entry};
use domain::value::is_dangerous;

use super::*;

/// Two proposals: one of three records that waits for people, one of two that nobody is told of.
fn two() -> (Story, Story) {
    let other = Story::received(&sample::provider_unhealthy("anthropic"));
    let declined = ProposalFact::Declined(Declined {
        reason: DeclineReason::NothingToDo,
        explanation: "of the test".to_owned(),
        proposer: None,
        borne_out: None,
    });
    let other = other.then(10, Actor::Agent, &declined);
    (Story::awaiting(breaks()), other)
}

/// The records of both in turns, as they were written.
fn in_turns(one: &Story, other: &Story) -> Vec<Value> {
    let (one, other) = (inserts(one), inserts(other));
    let mut records = Vec::new();
    for at in 0..one.len().max(other.len()) {
        records.extend(one.get(at).cloned());
        records.extend(other.get(at).cloned());
    }
    records
}

/// Numbers the records by their positions in the batch, from 1.
fn numbered(mut records: Vec<Value>) -> Vec<Value> {
    for (record, at) in records.iter_mut().zip(1..) {
        record["dynamodb"]["SequenceNumber"] = json!(number(at));
    }
    records
}

/// A record of which a part is something else.
fn with(pointer: &str, part: Value) -> Value {
    let mut record = record("INSERT", "proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1", 1);
    *record.pointer_mut(pointer).unwrap() = part;
    record
}

/// Records that cannot be read, each with what is wrong with it.
fn poisons() -> Vec<(Value, &'static str)> {
    let keys = |keys| with("/dynamodb/Keys", keys);
    let stream = |stream| with("/dynamodb/Keys/stream", stream);
    let seq = |seq| with("/dynamodb/Keys/seq", seq);
    let no_stream = "the key has no stream";
    let not_a_stream =
        "the stream is not a stream: proposal/…, incident/…, target/…/…, limit/…/…, control or guard";
    let no_position = "the key has no position";
    let no_number = "the position is not a whole number";
    let no_event = "eventName is none of INSERT, MODIFY and REMOVE";
    vec![
        (keys(Value::Null), no_stream),
        (keys(json!([])), no_stream),
        (keys(json!({"stream": "proposal", "seq": 1})), no_stream),
        (stream(json!({"N": "1"})), no_stream),
        (stream(json!({"S": 1})), no_stream),
        (stream(json!({"S": "nonsense"})), not_a_stream),
        (stream(json!({"S": ""})), not_a_stream),
        (stream(json!({"S": "proposal/x"})), "the stream is not "),
        (seq(Value::Null), no_position),
        (seq(json!({"N": 1})), no_position),
        (seq(json!({"N": "one"})), no_number),
        (seq(json!({"N": "-1"})), no_number),
        (with("/eventName", json!("UPSERT")), no_event),
        (with("/eventName", json!(7)), no_event),
        // Another shape entirely, of which only the number is left.
        (json!({}), no_event),
        (
            json!({"dynamodb": {"Keys": 5}, "eventName": ["INSERT"]}),
            no_event,
        ),
    ]
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_alone_wherever_it_stands() {
    let (one, other) = two();
    let good = in_turns(&one, &other);
    assert_eq!(good.len(), 5);
    for (poison, _) in poisons() {
        for at in 0..=good.len() {
            let out = Out::with_all([&one, &other]);
            let mut records = good.clone();
            records.insert(at, poison.clone());
            let records = numbered(records);
            let answer = failed(&[at as u64 + 1]);
            assert_eq!(out.works(records.clone()).await, answer, "{poison}");
            let announced = || (out.announced_of(&one), out.announced_of(&other));
            assert_eq!(announced(), (vec![1, 2, 3], vec![1, 2]), "{at}: {poison}");
            assert_eq!((out.viewed(&one), out.viewed(&other)), (Some(3), Some(2)));

            // Lambda delivers it again with all that follows: that was announced, and is not announced twice.
            let told = out.topic.told();
            assert_eq!(out.works(records[at..].to_vec()).await, answer, "{poison}");
            assert_eq!(announced(), (vec![1, 2, 3], vec![1, 2]), "{at}: {poison}");
            assert_eq!(out.topic.told(), told);
        }
    }
}

#[tokio::test]
async fn every_failure_is_reported_in_the_order_of_the_batch() {
    let (one, other) = two();
    let out = Out::with_all([&one, &other]);
    let of_one = inserts(&one);
    let missing = record("INSERT", &one.last().stream.to_string(), 4);
    let mut records = vec![poisons()[0].0.clone(), of_one[0].clone()];
    records.extend(inserts(&other));
    records.extend([poisons()[5].0.clone(), of_one[1].clone(), missing]);
    assert_eq!(out.works(numbered(records)).await, failed(&[1, 2, 5]));
    assert_eq!(
        (out.announced_of(&one), out.announced_of(&other)),
        (vec![], vec![1, 2])
    );
}

#[tokio::test]
async fn a_record_that_is_not_in_the_table_yet_fails_its_proposal_alone() {
    let (one, other) = two();
    let missing = record("INSERT", &one.last().stream.to_string(), 4);
    let good = in_turns(&one, &other);
    for at in 0..=good.len() {
        let out = Out::with_all([&one, &other]);
        let mut records = good.clone();
        records.insert(at, missing.clone());
        // Its first record in the batch, wherever the missing one stands.
        assert_eq!(out.works(numbered(records)).await, failed(&[1]), "{at}");
        assert_eq!(out.announced_of(&one), [0; 0], "{at}");
        assert_eq!(out.announced_of(&other), [1, 2], "{at}");
    }
}

#[tokio::test]
async fn a_proposal_that_cannot_be_announced_keeps_back_none_of_the_others() {
    let (one, other) = two();
    let records = numbered(in_turns(&one, &other));
    let ports = [
        ("trail", (|out| out.trail.outages.next(1)) as fn(&Out)),
        ("bus", |out| out.bus.outages.next(1)),
        ("topic", |out| out.topic.outages.next(1)),
        ("view", |out| out.view.outages.next(1)),
        ("the bus's reply", |out| out.bus.outages.next_replies(1)),
        ("the topic's reply", |out| out.topic.outages.next_replies(1)),
    ];
    for (port, fails) in ports {
        let out = Out::with_all([&one, &other]);
        fails(&out);
        assert_eq!(out.works(records.clone()).await, failed(&[1]), "{port}");
        assert_eq!((out.viewed(&one), out.viewed(&other)), (None, Some(2)), "{port}");
        assert_eq!(out.announced_of(&other), [1, 2], "{port}");

        assert_eq!(out.works(records.clone()).await, nothing_failed(), "{port}");
        assert_eq!(
            (out.viewed(&one), out.viewed(&other)),
            (Some(3), Some(2)),
            "{port}"
        );
        assert_eq!(out.announced_of(&other), [1, 2], "{port}: not twice");
        let of_one = out.announced_of(&one);
        assert!(of_one.ends_with(&[1, 2, 3]), "{port}: in its order, {of_one:?}");
        assert_eq!(
            out.topic.told().len(),
            if port.starts_with("the topic") { 2 } else { 1 }
        );
    }
}

#[tokio::test]
async fn what_does_not_hold_of_one_proposal_is_not_announced_and_the_other_is() {
    let (one, other) = two();
    let out = Out::with_all([&one, &other]);
    let mut tampered = one.records()[1].clone();
    tampered.body = "{}".to_owned();
    out.trail.overwrite(tampered);
    let records = numbered(in_turns(&other, &one));
    for _ in 0..2 {
        // It will never hold: the stream does not wait for it, and whoever reads it to act names it.
        assert_eq!(out.works(records.clone()).await, failed(&[]));
        assert_eq!((out.viewed(&one), out.viewed(&other)), (Some(1), Some(2)));
        assert_eq!(out.announced_of(&one), [1]);
        assert_eq!(out.announced_of(&other), [1, 2]);
    }
}

#[tokio::test]
async fn what_is_delivered_from_the_lowest_failure_on_is_announced_once() {
    let (one, other) = two();
    let out = Out::with_all([&one, &other]);
    let of_one = inserts(&one);
    let mut records = vec![of_one[0].clone(), poisons()[0].0.clone(), of_one[1].clone()];
    records.extend(inserts(&other));
    records.push(of_one[2].clone());
    let records = numbered(records);
    out.trail.outages.next(1);
    // The first proposal and the poison; the other proposal is announced.
    assert_eq!(out.works(records.clone()).await, failed(&[1, 2]));
    assert_eq!(
        (out.announced_of(&one), out.announced_of(&other)),
        (vec![], vec![1, 2])
    );
    assert_eq!(out.works(records.clone()).await, failed(&[2]));
    assert_eq!(out.works(records[1..].to_vec()).await, failed(&[2]));
    assert_eq!(
        (out.announced_of(&one), out.announced_of(&other)),
        (vec![1, 2, 3], vec![1, 2])
    );
    assert_eq!(out.topic.told().len(), 1);
}

#[tokio::test]
async fn what_is_not_announced_needs_no_keys() {
    for event_name in ["MODIFY", "REMOVE"] {
        let mut record = record(event_name, "nonsense", 1);
        record["dynamodb"]["Keys"] = json!("nonsense");
        assert_eq!(
            Out::with(&Story::begins()).works(vec![record]).await,
            nothing_failed()
        );
    }
}

#[test]
fn a_record_that_nothing_names_fails_the_whole_batch() {
    let good = record("INSERT", "control", 1);
    let mut nameless = vec![
        json!({}),
        json!("x"),
        json!(null),
        json!([[1]]),
        json!({"dynamodb": 1}),
    ];
    for number in [
        json!(null),
        json!(""),
        json!(7),
        json!("7a"),
        json!(" 7"),
        json!({"S": "7"}),
    ] {
        nameless.push(with("/dynamodb/SequenceNumber", number));
    }
    for record in nameless {
        let event = json!({ "Records": [good, record] });
        assert_eq!(
            format!("{:#}", Woken::read(event).unwrap_err()),
            "the event is of a DynamoDB stream, and cannot be read: a record has no sequence number, and nothing else \
             names it",
            "{record}"
        );
    }
}

/// The lines that a batch leaves in the log.
async fn logged(out: &Out, records: Vec<Value>) -> Vec<Value> {
    static LOGGING: Once = Once::new();
    LOGGING.call_once(|| {
        let logs = runtime::logs(testkit::logs::here, "info".parse().unwrap());
        tracing::subscriber::set_global_default(logs).unwrap();
    });
    testkit::logs::keep();
    out.works(records).await;
    let text = testkit::logs::kept();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn each_failure_is_logged_once_with_its_stream_and_the_reason() {
    let (one, other) = two();
    let (of_one, of_other) = (one.last().stream.to_string(), other.last().stream.to_string());
    let out = Out::with_all([&one, &other]);
    let mut records = in_turns(&one, &other);
    records.push(record("INSERT", &of_one, 4));
    records.push(with("/dynamodb/Keys/seq/N", json!("x")));
    let mut lines = logged(&out, numbered(records)).await;
    let metrics: Vec<Value> = lines
        .extract_if(.., |line| line["metric"] == "proposals")
        .map(|line| line["kind"].clone())
        .collect();
    assert_eq!(metrics, ["received", "declined"]);

    let [missing, unread, announced] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    let reason = format!(
        "record 4 of proposal {} is in the stream but not in the table",
        one.proposal().id()
    );
    assert_eq!(missing["level"], "ERROR");
    assert_eq!(missing["error"], reason);
    assert_eq!(missing["proposal.id"], one.proposal().id().to_string());
    assert_eq!(missing["sequence_number"], number(1));
    let message = format!(
        "will be announced again: record {} of the table's stream, \"{of_one}\": {reason}",
        number(1)
    );
    assert_eq!(missing["message"], message);

    assert_eq!(unread["sequence_number"], number(7));
    assert_eq!(unread["proposal.id"], Value::Null);
    let message = unread["message"].as_str().unwrap();
    let reason = "the position is not a whole number: invalid digit found in string";
    assert!(message.starts_with("will be announced again: "), "{message}");
    assert!(
        message.contains("proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1"),
        "{message}"
    );
    assert!(message.ends_with(reason), "{message}");
    assert_eq!(unread["error"], reason);

    assert_eq!(
        (&announced["message"], &announced["records"]),
        (&json!("announced"), &json!(2))
    );
    assert!(!lines[..2].iter().any(|line| line.to_string().contains(&of_other)));
}

#[tokio::test]
async fn whatever_changes_or_removes_a_record_is_an_alarm_but_time_to_live() {
    let out = Out::with(&Story::begins());
    let expired = record("REMOVE", "proposal/a-1", 1);
    let mut removed = record("REMOVE", "target/provider/openai", 2);
    removed["userIdentity"] = Value::Null;
    let mut pretends = record("REMOVE", "control", 3);
    pretends["userIdentity"] = json!({"type": "Service", "principalId": "lambda.amazonaws.com"});
    let mut changed = record("MODIFY", "nonsense\u{1b}[2J", 4);
    changed["dynamodb"]["Keys"]["seq"] = json!("nonsense");
    let lines = logged(&out, vec![expired, removed, pretends, changed]).await;
    let rung: Vec<Value> = lines
        .iter()
        .filter(|line| line["alarm"] == "tampered_record")
        .map(|line| {
            json!([
                line["event"],
                line["trail.stream"],
                line["trail.seq"],
                line["level"]
            ])
        })
        .collect();
    assert_eq!(
        rung,
        [
            json!(["REMOVE", "target/provider/openai", "2", "ERROR"]),
            json!(["REMOVE", "control", "3", "ERROR"]),
            json!(["MODIFY", "nonsense\\u{1b}[2J", null, "ERROR"]),
        ]
    );
    assert!(out.announced().is_empty());
}

#[tokio::test]
async fn the_reason_of_each_failure_is_said() {
    let out = Out::with(&Story::begins());
    for (poison, reason) in poisons() {
        let lines = logged(&out, numbered(vec![poison.clone()])).await;
        let error = lines[0]["error"].as_str().unwrap();
        assert!(error.starts_with(reason), "{poison}: {error}");
    }
}

#[tokio::test]
async fn a_stream_key_is_logged_visible_and_short() {
    let out = Out::with(&Story::begins());
    let hostile = "a\u{202e}b\u{7}c\nd\u{3164}e\u{1b}[2J";
    let long = "x".repeat(100_000);
    let key = format!("{hostile}{long}");
    for keys in [
        json!({"stream": {"S": key}, "seq": {"N": "1"}}),
        json!({"stream": {"S": "proposal/x"}, "seq": {"N": key}}),
        json!({ "stream": key }),
        json!({ key.clone(): [key] }),
        json!([{ "S": key }]),
    ] {
        let lines = logged(&out, numbered(vec![with("/dynamodb/Keys", keys)])).await;
        let line = lines[0].to_string();
        assert!(!line.chars().any(is_dangerous), "{line:.300}");
        assert!(line.len() < 2_000, "{} bytes, {line:.300}", line.len());
        assert!(
            lines[0]["message"]
                .as_str()
                .unwrap()
                .starts_with("will be announced again")
        );
    }
    let hostile = record("INSERT", hostile, 1);
    let lines = logged(&out, vec![hostile]).await;
    let message = lines[0]["message"].as_str().unwrap();
    assert!(
        message.contains(r#""a\u{202e}b\u{7}c\nd\u{3164}e\u{1b}[2J""#),
        "{message}"
    );
}

#[tokio::test]
async fn a_notice_is_told_once_when_all_before_it_was_announced() {
    let (one, other) = two();
    let notice = |out: &Out| {
        let fact = RefusalFact::SourcesLeftOut { after: 20 };
        let stream = refusal::stream(second(0));
        let entry = Entry::first(stream.clone(), second(0), Actor::Agent, &fact, None);
        out.trail.insert(entry).unwrap();
        record("INSERT", &stream.to_string(), 1)
    };
    let poison = || poisons()[0].0.clone();
    for before in [false, true] {
        let out = Out::with_all([&one, &other]);
        let mut records = in_turns(&one, &other);
        records.push(notice(&out));
        let at = if before { 0 } else { records.len() };
        records.insert(at, poison());
        let last = records.len() as u64;
        let records = numbered(records);
        for _ in 0..3 {
            let answer = out.works(records[at..].to_vec()).await;
            assert_eq!(
                answer,
                if before {
                    failed(&[1, last])
                } else {
                    failed(&[last])
                }
            );
        }
        // Lambda gives the poison up in the end, and what was behind it comes alone.
        if before {
            assert_eq!(out.topic.notices().len(), 0);
            assert_eq!(out.works(records[1..].to_vec()).await, failed(&[]));
        } else {
            out.works(records[..at].to_vec()).await;
        }
        assert_eq!(out.topic.notices().len(), 1, "{before}");
    }
}
