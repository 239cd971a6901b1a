//! The gateway behind our admin API, writing.

use async_trait::async_trait;
use domain::action::Page;
use domain::ports::{ActError, Actuator, Unavailable};
use domain::proposal::{Permit, Power};
use domain::target::{Change, Setting, Target};
use gateway::{AdminApi, BadUrl, Connection, RequestError, wire};

use crate::pagerduty::PagerDuty;

/// The longest one request may take, ms: [`Connection`]'s bound and the pager's.
const REQUEST_MS: u64 = 2_000;

/// The writing half of the admin API, with the pager.
#[derive(Debug)]
pub struct AdminActuator {
    reading: AdminApi,
    writing: Connection,
    pager: PagerDuty,
}

impl AdminActuator {
    /// The admin API at a base URL with a token that may write, and PagerDuty's Events API at another with a
    /// routing key.
    pub fn new(base_url: &str, token: &str, pagerduty_url: &str, routing_key: &str) -> Result<Self, BadUrl> {
        Ok(Self {
            reading: AdminApi::new(base_url, token)?,
            writing: Connection::new(base_url, token)?,
            pager: PagerDuty::new(pagerduty_url, routing_key)?,
        })
    }

    async fn set(&self, target: &Target, value: &Setting) -> Result<(), ActError> {
        let path = wire::path(target);
        let reply: Result<wire::Value, _> = self.writing.put(&path, &wire::Value::from(value)).await;
        match reply {
            Ok(reply) if Setting::from(reply.clone()) == *value => Ok(()),
            Ok(_) => Err(ActError::Unclear(format!(
                "{target}: the reply names another value than was set"
            ))),
            Err(RequestError::Refused { status, message }) => {
                Err(ActError::Refused(format!("{target}: {status}: {message}")))
            }
            Err(RequestError::Unclear(cause)) => Err(ActError::Unclear(format!("{target}: {cause}"))),
        }
    }
}

#[async_trait]
impl Actuator for AdminActuator {
    fn request_ms(&self) -> u64 {
        REQUEST_MS
    }

    async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        self.reading.read(target).await
    }

    async fn apply(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        if permit.power() != Power::Apply {
            return Err(ActError::Refused(
                "the permit is to take back, not to apply".to_owned(),
            ));
        }
        planned(permit, change)?;
        self.set(&change.target, &change.after).await
    }

    async fn revert(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        planned(permit, change)?;
        self.set(&change.target, &change.before).await
    }

    async fn page(&self, permit: &Permit, page: &Page, dedup_key: &str) -> Result<(), ActError> {
        self.pager.trigger(permit.proposal(), page, dedup_key).await
    }
}

/// A permit is for its own plan only.
fn planned(permit: &Permit, change: &Change) -> Result<(), ActError> {
    if permit.plan().changes.contains(change) {
        Ok(())
    } else {
        Err(ActError::Refused(format!(
            "the permit is not for {}",
            change.target
        )))
    }
}
