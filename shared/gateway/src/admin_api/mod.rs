//! The gateway's admin API, reading.

pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use domain::inventory::{Inventory, Setting, Target};
use domain::ports::{Credential, Gateway, Unavailable};
use outbound::{BadSettings, BaseUrl, Client, Reply, Rotating, Token};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use crate::BOUNDS;

/// What errors call the gateway.
const SERVICE: &str = "the gateway";

/// The admin API, reading.
#[derive(Debug, Clone)]
pub struct AdminApi {
    client: Client,
    base: BaseUrl,
    token: Rotating,
}

impl AdminApi {
    /// The API at a base URL, read with the token of the secret `gateway-read`. Nothing is sent yet.
    pub fn new(base_url: &str, token: &str) -> Result<Self, BadSettings> {
        Self::with("gateway-read", base_url, token)
    }

    /// The same, read with the token of another secret, which is named where it is of no use.
    pub fn with(secret: &'static str, base_url: &str, token: &str) -> Result<Self, BadSettings> {
        Ok(Self::over(
            Client::within(BOUNDS)?,
            BaseUrl::new("GATEWAY_URL", base_url)?,
            Rotating::fixed(Token::new(secret, token)?),
        ))
    }

    /// The same API, with a token that is read again after it was refused.
    pub fn renewed_by(self, credential: Arc<dyn Credential>) -> Self {
        Self {
            token: self.token.renewed_by(credential),
            ..self
        }
    }

    /// The API over somebody's own client, read with any token that may.
    pub fn over(client: Client, base: BaseUrl, token: Rotating) -> Self {
        Self { client, base, token }
    }

    /// Opens a connection, before the first call.
    pub async fn connect(&self) {
        self.client.connect(&self.base).await;
    }

    /// A target's value now.
    pub async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        let path = wire::path(target)
            .ok_or_else(|| Unavailable::new(SERVICE, format_args!("no path can name {target}")))?;
        let reply = self.get(&path).await?;
        wire::setting(target, &reply.body)
            .map_err(|err| Unavailable::new(SERVICE, format_args!("its reply about {target} is bad: {err}")))
    }

    async fn get(&self, path: &str) -> Result<Reply, Unavailable> {
        let mut token = self.token.current();
        let mut reply = self.get_with(path, &token).await?;
        if matches!(reply.status.as_u16(), 401 | 403) && self.token.renew().await {
            token = self.token.current();
            reply = self.get_with(path, &token).await?;
        }
        if reply.status.as_u16() == 200 {
            Ok(reply)
        } else {
            Err(Unavailable::new(SERVICE, reply.problem(&token)))
        }
    }

    async fn get_with(&self, path: &str, token: &Token) -> Result<Reply, Unavailable> {
        let request = self
            .client
            .request(Method::GET, self.base.join(path))
            .header(AUTHORIZATION, token.bearer());
        self.client
            .exchange(request)
            .await
            .map_err(|problem| Unavailable::new(SERVICE, problem))
    }
}

#[async_trait]
impl Gateway for AdminApi {
    async fn inventory(&self) -> Result<Inventory, Unavailable> {
        let reply = self.get(wire::INVENTORY).await?;
        wire::inventory(&reply.body)
            .map_err(|err| Unavailable::new(SERVICE, format_args!("its inventory is bad: {err}")))
    }
}
