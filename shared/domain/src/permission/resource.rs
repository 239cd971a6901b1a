//! What permission is asked about: a proposal with what its plan touches.

use std::collections::BTreeSet;

use crate::action::{Action, ActionKind, Undo};
use crate::incident::Event;
use crate::inventory::Target;
use crate::proposal::Proposed;
use crate::value::{BudgetOwner, GuardrailId, ModelGroupId, OrgId, ProposalId, ProviderId, SlaId, TeamId};

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The proposal.
    pub id: &'a ProposalId,
    /// Its action.
    pub action: ActionKind,
    /// Its score, 0–100.
    pub score: u8,
    /// What its plan touches.
    pub targets: Targets,
    /// What the event claims.
    pub claimed: Claimed<'a>,
    /// How it is taken back.
    pub undo: Undo,
}

impl<'a> Resource<'a> {
    /// A proposal as rules see it.
    pub fn new(id: &'a ProposalId, event: &'a Event, proposed: &Proposed, score: u8) -> Self {
        Self {
            id,
            action: proposed.action.kind(),
            score,
            targets: Targets::by(proposed),
            claimed: Claimed {
                org: &event.org,
                team: event.team.as_ref(),
                provider: event.provider(),
            },
            undo: proposed.preview.undo,
        }
    }
}

/// What an event says of itself: a claim of its sender, and no fact about what the action would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed<'a> {
    /// The organisation that it names.
    pub org: &'a OrgId,
    /// The team, if it names one.
    pub team: Option<&'a TeamId>,
    /// The provider, if it names one.
    pub provider: Option<&'a ProviderId>,
}

/// What a plan touches on the gateway, by the names there: what it changes, what the change thins, and where traffic
/// goes. What an action does not touch is an empty set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Teams whose rate limits or whose own budget changes.
    pub teams: BTreeSet<TeamId>,
    /// Providers that are blocked, lose a model group's traffic, or get it.
    pub providers: BTreeSet<ProviderId>,
    /// Of these, those that get a model group's traffic.
    pub reroute_to: BTreeSet<ProviderId>,
    /// Model groups whose routes change, or that lose a deployment while a provider is blocked.
    pub model_groups: BTreeSet<ModelGroupId>,
    /// Owners of budgets whose cap changes.
    pub budgets: BTreeSet<BudgetOwner>,
    /// Guardrails that are switched off.
    pub guardrails: BTreeSet<GuardrailId>,
    /// Contracts that are taken out of force.
    pub contracts: BTreeSet<SlaId>,
    /// Teams that use what changes, as the gateway's inventory had it: those that the record names.
    pub affected_teams: BTreeSet<TeamId>,
    /// Whether these are all of them. False where the record counts more teams than it names, and where the gateway
    /// could not be read.
    pub affected_teams_known: bool,
}

impl Targets {
    /// What a proposal's plan touches. The event plays no part in it.
    pub fn by(proposed: &Proposed) -> Self {
        let plan = &proposed.preview.plan;
        let evidence = &proposed.evidence;
        let mut targets = Self {
            affected_teams: evidence.teams.iter().cloned().collect(),
            affected_teams_known: plan.claims.is_empty() && plan.changes.is_empty()
                || evidence.read_at.is_some() && evidence.teams_affected <= evidence.teams.len() as u64,
            ..Self::default()
        };
        let changed = plan.changes.iter().map(|change| &change.target);
        for target in changed.chain(&plan.claims) {
            targets.add(target);
        }
        // Where traffic goes is in the routes, too; the action says it in so many words.
        match &proposed.action {
            Action::RerouteModelGroup(reroute) => {
                targets
                    .providers
                    .extend([reroute.from.clone(), reroute.to.clone()]);
                targets.reroute_to.insert(reroute.to.clone());
            }
            Action::CircuitBreakProvider(_)
            | Action::RaiseRateLimit(_)
            | Action::PageOncall(_)
            | Action::DisableGuardrail(_)
            | Action::BumpBudgetCap(_)
            | Action::DisableSlaContract(_) => {}
        }
        targets
    }

    fn add(&mut self, target: &Target) {
        match target {
            Target::Provider(id) => _ = self.providers.insert(id.clone()),
            Target::ModelGroup(id) => _ = self.model_groups.insert(id.clone()),
            Target::Team(id) => _ = self.teams.insert(id.clone()),
            Target::Guardrail(id) => _ = self.guardrails.insert(id.clone()),
            Target::Budget(owner) => {
                if let BudgetOwner::Team(id) = owner {
                    self.teams.insert(id.clone());
                }
                self.budgets.insert(owner.clone());
            }
            Target::Contract(id) => _ = self.contracts.insert(id.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
