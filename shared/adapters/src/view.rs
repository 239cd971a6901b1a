//! The view in DynamoDB: one current row for each proposal.

use std::error::Error;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{Unavailable, View};
use domain::telling::Row;
use domain::trail::Seq;
use domain::value::ProposalId;

use crate::aws;

const SERVICE: &str = "the view";

/// Index of the open rows, by `open` and `updated_at`; keys only. A closed row has no `open` and is not in it.
pub const OPEN_INDEX: &str = "open_rows";

/// Index of the rows whose effect is in force, by `in_force` and `updated_at`; keys only, and as sparse.
pub const IN_FORCE_INDEX: &str = "in_force_rows";

/// The attribute by which the one index finds its rows, and its value where it is present.
const OPEN: &str = "open";

/// That of the other.
const IN_FORCE: &str = "in_force";

/// The view's table.
#[derive(Debug, Clone)]
pub struct DynamoView {
    client: Client,
    table: String,
}

impl DynamoView {
    /// The view in a table.
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
        }
    }

    /// A proposal's row, for people to look at.
    pub async fn get(&self, proposal: &ProposalId) -> Result<Option<Row>, Unavailable> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("proposal", AttributeValue::S(proposal.to_string()))
            .send()
            .await
            .map_err(unavailable)?;
        let Some(item) = found.item else { return Ok(None) };
        let row = item.get("row").and_then(|row| row.as_s().ok());
        let row = row.ok_or_else(|| Unavailable::new(SERVICE, format_args!("{proposal} has no row")))?;
        let row = serde_json::from_str(row)
            .map_err(|err| Unavailable::new(SERVICE, format_args!("{proposal} cannot be read: {err}")))?;
        Ok(Some(row))
    }
}

#[async_trait]
impl View for DynamoView {
    async fn put(&self, row: &Row) -> Result<(), Unavailable> {
        let json = serde_json::to_string(row).map_err(|err| Unavailable::new(SERVICE, err))?;
        let seq = AttributeValue::N(row.seq.to_string());
        let mark = |is: bool, name: &str| is.then(|| AttributeValue::S(name.to_owned()));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("proposal", AttributeValue::S(row.proposal.to_string()))
            .item("seq", seq.clone())
            .item("updated_at", AttributeValue::S(row.updated_at.to_string()))
            .item("row", AttributeValue::S(json))
            .condition_expression("attribute_not_exists(#seq) OR #seq < :seq")
            .expression_attribute_names("#seq", "seq")
            .expression_attribute_values(":seq", seq);
        let put = match mark(row.open, OPEN) {
            Some(open) => put.item(OPEN, open),
            None => put,
        };
        let put = match mark(row.in_force, IN_FORCE) {
            Some(in_force) => put.item(IN_FORCE, in_force),
            None => put,
        };
        match put.send().await {
            Ok(_) => Ok(()),
            // A row as new as this one is there already.
            Err(err)
                if err
                    .as_service_error()
                    .is_some_and(|err| err.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(err) => Err(unavailable(err)),
        }
    }

    async fn announced(&self, proposal: &ProposalId) -> Result<Seq, Unavailable> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("proposal", AttributeValue::S(proposal.to_string()))
            .consistent_read(true)
            .projection_expression("#seq")
            .expression_attribute_names("#seq", "seq")
            .send()
            .await
            .map_err(unavailable)?;
        let Some(item) = found.item else { return Ok(0) };
        let seq = item.get("seq").and_then(|seq| seq.as_n().ok()?.parse().ok());
        seq.ok_or_else(|| Unavailable::new(SERVICE, format_args!("the row of {proposal} has no position")))
    }

    async fn open(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.marked(OPEN_INDEX, OPEN).await
    }

    async fn in_force(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.marked(IN_FORCE_INDEX, IN_FORCE).await
    }
}

impl DynamoView {
    /// The proposals whose row has an attribute, by the index of it.
    async fn marked(&self, index: &str, attribute: &str) -> Result<Vec<ProposalId>, Unavailable> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#mark = :mark")
            .expression_attribute_names("#mark", attribute)
            .expression_attribute_values(":mark", AttributeValue::S(attribute.to_owned()))
            .into_paginator()
            .send();
        let mut marked = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page.map_err(unavailable)?.items() {
                let id = item.get("proposal").and_then(|id| id.as_s().ok());
                match id.map(|id| id.parse::<ProposalId>()) {
                    Some(Ok(id)) => marked.push(id),
                    // The view is disposable: a stray row must not hide the others.
                    Some(Err(_)) | None => tracing::error!(row = id, "the view holds a row of no proposal"),
                }
            }
        }
        Ok(marked)
    }
}

fn unavailable<E: ProvideErrorMetadata + Error + 'static>(err: SdkError<E>) -> Unavailable {
    Unavailable::new(SERVICE, aws::told(&err))
}
