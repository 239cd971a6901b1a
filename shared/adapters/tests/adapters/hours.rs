//! The index of an hour in which much happened.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::ports::Trail as _;
use domain::trail::hour_key;
use testkit::{Dynamo, Proxy, TRAIL_TABLE, sample};

use crate::trail::stream;

/// As many keys as are more than one answer has.
const KEYS: u64 = 2_001;

/// As many items as DynamoDB takes in one write.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
const AT_ONCE: usize = 25;

#[tokio::test]
async fn an_hour_with_more_keys_than_one_answer_is_read_to_its_end() {
    let dynamo = Dynamo::start().await;
    let hour = hour_key(&stream(), sample::now());
    let text = |text: String| AttributeValue::S(text);
    let keys: Vec<WriteRequest> = (1..=KEYS)
        .map(|seq| {
            let item = HashMap::from([
                ("stream".to_owned(), text(stream().to_string())),
                ("seq".to_owned(), AttributeValue::N(seq.to_string())),
                ("hour".to_owned(), text(hour.clone())),
                ("at".to_owned(), text(sample::now().plus_millis(seq).to_string())),
            ]);
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        })
        .collect();
    for some in keys.chunks(AT_ONCE) {
        let write = dynamo.client().batch_write_item();
        write
            .request_items(TRAIL_TABLE, some.to_vec())
            .send()
            .await
            .unwrap();
    }
    let proxy = Proxy::before(&dynamo).await;
    let found = proxy.trail().streams_of(&hour).await.unwrap();
    assert_eq!(found, [(stream(), KEYS)], "the last key is in the second answer");
    assert_eq!(proxy.seen(), ["Query"; 2]);
}
