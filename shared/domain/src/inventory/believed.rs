//! Which of an event's fields belong together on the gateway. One that does not is evidence for nothing.

use std::fmt::Display;

use super::{Inventory, ModelGroup};
use crate::incident::{Event, Trouble};
use crate::value::{BudgetOwner, GuardrailId, ModelGroupId, ProviderId, SlaId, Spender, TeamId};

/// An event as far as the gateway's own inventory bears it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// The event, without the fields that do not belong to its subject.
    pub event: Event,
    /// What was left out, and why, a sentence each.
    pub left_out: Vec<String>,
}

impl Inventory {
    /// The event as far as its fields belong together here. Its subject stays as it is: whether that exists, and does as
    /// claimed, is its condition.
    pub fn believe(&self, event: &Event) -> Believed {
        let mut left_out = Vec::new();
        let mut event = event.clone();
        let team = event.team.take();
        match &mut event.trouble {
            Trouble::ProviderUnhealthy {
                provider,
                model_group,
                ..
            } => {
                *model_group = self.group_with(model_group.take(), provider, &mut left_out);
            }
            Trouble::LatencySpike {
                provider,
                model_group,
                guardrail,
                ..
            } => {
                *model_group = self.group_with(model_group.take(), provider, &mut left_out);
                *guardrail = self.existing_guardrail(guardrail.take(), &mut left_out);
            }
            Trouble::SlaViolation {
                sla,
                provider,
                model_group,
                guardrail,
                ..
            } => {
                (*provider, *model_group) =
                    self.of_contract(sla, provider.take(), model_group.take(), &mut left_out);
                *guardrail = self.existing_guardrail(guardrail.take(), &mut left_out);
            }
            Trouble::BudgetExceeded { .. } => {}
        }
        event.team = self.team_of(&event, team, &mut left_out);
        Believed { event, left_out }
    }

    /// The named group, where it routes to the provider.
    fn group_with(
        &self,
        named: Option<ModelGroupId>,
        provider: &ProviderId,
        left_out: &mut Vec<String>,
    ) -> Option<ModelGroupId> {
        let routes_there = |id: &ModelGroupId| self.routes(id, provider);
        keep(named, routes_there, left_out, |id| {
            format!("model group {id} has no route to {provider}")
        })
    }

    /// Whether a group has a route to a provider.
    pub(super) fn routes(&self, group: &ModelGroupId, provider: &ProviderId) -> bool {
        self.model_group(group)
            .is_some_and(|group| has_route(group, provider))
    }

    /// What a contract is about is what the gateway says: the event may only name what that leaves open.
    fn of_contract(
        &self,
        sla: &SlaId,
        provider: Option<ProviderId>,
        group: Option<ModelGroupId>,
        left_out: &mut Vec<String>,
    ) -> (Option<ProviderId>, Option<ModelGroupId>) {
        let Some(contract) = self.contract(sla) else {
            return (None, None);
        };
        let kept = |known: bool| match known {
            true => "is not about",
            false => "is not about one provider, so not about",
        };
        let about = contract.provider.as_ref();
        keep(
            provider,
            |named| about == Some(named),
            left_out,
            |named| format!("contract {sla} {} {named}", kept(about.is_some())),
        );
        let provider = contract.provider.clone();
        let group = match (&contract.model_group, &provider) {
            (Some(of_contract), _) => {
                keep(
                    group,
                    |named| named == of_contract,
                    left_out,
                    |named| format!("contract {sla} is not about model group {named}"),
                );
                Some(of_contract.clone())
            }
            (None, Some(provider)) => self.group_with(group, provider, left_out),
            (None, None) => keep(
                group,
                |_| false,
                left_out,
                |named| format!("contract {sla} is not about one model group, so not about {named}"),
            ),
        };
        (provider, group)
    }

    fn existing_guardrail(
        &self,
        named: Option<GuardrailId>,
        left_out: &mut Vec<String>,
    ) -> Option<GuardrailId> {
        let exists = |id: &GuardrailId| self.guardrail(id).is_some();
        keep(named, exists, left_out, |id| {
            format!("guardrail {id} is not on the gateway")
        })
    }

    /// The named team, where it uses what the event is about.
    fn team_of(&self, event: &Event, named: Option<TeamId>, left_out: &mut Vec<String>) -> Option<TeamId> {
        let uses = |id: &TeamId| {
            let Some(team) = self.team(id) else {
                return false;
            };
            let concerns = |group: &ModelGroup| match (event.model_group(), event.provider()) {
                (Some(named), _) => group.id == *named,
                (None, Some(provider)) => has_route(group, provider),
                (None, None) => true,
            };
            match &event.trouble {
                Trouble::BudgetExceeded {
                    owner: Spender::Owner(BudgetOwner::Team(owner)),
                    ..
                } => owner == id,
                Trouble::BudgetExceeded { .. } => true,
                Trouble::ProviderUnhealthy { .. }
                | Trouble::SlaViolation { .. }
                | Trouble::LatencySpike { .. } => self
                    .model_groups
                    .iter()
                    .any(|group| concerns(group) && team.model_groups.contains(&group.id)),
            }
        };
        keep(named, uses, left_out, |id| {
            format!("team {id} does not use what it is about")
        })
    }
}

fn has_route(group: &ModelGroup, provider: &ProviderId) -> bool {
    group.routes.iter().any(|route| route.provider == *provider)
}

/// What was named, if it belongs there; otherwise why not is told.
fn keep<T: Display>(
    named: Option<T>,
    belongs: impl Fn(&T) -> bool,
    left_out: &mut Vec<String>,
    why: impl Fn(&T) -> String,
) -> Option<T> {
    let named = named?;
    if belongs(&named) {
        return Some(named);
    }
    left_out.push(why(&named));
    None
}
