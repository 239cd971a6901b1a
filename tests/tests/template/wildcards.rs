//! The few permissions that have a wildcard in their resource.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::keys::ADMINISTERS;
use super::permissions::{allows, sid};
use super::tree::{Template, items, texts};
use super::{notices, passes};

/// The statements that may have a wildcard in their resource, and why: resource, statement, actions, wildcard.
const WILDCARDS: [(&str, &str, &[&str], &str); 20] = [
    // AWS has no resource-level permission for ListStreams.
    ("OutboxRole", "FindTheStream", &["dynamodb:ListStreams"], r#""*""#),
    // Objects are named by their digest, which nobody knows beforehand. The bucket is ours alone.
    (
        "IngestAndProposeRole",
        "KeepLargePayloads",
        &["s3:PutObject"],
        r#"{"Fn::Sub":"${PayloadBucket.Arn}/*"}"#,
    ),
    (
        "IngestAndProposeRole",
        "KeepTranscripts",
        &["s3:PutObject"],
        r#"{"Fn::Sub":"${TranscriptBucket.Arn}/*"}"#,
    ),
    (
        "ScoringRole",
        "ReadPolicies",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "ExecutionRole",
        "ReadPolicies",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "ApprovalCallbackRole",
        "ReadPolicies",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "NotificationRole",
        "ReadPolicies",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "ApprovalCommandsRole",
        "ReadPolicies",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    // In a key's own policy "*" is that key.
    ("DecisionKey", "TheAccountAdministers", &ADMINISTERS, r#""*""#),
    ("DecisionKey", "TheCallbackSigns", &["kms:Sign"], r#""*""#),
    ("OperatorKey", "TheAccountAdministers", &ADMINISTERS, r#""*""#),
    ("OperatorKey", "OperatorsSign", &["kms:Sign"], r#""*""#),
    (
        "PublicKeysPolicy",
        "ReadKeyArchives",
        &["s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "SwitchesPolicy",
        "PublishPolicies",
        &["s3:PutObject", "s3:GetObject"],
        r#"{"Fn::Sub":"${PolicyBucket.Arn}/*"}"#,
    ),
    (
        "AlarmKey",
        "TheAccountAdministers",
        &[
            "kms:DescribeKey",
            "kms:GetPublicKey",
            "kms:GetKeyPolicy",
            "kms:PutKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:EnableKeyRotation",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:DisableKey",
            "kms:ScheduleKeyDeletion",
            "kms:CancelKeyDeletion",
            "kms:UpdateKeyDescription",
            "kms:CreateAlias",
            "kms:UpdateAlias",
            "kms:DeleteAlias",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:ListResourceTags",
        ],
        r#""*""#,
    ),
    (
        "AlarmKey",
        "AlarmsEncrypt",
        &["kms:Decrypt", "kms:GenerateDataKey"],
        r#""*""#,
    ),
    // Which interfaces there will be nobody knows, and some of these actions have no resource-level permission. Behind the
    // condition InVpc, and denied to the functions' own code.
    (
        "VpcPolicy",
        "LambdaMakesInterfaces",
        &[
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        r#""*""#,
    ),
    // Which models are asked is configured, and an inference profile leads to models of other Regions. Behind the
    // condition UsesBedrock.
    (
        "BedrockPolicy",
        "AskModels",
        &["bedrock:InvokeModel"],
        r#"{"Fn::Sub":"arn:${AWS::Partition}:bedrock:*::foundation-model/*"}"#,
    ),
    (
        "BedrockPolicy",
        "AskModels",
        &["bedrock:InvokeModel"],
        r#"{"Fn::Sub":"arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:inference-profile/*"}"#,
    ),
    // Never on AWS: the emulator asks for ExecuteStatement on every resource. Behind the condition OnLocalStack.
    (
        "LocalStackPolicy",
        "AppendToTheTrail",
        &["dynamodb:ExecuteStatement"],
        r#""*""#,
    ),
];

fn wildcards_are_the_few(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<_> = WILDCARDS.iter().map(|(id, sid, ..)| (*id, *sid)).collect();
    for (id, statement) in allows(template) {
        let name = format!("{id}/{}", sid(&statement));
        for inverted in ["NotAction", "NotResource", "NotPrincipal"] {
            if !statement[inverted].is_null() {
                wrong.push(format!("{name} allows by {inverted}"));
            }
        }
        if statement["Action"].to_string().contains(['*', '?']) {
            wrong.push(format!("{name} has a wildcard action: {}", statement["Action"]));
        }
        for resource in items(&statement["Resource"]) {
            // An ARN that ends with a variable name is not a wildcard; one that holds a star is.
            if !resource.to_string().contains('*') {
                continue;
            }
            let written = resource.to_string();
            let listed = WILDCARDS.iter().any(|(of, statement_id, actions, wildcard)| {
                *of == id
                    && *statement_id == sid(&statement)
                    && texts(&statement["Action"]) == *actions
                    && written == *wildcard
            });
            if listed {
                unused.retain(|(of, statement_id)| *of != id || *statement_id != sid(&statement));
            } else {
                wrong.push(format!("{name} has a wildcard resource: {written}"));
            }
        }
    }
    wrong.extend(
        unused
            .into_iter()
            .map(|(id, sid)| format!("{id}/{sid} is listed and has no wildcard any more")),
    );
    wrong
}

#[test]
fn no_permission_has_a_wildcard_but_the_few_that_are_listed() {
    passes(wildcards_are_the_few);
    let statement = |root: &mut Value, role: &str, at: usize, field: &str, value: Value| {
        root["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][at][field] =
            value;
    };
    for (action, resource) in [("dynamodb:*", "Action"), ("*", "Action"), ("*", "Resource")] {
        notices(wildcards_are_the_few, "ScoringRole/AppendToTheTrail", |root| {
            statement(root, "ScoringRole", 1, resource, json!([action]));
        });
    }
    notices(wildcards_are_the_few, "ScoringRole/AppendToTheTrail", |root| {
        statement(
            root,
            "ScoringRole",
            1,
            "Resource",
            json!({"Fn::Sub": "arn:aws:dynamodb:*:*:table/${TrailTable}"}),
        );
    });
    notices(wildcards_are_the_few, "OutboxRole/FindTheStream", |root| {
        statement(
            root,
            "OutboxRole",
            3,
            "Action",
            json!(["dynamodb:ListStreams", "dynamodb:Scan"]),
        );
    });
    notices(wildcards_are_the_few, "ScoringRole/AppendToTheTrail", |root| {
        statement(root, "ScoringRole", 1, "NotResource", json!("arn:aws:s3:::other"));
    });
}
