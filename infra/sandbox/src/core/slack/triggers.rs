//! Trigger ids: what an interaction gives an app, once and for three seconds, to open a modal with.
//!
//! Facts: <https://docs.slack.dev/interactivity/handling-user-interaction>,
//! <https://docs.slack.dev/reference/methods/views.open>.

use super::{Refused, Workspace, keep};
use crate::core::time::Millis;

/// How long one is good, ms.
const GOOD_FOR: Millis = 3_000;

#[derive(Debug)]
pub(super) struct Trigger {
    id: String,
    user: String,
    made: Millis,
    exchanged: bool,
}

impl Workspace {
    /// A trigger for what this person did.
    pub(super) fn trigger(&mut self, now: Millis, user: &str) -> String {
        let id = format!("{now}.{}.{}", now / 1000, self.digits(32));
        keep(
            &mut self.triggers,
            Trigger {
                id: id.clone(),
                user: user.to_owned(),
                made: now,
                exchanged: false,
            },
        );
        id
    }

    /// Exchanges one for the person to whom a modal may be shown.
    pub(super) fn exchange(&mut self, now: Millis, id: &str) -> Result<String, Refused> {
        let trigger = self
            .triggers
            .iter_mut()
            .find(|trigger| trigger.id == id)
            .ok_or(Refused::from("invalid_trigger_id"))?;
        if trigger.exchanged {
            return Err("exchanged_trigger_id".into());
        }
        if now - trigger.made > GOOD_FOR {
            return Err("expired_trigger_id".into());
        }
        trigger.exchanged = true;
        Ok(trigger.user.clone())
    }
}
