//! Slack, as much of it as this function uses.

use std::collections::BTreeSet;

use ::slack::api::{Fault, Posted, WebApi};
use ::slack::message::{Message, Metadata};
use async_trait::async_trait;
use domain::trail::Seq;
use domain::value::ProposalId;

/// Slack, with the bot's token.
#[async_trait]
pub trait Slack: Send + Sync {
    /// Posts a message into a channel, or into a thread of it.
    async fn post(&self, channel: &str, thread: Option<&str>, message: &Message) -> Result<Posted, Fault>;

    /// Makes a posted message this one.
    async fn update(&self, posted: &Posted, message: &Message) -> Result<(), Fault>;

    /// The card of a proposal that was posted into a channel since `oldest`, seconds since 1970.
    async fn find(&self, channel: &str, oldest: i64, proposal: &ProposalId) -> Result<Option<Posted>, Fault>;

    /// The records of a proposal that its card's thread tells of.
    async fn replied(&self, card: &Posted, proposal: &ProposalId) -> Result<BTreeSet<Seq>, Fault>;

    /// That the bot may post into a channel, as far as Slack says without posting.
    async fn reaches(&self, channel: &str) -> Result<(), Fault>;
}

#[async_trait]
impl Slack for WebApi {
    async fn post(&self, channel: &str, thread: Option<&str>, message: &Message) -> Result<Posted, Fault> {
        WebApi::post(self, channel, thread, message).await
    }

    async fn update(&self, posted: &Posted, message: &Message) -> Result<(), Fault> {
        WebApi::update(self, posted, message).await
    }

    async fn find(&self, channel: &str, oldest: i64, proposal: &ProposalId) -> Result<Option<Posted>, Fault> {
        WebApi::find(self, channel, oldest, &Metadata::of_card(proposal)).await
    }

    async fn replied(&self, card: &Posted, proposal: &ProposalId) -> Result<BTreeSet<Seq>, Fault> {
        WebApi::replied(self, card, proposal).await
    }

    async fn reaches(&self, channel: &str) -> Result<(), Fault> {
        WebApi::reaches(self, channel).await
    }
}
