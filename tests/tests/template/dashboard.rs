//! The dashboard shows what there is: every alarm, queue and function, and metrics that something feeds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::alarms::metrics_of_ours;
use super::tree::{Template, items, walk};
use super::{notices, passes};

/// The widgets of the dashboard. What is filled in stands in texts, so that it is JSON before as well.
fn widgets(template: &Template) -> Vec<Value> {
    let body = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"].as_str();
    let body: Value = serde_json::from_str(body.unwrap()).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

fn shows_what_there_is(template: &Template) -> Vec<String> {
    let shown: BTreeSet<String> = widgets(template)
        .iter()
        .flat_map(|widget| {
            let mut texts = Vec::new();
            walk(widget, &mut |_, value| {
                texts.extend(value.as_str().map(str::to_owned))
            });
            texts
        })
        .collect();
    let mut wrong = Vec::new();
    for (kind, attribute) in [
        ("AWS::CloudWatch::Alarm", ".Arn"),
        ("AWS::SQS::Queue", ".QueueName"),
        ("AWS::Serverless::Function", ""),
    ] {
        for (id, _) in template.of_type(kind) {
            if !shown.contains(&format!("${{{id}{attribute}}}")) {
                wrong.push(format!("the dashboard does not show {id}"));
            }
        }
    }
    let fed = metrics_of_ours(template);
    for widget in widgets(template) {
        for metric in items(&widget["properties"]["metrics"]) {
            if metric[0] != "${AWS::StackName}" {
                continue;
            }
            let name = metric[1].as_str().unwrap_or_default();
            if !fed.contains(name) {
                wrong.push(format!("the dashboard shows {name}, which nothing feeds"));
            }
        }
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|field| widget[field].as_u64());
        if !matches!((x, y, width, height), (Some(x), Some(_), Some(width), Some(_)) if x + width <= 24) {
            wrong.push(format!("{} has no place", widget["properties"]["title"]));
        }
    }
    wrong
}

#[test]
fn the_dashboard_shows_every_alarm_queue_and_function_and_metrics_that_something_feeds() {
    passes(shows_what_there_is);
    for (shown, other, culprit) in [
        (
            "${RestoreFailedAlarm.Arn}",
            "${ForgedRecordAlarm.Arn}",
            "RestoreFailedAlarm",
        ),
        (
            "${RestoreQueue.QueueName}",
            "${IngestQueue.QueueName}",
            "RestoreQueue",
        ),
        ("slack_trouble", "slack_troubles", "slack_troubles"),
        ("\"width\": 24", "\"width\": 25", "Alarms"),
    ] {
        notices(shows_what_there_is, culprit, |root| {
            let body = &mut root["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
            *body = body.as_str().unwrap().replace(shown, other).into();
        });
    }
}

#[test]
fn no_two_widgets_lie_on_each_other() {
    let template = Template::read();
    let mut taken = BTreeSet::new();
    for widget in widgets(&template) {
        let at = |field: &str| widget[field].as_u64().unwrap();
        for x in at("x")..at("x") + at("width") {
            for y in at("y")..at("y") + at("height") {
                assert!(taken.insert((x, y)), "{}", widget["properties"]["title"]);
            }
        }
    }
}
