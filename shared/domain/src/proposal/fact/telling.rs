//! Bodies of who was told, who was asked besides, and what people said.

use serde::{Deserialize, Serialize};

use super::Decider;
use crate::trail::Seq;
use crate::value::Timestamp;

/// `notified`: a message of a channel is about to be posted, was posted, shows how it ended, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// `slack`, `pagerduty`, …
    pub channel: String,
    /// The channel's own reference, to update the message later.
    pub reference: Option<String>,
    /// Whom in it: a Slack channel, an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Before a message is posted: until when whoever wrote this is the one who posts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The last record that the message takes account of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Seq>,
    /// Why nobody was reached there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// `escalated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalated {
    /// Who was asked.
    pub to: String,
}

/// `acknowledged`: people were called, and one of them has seen to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// What they did, or why nothing is to be done.
    pub reason: String,
    /// Who it was, as the directory knew them.
    pub decider: Decider,
}

/// `commented`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commented {
    /// The words.
    pub text: String,
}
