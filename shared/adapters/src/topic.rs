//! The topic of what people are told: SNS.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::ports::{Topic, Unavailable};
use domain::telling::{Announcement, Concern};
use serde_json::json;

use crate::aws;

const SERVICE: &str = "SNS";

/// One topic.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// The topic of an ARN.
    pub fn new(config: &SdkConfig, arn: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            arn: arn.into(),
        }
    }
}

#[async_trait]
impl Topic for SnsTopic {
    async fn tell(&self, announcement: &Announcement, concern: Concern) -> Result<(), Unavailable> {
        let mut message = serde_json::to_value(announcement).map_err(|err| Unavailable::new(SERVICE, err))?;
        message["text"] = json!(concern.text);
        message["reason"] = json!(concern.reason);
        message["urgency"] = json!(concern.urgency);
        let mut publish = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .message(message.to_string());
        for (name, value) in attributes(announcement, &concern) {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|err| Unavailable::new(SERVICE, err))?;
            publish = publish.message_attributes(name, value);
        }
        publish
            .send()
            .await
            .map(|_| ())
            .map_err(|err| Unavailable::new(SERVICE, aws::text(&err)))
    }
}

/// What subscribers filter by. An absent one is left out: SNS takes no empty attribute.
fn attributes(announcement: &Announcement, concern: &Concern) -> Vec<(&'static str, String)> {
    let summary = &announcement.summary;
    let optional = [
        ("urgency", Some(concern.urgency.name().to_owned())),
        ("kind", Some(announcement.kind.name().to_owned())),
        ("action", summary.action.map(|action| action.name().to_owned())),
        ("team", summary.team_id.as_ref().map(ToString::to_string)),
        ("severity", Some(summary.severity.name().to_owned())),
    ];
    optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
