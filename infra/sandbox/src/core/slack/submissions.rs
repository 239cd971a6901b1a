//! A person submits a modal: the `view_submission` interaction, and what the app's answer does to the modal.
//!
//! Facts: <https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>,
//! <https://docs.slack.dev/surfaces/modals> (the response actions, and that Slack's client lets nobody submit a form
//! with an empty required field).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::blocks::list;
use super::clicks::VERIFICATION_TOKEN;
use super::views::View;
use super::{APP, DOMAIN, TEAM, Workspace, fields, person};
use crate::core::error::ApiError;
use crate::core::time::Millis;

/// What a person submits: a body of `POST /sandbox/v1/slack/submit`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Who, `U…`.
    pub user: String,
    /// Which modal, `V…`.
    pub view_id: String,
    /// What they entered, by block id and action id: a text, or the value of an option, or a list of such values. A
    /// field that is not named keeps what stood in it at first.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
    /// Signs with this instead of the app's signing secret: a forgery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What an answer did to the modal.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It is closed.
    Closed,
    /// It shows this: itself with errors, another in its place, or one on top.
    Shows(Value),
    /// The person sees that it did not work, and the modal stays; why.
    Trouble(String),
}

impl Workspace {
    /// The interaction.
    pub(crate) fn submitted(&mut self, now: Millis, submission: &Submission) -> Result<Value, ApiError> {
        let user = person(&submission.user).ok_or_else(|| ApiError::not_found("user", &submission.user))?;
        let view = self.open_view(&submission.view_id)?.clone();
        if view.user != submission.user {
            return Err(ApiError::new(
                409,
                "not_shown",
                "the modal is shown to somebody else",
            ));
        }
        if view.spec.get("submit").is_none() {
            return Err(ApiError::new(
                409,
                "no_submit",
                "the modal has nothing to submit it with",
            ));
        }
        let values = values(&view, submission)?;
        let trigger = self.trigger(now, &submission.user);
        Ok(json!({
            "type": "view_submission", "team": {"id": TEAM, "domain": DOMAIN}, "user": user, "api_app_id": APP,
            "token": VERIFICATION_TOKEN, "trigger_id": trigger, "view": view.json(values), "response_urls": [],
            "is_enterprise_install": false, "enterprise": null,
        }))
    }

    fn open_view(&self, id: &str) -> Result<&View, ApiError> {
        let view = self.views.iter().find(|view| view.id == id);
        view.ok_or_else(|| ApiError::not_found("open modal", id))
    }

    /// Does what the app's answer says.
    pub(crate) fn answered(&mut self, now: Millis, view_id: &str, status: u16, body: &str) -> Outcome {
        let Ok(view) = self.open_view(view_id).cloned() else {
            return Outcome::Trouble("the modal was closed in the meantime".to_owned());
        };
        if status != 200 {
            return Outcome::Trouble(format!("the app answered {status}"));
        }
        if body.trim().is_empty() {
            self.close(&view, false);
            return Outcome::Closed;
        }
        let Ok(Value::Object(answer)) = serde_json::from_str(body) else {
            return Outcome::Trouble("the app answered with something that is no JSON object".to_owned());
        };
        let modal = answer.get("view").cloned().unwrap_or_default();
        let shown = match answer.get("response_action").and_then(Value::as_str) {
            None if answer.is_empty() => {
                self.close(&view, false);
                return Outcome::Closed;
            }
            Some("clear") => {
                self.close(&view, true);
                return Outcome::Closed;
            }
            Some("errors") => return with_errors(&view, answer.get("errors")),
            Some("update") => self.put_in_place(now, view_id, modal),
            Some("push") => self.put_on_top(now, &view, modal),
            Some(other) => return Outcome::Trouble(format!("there is no response_action {other:?}")),
            None => return Outcome::Trouble("the answer has no response_action".to_owned()),
        };
        match shown {
            Ok(view) => Outcome::Shows(view),
            Err(refused) => Outcome::Trouble(format!("{} {}", refused.error, Value::Object(refused.beside))),
        }
    }
}

/// The modal with errors below its inputs: by block id, for inputs that it has.
fn with_errors(view: &View, errors: Option<&Value>) -> Outcome {
    let Some(errors) = errors.and_then(Value::as_object).filter(|all| !all.is_empty()) else {
        return Outcome::Trouble("response_action errors needs \"errors\", an object by block_id".to_owned());
    };
    for (id, text) in errors {
        let mut blocks = list(&view.spec["blocks"]).iter();
        if !blocks.any(|block| block["type"] == "input" && block["block_id"] == id.as_str()) {
            return Outcome::Trouble(format!("the modal has no input block {id:?} to show an error at"));
        }
        if text.as_str().is_none_or(str::is_empty) {
            return Outcome::Trouble(format!("the error of {id:?} is no text"));
        }
    }
    let mut shown = view.json(json!({}));
    shown["errors"] = json!(errors);
    Outcome::Shows(shown)
}

/// `state.values`, as far as Slack's client lets a form be submitted.
fn values(view: &View, submission: &Submission) -> Result<Value, ApiError> {
    let mut left = submission.values.clone();
    let mut values = Map::new();
    for block in list(&view.spec["blocks"])
        .iter()
        .filter(|block| block["type"] == "input")
    {
        let id = block["block_id"].as_str().unwrap_or_default();
        let action = block["element"]["action_id"].as_str().unwrap_or_default();
        let given = left.get_mut(id).and_then(|of_block| of_block.remove(action));
        let filled = fields::filled(&block["element"], given.as_ref())
            .map_err(|problem| ApiError::invalid(format!("{id}/{action}: {problem}")))?;
        if block["optional"] != json!(true) && fields::is_empty(&filled) {
            return Err(ApiError::invalid(format!(
                "{id}/{action} must be filled in: Slack does not submit the form without"
            )));
        }
        values.insert(id.to_owned(), json!({action: filled}));
    }
    left.retain(|_, of_block| !of_block.is_empty());
    if let Some((block, of_block)) = left.first_key_value() {
        let actions: Vec<&String> = of_block.keys().collect();
        return Err(ApiError::new(
            409,
            "no_such_field",
            format!("the modal has no field {actions:?} in a block {block:?}"),
        ));
    }
    Ok(Value::Object(values))
}
