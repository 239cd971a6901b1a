//! What a signed body says.
//!
//! Facts: <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>,
//! <https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>,
//! <https://docs.slack.dev/reference/events/url_verification>, <https://docs.slack.dev/enterprise>.

use std::collections::BTreeMap;

use ::slack::button::{Does, Shown};
use domain::action::Narrowing;
use percent_encoding::percent_decode;
use serde::Deserialize;
use serde_json::Value;

use crate::ask::Identity;
use crate::once::{Fields, once};

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// A click on one of our buttons.
    Clicked(Click),
    /// A form of ours was filled in.
    Submitted(Submitted),
    /// Slack asks whether this is the right URL.
    Challenge(String),
    /// Something that asks for nothing: a link button, a closed form, another sort of event.
    Nothing,
}

/// Who sent it, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The Slack app it came through.
    pub app: String,
    /// The workspace that it came from, `T…`; none where the app is installed for a whole organisation.
    pub team: Option<String>,
    /// The organisation that it came from, `E…`, on Enterprise Grid.
    pub enterprise: Option<String>,
    /// The user's own workspace, or organisation; another one for a guest by Slack Connect.
    pub home: Option<String>,
    /// The user, `U…` or `W…`.
    pub user: String,
}

impl Sender {
    /// The workspace and the organisation that it came from.
    pub(crate) fn places(&self) -> impl Iterator<Item = &String> {
        let known = self.team.is_some() || self.enterprise.is_some();
        let home = self.home.as_ref().filter(|_| !known);
        [self.team.as_ref(), self.enterprise.as_ref(), home]
            .into_iter()
            .flatten()
    }

    /// Who it is, by every id that the directory may know the user by: their own workspace first. A user of another
    /// workspace, or of another organisation, is not looked up as one of ours; on Enterprise Grid one user has one id in
    /// all workspaces.
    pub(crate) fn identity(&self) -> Identity {
        let (home, enterprise) = (self.home.as_ref(), self.enterprise.as_ref());
        let foreign = |team: &String| home.is_some_and(|home| home != team && enterprise != Some(home));
        let elsewhere = |own: &String| home.is_some_and(|home| home != own && home.starts_with('E'));
        let team = self.team.as_ref().filter(|team| !foreign(team));
        let enterprise = enterprise.filter(|own| !elsewhere(own));
        let mut teams = Vec::new();
        for id in [home, team, enterprise].into_iter().flatten() {
            if !teams.contains(id) {
                teams.push(id.clone());
            }
        }
        Identity::Slack {
            teams,
            user: self.user.clone(),
        }
    }
}

/// A click on one of our buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Who.
    pub sender: Sender,
    /// What the button does.
    pub does: Does,
    /// What the person was shown.
    pub shown: Shown,
    /// With what a form may be opened, for three seconds.
    pub trigger_id: String,
    /// Where to tell the person.
    pub response_url: String,
}

/// A form that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Who.
    pub sender: Sender,
    /// Which form.
    pub does: Does,
    /// What the person was shown.
    pub shown: Shown,
    /// What they wrote, by field.
    pub values: Narrowing,
}

/// Why a signed body is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
struct Payload {
    r#type: String,
    #[serde(default)]
    api_app_id: Option<String>,
    #[serde(default)]
    team: Option<Fields<Place>>,
    #[serde(default)]
    enterprise: Option<Fields<Place>>,
    #[serde(default)]
    user: Option<Fields<User>>,
    #[serde(default)]
    actions: Vec<Fields<Action>>,
    #[serde(default)]
    trigger_id: Option<String>,
    #[serde(default)]
    response_url: Option<String>,
    #[serde(default)]
    view: Option<Fields<View>>,
}

#[derive(Deserialize)]
struct Place {
    id: String,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
}

/// Of the many sorts of elements, as much as buttons have.
#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}

#[derive(Deserialize)]
struct View {
    #[serde(default)]
    callback_id: String,
    #[serde(default)]
    private_metadata: String,
    #[serde(default)]
    state: Option<Fields<Filled>>,
}

#[derive(Deserialize)]
struct Filled {
    #[serde(default, deserialize_with = "once")]
    values: BTreeMap<String, BTreeMap<String, Fields<Field>>>,
}

#[derive(Deserialize)]
struct Field {
    #[serde(default)]
    value: Option<String>,
}

fn bad(problem: &str) -> Malformed {
    Malformed(problem.to_owned())
}

impl Interaction {
    /// Reads the form body `payload=<json>` of an interaction.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let json = payload(body)?;
        let Fields(payload): Fields<Payload> = serde_json::from_str(&json)
            .map_err(|err| Malformed(format!("`payload` cannot be read: {err}")))?;
        match payload.r#type.as_str() {
            "block_actions" => clicked(payload),
            "view_submission" => submitted(payload),
            _ => Ok(Interaction::Nothing),
        }
    }

    /// Reads the JSON body of an event: Slack asks whether this URL answers.
    pub fn parse_event(body: &[u8]) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Event {
            r#type: String,
            #[serde(default)]
            challenge: String,
        }
        let Fields(event): Fields<Event> = serde_json::from_slice(body)
            .map_err(|err| Malformed(format!("the event cannot be read: {err}")))?;
        Ok(match event.r#type.as_str() {
            "url_verification" => Interaction::Challenge(event.challenge),
            _ => Interaction::Nothing,
        })
    }
}

/// The one field `payload` of a form.
fn payload(body: &[u8]) -> Result<String, Malformed> {
    let mut found = None;
    for pair in body.split(|byte| *byte == b'&') {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        if halves.next() != Some(b"payload") {
            continue;
        }
        if found.is_some() {
            return Err(bad("the form has the field `payload` twice"));
        }
        let spaces: Vec<u8> = halves
            .next()
            .unwrap_or_default()
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let text = percent_decode(&spaces)
            .decode_utf8()
            .map_err(|_| bad("`payload` cannot be read: it is not UTF-8"))?;
        found = Some(text.into_owned());
    }
    found.ok_or_else(|| bad("the form has no field `payload`"))
}

fn sender(payload: &Payload) -> Result<Sender, Malformed> {
    let Fields(user) = payload
        .user
        .as_ref()
        .ok_or_else(|| bad("`payload` names no user"))?;
    let id = |place: &Option<Fields<Place>>| place.as_ref().map(|place| place.0.id.clone());
    let sender = Sender {
        app: payload.api_app_id.clone().unwrap_or_default(),
        team: id(&payload.team),
        enterprise: id(&payload.enterprise),
        home: user.team_id.clone(),
        user: user.id.clone(),
    };
    let named = sender.places().next().is_some();
    named
        .then_some(sender)
        .ok_or_else(|| bad("`payload` names no team"))
}

fn clicked(payload: Payload) -> Result<Interaction, Malformed> {
    let ours = payload.actions.iter().filter_map(|Fields(action)| {
        let does = Does::parse(action.action_id.as_deref()?)?;
        Some((does, action))
    });
    let ours: Vec<_> = ours.collect();
    let (does, action) = match ours.as_slice() {
        [] => return Ok(Interaction::Nothing),
        [one] => *one,
        _ => {
            return Err(bad(
                "more than one decision in one interaction: decide on one proposal at a time",
            ));
        }
    };
    let value = action.value.as_ref().and_then(Value::as_str);
    let shown = value
        .and_then(Shown::parse)
        .ok_or_else(|| bad("the button's value is not <proposal id>.<digest of the record shown>"))?;
    Ok(Interaction::Clicked(Click {
        sender: sender(&payload)?,
        does,
        shown,
        trigger_id: payload.trigger_id.unwrap_or_default(),
        response_url: payload.response_url.unwrap_or_default(),
    }))
}

fn submitted(payload: Payload) -> Result<Interaction, Malformed> {
    let sender = sender(&payload)?;
    let Fields(view) = payload.view.ok_or_else(|| bad("`payload` names no view"))?;
    let Some(does) = Does::parse(&view.callback_id) else {
        return Ok(Interaction::Nothing);
    };
    let shown = Shown::parse(&view.private_metadata)
        .ok_or_else(|| bad("the form's metadata is not <proposal id>.<digest of the record shown>"))?;
    let filled = view.state.map(|Fields(state)| state.values).unwrap_or_default();
    let values = filled.into_iter().filter_map(|(name, mut fields)| {
        let field = fields.remove(::slack::form::FIELD)?;
        Some((name, field.0.value?))
    });
    Ok(Interaction::Submitted(Submitted {
        sender,
        does,
        shown,
        values: Narrowing(values.collect()),
    }))
}
