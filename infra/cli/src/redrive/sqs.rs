//! What redriving needs of SQS.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use domain::value::Timestamp;

use crate::end::Answered as _;
use crate::status::messages;

/// A message of a dead-letter queue, taken out for a while.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// SQS's id of the message.
    pub(crate) id: String,
    /// By which it is deleted, or shown again.
    pub(crate) receipt: String,
    /// When it was first sent, to this queue or to the one SQS moved it from.
    pub(crate) sent_at: Option<Timestamp>,
    /// Whether SQS itself moved it here, after too many deliveries.
    pub(crate) moved_by_sqs: bool,
    /// Its text.
    pub(crate) body: String,
    /// Its attributes.
    pub(crate) attributes: BTreeMap<String, MessageAttributeValue>,
}

impl Letter {
    /// The text of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value()
    }
}

/// The most messages that SQS gives at once.
pub(crate) const MOST_AT_ONCE: usize = 10;

/// Queues by their URLs.
#[async_trait]
pub(crate) trait Queues: Send + Sync {
    /// How many messages there are, those that somebody has taken out included: approximately, and as of up to a minute
    /// ago.
    async fn count(&self, url: &str) -> anyhow::Result<usize>;

    /// Takes at most so many messages out for some seconds, up to [`MOST_AT_ONCE`]; none when there are none.
    async fn receive(&self, url: &str, most: usize, invisible_s: i32) -> anyhow::Result<Vec<Letter>>;

    /// Sends a message with attributes.
    async fn send(
        &self,
        url: &str,
        body: &str,
        attributes: &BTreeMap<String, MessageAttributeValue>,
    ) -> anyhow::Result<()>;

    /// Deletes a message that was taken out.
    async fn delete(&self, url: &str, receipt: &str) -> anyhow::Result<()>;

    /// Shows a message again at once that was taken out.
    async fn show_again(&self, url: &str, receipt: &str) -> anyhow::Result<()>;
}

#[async_trait]
impl Queues for Client {
    async fn count(&self, url: &str) -> anyhow::Result<usize> {
        Ok(usize::try_from(messages(self, url).await?.all())?)
    }

    async fn receive(&self, url: &str, most: usize, invisible_s: i32) -> anyhow::Result<Vec<Letter>> {
        let most = i32::try_from(most.clamp(1, MOST_AT_ONCE)).unwrap_or(1);
        let reply = self
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(most)
            .visibility_timeout(invisible_s)
            // A long poll asks every server: an empty reply then means an empty queue.
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .answered(|| format!("nothing could be received from {url}"))?;
        Ok(reply
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(letter)
            .collect())
    }

    async fn send(
        &self,
        url: &str,
        body: &str,
        attributes: &BTreeMap<String, MessageAttributeValue>,
    ) -> anyhow::Result<()> {
        let attributes = attributes.clone().into_iter().collect();
        self.send_message()
            .queue_url(url)
            .message_body(body)
            .set_message_attributes(Some(attributes))
            .send()
            .await
            .carried_out(|| format!("nothing could be sent to {url}"))?;
        Ok(())
    }

    async fn delete(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        let delete = self.delete_message().queue_url(url).receipt_handle(receipt);
        let deleted = delete.send().await;
        deleted.carried_out(|| format!("nothing could be deleted from {url}"))?;
        Ok(())
    }

    async fn show_again(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        let change = self
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt);
        let changed = change.visibility_timeout(0).send().await;
        changed.carried_out(|| format!("a message of {url} could not be shown again at once"))?;
        Ok(())
    }
}

fn letter(message: Message) -> Letter {
    let system = message.attributes.unwrap_or_default();
    let sent_at = system.get(&MessageSystemAttributeName::SentTimestamp);
    Letter {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        sent_at: sent_at.and_then(|ms| ms.parse().ok()).map(Timestamp::from_millis),
        moved_by_sqs: system.contains_key(&MessageSystemAttributeName::DeadLetterQueueSourceArn),
        body: message.body.unwrap_or_default(),
        attributes: message
            .message_attributes
            .unwrap_or_default()
            .into_iter()
            .collect(),
    }
}
