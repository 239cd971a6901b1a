//! The signing secret, from Secrets Manager.

use adapters::Secret;
use async_trait::async_trait;
use domain::ports::Unavailable;

use crate::slack::SigningSecret;

#[async_trait]
impl SigningSecret for Secret {
    async fn current(&self) -> Result<String, Unavailable> {
        Ok(self.value().await?.expose().to_owned())
    }

    async fn reread(&self) -> Result<Option<String>, Unavailable> {
        let before = self.value().await?;
        let now = self.refresh().await?;
        Ok((now != before).then(|| now.expose().to_owned()))
    }
}
