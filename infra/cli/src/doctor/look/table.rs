//! What protects the trail's table.

use anyhow::Context as _;
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TableDescription, TimeToLiveStatus};
use serde_json::{Value, json};

use super::super::seen::Protection;
use crate::end::Answered as _;
use crate::stack::Stack;
use crate::status::Part;

/// What a table that was restored from a backup does not have.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/pointintimerecovery_beforeyoubegin.html>
pub(super) async fn protection(stack: &Stack) -> Protection {
    let table = stack.output(super::TABLE).unwrap_or_default();
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.aws);
    let described = async {
        match dynamodb.describe_table().table_name(table).send().await {
            Err(err)
                if err
                    .as_service_error()
                    .is_some_and(|err| err.is_resource_not_found_exception()) =>
            {
                Ok(None)
            }
            reply => {
                let reply = reply.answered(|| "it cannot be described")?;
                let told = reply.table.context("DynamoDB does not tell of the table")?;
                anyhow::Ok(Some(told))
            }
        }
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
        let arn = stack.output(super::TABLE_ARN)?;
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
    let of_table = |is: &dyn Fn(&TableDescription) -> bool| match &described {
        Part::Seen(table) => Part::Seen(table.as_ref().is_some_and(is)),
        Part::Unseen(why) => Part::Unseen(why.clone()),
    };
    Protection {
        table: table.to_owned(),
        gone: matches!(described, Part::Seen(None)),
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
