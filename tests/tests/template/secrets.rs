//! Who may read which secret: only execution the gateway's write credential.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::permissions::{allows, roles};
use super::tree::{Template, items, target, texts};
use super::{notices, passes};

/// Which function may read which secrets.
const SECRETS: [(&str, &[&str]); 8] = [
    (
        "ApprovalCallbackRole",
        &[
            "LinkSecret",
            "OperatorsSecret",
            "SlackBotSecret",
            "SlackSigningSecret",
        ],
    ),
    ("ApprovalCommandsRole", &["OperatorsSecret"]),
    (
        "ExecutionRole",
        &["GatewayWriteSecret", "OperatorsSecret", "PagerDutySecret"],
    ),
    ("HousekeepingRole", &[]),
    ("IngestAndProposeRole", &["GatewayReadSecret", "ModelSecret"]),
    (
        "NotificationRole",
        &["LinkSecret", "OperatorsSecret", "SlackBotSecret"],
    ),
    ("OutboxRole", &["LinkSecret"]),
    ("ScoringRole", &[]),
];

fn secrets_are_read_by_whom_they_are_for(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut readers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, statement) in allows(template) {
        for action in texts(&statement["Action"]) {
            if action.starts_with("secretsmanager:") {
                if action != "secretsmanager:GetSecretValue" {
                    wrong.push(format!("{id} may {action}"));
                }
                let secrets = items(&statement["Resource"])
                    .into_iter()
                    .map(|one| target(one).unwrap_or_else(|| one.to_string()));
                readers.entry(id.clone()).or_default().extend(secrets);
            }
        }
    }
    for (role, secrets) in SECRETS {
        let read = readers.remove(role).unwrap_or_default();
        if !read.iter().map(String::as_str).eq(secrets.iter().copied()) {
            wrong.push(format!("{role} reads {read:?}, not {secrets:?}"));
        }
    }
    wrong.extend(readers.into_keys().map(|other| format!("{other} reads secrets")));
    for (role, function) in roles(template) {
        // A function is told of the secrets that it may read, and of no other.
        let variables = &template.properties(&function)["Environment"]["Variables"];
        let told: BTreeSet<String> = Template::names_in(variables)
            .into_iter()
            .filter(|name| template.root()["Resources"][name]["Type"] == "AWS::SecretsManager::Secret")
            .collect();
        let known = SECRETS
            .iter()
            .find(|(of, _)| *of == role)
            .map(|(_, secrets)| *secrets);
        if !told
            .iter()
            .map(String::as_str)
            .eq(known.unwrap_or_default().iter().copied())
        {
            wrong.push(format!("{function} is told of {told:?}"));
        }
    }
    // Resolved by CloudFormation, a secret would stand in the function's configuration in plain text.
    if template.root().to_string().contains("{{resolve:") {
        wrong.push("a secret is resolved into the template".to_owned());
    }
    wrong
}

#[test]
fn only_execution_may_read_the_gateways_write_credential() {
    passes(secrets_are_read_by_whom_they_are_for);
    let of_scoring = |root: &mut Value, resource: Value| {
        let document = &mut root["Resources"]["ScoringRole"]["Properties"]["Policies"][0]["PolicyDocument"];
        document["Statement"].as_array_mut().unwrap().push(json!({
            "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": resource}));
    };
    for resource in [
        json!({"Ref": "GatewayWriteSecret"}),
        json!([{"Fn::GetAtt": ["PagerDutySecret", "Id"]}]),
        json!({"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:a/gateway-write"}),
    ] {
        notices(secrets_are_read_by_whom_they_are_for, "ScoringRole", |root| {
            of_scoring(root, resource)
        });
    }
    notices(
        secrets_are_read_by_whom_they_are_for,
        "IngestAndProposeFunction",
        |root| {
            root["Resources"]["IngestAndProposeFunction"]["Properties"]["Environment"]["Variables"]["GATEWAY_READ_SECRET"] =
                json!({"Ref": "GatewayWriteSecret"});
        },
    );
    notices(secrets_are_read_by_whom_they_are_for, "resolved", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Environment"]["Variables"]["TRAIL_TABLE"] =
            json!("{{resolve:secretsmanager:x}}");
    });
}

#[test]
fn every_secret_begins_with_a_value_that_opens_nothing() {
    let template = Template::read();
    for (id, secret) in template.of_type("AWS::SecretsManager::Secret") {
        let secret = &secret["Properties"];
        let generated = secret["GenerateSecretString"]["PasswordLength"].as_u64() >= Some(32);
        let empty = secret["SecretString"] == r#"{"operators":[]}"#;
        assert!(generated != empty, "{id}");
        assert_eq!(empty, id == "OperatorsSecret", "{id}");
    }
    let empty = template.properties("OperatorsSecret")["SecretString"]
        .as_str()
        .unwrap();
    let directory = domain::permission::Directory::parse(empty).unwrap();
    assert!(directory.operators().is_empty(), "nobody may decide at first");
}
