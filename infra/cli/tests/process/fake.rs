//! AWS and the agent's function URL over HTTP, as much of them as the commands ask; and a DynamoDB in this process.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use domain::message::Lane;
use domain::ports::Trail as _;
use domain::proposal::{Decision, ProposalFact, Rejected};
use domain::telling::{Answered, Detail, Line, Listed, Listing};
use domain::trail::{Author, Authority, Control, Entry, Fact as _, Record};
use domain::value::Digest;
use serde_json::{Value, json};
use testkit::story::{Story, pages, person, second};
use testkit::{Dynamo, TRAIL_TABLE, VIEW_TABLE, keys, sample};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::stack_of;

/// What answers wrongly, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The agent refuses what it is asked for.
    Refuses,
    /// The agent's reply says nothing of what was recorded.
    LosesReply,
    /// There is no such stack.
    NoStack,
    /// The caller may not do what they ask of a service.
    Forbids(&'static str),
    /// A dead letter is there, and cannot be put back.
    KeepsLetters,
    /// An event source is switched off that should be on.
    Disabled,
    /// The bot may not post.
    NoChannel,
}

/// What the fakes answer now.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// The proposal that the agent shows.
    pub(crate) detail: Option<Detail>,
    pub(crate) fault: Option<Fault>,
    /// Whether the dead letter was taken out.
    taken: bool,
}

/// A stack.
pub(crate) struct World {
    pub(crate) server: MockServer,
    pub(crate) dynamo: Dynamo,
    now: Arc<Mutex<Now>>,
}

impl World {
    /// One whose trail has this proposal.
    pub(crate) async fn with(story: &Story) -> Self {
        let dynamo = Dynamo::start().await;
        write(&dynamo, story).await;
        let server = MockServer::start().await;
        let now = Arc::new(Mutex::new(Now::default()));
        let answers = Answers {
            url: server.uri(),
            now: Arc::clone(&now),
        };
        Mock::given(any()).respond_with(answers).mount(&server).await;
        Self { server, dynamo, now }
    }

    /// Shows a story as it stood at a second, and fails like this from now on.
    pub(crate) fn is(&self, story: &Story, at: u64, fault: Option<Fault>) {
        let control = Control::default();
        let detail = Detail::of(story.proposal(), story.records(), &[], &control, second(at));
        *self.now.lock().unwrap() = Now {
            detail: Some(detail),
            fault,
            taken: false,
        };
    }
}

/// Writes a story to the trail, where each record has a writer's token of its own; the last record.
pub(crate) async fn write(dynamo: &Dynamo, story: &Story) -> Record {
    let trail = dynamo.trail();
    let mut entries = story.entries().iter();
    let mut last = trail.append(entries.next().unwrap().clone()).await.unwrap();
    for (entry, record) in entries.zip(&story.records()[1..]) {
        let fact = ProposalFact::read(record).unwrap();
        let next = Entry::after(&last, record.at, record.actor.clone(), &fact);
        last = trail.append(next.by(entry.author)).await.unwrap();
    }
    last
}

/// Writes a page about the budget of payments, which alice rejects.
pub(crate) async fn write_rejected_page(world: &World) {
    let waits = Story::received(&sample::budget_exceeded("payments"))
        .proposes(pages())
        .is_scored(Decision::Gate);
    let last = write(&world.dynamo, &waits).await;
    let no = ProposalFact::Rejected(Rejected {
        scored: last.digest,
        policy: Digest::of(b"policy"),
        reason: None,
        extension: None,
        decider: None,
    });
    let entry = Entry::after(&last, second(30), person("alice"), &no);
    let trail = world.dynamo.trail();
    trail.append(entry.by(Author::Callback)).await.unwrap();
}

struct Answers {
    url: String,
    now: Arc<Mutex<Now>>,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut now = self.now.lock().unwrap();
        let target = request.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok()).unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let path = request.url.path();
        if let Some(Fault::Forbids(service)) = now.fault
            && (target.starts_with(service) || path.starts_with(service))
        {
            return ResponseTemplate::new(400)
                .insert_header("x-amzn-errortype", "AccessDeniedException")
                .set_body_json(json!({
                    "__type": "AccessDeniedException", "message": "not authorized to perform that",
                }));
        }
        match (target, path) {
            (_, "/") if body.contains("Action=DescribeStacks") => self.stack(&now),
            (_, "/") if body.contains("Action=GetCallerIdentity") => xml(200, IDENTITY),
            ("", path) if path.starts_with("/v1/proposals") => agent(request, path, &now),
            ("", path) if path.starts_with("/2015-03-31/event-source-mappings") => ok(event_sources(&now)),
            ("", path) if path.ends_with("/invocations") => ok(reaches(match now.fault {
                Some(Fault::NoChannel) => {
                    json!({ "what": "channel", "name": "C0X", "problem": "not_in_channel" })
                }
                _ => json!({ "what": "channel", "name": "C0SRE", "problem": null }),
            })),
            ("", path) if path.starts_with("/policies/") => object(request),
            ("", "/admin/v1/inventory") => ok(json!({
                "read_at": "2026-11-22T10:00:00.000Z", "providers": [], "model_groups": [], "teams": [], "budgets": [],
                "guardrails": [], "sla_contracts": [],
            })),
            ("AmazonSQS.ReceiveMessage", _) if now.fault == Some(Fault::KeepsLetters) && !now.taken => {
                now.taken = true;
                ok(json!({ "Messages": [{ "MessageId": "m-1", "ReceiptHandle": "r", "Body": "x" }] }))
            }
            _ => service(target, &json, &now),
        }
    }
}

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
     <GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/Sre/ada</Arn><UserId>A:ada</UserId>\
     <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn xml(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "text/xml")
}

/// What a function tells of itself that reaches something, or does not.
fn reaches(one: Value) -> Value {
    json!({ "version": env!("CARGO_PKG_VERSION"), "at": "2026-11-22T10:00:00.000Z", "reached": [one] })
}

impl Answers {
    fn stack(&self, now: &Now) -> ResponseTemplate {
        if now.fault == Some(Fault::NoStack) {
            return xml(
                400,
                "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
                 <Code>ValidationError</Code><Message>Stack with id sre-agent does not exist</Message></Error>\
                 </ErrorResponse>",
            );
        }
        let mut outputs: Vec<(String, String)> = [
            ("TrailTableName", TRAIL_TABLE),
            ("ProposalsTableName", VIEW_TABLE),
            ("PolicyBucketName", "policies"),
            ("OperatorsSecretArn", "sre-agent/operators"),
            ("GatewayReadSecretArn", "sre-agent/gateway-read"),
            ("DecisionKeys", "key/decisions"),
            ("OperatorKeys", "key/operators"),
            ("CommandsUrl", &self.url),
            ("IngestAndProposeFunctionName", "sre-agent-ingest-and-propose"),
            ("ScoringFunctionName", "sre-agent-scoring"),
            ("ExecutionFunctionName", "sre-agent-execution"),
            ("OutboxFunctionName", "sre-agent-outbox"),
            ("NotificationFunctionName", "sre-agent-notification"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for lane in Lane::ALL {
            let url = |end: &str| format!("{}/123456789012/sre-agent-{}{end}", self.url, lane.name());
            outputs.extend(lane.queue_output().map(|name| (name, url(""))));
            outputs.push((lane.dead_letters_output(), url("-dead")));
        }
        let outputs: Vec<(&str, &str)> = outputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        xml(200, &stack_of(&outputs, &[("GatewayUrl", &self.url)]))
    }
}

/// What SQS, KMS and Secrets Manager answer.
fn service(target: &str, request: &Value, now: &Now) -> ResponseTemplate {
    let keeps = now.fault == Some(Fault::KeepsLetters);
    let key = request["KeyId"].as_str().unwrap_or_default();
    let by = match key {
        "key/decisions" => Authority::Decisions,
        _ => Authority::Operators,
    };
    match target {
        "AmazonSQS.GetQueueAttributes" => ok(json!({ "Attributes": {
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
        }})),
        "AmazonSQS.SendMessage" if keeps => ResponseTemplate::new(400)
            .set_body_json(json!({ "__type": "com.amazonaws.sqs#UnsupportedOperation", "message": "no" })),
        "TrentService.GetPublicKey" => {
            ok(json!({ "KeyId": key, "PublicKey": BASE64.encode(&keys::der(by)) }))
        }
        "TrentService.Sign" => ok(json!({ "KeyId": key, "Signature": signed(request, by) })),
        "TrentService.GetKeyPolicy" => ok(json!({ "Policy": "{}" })),
        "TrentService.CreateKey" => {
            ok(json!({ "KeyMetadata": { "KeyId": "another", "Arn": "key/another" } }))
        }
        "secretsmanager.GetSecretValue" if request["SecretId"] == "sre-agent/gateway-read" => ok(json!({
            "ARN": "sre-agent/gateway-read", "Name": "sre-agent/gateway-read", "SecretString": "a-token",
        })),
        "secretsmanager.GetSecretValue" => ok(json!({
            "ARN": "sre-agent/operators", "Name": "sre-agent/operators",
            "SecretString": include_str!("../../../../events/operators.json"),
        })),
        _ => ok(json!({})),
    }
}

/// The signature of the key of tests: the text that is signed ends with the record's digest.
fn signed(request: &Value, by: Authority) -> String {
    let text = request["Message"].as_str().unwrap_or_default();
    let text = BASE64.decode(text.as_bytes()).unwrap();
    let digest: Digest = std::str::from_utf8(&text[text.len() - 64..])
        .unwrap()
        .parse()
        .unwrap();
    keys::sign(by, &digest).value
}

fn event_sources(now: &Now) -> Value {
    let lanes = Lane::ALL.into_iter().filter(|lane| lane.has_event_source());
    let mappings: Vec<Value> = lanes
        .map(|lane| {
            let arn = match lane.has_queue() {
                true => format!("arn:aws:sqs:eu-central-1:123456789012:sre-agent-{}", lane.name()),
                false => "arn:aws:dynamodb:eu-central-1:123456789012:table/sre_actions/stream/x".to_owned(),
            };
            let is_off = lane == Lane::Restore && now.fault == Some(Fault::Disabled);
            json!({ "EventSourceArn": arn, "State": if is_off { "Disabled" } else { "Enabled" } })
        })
        .collect();
    json!({ "EventSourceMappings": mappings })
}

/// The policies' bucket, which takes everything and has nothing.
fn object(request: &Request) -> ResponseTemplate {
    match request.method.as_str() {
        "PUT" => ResponseTemplate::new(200),
        _ => xml(
            404,
            "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>",
        ),
    }
}

/// The agent, which shows one proposal.
fn agent(request: &Request, path: &str, now: &Now) -> ResponseTemplate {
    let Some(detail) = &now.detail else {
        return ResponseTemplate::new(500);
    };
    let id = detail.listed.proposal.to_string();
    let answered = |recorded, told| {
        json!(Answered {
            recorded,
            told: Line::of(told),
        })
    };
    match (request.method.as_str(), path.strip_prefix("/v1/proposals")) {
        ("GET", Some("")) => ok(json!(Listing {
            proposals: vec![Listed::clone(&detail.listed)],
            more: false,
        })),
        ("POST", Some(_)) => match now.fault {
            Some(Fault::Refuses) => ResponseTemplate::new(409).set_body_json(answered(false, "no")),
            Some(Fault::LosesReply) => {
                ResponseTemplate::new(503).set_body_json(json!({ "error": "it cannot be told" }))
            }
            _ => ok(answered(true, "it is recorded")),
        },
        ("GET", Some(which)) if id.starts_with(which.trim_start_matches('/')) => ok(json!(detail)),
        _ => ResponseTemplate::new(404).set_body_json(json!({ "error": "there is no such proposal" })),
    }
}
