//! Every service but DynamoDB: it takes what it is sent, and answers as far as the functions read.

use anyhow::{Result, anyhow};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Call, Memory, REGION, Request, Sent};

pub(super) fn answer(memory: &mut Memory, request: &Request) -> (Response, Call) {
    let target = request.header("x-amz-target");
    let by = request.caller();
    let body = request.json();
    let operation = target.rsplit('.').next().unwrap_or_default();
    match target.split('.').next().unwrap_or_default() {
        "AmazonSQS" => sqs(memory, by, operation, &body),
        "TrentService" => kms(memory, by, operation, &body),
        "secretsmanager" => secret(memory, by, &body),
        "AWSEvents" => events(memory, by, &body),
        _ if request
            .uri
            .path()
            .starts_with("/2015-03-31/event-source-mappings/") =>
        {
            lambda(by, request)
        }
        _ if request
            .header("content-type")
            .starts_with("application/x-www-form-urlencoded") =>
        {
            sns(memory, by, request)
        }
        _ => s3(memory, by, request),
    }
}

fn json_answer(body: &Value) -> Response {
    respond(StatusCode::OK, "application/x-amz-json-1.1", body.to_string())
}

fn respond(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let response = Response::builder()
        .status(status)
        .header("content-type", content_type);
    response.body(body.into()).unwrap_or_default()
}

/// The last part of a URL or an ARN.
fn name(text: &str) -> String {
    text.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

fn sqs(memory: &mut Memory, by: String, operation: &str, body: &Value) -> (Response, Call) {
    let queue = name(body["QueueUrl"].as_str().unwrap_or_default());
    let text = body["MessageBody"].as_str().unwrap_or_default();
    memory.sent.push(Sent {
        to: queue.clone(),
        body: text.to_owned(),
        delay_s: body["DelaySeconds"].as_u64().unwrap_or(0),
    });
    let answer = json!({ "MessageId": "m" });
    (json_answer(&answer), Call::new(by, "sqs", operation, queue))
}

/// The keys of KMS: ECDSA on P-256.
pub(super) struct Keys {
    decisions: EcdsaKeyPair,
    operators: EcdsaKeyPair,
    random: SystemRandom,
}

impl Keys {
    pub(super) fn new() -> Result<Self> {
        let key = || {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
                .map_err(|_| anyhow!("no key could be made"))
        };
        Ok(Self {
            decisions: key()?,
            operators: key()?,
            random: SystemRandom::new(),
        })
    }

    fn public(&self, key: &str) -> Option<String> {
        let der: PublicKeyX509Der<'_> = self.of(key).public_key().as_der().ok()?;
        Some(BASE64.encode(der.as_ref()))
    }

    fn sign(&self, key: &str, message: &[u8]) -> Option<String> {
        let signature = self.of(key).sign(&self.random, message).ok()?;
        Some(BASE64.encode(signature.as_ref()))
    }

    fn of(&self, key: &str) -> &EcdsaKeyPair {
        if key.contains("Operator") {
            &self.operators
        } else {
            &self.decisions
        }
    }
}

fn kms(memory: &Memory, by: String, operation: &str, body: &Value) -> (Response, Call) {
    let key = body["KeyId"].as_str().unwrap_or_default();
    let mut answer = json!({ "KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256" });
    if operation == "GetPublicKey" {
        answer["PublicKey"] = json!(memory.keys.public(key));
        answer["KeySpec"] = json!("ECC_NIST_P256");
        answer["KeyUsage"] = json!("SIGN_VERIFY");
    } else {
        let message = body["Message"].as_str().unwrap_or_default();
        let message = BASE64.decode(message.as_bytes()).unwrap_or_default();
        answer["Signature"] = json!(memory.keys.sign(key, &message));
    }
    (json_answer(&answer), Call::new(by, "kms", operation, name(key)))
}

fn secret(memory: &Memory, by: String, body: &Value) -> (Response, Call) {
    let id = body["SecretId"].as_str().unwrap_or_default();
    let text = memory.secrets.get(id).map_or("unset", String::as_str);
    let answer = json!({ "ARN": id, "Name": name(id), "SecretString": text, "VersionId": "1" });
    (
        json_answer(&answer),
        Call::new(by, "secretsmanager", "GetSecretValue", name(id)),
    )
}

fn events(memory: &mut Memory, by: String, body: &Value) -> (Response, Call) {
    let entries = body["Entries"].as_array().cloned().unwrap_or_default();
    let ids: Vec<Value> = entries.iter().map(|_| json!({ "EventId": "e" })).collect();
    let mut types = Vec::new();
    for entry in &entries {
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let detail: Value = serde_json::from_str(text("Detail")).unwrap_or_default();
        types.push(text("DetailType").to_owned());
        let event = json!({
            "version": "0", "id": "e", "detail-type": text("DetailType"), "source": text("Source"),
            "account": super::ACCOUNT, "time": "2026-01-01T00:00:00Z", "region": REGION, "resources": [],
            "detail": detail,
        });
        memory.sent.push(Sent {
            to: "bus".to_owned(),
            body: event.to_string(),
            delay_s: 0,
        });
    }
    let answer = json!({ "FailedEntryCount": 0, "Entries": ids });
    (
        json_answer(&answer),
        Call::new(by, "events", "PutEvents", types.join(" ")),
    )
}

fn sns(memory: &mut Memory, by: String, request: &Request) -> (Response, Call) {
    let mut fields = form_urlencoded::parse(&request.body);
    let message = fields.find(|(name, _)| name == "Message");
    let message = message.map(|(_, value)| value.into_owned());
    // Its one subscriber: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>
    let envelope = json!({
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:123456789012:sre-agent-approvals",
        "Message": message, "Timestamp": "2026-01-01T00:00:00.000Z",
    });
    memory.sent.push(Sent {
        to: "SlackQueue".to_owned(),
        body: envelope.to_string(),
        delay_s: 0,
    });
    let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m\
                  </MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                  </PublishResponse>";
    (
        respond(StatusCode::OK, "text/xml", answer),
        Call::new(by, "sns", "Publish", ""),
    )
}

fn lambda(by: String, request: &Request) -> (Response, Call) {
    let operation = if request.method == Method::GET {
        "GetEventSourceMapping"
    } else {
        "UpdateEventSourceMapping"
    };
    let answer = json!({ "UUID": name(request.uri.path()), "State": "Enabled" });
    (
        respond(StatusCode::OK, "application/json", answer.to_string()),
        Call::new(by, "lambda", operation, ""),
    )
}

fn s3(memory: &mut Memory, by: String, request: &Request) -> (Response, Call) {
    let path = request.uri.path().trim_start_matches('/').to_owned();
    let bucket = path.split('/').next().unwrap_or_default().to_owned();
    if request.method == Method::PUT {
        memory.objects.insert(path, request.body.to_vec());
        return (
            respond(StatusCode::OK, "application/xml", Body::empty()),
            Call::new(by, "s3", "PutObject", bucket),
        );
    }
    let call = Call::new(by, "s3", "GetObject", bucket);
    match memory.objects.get(&path) {
        Some(object) => (
            respond(StatusCode::OK, "application/octet-stream", object.clone()),
            call,
        ),
        None => (
            respond(
                StatusCode::NOT_FOUND,
                "application/xml",
                "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>",
            ),
            call,
        ),
    }
}
