//! `limit/<name>/<window>`: one record per slot used, so that a limit is exact under concurrency.
//!
//! Automatic execution has three limits that hold whatever the rules allow: so many in a clock hour, so many of them on
//! one target, and none for a while where the same action failed or was taken back.

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::history::{self, Past};
use crate::ids::ProposalId;
use crate::policy::Automatic;
use crate::ports::{Trail, TrailError};
use crate::proposal::Proposed;
use crate::record::Actor;
use crate::record::{Entry, Fact, Record};
use crate::stream::StreamId;
use crate::target::Target;
use crate::time::Timestamp;

/// Facts of a limit's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum LimitFact {
    /// One more of the window's slots is used.
    SlotUsed {
        /// By whom.
        proposal: ProposalId,
        /// How many the window had.
        of: u64,
    },
}

impl Fact for LimitFact {
    fn kind(&self) -> &'static str {
        match self {
            LimitFact::SlotUsed { .. } => "slot_used",
        }
    }
}

/// The record that takes a proposal's slot: `None` where the proposal has one already, and an error with
/// the number used where the window is full.
pub fn take(
    stream: StreamId,
    records: &[Record],
    proposal: &ProposalId,
    of: u64,
    now: Timestamp,
    expires_at: u64,
) -> Result<Option<Entry>, u64> {
    let has_one = records.iter().any(|record| {
        matches!(LimitFact::read(record), Ok(LimitFact::SlotUsed { proposal: by, .. }) if by == *proposal)
    });
    if has_one {
        return Ok(None);
    }
    if records.len() as u64 >= of {
        return Err(records.len() as u64);
    }
    let fact = LimitFact::SlotUsed {
        proposal: proposal.clone(),
        of,
    };
    Ok(Some(match records.last() {
        Some(last) => Entry::after(last, now, Actor::System, &fact),
        None => Entry::first(stream, now, Actor::System, &fact, Some(expires_at)),
    }))
}

/// A limit of automatic execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafetyLimit {
    /// So many in a clock hour.
    PerHour,
    /// So many on one target in a clock hour.
    PerTarget,
    /// The same action failed or was taken back on this target a short while ago.
    Cooldown,
}

impl SafetyLimit {
    /// Its name, as recorded.
    pub fn name(self) -> &'static str {
        match self {
            SafetyLimit::PerHour => "per_hour",
            SafetyLimit::PerTarget => "per_target",
            SafetyLimit::Cooldown => "cooldown",
        }
    }
}

/// A limit that is reached, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub limit: SafetyLimit,
    /// One sentence.
    pub because: String,
}

/// Takes a slot of every limit for an automatic execution now, or says which limit is reached. Taking them again in
/// the same hour takes nothing.
pub async fn admit(
    trail: &dyn Trail,
    proposal: &ProposalId,
    proposed: &Proposed,
    limits: &Automatic,
    now: Timestamp,
    expires_at: u64,
) -> Result<Result<(), Reached>, TrailError> {
    let changes = &proposed.preview.plan.changes;
    let targets: Vec<Target> = changes.iter().map(|change| change.target.clone()).collect();
    let action = proposed.action.kind();
    let before = history::actions_on(trail, proposal, &targets).await?;
    if let Some(bad) = cooling(&before, action, limits, now) {
        let because = format!(
            "{action} {} on the same target at {}, within the cooldown of {} s",
            if bad.came == history::Came::Failed {
                "failed"
            } else {
                "was taken back"
            },
            bad.since,
            limits.cooldown_s,
        );
        return Ok(Err(Reached {
            limit: SafetyLimit::Cooldown,
            because,
        }));
    }
    let window = |name: String| StreamId::Limit {
        name,
        window: now.hour(),
    };
    let mut windows: Vec<(SafetyLimit, StreamId, u64)> = targets
        .iter()
        .map(|target| {
            let name = format!("automatic-{}-{}", target.kind(), target.id());
            (
                SafetyLimit::PerTarget,
                window(name),
                limits.per_target_per_hour.get(),
            )
        })
        .collect();
    windows.push((
        SafetyLimit::PerHour,
        window("automatic".to_owned()),
        limits.per_hour.get(),
    ));
    let full = |limit: SafetyLimit, used: u64, of: u64| {
        let on = if limit == SafetyLimit::PerTarget {
            " on this target"
        } else {
            ""
        };
        let hour = now.hour();
        Reached {
            limit,
            because: format!("{used} of {of} automatic executions{on} in the hour {hour}Z are used"),
        }
    };
    // Looked at before any is taken: what one window refuses must not use up the others.
    for (limit, stream, of) in &windows {
        let records = trail.load(stream).await?;
        if let Err(used) = take(stream.clone(), &records, proposal, *of, now, expires_at) {
            return Ok(Err(full(*limit, used, *of)));
        }
    }
    for (limit, stream, of) in &windows {
        if let Err(used) = use_slot(trail, stream, proposal, *of, now, expires_at).await? {
            return Ok(Err(full(*limit, used, *of)));
        }
    }
    Ok(Ok(()))
}

/// The earlier action that keeps this one from running by itself.
fn cooling<'a>(
    before: &'a [Past],
    action: ActionKind,
    limits: &Automatic,
    now: Timestamp,
) -> Option<&'a Past> {
    before
        .iter()
        .find(|past| past.action == action && past.is_bad() && past.is_within(limits.cooldown_s.get(), now))
}

/// Takes a slot, or says how many are used where none is left.
async fn use_slot(
    trail: &dyn Trail,
    stream: &StreamId,
    proposal: &ProposalId,
    of: u64,
    now: Timestamp,
    expires_at: u64,
) -> Result<Result<(), u64>, TrailError> {
    loop {
        let records = trail.load(stream).await?;
        let at = records.last().map_or(now, |last| now.max(last.at));
        let entry = match take(stream.clone(), &records, proposal, of, at, expires_at) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(Ok(())),
            Err(used) => return Ok(Err(used)),
        };
        match trail.append(entry).await {
            Ok(_) => return Ok(Ok(())),
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::verify_chain;
    use crate::samples::*;

    fn stream() -> StreamId {
        StreamId::Limit {
            name: "automatic".to_owned(),
            window: "2026-11-22T10".to_owned(),
        }
    }

    fn proposal(generation: u32) -> ProposalId {
        ProposalId::new(unhealthy().fingerprint(), generation)
    }

    #[test]
    fn a_window_has_so_many_slots_and_each_proposal_takes_one() {
        let mut records = Vec::new();
        for generation in 1..=3 {
            let entry = take(stream(), &records, &proposal(generation), 3, at(0), 99)
                .unwrap()
                .unwrap();
            records.push(entry.seal(writer(u64::from(generation))));
        }
        assert_eq!(take(stream(), &records, &proposal(2), 3, at(1), 99), Ok(None));
        assert_eq!(take(stream(), &records, &proposal(4), 3, at(1), 99), Err(3));
        assert!(take(stream(), &records, &proposal(4), 4, at(1), 99).is_ok_and(|entry| entry.is_some()));
        assert_eq!(verify_chain(&records), Ok(()));
        assert!(records.iter().all(|record| record.expires_at == Some(99)));
    }

    #[test]
    fn a_limit_of_nothing_gives_nothing() {
        assert_eq!(take(stream(), &[], &proposal(1), 0, at(0), 99), Err(0));
    }
}
