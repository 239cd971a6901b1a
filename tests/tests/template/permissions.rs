//! Least privilege: written-out roles, no wildcard that AWS does not force, nothing open to everybody.

use std::collections::BTreeMap;

use expect_test::expect;
use serde_json::{Value, json};

use super::tree::{Template, items, target, texts, walk};
use super::{notices, passes};

/// Every policy statement of the template, with the resource it belongs to.
pub(super) fn statements(template: &Template) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (id, resource) in template.resources() {
        walk(resource, &mut |_, value| {
            if value["Effect"].is_string() {
                found.push((id.to_owned(), value.clone()));
            }
        });
    }
    found
}

/// Those that allow something.
pub(super) fn allows(template: &Template) -> Vec<(String, Value)> {
    let mut statements = statements(template);
    statements.retain(|(_, statement)| statement["Effect"] != "Deny");
    statements
}

/// The name of a statement.
pub(super) fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or_default()
}

/// The role that a function runs as, with its logical id.
pub(super) fn roles(template: &Template) -> BTreeMap<String, String> {
    let functions = template.of_type("AWS::Serverless::Function").into_iter();
    functions
        .filter_map(|(id, function)| Some((target(&function["Properties"]["Role"])?, id.to_owned())))
        .collect()
}

fn roles_are_written_out(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let lambda_alone = json!([{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                               "Action": "sts:AssumeRole"}]);
    let functions = template.of_type("AWS::Serverless::Function");
    for (id, function) in &functions {
        let function = &function["Properties"];
        match target(&function["Role"]) {
            Some(role) if template.root()["Resources"][&role]["Type"] == "AWS::IAM::Role" => {}
            other => wrong.push(format!(
                "{id} runs as {other:?}, which is no role of this template"
            )),
        }
        // Each of these makes SAM write policies or permissions of its own.
        for made_by_sam in ["Policies", "Events", "Connectors", "Tracing", "DeadLetterQueue"] {
            if !function[made_by_sam].is_null() {
                wrong.push(format!(
                    "{id} has {made_by_sam}, from which SAM makes permissions"
                ));
            }
        }
    }
    if roles(template).len() != functions.len() {
        wrong.push("two functions share a role".to_owned());
    }
    for (id, role) in template.of_type("AWS::IAM::Role") {
        let role = &role["Properties"];
        if role["AssumeRolePolicyDocument"]["Statement"] != lambda_alone {
            wrong.push(format!("{id} can be assumed by another than Lambda"));
        }
        let of_the_vpc = json!({"Fn::If": ["InVpc", [{"Ref": "VpcPolicy"}], {"Ref": "AWS::NoValue"}]});
        if role["ManagedPolicyArns"] != of_the_vpc {
            wrong.push(format!("{id} has policies that are not written here"));
        }
        if !roles(template).contains_key(id) {
            wrong.push(format!("{id} belongs to no function"));
        }
    }
    wrong
}

#[test]
fn every_function_has_a_written_out_role_of_its_own() {
    passes(roles_are_written_out);
    notices(roles_are_written_out, "ScoringFunction", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Role"] = Value::Null;
    });
    notices(roles_are_written_out, "ScoringFunction", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Policies"] = json!(["AdministratorAccess"]);
    });
    notices(roles_are_written_out, "ScoringRole", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Role"] =
            json!({"Fn::GetAtt": ["OutboxRole", "Arn"]});
    });
    notices(roles_are_written_out, "OutboxRole", |root| {
        root["Resources"]["OutboxRole"]["Properties"]["ManagedPolicyArns"] =
            json!(["arn:aws:iam::aws:policy/PowerUserAccess"]);
    });
}

fn the_emulators_permissions_stay_there(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, resource) in template.of_type("AWS::IAM::Policy") {
        let condition = match id {
            "BedrockPolicy" => "UsesBedrock",
            // What every function needs, apart from the roles only because the keys refer to these.
            "PublicKeysPolicy" | "SigningPolicy" => continue,
            _ => "OnLocalStack",
        };
        if resource["Condition"] != condition {
            wrong.push(format!("{id} is not behind {condition}"));
        }
    }
    let root = template.root();
    if root["Conditions"]["UsesBedrock"] != json!({"Fn::Equals": [{"Ref": "ModelApi"}, "bedrock"]}) {
        wrong.push("UsesBedrock is something else".to_owned());
    }
    if root["Conditions"]["OnLocalStack"] != json!({"Fn::Equals": [{"Ref": "LocalStack"}, "true"]}) {
        wrong.push("OnLocalStack is something else".to_owned());
    }
    if root["Parameters"]["LocalStack"]["Default"] != "false" {
        wrong.push("LocalStack is not false by default".to_owned());
    }
    wrong
}

#[test]
fn what_only_the_emulator_needs_is_not_granted_on_aws() {
    passes(the_emulators_permissions_stay_there);
    notices(the_emulators_permissions_stay_there, "LocalStackPolicy", |root| {
        root["Resources"]["LocalStackPolicy"]
            .as_object_mut()
            .unwrap()
            .remove("Condition");
    });
    notices(the_emulators_permissions_stay_there, "LocalStack", |root| {
        root["Parameters"]["LocalStack"]["Default"] = json!("true");
    });
}

/// It checks a signature before any I/O; nothing else may have a public door.
const PUBLIC: &str = "ApprovalCallbackFunction";

fn nobody_is_everybody(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, statement) in allows(template) {
        if statement["Principal"].to_string().contains('*') {
            wrong.push(format!("{id}/{} allows everybody", sid(&statement)));
        }
    }
    for (id, permission) in template.of_type("AWS::Lambda::Permission") {
        let permission = &permission["Properties"];
        // Through the one public URL alone; nobody invokes the function itself.
        let of_the_public_url = permission["FunctionName"]["Ref"] == PUBLIC
            && match permission["Action"].as_str() {
                Some("lambda:InvokeFunctionUrl") => permission["FunctionUrlAuthType"] == "NONE",
                Some("lambda:InvokeFunction") => permission["InvokedViaFunctionUrl"] == true,
                _ => false,
            };
        let open = permission["Principal"] == "*" || permission["SourceArn"].is_null();
        if open && !of_the_public_url {
            wrong.push(format!("{id} lets everybody invoke"));
        }
    }
    for (id, url) in template.of_type("AWS::Lambda::Url") {
        let url = &url["Properties"];
        if url["AuthType"] != "AWS_IAM" && url["TargetFunctionArn"]["Ref"] != PUBLIC {
            wrong.push(format!("{id} is a public URL"));
        }
    }
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let url = &function["Properties"]["FunctionUrlConfig"];
        if url["AuthType"] == "NONE" {
            wrong.push(format!("{id} has a public URL"));
        }
    }
    // A service that sends for somebody must be sending for us.
    for (id, statement) in allows(template) {
        let of_queue = template.root()["Resources"][&id]["Type"] == "AWS::SQS::QueuePolicy";
        if of_queue && items(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]).is_empty() {
            wrong.push(format!(
                "{id}/{} lets a service send for anybody",
                sid(&statement)
            ));
        }
    }
    wrong
}

#[test]
fn nothing_is_open_to_everybody_but_the_signed_callback() {
    passes(nobody_is_everybody);
    notices(nobody_is_everybody, "IncidentTopicPolicy", |root| {
        root["Resources"]["IncidentTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Principal"] =
            json!({"AWS": "*"});
    });
    notices(nobody_is_everybody, "ScoringFunction", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["FunctionUrlConfig"] = json!({"AuthType": "NONE"});
    });
    notices(nobody_is_everybody, "ApprovalCallbackFunctionUrl", |root| {
        root["Resources"]["ApprovalCallbackFunctionUrl"]["Properties"]["TargetFunctionArn"] =
            json!({"Ref": "ScoringFunction"});
    });
    let invokes = "ApprovalCallbackFunctionURLInvokeAllowPublicAccess";
    notices(nobody_is_everybody, invokes, |root| {
        root["Resources"][invokes]["Properties"]["InvokedViaFunctionUrl"] = Value::Null;
    });
    notices(nobody_is_everybody, "IngestQueuePolicy", |root| {
        root["Resources"]["IngestQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Condition"] =
            Value::Null;
    });
}

/// As a principal, a role that was just created may not be found yet, and the deployment fails; in a condition, its ARN is text.
fn principals_are_there_before(template: &Template) -> Vec<String> {
    let named = statements(template).into_iter();
    named
        .filter(|(_, statement)| statement["Principal"].to_string().contains("Fn::GetAtt"))
        .map(|(id, statement)| format!("{id}/{} names what is created with it", sid(&statement)))
        .collect()
}

#[test]
fn no_policy_names_a_role_that_was_just_created_as_its_principal() {
    passes(principals_are_there_before);
    notices(
        principals_are_there_before,
        "ApprovalTopicPolicy/TheOutboxPublishes",
        |root| {
            root["Resources"]["ApprovalTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Principal"] =
                json!({"AWS": {"Fn::GetAtt": ["OutboxRole", "Arn"]}});
        },
    );
}

/// A changed power is a changed line here.
#[test]
fn the_powers_of_each_function() {
    let template = Template::read();
    let mut powers = String::new();
    let mut allowed = allows(&template);
    allowed.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (id, statement) in allowed {
        let assumed = texts(&statement["Action"]) == ["sts:AssumeRole"];
        if !id.ends_with("Role") || assumed {
            continue;
        }
        let resources: Vec<String> = items(&statement["Resource"])
            .into_iter()
            .map(
                |resource| match (target(resource), resource["Fn::Sub"].as_str()) {
                    (Some(name), _) => name,
                    (None, Some(text)) => text
                        .rsplit("${AWS::AccountId}:")
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    (None, None) => resource.as_str().unwrap_or_default().to_owned(),
                },
            )
            .collect();
        let actions: Vec<&str> = texts(&statement["Action"]);
        powers += &format!("{id}: {} on {}\n", actions.join(", "), resources.join(", "));
    }
    expect![[r#"
        ApprovalCallbackRole: logs:CreateLogStream, logs:PutLogEvents on ApprovalCallbackLogGroup
        ApprovalCallbackRole: dynamodb:PartiQLInsert on Trail
        ApprovalCallbackRole: dynamodb:Query, dynamodb:GetItem on Trail
        ApprovalCallbackRole: s3:GetObject on ${PolicyBucket.Arn}/*
        ApprovalCallbackRole: secretsmanager:GetSecretValue on SlackSigningSecret, SlackBotSecret, LinkSecret, OperatorsSecret
        ApprovalCommandsRole: logs:CreateLogStream, logs:PutLogEvents on ApprovalCommandsLogGroup
        ApprovalCommandsRole: dynamodb:PartiQLInsert on Trail
        ApprovalCommandsRole: dynamodb:Query, dynamodb:GetItem on Trail, ${Trail.Arn}/index/by_hour
        ApprovalCommandsRole: dynamodb:Query on ${Proposals.Arn}/index/open_rows, ${Proposals.Arn}/index/in_force_rows
        ApprovalCommandsRole: s3:GetObject on ${PolicyBucket.Arn}/*
        ApprovalCommandsRole: secretsmanager:GetSecretValue on OperatorsSecret
        ExecutionRole: logs:CreateLogStream, logs:PutLogEvents on ExecutionLogGroup
        ExecutionRole: dynamodb:PartiQLInsert on Trail
        ExecutionRole: dynamodb:Query, dynamodb:GetItem on Trail
        ExecutionRole: dynamodb:Query on ${Trail.Arn}/index/by_hour
        ExecutionRole: secretsmanager:GetSecretValue on GatewayWriteSecret, OperatorsSecret, PagerDutySecret
        ExecutionRole: s3:GetObject on ${PolicyBucket.Arn}/*
        ExecutionRole: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on ExecutionQueue, RestoreQueue, VerifyQueue
        ExecutionRole: sqs:SendMessage on ExecutionQueue, RestoreQueue, VerifyQueue
        ExecutionRole: sqs:SendMessage on ExecutionDeadLetterQueue, RestoreDeadLetterQueue, VerifyDeadLetterQueue
        HousekeepingRole: logs:CreateLogStream, logs:PutLogEvents on HousekeepingLogGroup
        HousekeepingRole: dynamodb:PartiQLInsert on Trail
        HousekeepingRole: dynamodb:Query, dynamodb:GetItem on Trail
        HousekeepingRole: dynamodb:Query on ${Trail.Arn}/index/by_hour
        HousekeepingRole: dynamodb:Query on ${Proposals.Arn}/index/open_rows
        HousekeepingRole: dynamodb:GetItem on Proposals
        HousekeepingRole: sqs:SendMessage on IngestQueue, ScoringQueue, ExecutionQueue, RestoreQueue, VerifyQueue, AnnounceQueue, SlackQueue
        HousekeepingRole: lambda:GetEventSourceMapping, lambda:UpdateEventSourceMapping on event-source-mapping:${ScoringSource}
        HousekeepingRole: lambda:GetEventSourceMapping, lambda:UpdateEventSourceMapping on event-source-mapping:${ExecutionSource}
        HousekeepingRole: sqs:SendMessage on HousekeepingDeadLetterQueue
        IngestAndProposeRole: logs:CreateLogStream, logs:PutLogEvents on IngestAndProposeLogGroup
        IngestAndProposeRole: dynamodb:PartiQLInsert on Trail
        IngestAndProposeRole: dynamodb:Query, dynamodb:GetItem on Trail
        IngestAndProposeRole: dynamodb:Query on ${Trail.Arn}/index/by_hour
        IngestAndProposeRole: s3:PutObject on ${PayloadBucket.Arn}/*
        IngestAndProposeRole: s3:PutObject on ${TranscriptBucket.Arn}/*
        IngestAndProposeRole: secretsmanager:GetSecretValue on GatewayReadSecret, ModelSecret
        IngestAndProposeRole: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on IngestQueue
        IngestAndProposeRole: sqs:SendMessage on IngestDeadLetterQueue
        NotificationRole: logs:CreateLogStream, logs:PutLogEvents on NotificationLogGroup
        NotificationRole: dynamodb:PartiQLInsert on Trail
        NotificationRole: dynamodb:Query, dynamodb:GetItem on Trail
        NotificationRole: s3:GetObject on ${PolicyBucket.Arn}/*
        NotificationRole: secretsmanager:GetSecretValue on OperatorsSecret, SlackBotSecret, LinkSecret
        NotificationRole: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on SlackQueue
        NotificationRole: sqs:SendMessage on SlackQueue, SlackDeadLetterQueue
        OutboxRole: logs:CreateLogStream, logs:PutLogEvents on OutboxLogGroup
        OutboxRole: dynamodb:Query, dynamodb:GetItem on Trail
        OutboxRole: dynamodb:DescribeStream, dynamodb:GetRecords, dynamodb:GetShardIterator on Trail
        OutboxRole: dynamodb:ListStreams on *
        OutboxRole: dynamodb:GetItem, dynamodb:PutItem on Proposals
        OutboxRole: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on AnnounceQueue
        OutboxRole: events:PutEvents on event-bus/${AWS::StackName}
        OutboxRole: sns:Publish on ApprovalTopic
        OutboxRole: secretsmanager:GetSecretValue on LinkSecret
        OutboxRole: sqs:SendMessage on AnnounceDeadLetterQueue, OutboxDeadLetterQueue
        ScoringRole: logs:CreateLogStream, logs:PutLogEvents on ScoringLogGroup
        ScoringRole: dynamodb:PartiQLInsert on Trail
        ScoringRole: dynamodb:Query, dynamodb:GetItem on Trail
        ScoringRole: s3:GetObject on ${PolicyBucket.Arn}/*
        ScoringRole: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes on ScoringQueue
        ScoringRole: sqs:SendMessage on ScoringDeadLetterQueue
    "#]].assert_eq(&powers);
}
