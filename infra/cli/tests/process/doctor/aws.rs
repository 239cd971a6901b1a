//! AWS, the functions and the agent's two URLs over HTTP, as a deployment that lacks nothing answers: each question has its
//! answer, and a fault is another answer to one of them.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use domain::ports::Trail as _;
use domain::trail::{Authority, Control, Entry, StreamId};
use domain::value::Digest;
use policy::Bundle;
use serde_json::{Value, json};
use testkit::story::{person, second};
use testkit::{Dynamo, TRAIL_TABLE, keys};
use tokio::sync::OnceCell;

const TEMPLATE: &str = include_str!("../../../../../template.yaml");

/// The version of everything.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:sre-agent-approvals";
pub(super) const ALARMS: &str = "arn:aws:sns:eu-central-1:123456789012:sre-agent-alarms";

/// Lambda's question about the account.
pub(super) const ACCOUNT: &str = "GET /2016-08-19/account-settings";

/// What is answered to a question.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Json(Value),
    Xml(String),
    Bytes(Vec<u8>),
    /// What a function tells of itself; the time is that of the answer.
    Told(Value),
    /// What a function says that failed.
    Failed(Value),
    /// An error of AWS, by its code.
    Refused(&'static str),
    /// Nothing but a status.
    Status(u16),
}

/// A deployment, and AWS around it.
#[derive(Debug, Clone)]
pub(super) struct Aws {
    /// CloudFormation's word for the stack's state.
    pub(super) status: &'static str,
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) parameters: BTreeMap<String, String>,
    /// The answers, by question: the service's operation and what it is about.
    pub(super) answers: BTreeMap<String, Answer>,
    /// The outputs of URLs that it does not have.
    pub(super) lacks: Vec<&'static str>,
    /// How far the functions' clock is ahead, seconds.
    pub(super) ahead_s: u64,
}

impl Aws {
    /// One that lacks nothing.
    pub(super) async fn ready() -> Self {
        let mut aws = Self {
            status: "CREATE_COMPLETE",
            outputs: BTreeMap::new(),
            parameters: BTreeMap::new(),
            answers: BTreeMap::new(),
            lacks: Vec::new(),
            ahead_s: 0,
        };
        for (name, value) in [
            ("GatewayUrl", "https://gateway.example"),
            ("LicenseTier", "enterprise"),
            ("ModelApi", "anthropic"),
            ("SlackAppId", "A0SRE"),
            ("SlackTeamIds", "T0SRE"),
            ("SlackChannel", "C0SRE"),
            ("SenderRoles", "arn:aws:iam::123456789012:role/gateway"),
            ("SenderAccounts", ""),
            ("EventSources", "llm-gateway"),
            ("ExecutionReservedConcurrency", "20"),
            ("KeyArchives", ""),
            ("AlarmTopicArn", ""),
            ("LocalStack", "false"),
        ] {
            aws.parameter(name, value);
        }
        aws.functions();
        aws.secrets();
        aws.people();
        aws.table();
        for (output, key, by) in [
            ("DecisionKeys", "key/decisions", Authority::Decisions),
            ("OperatorKeys", "key/operators", Authority::Operators),
        ] {
            aws.output(output, key);
            aws.key_is(key, "Enabled");
            let public = json!({ "KeyId": key, "PublicKey": BASE64.encode(&keys::der(by)) });
            aws.answer(&format!("TrentService.GetPublicKey {key}"), Answer::Json(public));
        }
        aws.policy().await;
        let limits = json!({ "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 980 });
        aws.answer(ACCOUNT, Answer::Json(json!({ "AccountLimit": limits })));
        aws
    }

    pub(super) fn output(&mut self, name: &str, value: &str) {
        self.outputs.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn parameter(&mut self, name: &str, value: &str) {
        self.parameters.insert(name.to_owned(), value.to_owned());
    }

    /// Answers a question in another way from now on.
    pub(super) fn answer(&mut self, question: &str, answer: Answer) {
        self.answers.insert(question.to_owned(), answer);
    }

    pub(super) fn refuse(&mut self, question: &str, code: &'static str) {
        assert!(self.answers.contains_key(question), "nobody asks {question}");
        self.answer(question, Answer::Refused(code));
    }

    /// What a function tells that needs these, each with why it does not reach it.
    pub(super) fn tells(&mut self, function: &str, reached: &[(&str, &str, Option<&str>)]) {
        let reached = reached
            .iter()
            .map(|(what, name, problem)| json!({ "what": what, "name": name, "problem": problem }));
        let told = json!({ "version": VERSION, "reached": reached.collect::<Vec<_>>() });
        self.answer(&invoke(function), Answer::Told(told));
    }

    fn functions(&mut self) {
        for (function, output) in [
            ("ingest-and-propose", "IngestAndProposeFunctionName"),
            ("scoring", "ScoringFunctionName"),
            ("execution", "ExecutionFunctionName"),
            ("outbox", "OutboxFunctionName"),
            ("notification", "NotificationFunctionName"),
            ("housekeeping", "HousekeepingFunctionName"),
        ] {
            self.output(output, &format!("sre-agent-{function}"));
            self.tells(function, &[]);
        }
        self.tells(
            "ingest-and-propose",
            &[("gateway", "read", None), ("model", "claude-sonnet-4-6", None)],
        );
        self.tells("scoring", &[("policy", "policy in force", None)]);
        self.tells(
            "execution",
            &[
                ("gateway", "write", None),
                ("pager", "routing key", None),
                ("operators", "directory of operators", None),
            ],
        );
        self.tells("outbox", &[("link", "key of the links", None)]);
        self.tells("notification", &[("channel", "C0SRE", None)]);
        let healthy = json!({ "status": "ok" });
        self.answer("GET /callback/healthz", Answer::Json(healthy));
        let healthy = json!({ "status": "ok", "version": VERSION });
        self.answer("GET /commands/healthz", Answer::Json(healthy));
        let none = json!({ "proposals": [], "more": false });
        self.answer("GET /commands/v1/proposals", Answer::Json(none));
    }

    fn secrets(&mut self) {
        for (secret, output) in [
            ("slack-signing", "SlackSigningSecretArn"),
            ("slack-bot", "SlackBotSecretArn"),
            ("gateway-read", "GatewayReadSecretArn"),
            ("gateway-write", "GatewayWriteSecretArn"),
            ("model", "ModelSecretArn"),
            ("pagerduty", "PagerDutySecretArn"),
        ] {
            self.output(output, &format!("sre-agent/{secret}"));
            self.versions(secret, &["AWSPREVIOUS", "AWSCURRENT"]);
        }
        self.output("OperatorsSecretArn", "sre-agent/operators");
        self.operators(include_str!("../../../../../events/operators.json"));
    }

    /// A secret has had a version for each of these stages.
    pub(super) fn versions(&mut self, secret: &str, stages: &[&str]) {
        let stages = stages.iter().map(|stage| (format!("of-{stage}"), json!([stage])));
        let versions = Value::Object(stages.collect());
        let described = json!({ "ARN": secret, "VersionIdsToStages": versions });
        self.answer(&describe(secret), Answer::Json(described));
    }

    /// The directory of operators holds this text.
    pub(super) fn operators(&mut self, text: &str) {
        self.answer(
            "secretsmanager.GetSecretValue sre-agent/operators",
            Answer::Json(json!({ "ARN": "sre-agent/operators", "SecretString": text })),
        );
    }

    fn people(&mut self) {
        self.output("ApprovalTopicArn", TOPIC);
        self.output("AlarmTopicArn", ALARMS);
        self.output(
            "SlackQueueUrl",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/sre-agent-slack",
        );
        let queue = "arn:aws:sqs:eu-central-1:123456789012:sre-agent-slack";
        self.subscribed(TOPIC, &[("sqs", queue, true)], None);
        self.subscribed(ALARMS, &[("email", "sre@example.com", true)], None);
    }

    /// Who subscribes to a topic, and where the next page is.
    pub(super) fn subscribed(&mut self, topic: &str, all: &[(&str, &str, bool)], next: Option<&str>) {
        let members = all.iter().map(|(protocol, endpoint, confirmed)| {
            let arn = match confirmed {
                true => "arn:aws:sns:eu-central-1:123456789012:x:1",
                false => "PendingConfirmation",
            };
            format!(
                "<member><TopicArn>{topic}</TopicArn><Protocol>{protocol}</Protocol><Endpoint>{endpoint}</Endpoint>\
                 <SubscriptionArn>{arn}</SubscriptionArn></member>"
            )
        });
        let members: String = members.collect();
        let next = next.map(|next| format!("<NextToken>{next}</NextToken>"));
        let xml = format!(
            "<ListSubscriptionsByTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
             <ListSubscriptionsByTopicResult><Subscriptions>{members}</Subscriptions>{}</ListSubscriptionsByTopicResult>\
             </ListSubscriptionsByTopicResponse>",
            next.unwrap_or_default()
        );
        self.answer(&subscriptions(topic), Answer::Xml(xml));
    }

    fn table(&mut self) {
        self.output("TrailTableName", TRAIL_TABLE);
        let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sre_actions";
        self.output("TrailTableArn", arn);
        self.described(true, true);
        let told = json!({ "AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED" });
        let told = json!({ "TimeToLiveDescription": told });
        self.answer("DynamoDB.DescribeTimeToLive sre_actions", Answer::Json(told));
        self.recovers("ENABLED");
        self.denies(&json!("*"), &denied(), None);
        self.answer("DynamoDB.Query guard", Answer::Json(json!({ "Items": [] })));
    }

    /// The table is protected, and has a stream.
    pub(super) fn described(&mut self, is_protected: bool, is_streamed: bool) {
        let mut table = json!({ "TableName": TRAIL_TABLE, "DeletionProtectionEnabled": is_protected });
        if is_streamed {
            table["StreamSpecification"] =
                json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
        }
        let told = json!({ "Table": table });
        self.answer("DynamoDB.DescribeTable sre_actions", Answer::Json(told));
    }

    /// Recovery to a point in time is on, or not.
    pub(super) fn recovers(&mut self, status: &str) {
        let told = json!({
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": status },
        });
        let told = json!({ "ContinuousBackupsDescription": told });
        self.answer(
            "DynamoDB.DescribeContinuousBackups sre_actions",
            Answer::Json(told),
        );
    }

    /// The table's policy denies these actions to somebody.
    pub(super) fn denies(&mut self, whom: &Value, actions: &[&str], condition: Option<Value>) {
        let mut statement =
            json!({ "Effect": "Deny", "Principal": whom, "Action": actions, "Resource": "*" });
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        let policy = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        self.answer(
            "DynamoDB.GetResourcePolicy sre_actions",
            Answer::Json(json!({ "Policy": policy })),
        );
    }

    /// A key has this state.
    pub(super) fn key_is(&mut self, key: &str, state: &str) {
        let told = json!({ "KeyMetadata": { "KeyId": key, "Arn": key, "KeyState": state } });
        self.answer(&format!("TrentService.DescribeKey {key}"), Answer::Json(told));
    }

    /// The built-in policy was published, and signed.
    async fn policy(&mut self) {
        self.output("PolicyBucketName", "policies");
        self.stored(Bundle::builtin().bytes());
        let control = CONTROL.get_or_init(control).await;
        self.answer("DynamoDB.Query control", Answer::Json(control.clone()));
    }

    /// The bucket of policies has these bytes: under which digest.
    pub(super) fn stored(&mut self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let question = format!("GET /policies/payloads/{digest}");
        self.answer(&question, Answer::Bytes(bytes.to_vec()));
        digest
    }
}

/// The records of `control`, as DynamoDB has them.
static CONTROL: OnceCell<Value> = OnceCell::const_new();

async fn control() -> Value {
    let dynamo = Dynamo::start().await;
    let fact = Control::default().publish(Bundle::builtin().digest()).unwrap();
    let entry = Entry::first(StreamId::Control, second(0), person("ada"), &fact, None);
    dynamo.trail().append(entry).await.unwrap();
    let scan = reqwest::Client::new()
        .post(format!("http://{}/", dynamo.address()))
        .header("x-amz-target", "DynamoDB_20120810.Scan")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20261122T100000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(json!({ "TableName": TRAIL_TABLE }).to_string());
    let scanned = scan.send().await.unwrap().bytes().await.unwrap();
    let scanned: Value = serde_json::from_slice(&scanned).unwrap();
    assert_eq!(scanned["Items"].as_array().unwrap().len(), 1, "{scanned}");
    json!({ "Items": scanned["Items"] })
}

/// What the template's policy of the table denies to everybody.
pub(super) fn denied() -> Vec<&'static str> {
    let (_, statement) = TEMPLATE.split_once("RecordsAreInsertedNeverChanged").unwrap();
    let (statement, _) = statement.split_once("Resource:").unwrap();
    let lines = statement.lines().map(str::trim);
    lines
        .filter_map(|line| line.strip_prefix("- "))
        .filter(|action| action.starts_with("dynamodb:"))
        .collect()
}

/// The question that a function is asked.
pub(super) fn invoke(function: &str) -> String {
    format!("POST /2015-03-31/functions/sre-agent-{function}/invocations")
}

pub(super) fn describe(secret: &str) -> String {
    format!("secretsmanager.DescribeSecret sre-agent/{secret}")
}

/// The question who subscribes to a topic; a page after the first has its token behind it.
pub(super) fn subscriptions(topic: &str) -> String {
    format!("ListSubscriptionsByTopic {topic}")
}
