//! What somebody inserted where no record can be.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::Trail;
use testkit::Dynamo;

use crate::trail::{entry, stream};

#[tokio::test]
async fn what_lies_at_no_position_freezes_no_stream() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let mut records = vec![trail.append(entry(1, None, "{}")).await.unwrap()];
    records.push(trail.append(entry(2, Some(&records[0]), "{}")).await.unwrap());
    let inserts = |seq: &str| {
        let statement = format!(
            "INSERT INTO \"{}\" VALUE {{'stream':?,'seq':?,'kind':?}}",
            testkit::TRAIL_TABLE
        );
        let text = |text: String| AttributeValue::S(text);
        let values = vec![
            text(stream().to_string()),
            AttributeValue::N(seq.to_owned()),
            text("nonsense".to_owned()),
        ];
        dynamo
            .client()
            .execute_statement()
            .statement(statement)
            .set_parameters(Some(values))
            .send()
    };
    for seq in [
        "0",
        "-1",
        "1.5",
        "2.5",
        "9007199254740993",
        "18446744073709551615",
        "1e30",
    ] {
        inserts(seq).await.unwrap();
        assert_eq!(trail.load(&stream()).await.unwrap(), records, "{seq}");
        assert_eq!(
            trail.last(&stream()).await.unwrap().as_ref(),
            records.last(),
            "{seq}"
        );
        assert_eq!(trail.newest(&stream(), 1).await.unwrap(), records[1..], "{seq}");
    }
    records.push(trail.append(entry(3, Some(&records[1]), "{}")).await.unwrap());
    assert_eq!(trail.load(&stream()).await.unwrap(), records);
}

#[tokio::test]
async fn a_stream_with_a_record_at_no_position_is_one_that_has_moved_on() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let record = trail.append(entry(1, None, "{}")).await.unwrap();
    let last = async || trail.streams_of(&record.hour).await.unwrap();
    assert_eq!(last().await, [(stream(), 1)]);
    // Whoever looks only at what moved on must see what was forged.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    dynamo
        .client()
        .execute_statement()
        .statement(format!(
            "INSERT INTO \"{}\" VALUE {{'stream':?,'seq':?,'hour':?,'at':?}}",
            testkit::TRAIL_TABLE
        ))
        .set_parameters(Some(vec![
            text(&stream().to_string()),
            AttributeValue::N("0.5".to_owned()),
            text(&record.hour),
            text(&record.at.to_string()),
        ]))
        .send()
        .await
        .unwrap();
    assert_eq!(last().await, [(stream(), u64::MAX)]);
}
