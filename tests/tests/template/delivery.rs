//! Nothing is lost: queues, event sources, rules and subscriptions retry for a while, and what fails lands in a
//! dead-letter queue that somebody hears of.

use std::collections::{BTreeMap, BTreeSet};

use domain::message::Lane;
use serde_json::{Value, json};

use super::tree::{Template, items, target, texts, walk};
use super::{notices, passes};

pub(super) const QUEUE: &str = "AWS::SQS::Queue";
pub(super) const SOURCE: &str = "AWS::Lambda::EventSourceMapping";
const RULE: &str = "AWS::Events::Rule";

/// Fourteen days, the most that SQS keeps.
const LONGEST_S: u64 = 1_209_600;

/// Queues that hold what failed: whatever a dead-letter setting names.
pub(super) fn dead_letter_queues(template: &Template) -> BTreeSet<String> {
    let mut queues = BTreeSet::new();
    walk(template.root(), &mut |path, value| {
        let field = path.rsplit('/').next().unwrap_or_default();
        let named = match field {
            "deadLetterTargetArn" => target(value),
            "DeadLetterConfig" => target(&value["Arn"]),
            "OnFailure" => target(&value["Destination"]),
            _ => None,
        };
        queues.extend(named);
    });
    queues
}

fn sources_of<'a>(template: &'a Template, queue: &str) -> Vec<(&'a str, &'a Value)> {
    let sources = template.of_type(SOURCE).into_iter();
    sources
        .filter(|(_, source)| target(&source["Properties"]["EventSourceArn"]).as_deref() == Some(queue))
        .collect()
}

fn queues_redrive(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let dead_letters = dead_letter_queues(template);
    let mut used = BTreeMap::new();
    for (id, queue) in template.of_type(QUEUE) {
        let queue = &queue["Properties"];
        if template.number(&queue["MessageRetentionPeriod"]) != Some(LONGEST_S) {
            wrong.push(format!("{id} does not keep messages for 14 days"));
        }
        if queue["SqsManagedSseEnabled"] != true {
            wrong.push(format!("{id} is not encrypted"));
        }
        if dead_letters.contains(id) {
            if !queue["RedrivePolicy"].is_null() {
                wrong.push(format!("{id} is a dead-letter queue and has one of its own"));
            }
            continue;
        }
        let redrive = &queue["RedrivePolicy"];
        let receives = redrive["maxReceiveCount"].as_u64();
        let name = queue["QueueName"]["Fn::Sub"].as_str().unwrap_or_default();
        let most = Lane::of_queue(name).map(|lane| u64::from(lane.most_receives()));
        if receives != most || receives < Some(5) {
            wrong.push(format!("{id} gives a message up after {receives:?} receives"));
        }
        match target(&redrive["deadLetterTargetArn"]) {
            None => wrong.push(format!("{id} has no dead-letter queue")),
            Some(dead) => {
                if template.root()["Resources"][&dead]["Type"] != QUEUE {
                    wrong.push(format!(
                        "{id} has {dead} for a dead-letter queue, which is no queue"
                    ));
                }
                let allowed = json!({"redrivePermission": "byQueue", "sourceQueueArns": [{"Fn::Sub":
                    queue["QueueName"]["Fn::Sub"].as_str().map(|name| format!(
                        "arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{name}"))}]});
                if template.properties(&dead)["RedriveAllowPolicy"] != allowed {
                    wrong.push(format!("{dead} does not take from {id} alone"));
                }
                if let Some(other) = used.insert(dead.clone(), id) {
                    wrong.push(format!("{id} shares {dead} with {other}"));
                }
            }
        }
    }
    wrong
}

#[test]
fn every_queue_gives_up_after_as_many_receives_as_the_code_knows_into_a_queue_of_its_own() {
    passes(queues_redrive);
    let queue = |root: &mut Value| root["Resources"]["ScoringQueue"]["Properties"].take();
    notices(queues_redrive, "ScoringQueue", |root| {
        let mut properties = queue(root);
        properties.as_object_mut().unwrap().remove("RedrivePolicy");
        root["Resources"]["ScoringQueue"]["Properties"] = properties;
    });
    for (field, value) in [("maxReceiveCount", json!(4)), ("maxReceiveCount", json!(1000))] {
        notices(queues_redrive, "ScoringQueue", |root| {
            root["Resources"]["ScoringQueue"]["Properties"]["RedrivePolicy"][field] = value;
        });
    }
    notices(queues_redrive, "ScoringQueue", |root| {
        root["Resources"]["ScoringQueue"]["Properties"]["MessageRetentionPeriod"] = json!(345_600);
    });
    notices(queues_redrive, "IngestDeadLetterQueue", |root| {
        let dead = json!({ "Fn::GetAtt": ["IngestDeadLetterQueue", "Arn"] });
        root["Resources"]["ScoringQueue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] = dead;
    });
}

fn queues_are_worked(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let dead_letters = dead_letter_queues(template);
    for (id, queue) in template.of_type(QUEUE) {
        if dead_letters.contains(id) {
            continue;
        }
        let sources = sources_of(template, id);
        let [(source_id, source)] = sources.as_slice() else {
            wrong.push(format!("{id} has {} event sources, not one", sources.len()));
            continue;
        };
        let source = &source["Properties"];
        if !texts(&source["FunctionResponseTypes"]).contains(&"ReportBatchItemFailures") {
            wrong.push(format!("{source_id} does not report partial failures"));
        }
        let function = target(&source["FunctionName"]).unwrap_or_default();
        if function == "ExecutionFunction" && source["BatchSize"] != 1 {
            wrong.push(format!("{source_id} hands more than one proposal to execution"));
        }
        let timeout = template.number(&template.properties(&function)["Timeout"]);
        let visibility = template.number(&queue["Properties"]["VisibilityTimeout"]);
        if visibility.is_none() || visibility != timeout.map(|timeout| timeout + 10) {
            wrong.push(format!(
                "{id} hides a message for {visibility:?} s, its function runs for {timeout:?} s"
            ));
        }
        // Lambda starts with two pollers at the least, and a maximum below that is refused.
        let most = &source["ScalingConfig"]["MaximumConcurrency"];
        if !most.is_null() && !most.as_u64().is_some_and(|most| (2..=1000).contains(&most)) {
            wrong.push(format!("{source_id} has an impossible maximum concurrency"));
        }
    }
    wrong
}

#[test]
fn every_queue_is_worked_by_one_function_that_reports_what_failed() {
    passes(queues_are_worked);
    for (id, change) in [
        ("RestoreSource", json!({"FunctionResponseTypes": []})),
        ("RestoreSource", json!({"BatchSize": 10})),
        ("VerifySource", json!({"BatchSize": null})),
    ] {
        notices(queues_are_worked, id, |root| {
            let properties = root["Resources"][id]["Properties"].as_object_mut().unwrap();
            properties.extend(change.as_object().unwrap().clone());
        });
    }
    notices(queues_are_worked, "IngestQueue", |root| {
        root["Mappings"]["Seconds"]["IngestAndPropose"]["Visibility"] = json!("60");
    });
    notices(queues_are_worked, "VerifyQueue", |root| {
        root["Resources"].as_object_mut().unwrap().remove("VerifySource");
    });
}

/// A pause switches off scoring and new executions, never what takes back, and never what records incidents: a queue
/// would forget them after fourteen days.
fn a_pause_stops_what_starts(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let pausable = &template.properties("HousekeepingFunction")["Environment"]["Variables"];
    let pausable: BTreeSet<String> = Template::names_in(&pausable["PAUSABLE_EVENT_SOURCES"])
        .into_iter()
        .collect();
    for (id, source) in template.of_type(SOURCE) {
        let starts = ["ScoringSource", "ExecutionSource"].contains(&id);
        let enabled = &source["Properties"]["Enabled"];
        if starts != pausable.contains(id) {
            wrong.push(format!(
                "{id} is paused, and should not be, or the other way round"
            ));
        }
        let follows = *enabled == json!({"Fn::If": ["AgentIsEnabled", true, false]});
        if starts != follows || (!starts && !enabled.is_null()) {
            wrong.push(format!("{id} starts as {enabled}"));
        }
    }
    wrong
}

#[test]
fn a_pause_stops_new_work_and_never_a_restore() {
    passes(a_pause_stops_what_starts);
    notices(a_pause_stops_what_starts, "RestoreSource", |root| {
        root["Resources"]["RestoreSource"]["Properties"]["Enabled"] = json!(false);
    });
    for id in ["VerifySource", "IngestSource"] {
        notices(a_pause_stops_what_starts, id, |root| {
            let variables =
                &mut root["Resources"]["HousekeepingFunction"]["Properties"]["Environment"]["Variables"];
            variables["PAUSABLE_EVENT_SOURCES"]["Fn::Join"][1]
                .as_array_mut()
                .unwrap()
                .push(json!({ "Ref": id }));
        });
    }
    notices(a_pause_stops_what_starts, "IngestSource", |root| {
        root["Resources"]["IngestSource"]["Properties"]["Enabled"] =
            json!({"Fn::If": ["AgentIsEnabled", true, false]});
    });
}

/// Whether a queue's policy lets a service send for one source.
fn lets_in(template: &Template, queue: &str, service: &str, source: &str) -> bool {
    let policies = template.of_type("AWS::SQS::QueuePolicy").into_iter();
    policies
        .map(|(_, policy)| &policy["Properties"])
        .filter(|policy| {
            items(&policy["Queues"])
                .into_iter()
                .any(|one| target(one).as_deref() == Some(queue))
        })
        .flat_map(|policy| items(&policy["PolicyDocument"]["Statement"]))
        .any(|statement| {
            let sources = items(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]);
            statement["Effect"] == "Allow"
                && statement["Principal"]["Service"] == service
                && texts(&statement["Action"]) == ["sqs:SendMessage"]
                && target(&statement["Resource"]).as_deref() == Some(queue)
                && sources
                    .into_iter()
                    .any(|one| target(one).as_deref() == Some(source))
        })
}

fn rules_retry(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, rule) in template.of_type(RULE) {
        let targets = items(&rule["Properties"]["Targets"]);
        if targets.is_empty() {
            wrong.push(format!("{id} has no target"));
        }
        for one in targets {
            let retry = &one["RetryPolicy"];
            let attempts = retry["MaximumRetryAttempts"].as_u64();
            let age = retry["MaximumEventAgeInSeconds"].as_u64();
            if !attempts.is_some_and(|n| (1..=185).contains(&n))
                || !age.is_some_and(|s| (60..=86_400).contains(&s))
            {
                wrong.push(format!("{id} has no finite retries"));
            }
            let Some(dead) = target(&one["DeadLetterConfig"]["Arn"]) else {
                wrong.push(format!("{id} has no dead-letter queue"));
                continue;
            };
            let arn = target(&one["Arn"]).unwrap_or_default();
            let is_queue = template.root()["Resources"][&arn]["Type"] == QUEUE;
            for queue in [Some(dead), is_queue.then_some(arn)].into_iter().flatten() {
                if !lets_in(template, &queue, "events.amazonaws.com", id) {
                    wrong.push(format!("{queue} does not let {id} in"));
                }
            }
        }
    }
    for (id, subscription) in template.of_type("AWS::SNS::Subscription") {
        let subscription = &subscription["Properties"];
        // AWS itself sends e-mail, and there is nothing to put back: the alarm is still on.
        if subscription["Protocol"] == "email" {
            continue;
        }
        let topic = target(&subscription["TopicArn"]).unwrap_or_default();
        let dead = target(&subscription["RedrivePolicy"]["deadLetterTargetArn"]);
        if dead.is_none() {
            wrong.push(format!("{id} has no dead-letter queue"));
        }
        for queue in [dead, target(&subscription["Endpoint"])].into_iter().flatten() {
            if !lets_in(template, &queue, "sns.amazonaws.com", &topic) {
                wrong.push(format!("{queue} does not let {id} in"));
            }
        }
    }
    wrong
}

#[test]
fn every_rule_and_subscription_retries_and_has_a_dead_letter_queue_that_lets_it_in() {
    passes(rules_retry);
    for rule in ["IncidentRule", "ExecutionAutomaticRule", "HousekeepingSchedule"] {
        for field in ["RetryPolicy", "DeadLetterConfig"] {
            notices(rules_retry, rule, |root| {
                let one = &mut root["Resources"][rule]["Properties"]["Targets"][0];
                one.as_object_mut().unwrap().remove(field);
            });
        }
    }
    notices(
        rules_retry,
        "ExecutionDeadLetterQueue does not let ExecutionAutomaticRule in",
        |root| {
            root["Resources"]["ExecutionDeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
                [0]["Condition"] =
                json!({"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ExecutionApprovedRule", "Arn"]}}});
        },
    );
    notices(rules_retry, "IncidentTopicSubscription", |root| {
        root["Resources"]["IncidentTopicSubscription"]["Properties"]["RedrivePolicy"] = Value::Null;
    });
}

/// A function that is invoked and not asked has nobody to tell that it failed.
fn asynchronous_invocations_end_somewhere(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, _) in template.of_type("AWS::Serverless::Function") {
        let woken_by_rule = template.of_type(RULE).into_iter().any(|(_, rule)| {
            items(&rule["Properties"]["Targets"])
                .into_iter()
                .any(|one| target(&one["Arn"]).as_deref() == Some(id))
        });
        let config = &template.properties(id)["EventInvokeConfig"];
        let kept = target(&config["DestinationConfig"]["OnFailure"]["Destination"]).is_some()
            && config["MaximumRetryAttempts"].is_u64()
            && config["MaximumEventAgeInSeconds"].is_u64();
        if woken_by_rule && !kept {
            wrong.push(format!("{id} loses an invocation that fails"));
        }
    }
    wrong
}

#[test]
fn a_scheduled_run_that_fails_is_kept() {
    passes(asynchronous_invocations_end_somewhere);
    notices(
        asynchronous_invocations_end_somewhere,
        "HousekeepingFunction",
        |root| {
            root["Resources"]["HousekeepingFunction"]["Properties"]["EventInvokeConfig"]["DestinationConfig"] =
                Value::Null;
        },
    );
}

#[test]
fn queues_are_named_after_the_stack_as_the_documents_say() {
    let template = Template::read();
    for (id, queue) in template.of_type(QUEUE) {
        let name = id
            .trim_end_matches("Queue")
            .trim_end_matches("DeadLetter")
            .to_lowercase();
        let suffix = if id.ends_with("DeadLetterQueue") {
            "-dlq"
        } else {
            ""
        };
        let expected = json!({ "Fn::Sub": format!("${{AWS::StackName}}-{name}{suffix}") });
        assert_eq!(queue["Properties"]["QueueName"], expected, "{id}");
    }
}
