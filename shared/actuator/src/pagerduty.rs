//! PagerDuty's Events API v2.
//!
//! Facts: <https://developer.pagerduty.com/docs/send-alert-event>: `POST /v2/enqueue` answers 202 with the dedup
//! key, 400 for an event it will never take, 429 and 5xx for one that may be sent again.

use std::fmt;
use std::time::Duration;

use domain::action::Page;
use domain::event::Severity;
use domain::ids::ProposalId;
use domain::ports::ActError;
use gateway::BadUrl;
use reqwest::{Client, StatusCode, redirect};
use serde_json::json;

/// The pager, with the key that routes to the on-call engineer.
pub(crate) struct PagerDuty {
    http: Client,
    url: String,
    routing_key: String,
}

impl fmt::Debug for PagerDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagerDuty")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl PagerDuty {
    pub(crate) fn new(base_url: &str, routing_key: &str) -> Result<Self, BadUrl> {
        // Checked in the same way as the gateway's.
        gateway::Connection::new(base_url, "")?;
        let http = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(500))
            .timeout(Duration::from_secs(2))
            .build()
            .map_err(|err| BadUrl::unusable(&err))?;
        let url = format!("{}/v2/enqueue", base_url.trim_end_matches('/'));
        Ok(Self {
            http,
            url,
            routing_key: routing_key.to_owned(),
        })
    }

    /// Opens an incident, or finds the one that the dedup key opened before.
    pub(crate) async fn trigger(
        &self,
        proposal: &ProposalId,
        page: &Page,
        dedup_key: &str,
    ) -> Result<(), ActError> {
        let event = json!({
            "routing_key": self.routing_key,
            "event_action": "trigger",
            "dedup_key": dedup_key,
            "client": "sre-agent",
            "payload": {
                "summary": page.summary,
                "source": "sre-agent",
                "severity": severity(page.severity),
                "custom_details": { "proposal": proposal },
            },
        });
        let reply = self.http.post(&self.url).json(&event).send().await;
        let reply = reply.map_err(|err| ActError::Unclear(format!("PagerDuty: {}", err.without_url())))?;
        match reply.status() {
            StatusCode::ACCEPTED => Ok(()),
            status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                let remedy = "check the routing key in the secret `pagerduty`";
                Err(ActError::Refused(format!(
                    "PagerDuty refused the event with {status}: {remedy}"
                )))
            }
            status => Err(ActError::Unclear(format!("PagerDuty answered {status}"))),
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
