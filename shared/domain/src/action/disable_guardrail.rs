//! `disable_guardrail`: switch one guardrail off.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Operation, Preview, UNDONE, switches_off, tool};
use crate::incident::Event;
use crate::inventory::{Inventory, Target};
use crate::value::{GuardrailId, Limits};

/// Switches a guardrail off: it slows or refuses traffic that should pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisableGuardrail {
    /// The guardrail.
    pub guardrail: GuardrailId,
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "disable_guardrail",
    baseline: 60,
    floor: 50,
    undone: UNDONE,
    schema: tool::schema::<DisableGuardrail>,
};

impl Operation for DisableGuardrail {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        Vec::new()
    }

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        match event.guardrail() {
            Some(named) if *named == self.guardrail => None,
            Some(_) | None => Some(Complaint::new(
                "guardrail",
                format!("{} is not the one the event is about", self.guardrail),
            )),
        }
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let complain = |problem: &str| Complaint::new("guardrail", format!("{} {problem}", self.guardrail));
        let guardrail = inventory
            .guardrail(&self.guardrail)
            .ok_or_else(|| complain("is not on the gateway"))?;
        if !guardrail.enabled {
            return Err(complain("is disabled already"));
        }
        let target = Target::Guardrail(self.guardrail.clone());
        Ok(switches_off(
            target,
            format!(
                "guardrail {} checks nobody's traffic until somebody takes it back",
                self.guardrail
            ),
        ))
    }

    fn narrows(&self, other: &Action) -> bool {
        matches!(other, Action::DisableGuardrail(other) if self == other)
    }
}

impl fmt::Display for DisableGuardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disable guardrail {}", self.guardrail)
    }
}
