//! Slack's interactions: the signature, and the click in the body.
//!
//! Facts: <https://docs.slack.dev/authentication/verifying-requests-from-slack>,
//! <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>.

use domain::permission::Choice;
use domain::ports::Credential;
use domain::value::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::http::HeaderMap;
use serde::Deserialize;
use sha2::Sha256;

use crate::decide::{Asked, Channel, Identity};

/// A request older or newer than this many seconds may be a replay.
const MAX_SKEW_S: u64 = 300;

/// What a request must prove to be from our Slack app.
pub struct Trust<'a> {
    /// The signing secret.
    pub secret: &'a dyn Credential,
    /// The app's id, `A…`.
    pub app: String,
    /// The workspaces, `T…`, that may send.
    pub teams: Vec<String>,
}

/// Why a request is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A signature header is missing or has another form.
    #[error("the request carries no Slack signature")]
    Unsigned,
    /// The signature is old, or the clocks differ.
    #[error("the signature's timestamp is more than {MAX_SKEW_S} s from now")]
    Skewed,
    /// The signature is of another body or secret.
    #[error("the signature does not match")]
    Forged,
    /// The secret could not be read.
    #[error("the signature cannot be checked now")]
    Unchecked,
    /// Another app.
    #[error("the request is of another Slack app than the configured one")]
    App,
    /// Another workspace.
    #[error("the request is of a Slack workspace that is not configured")]
    Team,
}

impl Trust<'_> {
    /// Checks the signature over the raw body.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Refusal> {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .ok_or(Refusal::Unsigned)
        };
        let stamp = header("x-slack-request-timestamp")?;
        let signature = header("x-slack-signature")?
            .strip_prefix("v0=")
            .ok_or(Refusal::Unsigned)?;
        let signature = data_encoding::HEXLOWER
            .decode(signature.as_bytes())
            .map_err(|_| Refusal::Unsigned)?;
        let seconds: i64 = stamp.parse().map_err(|_| Refusal::Unsigned)?;
        if now.as_seconds().abs_diff(seconds) > MAX_SKEW_S {
            return Err(Refusal::Skewed);
        }
        let secret = self.secret.current().await.map_err(|_| Refusal::Unchecked)?;
        if matches(&secret, stamp, body, &signature) {
            return Ok(());
        }
        // The secret may have been rotated since it was read.
        match self.secret.reread().await.map_err(|_| Refusal::Unchecked)? {
            Some(secret) if matches(&secret, stamp, body, &signature) => Ok(()),
            Some(_) | None => Err(Refusal::Forged),
        }
    }

    /// Checks that the click is of our app and one of our workspaces. An unset one is nobody's.
    pub fn knows(&self, click: &Click) -> Result<(), Refusal> {
        if click.app.is_empty() || click.app != self.app {
            Err(Refusal::App)
        } else {
            match &click.asked.identity {
                Identity::Slack { team, .. } if self.teams.contains(team) => Ok(()),
                Identity::Slack { .. } => Err(Refusal::Team),
            }
        }
    }
}

fn matches(secret: &str, stamp: &str, body: &[u8], signature: &[u8]) -> bool {
    // A key of any length is taken, an empty secret is not: nobody has configured it.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(b"v0:");
    mac.update(stamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    !secret.is_empty() && mac.verify_slice(signature).is_ok()
}

/// A click on one of our buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The Slack app it came through.
    pub app: String,
    /// What the person asks for.
    pub asked: Asked,
    /// Where to tell the person.
    pub response_url: String,
}

/// Why a signed body is not a click of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
struct Payload {
    r#type: String,
    #[serde(default)]
    api_app_id: String,
    #[serde(default)]
    team: Option<Team>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    response_url: String,
}

#[derive(Deserialize)]
struct Team {
    id: String,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: String,
}

impl Click {
    /// Reads the form body `payload=<json>`. `None` for an interaction that is not a button of ours, such as
    /// a link button, which Slack reports as well.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, Malformed> {
        let bad = |problem: &str| Malformed(problem.to_owned());
        let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        let (_, json) = payload.ok_or_else(|| bad("the form has no field `payload`"))?;
        let payload: Payload = serde_json::from_str(&json)
            .map_err(|err| Malformed(format!("`payload` cannot be read: {err}")))?;
        if payload.r#type != "block_actions" {
            return Ok(None);
        }
        let ours: Vec<(Choice, &Action)> = payload
            .actions
            .iter()
            .filter_map(|action| match action.action_id.as_str() {
                "approve" => Some((Choice::Approve, action)),
                "reject" => Some((Choice::Reject, action)),
                _ => None,
            })
            .collect();
        let (choice, action) = match ours.as_slice() {
            [] => return Ok(None),
            [one] => *one,
            _ => {
                return Err(bad(
                    "more than one decision in one interaction: decide on one proposal at a time",
                ));
            }
        };
        let value = action
            .value
            .split_once('.')
            .and_then(|(proposal, scored)| Some((proposal.parse().ok()?, scored.parse().ok()?)));
        let (proposal, scored) =
            value.ok_or_else(|| bad("the button's value is not <proposal id>.<scored digest>"))?;
        let user = payload.user.ok_or_else(|| bad("`payload` names no user"))?;
        let team = user
            .team_id
            .or(payload.team.map(|team| team.id))
            .ok_or_else(|| bad("`payload` names no team"))?;
        Ok(Some(Click {
            app: payload.api_app_id,
            asked: Asked {
                identity: Identity::Slack { team, user: user.id },
                channel: Channel::Slack,
                proposal,
                scored,
                choice,
            },
            response_url: payload.response_url,
        }))
    }
}
