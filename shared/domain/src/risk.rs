//! Risk: a score from 0 to 100 with the factors that explain it, and where it leads.

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::control::Control;
use crate::inventory::Condition;
use crate::policy::Policy;
use crate::proposal::{Decision, Proposed, Scored};
use crate::time::Timestamp;

/// One thing that moved a score, with the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name in the policy.
    pub name: String,
    /// Points added; negative lowers.
    pub points: i32,
    /// One plain sentence.
    pub because: String,
}

/// A score with what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// 0–100.
    pub score: u8,
    /// What moved it.
    pub factors: Vec<Factor>,
}

/// `clamp(baseline + Σ factors, floor, 100)`.
pub fn assess(action: ActionKind, factors: Vec<Factor>) -> Risk {
    let sum = factors.iter().fold(i64::from(action.baseline()), |sum, factor| {
        sum + i64::from(factor.points)
    });
    let score = sum.clamp(i64::from(action.floor()), 100);
    Risk {
        score: u8::try_from(score).unwrap_or(100),
        factors,
    }
}

/// Scores a proposal and decides where it goes. A pure function of the recorded evidence, the policy,
/// the switches and the clock.
pub fn score(proposed: &Proposed, policy: &Policy, control: &Control, now: Timestamp) -> Scored {
    let action = proposed.action.kind();
    let risk = assess(action, Vec::new());
    let (decision, because) = gate(proposed, risk.score, policy, control);
    Scored {
        score: risk.score,
        baseline: action.baseline(),
        floor: action.floor(),
        factors: risk.factors,
        threshold: policy.risk_threshold,
        auto_approve: policy.auto_approve,
        decision,
        because,
        policy: policy.digest(),
        approvals_needed: policy.approvals_needed(risk.score),
        deadline: (decision == Decision::Gate).then(|| now.plus_seconds(policy.approval_deadline_s)),
        valid_until: (decision == Decision::Auto).then(|| now.plus_seconds(policy.approval_valid_s)),
        paused_before_ms: control.paused_ms(now),
    }
}

/// Where a score leads, and why. Every doubt leads to a person.
fn gate(proposed: &Proposed, score: u8, policy: &Policy, control: &Control) -> (Decision, String) {
    let threshold = policy.risk_threshold;
    if policy.shadow.contains(&proposed.action.kind()) {
        (Decision::Shadow, "the policy only watches this action".to_owned())
    } else if score > threshold {
        (
            Decision::Gate,
            format!("the score of {score} is above the threshold of {threshold}"),
        )
    } else if !policy.auto_approve {
        (Decision::Gate, "automatic approval is off".to_owned())
    } else if let Some(reason) = &control.switches.automatic_off {
        (
            Decision::Gate,
            format!("automatic execution was switched off: {reason}"),
        )
    } else if !matches!(proposed.evidence.condition, Condition::Confirmed(_)) {
        (
            Decision::Gate,
            "the gateway could not confirm the event".to_owned(),
        )
    } else {
        (
            Decision::Auto,
            format!(
                "the score of {score} is not above the threshold of {threshold}, and automatic approval is on"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(points: i32) -> Factor {
        Factor {
            name: "test".to_owned(),
            points,
            because: "of the test".to_owned(),
        }
    }

    #[test]
    fn no_factor_brings_a_score_below_its_floor_or_above_a_hundred() {
        for action in ActionKind::ALL {
            assert_eq!(assess(action, vec![]).score, action.baseline());
            assert_eq!(
                assess(action, vec![factor(i32::MIN), factor(i32::MIN)]).score,
                action.floor()
            );
            assert_eq!(
                assess(action, vec![factor(i32::MAX), factor(i32::MAX)]).score,
                100
            );
        }
    }

    #[test]
    fn the_dangerous_three_can_never_fall_to_the_default_threshold() {
        let floors: Vec<_> = ActionKind::ALL
            .iter()
            .filter(|action| action.baseline() > 40)
            .map(|action| action.floor())
            .collect();
        assert_eq!(floors, [50, 65, 75]);
    }
}
