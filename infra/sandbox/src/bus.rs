//! Putting events on the EventBridge bus.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::core::events::Event;

/// A bus, and the name under which events go there.
#[derive(Clone, Debug)]
pub struct Bus {
    /// The client; its timeouts are the caller's business.
    pub client: Client,
    /// The bus's name or ARN.
    pub name: String,
    /// The events' `source`.
    pub source: String,
}

impl Bus {
    /// A bus reached as the environment says (`AWS_ENDPOINT_URL`, region, credentials), with a second for
    /// an attempt and three for all of them: the next tick is another chance.
    pub async fn from_environment(name: String, source: String) -> Bus {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(1))
            .operation_timeout(Duration::from_secs(3))
            .build();
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(RegionProviderChain::default_provider().or_else("us-east-1"))
            .timeout_config(timeouts)
            .load()
            .await;
        Bus {
            client: Client::new(&config),
            name,
            source,
        }
    }

    /// Sends the events, ten at most, and returns the ids of those the bus took. What it did not take is
    /// logged, and is sent again on the next tick.
    pub(crate) async fn send(&self, events: &[Event]) -> Vec<String> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(&self.source)
                .detail_type(&event.detail_type)
                .detail(event.detail.to_string())
                .build()
        });
        let reply = match self
            .client
            .put_events()
            .set_entries(Some(entries.collect()))
            .send()
            .await
        {
            Ok(reply) => reply,
            Err(error) => {
                let error = DisplayErrorContext(&error).to_string();
                tracing::warn!(
                    bus = self.name,
                    error,
                    "the bus could not be reached; events wait"
                );
                return Vec::new();
            }
        };
        let mut taken = Vec::new();
        for (event, entry) in events.iter().zip(reply.entries()) {
            match entry.error_code() {
                None => {
                    let (id, kind) = (&event.event_id, &event.detail_type);
                    tracing::info!(event.id = id, event.kind = kind, "event sent");
                    taken.push(event.event_id.clone());
                }
                Some(code) => tracing::warn!(
                    event.id = event.event_id,
                    code,
                    message = entry.error_message(),
                    "the bus refused an event; it waits"
                ),
            }
        }
        taken
    }
}
