//! `reroute_model_group`: a model group's traffic moves from one provider to a healthy other one.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Operation, Plan, Preview, UNDONE, Undo, tool};
use crate::incident::Event;
use crate::inventory::{Change, Inventory, ModelGroup, Route, Setting, Target};
use crate::value::{Limits, ModelGroupId, ProviderId};

/// Moves the whole weight that `from` has in a model group to `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RerouteModelGroup {
    /// The model group.
    pub model_group: ModelGroupId,
    /// The provider that loses the traffic.
    pub from: ProviderId,
    /// The provider that gets it: a route of the group already, and healthy.
    pub to: ProviderId,
}

/// The largest weight of a route.
const MAX_WEIGHT: u32 = 1000;

impl RerouteModelGroup {
    /// Why `to` cannot take all of that weight, if it cannot: a part of the traffic would go to the other routes instead,
    /// where there are some.
    fn cut(&self, group: &ModelGroup, weight: u32) -> Option<Complaint> {
        let has = group
            .routes
            .iter()
            .find(|route| route.provider == self.to)?
            .weight;
        let others = group
            .routes
            .iter()
            .any(|route| route.weight > 0 && route.provider != self.from && route.provider != self.to);
        (others && has.saturating_add(weight) > MAX_WEIGHT).then(|| {
            let problem = format!(
                "{} has weight {has} in {} and would need {weight} more, above the most of {MAX_WEIGHT}: the other routes would get a part of it",
                self.to, self.model_group
            );
            Complaint::new("to", problem)
        })
    }

    /// The group's routes afterwards, sorted by provider.
    fn moved(&self, routes: &[Route], weight: u32) -> Vec<Route> {
        let mut after: Vec<Route> = routes
            .iter()
            .map(|route| match &route.provider {
                provider if *provider == self.from => Route {
                    provider: provider.clone(),
                    weight: 0,
                },
                provider if *provider == self.to => Route {
                    provider: provider.clone(),
                    weight: route.weight.saturating_add(weight).min(MAX_WEIGHT),
                },
                _ => route.clone(),
            })
            .collect();
        after.sort();
        after
    }
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "reroute_model_group",
    baseline: 25,
    floor: 10,
    undone: UNDONE,
    schema: tool::schema::<RerouteModelGroup>,
};

impl Operation for RerouteModelGroup {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        if self.from == self.to {
            vec![Complaint::new("to", "is the same provider as from")]
        } else {
            Vec::new()
        }
    }

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        if event.provider() != Some(&self.from) {
            return Some(Complaint::new(
                "from",
                format!("{} is not the one the event is about", self.from),
            ));
        }
        let other_group = event
            .model_group()
            .is_some_and(|group| *group != self.model_group);
        other_group.then(|| {
            Complaint::new(
                "model_group",
                format!("{} is not the one the event is about", self.model_group),
            )
        })
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let group = inventory.model_group(&self.model_group).ok_or_else(|| {
            Complaint::new(
                "model_group",
                format!("{} is not on the gateway", self.model_group),
            )
        })?;
        let weight = group
            .routes
            .iter()
            .find(|route| route.provider == self.from)
            .map_or(0, |route| route.weight);
        if weight == 0 {
            return Err(Complaint::new(
                "from",
                format!("{} has no traffic of {}", self.from, self.model_group),
            ));
        }
        if !group.routes.iter().any(|route| route.provider == self.to) {
            return Err(Complaint::new(
                "to",
                format!(
                    "{} is no route of {} yet: nobody knows whether it can serve it",
                    self.to, self.model_group
                ),
            ));
        }
        match inventory.provider(&self.to) {
            None => return Err(Complaint::new("to", format!("{} is not on the gateway", self.to))),
            Some(to) if !to.is_healthy() => {
                return Err(Complaint::new(
                    "to",
                    format!(
                        "{} is not seen to be healthy: blocked, failing, slow or without traffic",
                        self.to
                    ),
                ));
            }
            Some(_) => {}
        }
        if let Some(cut) = self.cut(group, weight) {
            return Err(cut);
        }
        let change = Change {
            target: Target::ModelGroup(self.model_group.clone()),
            before: Setting::Routes(group.routes.clone()),
            after: Setting::Routes(self.moved(&group.routes, weight)),
        };
        // The new provider is held as well: nobody may break it between the check above and the write.
        let mut claims = vec![change.target.clone(), Target::Provider(self.to.clone())];
        claims.sort();
        Ok(Preview {
            impact: vec![format!(
                "model group {}: {}'s traffic goes to {}",
                self.model_group, self.from, self.to
            )],
            plan: Plan {
                changes: vec![change],
                page: None,
                claims,
            },
            undo: Undo::OnDemand,
        })
    }

    fn narrows(&self, other: &Action) -> bool {
        matches!(other, Action::RerouteModelGroup(other) if self == other)
    }
}

impl fmt::Display for RerouteModelGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "re-route model group {} from {} to {}",
            self.model_group, self.from, self.to
        )
    }
}
