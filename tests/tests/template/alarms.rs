//! Somebody hears of it: what fails, waits too long or is throttled has an alarm.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::delivery::{QUEUE, dead_letter_queues};
use super::tree::{Template, target};
use super::{notices, passes};

/// What an alarm watches: namespace, metric, and the logical id of the queue or function.
fn watched(template: &Template) -> BTreeSet<(String, String)> {
    let alarms = template.of_type("AWS::CloudWatch::Alarm").into_iter();
    let noticed = json!({"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]});
    alarms
        .map(|(_, alarm)| &alarm["Properties"])
        .filter(|alarm| {
            alarm["AlarmActions"] == noticed
                && alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
                && alarm["Threshold"].as_u64() >= Some(1)
                && alarm["EvaluationPeriods"] == 1
        })
        .filter_map(|alarm| {
            let metric = alarm["MetricName"].as_str()?;
            Some((metric.to_owned(), target(&alarm["Dimensions"][0]["Value"])?))
        })
        .collect()
}

fn alarms_sound(template: &Template) -> Vec<String> {
    let watched = watched(template);
    let dead_letters = dead_letter_queues(template);
    let mut needed: Vec<(&str, String)> = Vec::new();
    for (id, _) in template.of_type(QUEUE) {
        let metric = match dead_letters.contains(id) {
            true => "ApproximateNumberOfMessagesVisible",
            false => "ApproximateAgeOfOldestMessage",
        };
        needed.push((metric, id.to_owned()));
    }
    for (id, _) in template.of_type("AWS::Serverless::Function") {
        needed.push(("Errors", id.to_owned()));
        needed.push(("Throttles", id.to_owned()));
    }
    needed.push(("IteratorAge", "OutboxFunction".to_owned()));
    needed
        .into_iter()
        .filter(|(metric, id)| !watched.contains(&((*metric).to_owned(), id.clone())))
        .map(|(metric, id)| format!("no alarm watches {metric} of {id}"))
        .collect()
}

#[test]
fn every_dead_letter_queue_queue_and_function_has_its_alarm() {
    passes(alarms_sound);
    notices(alarms_sound, "RestoreDeadLetterQueue", |root| {
        root["Resources"]
            .as_object_mut()
            .unwrap()
            .remove("RestoreDeadLetterAlarm");
    });
    notices(alarms_sound, "OutboxDeadLetterQueue", |root| {
        root["Resources"]["OutboxDeadLetterAlarm"]["Properties"]["Threshold"] = json!(0);
    });
    notices(alarms_sound, "ExecutionFunction", |root| {
        root["Resources"]["ExecutionErrorsAlarm"]["Properties"]["AlarmActions"] = Value::Null;
    });
}
