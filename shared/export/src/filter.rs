//! Which rows are wanted.

use domain::action::ActionKind;
use domain::trail::Record;
use domain::value::{OperatorId, TeamId};
use trail::walk::Window;

use crate::proposals::Case;

/// Which rows: those that meet all of it. What of a proposal does not hold meets nothing.
#[derive(Debug, Clone)]
pub struct Filter {
    /// A proposal was opened in it; a record was written in it.
    pub window: Window,
    /// The `source` of the first record, or of the record.
    pub source: Option<String>,
    /// The action proposed.
    pub action: Option<ActionKind>,
    /// A person who did something on it; who wrote the record.
    pub operator: Option<OperatorId>,
    /// The team that the event names.
    pub team: Option<TeamId>,
    /// Where it stands: one of [`State::NAMES`](domain::proposal::State::NAMES).
    pub outcome: Option<&'static str>,
}

impl Filter {
    /// Everything of a span of time.
    pub fn all(window: Window) -> Self {
        Self {
            window,
            source: None,
            action: None,
            operator: None,
            team: None,
            outcome: None,
        }
    }

    /// Whether a proposal's row is wanted.
    pub fn takes(&self, case: &Case) -> bool {
        let first = case.records().first();
        let source = |source: &String| first.is_some_and(|record| record.source == *source);
        let operator = |operator: &OperatorId| case.has_operator(&operator.to_string());
        self.window.holds(case.opened())
            && self.source.as_ref().is_none_or(source)
            && self.operator.as_ref().is_none_or(operator)
            && self.is_about(case)
    }

    /// Whether a record's row is wanted; of a proposal's, with the proposal.
    pub fn takes_record(&self, record: &Record, case: Option<&Case>) -> bool {
        let operator = |operator: &OperatorId| record.actor.operator() == Some(operator);
        let about = match case {
            Some(case) => self.is_about(case),
            None => self.action.is_none() && self.team.is_none() && self.outcome.is_none(),
        };
        about
            && self.window.holds(record.at)
            && self.source.as_ref().is_none_or(|source| record.source == *source)
            && self.operator.as_ref().is_none_or(operator)
    }

    fn is_about(&self, case: &Case) -> bool {
        let proposal = case.proposal();
        let action = |kind: &ActionKind| {
            let proposed = proposal.and_then(|proposal| proposal.proposed());
            proposed.is_some_and(|proposed| proposed.action.kind() == *kind)
        };
        let team = |team: &TeamId| {
            proposal.is_some_and(|proposal| proposal.received().event.team.as_ref() == Some(team))
        };
        let outcome = |outcome: &&str| proposal.is_some_and(|proposal| proposal.state().name() == *outcome);
        self.action.as_ref().is_none_or(action)
            && self.team.as_ref().is_none_or(team)
            && self.outcome.as_ref().is_none_or(outcome)
    }
}
