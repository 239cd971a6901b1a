//! Whether an automatic execution may run now: so many in a clock hour, so many of them on one target, and none for a
//! while where the same action failed or was taken back. The driver that loads and takes slots is the crate `trail`.

use crate::inventory::Target;
use crate::policy::{Automatic, Reached, SafetyLimit};
use crate::proposal::{Came, Past, Proposed};
use crate::trail::{BrokenChain, StreamId};
use crate::value::Timestamp;

/// A window in which a slot has to be free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotWindow {
    limit: SafetyLimit,
    /// Where its slots are counted.
    pub stream: StreamId,
    /// How many it has.
    pub of: u64,
    hour: String,
}

/// The targets that an action changes.
pub fn targets(proposed: &Proposed) -> Vec<Target> {
    let changes = &proposed.preview.plan.changes;
    changes.iter().map(|change| change.target.clone()).collect()
}

/// The windows of an execution now: those of its targets first, so that a full one takes no slot of the hour's.
pub fn windows(proposed: &Proposed, limits: &Automatic, now: Timestamp) -> Vec<SlotWindow> {
    let window = |limit: SafetyLimit, name: String, of: u64| SlotWindow {
        limit,
        stream: StreamId::Limit {
            name,
            window: now.hour(),
        },
        of,
        hour: now.hour(),
    };
    let of_target = |target: &Target| {
        let name = format!("automatic-{}-{}", target.kind(), target.id());
        window(SafetyLimit::PerTarget, name, limits.per_target_per_hour.get())
    };
    let mut windows: Vec<SlotWindow> = targets(proposed).iter().map(of_target).collect();
    windows.push(window(
        SafetyLimit::PerHour,
        "automatic".to_owned(),
        limits.per_hour.get(),
    ));
    windows
}

impl SlotWindow {
    /// What is said where its slots do not hold: nobody knows how many are used.
    pub fn forged(&self, fault: &BrokenChain) -> Reached {
        Reached {
            limit: self.limit,
            because: format!("the slots of {} cannot be counted: {fault}", self.hour),
        }
    }

    /// What is said where so many of its slots are used, and none is left.
    pub fn full(&self, used: u64) -> Reached {
        let on = if self.limit == SafetyLimit::PerTarget {
            " on this target"
        } else {
            ""
        };
        Reached {
            limit: self.limit,
            because: format!(
                "{used} of {} automatic executions{on} in the hour {}Z are used",
                self.of, self.hour
            ),
        }
    }
}

/// The earlier action that keeps this one from running by itself, as a limit that is reached.
pub fn cooling(before: &[Past], proposed: &Proposed, limits: &Automatic, now: Timestamp) -> Option<Reached> {
    let action = proposed.action.kind();
    let bad = before.iter().find(|past| {
        past.action == action && past.is_bad() && past.is_within(limits.cooldown_s.get(), now)
    })?;
    let how = if bad.came == Came::Failed {
        "failed"
    } else {
        "was taken back"
    };
    Some(Reached {
        limit: SafetyLimit::Cooldown,
        because: format!(
            "{action} {how} on the same target at {}, within the cooldown of {} s",
            bad.since, limits.cooldown_s,
        ),
    })
}
