use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{Trail, TrailError};
use domain::trail::chain::problem_of;
use domain::trail::{
    Actor, Author, Entry, MAX_BODY_BYTES, Record, StreamId, UNREADABLE, hour_key, verify_chain,
};
use domain::value::{OperatorId, Timestamp};
use futures::future::join_all;
use testkit::{Dynamo, Proxy, TRAIL_TABLE, Trouble, sample};

pub(crate) fn stream() -> StreamId {
    sample::stream_of(&sample::provider_unhealthy("openai"))
}

pub(crate) fn entry(seq: u64, prev: Option<&Record>, body: &str) -> Entry {
    Entry {
        stream: stream(),
        seq,
        prev: prev.map(|prev| prev.digest),
        at: sample::now().plus_millis(seq),
        actor: Actor::Agent,
        kind: "commented".to_owned(),
        body: body.to_owned(),
        expires_at: Some(1_800_000_000),
        author: Author::Callback,
    }
}

async fn chain(trail: &dyn Trail, length: u64, body: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for seq in 1..=length {
        let record = trail.append(entry(seq, records.last(), body)).await.unwrap();
        records.push(record);
    }
    records
}

#[tokio::test]
async fn every_attribute_reads_back_as_it_was_written() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let full = Entry {
        actor: Actor::Operator {
            id: OperatorId::new("alice").unwrap(),
            name: "Alice \"A\" Ö🚀".to_owned(),
            channel: "slack".to_owned(),
        },
        // White space and the order of keys are part of what is hashed.
        body: "{ \"text\":\"'quoted' \\u0000 ? \\\" 🚀\",  \"a\": 1 }".to_owned(),
        ..entry(1, None, "")
    };
    let first = trail.append(full).await.unwrap();
    let sparse = Entry {
        expires_at: None,
        stream: StreamId::Control,
        ..entry(1, None, "{}")
    };
    let control = trail.append(sparse).await.unwrap();
    let second = trail.append(entry(2, Some(&first), "{}")).await.unwrap();

    let loaded = trail.load(&stream()).await.unwrap();
    assert_eq!(loaded, [first, second.clone()]);
    assert_eq!(verify_chain(&loaded), Ok(()));
    assert_eq!(trail.last(&stream()).await.unwrap(), Some(second));
    assert_eq!(trail.load(&StreamId::Control).await.unwrap(), [control]);

    let item = raw(&dynamo, &StreamId::Control, 1).await;
    let mut names: Vec<&str> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    // Absent attributes are absent, not NULL.
    assert_eq!(
        names,
        [
            "actor",
            "at",
            "body",
            "by_callback",
            "digest",
            "hour",
            "key",
            "kind",
            "schema",
            "seq",
            "signature",
            "source",
            "stream",
            "writer"
        ]
    );
}

#[tokio::test]
async fn a_stream_without_records_is_empty() {
    let dynamo = Dynamo::start().await;
    assert_eq!(dynamo.trail().load(&stream()).await.unwrap(), []);
    assert_eq!(dynamo.trail().last(&stream()).await.unwrap(), None);
    assert_eq!(dynamo.trail().streams_of("2026-11-22T10/0").await.unwrap(), []);
}

#[tokio::test]
async fn a_position_that_somebody_else_took_is_a_conflict() {
    let dynamo = Dynamo::start().await;
    let winner = dynamo.trail().append(entry(1, None, "{}")).await.unwrap();
    let loser = dynamo.trail().append(entry(1, None, "{}")).await.unwrap_err();
    assert!(
        matches!(&loser, TrailError::Conflict { stream: at, seq: 1 } if *at == stream()),
        "{loser}"
    );
    assert_eq!(dynamo.trail().load(&stream()).await.unwrap(), [winner]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_appends_at_one_position_exactly_one_succeeds() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let appends = join_all((0..50).map(|_| trail.append(entry(1, None, "{}")))).await;
    let (won, lost): (Vec<_>, Vec<_>) = appends.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for lost in lost {
        assert!(
            matches!(lost, Err(TrailError::Conflict { seq: 1, .. })),
            "{lost:?}"
        );
    }
    let won: Vec<Record> = won.into_iter().map(Result::unwrap).collect();
    assert_eq!(trail.load(&stream()).await.unwrap(), won);
}

#[tokio::test]
async fn a_reply_lost_after_the_commit_is_a_success() {
    for trouble in [Trouble::CutReply, Trouble::HangReply] {
        for times in [1, 2, 3] {
            let dynamo = Dynamo::start().await;
            let proxy = Proxy::before(&dynamo).await;
            proxy.on("ExecuteStatement", times, trouble);
            let record = proxy.trail().append(entry(1, None, "{}")).await.unwrap();
            assert_eq!(
                dynamo.trail().load(&stream()).await.unwrap(),
                [record],
                "{trouble:?} {times}×"
            );
            assert!(proxy.seen().contains(&"GetItem".to_owned()), "it was read back");
        }
    }
}

#[tokio::test]
async fn a_reply_lost_after_somebody_else_won_is_a_conflict() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    dynamo.trail().append(entry(1, None, "{}")).await.unwrap();
    proxy.on("ExecuteStatement", 3, Trouble::CutReply);
    let lost = proxy.trail().append(entry(1, None, "{}")).await.unwrap_err();
    assert!(matches!(lost, TrailError::Conflict { .. }), "{lost}");
}

#[tokio::test]
async fn a_request_lost_on_its_way_is_sent_again() {
    for trouble in [Trouble::CutRequest, Trouble::Hang, Trouble::Refuse] {
        let dynamo = Dynamo::start().await;
        let proxy = Proxy::before(&dynamo).await;
        proxy.next(1, trouble);
        let record = proxy.trail().append(entry(1, None, "{}")).await.unwrap();
        assert_eq!(
            proxy.seen(),
            ["ExecuteStatement", "ExecuteStatement"],
            "{trouble:?}"
        );
        assert_eq!(dynamo.trail().load(&stream()).await.unwrap(), [record]);
    }
}

#[tokio::test]
async fn a_trail_out_of_reach_is_unavailable_within_a_bounded_time() {
    for trouble in [Trouble::CutRequest, Trouble::Hang, Trouble::Refuse] {
        let dynamo = Dynamo::start().await;
        let proxy = Proxy::before(&dynamo).await;
        proxy.next(usize::MAX, trouble);
        let trail = proxy.trail();
        let began = Instant::now();
        let append = trail.append(entry(1, None, "{}")).await.unwrap_err();
        assert!(matches!(append, TrailError::Unavailable(_)), "{append}");
        // The insert and the read-back take at most 3 s each; the rest is for a busy machine.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let load = trail.load(&stream()).await.unwrap_err();
        assert!(matches!(load, TrailError::Unavailable(_)), "{load}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(
            dynamo.trail().load(&stream()).await.unwrap(),
            [],
            "nothing was written"
        );
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_back_is_unavailable_and_not_a_conflict() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    proxy.on("ExecuteStatement", 1, Trouble::CutReply);
    proxy.on("GetItem", usize::MAX, Trouble::CutRequest);
    let append = proxy.trail().append(entry(1, None, "{}")).await.unwrap_err();
    assert!(matches!(append, TrailError::Unavailable(_)), "{append}");
    assert_eq!(dynamo.trail().load(&stream()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_no_record_holds_is_refused_before_any_call() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    let body = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES - 2));
    let refused = proxy
        .trail()
        .append(entry(1, None, &format!("{body} ")))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, TrailError::TooLarge { bytes, most: MAX_BODY_BYTES, .. } if bytes == MAX_BODY_BYTES + 1),
        "{refused}"
    );
    assert_eq!(proxy.seen(), [""; 0]);
    proxy.trail().append(entry(1, None, &body)).await.unwrap();
}

#[tokio::test]
async fn a_stream_longer_than_a_page_is_loaded_whole() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    let trail = proxy.trail();
    // DynamoDB's pages hold 1 MB.
    let records = chain(&trail, 40, &format!("\"{}\"", "x".repeat(30_000))).await;
    let loaded = trail.load(&stream()).await.unwrap();
    assert_eq!(loaded, records);
    assert_eq!(verify_chain(&loaded), Ok(()));
    assert!(
        proxy
            .seen()
            .iter()
            .filter(|operation| *operation == "Query")
            .count()
            > 1,
        "in several pages"
    );
    assert_eq!(trail.last(&stream()).await.unwrap().as_ref(), records.last());
}

#[tokio::test]
async fn the_streams_of_an_hour_are_named_once_each() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    chain(&trail, 3, "{}").await;
    let next_hour = sample::now().plus_seconds(3600);
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        let limit = StreamId::Limit {
            name: "auto".to_owned(),
            window: number.to_string(),
        };
        for at in [sample::now(), next_hour] {
            let (seq, stream) = (if at == next_hour { 2 } else { 1 }, limit.clone());
            trail
                .append(Entry {
                    stream,
                    seq,
                    at,
                    ..entry(1, None, "{}")
                })
                .await
                .unwrap();
        }
        expected.insert(limit);
    }
    let mut found = Vec::new();
    for shard in 0..domain::trail::HOUR_SHARDS {
        found.extend(trail.streams_of(&format!("2026-11-22T11/{shard}")).await.unwrap());
    }
    found.sort();
    assert!(found.iter().map(|(stream, _)| stream).eq(&expected), "{found:?}");
    assert!(
        found.iter().all(|(_, last)| *last == 2),
        "with the last of the hour: {found:?}"
    );

    // Each was opened in the hour before, where its first record is filed.
    let (mut opened, long_ago) = (Vec::new(), sample::now().minus_seconds(86_400));
    for shard in 0..domain::trail::HOUR_SHARDS {
        let (before, after) = (format!("2026-11-22T10/{shard}"), format!("2026-11-22T11/{shard}"));
        opened.extend(trail.opened_in(&before, long_ago, usize::MAX).await.unwrap());
        assert_eq!(trail.opened_in(&after, long_ago, usize::MAX).await.unwrap(), []);
    }
    expected.insert(stream());
    opened.sort();
    assert!(
        opened.iter().map(|(stream, _)| stream).eq(&expected),
        "{opened:?}"
    );
    assert!(opened.iter().all(|(_, at)| at.hour() == sample::now().hour()));

    let here = trail
        .streams_of(&hour_key(&stream(), sample::now()))
        .await
        .unwrap();
    let here: Vec<_> = here.iter().filter(|(found, _)| *found == stream()).collect();
    assert_eq!(here, [&(stream(), 3)]);
}

#[tokio::test]
async fn the_newest_records_come_the_last_one_first_over_as_many_pages_as_it_takes() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    assert_eq!(trail.newest(&stream(), 3).await.unwrap(), []);
    // Forty of them are more than a page of one megabyte.
    let body = format!("\"{}\"", "x".repeat(30_000));
    chain(&trail, 40, &body).await;
    let mut all = trail.load(&stream()).await.unwrap();
    all.reverse();
    for most in [1, 3, 40, 50] {
        let newest = trail.newest(&stream(), most).await.unwrap();
        assert_eq!(newest, all[..most.min(40)]);
    }
}

#[tokio::test]
async fn what_is_no_record_never_holds_and_is_named() {
    let breakages: [(&str, Option<AttributeValue>); 7] = [
        ("kind", None),
        ("at", Some(AttributeValue::S("yesterday".to_owned()))),
        ("actor", Some(AttributeValue::S("{}".to_owned()))),
        ("digest", Some(AttributeValue::S("abc".to_owned()))),
        ("schema", Some(AttributeValue::N("1.5".to_owned()))),
        ("prev", Some(AttributeValue::Null(true))),
        ("expires_at", Some(AttributeValue::S("soon".to_owned()))),
    ];
    for (name, value) in breakages {
        let dynamo = Dynamo::start().await;
        let trail = dynamo.trail();
        chain(&trail, 2, "{}").await;
        let mut item = raw(&dynamo, &stream(), 2).await;
        match value {
            Some(value) => _ = item.insert(name.to_owned(), value),
            None => _ = item.remove(name),
        }
        let put = dynamo
            .client()
            .put_item()
            .table_name(TRAIL_TABLE)
            .set_item(Some(item));
        put.send().await.unwrap();

        let expected = format!("is not a record: its `{name}` is");
        let loaded = trail.load(&stream()).await.unwrap();
        assert_eq!(problem_of(&loaded[0]), None, "the others are read all the same");
        for read in [&loaded[1], &trail.last(&stream()).await.unwrap().unwrap()] {
            assert_eq!((read.seq, read.kind.as_str()), (2, UNREADABLE));
            let problem = problem_of(read).unwrap();
            assert!(problem.starts_with(&expected), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_changed_body_reads_but_does_not_match_its_digest() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    chain(&trail, 2, "{\"a\":1}").await;
    let mut item = raw(&dynamo, &stream(), 1).await;
    item.insert("body".to_owned(), AttributeValue::S("{\"a\":2}".to_owned()));
    let put = dynamo
        .client()
        .put_item()
        .table_name(TRAIL_TABLE)
        .set_item(Some(item));
    put.send().await.unwrap();
    let broken = verify_chain(&trail.load(&stream()).await.unwrap()).unwrap_err();
    assert_eq!(broken.seq, 1);
}

async fn raw(
    dynamo: &Dynamo,
    stream: &StreamId,
    seq: u64,
) -> std::collections::HashMap<String, AttributeValue> {
    let get = dynamo.client().get_item().table_name(TRAIL_TABLE);
    let get = get.key("stream", AttributeValue::S(stream.to_string()));
    let get = get
        .key("seq", AttributeValue::N(seq.to_string()))
        .consistent_read(true);
    get.send().await.unwrap().item.unwrap()
}

#[tokio::test]
async fn of_an_hour_the_newest_are_read_and_no_more_than_are_wanted() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    let trail = proxy.trail();
    let mut all: Vec<(StreamId, Timestamp)> = Vec::new();
    for number in 0..60 {
        let stream = StreamId::Limit {
            name: "auto".to_owned(),
            window: number.to_string(),
        };
        let opened = sample::now().plus_seconds(number);
        for seq in 1..=5 {
            let at = opened.plus_millis(seq - 1);
            let stream = stream.clone();
            let entry = Entry {
                stream,
                seq,
                at,
                ..entry(1, None, "{}")
            };
            trail.append(entry).await.unwrap();
        }
        all.push((stream, opened));
    }
    all.reverse();
    let queries = || {
        proxy
            .seen()
            .iter()
            .filter(|operation| *operation == "Query")
            .count()
    };
    let half = sample::now().plus_seconds(30);
    for shard in 0..domain::trail::HOUR_SHARDS {
        let hour = format!("{}/{shard}", sample::now().hour());
        let here = all.iter().filter(|(stream, at)| hour_key(stream, *at) == hour);
        let here: Vec<_> = here.cloned().collect();
        assert!(here.len() > 2, "the shard {shard} has {} of 60", here.len());
        let since = |since| here.iter().filter(move |(_, at)| *at >= since).cloned();
        assert_eq!(
            trail.opened_in(&hour, sample::now(), usize::MAX).await.unwrap(),
            here
        );
        assert_eq!(
            trail.opened_in(&hour, half, usize::MAX).await.unwrap(),
            since(half).collect::<Vec<_>>()
        );
        let before = queries();
        assert_eq!(trail.opened_in(&hour, sample::now(), 2).await.unwrap(), here[..2]);
        // One page of sixteen keys has three of them, whatever else there is.
        assert_eq!(queries(), before + 1);
    }
}
