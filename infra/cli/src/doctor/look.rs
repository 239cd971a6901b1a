//! Looks at every part of a deployment at once. What cannot be seen does not hide the rest.

use std::collections::BTreeMap;

use adapters::PublicKeys;
use anyhow::{Context as _, anyhow};
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TimeToLiveStatus};
use domain::ports::Clock;
use outbound::{BaseUrl, Bounds, Client};
use reqwest::Method;
use serde_json::{Value, json};
use trail::load_control;

use super::seen::{Concurrency, Function, Key, Protection, Seen, Standing, Subscriber};
use crate::end::Answered as _;
use crate::stack::Stack;
use crate::status::{DecidersPart, Part};
use crate::{checkup, proposals};

/// The functions that are asked, and the outputs that name them.
const FUNCTIONS: [(&str, &str); 6] = [
    ("ingest-and-propose", "IngestAndProposeFunctionName"),
    ("scoring", "ScoringFunctionName"),
    ("execution", "ExecutionFunctionName"),
    ("outbox", "OutboxFunctionName"),
    ("notification", "NotificationFunctionName"),
    ("housekeeping", "HousekeepingFunctionName"),
];

/// The secrets that people set, and the outputs that name them.
const SECRETS: [(&str, &str); 6] = [
    ("slack-signing", "SlackSigningSecretArn"),
    ("slack-bot", "SlackBotSecretArn"),
    ("gateway-read", "GatewayReadSecretArn"),
    ("gateway-write", "GatewayWriteSecretArn"),
    ("model", "ModelSecretArn"),
    ("pagerduty", "PagerDutySecretArn"),
];

/// The topic of what people are told, and the queue of Slack's cards, which subscribes to it.
const TOPIC: &str = "ApprovalTopicArn";
const SLACK_QUEUE: &str = "SlackQueueUrl";

/// The topic that the stack makes for its alarms.
const ALARM_TOPIC: &str = "AlarmTopicArn";

const TABLE: &str = "TrailTableName";
const TABLE_ARN: &str = "TrailTableArn";
const CALLBACK: &str = "ApprovalCallbackUrl";

/// The stack's outputs that are read here.
#[cfg(test)]
pub(crate) fn outputs() -> Vec<&'static str> {
    let named = FUNCTIONS.into_iter().chain(SECRETS).map(|(_, output)| output);
    named
        .chain([TOPIC, SLACK_QUEUE, ALARM_TOPIC, TABLE, TABLE_ARN, CALLBACK])
        .collect()
}

/// The callback starts, and answers.
const CALLBACK_BOUNDS: Bounds = Bounds {
    connect_ms: 3_000,
    request_ms: 10_000,
    reply_bytes: 64 * 1024,
};

/// Everything there is to see.
pub(super) async fn look_at(stack: &Stack, clock: &dyn Clock) -> Seen {
    let functions = FUNCTIONS.map(|(name, output)| function(stack, name, output, clock));
    let secrets = SECRETS.map(|(name, output)| async move { (name, secret(stack, output).await.into()) });
    let local = stack.parameter("LocalStack").is_ok_and(|value| value == "true");
    let (functions, secrets, callback, commands, deciders, subscribers, alarmed, policy, keys, trail) = tokio::join!(
        futures::future::join_all(functions),
        futures::future::join_all(secrets),
        async {
            match local {
                true => None,
                false => Some(callback(stack).await.into()),
            }
        },
        proposals::is_answered(stack),
        DecidersPart::of(stack, clock.now()),
        async { subscribers(stack, stack.output(TOPIC)?, Some(SLACK_QUEUE)).await },
        alarmed(stack),
        async {
            let control = load_control(&stack.trail()?).await?;
            anyhow::Ok(control.switches.policy)
        },
        keys(stack),
        protection(stack),
    );
    let concurrency = match local {
        true => None,
        false => Some(concurrency(stack).await.into()),
    };
    Seen {
        stack: stack.name.clone(),
        region: stack.aws.region().map(ToString::to_string).unwrap_or_default(),
        status: stack.status.clone(),
        parameters: stack.parameters().clone(),
        functions,
        callback,
        commands: commands.into(),
        secrets: BTreeMap::from_iter(secrets),
        deciders,
        subscribers: subscribers.into(),
        alarmed,
        policy: policy.into(),
        keys,
        keyring: keyring(stack).await.into(),
        trail,
        concurrency,
    }
}

async fn function(stack: &Stack, name: &'static str, output: &str, clock: &dyn Clock) -> Function {
    let asked_at = clock.now();
    let answer = checkup::of(stack, output).await;
    Function {
        name,
        asked_at,
        answered_at: clock.now(),
        answer: answer.into(),
    }
}

/// Whether a secret was set since the deployment made it: then it has more than one version. Its value is not read.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
async fn secret(stack: &Stack, output: &str) -> anyhow::Result<Standing> {
    let reply = aws_sdk_secretsmanager::Client::new(&stack.aws)
        .describe_secret()
        .secret_id(stack.output(output)?)
        .send()
        .await
        .answered(|| "it cannot be described")?;
    let versions = reply.version_ids_to_stages().map(|versions| versions.len());
    match (reply.deleted_date(), versions.unwrap_or_default()) {
        (Some(_), _) => Ok(Standing::Deleted),
        (None, 0) => Err(anyhow!("Secrets Manager tells no version of it")),
        (None, 1) => Ok(Standing::Initial),
        (None, _) => Ok(Standing::Set),
    }
}

/// Whether the function answers where Slack's clicks go.
async fn callback(stack: &Stack) -> anyhow::Result<()> {
    let url = BaseUrl::new(CALLBACK, stack.output(CALLBACK)?)?;
    let client = Client::within(CALLBACK_BOUNDS)?;
    let reply = client
        .exchange(client.request(Method::GET, url.join("/healthz")))
        .await;
    let reply = reply.map_err(|problem| anyhow!(problem))?;
    match reply.status.is_success() {
        true => Ok(()),
        false => Err(anyhow!("it answers {}", reply.status)),
    }
}

/// Who subscribes to a topic, but for a queue of the stack's own.
///
/// <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>
async fn subscribers(stack: &Stack, topic: &str, but: Option<&str>) -> anyhow::Result<Vec<Subscriber>> {
    let own = match but {
        Some(output) => stack.output(output)?.rsplit('/').next().unwrap_or_default(),
        None => "",
    };
    let mut pages = aws_sdk_sns::Client::new(&stack.aws)
        .list_subscriptions_by_topic()
        .topic_arn(topic)
        .into_paginator()
        .send();
    let mut subscribers = Vec::new();
    while let Some(page) = pages.next().await {
        for one in page.answered(|| format!("topic {topic}"))?.subscriptions() {
            let endpoint = one.endpoint().unwrap_or_default();
            let is_own = !own.is_empty() && endpoint.rsplit(':').next() == Some(own);
            // One that waits has words in place of its ARN, such as PendingConfirmation.
            let confirmed = one.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
            if !is_own {
                subscribers.push(Subscriber {
                    protocol: one.protocol().unwrap_or("unknown").to_owned(),
                    confirmed,
                });
            }
        }
    }
    Ok(subscribers)
}

/// Who hears the alarms, over the topic that the stack made and the one that it was given.
async fn alarmed(stack: &Stack) -> Option<Part<Vec<Subscriber>>> {
    let given = stack.parameter("AlarmTopicArn").unwrap_or_default().trim();
    let made = stack.outputs.get(ALARM_TOPIC).map(String::as_str);
    let topics: Vec<&str> = made
        .into_iter()
        .chain([given])
        .filter(|arn| !arn.is_empty())
        .collect();
    if topics.is_empty() {
        return None;
    }
    let read = async {
        let mut all = Vec::new();
        for topic in topics {
            all.extend(subscribers(stack, topic, None).await?);
        }
        anyhow::Ok(all)
    };
    Some(read.await.into())
}

async fn keys(stack: &Stack) -> Vec<Key> {
    let kms = aws_sdk_kms::Client::new(&stack.aws);
    let sources = stack.keys();
    let mut keys = Vec::new();
    for (parameter, arns) in [
        ("DecisionKeyArns", sources.as_ref().map(|keys| &keys.decisions)),
        ("OperatorKeyArns", sources.as_ref().map(|keys| &keys.operators)),
    ] {
        let arn = arns.and_then(|arns| arns.first()).cloned().unwrap_or_default();
        let state = async {
            let described = kms.describe_key().key_id(&arn).send().await;
            let described = described.answered(|| "it cannot be described")?;
            let metadata = described.key_metadata.context("KMS does not tell of it")?;
            let state = metadata.key_state.context("KMS does not tell its state")?;
            anyhow::Ok(state.as_str().to_owned())
        };
        let state = state.await.into();
        keys.push(Key {
            parameter,
            arn,
            state,
        });
    }
    keys
}

async fn keyring(stack: &Stack) -> anyhow::Result<()> {
    let sources = stack
        .keys()
        .context("the stack has no keys: deploy this version first")?;
    PublicKeys::new(&stack.aws, sources).file().await?.keyring()?;
    Ok(())
}

/// What a table that was restored from a backup does not have.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/pointintimerecovery_beforeyoubegin.html>
async fn protection(stack: &Stack) -> Protection {
    let table = stack.output(TABLE).unwrap_or_default();
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.aws);
    let described = async {
        let reply = dynamodb
            .describe_table()
            .table_name(table)
            .send()
            .await
            .answered(|| "it cannot be described")?;
        reply.table.context("DynamoDB does not tell of the table")
    };
    let expires = async {
        let reply = dynamodb
            .describe_time_to_live()
            .table_name(table)
            .send()
            .await
            .answered(|| "it cannot be described")?;
        let told = reply.time_to_live_description;
        let status = told.and_then(|told| told.time_to_live_status);
        let status = status.context("DynamoDB does not tell its time to live")?;
        anyhow::Ok(matches!(
            status,
            TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling
        ))
    };
    let recoverable = async {
        let reply = dynamodb
            .describe_continuous_backups()
            .table_name(table)
            .send()
            .await
            .answered(|| "it cannot be described")?;
        let told = reply.continuous_backups_description;
        let told = told.and_then(|told| told.point_in_time_recovery_description);
        let status = told.and_then(|told| told.point_in_time_recovery_status);
        let status = status.context("DynamoDB does not tell its backups")?;
        anyhow::Ok(status == PointInTimeRecoveryStatus::Enabled)
    };
    let insert_only = async {
        let arn = stack.output(TABLE_ARN)?;
        match dynamodb.get_resource_policy().resource_arn(arn).send().await {
            Ok(reply) => {
                let policy = serde_json::from_str(reply.policy().unwrap_or_default());
                Ok(denies_changes(&policy.context("the table's policy is no JSON")?))
            }
            Err(err)
                if err
                    .as_service_error()
                    .is_some_and(|err| err.is_policy_not_found_exception()) =>
            {
                Ok(false)
            }
            err @ Err(_) => err.answered(|| "its policy").map(|_| false),
        }
    };
    let (described, expires, recoverable, insert_only) =
        tokio::join!(described, expires, recoverable, insert_only);
    let described: Part<_> = described.into();
    let of_table = |is: &dyn Fn(&aws_sdk_dynamodb::types::TableDescription) -> bool| match &described {
        Part::Seen(table) => Part::Seen(is(table)),
        Part::Unseen(why) => Part::Unseen(why.clone()),
    };
    Protection {
        table: table.to_owned(),
        deletion_protected: of_table(&|table| table.deletion_protection_enabled() == Some(true)),
        streamed: of_table(&|table| {
            table
                .stream_specification()
                .is_some_and(|stream| stream.stream_enabled())
        }),
        expires: expires.into(),
        recoverable: recoverable.into(),
        insert_only: insert_only.into(),
    }
}

/// Whether a policy denies whatever changes or removes a record, to everybody and in any case.
fn denies_changes(policy: &Value) -> bool {
    const CHANGES: [&str; 6] = [
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    ];
    // IAM takes one in place of a list of one.
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let everybody = |statement: &Value| {
        let principal = &statement["Principal"];
        *principal == "*" || listed(&principal["AWS"]).contains(&json!("*"))
    };
    let denied: Vec<Value> = listed(&policy["Statement"])
        .iter()
        .filter(|statement| statement["Effect"] == "Deny" && everybody(statement))
        .filter(|statement| statement.get("Condition").is_none())
        .flat_map(|statement| listed(&statement["Action"]))
        .collect();
    CHANGES.iter().all(|action| denied.contains(&json!(action)))
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html>
async fn concurrency(stack: &Stack) -> anyhow::Result<Concurrency> {
    let reply = aws_sdk_lambda::Client::new(&stack.aws)
        .get_account_settings()
        .send()
        .await
        .answered(|| "it cannot be described")?;
    let limit = reply
        .account_limit
        .context("Lambda does not tell the account's limit")?;
    Ok(Concurrency {
        limit: limit.concurrent_executions,
        unreserved: limit
            .unreserved_concurrent_executions
            .context("Lambda does not tell what is not reserved")?,
    })
}
