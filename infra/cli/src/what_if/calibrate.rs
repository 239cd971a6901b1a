//! `sre-agent policy calibrate`: up to which score people's answers support that an action runs by itself.
//!
//! A label is a person's answer to what was scored: yes where it was approved and neither failed nor was taken back; no
//! where it was rejected, narrowed, or went wrong. An expired proposal has none: nobody looked, which says nothing of the
//! action, and a quiet night would count as a no. A vote short of the quorum has none. Nor has what was refused when it was
//! to start: nothing was done, so that nothing went well. What is approved and not over yet has none yet; one whose approval
//! ran out is asked about again, and counts once, by its last answer.

mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::action::ActionKind;
use domain::proposal::{IllegalTransition, Scored};
use domain::trail::Record;
use domain::value::Timestamp;
use policy::{Bundle, Faults};
use serde::Serialize;

pub(super) use self::report::conclude;
use super::draft;
use super::life::{self, Answer, Course, End};
use super::source::{Gather, Source, Switched};
use super::wilson::{self, Bounds, Confidence};
use trail::walk::Window;

use crate::moment::Moment;

/// How far back the trail is looked at where nothing else is asked for.
pub(super) const DEFAULT_SINCE: &str = "90d";

/// [`DEFAULT_SINCE`].
pub(super) const DEFAULT_MOMENT: Moment = Moment::Ago(90 * 86_400);

/// What `policy calibrate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct CalibrateArguments {
    #[command(flatten)]
    pub(super) source: Source,

    /// The share of approved actions that went well which the lower bound must meet, between 0 and 1
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = share)]
    target: f64,

    /// How sure the bounds are: 0.90, 0.95 or 0.99
    #[arg(long, value_name = "SHARE", default_value = "0.95")]
    confidence: Confidence,

    /// Directory of the policy in force, which is changed; the built-in one where it is not given
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,

    /// Writes the changed policy here: a directory that is empty or is not there. Nothing is published
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Prints JSON Lines: one object for each action, and a summary last
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| 0.0 < *share && *share < 1.0);
    share.ok_or("is not a number between 0 and 1")
}

impl CalibrateArguments {
    /// The policy that was named, if one was, or what is wrong with it; and there must be room for what is written.
    pub(super) fn given(&self) -> anyhow::Result<Result<Option<Bundle>, Faults>> {
        if let Some(out) = &self.out {
            draft::is_free(out)?;
        }
        let read = self.policy.as_deref().map(super::read).transpose()?;
        Ok(read.transpose().map(|read| read.map(|(bundle, _)| bundle)))
    }
}

/// How many scorings of an action, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// A person was asked.
    asked: u64,
    /// Enough people approved.
    approved: u64,
    /// A person said no.
    rejected: u64,
    /// A person narrowed it.
    narrowed: u64,
    /// Nobody decided in time.
    expired: u64,
    /// Executed without a person.
    by_itself: u64,
    /// Was to start, by a person's leave or by itself, and a precondition did not hold any more: nothing was done.
    refused: u64,
    /// Took effect, by a person's leave or by itself, and was not undone.
    succeeded: u64,
    /// The metric that fired was seen to recover.
    helped: u64,
    /// Did not take effect, could not be taken back, or cannot be told.
    failed: u64,
    /// Taken back by people.
    undone: u64,
}

/// Labels of one score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Labels {
    /// Of those that a person was asked about in any case.
    yes: u64,
    no: u64,
    /// Of the share that would have run by itself.
    sampled_yes: u64,
    sampled_no: u64,
    /// Ran by themselves: no label.
    automatic: u64,
}

impl Labels {
    fn plus(self, other: Self) -> Self {
        Self {
            yes: self.yes + other.yes,
            no: self.no + other.no,
            sampled_yes: self.sampled_yes + other.sampled_yes,
            sampled_no: self.sampled_no + other.sampled_no,
            automatic: self.automatic + other.automatic,
        }
    }

    fn sampled(&self) -> u64 {
        self.sampled_yes + self.sampled_no
    }

    fn all(&self) -> u64 {
        self.yes + self.no + self.sampled()
    }
}

/// What is known of one action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Class {
    counts: Counts,
    by_score: BTreeMap<u8, Labels>,
}

/// The highest score that answers support, with what supports it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Supported {
    /// Up to it, inclusive.
    pub(super) threshold: u8,
    /// Answers up to it.
    pub(super) labels: u64,
    /// Those of them that were a yes, and went well.
    pub(super) good: u64,
    /// Effective number of answers: (Σw)² / Σw².
    effective: f64,
    /// Weighted share of the good ones.
    share: f64,
    /// Its bounds.
    #[serde(flatten)]
    pub(super) bounds: Bounds,
}

/// Whether a threshold is proposed for an action.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Finding {
    /// One is.
    Supported(Supported),
    /// None is.
    Unsupported {
        /// Why, and what to do about it.
        because: String,
    },
}

impl Class {
    fn add(&mut self, scored: &Scored, course: &Course) {
        let counts = &mut self.counts;
        counts.asked += u64::from(!matches!(course.answer, Answer::Itself | Answer::Watched));
        counts.helped += u64::from(course.helped == Some(true));
        match course.end {
            End::Succeeded | End::Ended => counts.succeeded += 1,
            End::Failed | End::RestoreFailed | End::Unknown => counts.failed += 1,
            End::Undone => counts.undone += 1,
            End::Refused => counts.refused += 1,
            End::None | End::Approved | End::Lapsed | End::Executing => {}
        }
        let label = match (course.answer, course.end) {
            // What came of it is told by its next scoring; or nothing ran.
            (Answer::Itself, End::Lapsed | End::Refused) => return,
            (Answer::Itself, _) => {
                counts.by_itself += 1;
                self.by_score.entry(scored.score).or_default().automatic += 1;
                return;
            }
            (Answer::Approved, end) => {
                counts.approved += 1;
                match end {
                    End::Lapsed | End::Approved | End::Executing | End::Refused | End::None => None,
                    End::Succeeded | End::Ended => Some(true),
                    // Nobody can say that it went well.
                    End::Failed | End::RestoreFailed | End::Unknown | End::Undone => Some(false),
                }
            }
            (Answer::Rejected, _) => {
                counts.rejected += 1;
                Some(false)
            }
            (Answer::Narrowed, _) => {
                counts.narrowed += 1;
                Some(false)
            }
            (Answer::Expired, _) => {
                counts.expired += 1;
                None
            }
            (Answer::Open | Answer::Watched, _) => None,
        };
        let Some(good) = label else { return };
        let labels = self.by_score.entry(scored.score).or_default();
        *match (scored.sampled, good) {
            (false, true) => &mut labels.yes,
            (false, false) => &mut labels.no,
            (true, true) => &mut labels.sampled_yes,
            (true, false) => &mut labels.sampled_no,
        } += 1;
    }

    fn plus(&mut self, other: Self) {
        let (ours, theirs) = (&mut self.counts, other.counts);
        ours.asked += theirs.asked;
        ours.approved += theirs.approved;
        ours.rejected += theirs.rejected;
        ours.narrowed += theirs.narrowed;
        ours.expired += theirs.expired;
        ours.by_itself += theirs.by_itself;
        ours.refused += theirs.refused;
        ours.succeeded += theirs.succeeded;
        ours.helped += theirs.helped;
        ours.failed += theirs.failed;
        ours.undone += theirs.undone;
        for (score, labels) in other.by_score {
            let sum = self.by_score.entry(score).or_default();
            *sum = sum.plus(labels);
        }
    }

    /// Approvals among all answers, whatever came of them.
    fn approval_rate(&self, confidence: Confidence) -> Option<(f64, Bounds)> {
        let counts = &self.counts;
        let answers = counts.approved + counts.rejected + counts.narrowed;
        (answers > 0).then(|| {
            let rate = number(counts.approved) / number(answers);
            (rate, wilson::bounds(rate, number(answers), confidence))
        })
    }

    /// The largest score up to which the lower bound meets the target. It is a score that somebody answered at: what lies
    /// above is not known.
    fn finding(&self, target: f64, confidence: Confidence) -> Finding {
        let whole = self
            .by_score
            .values()
            .copied()
            .fold(Labels::default(), Labels::plus);
        // Each sampled one stands for itself and for those that ran by themselves.
        let weight = match whole.sampled() {
            0 => 1.0,
            sampled => number(whole.automatic + sampled) / number(sampled),
        };
        let mut best: Option<Supported> = None;
        let mut nearest: Option<Supported> = None;
        let mut unspoken = None;
        let mut below = Labels::default();
        for (score, labels) in &self.by_score {
            below = below.plus(*labels);
            if labels.all() == 0 {
                continue;
            }
            if below.automatic > 0 && below.sampled() == 0 {
                unspoken = Some(below.automatic);
                continue;
            }
            let supported = supported(*score, &below, weight, confidence);
            if supported.bounds.lower >= target {
                best = Some(supported);
            }
            if nearest.is_none_or(|nearest| supported.bounds.lower >= nearest.bounds.lower) {
                nearest = Some(supported);
            }
        }
        if let Some(best) = best {
            return Finding::Supported(best);
        }
        Finding::Unsupported {
            because: self.why_not(target, confidence, &whole, nearest, unspoken),
        }
    }

    fn why_not(
        &self,
        target: f64,
        confidence: Confidence,
        whole: &Labels,
        nearest: Option<Supported>,
        unspoken: Option<u64>,
    ) -> String {
        let fewest = wilson::fewest(target, confidence);
        let at_least = format!("{target} takes {fewest} answers at the least, each of them a yes");
        if (unspoken.is_some() || whole.all() == 0) && whole.automatic > 0 && nearest.is_none() {
            let ppm = (number(fewest) / number(whole.automatic) * 1e6).ceil();
            let set = if ppm <= 1e6 {
                format!("{ppm} would have asked for so many")
            } else {
                "1000000 asks about every one, and that over a longer time".to_owned()
            };
            return format!(
                "{} ran by themselves, and none of them was sent to a person for an answer: set \
                 automatic.human_share_ppm in risk.toml ({at_least}; in this time {set})",
                whole.automatic
            );
        }
        match nearest {
            None if self.counts.refused > 0 => format!(
                "nothing that people approved has run: {} were refused at their start, which says nothing of the action \
                 ({at_least})",
                self.counts.refused
            ),
            None if self.counts.expired > 0 => format!(
                "nobody answered: {} expired, which says nothing of the action ({at_least})",
                self.counts.expired
            ),
            None => format!("nobody answered ({at_least})"),
            Some(nearest) => format!(
                "the best lower bound is {:.4}, up to a score of {}: {} of {} answers were a yes that went well \
                 ({at_least})",
                nearest.bounds.lower, nearest.threshold, nearest.good, nearest.labels
            ),
        }
    }
}

fn supported(threshold: u8, labels: &Labels, weight: f64, confidence: Confidence) -> Supported {
    let asked = number(labels.yes + labels.no);
    let sampled = number(labels.sampled());
    let sum = asked + weight * sampled;
    let squares = asked + weight * weight * sampled;
    let share = (number(labels.yes) + weight * number(labels.sampled_yes)) / sum;
    let effective = sum * sum / squares;
    Supported {
        threshold,
        labels: labels.all(),
        good: labels.yes + labels.sampled_yes,
        effective,
        share,
        bounds: wilson::bounds(share, effective, confidence),
    }
}

/// Counts of records are far below 2⁵³.
fn number(count: u64) -> f64 {
    count as f64
}

/// What the template said at the last scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Setting {
    at: Timestamp,
    threshold: u8,
    auto_approve: bool,
}

/// A calibration under way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calibration {
    /// Which scorings count; all where there is none.
    window: Option<Window>,
    classes: BTreeMap<ActionKind, Class>,
    last: Option<Setting>,
}

impl Calibration {
    /// Nothing looked at yet.
    pub(super) fn new(window: Option<Window>) -> Self {
        Self {
            window,
            classes: BTreeMap::new(),
            last: None,
        }
    }

    /// Up to which score an action without a proposed threshold runs by itself as it is: not at all where automatic
    /// approval is off.
    pub(super) fn held(&self) -> Option<u8> {
        self.last
            .filter(|last| last.auto_approve)
            .map(|last| last.threshold)
    }

    /// Every action in the order of the documents, with what is found of it.
    pub(super) fn findings(&self, target: f64, confidence: Confidence) -> Vec<(ActionKind, Finding)> {
        let unknown = Class::default();
        let finding = |action: ActionKind| {
            let class = self.classes.get(&action).unwrap_or(&unknown);
            (action, class.finding(target, confidence))
        };
        ActionKind::ALL.map(finding).into()
    }
}

impl Gather for Calibration {
    fn take(&mut self, records: &[Record], _: &Switched) -> Result<(), IllegalTransition> {
        let told = life::walk(records, |proposal, scored, record| {
            let within = self.window.is_none_or(|window| window.holds(record.at));
            let action = proposal.proposed().map(|proposed| proposed.action.kind());
            action
                .filter(|_| within)
                .map(|action| (action, scored.clone(), record.at))
        })?;
        for (case, course) in told {
            let Some((action, scored, at)) = case else {
                continue;
            };
            let setting = Setting {
                at,
                threshold: scored.threshold,
                auto_approve: scored.auto_approve,
            };
            self.last = self.last.max(Some(setting));
            self.classes.entry(action).or_default().add(&scored, &course);
        }
        Ok(())
    }

    fn plus(mut self, other: Self) -> Self {
        self.last = self.last.max(other.last);
        for (action, class) in other.classes {
            self.classes.entry(action).or_default().plus(class);
        }
        self
    }
}

#[cfg(test)]
mod tests;
