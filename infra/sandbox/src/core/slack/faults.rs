//! What can be broken about Slack on purpose.

use serde::{Deserialize, Serialize};

use super::Workspace;
use super::calls::Method;
use crate::core::error::ApiError;

/// The name under which a fault strikes answers to a `response_url`.
pub(crate) const RESPONSE_URL: &str = "response_url";

/// A fault, as posted to `/sandbox/v1/slack/faults`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SlackFault {
    /// The method that it strikes, `*` for each, `response_url` for answers to one.
    pub method: String,
    /// Only calls about this channel, `C…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What happens.
    pub fault: SlackFaultKind,
    /// How many calls it strikes; every one until it is cleared where that is not said.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What happens to a call.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SlackFaultKind {
    /// It is not carried out; 429 with `Retry-After`.
    Throttle {
        /// Seconds.
        retry_after_s: u32,
    },
    /// It is not carried out; 200 with this error.
    Error(String),
    /// It is not carried out; this HTTP status, and no JSON.
    Status(u16),
    /// It is carried out, and the connection closes without a reply.
    DropReply,
    /// It is not carried out, and there is no reply for two minutes, after which the connection closes.
    Hang,
}

/// The faults in place, the first that fits strikes.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<SlackFault>);

impl Workspace {
    /// Puts a fault in place.
    pub(crate) fn break_it(&mut self, mut fault: SlackFault) -> Result<(), ApiError> {
        let known =
            fault.method == "*" || fault.method == RESPONSE_URL || Method::parse(&fault.method).is_some();
        if !known {
            return Err(ApiError::invalid(format!(
                "there is no method {:?} here",
                fault.method
            )));
        }
        if fault.method == RESPONSE_URL && fault.channel.is_some() {
            return Err(ApiError::invalid("a fault of response_url is of every channel"));
        }
        if fault.times == Some(0) {
            return Err(ApiError::invalid("times is at least 1, or null"));
        }
        if matches!(fault.fault, SlackFaultKind::Status(status) if !(400..=599).contains(&status)) {
            return Err(ApiError::invalid("status is 400 to 599"));
        }
        if matches!(&fault.fault, SlackFaultKind::Error(error) if error.is_empty()) {
            return Err(ApiError::invalid("error must not be empty"));
        }
        if let Some(channel) = &mut fault.channel {
            *channel = self.any_channel(channel)?.id.to_owned();
        }
        self.faults.0.push(fault);
        Ok(())
    }

    /// Ends every fault.
    pub(crate) fn mend(&mut self) {
        self.faults.0.clear();
    }

    /// The faults in place.
    pub(crate) fn broken(&self) -> Vec<SlackFault> {
        self.faults.0.clone()
    }

    /// Takes the fault that strikes a call, and counts it down.
    pub(crate) fn strikes(&mut self, method: &str, channel: Option<&str>) -> Option<SlackFaultKind> {
        let channel = channel.map(|channel| self.addressed(channel));
        let fits = |fault: &SlackFault| {
            let all = fault.method == "*" && method != RESPONSE_URL;
            (all || fault.method == method) && (fault.channel.is_none() || fault.channel == channel)
        };
        let at = self.faults.0.iter().position(fits)?;
        let fault = &mut self.faults.0[at];
        let kind = fault.fault.clone();
        if let Some(times) = &mut fault.times {
            *times -= 1;
            if *times == 0 {
                self.faults.0.remove(at);
            }
        }
        Some(kind)
    }
}
