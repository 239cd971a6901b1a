//! The app as its owner configures it: token, scopes, signing secret, request URL.
//!
//! Facts: <https://docs.slack.dev/authentication/tokens>, <https://docs.slack.dev/reference/scopes>.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{APP, BOT, BOT_USER, Done, Refused, TEAM, Workspace};
use crate::core::error::ApiError;

/// The scopes of the bot token as installed.
const SCOPES: [&str; 5] = [
    "chat:write",
    "channels:read",
    "channels:history",
    "groups:read",
    "groups:history",
];

#[derive(Debug)]
pub(super) struct App {
    bot_token: String,
    revoked: Vec<String>,
    pub(super) signing_secret: String,
    scopes: Vec<String>,
    pub(super) request_url: Option<String>,
}

/// A change of the app; what is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppChange {
    /// Where interactions are sent.
    pub(crate) request_url: Option<String>,
    /// The bot token from now on; the one before is unknown then.
    pub(crate) bot_token: Option<String>,
    /// The signing secret from now on.
    pub(crate) signing_secret: Option<String>,
    /// The bot token's scopes.
    pub(crate) scopes: Option<Vec<String>>,
}

impl App {
    pub(super) fn new(bot_token: String, signing_secret: String) -> App {
        App {
            bot_token,
            revoked: Vec::new(),
            signing_secret,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            request_url: None,
        }
    }

    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }

    pub(super) fn scopes(&self) -> String {
        self.scopes.join(",")
    }

    /// Whether a token may call, and with one of these scopes where a method needs any.
    pub(super) fn admit(&self, token: Option<&str>, needed: &[&str]) -> Result<(), Refused> {
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(Refused::from("not_authed"))?;
        if self.revoked.iter().any(|one| one == token) {
            return Err("token_revoked".into());
        }
        if token != self.bot_token {
            return Err("invalid_auth".into());
        }
        if needed.is_empty() || needed.iter().any(|scope| self.may(scope)) {
            Ok(())
        } else {
            Err(self.missing(needed))
        }
    }

    /// `missing_scope`, with the fields of
    /// <https://docs.slack.dev/tools/node-slack-sdk/reference/web-api/type-aliases/ChatPostMessageResponse>.
    pub(super) fn missing(&self, needed: &[&str]) -> Refused {
        let mut refused = Refused::from("missing_scope");
        refused
            .beside
            .insert("needed".to_owned(), json!(needed.join(",")));
        refused.beside.insert("provided".to_owned(), json!(self.scopes()));
        refused
    }
}

impl Workspace {
    /// The app as it is configured, but for its secrets.
    pub(crate) fn app(&self) -> Value {
        json!({
            "app_id": APP, "team_id": TEAM, "bot_user_id": BOT_USER, "bot_id": BOT,
            "request_url": self.app.request_url,
            "scopes": self.app.scopes,
            "token_revoked": self.app.revoked.contains(&self.app.bot_token),
        })
    }

    /// Configures the app.
    pub(crate) fn change_app(&mut self, change: AppChange) -> Result<(), ApiError> {
        let web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if change.request_url.as_ref().is_some_and(|url| !web(url)) {
            return Err(ApiError::invalid("request_url is an http:// or https:// URL"));
        }
        let empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        if empty(&change.bot_token) || empty(&change.signing_secret) {
            return Err(ApiError::invalid(
                "bot_token and signing_secret must not be empty",
            ));
        }
        let app = &mut self.app;
        app.request_url = change.request_url.or(app.request_url.take());
        app.scopes = change.scopes.unwrap_or(std::mem::take(&mut app.scopes));
        if let Some(secret) = change.signing_secret {
            app.signing_secret = secret;
        }
        if let Some(token) = change.bot_token {
            app.revoked.retain(|one| *one != token);
            app.bot_token = token;
        }
        Ok(())
    }

    /// Revokes the present bot token.
    pub(crate) fn revoke_token(&mut self) {
        self.app.revoked.push(self.app.bot_token.clone());
    }

    /// Where interactions go, and the secret that signs them.
    pub(crate) fn destination(&self) -> Result<(String, String), ApiError> {
        let url = self.app.request_url.clone().ok_or_else(|| {
            ApiError::new(
                409,
                "no_request_url",
                "the app has no request_url: PUT /sandbox/v1/slack/app",
            )
        })?;
        Ok((url, self.app.signing_secret.clone()))
    }

    /// The scopes that the token has, as the header `x-oauth-scopes` names them.
    pub(crate) fn scopes(&self) -> String {
        self.app.scopes()
    }

    /// Who the token is: <https://docs.slack.dev/reference/methods/auth.test>.
    pub(super) fn auth_test(&self) -> Done {
        Ok(json!({
            "url": format!("https://{}.slack.com/", super::DOMAIN),
            "team": "Sandbox", "user": "sre-agent",
            "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": false,
        }))
    }
}
