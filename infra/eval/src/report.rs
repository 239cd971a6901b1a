//! Verdicts in numbers: over the whole set, by split and by event type.

use std::fmt::Write as _;

use domain::incident::EventType;
use domain::value::Micros;
use serde::Serialize;

use crate::judge::{Answer, Verdict};
use crate::set::{Incident, Split};

/// A set of incidents in numbers. What is not a time or money is a number of incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Name of the set.
    pub set: String,
    /// All.
    pub n: usize,
    /// The reasoner was asked; the others are declined by rule.
    pub asked: usize,
    /// The action, or to decline, is acceptable.
    pub action_matches: usize,
    /// Parameters or reason are, too.
    pub parameters_match: usize,
    /// It is the best answer.
    pub best: usize,
    /// Declined by the reasoner or by rule.
    pub declined: usize,
    /// Where that was acceptable.
    pub rightly_declined: usize,
    /// Where it was not.
    pub wrongly_declined: usize,
    /// Something was proposed where only to decline was right.
    pub wrongly_acted: usize,
    /// The action did not pass the checks.
    pub invalid: usize,
    /// There was no answer.
    pub failed: usize,
    /// What it cost, USD.
    pub cost: Micros,
    /// Half of the answers took at most so long, ms.
    pub p50_ms: u64,
    /// 95 % did, ms.
    pub p95_ms: u64,
}

impl Score {
    fn of(set: &str, verdicts: &[&Verdict]) -> Self {
        let count =
            |holds: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| holds(verdict)).count();
        let declines = |verdict: &Verdict| matches!(verdict.answer, Answer::Decline(_));
        let mut times: Vec<u64> = verdicts
            .iter()
            .filter(|verdict| verdict.asked)
            .map(|verdict| verdict.took_ms)
            .collect();
        times.sort_unstable();
        Self {
            set: set.to_owned(),
            n: verdicts.len(),
            asked: times.len(),
            action_matches: count(&|verdict| verdict.action_matches),
            parameters_match: count(&|verdict| verdict.parameters_match),
            best: count(&|verdict| verdict.best),
            declined: count(&declines),
            rightly_declined: count(&|verdict| declines(verdict) && verdict.may_decline),
            wrongly_declined: count(&|verdict| declines(verdict) && !verdict.may_decline),
            wrongly_acted: count(&|verdict| verdict.must_decline && matches!(verdict.answer, Answer::Act(_))),
            invalid: count(&|verdict| matches!(verdict.answer, Answer::Invalid(..))),
            failed: count(&|verdict| matches!(verdict.answer, Answer::Failed(_))),
            cost: Micros(verdicts.iter().map(|verdict| verdict.cost.0).sum()),
            p50_ms: percentile(&times, 50),
            p95_ms: percentile(&times, 95),
        }
    }
}

/// The nearest rank of sorted times; 0 where there are none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// The scores of everything, of each split and of each event type; of what there is none is left out.
pub fn scores(judged: &[(&Incident, Verdict)]) -> Vec<Score> {
    let of = |set: &str, belongs: &dyn Fn(&Incident) -> bool| {
        let belonging = judged.iter().filter(|(incident, _)| belongs(incident));
        let verdicts: Vec<&Verdict> = belonging.map(|(_, verdict)| verdict).collect();
        Score::of(set, &verdicts)
    };
    let mut scores = vec![of("all", &|_| true)];
    scores.extend(Split::ALL.map(|split| of(split.name(), &|incident| incident.split == split)));
    scores.extend(EventType::ALL.map(|event_type| {
        of(event_type.name(), &|incident| {
            incident.event.event_type() == event_type
        })
    }));
    scores.retain(|score| score.n > 0 || score.set == "all");
    scores
}

/// The scores as an aligned table.
pub fn table(scores: &[Score]) -> String {
    let mut rows = vec![
        [
            "set",
            "n",
            "asked",
            "action",
            "parameters",
            "best",
            "declined",
            "rightly",
            "wrongly",
            "acted wrongly",
            "invalid",
            "failed",
            "cost USD",
            "p50 ms",
            "p95 ms",
        ]
        .map(str::to_owned),
    ];
    rows.extend(scores.iter().map(|score| {
        [
            score.set.clone(),
            score.n.to_string(),
            score.asked.to_string(),
            share(score.action_matches, score.n),
            share(score.parameters_match, score.n),
            share(score.best, score.n),
            score.declined.to_string(),
            score.rightly_declined.to_string(),
            score.wrongly_declined.to_string(),
            score.wrongly_acted.to_string(),
            score.invalid.to_string(),
            score.failed.to_string(),
            score.cost.to_string(),
            score.p50_ms.to_string(),
            score.p95_ms.to_string(),
        ]
    }));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for row in rows {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            // Writing to a string cannot fail.
            let _ = write!(line, "  {cell:>width$}");
        }
        table.push_str(&line);
        table.push('\n');
    }
    table
}

fn share(part: usize, whole: usize) -> String {
    match (part * 100 + whole / 2).checked_div(whole) {
        Some(percent) => format!("{part} ({percent} %)"),
        None => "–".to_owned(),
    }
}

/// One incident in a line: what was answered, and what is wrong with it.
pub fn line(incident: &Incident, verdict: &Verdict) -> String {
    let mark = match (verdict.action_matches, verdict.parameters_match) {
        (_, true) => "right",
        (true, false) => "parameters",
        (false, false) => "wrong",
    };
    let answer = match &verdict.answer {
        Answer::Act(action) => action.to_string(),
        Answer::Decline(reason) => format!("decline ({})", reason.name()),
        Answer::Invalid(action, complaints) => {
            let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            format!("invalid: {action}: {}", complaints.join("; "))
        }
        Answer::Failed(problem) => format!("no answer: {problem}"),
    };
    format!("{mark:<10}  {}  {answer}  [{}]", incident.id, incident.why)
}
