//! What was decided without a person, computed again from the trail: a `scored` record is what its evidence gives, or
//! nothing starts because of it.
//!
//! The instant of a score is that of its record. What it rested on is the `proposed` record (with what a person made
//! of it), the policy, the deployment and the switches; how they stand **now** counts, so that a score of before a
//! change starts nothing after it. What is computed again and what is asked again is in
//! `infra/decisions/0013-a-score-is-computed-again-before-it-starts.md`.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::{Gate, Subject, assess, gate, score};
use crate::permission::InForce;
use crate::proposal::{Decision, Evidence, Proposal, Proposed, Scored};
use crate::trail::Control;
use crate::value::{Deployment, Timestamp, shorten};

/// One thing that a `scored` record says otherwise than it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The record's field, or the factor: `score`, `factor night`.
    pub name: String,
    /// What the record says.
    pub recorded: String,
    /// What it is.
    pub recomputed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            recorded,
            recomputed,
        } = self;
        write!(f, "{name}: recorded {recorded}, computed again {recomputed}")
    }
}

/// What is said of a value that is not there.
const NOTHING: &str = "nothing";

impl Difference {
    fn new(name: impl Into<String>, recorded: Option<&Value>, recomputed: Option<&Value>) -> Self {
        let told = |value: Option<&Value>| match value {
            None | Some(Value::Null) => NOTHING.to_owned(),
            Some(Value::String(text)) => shorten(text),
            // Of JSON, quotes are no more than quotes.
            Some(other) => shorten(&other.to_string()).replace("\\\"", "\""),
        };
        Self {
            name: name.into(),
            recorded: told(recorded),
            recomputed: told(recomputed),
        }
    }
}

/// What was scored, its score, and when; none of what never was.
fn scored_as(proposal: &Proposal) -> Option<(Subject<'_>, &Scored, Timestamp)> {
    Some((Subject::of(proposal)?, proposal.scored()?, proposal.scored_at()?))
}

/// What an automatic decision says otherwise than it is, under the policy, deployment and switches of now; empty where
/// it stands, and only then may it start.
///
/// The whole record is computed again at its own instant; then the rules, the calendars, the shadow and the switches are
/// asked at `now`. Limits are not part of it: they are counted on the trail, and asked there ([`super::admission`]).
pub fn automatic(
    proposal: &Proposal,
    in_force: &InForce,
    deployment: &Deployment,
    control: &Control,
    now: Timestamp,
) -> Vec<Difference> {
    let Some((subject, recorded, at)) = scored_as(proposal) else {
        return vec![never_scored()];
    };
    let mut differences = compare(recorded, &score(&subject, in_force, deployment, control, at));
    // Pauses since then count in what was paused until now, and nothing tells them apart exactly: at least so much had
    // been paused then, and at most as much as until now.
    differences.retain(|difference| difference.name != PAUSED);
    let until_now = control.paused_ms(now);
    let at_least = until_now.saturating_sub(now.millis_since(at));
    if !(at_least..=until_now).contains(&recorded.paused_before_ms) {
        differences.push(Difference {
            name: PAUSED.to_owned(),
            recorded: recorded.paused_before_ms.to_string(),
            recomputed: format!("{at_least}–{until_now}"),
        });
    }
    if differences.is_empty() {
        let now = gate(&subject, recorded.score, in_force, deployment, control, now);
        differences.extend(not_any_more(recorded.decision, &now));
    }
    differences
}

/// What an automatic decision would be on other evidence, at the instant of its score and under what is in force now;
/// empty where it would run by itself all the same. More risk that still runs by itself is no difference.
pub fn on_evidence(
    proposal: &Proposal,
    evidence: Evidence,
    in_force: &InForce,
    deployment: &Deployment,
    control: &Control,
    now: Timestamp,
) -> Vec<Difference> {
    let Some((subject, recorded, at)) = scored_as(proposal) else {
        return vec![never_scored()];
    };
    let proposed = Proposed {
        evidence,
        ..subject.proposed.clone()
    };
    let risk = assess(&proposed, &in_force.policy, at);
    if risk.score <= recorded.score {
        return Vec::new();
    }
    let subject = Subject {
        proposed: &proposed,
        ..subject
    };
    let gate = gate(&subject, risk.score, in_force, deployment, control, now);
    let mut differences = Vec::from_iter(not_any_more(recorded.decision, &gate));
    if !differences.is_empty() {
        differences.push(Difference {
            name: "score".to_owned(),
            recorded: recorded.score.to_string(),
            recomputed: risk.score.to_string(),
        });
    }
    differences
}

const PAUSED: &str = "paused_before_ms";

/// What the score that people were shown says otherwise than it is; empty where it stands.
///
/// Under the policy of then it must be the same. Another policy may have been published since: then people must not
/// have been shown less risk than it sees.
pub fn shown(proposal: &Proposal, in_force: &InForce) -> Vec<Difference> {
    let Some((subject, recorded, at)) = scored_as(proposal) else {
        return vec![never_scored()];
    };
    let action = subject.proposed.action.kind();
    let risk = assess(subject.proposed, &in_force.policy, at);
    let again = Scored {
        score: risk.score,
        baseline: action.baseline(),
        floor: action.floor(),
        factors: risk.factors,
        approvals_needed: in_force.policy.approvals_needed(risk.score),
        ..recorded.clone()
    };
    let differences = compare(recorded, &again);
    if recorded.policy == in_force.digest || again.score > recorded.score {
        return differences;
    }
    Vec::new()
}

fn never_scored() -> Difference {
    Difference {
        name: "scored".to_owned(),
        recorded: NOTHING.to_owned(),
        recomputed: NOTHING.to_owned(),
    }
}

fn not_any_more(recorded: Decision, now: &Gate) -> Option<Difference> {
    (now.decision != recorded).then(|| Difference {
        name: "decision".to_owned(),
        recorded: recorded.name().to_owned(),
        recomputed: format!("{}, since {}", now.decision.name(), now.because),
    })
}

/// Fields that say why others differ: they are told first.
const CAUSES: [&str; 10] = [
    "score",
    "baseline",
    "floor",
    "threshold",
    "auto_approve",
    "policy",
    "policy_instead_because",
    "switched_off",
    "decision",
    "approvals_needed",
];

/// Every field that differs: factors one by one, then what makes a difference, then what follows from it.
fn compare(recorded: &Scored, recomputed: &Scored) -> Vec<Difference> {
    let mut differences = factors(recorded, recomputed);
    let (recorded, recomputed) = (fields(recorded), fields(recomputed));
    let names = recorded.keys().chain(recomputed.keys()).map(String::as_str);
    let others: BTreeSet<&str> = names.filter(|name| !CAUSES.contains(name)).collect();
    for name in CAUSES.into_iter().chain(others) {
        let (was, is) = (recorded.get(name), recomputed.get(name));
        if was != is {
            differences.push(Difference::new(name, was, is));
        }
    }
    differences
}

/// Its fields but for the factors, as the record has them.
fn fields(scored: &Scored) -> Map<String, Value> {
    let without = Scored {
        factors: Vec::new(),
        ..scored.clone()
    };
    match serde_json::to_value(without) {
        Ok(Value::Object(fields)) => fields,
        // Cannot be: it is a struct of plain values.
        Ok(_) | Err(_) => Map::new(),
    }
}

fn factors(recorded: &Scored, recomputed: &Scored) -> Vec<Difference> {
    let told = |factors: &[crate::proposal::Factor], name: &str| {
        let of_name = factors.iter().filter(|factor| factor.name == name);
        let each: Vec<String> = of_name
            .map(|factor| format!("{:+} ({})", factor.points, factor.because))
            .collect();
        (!each.is_empty()).then(|| Value::String(each.join(", ")))
    };
    let both = || recorded.factors.iter().chain(&recomputed.factors);
    let mut names: Vec<&str> = Vec::new();
    for factor in both() {
        if !names.contains(&factor.name.as_str()) {
            names.push(&factor.name);
        }
    }
    let mut differences: Vec<Difference> = names
        .into_iter()
        .map(|name| {
            (
                name,
                told(&recorded.factors, name),
                told(&recomputed.factors, name),
            )
        })
        .filter(|(_, was, is)| was != is)
        .map(|(name, was, is)| Difference::new(format!("factor {name}"), was.as_ref(), is.as_ref()))
        .collect();
    if differences.is_empty() && recorded.factors != recomputed.factors {
        differences.push(Difference {
            name: "factors".to_owned(),
            recorded: "in another order".to_owned(),
            recomputed: "in theirs".to_owned(),
        });
    }
    differences
}

#[cfg(test)]
mod tests;
