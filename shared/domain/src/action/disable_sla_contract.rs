//! `disable_sla_contract`: take one contract out of force.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Operation, Preview, UNDONE, switches_off, tool};
use crate::incident::{Event, Trouble};
use crate::inventory::{Inventory, Target};
use crate::value::{Limits, SlaId};

/// Takes an SLA contract out of force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisableSlaContract {
    /// The contract.
    pub sla_id: SlaId,
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "disable_sla_contract",
    baseline: 85,
    floor: 75,
    undone: UNDONE,
    schema: tool::schema::<DisableSlaContract>,
};

impl Operation for DisableSlaContract {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        Vec::new()
    }

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        let related = match &event.trouble {
            Trouble::SlaViolation { sla, .. } => *sla == self.sla_id,
            Trouble::ProviderUnhealthy { .. }
            | Trouble::BudgetExceeded { .. }
            | Trouble::LatencySpike { .. } => false,
        };
        (!related).then(|| {
            Complaint::new(
                "sla_id",
                format!("{} is not the one the event is about", self.sla_id),
            )
        })
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let complain = |problem: &str| Complaint::new("sla_id", format!("{} {problem}", self.sla_id));
        let contract = inventory
            .contract(&self.sla_id)
            .ok_or_else(|| complain("is not on the gateway"))?;
        if !contract.enabled {
            return Err(complain("is not in force already"));
        }
        let target = Target::Contract(self.sla_id.clone());
        Ok(switches_off(
            target,
            format!(
                "nobody is held to contract {} until somebody takes it back",
                self.sla_id
            ),
        ))
    }

    fn narrows(&self, other: &Action) -> bool {
        matches!(other, Action::DisableSlaContract(other) if self == other)
    }
}

impl fmt::Display for DisableSlaContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disable SLA contract {}", self.sla_id)
    }
}
