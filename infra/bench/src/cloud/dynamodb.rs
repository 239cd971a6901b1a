//! The tables: dynoxide, in this process.

use anyhow::{Context as _, Result};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use testkit::{Dynamo, TRAIL_TABLE};

use super::{Call, Request};

/// Records of the stream that are asked for at once.
const AT_ONCE: usize = 1_000;

/// The trail's and the view's table.
pub(crate) struct Tables {
    dynamo: Dynamo,
    client: reqwest::Client,
    url: String,
}

/// How far the trail's stream was read.
pub(crate) struct Reader {
    iterator: Option<String>,
}

impl Tables {
    pub(super) async fn start() -> Result<Self> {
        let dynamo = Dynamo::start().await;
        let url = format!("http://{}/", dynamo.address());
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { dynamo, client, url })
    }

    /// The database, for who reads it as a person would.
    pub(crate) fn dynamo(&self) -> &Dynamo {
        &self.dynamo
    }

    /// Answers a function's call, and says what it cost.
    pub(super) async fn answer(&self, request: &Request) -> (Response, Call) {
        let target = request.header("x-amz-target").to_owned();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let mut body = request.json();
        body["ReturnConsumedCapacity"] = json!("TOTAL");
        let (status, bytes) = match self.send(&target, &body).await {
            Ok(answered) => answered,
            Err(err) => (500, err.to_string().into_bytes()),
        };
        let call = call(request.caller(), &operation, &body, status, &bytes);
        let response = Response::builder()
            .status(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY))
            .header("content-type", "application/x-amz-json-1.0")
            .body(Body::from(bytes))
            .unwrap_or_default();
        (response, call)
    }

    async fn send(&self, target: &str, body: &Value) -> Result<(u16, Vec<u8>)> {
        let authorization = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host, Signature=0";
        let response = self
            .client
            .post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", authorization)
            .header("x-amz-date", "20260101T000000Z")
            .body(serde_json::to_vec(body)?)
            .send()
            .await?;
        let status = response.status().as_u16();
        Ok((status, response.bytes().await?.to_vec()))
    }

    async fn ask(&self, target: &str, body: &Value) -> Result<Value> {
        let (status, bytes) = self.send(target, body).await?;
        let answer = serde_json::from_slice(&bytes)?;
        anyhow::ensure!(status == 200, "{target} answered {status}: {answer}");
        Ok(answer)
    }

    /// Switches the trail's stream on or off. With it, a write takes the longer the more there were: dynoxide 3.2 looks through all
    /// that the stream holds for its next number.
    pub(crate) async fn streams(&self, on: bool) -> Result<()> {
        let specification = match on {
            true => json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" }),
            false => json!({ "StreamEnabled": false }),
        };
        let wanted = json!({ "TableName": TRAIL_TABLE, "StreamSpecification": specification });
        self.ask("DynamoDB_20120810.UpdateTable", &wanted).await?;
        Ok(())
    }

    /// The trail's stream, from now on.
    pub(crate) async fn reader(&self) -> Result<Reader> {
        let streams = "DynamoDBStreams_20120810.";
        let table = json!({ "TableName": TRAIL_TABLE });
        let described = self.ask("DynamoDB_20120810.DescribeTable", &table).await?;
        let arn = &described["Table"]["LatestStreamArn"];
        let stream = self
            .ask(&format!("{streams}DescribeStream"), &json!({ "StreamArn": arn }))
            .await?;
        let shards = stream["StreamDescription"]["Shards"]
            .as_array()
            .context("the stream has no shards")?;
        let shard = shards.last().context("the stream has no shard")?;
        let wanted = json!({ "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST" });
        let iterator = self.ask(&format!("{streams}GetShardIterator"), &wanted).await?;
        Ok(Reader {
            iterator: iterator["ShardIterator"].as_str().map(str::to_owned),
        })
    }

    /// What was appended since the last time, as the stream has it.
    pub(crate) async fn appended(&self, reader: &mut Reader) -> Result<Vec<Value>> {
        let mut records = Vec::new();
        loop {
            let iterator = reader.iterator.as_ref().context("the stream has ended")?;
            let wanted = json!({ "ShardIterator": iterator, "Limit": AT_ONCE });
            let mut answer = self.ask("DynamoDBStreams_20120810.GetRecords", &wanted).await?;
            reader.iterator = answer["NextShardIterator"].as_str().map(str::to_owned);
            let Value::Array(found) = answer["Records"].take() else {
                return Ok(records);
            };
            if found.is_empty() {
                return Ok(records);
            }
            records.extend(found);
        }
    }
}

fn call(by: String, operation: &str, body: &Value, status: u16, answer: &[u8]) -> Call {
    let table = body["TableName"].as_str().unwrap_or_default();
    let (operation, about) = match operation {
        "ExecuteStatement" => ("Insert", inserted(body)),
        "Query" => ("Query", asked(body)),
        other => (other, key(body)),
    };
    let about = match (table == TRAIL_TABLE || operation == "Insert", status) {
        (true, 200) => about,
        (false, 200) => "the view".to_owned(),
        (_, status) => format!("{about}: {status}"),
    };
    let mut call = Call::new(by, "dynamodb", operation, about);
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let units = answer["ConsumedCapacity"]["CapacityUnits"]
        .as_f64()
        .unwrap_or(0.0);
    // Units are halves at the least.
    let halves = (units * 2.0).round();
    let halves = if halves > 0.0 { halves as u64 } else { 0 };
    match operation {
        "Insert" | "PutItem" | "UpdateItem" => call.writes = halves.div_ceil(2),
        _ => call.half_reads = halves,
    }
    call
}

/// The kind of the record that a statement inserts.
fn inserted(body: &Value) -> String {
    let statement = body["Statement"].as_str().unwrap_or_default();
    let names = statement.split('\'').skip(1).step_by(2);
    let at = names.into_iter().position(|name| name == "kind");
    let kind = at.and_then(|at| body["Parameters"][at]["S"].as_str());
    kind.unwrap_or("something else").to_owned()
}

/// The kind of stream that is looked at, without its name.
fn kind_of(name: &str) -> String {
    match name.split_once('/') {
        Some((kind, _)) => kind.to_owned(),
        None if name.starts_with(|first: char| first.is_ascii_digit()) => "an hour".to_owned(),
        None => name.to_owned(),
    }
}

fn asked(body: &Value) -> String {
    let values = body["ExpressionAttributeValues"].as_object();
    let names = values.into_iter().flatten();
    let mut strings = names.filter_map(|(_, value)| value["S"].as_str());
    let about = strings.next().map(kind_of).unwrap_or_default();
    // An hour's index has its shard behind the hour.
    let about = if body["IndexName"].is_string() {
        "an hour".to_owned()
    } else {
        about
    };
    match body["Limit"].as_u64() {
        Some(most) => format!("{about}, newest {most}"),
        None => about,
    }
}

fn key(body: &Value) -> String {
    let stream = body["Key"]["stream"]["S"].as_str();
    stream.map(kind_of).unwrap_or_default()
}
