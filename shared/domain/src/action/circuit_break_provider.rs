//! `circuit_break_provider`: no traffic to a failing provider, for a bounded time.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Lowers, Operation, Plan, Preview, Undo, part_of_range, tool};
use crate::incident::Event;
use crate::inventory::{Change, Inventory, ModelGroup, Setting, Target};
use crate::value::{Limits, Ppm, ProviderId};

/// Opens a provider's breaker and closes it by itself when the time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CircuitBreakProvider {
    /// The provider.
    pub provider: ProviderId,
    /// How long, 30–300 seconds.
    pub duration_s: u64,
}

impl CircuitBreakProvider {
    /// The shortest break, seconds.
    pub const MIN_S: u64 = 30;
    /// The longest break, seconds.
    pub const MAX_S: u64 = 300;

    /// What it means to each group, or to the first of many.
    fn impact(&self, thinned: &[&ModelGroup], inventory: &Inventory) -> Vec<String> {
        let told = thinned.iter().take(MOST_TOLD);
        let mut impact: Vec<String> = told.map(|group| self.shares(group, inventory)).collect();
        let more = thinned.len().saturating_sub(MOST_TOLD);
        if more > 0 {
            impact.push(format!(
                "and {more} more model groups, each with a deployment left"
            ));
        }
        impact
    }

    /// A group's traffic shares in percent, with and without the provider.
    fn shares(&self, group: &ModelGroup, inventory: &Inventory) -> String {
        let live: Vec<_> = inventory.live_routes(group).collect();
        let before: u64 = live.iter().map(|route| u64::from(route.weight)).sum();
        let after: u64 = live
            .iter()
            .filter(|route| route.provider != self.provider)
            .map(|route| u64::from(route.weight))
            .sum();
        let percent = |part: u32, whole: u64| u64::from(part) * 100 / whole.max(1);
        let shares: Vec<String> = live
            .iter()
            .map(|route| {
                let rest = if route.provider == self.provider {
                    0
                } else {
                    percent(route.weight, after)
                };
                format!(
                    "{} {} % → {rest} %",
                    route.provider,
                    percent(route.weight, before)
                )
            })
            .collect();
        format!("model group {}: {}", group.id, shares.join(", "))
    }
}

/// Model groups whose shares are told one by one; of a provider that serves more, the others are counted.
const MOST_TOLD: usize = 20;

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "circuit_break_provider",
    baseline: 15,
    floor: 5,
    undone: "It ends by itself.",
    schema: tool::schema::<CircuitBreakProvider>,
};

impl Operation for CircuitBreakProvider {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        if (Self::MIN_S..=Self::MAX_S).contains(&self.duration_s) {
            return Vec::new();
        }
        let problem = format!(
            "is {} seconds, not within {}–{}",
            self.duration_s,
            Self::MIN_S,
            Self::MAX_S
        );
        vec![Complaint::new("duration_s", problem)]
    }

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        let related = event.provider() == Some(&self.provider);
        (!related).then(|| {
            Complaint::new(
                "provider",
                format!("{} is not the one the event is about", self.provider),
            )
        })
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let complain = |problem: String| Complaint::new("provider", problem);
        let provider = inventory
            .provider(&self.provider)
            .ok_or_else(|| complain(format!("{} is not on the gateway", self.provider)))?;
        if provider.blocked {
            return Err(complain(format!("{} is blocked already", self.provider)));
        }
        if inventory.model_groups.is_empty() {
            return Err(complain(format!(
                "{} may be the only one that serves a model group: the gateway names no model groups",
                self.provider
            )));
        }
        let thinned: Vec<&ModelGroup> = inventory.groups_of(&self.provider).collect();
        for group in &thinned {
            if inventory
                .live_routes(group)
                .all(|route| route.provider == self.provider)
            {
                return Err(complain(format!(
                    "{} is the last deployment of model group {}",
                    self.provider, group.id
                )));
            }
        }
        let mut claims = vec![Target::Provider(self.provider.clone())];
        claims.extend(thinned.iter().map(|group| Target::ModelGroup(group.id.clone())));
        claims.sort();
        let change = Change {
            target: Target::Provider(self.provider.clone()),
            before: Setting::Blocked(false),
            after: Setting::Blocked(true),
        };
        Ok(Preview {
            plan: Plan {
                changes: vec![change],
                page: None,
                claims,
            },
            impact: self.impact(&thinned, inventory),
            undo: Undo::Restore {
                after_s: self.duration_s,
            },
        })
    }

    fn narrows(&self, other: &Action) -> bool {
        let Action::CircuitBreakProvider(other) = other else {
            return false;
        };
        self.provider == other.provider && self.duration_s <= other.duration_s
    }

    fn lowers(&self) -> Vec<Lowers> {
        vec![Lowers::new(
            "duration_s",
            "Seconds that the break lasts",
            self.duration_s,
        )]
    }

    fn preview_within(&self, wider: &Preview) -> Result<Preview, Complaint> {
        let undo = Undo::Restore {
            after_s: self.duration_s,
        };
        Ok(Preview {
            undo,
            ..wider.clone()
        })
    }

    fn size(&self, _plan: &Plan) -> Option<Ppm> {
        Some(part_of_range(self.duration_s, Self::MIN_S, Self::MAX_S))
    }
}

impl fmt::Display for CircuitBreakProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block provider {} for {} s", self.provider, self.duration_s)
    }
}
