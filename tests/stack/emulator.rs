//! Which emulator of AWS the stack is on, where a test has to know.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::variable;

/// The emulators of `cargo xtask up --stack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emulator {
    Ministack,
    Localstack,
}

impl Emulator {
    pub(crate) fn of_this_stack() -> Self {
        match variable("SRE_STACK").as_str() {
            "ministack" => Self::Ministack,
            "localstack" => Self::Localstack,
            other => panic!("SRE_STACK is {other}: eval \"$(cargo xtask env)\" first"),
        }
    }

    /// How many incidents half a burst has: as many as it works in about a minute.
    pub(crate) fn half_a_burst(self) -> usize {
        match self {
            Self::Ministack => 100,
            Self::Localstack => 30,
        }
    }
}

/// For a test of what LocalStack alone does as AWS does.
pub(crate) fn needs_localstack(what: &str) {
    assert_eq!(
        Emulator::of_this_stack(),
        Emulator::Localstack,
        "this needs {what}: cargo xtask test --only localstack"
    );
}

/// For a test of what ministack alone does as AWS does.
pub(crate) fn needs_ministack(what: &str) {
    assert_eq!(
        Emulator::of_this_stack(),
        Emulator::Ministack,
        "this needs {what}: cargo xtask test --only stack"
    );
}

/// LocalStack's own requests, which AWS has none of, and those of a service for which no SDK is built.
pub(crate) struct Localstack {
    http: reqwest::Client,
    endpoint: String,
}

impl Localstack {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30));
        Self {
            http: http.build().unwrap(),
            endpoint: variable("AWS_ENDPOINT_URL"),
        }
    }

    /// Removes now what time to live says is over, rather than at some time.
    /// <https://docs.localstack.cloud/aws/services/dynamodb/#time-to-live>
    pub(crate) async fn remove_what_expired(&self) {
        let reply = self
            .http
            .delete(format!("{}/_aws/dynamodb/expired", self.endpoint))
            .send()
            .await
            .unwrap();
        assert!(reply.status().is_success(), "{}", reply.text().await.unwrap());
    }

    /// A request of DynamoDB Streams.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html>
    async fn streams(&self, operation: &str, body: &Value) -> Value {
        let scope = "20261126/us-east-1/dynamodb/aws4_request";
        let reply = self
            .http
            .post(&self.endpoint)
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            // The emulator reads the service and the region in it, and checks no signature.
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=none"),
            )
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = reply.status();
        let text = reply.text().await.unwrap();
        assert!(status.is_success(), "{operation}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Every record of a stream, from its beginning.
    pub(crate) async fn records(&self, stream_arn: &str) -> Vec<Value> {
        let described = self
            .streams("DescribeStream", &json!({ "StreamArn": stream_arn }))
            .await;
        let mut records = Vec::new();
        for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
            let from = json!({ "StreamArn": stream_arn, "ShardId": shard["ShardId"],
                "ShardIteratorType": "TRIM_HORIZON" });
            let mut iterator = self.streams("GetShardIterator", &from).await["ShardIterator"].clone();
            // An open shard has no end: it is read until a page is empty.
            while iterator.is_string() {
                let page = self
                    .streams("GetRecords", &json!({ "ShardIterator": iterator }))
                    .await;
                let found = page["Records"].as_array().unwrap();
                records.extend(found.iter().cloned());
                iterator = if found.is_empty() {
                    Value::Null
                } else {
                    page["NextShardIterator"].clone()
                };
            }
        }
        records
    }
}
