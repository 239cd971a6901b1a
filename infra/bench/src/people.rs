//! What people ask for, as it comes through the functions' doors.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use domain::value::{Digest, ProposalId};
use serde_json::{Value, json};

use crate::agent::{Agent, Step};
use crate::deployment::SIGNING_SECRET;
use crate::outside;

impl Agent {
    /// The score that an approval names, so that nobody approves another one.
    async fn scored(&self, proposal: &ProposalId) -> Result<Digest> {
        let records = self.records(proposal).await?;
        let scored = records.iter().rfind(|record| record.kind == "scored");
        Ok(scored
            .with_context(|| format!("{proposal} was not scored"))?
            .digest)
    }

    /// Somebody approves a proposal with Slack's button.
    pub(crate) async fn approval(&self, proposal: &ProposalId, person: &str) -> Result<Step> {
        let value = format!("{proposal}.{}", self.scored(proposal).await?);
        let url = format!("{}/actions/T/1/1", self.outside.url());
        let payload = testkit::slack::payload(person, "approve", &value, &url);
        let signed = testkit::slack::sign(&payload, SIGNING_SECRET, outside::seconds());
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-slack-request-timestamp", &signed.timestamp),
            ("x-slack-signature", &signed.signature),
        ];
        Ok(Step {
            function: "approval-callback",
            event: request("POST", "/slack/interactions", &signed.body, &headers),
        })
    }

    /// Ada approves it with the command.
    pub(crate) async fn approval_by_command(&self, proposal: &ProposalId) -> Result<Step> {
        let asked = json!({ "seen": self.scored(proposal).await?, "request": { "ask": "approve" } });
        let path = format!("/v1/proposals/{proposal}/requests");
        let headers = [("content-type", "application/json")];
        let mut event = request("POST", &path, &asked.to_string(), &headers);
        event["requestContext"]["authorizer"] =
            json!({ "iam": { "userArn": "arn:aws:iam::000000000000:user/local" } });
        Ok(Step {
            function: "approval-commands",
            event,
        })
    }
}

/// A request through a function URL.
fn request(method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Value {
    let headers: BTreeMap<&str, &str> = headers.iter().copied().collect();
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "body": body,
        "isBase64Encoded": false, "requestContext": { "http": { "method": method, "path": path } },
    })
}
