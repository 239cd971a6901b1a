//! The built-in runbook: a deterministic proposer, for when no model can answer.
//!
//! | event | action |
//! | --- | --- |
//! | provider unhealthy | break it, if every model group keeps a healthy deployment; else page |
//! | latency spike | re-route to a healthy deployment of the group; else page |
//! | budget, soft | decline: nothing is refused yet |
//! | budget, hard | page; decline a cap of zero, which is a block on purpose |
//! | budget of anybody but a team or an organisation | the same, and say that nothing reaches it |
//! | SLA, a latency, of a contract about a provider | re-route; else page |
//! | SLA, any other | page |

use async_trait::async_trait;
use domain::action::{Action, CircuitBreakProvider, PageOncall, RerouteModelGroup};
use domain::incident::{BudgetKind, Event, Trouble};
use domain::inventory::{Inventory, ModelGroup, Provider};
use domain::ports::{Brief, Conclusion, Reasoner, Unavailable};
use domain::proposal::{DeclineReason, Declined, Proposer};
use domain::value::{Limits, Micros, ProviderId, visible};

/// Version of the rules above, recorded with every proposal.
pub const VERSION: u32 = 5;

/// The runbook with its one parameter.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// How long it breaks a provider, 30–300 seconds.
    pub break_s: u64,
    /// Bounds of actions.
    pub limits: Limits,
}

#[async_trait]
impl Reasoner for Runbook {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        Ok(self.conclude(&brief.received.event, brief.inventory))
    }
}

impl Runbook {
    /// What the runbook says to an event.
    pub fn conclude(&self, event: &Event, inventory: Option<&Inventory>) -> Conclusion {
        let Some(inventory) = inventory else {
            return page(
                event,
                "The gateway could not be read, so nothing on it may be changed.",
            );
        };
        let believed = &inventory.believe(event).event;
        let names_others = (event.provider().is_some() && event.provider() != believed.provider())
            || (event.model_group().is_some() && event.model_group() != believed.model_group());
        let event = believed;
        match &event.trouble {
            Trouble::ProviderUnhealthy { provider, .. } => self.break_provider(event, provider, inventory),
            // What does not belong together on the gateway moves nothing.
            Trouble::LatencySpike { .. } | Trouble::SlaViolation { .. } if names_others => {
                page(event, "What it names does not belong together on the gateway.")
            }
            Trouble::LatencySpike { provider, .. } => self.reroute(event, provider, inventory),
            Trouble::BudgetExceeded {
                kind: BudgetKind::Soft,
                owner,
                ..
            } => Conclusion::Decline(Declined {
                reason: DeclineReason::NothingToDo,
                explanation: match owner.out_of_reach() {
                    None => "a soft limit only warns: the gateway refuses nothing yet".to_owned(),
                    Some(why) => format!("{event}: {why}, and a soft limit only warns"),
                },
                proposer: Some(myself()),
                borne_out: None,
            }),
            Trouble::BudgetExceeded { owner, .. }
                if owner
                    .owner()
                    .and_then(|owner| inventory.budget(owner))
                    .is_some_and(|budget| budget.hard_cap == Micros(0)) =>
            {
                Conclusion::Decline(Declined {
                    reason: DeclineReason::NothingToDo,
                    explanation: format!("the cap of {owner} is zero: that is a block on purpose"),
                    proposer: Some(myself()),
                    borne_out: None,
                })
            }
            Trouble::BudgetExceeded {
                kind: BudgetKind::Hard,
                owner,
                ..
            } => page(
                event,
                &match owner.out_of_reach() {
                    None => {
                        "The gateway refuses requests; whether to allow more spending is a person's decision."
                            .to_owned()
                    }
                    Some(why) => format!(
                        "The gateway refuses requests, and {why}: whether to allow more spending is a person's decision."
                    ),
                },
            ),
            Trouble::SlaViolation {
                measured,
                provider: Some(provider),
                ..
            } if measured.is_latency() => self.reroute(event, provider, inventory),
            Trouble::SlaViolation { .. } => page(event, "The contract names no provider to move away from."),
        }
    }

    fn break_provider(&self, event: &Event, provider: &ProviderId, inventory: &Inventory) -> Conclusion {
        let action = Action::CircuitBreakProvider(CircuitBreakProvider {
            provider: provider.clone(),
            duration_s: self.break_s,
        });
        let unhealthy = inventory.groups_of(provider).find(|group| {
            let mut others = inventory
                .live_routes(group)
                .filter(|route| route.provider != *provider);
            !others.any(|route| {
                inventory
                    .provider(&route.provider)
                    .is_some_and(Provider::is_healthy)
            })
        });
        match action.check(event, Some(inventory), &self.limits) {
            // To break it would only send everything to others that fail, too.
            Ok(_) if unhealthy.is_some() => page(
                event,
                &format!(
                    "No other deployment of model group {} is healthy.",
                    unhealthy.map_or("", |group| group.id.as_str())
                ),
            ),
            Ok(_) => propose(
                action,
                format!("{event}. Every model group keeps a healthy deployment without {provider}."),
            ),
            Err(complaints) => page(
                event,
                &format!("A break is not possible: {}.", sentence(&complaints)),
            ),
        }
    }

    fn reroute(&self, event: &Event, from: &ProviderId, inventory: &Inventory) -> Conclusion {
        let mut groups: Vec<&ModelGroup> = inventory
            .groups_of(from)
            .filter(|group| event.model_group().is_none_or(|named| *named == group.id))
            .collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(weight(group, from)), group.id.clone()));
        let mut refused = Vec::new();
        for group in groups {
            let mut others: Vec<_> = inventory
                .live_routes(group)
                .filter(|route| route.provider != *from)
                .collect();
            others.sort_by_key(|route| (std::cmp::Reverse(route.weight), route.provider.clone()));
            for route in others {
                let action = Action::RerouteModelGroup(RerouteModelGroup {
                    model_group: group.id.clone(),
                    from: from.clone(),
                    to: route.provider.clone(),
                });
                match action.check(event, Some(inventory), &self.limits) {
                    Ok(_) => {
                        return propose(
                            action,
                            format!(
                                "{event}. {} is healthy and serves {} already.",
                                route.provider, group.id
                            ),
                        );
                    }
                    Err(complaints) => refused.push(sentence(&complaints)),
                }
            }
        }
        let why = match refused.as_slice() {
            [] => String::new(),
            refused => format!(" Not possible: {}.", refused.join("; ")),
        };
        page(
            event,
            &format!("No model group that {from} serves can be re-routed to a healthy provider.{why}"),
        )
    }
}

fn weight(group: &ModelGroup, provider: &ProviderId) -> u32 {
    group
        .routes
        .iter()
        .find(|route| route.provider == *provider)
        .map_or(0, |route| route.weight)
}

fn sentence(complaints: &[domain::action::Complaint]) -> String {
    complaints
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn propose(action: Action, rationale: String) -> Conclusion {
    Conclusion::Propose {
        action,
        rationale,
        proposer: myself(),
    }
}

fn myself() -> Proposer {
    Proposer::Runbook {
        version: VERSION,
        instead_of: None,
    }
}

/// A page made of the event's structured facts, never of its free text.
fn page(event: &Event, why: &str) -> Conclusion {
    let mut summary = visible(&event.to_string());
    if let Some((end, _)) = summary.char_indices().nth(PageOncall::MAX_CHARS) {
        summary.truncate(end);
    }
    propose(
        Action::PageOncall(PageOncall {
            severity: event.severity,
            summary,
        }),
        format!("{event}. {why}"),
    )
}
