//! Somebody hears of it: what fails, waits too long or is throttled has an alarm, and so has what the functions say is one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::delivery::{QUEUE, dead_letter_queues};
use super::deployed::{ACCOUNT, Deployed};
use super::iam::{Ask, Who, allows};
use super::tree::{Template, items, target, texts};
use super::{notices, passes};

const ALARM: &str = "AWS::CloudWatch::Alarm";

/// Whom every alarm tells.
fn told() -> Value {
    let only_if = |condition: &str, topic: &str| json!({"Fn::If": [condition, {"Ref": topic}, {"Ref": "AWS::NoValue"}]});
    json!([
        only_if("HasAlarmTopic", "AlarmTopicArn"),
        only_if("HasAlarmEmail", "AlarmTopic")
    ])
}

/// What an alarm watches: namespace, metric, and the logical id of the queue or function.
fn watched(template: &Template) -> BTreeSet<(String, String)> {
    let alarms = template.of_type(ALARM).into_iter();
    alarms
        .map(|(_, alarm)| &alarm["Properties"])
        .filter(|alarm| {
            alarm["AlarmActions"] == told()
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
    let mut wrong: Vec<String> = needed
        .into_iter()
        .filter(|(metric, id)| !watched.contains(&((*metric).to_owned(), id.clone())))
        .map(|(metric, id)| format!("no alarm watches {metric} of {id}"))
        .collect();
    for (id, alarm) in template.of_type(ALARM) {
        if alarm["Properties"]["AlarmActions"] != told() {
            wrong.push(format!("{id} tells nobody"));
        }
    }
    wrong
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
    notices(alarms_sound, "RestoreFailedAlarm", |root| {
        root["Resources"]["RestoreFailedAlarm"]["Properties"]["AlarmActions"] = json!([]);
    });
}

/// Where nothing runs there is no datum, and that is what the alarm is about.
fn the_dead_man_is_missed(template: &Template) -> Vec<String> {
    let alarm = template.properties("HousekeepingSilentAlarm");
    let schedule = &template.properties("HousekeepingSchedule")["ScheduleExpression"];
    let holds = alarm["Namespace"] == "AWS/Lambda"
        && alarm["MetricName"] == "Invocations"
        && target(&alarm["Dimensions"][0]["Value"]).as_deref() == Some("HousekeepingFunction")
        && alarm["Statistic"] == "Sum"
        && alarm["ComparisonOperator"] == "LessThanThreshold"
        && alarm["Threshold"] == 1
        && alarm["TreatMissingData"] == "breaching"
        && (alarm["Period"].as_u64(), schedule) == (Some(60), &json!("rate(1 minute)"))
        && alarm["EvaluationPeriods"].as_u64() <= Some(5)
        && alarm["OKActions"] == told();
    match holds {
        true => Vec::new(),
        false => vec!["nobody hears of it where housekeeping does not run".to_owned()],
    }
}

#[test]
fn a_housekeeping_that_does_not_run_is_an_alarm() {
    passes(the_dead_man_is_missed);
    for (field, value) in [
        ("TreatMissingData", json!("notBreaching")),
        ("ComparisonOperator", json!("GreaterThanOrEqualToThreshold")),
        ("MetricName", json!("Errors")),
    ] {
        notices(the_dead_man_is_missed, "housekeeping", |root| {
            root["Resources"]["HousekeepingSilentAlarm"]["Properties"][field] = value;
        });
    }
}

/// The metrics of the agent's own that a filter makes of log lines.
pub(super) fn metrics_of_ours(template: &Template) -> BTreeSet<String> {
    let filters = template.of_type("AWS::Logs::MetricFilter").into_iter();
    filters
        .flat_map(|(_, filter)| items(&filter["Properties"]["MetricTransformations"]))
        .filter_map(|metric| metric["MetricName"].as_str().map(str::to_owned))
        .collect()
}

/// The log groups in which a filter looks for a word, such as `alarm = "forged_record"`, by that word.
fn listened_for(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, filter) in template.of_type("AWS::Logs::MetricFilter") {
        let filter = &filter["Properties"];
        let pattern = filter["FilterPattern"].as_str().unwrap_or_default();
        let word = pattern.trim_start_matches("{ $.").trim_end_matches(" }");
        let group = target(&filter["LogGroupName"]).unwrap_or_default();
        found.entry(word.to_owned()).or_default().insert(group);
    }
    found
}

/// Who logs a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Logger {
    /// The function whose source it is in.
    Function(String),
    /// Each function that uses this shared crate.
    Users(String),
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The functions that use a shared crate.
fn users(of: &str) -> Vec<String> {
    let functions = std::fs::read_dir(Path::new(ROOT).join("functions")).unwrap();
    let names = functions.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| {
            let manifest = Path::new(ROOT).join("functions").join(name).join("Cargo.toml");
            let text = std::fs::read_to_string(manifest).unwrap();
            let used = text.split("[dev-dependencies]").next().unwrap();
            used.lines().any(|line| line == format!("{of}.workspace = true"))
        })
        .collect()
}

/// The words that the sources log, and who does.
fn logged() -> BTreeSet<(String, Logger)> {
    let root = Path::new(ROOT);
    let mut found = BTreeSet::new();
    for folder in ["functions", "shared"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let of = path.file_name().unwrap().to_str().unwrap().to_owned();
            let of = match folder {
                "functions" => Logger::Function(of),
                _ => Logger::Users(of),
            };
            words(&path.join("src"), &mut |word| {
                found.insert((word, of.clone()));
            });
        }
    }
    found
}

fn words(folder: &Path, found: &mut dyn FnMut(String)) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            words(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for kind in ["alarm = \"", "metric = \""] {
            for rest in text.split(kind).skip(1) {
                found(format!("{kind}{}\"", rest.split('"').next().unwrap()));
            }
        }
    }
}

/// The log groups of a function's binary.
fn groups(template: &Template, binary: &str) -> Vec<String> {
    let functions = template.of_type("AWS::Serverless::Function").into_iter();
    functions
        .filter(|(_, function)| function["Metadata"]["BuildProperties"]["Binary"] == binary)
        .filter_map(|(_, function)| target(&function["Properties"]["LoggingConfig"]["LogGroup"]))
        .collect()
}

fn what_is_logged_as_an_alarm_is_one(template: &Template) -> Vec<String> {
    let listened_for = listened_for(template);
    let logged = logged();
    let mut wrong = Vec::new();
    for (word, logger) in &logged {
        // A panic is an error of its function, which has an alarm.
        if word == "metric = \"panicked\"" {
            continue;
        }
        let listening = listened_for.get(word).cloned().unwrap_or_default();
        match logger {
            // Of a binary with two functions, one may never log it.
            Logger::Function(binary) => {
                if !groups(template, binary)
                    .iter()
                    .any(|group| listening.contains(group))
                {
                    wrong.push(format!("nobody listens for {word} of {binary}"));
                }
            }
            Logger::Users(used) => {
                let users = users(used);
                let deaf = users.iter().flat_map(|user| groups(template, user));
                let deaf = deaf.filter(|group| !listening.contains(group));
                wrong.extend(deaf.map(|group| format!("nobody listens for {word} in {group}")));
                if users.is_empty() {
                    wrong.push(format!("no function uses {used}, which logs {word}"));
                }
            }
        }
    }
    for word in listened_for.keys() {
        if !logged.iter().any(|(known, _)| known == word) {
            wrong.push(format!("{word} is listened for, and nothing logs it"));
        }
    }
    let watched: BTreeSet<&str> = template
        .of_type(ALARM)
        .into_iter()
        .flat_map(|(_, alarm)| texts(&alarm["Properties"]["MetricName"]))
        .collect();
    for (id, filter) in template.of_type("AWS::Logs::MetricFilter") {
        let filter = &filter["Properties"];
        let rings = filter["FilterPattern"]
            .as_str()
            .is_some_and(|text| text.contains("$.alarm"));
        let metric = filter["MetricTransformations"][0]["MetricName"].as_str();
        if rings && !metric.is_some_and(|metric| watched.contains(metric)) {
            wrong.push(format!("{id} feeds no alarm"));
        }
    }
    wrong
}

#[test]
fn whatever_the_functions_log_as_an_alarm_rings_and_no_filter_listens_for_nothing() {
    passes(what_is_logged_as_an_alarm_is_one);
    for filter in [
        "RestoreFailedFilter",
        "ExpiredUnansweredFilter",
        "TamperedRecordFilter",
    ] {
        let word = filter.trim_end_matches("Filter");
        notices(what_is_logged_as_an_alarm_is_one, "nobody listens for", |root| {
            root["Resources"].as_object_mut().unwrap().remove(filter);
        });
        notices(what_is_logged_as_an_alarm_is_one, "feeds no alarm", |root| {
            let alarm = format!("{word}Alarm");
            root["Resources"].as_object_mut().unwrap().remove(&alarm);
        });
        notices(what_is_logged_as_an_alarm_is_one, "nobody listens for", |root| {
            root["Resources"][filter]["Properties"]["LogGroupName"] = json!({"Ref": "ScoringLogGroup"});
        });
    }
    // What a shared crate logs, each function logs that uses it.
    let shared = [
        ("ExecutionPolicyFilter", "policy_not_in_force"),
        ("ApprovalCallbackPolicyFilter", "policy_not_in_force"),
        ("HousekeepingForgedRecordFilter", "forged_record"),
        ("OutboxForgedRecordFilter", "forged_record"),
    ];
    for (filter, word) in shared {
        notices(
            what_is_logged_as_an_alarm_is_one,
            &format!("{word}\" in "),
            |root| {
                root["Resources"].as_object_mut().unwrap().remove(filter).unwrap();
            },
        );
    }
    notices(what_is_logged_as_an_alarm_is_one, "nothing logs it", |root| {
        root["Resources"]["RestoreFailedFilter"]["Properties"]["FilterPattern"] =
            json!("{ $.alarm = \"fails\" }");
    });
}

#[test]
fn the_alarms_of_this_account_alone_publish_to_the_topic_of_the_alarms() {
    let given = [("AlarmEmail", "sre@example.com")];
    let deployed = Deployed::of(Template::read(), &given);
    let ask = |action, on: &str, account: &str| Ask {
        action,
        on: deployed.arn(on),
        keys: vec![("aws:SourceAccount", account.to_owned())],
    };
    let may = |who: &Who, ask: &Ask| allows(&deployed, who, ask);
    let alarm = |name, account: &str| Who::Service {
        name,
        source: format!("arn:aws:cloudwatch:eu-central-1:{account}:alarm:sre-agent-Alarm"),
    };
    for (action, on) in [
        ("sns:Publish", "AlarmTopic"),
        ("kms:GenerateDataKey", "AlarmKey"),
        ("kms:Decrypt", "AlarmKey"),
    ] {
        let ours = ask(action, on, ACCOUNT);
        assert!(
            may(&alarm("cloudwatch.amazonaws.com", ACCOUNT), &ours),
            "{action}"
        );
        assert!(!may(&alarm("events.amazonaws.com", ACCOUNT), &ours), "{action}");
        let theirs = ask(action, on, "999988887777");
        assert!(
            !may(&alarm("cloudwatch.amazonaws.com", "999988887777"), &theirs),
            "{action}"
        );
        let admin = Who::Mighty {
            arn: format!("arn:aws:iam::{ACCOUNT}:role/admin"),
        };
        assert!(!may(&admin, &ours), "{action}");
        for (role, _) in deployed.of_type("AWS::IAM::Role") {
            assert!(!may(&Who::Ours(role), &ours), "{action}");
        }
    }
    let without = Deployed::of(Template::read(), &[]).of_type("AWS::SNS::Topic");
    assert!(!without.iter().any(|(id, _)| id == "AlarmTopic"));
}
