//! A proposal's life as it was recorded: every scoring, what people answered, and how it ended.

use domain::inventory::Condition;
use domain::proposal::{Decision, IllegalTransition, Kind, Outcome, Proposal, Scored, State};
use domain::trail::{Actor, Record};
use domain::value::OperatorId;
use serde::{Deserialize, Serialize};

use crate::print::quote_within;

/// The longest name that is shown, characters.
const MAX_NAME: usize = 60;

/// What followed a scoring, until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Course {
    /// What was decided about it.
    pub(crate) answer: Answer,
    /// The people who did, in order: who voted, approved, rejected or narrowed.
    pub(crate) by: Vec<Person>,
    /// How it ended.
    pub(crate) end: End,
    /// Whether the metric that fired was seen to recover; absent where it was not asked, or could not be.
    pub(crate) helped: Option<bool>,
}

/// Somebody who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Id in the directory.
    pub(crate) id: OperatorId,
    /// Name at that time.
    pub(crate) name: String,
}

/// What was decided about a scored proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Nobody decided yet, or too few for the quorum.
    Open,
    /// People approved it.
    Approved,
    /// A person said no.
    Rejected,
    /// A person narrowed it: as it was, it did not go through.
    Narrowed,
    /// Nobody decided in time.
    Expired,
    /// Nobody was asked: it ran by itself.
    Itself,
    /// Nobody was asked: it was only watched.
    Watched,
}

/// How what was scored ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// It was not to be executed, or not yet.
    None,
    /// It may start.
    Approved,
    /// The approval ran out before it started; it was scored again.
    Lapsed,
    /// A precondition did not hold any more: nothing was changed.
    Refused,
    /// It is under way.
    Executing,
    /// It cannot be told whether the effect happened.
    Unknown,
    /// It took effect.
    Succeeded,
    /// It did not take effect.
    Failed,
    /// It took effect, and could not be taken back.
    RestoreFailed,
    /// It took effect, and ended by itself.
    Ended,
    /// It took effect, and people had it taken back.
    Undone,
}

/// Replays a proposal record by record. `scored` is asked at each scoring, with the proposal as it is then: its event and
/// what is proposed are what was scored. Gives each answer with what followed.
pub(crate) fn walk<T>(
    records: &[Record],
    mut scored: impl FnMut(&Proposal, &Scored, &Record) -> T,
) -> Result<Vec<(T, Course)>, IllegalTransition> {
    let first = records.len().min(1);
    let mut proposal = Proposal::replay(&records[..first])?;
    let mut told: Vec<(T, Course)> = Vec::new();
    let mut undone = false;
    for record in &records[first..] {
        proposal = proposal.apply(record)?;
        match (proposal.last_kind(), proposal.scored(), told.last_mut()) {
            (Kind::Scored, Some(now), _) => {
                let course = Course::after(now.decision);
                told.push((scored(&proposal, now, record), course));
            }
            (Kind::UndoApproved, _, _) => undone = true,
            (kind, _, Some((_, course))) => course.follow(kind, &record.actor, proposal.state()),
            (_, _, None) => {}
        }
    }
    if let Some((_, course)) = told.last_mut() {
        course.conclude(&proposal, undone);
    }
    Ok(told)
}

impl Course {
    /// What is known at the scoring itself.
    pub(super) fn after(decision: Decision) -> Self {
        Self {
            answer: match decision {
                Decision::Gate => Answer::Open,
                Decision::Auto => Answer::Itself,
                Decision::Shadow => Answer::Watched,
            },
            by: Vec::new(),
            end: End::None,
            helped: None,
        }
    }

    fn follow(&mut self, kind: Kind, actor: &Actor, state: &State) {
        let answer = match kind {
            Kind::Voted => self.answer,
            Kind::Approved => Answer::Approved,
            Kind::Rejected => Answer::Rejected,
            Kind::Amended => Answer::Narrowed,
            Kind::Revoked => {
                self.answer = Answer::Open;
                self.by.retain(|person| {
                    matches!(state, State::AwaitingApproval(waiting) if waiting.votes.contains(&person.id))
                });
                return;
            }
            Kind::Expired if *state == State::Closed(Outcome::Expired) => Answer::Expired,
            Kind::Expired => {
                self.end = End::Lapsed;
                return;
            }
            Kind::Received
            | Kind::Declined
            | Kind::Proposed
            | Kind::Scored
            | Kind::Refused
            | Kind::Started
            | Kind::Succeeded
            | Kind::Failed
            | Kind::Unknown
            | Kind::Restored
            | Kind::RestoreFailed
            | Kind::UndoRequested
            | Kind::UndoApproved
            | Kind::UndoRejected
            | Kind::Verified
            | Kind::Repeated
            | Kind::Notified
            | Kind::Escalated
            | Kind::Acknowledged
            | Kind::Commented => return,
        };
        self.answer = answer;
        if let Actor::Operator { id, name, .. } = actor {
            self.by.push(Person {
                id: id.clone(),
                name: name.clone(),
            });
        }
    }

    /// How it ended, for the last scoring of a proposal.
    fn conclude(&mut self, proposal: &Proposal, undone: bool) {
        let taken_back = |end| if undone { End::Undone } else { end };
        let state = proposal.state();
        let stuck = state
            .execution()
            .is_some_and(|execution| execution.restore_failed_at.is_some());
        self.end = match state {
            _ if stuck => End::RestoreFailed,
            // Scored no more since: what is known was told on the way.
            State::Reasoning(_) | State::Proposed | State::AwaitingApproval(_) => self.end,
            State::Approved(_) => End::Approved,
            State::Executing(_) => End::Executing,
            State::Unknown(_) => End::Unknown,
            State::Succeeded(_) => taken_back(End::Succeeded),
            State::Closed(Outcome::Refused) => End::Refused,
            State::Closed(Outcome::Failed) => End::Failed,
            State::Closed(Outcome::Restored) => taken_back(End::Ended),
            State::Closed(Outcome::Declined | Outcome::Shadow | Outcome::Rejected | Outcome::Expired) => {
                End::None
            }
        };
        self.helped = proposal.verified().and_then(|verified| match verified.condition {
            // What the event claimed is not so any more.
            Condition::Refuted(_) => Some(true),
            Condition::Confirmed(_) => Some(false),
            Condition::Unreadable(_) => None,
        });
    }

    /// What people did and how it ended, in a few words.
    pub(crate) fn told(&self) -> String {
        let people: Vec<String> = self
            .by
            .iter()
            .map(|person| format!("{} ({})", quote_within(&person.name, MAX_NAME), person.id))
            .collect();
        let people = people.join(" and ");
        let answer = match (self.answer, people.as_str()) {
            (Answer::Open, "") => "nobody decided yet".to_owned(),
            (Answer::Open, people) => format!("approved by {people}, short of the quorum"),
            (Answer::Approved, people) => format!("approved by {people}"),
            (Answer::Rejected, people) => format!("rejected: {people}"),
            (Answer::Narrowed, people) => format!("narrowed: {people}"),
            (Answer::Expired, "") => "expired".to_owned(),
            (Answer::Expired, people) => format!("expired, approved by {people} only"),
            (Answer::Itself, _) => "ran by itself".to_owned(),
            (Answer::Watched, _) => "only watched".to_owned(),
        };
        let end = match self.end {
            End::None => "",
            End::Approved => ", not started yet",
            End::Lapsed => ", the approval ran out",
            End::Refused => ", refused when it was to start",
            End::Executing => ", under way",
            End::Unknown => ", unknown whether it took effect",
            End::Succeeded => ", succeeded",
            End::Failed => ", failed",
            End::RestoreFailed => ", could not be taken back",
            End::Ended => ", succeeded and ended by itself",
            End::Undone => ", undone",
        };
        let helped = match self.helped {
            None => "",
            Some(true) => ", helped",
            Some(false) => ", did not help",
        };
        format!("{answer}{end}{helped}")
    }
}
