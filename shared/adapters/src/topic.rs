//! The topic of what people are told: SNS.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::ports::{Topic, Unavailable};
use domain::proposal::DeclineReason;
use domain::telling::{Announcement, Concern, Notice};
use domain::trail::Fact as _;
use serde_json::{Value, json};

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
        let message = message(announcement, &concern).map_err(|err| Unavailable::new(SERVICE, err))?;
        self.publish(&message, attributes(announcement, &concern)).await
    }

    async fn tell_of(&self, notice: &Notice) -> Result<(), Unavailable> {
        let message = notice_message(notice).map_err(|err| Unavailable::new(SERVICE, err))?;
        let attributes = vec![
            ("urgency", Notice::URGENCY.name().to_owned()),
            ("kind", notice.fact.kind().to_owned()),
        ];
        self.publish(&message, attributes).await
    }
}

impl SnsTopic {
    async fn publish(
        &self,
        message: &Value,
        attributes: Vec<(&'static str, String)>,
    ) -> Result<(), Unavailable> {
        let mut publish = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .message(message.to_string());
        for (name, value) in attributes {
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
            .map_err(|err| Unavailable::new(SERVICE, aws::told(&err)))
    }
}

/// What subscribers read: the announcement, and why they are told.
fn message(announcement: &Announcement, concern: &Concern) -> serde_json::Result<Value> {
    let mut message = serde_json::to_value(announcement)?;
    message["text"] = json!(concern.text);
    message["reason"] = json!(concern.reason);
    message["urgency"] = json!(concern.urgency);
    if let Some(link) = &concern.link {
        message["link"] = json!(link);
    }
    if announcement.summary.declined == Some(DeclineReason::Fruitless) {
        // One call for a trouble, however often it is repeated: the same key for all its outbreaks.
        message["dedup_key"] = json!(format!("{}/page", announcement.proposal.fingerprint()));
    }
    Ok(message)
}

/// What subscribers read of a notice.
fn notice_message(notice: &Notice) -> serde_json::Result<Value> {
    let mut message = serde_json::to_value(notice)?;
    message["text"] = json!(notice.text());
    message["reason"] = json!(notice.reason());
    message["urgency"] = json!(Notice::URGENCY);
    Ok(message)
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

#[cfg(test)]
mod tests {
    use domain::message::hinted;
    use domain::telling::Urgency;

    use super::*;

    #[test]
    fn a_notice_reads_back_from_what_subscribers_read() {
        let notice: Notice = serde_json::from_value(json!({
            "version": 1, "at": "2026-11-22T10:00:20.000Z", "kind": "event_refused",
            "body": {"source": "llm-gateway", "field": "detail.spend", "problem": "is missing"},
        }))
        .unwrap();
        let message = notice_message(&notice).unwrap();
        assert_eq!(message["urgency"], "page");
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with("what came from llm-gateway could not be taken: detail.spend is missing"));
        let notification = json!({"TopicArn": "arn:aws:sns:x:1:t", "Message": message.to_string()});
        assert_eq!(Notice::read(&notification.to_string()), Some(notice));
        assert!(
            hinted(&notification.to_string()).is_err(),
            "it is about no proposal"
        );
    }

    #[test]
    fn calls_about_one_trouble_have_one_key_whichever_outbreak_it_is() {
        let of = |generation: u32, declined: &str| {
            let announcement: Announcement = serde_json::from_value(json!({
                "version": 1, "proposal": format!("gnr4sqzfryd4gg3mhvufxxmnmg-{generation}"), "seq": 2,
                "kind": "declined", "digest": "0".repeat(64), "at": "2026-11-22T10:00:20.000Z",
                "summary": {"state": "declined", "event_type": "provider.unhealthy", "org_id": "acme",
                            "severity": "critical", "declined": declined},
            }))
            .unwrap();
            let concern = announcement.concerns_people().unwrap();
            message(&announcement, &concern).unwrap()["dedup_key"].clone()
        };
        assert_eq!(of(3, "fruitless"), "gnr4sqzfryd4gg3mhvufxxmnmg/page");
        assert_eq!(of(3, "fruitless"), of(4, "fruitless"));
        assert!(of(3, "out_of_tries").is_null());
    }

    #[test]
    fn a_message_with_a_link_wakes_its_reader_as_one_without_does() {
        let announcement: Announcement = serde_json::from_value(json!({
            "version": 1, "proposal": "te62pwqbdtyue7vjfvvymfu5mi-1", "seq": 3, "kind": "scored",
            "digest": "0".repeat(64), "at": "2026-11-22T10:00:20.000Z",
            "summary": {"state": "awaiting_approval", "event_type": "provider.unhealthy", "org_id": "acme",
                        "severity": "critical"},
        }))
        .unwrap();
        let concern = Concern {
            urgency: Urgency::Decide,
            reason: "a proposal waits for approval",
            text: "provider.unhealthy".to_owned(),
            link: None,
        };
        for link in [None, Some("https://pages.example/proposals/x?t=y".to_owned())] {
            let message = message(&announcement, &concern.clone().with_link(link.clone())).unwrap();
            assert_eq!(message.get("link"), link.map(Value::from).as_ref());
            let notification = json!({"TopicArn": "arn:aws:sns:x:1:t", "Message": message.to_string()});
            assert_eq!(
                hinted(&notification.to_string()),
                Ok(announcement.proposal.clone())
            );
        }
    }
}
