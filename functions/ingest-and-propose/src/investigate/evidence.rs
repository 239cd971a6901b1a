//! Read-only evidence tools: what the model may look at. Our code answers, from the gateway as it was read for this
//! incident and from the trail. Nothing here changes anything.

use std::collections::BTreeSet;

use domain::action::Action;
use domain::inventory::Inventory;
use domain::ports::{Trail, TrailError};
use domain::proposal::{Outcome, Proposal, State};
use domain::value::{Ppm, ProposalId, Timestamp};
use serde_json::{Value, json};
use trail::load_proposal;
use trail::walk::{self, Window};

use crate::model::Tool;

/// How far back the agent's own history is looked at, hours.
const HOURS: u64 = 6;

/// The most proposals that are looked at for one answer.
const MOST: usize = 20;

/// Earlier outbreaks of the same trouble that are shown.
const OUTBREAKS: u32 = 5;

/// One of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceTool {
    /// Providers.
    ProviderHealth,
    /// Model groups and their routes.
    ModelGroupRoutes,
    /// Teams, their limits and traffic.
    TeamUsage,
    /// Budgets.
    BudgetState,
    /// SLA contracts and guardrails.
    SlaState,
    /// What the agent changed lately.
    RecentChanges,
    /// What was reported lately, and how it ended.
    RecentIncidents,
    /// Earlier outbreaks of this very trouble, and how they ended.
    SimilarIncidents,
}

impl EvidenceTool {
    /// Every one.
    pub const ALL: [EvidenceTool; 8] = [
        EvidenceTool::ProviderHealth,
        EvidenceTool::ModelGroupRoutes,
        EvidenceTool::TeamUsage,
        EvidenceTool::BudgetState,
        EvidenceTool::SlaState,
        EvidenceTool::RecentChanges,
        EvidenceTool::RecentIncidents,
        EvidenceTool::SimilarIncidents,
    ];

    /// The tool of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            EvidenceTool::ProviderHealth => "provider_health",
            EvidenceTool::ModelGroupRoutes => "model_group_routes",
            EvidenceTool::TeamUsage => "team_usage",
            EvidenceTool::BudgetState => "budget_state",
            EvidenceTool::SlaState => "sla_state",
            EvidenceTool::RecentChanges => "recent_changes",
            EvidenceTool::RecentIncidents => "recent_incidents",
            EvidenceTool::SimilarIncidents => "similar_incidents",
        }
    }

    fn description(self) -> &'static str {
        match self {
            EvidenceTool::ProviderHealth => {
                "Every provider: whether its breaker is open, its requests and error rate in the window, its latency now and its one-hour median."
            }
            EvidenceTool::ModelGroupRoutes => {
                "Every model group with its routes: provider, weight, and whether that provider is healthy and gets traffic."
            }
            EvidenceTool::TeamUsage => {
                "Every team: its limits a minute, its requests in the last five minutes, whether it is critical, the model groups it uses."
            }
            EvidenceTool::BudgetState => {
                "Every budget: its owner, soft and hard cap, and what is spent, in USD."
            }
            EvidenceTool::SlaState => {
                "Every SLA contract with its target and measurement, and every guardrail; and whether each is in force."
            }
            EvidenceTool::RecentChanges => {
                "What this agent changed on the gateway in the last hours, and whether it is still in force."
            }
            EvidenceTool::RecentIncidents => {
                "What was reported in the last hours, what was proposed, and how it ended."
            }
            EvidenceTool::SimilarIncidents => {
                "Earlier outbreaks of this very trouble, what was done, and whether it helped."
            }
        }
    }

    /// The tool as the model sees it.
    pub fn tool(self) -> Tool {
        Tool {
            name: self.name().to_owned(),
            description: self.description().to_owned(),
            schema: json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false}),
        }
    }
}

/// What the tools answer from.
pub struct Sources<'a> {
    /// The gateway; absent where it could not be read.
    pub inventory: Option<&'a Inventory>,
    /// The trail.
    pub trail: &'a dyn Trail,
    /// The proposal that is being reasoned about.
    pub proposal: &'a ProposalId,
    /// The time.
    pub now: Timestamp,
}

impl Sources<'_> {
    /// A tool's answer. One that cannot be given says so: the model goes on without it.
    pub async fn answer(&self, tool: EvidenceTool) -> Value {
        let history = match tool {
            EvidenceTool::ProviderHealth => return self.of_gateway(providers),
            EvidenceTool::ModelGroupRoutes => return self.of_gateway(routes),
            EvidenceTool::TeamUsage => return self.of_gateway(teams),
            EvidenceTool::BudgetState => return self.of_gateway(budgets),
            EvidenceTool::SlaState => return self.of_gateway(contracts),
            EvidenceTool::RecentChanges => self.recent(changes_of).await,
            EvidenceTool::RecentIncidents => self.recent(|proposal| Some(outcome_of(proposal))).await,
            EvidenceTool::SimilarIncidents => self.similar().await,
        };
        history.unwrap_or_else(|err| {
            tracing::warn!(error = %err, tool = tool.name(), "evidence could not be read");
            json!({"unavailable": "the agent's history cannot be read now"})
        })
    }

    fn of_gateway(&self, told: impl Fn(&Inventory) -> Value) -> Value {
        match self.inventory {
            Some(inventory) => told(inventory),
            None => json!({"unavailable": "the gateway cannot be read now: only a page is possible"}),
        }
    }

    /// What is said of each of the last hours' proposals, the latest first.
    async fn recent(&self, said: impl Fn(&Proposal) -> Option<Value>) -> Result<Value, TrailError> {
        let mut ids = BTreeSet::new();
        for back in 0..HOURS {
            // Hour by hour: a busy one is enough.
            let hour = Window::hours_back(0, self.now.minus_seconds(back * 3600));
            ids.extend(walk::proposals(self.trail, hour).await?);
            ids.remove(self.proposal);
            if ids.len() >= MOST {
                break;
            }
        }
        let mut found = Vec::new();
        for id in ids.into_iter().take(2 * MOST) {
            if let Some(proposal) = load_proposal(self.trail, &id).await? {
                found.push(proposal);
            }
        }
        found.sort_by_key(|proposal| std::cmp::Reverse(proposal.opened_at()));
        Ok(found.iter().filter_map(said).take(MOST).collect())
    }

    async fn similar(&self) -> Result<Value, TrailError> {
        let mut found = Vec::new();
        for back in 1..=OUTBREAKS {
            let Some(generation) = self
                .proposal
                .generation()
                .checked_sub(back)
                .filter(|left| *left > 0)
            else {
                break;
            };
            let id = ProposalId::new(self.proposal.fingerprint().clone(), generation);
            if let Some(proposal) = load_proposal(self.trail, &id).await? {
                found.push(outcome_of(&proposal));
            }
        }
        Ok(Value::Array(found))
    }
}

fn percent(share: Ppm) -> Value {
    json!(share.to_string())
}

fn providers(inventory: &Inventory) -> Value {
    let provider = |provider: &domain::inventory::Provider| {
        json!({"provider": provider.id, "breaker_open": provider.blocked, "healthy": provider.is_healthy(),
               "requests": provider.requests, "error_rate": percent(provider.error_rate), "window_s": provider.window_s,
               "latency_p50_ms": provider.latency_p50_ms, "median_1h_ms": provider.median_1h_ms})
    };
    inventory.providers.iter().map(provider).collect()
}

fn routes(inventory: &Inventory) -> Value {
    let group = |group: &domain::inventory::ModelGroup| {
        let routes: Vec<Value> = group
            .routes
            .iter()
            .map(|route| {
                let provider = inventory.provider(&route.provider);
                json!({"provider": route.provider, "weight": route.weight,
                       "healthy": provider.is_some_and(domain::inventory::Provider::is_healthy)})
            })
            .collect();
        json!({"model_group": group.id, "routes": routes})
    };
    inventory.model_groups.iter().map(group).collect()
}

fn teams(inventory: &Inventory) -> Value {
    let team = |team: &domain::inventory::Team| {
        json!({"team": team.id, "critical": team.critical, "requests_per_minute_limit": team.rpm,
               "tokens_per_minute_limit": team.tpm, "requests_last_5_min": team.requests_5m,
               "model_groups": team.model_groups})
    };
    inventory.teams.iter().map(team).collect()
}

fn budgets(inventory: &Inventory) -> Value {
    let budget = |budget: &domain::inventory::Budget| {
        json!({"owner": budget.owner, "soft_cap_usd": budget.soft_cap, "hard_cap_usd": budget.hard_cap,
               "spent_usd": budget.spend})
    };
    inventory.budgets.iter().map(budget).collect()
}

fn contracts(inventory: &Inventory) -> Value {
    let contract = |contract: &domain::inventory::Contract| {
        json!({"sla_id": contract.id, "in_force": contract.enabled, "measured": contract.measured,
               "missed": contract.measured.map(domain::incident::SlaMetric::violated)})
    };
    let guardrail = |guardrail: &domain::inventory::Guardrail| json!({"guardrail": guardrail.id, "in_force": guardrail.enabled});
    json!({
        "contracts": inventory.contracts.iter().map(contract).collect::<Vec<_>>(),
        "guardrails": inventory.guardrails.iter().map(guardrail).collect::<Vec<_>>(),
    })
}

fn action_of(proposal: &Proposal) -> Option<&Action> {
    proposal.proposed().map(|proposed| &proposed.action)
}

/// How a proposal went.
fn outcome_of(proposal: &Proposal) -> Value {
    let received = proposal.received();
    let event = &received.event;
    json!({"opened_at": proposal.opened_at(), "event": event.event_type(), "what": event.to_string(),
           "reported_by": received.source, "not_as_it_came": received.complaints,
           "reported_again": proposal.repeats(),
           "action": action_of(proposal), "state": proposal.state().name(),
           "declined": proposal.declined().map(|declined| &declined.explanation),
           "metric_afterwards": proposal.verified().map(|verified| &verified.condition)})
}

/// What a proposal changed, if it changed anything.
fn changes_of(proposal: &Proposal) -> Option<Value> {
    let in_force = match proposal.state() {
        State::Succeeded(_) | State::Executing(_) | State::Unknown(_) => true,
        State::Closed(Outcome::Restored) => false,
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Approved(_)
        | State::Closed(_) => return None,
    };
    Some(json!({"since": proposal.state_since(), "action": action_of(proposal), "in_force": in_force}))
}
