//! The template's rules and times: what the deployed bus would route, and where to.

use std::sync::OnceLock;

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

use domain::message::Lane;

/// The account of the sample events.
const ACCOUNT: &str = "123456789012";

/// The project's template.
fn template() -> &'static Yaml {
    static TEMPLATE: OnceLock<Yaml> = OnceLock::new();
    TEMPLATE.get_or_init(|| serde_yaml_ng::from_str(include_str!("../../../template.yaml")).unwrap())
}

/// A number of the template's mapping `Seconds`, such as `Execution`, `Timeout`.
pub(super) fn seconds(function: &str, what: &str) -> u64 {
    static SECONDS: OnceLock<Value> = OnceLock::new();
    let seconds = SECONDS.get_or_init(|| plain(&template()["Mappings"]["Seconds"]));
    seconds[function][what].as_str().unwrap().parse().unwrap()
}

/// The queues that a bus event goes to.
pub fn targets(event: &Value) -> Vec<Lane> {
    static RULES: OnceLock<Vec<(Value, Lane)>> = OnceLock::new();
    let rules = RULES.get_or_init(rules);
    let meant = rules.iter().filter(|(pattern, _)| matches(pattern, event));
    meant.map(|(_, queue)| *queue).collect()
}

fn rules() -> Vec<(Value, Lane)> {
    let resources = template()["Resources"].as_mapping().unwrap();
    let mut rules = Vec::new();
    for resource in resources.values() {
        let properties = &resource["Properties"];
        if resource["Type"] != "AWS::Events::Rule" || properties["EventPattern"].is_null() {
            continue;
        }
        for target in properties["Targets"].as_sequence().unwrap() {
            let arn = plain(&target["Arn"]);
            // Strays are kept, and wake nobody.
            if arn == "StraysDeadLetterQueue.Arn" {
                continue;
            }
            let queue = Lane::QUEUES.into_iter().find(|queue| {
                let id = arn.as_str().unwrap().to_lowercase();
                id == format!("{}queue.arn", queue.name())
            });
            rules.push((
                plain(&properties["EventPattern"]),
                queue.expect("a queue of the agent"),
            ));
        }
    }
    assert!(rules.len() >= 4, "the template has the rules of three queues");
    rules
}

/// A value with what CloudFormation would put in place of its functions, with default parameters.
fn plain(value: &Yaml) -> Value {
    match value {
        Yaml::Tagged(tagged) => match tagged.tag.to_string().as_str() {
            "!Ref" => reference(tagged.value.as_str().unwrap()),
            // The conditions ask for parameters that are empty by default.
            "!If" => plain(&tagged.value[2]),
            _ => plain(&tagged.value),
        },
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(items) => items
            .iter()
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), plain(value)))
            .collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn reference(name: &str) -> Value {
    if name == "AWS::AccountId" {
        return ACCOUNT.into();
    }
    let parameter = &template()["Parameters"][name];
    let default = parameter["Default"].as_str().unwrap();
    if parameter["Type"] == "CommaDelimitedList" {
        default.split(',').collect()
    } else {
        default.into()
    }
}

/// EventBridge's plain patterns: every field named must hold one of the values listed.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, pattern)| event.get(name).is_some_and(|value| matches(pattern, value))),
        Value::Array(values) => values.contains(event),
        other => panic!("a pattern that these tests do not know: {other}"),
    }
}
