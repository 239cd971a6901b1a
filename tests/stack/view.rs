//! The view, as the outbox brings it up to date.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::value::ProposalId;

use crate::world::{Deployed, variable, within};

/// The rows of the view.
pub(crate) struct View {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl View {
    pub(crate) fn new(world: &Deployed) -> Self {
        Self {
            client: world.dynamodb.clone(),
            table: variable("PROPOSALS_TABLE"),
        }
    }

    /// Up to which record a proposal was announced; 0 where it was not.
    pub(crate) async fn announced(&self, id: &ProposalId) -> u64 {
        let read = self.client.get_item().table_name(&self.table);
        let key = AttributeValue::S(id.to_string());
        let read = read.key("proposal", key).consistent_read(true).send().await;
        let item = read.unwrap().item.unwrap_or_default();
        let seq = item.get("seq").and_then(|seq| seq.as_n().ok());
        seq.map_or(0, |seq| seq.parse().unwrap())
    }

    pub(crate) async fn until_announced(&self, world: &Deployed, id: &ProposalId, seconds: u64) {
        let last = world.records(id).await.last().unwrap().seq;
        within(seconds, &format!("{id} is announced"), async || {
            (self.announced(id).await == last).then_some(())
        })
        .await;
    }

    /// A row that the outbox cannot read: it fails for this proposal and for no other.
    pub(crate) async fn spoil(&self, id: &ProposalId) {
        self.client
            .put_item()
            .table_name(&self.table)
            .item("proposal", AttributeValue::S(id.to_string()))
            .item("seq", AttributeValue::S("spoilt".to_owned()))
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn mend(&self, id: &ProposalId) {
        let delete = self.client.delete_item().table_name(&self.table);
        let key = AttributeValue::S(id.to_string());
        delete.key("proposal", key).send().await.unwrap();
    }
}
