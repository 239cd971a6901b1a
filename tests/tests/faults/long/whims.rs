//! Who chooses the actions: any that an event allows, nothing, and nonsense.

use async_trait::async_trait;
use domain::incident::EventType;
use domain::ports::{Brief, Conclusion, Reasoner, Unavailable};
use domain::proposal::{DeclineReason, Declined, Proposer};
use domain::value::Digest;
use serde_json::{Value, json};
use tests::walk::Random;

/// A reasoner of moods, the same for the same seed and proposal.
pub(super) struct Whims(pub(super) u64);

#[async_trait]
impl Reasoner for Whims {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        let event = &brief.received.event;
        let about = format!("{} {} {}", self.0, brief.proposal, event.event_id);
        let digest = Digest::of(about.as_bytes()).to_string();
        let seed = digest
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut dice = Random::seeded(seed);
        let page = json!({"action": "page_oncall", "severity": "critical", "summary": "somebody must look"});
        let provider = event.provider().map_or("openai", |provider| provider.as_str());
        let breaks = |seconds: u64| json!({"action": "circuit_break_provider", "provider": provider, "duration_s": seconds});
        let of_the_kind = match event.event_type() {
            EventType::ProviderUnhealthy => {
                vec![breaks(60), breaks(120), breaks(300), breaks(60)]
            }
            EventType::LatencySpike => vec![
                json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
                json!({"action": "disable_guardrail", "guardrail": "pii"}),
                breaks(90),
            ],
            EventType::BudgetExceeded => vec![
                json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}),
                json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "150.00"}),
                json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "190.00"}),
            ],
            EventType::SlaViolation => vec![json!({"action": "disable_sla_contract", "sla_id": "gold"})],
        };
        Ok(match dice.below(20) {
            // What is changed must be seen.
            _ if brief.inventory.is_none() => proposes(page),
            0 => Conclusion::Decline(Declined {
                reason: DeclineReason::NothingToDo,
                explanation: "It will pass.".to_owned(),
                proposer: None,
                borne_out: None,
            }),
            1 => proposes(json!({"action": "disable_guardrail", "guardrail": "no-such-thing"})),
            2 | 3 => proposes(page),
            _ => proposes(of_the_kind[dice.below(of_the_kind.len())].clone()),
        })
    }
}

fn proposes(action: Value) -> Conclusion {
    Conclusion::Propose {
        action: serde_json::from_value(action).unwrap(),
        rationale: "A whim.".to_owned(),
        proposer: Proposer::Runbook {
            version: 0,
            instead_of: None,
        },
    }
}
