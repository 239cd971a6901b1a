//! What the start of an effect and its outcome must satisfy: outcomes are told by what the targets read.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named refuses the record: the safe default"
)]

use super::{NOT_NOW, Problem, require};
use crate::action::{Plan, Undo};
use crate::inventory::{Reading, Setting};
use crate::proposal::{Execution, Lease, Proposal, Started, State};
use crate::trail::{Deadline, Record};

impl Proposal {
    pub(super) fn started(&self, record: &Record, state: &State, started: Started) -> Result<State, Problem> {
        let preview = &self.proposed.as_ref().ok_or(NOT_NOW)?.preview;
        require(
            started.plan == preview.plan,
            "plans something else than was previewed",
        )?;
        let held: Vec<_> = started.held.iter().map(|held| &held.target).collect();
        require(
            held.iter().copied().eq(&started.plan.claims),
            "does not hold every target of its plan",
        )?;
        match (started.restore_at, &preview.undo) {
            (Some(end), Undo::Restore { after_s }) => {
                require(end > record.at, "starts after its own end")?;
                require(
                    end <= record.at.plus_seconds(*after_s),
                    "lasts longer than was previewed",
                )?;
            }
            (None, Undo::OnDemand | Undo::OneShot) => {}
            (Some(_) | None, _) => return Err("has an end where its action has none, or the reverse"),
        }
        match state {
            State::Approved(approval) => {
                let deadline = Deadline {
                    set: approval.valid_until,
                    extension: started.extension,
                };
                require(
                    !deadline.has_passed(record.at),
                    "starts on an approval that is over",
                )?;
                require(
                    !approval.is_held_back(record.at),
                    "starts while people may still object",
                )?;
            }
            State::Executing(before) => {
                require(!before.lease.holds(record.at), "takes a lease that still holds")?;
                require(before.restore_at == started.restore_at, "moves the effect's end")?;
            }
            _ => return Err(NOT_NOW),
        }
        Ok(State::Executing(Execution {
            plan: started.plan,
            held: started.held,
            lease: Lease {
                until: started.lease_until,
                record: record.digest,
            },
            restore_at: started.restore_at,
            restore_failed_at: None,
        }))
    }
}

impl Execution {
    pub(super) fn restore_failed(self, record: &Record) -> Self {
        Self {
            restore_failed_at: Some(record.at),
            ..self
        }
    }
}

pub(super) fn acting(state: State) -> Result<Execution, Problem> {
    match state {
        State::Executing(execution) | State::Unknown(execution) => Ok(execution),
        _ => Err(NOT_NOW),
    }
}

/// The effect that this record may take back.
pub(super) fn to_take_back<'a>(record: &Record, state: &'a State) -> Result<&'a Execution, Problem> {
    state.execution().ok_or(NOT_NOW)?;
    state
        .to_take_back(record.at)
        .ok_or("takes back an effect whose end has not come")
}

/// Every target of the plan was read, and each reads as `expected`.
fn all_read<'a>(
    plan: &'a Plan,
    readings: &[Reading],
    expected: impl Fn(usize) -> Option<&'a Setting>,
) -> bool {
    readings.len() == plan.changes.len()
        && plan
            .changes
            .iter()
            .zip(readings)
            .enumerate()
            .all(|(at, (change, reading))| {
                reading.target == change.target && expected(at).is_none_or(|value| *value == reading.value)
            })
}

pub(super) fn shows_all(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |at| {
        plan.changes.get(at).map(|change| &change.after)
    })
}

pub(super) fn shows_before(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |at| {
        plan.changes.get(at).map(|change| &change.before)
    })
}

pub(super) fn shows_none(plan: &Plan, readings: &[Reading]) -> bool {
    all_read(plan, readings, |_| None)
        && plan
            .changes
            .iter()
            .zip(readings)
            .all(|(change, reading)| change.after != reading.value)
}
