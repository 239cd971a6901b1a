//! Looks at every part of a deployment at once. What cannot be seen does not hide the rest.

mod keys;
mod table;

use std::collections::BTreeMap;
use std::future::Future;

use anyhow::{Context as _, anyhow};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicError;
use domain::ports::Clock;
use outbound::{BaseUrl, Bounds, Client};
use reqwest::Method;
use trail::load_control;

use super::seen::{Audience, Concurrency, Function, Seen, Standing, Subscriber};
use crate::end::Answered as _;
use crate::operators::SECRET_OUTPUT;
use crate::policy::BUCKET_OUTPUT;
use crate::proposals::URL_OUTPUT;
use crate::stack::Stack;
use crate::status::{DecidersPart, Part};
use crate::{checkup, proposals};

/// The functions that are asked directly, and the outputs that name them.
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

/// The keys that sign.
const KEYS: [&str; 2] = ["DecisionKeys", "OperatorKeys"];

/// The stack's outputs that are read here, and that every stack of this version has.
pub(crate) fn outputs() -> Vec<&'static str> {
    let named = FUNCTIONS.into_iter().chain(SECRETS).map(|(_, output)| output);
    named
        .chain([TOPIC, SLACK_QUEUE, TABLE, TABLE_ARN, CALLBACK, URL_OUTPUT])
        .chain([BUCKET_OUTPUT, SECRET_OUTPUT])
        .chain(KEYS)
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
    let has = |output: &str| stack.outputs.contains_key(output);
    let functions = FUNCTIONS.into_iter().filter(|(_, output)| has(output));
    let functions = functions.map(|(name, output)| function(stack, name, output, clock));
    let secrets = SECRETS.into_iter().filter(|(_, output)| has(output));
    let secrets = secrets.map(|(name, output)| async move { (name, secret(stack, output).await.into()) });
    let local = stack.parameter("LocalStack").is_ok_and(|value| value == "true");
    let sources = stack.keys();
    let (
        functions,
        secrets,
        callback,
        commands,
        deciders,
        subscribers,
        alarmed,
        switches,
        keys,
        keyring,
        trail,
    ) = tokio::join!(
        futures::future::join_all(functions),
        futures::future::join_all(secrets),
        async {
            match local {
                true => None,
                false => by(stack, &[CALLBACK], callback(stack)).await,
            }
        },
        by(stack, &[URL_OUTPUT], proposals::answers(stack)),
        by(
            stack,
            &[TABLE, BUCKET_OUTPUT, SECRET_OUTPUT],
            DecidersPart::of(stack, clock.now())
        ),
        by(stack, &[TOPIC, SLACK_QUEUE], async {
            subscribers(stack, stack.output(TOPIC)?, Some(SLACK_QUEUE)).await
        }),
        alarmed(stack),
        by(stack, &[TABLE], async {
            let control = load_control(&stack.trail()?).await?;
            anyhow::Ok(control.switches)
        }),
        async {
            match &sources {
                Some(sources) => keys::in_use(stack, sources).await,
                None => Vec::new(),
            }
        },
        async { Some(keys::known(stack, sources.clone()?).await) },
        by(stack, &[TABLE, TABLE_ARN], table::protection(stack)),
    );
    let concurrency = match local {
        true => None,
        false => Some(concurrency(stack).await.into()),
    };
    Seen {
        stack: stack.name.clone(),
        region: stack.aws.region().map(ToString::to_string).unwrap_or_default(),
        status: stack.status.clone(),
        lacks: outputs().into_iter().filter(|output| !has(output)).collect(),
        parameters: stack.parameters().clone(),
        functions,
        callback: callback.map(Part::from),
        commands: commands.map(Part::from),
        secrets: BTreeMap::from_iter(secrets),
        deciders,
        subscribers: subscribers.map(Part::from),
        alarmed,
        switches: switches.map(Part::from),
        keys,
        keyring,
        trail,
        concurrency,
    }
}

/// What is looked at by these outputs; none where the stack has not all of them, which is told of the stack.
async fn by<T>(stack: &Stack, outputs: &[&str], look: impl Future<Output = T>) -> Option<T> {
    let has_all = outputs.iter().all(|output| stack.outputs.contains_key(*output));
    match has_all {
        true => Some(look.await),
        false => None,
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
        .await;
    let is_gone = |err: &DescribeSecretError| err.is_resource_not_found_exception();
    if reply
        .as_ref()
        .is_err_and(|err| err.as_service_error().is_some_and(is_gone))
    {
        return Ok(Standing::NotThere);
    }
    let reply = reply.answered(|| "it cannot be described")?;
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
async fn subscribers(stack: &Stack, topic: &str, but: Option<&str>) -> anyhow::Result<Audience> {
    let own = match but {
        Some(output) => stack.output(output)?.rsplit('/').next().unwrap_or_default(),
        None => "",
    };
    let mut pages = aws_sdk_sns::Client::new(&stack.aws)
        .list_subscriptions_by_topic()
        .topic_arn(topic)
        .into_paginator()
        .send();
    let mut audience = Audience::default();
    let is_gone = |err: &ListSubscriptionsByTopicError| err.is_not_found_exception();
    while let Some(page) = pages.next().await {
        if page
            .as_ref()
            .is_err_and(|err| err.as_service_error().is_some_and(is_gone))
        {
            audience.gone = Some(topic.to_owned());
            break;
        }
        for one in page.answered(|| format!("topic {topic}"))?.subscriptions() {
            let endpoint = one.endpoint().unwrap_or_default();
            let is_own = !own.is_empty() && endpoint.rsplit(':').next() == Some(own);
            // One that waits has words in place of its ARN, such as PendingConfirmation.
            let confirmed = one.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
            if !is_own {
                audience.all.push(Subscriber {
                    protocol: one.protocol().unwrap_or("unknown").to_owned(),
                    confirmed,
                });
            }
        }
    }
    Ok(audience)
}

/// Who hears the alarms, over the topic that the stack made and the one that it was given.
async fn alarmed(stack: &Stack) -> Option<Part<Audience>> {
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
        let mut audience = Audience::default();
        for topic in topics {
            let heard = subscribers(stack, topic, None).await?;
            audience.all.extend(heard.all);
            audience.gone = audience.gone.or(heard.gone);
        }
        anyhow::Ok(audience)
    };
    Some(read.await.into())
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
