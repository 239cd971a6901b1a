//! The numbers fit: timeouts, leases, visibilities, tries and delays, as template and code have them, and as
//! `infra/docs/architecture.md` tells them.

use std::collections::BTreeSet;

use domain::message::Lane;
use execution::take_back::{AGAIN_S, LEASE_S, MOST_TRIES};
use housekeeping::chores::PATIENCE_S;
use serde_json::json;

use super::tree::{Template, items, target};
use super::{notices, passes};

/// A queue, the function that works it, and how long that function keeps others from the same proposal, seconds.
struct Line {
    lane: Lane,
    function: &'static str,
    lease_s: Option<u64>,
}

fn lines(template: &Template) -> Vec<Line> {
    let timeout = |function: &str| seconds(template, function, "Timeout");
    let line = |lane, function, lease_s| Line {
        lane,
        function,
        lease_s,
    };
    let ingest = timeout("IngestAndPropose") + ingest_and_propose::LEASE_MARGIN_S;
    let execution = timeout("Execution") + execution::LEASE_MARGIN_S;
    vec![
        line(Lane::Ingest, "IngestAndPropose", Some(ingest)),
        line(Lane::Scoring, "Scoring", None),
        line(Lane::Execution, "Execution", Some(execution)),
        line(Lane::Restore, "Execution", Some(LEASE_S)),
        line(Lane::Verify, "Execution", None),
        line(Lane::Announce, "Outbox", None),
        line(Lane::Slack, "Notification", None),
    ]
}

fn seconds(template: &Template, function: &str, what: &str) -> u64 {
    let text = template.root()["Mappings"]["Seconds"][function][what].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn batch(template: &Template, lane: Lane) -> Option<u64> {
    template.properties(&format!("{}Source", lane.capital()))["BatchSize"].as_u64()
}

/// How many messages an event source hands to its function at once.
fn at_once(template: &Template, source: &str) -> Option<u64> {
    template.properties(source)["ScalingConfig"]["MaximumConcurrency"].as_u64()
}

/// The table of the documents.
fn table(template: &Template) -> String {
    let mut table =
        "| queue | timeout | hidden for | deliveries | given up after | batch | at once | lease |\n"
            .to_owned();
    table += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for Line {
        lane,
        function,
        lease_s,
    } in lines(template)
    {
        let (timeout, hidden) = (
            seconds(template, function, "Timeout"),
            seconds(template, function, "Visibility"),
        );
        let receives = u64::from(lane.most_receives());
        let minutes = hidden * receives / 60;
        let batch = batch(template, lane).unwrap_or_default();
        let at_once = at_once(template, &format!("{}Source", lane.capital())).unwrap_or_default();
        let lease = lease_s.map_or("–".to_owned(), |lease| format!("{lease} s"));
        table += &format!(
            "| {lane} | {timeout} s | {hidden} s | {receives} | {minutes} min | {batch} | {at_once} | {lease} |\n"
        );
    }
    table
}

fn the_numbers_fit(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for Line {
        lane,
        function,
        lease_s,
    } in lines(template)
    {
        let (timeout, hidden) = (
            seconds(template, function, "Timeout"),
            seconds(template, function, "Visibility"),
        );
        // Delivered again while its function may still run, it would be worked twice.
        if hidden <= timeout {
            wrong.push(format!(
                "{lane} is hidden for {hidden} s, and worked for {timeout} s"
            ));
        }
        if let Some(lease) = lease_s.filter(|_| lane != Lane::Restore) {
            if lease <= timeout {
                wrong.push(format!(
                    "{lane}: a lease of {lease} s ends before its holder does"
                ));
            }
            // The message of one that died comes back to a lease that is over.
            if hidden < lease {
                wrong.push(format!(
                    "{lane} comes back after {hidden} s, within a lease of {lease} s"
                ));
            }
        }
        if batch(template, lane) != Some(1) {
            wrong.push(format!("{lane}: messages of one batch share a timeout"));
        }
    }
    // A restorer stops before its lease ends; whoever takes over does not wait for a whole run of housekeeping.
    if LEASE_S >= PATIENCE_S || LEASE_S >= seconds(template, "Execution", "Timeout") {
        wrong.push("a restorer keeps others out for too long".to_owned());
    }
    // Its own messages last until housekeeping comes, and are fewer than AWS takes for a loop.
    if AGAIN_S * u64::from(MOST_TRIES) < PATIENCE_S || MOST_TRIES >= 15 {
        wrong.push("a restore is not tried until housekeeping comes, or too often".to_owned());
    }
    wrong
}

#[test]
fn timeouts_leases_visibilities_and_delays_fit() {
    passes(the_numbers_fit);
    for (function, what, value, culprit) in [
        ("Scoring", "Visibility", "15", "scoring"),
        ("Execution", "Visibility", "66", "execution"),
        ("IngestAndPropose", "Timeout", "140", "ingest"),
    ] {
        notices(the_numbers_fit, culprit, |root| {
            root["Mappings"]["Seconds"][function][what] = value.into();
        });
    }
    notices(the_numbers_fit, "scoring", |root| {
        root["Resources"]["ScoringSource"]["Properties"]["BatchSize"] = 10.into();
    });
}

/// A function with less concurrency than its queues hand to it is throttled, and what is throttled is received until it is
/// a dead letter. The reservation is AWS's limit, too:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html#events-sqs-max-concurrency>
fn reservations_fit(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (function, _) in template.of_type("AWS::Serverless::Function") {
        let reserved = &template.properties(function)["ReservedConcurrentExecutions"];
        let Some(parameter) = reserved["Fn::If"][1]["Ref"].as_str() else {
            if !reserved.is_null() {
                wrong.push(format!("{function} reserves what no parameter says"));
            }
            continue;
        };
        let mut most = 0;
        for (source, properties) in template.of_type("AWS::Lambda::EventSourceMapping") {
            let properties = &properties["Properties"];
            if target(&properties["FunctionName"]).as_deref() != Some(function) {
                continue;
            }
            match at_once(template, source) {
                Some(at_once) => most += at_once,
                None => wrong.push(format!("{source} hands any number at once to {function}")),
            }
        }
        let refused = refused(template, parameter);
        let too_few: BTreeSet<u64> = (1..most).collect();
        if refused != too_few {
            wrong.push(format!(
                "{parameter} is to refuse what is less than {most}, and refuses {refused:?}"
            ));
        }
    }
    wrong
}

/// The values of a parameter that a rule refuses, with a sentence that names it.
fn refused(template: &Template, parameter: &str) -> BTreeSet<u64> {
    let rules = template.root()["Rules"].as_object().into_iter().flatten();
    // With a condition, a rule would not always count.
    let rules = rules.filter(|(_, rule)| rule["RuleCondition"].is_null());
    let assertions = rules.flat_map(|(_, rule)| items(&rule["Assertions"]));
    let mut refused = BTreeSet::new();
    for assertion in assertions {
        let contains = &assertion["Assert"]["Fn::Not"][0]["Fn::Contains"];
        let told = assertion["AssertDescription"].as_str().unwrap_or_default();
        if contains[1]["Ref"] == parameter && told.starts_with(parameter) {
            let values = items(&contains[0]);
            refused.extend(
                values
                    .iter()
                    .filter_map(|value| value.as_str()?.parse::<u64>().ok()),
            );
        }
    }
    refused
}

#[test]
fn a_reservation_below_what_the_queues_hand_over_is_refused() {
    passes(reservations_fit);
    for (source, at_once) in [
        ("IngestSource", json!({ "MaximumConcurrency": 11 })),
        ("RestoreSource", json!({ "MaximumConcurrency": 9 })),
    ] {
        notices(reservations_fit, "ReservedConcurrency is to refuse", |root| {
            root["Resources"][source]["Properties"]["ScalingConfig"] = at_once;
        });
    }
    notices(reservations_fit, "VerifySource", |root| {
        let source = root["Resources"]["VerifySource"]["Properties"].as_object_mut();
        source.unwrap().remove("ScalingConfig");
    });
    for rule in ["IngestReservationFits", "ExecutionReservationFits"] {
        notices(reservations_fit, "and refuses {}", |root| {
            root["Rules"].as_object_mut().unwrap().remove(rule);
        });
        notices(reservations_fit, "and refuses {}", |root| {
            root["Rules"][rule]["RuleCondition"] = json!({ "Fn::Equals": ["a", "b"] });
        });
    }
}

#[test]
fn the_documents_tell_the_numbers_as_they_are() {
    let text = include_str!("../../../infra/docs/architecture.md");
    let table = table(&Template::read());
    assert!(
        text.contains(&table),
        "infra/docs/architecture.md has another table than:\n{table}"
    );
}
