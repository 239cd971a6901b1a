//! `bump_budget_cap`: a team or organisation may spend more.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Complaint, Operation, Preview, single};
use crate::deployment::Limits;
use crate::event::{Event, Trouble};
use crate::inventory::Inventory;
use crate::target::{BudgetOwner, Change, Setting, Target};
use crate::units::Micros;

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
            Trouble::BudgetExceeded { owner, .. } => *owner == self.owner,
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
        if self.hard_cap <= budget.hard_cap {
            let problem = format!(
                "of {} USD is not above the present {} USD",
                self.hard_cap, budget.hard_cap
            );
            return Err(Complaint::new("hard_cap", problem));
        }
        let change = Change {
            target: Target::Budget(self.owner.clone()),
            before: Setting::HardCap(budget.hard_cap),
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

    fn narrows(&self, other: &Self) -> bool {
        self.owner == other.owner && self.hard_cap <= other.hard_cap
    }
}

impl fmt::Display for BumpBudgetCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "raise the hard cap of {} to {} USD", self.owner, self.hard_cap)
    }
}
