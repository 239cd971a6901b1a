//! The gateway's admin API, writing.

use std::sync::Arc;

use async_trait::async_trait;
use domain::action::Page;
use domain::inventory::{Change, Setting, Target};
use domain::ports::{ActError, Actuator, Credential, Unavailable};
use domain::proposal::{Permit, Power};
use gateway::admin_api::wire;
use gateway::{AdminApi, BOUNDS};
use outbound::{BadSettings, BaseUrl, Client, Rotating, Token};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::outcome;
use crate::pagerduty::PagerDuty;

/// What errors call the gateway.
const SERVICE: &str = "the gateway";

/// The gateway through its admin API, and the pager.
///
/// Every write sets an absolute value, so that repeating it is harmless; none is repeated here. What a
/// failed write did is found by reading its target.
#[derive(Debug)]
pub struct AdminActuator {
    client: Client,
    base: BaseUrl,
    token: Rotating,
    reader: AdminApi,
    pager: PagerDuty,
}

impl AdminActuator {
    /// The API at a base URL with the token of the secret `gateway-write`, and the pager. Nothing is sent
    /// yet.
    pub fn new(base_url: &str, token: &str, pager: PagerDuty) -> Result<Self, BadSettings> {
        let client = Client::within(BOUNDS)?;
        let base = BaseUrl::new("GATEWAY_URL", base_url)?;
        let token = Rotating::fixed(Token::new("gateway-write", token)?);
        Ok(Self {
            reader: AdminApi::over(client.clone(), base.clone(), token.clone()),
            client,
            base,
            token,
            pager,
        })
    }

    /// The same actuator, with a token that is read again after it was refused. A write is not sent again for it:
    /// every write comes after a read of its target, which renews the token.
    pub fn renewed_by(self, credential: Arc<dyn Credential>) -> Self {
        let token = self.token.renewed_by(credential);
        Self {
            reader: AdminApi::over(self.client.clone(), self.base.clone(), token.clone()),
            token,
            ..self
        }
    }

    /// The same gateway, reading with the same token.
    pub fn reader(&self) -> &AdminApi {
        &self.reader
    }

    /// Sets a target to a value. A success says that the gateway shows that very value.
    async fn put(&self, target: &Target, value: &Setting) -> Result<(), ActError> {
        let refused = |problem: String| ActError::Refused(problem);
        let path = wire::path(target).ok_or_else(|| refused(format!("no path can name {target}")))?;
        let body = wire::body(target, value)
            .ok_or_else(|| refused(format!("{target} has no setting such as {value}")))?;
        let token = self.token.current();
        let request = self
            .client
            .request(Method::PUT, self.base.join(&path))
            .header(AUTHORIZATION, token.bearer())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let reply = self
            .client
            .exchange(request)
            .await
            .map_err(|problem| outcome::of_silence(SERVICE, &problem))?;
        if !reply.status.is_success() {
            return Err(outcome::of_status(SERVICE, &reply, &token));
        }
        match wire::setting(target, &reply.body) {
            Ok(now) if now == *value => Ok(()),
            Ok(now) => Err(ActError::Unclear(format!(
                "{target} should be {value}; {SERVICE} answered {now}"
            ))),
            Err(err) => Err(ActError::Unclear(format!(
                "{SERVICE} gave a bad reply about {target}: {err}"
            ))),
        }
    }
}

fn of_plan(permit: &Permit, change: &Change) -> Result<(), ActError> {
    if permit.plan().changes.contains(change) {
        Ok(())
    } else {
        let proposal = permit.proposal();
        Err(ActError::Refused(format!(
            "the plan of proposal {proposal} does not hold {change}"
        )))
    }
}

#[async_trait]
impl Actuator for AdminActuator {
    fn request_ms(&self) -> u64 {
        BOUNDS.request_ms
    }

    async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        self.reader.read(target).await
    }

    async fn apply(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        of_plan(permit, change)?;
        match permit.power() {
            Power::Apply => self.put(&change.target, &change.after).await,
            Power::Undo => Err(ActError::Refused(format!(
                "proposal {} may only take its effect back",
                permit.proposal()
            ))),
        }
    }

    async fn revert(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        of_plan(permit, change)?;
        // Both powers allow it: whoever applies takes back what it half did.
        match permit.power() {
            Power::Apply | Power::Undo => self.put(&change.target, &change.before).await,
        }
    }

    async fn page(&self, permit: &Permit, page: &Page, dedup_key: &str) -> Result<(), ActError> {
        self.pager.trigger(permit, page, dedup_key).await
    }
}
