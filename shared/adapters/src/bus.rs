//! The event bus: EventBridge.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::ports::{Bus, Unavailable};
use domain::telling::Announcement;
use domain::trail::SOURCE;

use crate::aws;

const SERVICE: &str = "EventBridge";

/// The most events of one request.
const MAX_EVENTS: usize = 10;

/// One bus.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// The bus of a name or ARN.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            name: name.into(),
        }
    }

    fn entry(&self, announcement: &Announcement) -> Result<PutEventsRequestEntry, Unavailable> {
        let detail = serde_json::to_string(announcement).map_err(|err| Unavailable::new(SERVICE, err))?;
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(announcement.detail_type())
            .time(DateTime::from_millis(announcement.at.as_millis()))
            .detail(detail)
            .build())
    }
}

#[async_trait]
impl Bus for EventBus {
    async fn publish(&self, announcements: &[Announcement]) -> Result<(), Unavailable> {
        for chunk in announcements.chunks(MAX_EVENTS) {
            let entries = chunk
                .iter()
                .map(|one| self.entry(one))
                .collect::<Result<_, _>>()?;
            let reply = self.client.put_events().set_entries(Some(entries)).send().await;
            let reply = reply.map_err(|err| Unavailable::new(SERVICE, aws::told(&err)))?;
            // The request succeeds even where single events were refused.
            if reply.failed_entry_count() > 0 {
                let codes: Vec<&str> = reply
                    .entries()
                    .iter()
                    .filter_map(|entry| entry.error_code())
                    .collect();
                let problem = format_args!(
                    "{} of {} events were refused: {}",
                    reply.failed_entry_count(),
                    chunk.len(),
                    codes.join(", ")
                );
                return Err(Unavailable::new(SERVICE, problem));
            }
        }
        Ok(())
    }
}
