//! Modals.
//!
//! Facts: <https://docs.slack.dev/reference/methods/views.open>, <https://docs.slack.dev/reference/methods/views.update>,
//! <https://docs.slack.dev/surfaces/modals> (at most three in a stack).

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::{APP, BOT, Done, Refused, TEAM, Workspace, blocks, keep};
use crate::core::time::Millis;

/// Bytes of a view: more is `view_too_large`.
const MOST_BYTES: usize = 250 * 1024;

/// Modals on top of each other.
const MOST_STACKED: usize = 3;

#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) id: String,
    /// Who sees it.
    pub(super) user: String,
    /// The trigger that opened it or the one below it.
    trigger: String,
    hash: String,
    root: String,
    previous: Option<String>,
    /// As sent, with what Slack fills in.
    pub(super) spec: Value,
}

impl View {
    fn external_id(&self) -> &str {
        self.spec["external_id"].as_str().unwrap_or_default()
    }

    /// The view object, its fields filled in so.
    pub(super) fn json(&self, values: Value) -> Value {
        let or = |name: &str, usual: Value| self.spec.get(name).cloned().unwrap_or(usual);
        json!({
            "id": self.id, "team_id": TEAM, "type": "modal", "blocks": self.spec["blocks"],
            "private_metadata": or("private_metadata", json!("")), "callback_id": or("callback_id", json!("")),
            "state": {"values": values}, "hash": self.hash, "title": self.spec["title"],
            "clear_on_close": or("clear_on_close", json!(false)),
            "notify_on_close": or("notify_on_close", json!(false)),
            "close": or("close", Value::Null), "submit": or("submit", Value::Null),
            "previous_view_id": self.previous, "root_view_id": self.root, "app_id": APP,
            "external_id": self.external_id(), "app_installed_team_id": TEAM, "bot_id": BOT,
        })
    }
}

impl Workspace {
    /// A good modal of a call, as Slack keeps it.
    fn modal(&self, arguments: &Arguments) -> Result<Value, Refused> {
        let view = arguments
            .structure("view")
            .map_err(|_| Refused::arguments(&["must provide an object [json-pointer:/view]".to_owned()]))?;
        let view = view.ok_or_else(|| Refused::arguments(&["missing required field: view".to_owned()]))?;
        self.good_modal(view)
    }

    fn good_modal(&self, mut view: Value) -> Result<Value, Refused> {
        if view.to_string().len() > MOST_BYTES {
            return Err("view_too_large".into());
        }
        let wrong = blocks::wrong_in_modal(&view);
        if !wrong.is_empty() {
            return Err(Refused::arguments(&wrong));
        }
        view["blocks"] = json!(blocks::kept(&view["blocks"], || self.digits(5)));
        blocks::fill_in_texts(&mut view);
        Ok(view)
    }

    fn unique(&self, spec: &Value, but: Option<&str>) -> Result<(), Refused> {
        let external = spec["external_id"].as_str().unwrap_or_default();
        let taken = |view: &View| view.external_id() == external && Some(view.id.as_str()) != but;
        if !external.is_empty() && self.views.iter().any(taken) {
            return Err("duplicate_external_id".into());
        }
        Ok(())
    }

    fn hash(&self, now: Millis) -> String {
        format!("{}.{}", now / 1000, self.digits(8))
    }

    pub(super) fn views_open(&mut self, now: Millis, arguments: &Arguments) -> Done {
        let trigger = arguments.required("trigger_id")?;
        let spec = self.modal(arguments)?;
        self.unique(&spec, None)?;
        let user = self.exchange(now, &trigger)?;
        let id = format!("V{}", self.digits(10).to_uppercase());
        let view = View {
            root: id.clone(),
            id,
            user,
            trigger,
            hash: self.hash(now),
            previous: None,
            spec,
        };
        let done = json!({"view": view.json(json!({}))});
        keep(&mut self.views, view);
        Ok(done)
    }

    pub(super) fn views_update(&mut self, now: Millis, arguments: &Arguments) -> Done {
        let id = arguments.text("view_id")?.filter(|id| !id.is_empty());
        let external = arguments.text("external_id")?.filter(|id| !id.is_empty());
        let found = match (&id, &external) {
            (Some(_), Some(_)) => {
                let both = "Cannot provide both `view_id` and `external_id`";
                return Err(Refused::arguments(&[both.to_owned()]));
            }
            (None, None) => {
                let neither = "Must provide either `view_id` or `external_id`";
                return Err(Refused::arguments(&[neither.to_owned()]));
            }
            (Some(id), None) => self.views.iter().find(|view| view.id == *id),
            (None, Some(external)) => self.views.iter().find(|view| view.external_id() == external),
        };
        let found = found.cloned();
        let spec = self.modal(arguments)?;
        let found = found.ok_or(Refused::from("not_found"))?;
        let hash = arguments.text("hash")?.filter(|hash| !hash.is_empty());
        if hash.is_some_and(|hash| hash != found.hash) {
            return Err("hash_conflict".into());
        }
        self.unique(&spec, Some(&found.id))?;
        Ok(json!({"view": self.replace(now, &found.id, spec)}))
    }

    fn replace(&mut self, now: Millis, id: &str, spec: Value) -> Value {
        let hash = self.hash(now);
        let view = self.views.iter_mut().find(|view| view.id == id);
        view.map_or(Value::Null, |view| {
            view.hash = hash;
            view.spec = spec;
            view.json(json!({}))
        })
    }

    /// The open modals, each with who sees it.
    pub(crate) fn views(&self) -> Vec<Value> {
        let shown = self.views.iter().map(|view| {
            let mut shown = view.json(json!({}));
            shown["shown_to"] = json!(view.user);
            shown
        });
        shown.collect()
    }

    /// The modal that a trigger opened, if one did and it is still open.
    pub(crate) fn opened_by(&self, trigger: &str) -> Option<Value> {
        let view = self.views.iter().find(|view| view.trigger == trigger);
        view.map(|view| view.json(json!({})))
    }

    /// Puts another modal in the place of one; why it is not a good one.
    pub(super) fn put_in_place(&mut self, now: Millis, id: &str, view: Value) -> Result<Value, Refused> {
        let spec = self.good_modal(view)?;
        self.unique(&spec, Some(id))?;
        Ok(self.replace(now, id, spec))
    }

    /// Puts another modal on top of one; why it cannot be.
    pub(super) fn put_on_top(&mut self, now: Millis, below: &View, view: Value) -> Result<Value, Refused> {
        let spec = self.good_modal(view)?;
        self.unique(&spec, None)?;
        if self.views.iter().filter(|view| view.root == below.root).count() >= MOST_STACKED {
            return Err("push_limit_reached".into());
        }
        let view = View {
            id: format!("V{}", self.digits(10).to_uppercase()),
            hash: self.hash(now),
            previous: Some(below.id.clone()),
            spec,
            ..below.clone()
        };
        let shown = view.json(json!({}));
        keep(&mut self.views, view);
        Ok(shown)
    }

    /// Closes a modal, and with `all` every other one of its stack.
    pub(super) fn close(&mut self, view: &View, all: bool) {
        self.views
            .retain(|one| one.id != view.id && !(all && one.root == view.root));
    }
}
