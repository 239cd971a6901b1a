//! The event sources that a pause switches off: those of scoring and new executions.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use domain::ports::Unavailable;

/// Event source mappings that are on or off together.
#[async_trait]
pub trait EventSources: Send + Sync {
    /// Makes all of them on or off.
    async fn set(&self, enabled: bool) -> Result<(), Unavailable>;
}

/// Lambda's event source mappings, by their ids.
pub struct LambdaEventSources {
    client: Client,
    ids: Vec<String>,
}

impl LambdaEventSources {
    /// The mappings with these ids.
    pub fn new(aws: &SdkConfig, ids: Vec<String>) -> Self {
        Self {
            client: Client::new(aws),
            ids,
        }
    }

    async fn set_one(&self, id: &str, enabled: bool) -> Result<(), Unavailable> {
        let failed = |problem: String| Unavailable::new("Lambda event sources", problem);
        let mapping = self.client.get_event_source_mapping().uuid(id).send().await;
        let mapping = mapping.map_err(|err| failed(DisplayErrorContext(err).to_string()))?;
        // `Enabling`, `Disabling`, `Updating`: on its way, or looked at again in a minute.
        let differs = match mapping.state() {
            Some("Enabled") => !enabled,
            Some("Disabled") => enabled,
            Some(_) | None => false,
        };
        if differs {
            let update = self
                .client
                .update_event_source_mapping()
                .uuid(id)
                .enabled(enabled)
                .send()
                .await;
            update.map_err(|err| failed(DisplayErrorContext(err).to_string()))?;
            tracing::warn!(event_source.id = id, enabled, "event source switched");
        }
        Ok(())
    }
}

#[async_trait]
impl EventSources for LambdaEventSources {
    async fn set(&self, enabled: bool) -> Result<(), Unavailable> {
        for id in &self.ids {
            self.set_one(id, enabled).await?;
        }
        Ok(())
    }
}
