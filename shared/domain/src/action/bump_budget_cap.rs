//! `bump_budget_cap`: a team or organisation may spend more.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Lowers, Operation, Plan, Preview, UNDONE, single, tool};
use crate::incident::{Event, Trouble};
use crate::inventory::{Change, Inventory, Setting, Target};
use crate::value::{BudgetOwner, Limits, Micros, Ppm};

/// Sets a budget's hard cap higher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BumpBudgetCap {
    /// Whose budget.
    #[serde(flatten)]
    pub owner: BudgetOwner,
    /// The new cap in USD as a decimal string, such as "120.50": above the present one, at most the policy's
    /// maximum.
    pub hard_cap: Micros,
}

impl BumpBudgetCap {
    /// What it does to a budget with this hard cap.
    fn raises(&self, present: Micros) -> Result<Preview, Complaint> {
        if present == Micros(0) {
            let problem = format!(
                "of {} is zero: that is a block on purpose, and not raised",
                self.owner
            );
            return Err(Complaint::new("hard_cap", problem));
        }
        if self.hard_cap <= present {
            let problem = format!(
                "of {} USD is not above the present {} USD",
                self.hard_cap, present
            );
            return Err(Complaint::new("hard_cap", problem));
        }
        let change = Change {
            target: Target::Budget(self.owner.clone()),
            before: Setting::HardCap(present),
            after: Setting::HardCap(self.hard_cap),
        };
        Ok(single(
            change,
            format!(
                "{} may spend up to {} USD until somebody takes it back",
                self.owner, self.hard_cap
            ),
        ))
    }
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "bump_budget_cap",
    baseline: 75,
    floor: 65,
    undone: UNDONE,
    schema: tool::schema::<BumpBudgetCap>,
};

impl Operation for BumpBudgetCap {
    fn out_of_bounds(&self, limits: &Limits) -> Vec<Complaint> {
        if self.hard_cap <= limits.max_budget_cap {
            return Vec::new();
        }
        let problem = format!(
            "of {} USD is above the policy's maximum of {} USD",
            self.hard_cap, limits.max_budget_cap
        );
        vec![Complaint::new("hard_cap", problem)]
    }

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        let related = match &event.trouble {
            Trouble::BudgetExceeded { owner, .. } => owner.owner() == Some(&self.owner),
            Trouble::ProviderUnhealthy { .. }
            | Trouble::SlaViolation { .. }
            | Trouble::LatencySpike { .. } => false,
        };
        (!related).then(|| {
            Complaint::new(
                "scope_id",
                format!("{} is not the one the event is about", self.owner),
            )
        })
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let budget = inventory.budget(&self.owner).ok_or_else(|| {
            Complaint::new("scope_id", format!("{} has no budget on the gateway", self.owner))
        })?;
        self.raises(budget.hard_cap)
    }

    fn lowers(&self) -> Vec<Lowers> {
        vec![Lowers::new("hard_cap", "New hard cap, USD", self.hard_cap)]
    }

    fn preview_within(&self, wider: &Preview) -> Result<Preview, Complaint> {
        match wider.plan.changes.first().map(|change| &change.before) {
            Some(Setting::HardCap(present)) => self.raises(*present),
            Some(_) | None => Err(Complaint::new("hard_cap", "has no budget in the preview")),
        }
    }

    fn narrows(&self, other: &Action) -> bool {
        let Action::BumpBudgetCap(other) = other else {
            return false;
        };
        self.owner == other.owner && self.hard_cap <= other.hard_cap
    }

    /// Twice the cap, or more, is the largest.
    fn size(&self, plan: &Plan) -> Option<Ppm> {
        plan.changes
            .iter()
            .find_map(|change| match (&change.before, &change.after) {
                (Setting::HardCap(before), Setting::HardCap(after)) => {
                    Some(Ppm::ratio(after.0.saturating_sub(before.0), before.0.max(1)))
                }
                (_, _) => None,
            })
    }
}

impl fmt::Display for BumpBudgetCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "raise the hard cap of {} to {} USD", self.owner, self.hard_cap)
    }
}
