//! `sre-agent policy replay`: what another policy would have made of what was proposed.
//!
//! Each `scored` record is one case. It is scored again by the agent's own function, from what is recorded: the event, the
//! proposal as it was then with its evidence, the instant, threshold and automatic approval, and `control`. No model and
//! no gateway is asked. What would have happened after another decision is not simulated, nor are safety limits.

mod differences;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::BoolishValueParser;
use domain::action::ActionKind;
use domain::permission::InForce;
use domain::policy::{Reached, SafetyLimit};
use domain::proposal::{Decision, IllegalTransition, Proposal, Scored};
use domain::risk;
use domain::risk::{SWITCHED_OFF, Subject};
use domain::trail::{Control, Record};
use domain::value::{Deployment, Digest, ProposalId, Timestamp};
use serde::{Deserialize, Serialize};

use self::differences::Differences;
pub(super) use self::report::aligned;
use super::life::{self, Course};
use super::source::{Gather, Source, Switched};
use trail::walk::Window;

use crate::moment::Moment;

/// How far back the trail is looked at where nothing else is asked for: 30 days.
pub(super) const DEFAULT_MOMENT: Moment = Moment::Ago(30 * 86_400);

/// What `policy replay` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArguments {
    /// Directory of the policy to try: risk.toml and *.cedar
    #[arg(long, value_name = "DIR")]
    pub(super) policy: PathBuf,

    #[command(flatten)]
    pub(super) source: Source,

    /// SRE_RISK_THRESHOLD to try, 0-100. Without it, each proposal meets the one that was in force
    #[arg(long, value_name = "SCORE", value_parser = clap::value_parser!(u8).range(0..=100))]
    threshold: Option<u8>,

    /// SRE_AUTO_APPROVE to try. Without it, each proposal meets what was in force
    #[arg(long, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    auto_approve: Option<bool>,

    /// Prints JSON Lines: one object for each proposal that would go elsewhere, and a summary last
    #[arg(long)]
    json: bool,
}

impl ReplayArguments {
    /// What is asked of every case.
    pub(super) fn trial(&self, in_force: InForce) -> Arc<Trial> {
        Arc::new(Trial {
            in_force,
            threshold: self.threshold,
            auto_approve: self.auto_approve,
        })
    }
}

/// The policy that is tried, and the switches of the template.
pub(crate) struct Trial {
    in_force: InForce,
    /// Instead of the one recorded.
    threshold: Option<u8>,
    /// Instead of what is recorded.
    auto_approve: Option<bool>,
}

impl Trial {
    /// What would have been recorded instead.
    fn score(
        &self,
        proposal: &Proposal,
        scored: &Scored,
        at: Timestamp,
        switched: &Switched,
    ) -> Option<Scored> {
        let deployment = Deployment {
            risk_threshold: self.threshold.unwrap_or(scored.threshold),
            auto_approve: self.auto_approve.unwrap_or(scored.auto_approve),
            ..Deployment::default()
        };
        let subject = Subject::of(proposal)?;
        let control = control(scored, at, switched);
        // The very policy that was in force in place of a published one still is. Another one is tried as published.
        let instead = scored.policy_instead_because.as_ref();
        let instead = instead.filter(|_| scored.policy == self.in_force.digest);
        let new = match instead {
            Some(because) => {
                let in_force = InForce {
                    instead_because: Some(because.clone()),
                    ..self.in_force.clone()
                };
                risk::score(&subject, &in_force, &deployment, &control, at)
            }
            None => risk::score(&subject, &self.in_force, &deployment, &control, at),
        };
        // Limits are counted on the trail as it was. What one held is held again wherever it comes to that.
        Some(match scored.limit {
            Some(limit) if new.decision == Decision::Auto => {
                let because = scored.because.clone();
                new.held_by(Reached { limit, because }, &deployment, at)
            }
            Some(_) | None => new,
        })
    }

    /// Whether a case met other settings than are tried.
    fn is_as_recorded(&self, scored: &Scored) -> bool {
        scored.policy == self.in_force.digest
            && self.threshold.is_none_or(|tried| tried == scored.threshold)
            && self.auto_approve.is_none_or(|tried| tried == scored.auto_approve)
    }
}

/// `control` as scoring saw it. What the record itself tells of it comes first: the clocks of who switched and who scored
/// are two.
fn control(scored: &Scored, at: Timestamp, switched: &Switched) -> Control {
    let rules_allowed = scored.decision == Decision::Auto || scored.sampled || scored.limit.is_some();
    // Rules are asked after the switch, and name themselves.
    let told = || scored.because.strip_prefix(SWITCHED_OFF);
    let off = scored.switched_off.as_deref().or_else(told);
    let off = off.filter(|_| scored.decision == Decision::Gate && scored.rules.is_empty());
    let mut control = switched.at(at);
    match off {
        Some(reason) => control.switches.automatic_off = Some(reason.to_owned()),
        None if rules_allowed || !scored.rules.is_empty() => control.switches.automatic_off = None,
        None => {}
    }
    control
}

/// A scoring, as far as it is compared and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Side {
    score: u8,
    decision: Decision,
    approvals_needed: u8,
    because: String,
    rules: Vec<String>,
    limit: Option<SafetyLimit>,
    sampled: bool,
    threshold: u8,
    auto_approve: bool,
    policy: Digest,
}

impl Side {
    fn of(scored: &Scored) -> Self {
        Self {
            score: scored.score,
            decision: scored.decision,
            approvals_needed: scored.approvals_needed,
            because: scored.because.clone(),
            rules: scored.rules.clone(),
            limit: scored.limit,
            sampled: scored.sampled,
            threshold: scored.threshold,
            auto_approve: scored.auto_approve,
            policy: scored.policy,
        }
    }

    /// How many people are asked; none where none is.
    fn asks(&self) -> Option<u8> {
        (self.decision == Decision::Gate).then_some(self.approvals_needed)
    }
}

/// A factor with other points than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FactorChange {
    /// Its name; `baseline` for the action's own.
    name: String,
    /// Points before; 0 where it did not count.
    old: i32,
    /// Points now.
    new: i32,
}

fn factor_changes(old: &Scored, new: &Scored) -> Vec<FactorChange> {
    let baselines = (i32::from(old.baseline), i32::from(new.baseline));
    let mut points: BTreeMap<&str, (i32, i32)> = BTreeMap::from([("baseline", baselines)]);
    for factor in &old.factors {
        points.entry(&factor.name).or_default().0 += factor.points;
    }
    for factor in &new.factors {
        points.entry(&factor.name).or_default().1 += factor.points;
    }
    let changes = points.into_iter().filter(|(_, (old, new))| old != new);
    changes
        .map(|(name, (old, new))| FactorChange {
            name: name.to_owned(),
            old,
            new,
        })
        .collect()
}

/// A case that another policy would have scored or led otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    at: Timestamp,
    proposal: ProposalId,
    /// Position of the `scored` record.
    seq: u64,
    action: ActionKind,
    old: Side,
    new: Side,
    factors: Vec<FactorChange>,
    course: Course,
}

/// How many cases, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Scorings that were looked at.
    cases: u64,
    /// Same score, same factors, same people asked.
    unchanged: u64,
    /// A person would be asked, and was not.
    newly_asked: u64,
    /// Would run by itself, and did not.
    newly_executed: u64,
    /// Would only be watched, and was not.
    newly_shadow: u64,
    /// Asked both times, and another number of people.
    quorum_changes: u64,
    /// Another score.
    score_changes: u64,
    /// Held by a safety limit, and taken to be held again.
    held_by_limit: u64,
    /// Scored under this very policy and these settings, and otherwise: another version of the agent did, or clocks
    /// disagree.
    not_reproduced: u64,
}

impl Summary {
    fn plus(self, other: &Self) -> Self {
        Self {
            cases: self.cases + other.cases,
            unchanged: self.unchanged + other.unchanged,
            newly_asked: self.newly_asked + other.newly_asked,
            newly_executed: self.newly_executed + other.newly_executed,
            newly_shadow: self.newly_shadow + other.newly_shadow,
            quorum_changes: self.quorum_changes + other.quorum_changes,
            score_changes: self.score_changes + other.score_changes,
            held_by_limit: self.held_by_limit + other.held_by_limit,
            not_reproduced: self.not_reproduced + other.not_reproduced,
        }
    }
}

/// A replay under way, and its result.
pub(crate) struct Replay {
    trial: Arc<Trial>,
    /// Which scorings count; all where there is none.
    window: Option<Window>,
    differences: Differences,
    summary: Summary,
    /// What had become of what would run by itself now: what an operator looks for first.
    newly_executed_were: BTreeMap<&'static str, u64>,
    /// Digests of the policies that were in force.
    policies: BTreeSet<Digest>,
}

impl Replay {
    /// Nothing looked at yet.
    pub(super) fn new(trial: Arc<Trial>, window: Option<Window>) -> Self {
        Self {
            trial,
            window,
            differences: Differences::default(),
            summary: Summary::default(),
            newly_executed_were: BTreeMap::new(),
            policies: BTreeSet::new(),
        }
    }

    /// Scores one case again; what differs, with what follows still to be told.
    fn case(
        &mut self,
        proposal: &Proposal,
        old: &Scored,
        record: &Record,
        switched: &Switched,
    ) -> Option<Difference> {
        if self.window.is_some_and(|window| !window.holds(record.at)) {
            return None;
        }
        // What was scored was proposed: replaying it has shown that.
        let (new, proposed) = (
            self.trial.score(proposal, old, record.at, switched)?,
            proposal.proposed()?,
        );
        self.summary.cases += 1;
        self.policies.insert(old.policy);
        let factors = factor_changes(old, &new);
        let as_recorded = self.trial.is_as_recorded(old);
        let difference = Difference {
            at: record.at,
            proposal: proposal.id().clone(),
            seq: record.seq,
            action: proposed.action.kind(),
            old: Side::of(old),
            new: Side::of(&new),
            factors,
            course: Course::after(old.decision),
        };
        let (before, after) = (&difference.old, &difference.new);
        let quorum = matches!((before.asks(), after.asks()), (Some(before), Some(after)) if before != after);
        let moved = before.decision != after.decision;
        let rescored = before.score != after.score;
        let summary = &mut self.summary;
        summary.held_by_limit += u64::from(after.limit.is_some());
        summary.quorum_changes += u64::from(quorum);
        summary.score_changes += u64::from(rescored);
        if moved {
            *match after.decision {
                Decision::Gate => &mut summary.newly_asked,
                Decision::Auto => &mut summary.newly_executed,
                Decision::Shadow => &mut summary.newly_shadow,
            } += 1;
        }
        if moved || rescored || quorum || !difference.factors.is_empty() {
            summary.not_reproduced += u64::from(as_recorded);
            return Some(difference);
        }
        summary.unchanged += 1;
        None
    }
}

impl Gather for Replay {
    fn take(&mut self, records: &[Record], switched: &Switched) -> Result<(), IllegalTransition> {
        let told = life::walk(records, |proposal, scored, record| {
            self.case(proposal, scored, record, switched)
        })?;
        let differences = told.into_iter().filter_map(|(difference, course)| {
            Some(Difference {
                course,
                ..difference?
            })
        });
        for difference in differences {
            if let Some(was) = difference.newly_executed_was() {
                *self.newly_executed_were.entry(was).or_default() += 1;
            }
            self.differences.add(difference);
        }
        Ok(())
    }

    fn plus(mut self, other: Self) -> Self {
        self.differences.extend(other.differences);
        self.policies.extend(other.policies);
        for (was, count) in other.newly_executed_were {
            *self.newly_executed_were.entry(was).or_default() += count;
        }
        Self {
            summary: self.summary.plus(&other.summary),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
