//! A replay, printed.

use std::collections::BTreeMap;

use domain::proposal::Decision;
use domain::value::Digest;
use serde::Serialize;

use super::{Difference, FactorChange, Replay, ReplayArguments, Side, Summary};
use crate::print::{Terminal, quote_within};
use crate::what_if::life::{Answer, End, Person};

/// The longest reason that is shown, characters. `--json` has all of it.
const MAX_REASON: usize = 160;

/// Differences that are printed at once.
const AT_ONCE: usize = 1_000;

/// Digests of policies that are shown.
const MOST_POLICIES: usize = 5;

/// One difference, for a program.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "difference")]
struct Told<'a> {
    proposal: String,
    at: String,
    seq: u64,
    action: &'a str,
    old: &'a Side,
    new: &'a Side,
    factors: &'a [FactorChange],
    answer: Answer,
    by: &'a [Person],
    end: End,
    helped: Option<bool>,
}

/// The whole, for a program.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "summary")]
struct Whole<'a> {
    /// The policy that was tried.
    policy: Digest,
    /// The policies that were in force.
    policies_before: Vec<Digest>,
    threshold: Option<u8>,
    auto_approve: Option<bool>,
    #[serde(flatten)]
    summary: &'a Summary,
    /// By what people had made of what would run by itself now.
    newly_executed_were: &'a BTreeMap<&'static str, u64>,
}

impl Replay {
    /// Prints what differs, the oldest first, and the summary.
    pub(in crate::what_if) fn print(
        mut self,
        arguments: &ReplayArguments,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<()> {
        if arguments.json {
            self.print_json(terminal)
        } else {
            self.print_table(terminal)
        }
    }

    fn print_json(&mut self, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
        let (mut some, mut read) = (Vec::with_capacity(AT_ONCE), true);
        let mut print = |some: &mut Vec<Difference>| {
            let told: Vec<Told<'_>> = some.iter().map(Difference::told).collect();
            read = terminal.json_lines(&told)?;
            some.clear();
            anyhow::Ok(read)
        };
        self.differences.each(|difference| {
            some.push(difference);
            if some.len() == AT_ONCE {
                print(&mut some)
            } else {
                Ok(true)
            }
        })?;
        if !print(&mut some)? {
            return Ok(());
        }
        terminal.json(&Whole {
            policy: self.trial.in_force.digest,
            policies_before: self.policies.iter().copied().collect(),
            threshold: self.trial.threshold,
            auto_approve: self.trial.auto_approve,
            summary: &self.summary,
            newly_executed_were: &self.newly_executed_were,
        })
    }

    fn print_table(&mut self, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
        if !self.differences.is_empty() {
            let head = [
                "proposal",
                "scored at",
                "action",
                "score",
                "gate",
                "what people did, and how it ended",
                "why now",
            ];
            let head = head.map(str::to_owned);
            let mut columns = Columns::default();
            columns.hold(&head);
            self.differences.each(|difference| {
                columns.hold(&difference.row());
                Ok(true)
            })?;
            terminal.line(&columns.line(&head))?;
            self.differences.each(|difference| {
                terminal.line(&columns.line(&difference.row()))?;
                Ok(true)
            })?;
            terminal.line("")?;
        }
        for line in self.conclusion() {
            terminal.line(&line)?;
        }
        Ok(())
    }

    fn conclusion(&self) -> Vec<String> {
        let summary = &self.summary;
        let setting = |name: &str, value: Option<String>| match value {
            Some(value) => format!(", {name} {value}"),
            None => format!(", {name} as it was"),
        };
        let policies = self.policies.iter().take(MOST_POLICIES).map(Digest::to_string);
        let mut policies = policies.collect::<Vec<_>>().join(", ");
        if self.policies.len() > MOST_POLICIES {
            policies.push_str(&format!(" and {} more", self.policies.len() - MOST_POLICIES));
        }
        if policies.is_empty() {
            policies.push_str("none");
        }
        let were = self.newly_executed_were.iter();
        let were: Vec<String> = were.map(|(what, number)| format!("{number} {what}")).collect();
        let were = match were.len() {
            0 => String::new(),
            _ => format!(": {}", were.join(", ")),
        };
        let mut lines = vec![
            format!("policy in force: {policies}"),
            format!(
                "policy tried:    {}{}{}",
                self.trial.in_force.digest,
                setting(
                    "threshold",
                    self.trial.threshold.map(|threshold| threshold.to_string())
                ),
                setting(
                    "automatic approval",
                    self.trial
                        .auto_approve
                        .map(|on| if on { "on" } else { "off" }.to_owned())
                ),
            ),
            format!("{:>7} cases", summary.cases),
            format!("{:>7} unchanged", summary.unchanged),
            format!("{:>7} newly asked", summary.newly_asked),
            format!("{:>7} newly executed{were}", summary.newly_executed),
            format!("{:>7} newly shadow", summary.newly_shadow),
            format!("{:>7} quorum changes", summary.quorum_changes),
            format!("{:>7} score changes", summary.score_changes),
        ];
        if summary.cases == 0 {
            lines.push("nothing was scored in that time: this tells nothing of the policy".to_owned());
        }
        if summary.held_by_limit > 0 {
            lines.push(format!(
                "{:>7} held by a safety limit then, and taken to be held again: limits are not simulated",
                summary.held_by_limit
            ));
        }
        if summary.not_reproduced > 0 {
            lines.push(format!(
                "{:>7} differ under the very policy and settings they were scored with: another version of the agent \
                 scored them, or clocks disagreed",
                summary.not_reproduced
            ));
        }
        lines
    }
}

impl Difference {
    /// What had become of it, where it would run by itself now and did not.
    pub(super) fn newly_executed_was(&self) -> Option<&'static str> {
        let newly = self.old.decision != Decision::Auto && self.new.decision == Decision::Auto;
        let course = &self.course;
        newly.then_some(match (course.answer, course.end) {
            (Answer::Approved, End::Failed | End::RestoreFailed) => "approved and failed",
            (Answer::Approved, End::Undone) => "approved and undone",
            (Answer::Approved, _) => "approved",
            (Answer::Rejected, _) => "rejected",
            (Answer::Narrowed, _) => "narrowed",
            (Answer::Expired, _) => "expired",
            (Answer::Watched, _) => "only watched",
            (Answer::Open | Answer::Itself, _) => "open",
        })
    }

    fn told(&self) -> Told<'_> {
        Told {
            proposal: self.proposal.to_string(),
            at: self.at.to_string(),
            seq: self.seq,
            action: self.action.name(),
            old: &self.old,
            new: &self.new,
            factors: &self.factors,
            answer: self.course.answer,
            by: &self.course.by,
            end: self.course.end,
            helped: self.course.helped,
        }
    }

    fn row(&self) -> [String; 7] {
        let changed = |old: String, new: String| match old == new {
            true => new,
            false => format!("{old} → {new}"),
        };
        let factors = self.factors.iter();
        let factors = factors.map(|FactorChange { name, old, new }| {
            format!("{} {old:+} → {new:+}", quote_within(name, MAX_REASON))
        });
        let because = quote_within(&self.new.because, MAX_REASON);
        [
            self.proposal.to_string(),
            self.at.to_string(),
            self.action.name().to_owned(),
            changed(self.old.score.to_string(), self.new.score.to_string()),
            changed(self.old.gate(), self.new.gate()),
            self.course.told(),
            std::iter::once(because)
                .chain(factors)
                .collect::<Vec<_>>()
                .join("; "),
        ]
    }
}

impl Side {
    fn gate(&self) -> String {
        match self.decision {
            Decision::Gate => format!("asks {}", self.approvals_needed),
            Decision::Auto => "executes".to_owned(),
            Decision::Shadow => "shadow".to_owned(),
        }
    }
}

/// Cells in columns, two blanks between; the last one is as long as it is.
pub(in crate::what_if) fn aligned<const N: usize>(rows: Vec<[String; N]>) -> Vec<String> {
    let mut columns = Columns::default();
    for row in &rows {
        columns.hold(row);
    }
    rows.iter().map(|row| columns.line(row)).collect()
}

/// How wide each column of a table is.
struct Columns<const N: usize>([usize; N]);

impl<const N: usize> Default for Columns<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Columns<N> {
    /// Makes them as wide as a row needs.
    fn hold(&mut self, row: &[String; N]) {
        for (width, cell) in self.0.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }

    fn line(&self, row: &[String; N]) -> String {
        let cells = row
            .iter()
            .zip(self.0)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}
