//! What a request must prove to be from our Slack app.
//!
//! Facts: <https://docs.slack.dev/authentication/verifying-requests-from-slack>.

use domain::ports::Credential;
use domain::telling::Line;
use domain::value::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use runtime::http::HttpRequest;
use sha2::Sha256;

use super::Sender;

/// A request older or newer than this many seconds may be a replay.
const MAX_SKEW_S: u64 = 300;

/// Digits of a timestamp: until the year 2286.
const STAMP_DIGITS: usize = 10;

/// What a request must prove to be from our Slack app.
pub struct Trust<'a> {
    /// The signing secret.
    pub secret: &'a dyn Credential,
    /// The app's id, `A…`.
    pub app: String,
    /// The workspaces, `T…`, and organisations, `E…`, that may send.
    pub teams: Vec<String>,
}

/// Why a request is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// A signature header is missing, came twice or has another form.
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
    #[error("the request is of another Slack app ({0}) than the configured one")]
    App(String),
    /// Another workspace.
    #[error("the request is of a Slack workspace that is not configured: {0}")]
    Team(String),
}

impl Distrust {
    /// The answer's status.
    pub fn status(&self) -> u16 {
        match self {
            Distrust::Unsigned | Distrust::Skewed | Distrust::Forged => 401,
            Distrust::Unchecked => 503,
            Distrust::App(_) | Distrust::Team(_) => 403,
        }
    }

    /// What a person is told whose request is signed and not believed all the same.
    pub fn told(&self) -> Line {
        Line::of("This does not count, and nothing was recorded: ")
            .theirs(self)
            .ours(". Whoever runs the agent sets SlackAppId and SlackTeamIds.")
    }
}

impl Trust<'_> {
    /// Checks the signature over the raw body.
    pub async fn verify(&self, request: &HttpRequest, now: Timestamp) -> Result<(), Distrust> {
        let header = |name: &str| request.header(name).ok_or(Distrust::Unsigned);
        let stamp = header("x-slack-request-timestamp")?;
        let signature = header("x-slack-signature")?
            .strip_prefix("v0=")
            .ok_or(Distrust::Unsigned)?;
        let signature = data_encoding::HEXLOWER
            .decode(signature.as_bytes())
            .map_err(|_| Distrust::Unsigned)?;
        // Digits alone, as Slack writes them: `+1`, ` 1` and `01` are numbers to a reader, and other bytes to the signature.
        let canonical = stamp.len() <= STAMP_DIGITS
            && !stamp.starts_with('0')
            && stamp.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: i64 = match stamp.parse() {
            Ok(seconds) if canonical => seconds,
            Ok(_) | Err(_) => return Err(Distrust::Unsigned),
        };
        if now.as_seconds().abs_diff(seconds) > MAX_SKEW_S {
            return Err(Distrust::Skewed);
        }
        let secret = self.secret.current().await.map_err(|_| Distrust::Unchecked)?;
        if matches(&secret, stamp, &request.body, &signature) {
            return Ok(());
        }
        // The secret may have been rotated since it was read.
        let again = self.secret.reread(&secret).await;
        match again.map_err(|_| Distrust::Unchecked)? {
            Some(secret) if matches(&secret, stamp, &request.body, &signature) => Ok(()),
            Some(_) | None => Err(Distrust::Forged),
        }
    }

    /// The second in which a request that was verified was signed.
    pub(super) fn signed_at(&self, request: &HttpRequest) -> Option<Timestamp> {
        let stamp: i64 = request.header("x-slack-request-timestamp")?.parse().ok()?;
        Some(Timestamp::from_millis(stamp.checked_mul(1000)?))
    }

    /// Checks that what was sent is of our app and one of our workspaces. An unset one is nobody's.
    pub fn knows(&self, sender: &Sender) -> Result<(), Distrust> {
        if sender.app.is_empty() || sender.app != self.app {
            return Err(Distrust::App(sender.app.clone()));
        }
        match sender.places().any(|place| self.teams.contains(place)) {
            true => Ok(()),
            false => {
                let places: Vec<_> = sender.places().cloned().collect();
                Err(Distrust::Team(places.join(", ")))
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
