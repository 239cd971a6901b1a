//! Risk: a score from 0 to 100 with the factors that explain it, and where it leads.
//!
//! `score = clamp(baseline + Σ factors, floor, 100)`. A pure function of the recorded evidence, the policy, the
//! deployment, the switches and the clock: so it can be computed again from the trail.

pub mod admission;
mod factors;
pub mod recompute;
#[cfg(test)]
mod tests;

use self::factors::Case;
pub use self::factors::{FACTORS, Rule, size};
use crate::action::ActionKind;
use crate::incident::Event;
use crate::inventory::Condition;
use crate::permission::{Circumstances, InForce, Principal, Resource, Verb};
use crate::policy::{Local, Policy, Reached};
use crate::proposal::{Decision, Factor, Proposal, Proposed, Scored};
use crate::trail::Control;
use crate::value::{Deployment, Digest, Ppm, ProposalId, Timestamp};

/// A score with what it is made of: baseline and factors sum to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// 0–100.
    pub score: u8,
    /// What moved it.
    pub factors: Vec<Factor>,
}

/// The risk of a proposal at an instant.
pub fn assess(proposed: &Proposed, policy: &Policy, now: Timestamp) -> Risk {
    let case = Case {
        proposed,
        policy,
        local: policy.time_zone.local(now),
        now,
    };
    let factors = FACTORS.iter().filter_map(|rule| rule.judge(&case)).collect();
    clamp(proposed.action.kind(), factors)
}

/// `clamp(baseline + Σ factors, floor, 100)`, with what the clamp added or took as a factor of its own.
fn clamp(action: ActionKind, mut factors: Vec<Factor>) -> Risk {
    let (baseline, floor) = (i64::from(action.baseline()), i64::from(action.floor()));
    let sum = factors
        .iter()
        .fold(baseline, |sum, factor| sum + i64::from(factor.points));
    let score = sum.clamp(floor, 100);
    let moved = i32::try_from(score - sum).unwrap_or(0);
    if moved != 0 {
        let (name, because) = if moved > 0 {
            ("floor", format!("nothing brings {action} below {floor}"))
        } else {
            ("ceiling", "no score is above 100".to_owned())
        };
        factors.push(Factor {
            name: name.to_owned(),
            points: moved,
            because,
        });
    }
    Risk {
        score: u8::try_from(score).unwrap_or(100),
        factors,
    }
}

/// What is scored: a proposal with the event it answers.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its id.
    pub id: &'a ProposalId,
    /// The event.
    pub event: &'a Event,
    /// What was proposed.
    pub proposed: &'a Proposed,
    /// Whether a person changed it or took an approval back: from then on, people decide.
    pub touched: bool,
}

impl<'a> Subject<'a> {
    /// A proposal as it is scored; none where nothing is proposed yet.
    pub fn of(proposal: &'a Proposal) -> Option<Self> {
        Some(Self {
            id: proposal.id(),
            event: &proposal.received().event,
            proposed: proposal.proposed()?,
            touched: proposal.is_touched(),
        })
    }
}

/// Why what might run by itself does not any more.
const TOUCHED: &str = "a person changed it or took its approval back, so that people decide";

/// Scores a proposal and decides where it goes.
///
/// `Decision::Auto` is what risk and rules allow: the safety limits, which are counted on the trail, come after it
/// ([`admission`], [`Scored::held_by`]).
pub fn score(
    subject: &Subject<'_>,
    in_force: &InForce,
    deployment: &Deployment,
    control: &Control,
    now: Timestamp,
) -> Scored {
    let policy = &in_force.policy;
    let action = subject.proposed.action.kind();
    let risk = assess(subject.proposed, policy, now);
    let local = policy.time_zone.local(now);
    let not_before = deployment.held_back(now);
    let configured = not_before
        .unwrap_or(now)
        .plus_seconds(deployment.approval_valid_s);
    let valid_until = valid_until(policy, configured, &local, now);
    let mut gate = gate(subject, risk.score, in_force, deployment, control, now);
    if gate.decision == Decision::Auto && not_before.is_some_and(|from| from >= valid_until) {
        gate = Gate::person("a change freeze begins before people had their time to object");
    }
    let automatic = gate.decision == Decision::Auto;
    let scored = Scored {
        score: risk.score,
        baseline: action.baseline(),
        floor: action.floor(),
        factors: risk.factors,
        threshold: deployment.risk_threshold,
        auto_approve: deployment.auto_approve,
        decision: gate.decision,
        because: gate.because,
        rules: gate.rules,
        limit: None,
        switched_off: gate.switched_off,
        sampled: gate.sampled,
        automatic: automatic.then_some(policy.automatic),
        policy: in_force.digest,
        policy_instead_because: in_force.instead_because.clone(),
        approvals_needed: policy.approvals_needed(risk.score),
        deadline: (gate.decision == Decision::Gate).then(|| now.plus_seconds(deployment.approval_deadline_s)),
        valid_until: automatic.then_some(valid_until),
        not_before: not_before.filter(|_| automatic),
        paused_before_ms: control.paused_ms(now),
    };
    match automatic && subject.touched {
        true => scored.asks_people(TOUCHED, deployment, now),
        false => scored,
    }
}

/// An automatic approval is good for a while, and ends where a change freeze begins: it is scored again then.
fn valid_until(policy: &Policy, configured: Timestamp, local: &Local, now: Timestamp) -> Timestamp {
    policy
        .freeze
        .iter()
        .filter(|freeze| !freeze.covers(local))
        .map(|freeze| policy.time_zone.instant(freeze.from))
        .filter(|begins| *begins > now)
        .fold(configured, Timestamp::min)
}

impl Scored {
    /// What a safety limit made of an automatic decision: a person is asked.
    pub fn held_by(mut self, reached: Reached, deployment: &Deployment, now: Timestamp) -> Self {
        self.limit = Some(reached.limit);
        self.asks_people(reached.because, deployment, now)
    }

    /// The same score, put before people instead of running by itself.
    pub fn asks_people(
        mut self,
        because: impl Into<String>,
        deployment: &Deployment,
        now: Timestamp,
    ) -> Self {
        self.decision = Decision::Gate;
        self.because = because.into();
        self.automatic = None;
        self.valid_until = None;
        self.not_before = None;
        self.deadline = Some(now.plus_seconds(deployment.approval_deadline_s));
        self
    }
}

/// How a score tells that automatic execution was switched off. Records that do not hold the reason by itself yet are
/// read by it.
pub const SWITCHED_OFF: &str = "automatic execution was switched off: ";

/// Where a score leads, and why.
struct Gate {
    decision: Decision,
    because: String,
    rules: Vec<String>,
    switched_off: Option<String>,
    sampled: bool,
}

impl Gate {
    fn person(because: impl Into<String>) -> Self {
        Self {
            decision: Decision::Gate,
            because: because.into(),
            rules: Vec::new(),
            switched_off: None,
            sampled: false,
        }
    }
}

/// Every doubt leads to a person. What the state machine and the operators' switches hold is said first; what is left
/// is for the rules to allow.
fn gate(
    subject: &Subject<'_>,
    score: u8,
    in_force: &InForce,
    deployment: &Deployment,
    control: &Control,
    now: Timestamp,
) -> Gate {
    let policy = &in_force.policy;
    let threshold = deployment.risk_threshold;
    let confirmed = matches!(subject.proposed.evidence.condition, Condition::Confirmed(_));
    if policy.shadow.contains(&subject.proposed.action.kind()) {
        return Gate {
            decision: Decision::Shadow,
            ..Gate::person("the policy only watches this action")
        };
    }
    if score > threshold {
        return Gate::person(format!(
            "the score of {score} is above the threshold of {threshold}"
        ));
    }
    if policy.is_within_quorum(score) {
        return Gate::person(format!(
            "the quorum begins at a score of {}: from there on people decide, whatever the threshold",
            policy.quorum.from
        ));
    }
    if !deployment.auto_approve {
        return Gate::person("automatic approval is off");
    }
    if let Some(reason) = &control.switches.automatic_off {
        return Gate {
            switched_off: Some(reason.clone()),
            ..Gate::person(format!("{SWITCHED_OFF}{reason}"))
        };
    }
    if let Some(problem) = &in_force.instead_because {
        return Gate::person(problem);
    }
    if !confirmed {
        return Gate::person("the gateway could not confirm the event");
    }
    let circumstances = Circumstances {
        threshold,
        auto_approve: deployment.auto_approve,
        confirmed,
        ..Circumstances::at(policy, policy.time_zone.local(now))
    };
    let resource = Resource::new(subject.id, subject.event, subject.proposed, score);
    let verdict = in_force
        .rules
        .ask(Verb::AutoExecute, &Principal::Agent, &resource, &circumstances);
    if !verdict.allowed {
        let because = verdict
            .because
            .unwrap_or_else(|| "no rule allows automatic execution".to_owned());
        return Gate {
            rules: verdict.rules,
            ..Gate::person(because)
        };
    }
    if is_sampled(
        subject.id,
        Ppm(u32::try_from(policy.automatic.human_share_ppm.get()).unwrap_or(0)),
    ) {
        return Gate {
            rules: verdict.rules,
            sampled: true,
            ..Gate::person(
                "it may run by itself, and is among the share that a person is asked about all the same",
            )
        };
    }
    Gate {
        decision: Decision::Auto,
        because: format!(
            "the score of {score} is not above the threshold of {threshold}, and automatic approval is on"
        ),
        rules: verdict.rules,
        switched_off: None,
        sampled: false,
    }
}

/// Whether a proposal is among a share of all: by a hash of its id, so that nobody chooses and everybody can check.
pub fn is_sampled(id: &ProposalId, share: Ppm) -> bool {
    let digest = Digest::of_fields("sre-agent/sample/1", [id.to_string().as_bytes()]).to_string();
    // 32 bits of it, as a fraction of all.
    let bits = u64::from_str_radix(digest.get(..8).unwrap_or("ffffffff"), 16).unwrap_or(u64::MAX);
    bits * 1_000_000 < u64::from(share.0) << 32
}
