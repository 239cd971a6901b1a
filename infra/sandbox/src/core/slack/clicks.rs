//! A person clicks something in a message: the `block_actions` interaction.
//!
//! Facts: <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>,
//! <https://docs.slack.dev/reference/block-kit/block-elements/button-element> (a button with a URL opens it, and the
//! interaction is sent all the same).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::blocks::list;
use super::messages::Ts;
use super::{APP, DOMAIN, TEAM, Workspace, fields, person};
use crate::core::error::ApiError;
use crate::core::time::Millis;

/// The verification token that payloads carry, which the signature replaced.
pub(super) const VERIFICATION_TOKEN: &str = "sandboxVerificationToken";

/// What a person clicks: a body of `POST /sandbox/v1/slack/click`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Click {
    /// Who, `U…`.
    pub user: String,
    /// In which channel, `C…`.
    pub channel: String,
    /// In which message.
    pub ts: String,
    /// Which element.
    pub action_id: String,
    /// Of a button, the value that it must have; of a menu, the value of the option that is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Signs with this instead of the app's signing secret: a forgery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl Workspace {
    /// The interaction, from the message as it stands now.
    pub(crate) fn clicked(&mut self, now: Millis, click: &Click) -> Result<Value, ApiError> {
        let user = person(&click.user).ok_or_else(|| ApiError::not_found("user", &click.user))?;
        let message = self.shown_message(&click.channel, &click.ts)?.clone();
        if !message.is_bots() {
            return Err(gone("the message is not of the app"));
        }
        let (block, element) = element(&message.content.blocks, click)?;
        let action_ts = self.tick(now);
        let action = action(block, element, click, action_ts)?;
        let state = state(&message.content.blocks, click)?;
        let trigger = self.trigger(now, &click.user);
        let response_url = self.response_url(now, &click.user, &click.channel, message.ts);
        let channel = self.any_channel(&click.channel)?;
        let mut container = json!({
            "type": "message", "message_ts": click.ts, "channel_id": click.channel, "is_ephemeral": false,
        });
        if let Some(thread) = message.thread {
            container["thread_ts"] = json!(thread.to_string());
        }
        Ok(json!({
            "type": "block_actions", "user": user, "api_app_id": APP, "token": VERIFICATION_TOKEN,
            "container": container, "trigger_id": trigger, "team": {"id": TEAM, "domain": DOMAIN},
            "enterprise": null, "is_enterprise_install": false, "channel": channel.short(),
            "message": message.json(channel, false), "state": {"values": state}, "response_url": response_url,
            "actions": [action],
        }))
    }
}

fn gone(message: impl Into<String>) -> ApiError {
    ApiError::new(409, "no_such_action", message)
}

/// The element that is clicked, with its block.
fn element<'a>(blocks: &'a [Value], click: &Click) -> Result<(&'a Value, &'a Value), ApiError> {
    let all: Vec<(&Value, &Value)> = blocks
        .iter()
        .flat_map(|block| {
            let elements = list(&block["elements"])
                .iter()
                .chain(block.get("accessory"))
                .chain(block.get("element"));
            elements.map(move |element| (block, element))
        })
        .filter(|(_, element)| element["action_id"].is_string())
        .collect();
    let id = &click.action_id;
    let of_id = all
        .iter()
        .filter(|(_, element)| element["action_id"] == id.as_str());
    let fits = |element: &Value| match &click.value {
        Some(value) if element["type"] == "button" => element["value"] == value.as_str(),
        Some(_) | None => true,
    };
    let mut found = of_id.clone().filter(|(_, element)| fits(element));
    if let Some(found) = found.next() {
        return Ok(*found);
    }
    if of_id.count() > 0 {
        return Err(gone(format!("the message has {id:?} with another value now")));
    }
    let has: Vec<&str> = all
        .iter()
        .filter_map(|(_, element)| element["action_id"].as_str())
        .collect();
    Err(gone(format!("the message has no {id:?} now, but {has:?}")))
}

fn action(block: &Value, element: &Value, click: &Click, at: Ts) -> Result<Value, ApiError> {
    let kind = element["type"].as_str().unwrap_or_default();
    let carried: &[&str] = match kind {
        "button" => &["text", "value", "style", "url", "confirm", "accessibility_label"],
        "static_select" | "overflow" | "radio_buttons" => &["placeholder", "confirm"],
        other => {
            return Err(ApiError::invalid(format!(
                "a {other:?} cannot be clicked here: a button, a menu or radio buttons can"
            )));
        }
    };
    let mut action = json!({
        "type": kind, "action_id": element["action_id"], "block_id": block["block_id"],
        "action_ts": at.to_string(),
    });
    for name in carried {
        if let Some(value) = element.get(*name) {
            action[*name] = value.clone();
        }
    }
    if kind != "button" {
        let value = click
            .value
            .as_deref()
            .ok_or_else(|| ApiError::invalid(format!("a {kind} is clicked with the value of an option")))?;
        let option = fields::option(element, value)
            .ok_or_else(|| gone(format!("{:?} has no option {value:?} now", click.action_id)))?;
        action["selected_option"] = option;
    }
    Ok(action)
}

/// What the fields of the message hold: `{"<block_id>":{"<action_id>":{…}}}`.
fn state(blocks: &[Value], click: &Click) -> Result<Value, ApiError> {
    let mut values = Map::new();
    for block in blocks {
        let elements = list(&block["elements"])
            .iter()
            .chain(block.get("accessory"))
            .chain(block.get("element"));
        for element in elements.filter(|element| element["action_id"].is_string()) {
            if element["type"] == "button" || element["type"] == "overflow" {
                continue;
            }
            let given = click.value.as_ref().map(|value| json!(value));
            let given = given.filter(|_| element["action_id"] == click.action_id.as_str());
            let filled = fields::filled(element, given.as_ref()).map_err(ApiError::invalid)?;
            let (Some(block), Some(action)) = (block["block_id"].as_str(), element["action_id"].as_str())
            else {
                continue;
            };
            let of_block = values.entry(block).or_insert_with(|| json!({}));
            of_block[action] = filled;
        }
    }
    Ok(Value::Object(values))
}
