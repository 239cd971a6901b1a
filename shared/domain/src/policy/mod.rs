//! The plain policy: weights, windows, calendars and limits, as `risk.toml` states them. Permission rules stand
//! beside it ([`crate::permission`]).
//!
//! A value out of its range is refused while it is read. What takes two values to see is found by
//! [`Policy::problems`].

mod automatic;
mod calendar;
mod check;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::automatic::{Automatic, Reached, SafetyLimit};
pub use self::calendar::{Daily, DayTime, Freeze, Local, LocalTime, Week, Weekday, Zone};
pub use self::check::Problem;
use crate::action::{ActionKind, Undo};
use crate::value::{Ppm, TeamId};

/// Everything that risk and limits depend on besides the evidence, the clock, the deployment and `control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The company's time zone, by its IANA name.
    pub time_zone: Zone,
    /// Actions that are scored and recorded, and can never execute.
    pub shadow: BTreeSet<ActionKind>,
    /// Groups of the operator directory whose members may decide; `*` for every operator.
    pub approvers: Vec<String>,
    /// How many different people must approve, and from which score.
    pub quorum: Quorum,
    /// When people work.
    pub hours: Hours,
    /// Change freezes.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    /// Teams whose troubles weigh more.
    #[serde(default)]
    pub team_tier: Vec<TeamTier>,
    /// What raises a score.
    pub raises: Raises,
    /// What lowers it.
    pub lowers: Lowers,
    /// How far back factors look.
    pub windows: Windows,
    /// Limits of automatic execution, which hold whatever the rules allow.
    pub automatic: Automatic,
}

/// Points that a factor adds or takes: 0–100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Points(u8);

impl Points {
    /// Points; at most 100.
    pub fn new(points: u8) -> Self {
        Self(points.min(100))
    }

    /// How many points, 0–100.
    pub fn get(self) -> i32 {
        i32::from(self.0)
    }
}

impl TryFrom<i64> for Points {
    type Error = OutOfRange;
    fn try_from(number: i64) -> Result<Self, OutOfRange> {
        within(number, 0, 100).map(Self)
    }
}

impl From<Points> for i64 {
    fn from(points: Points) -> i64 {
        i64::from(points.0)
    }
}

/// A number is not within its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{number} is not within {least}–{most}")]
pub struct OutOfRange {
    number: i64,
    least: i64,
    most: i64,
}

fn within<T: TryFrom<i64>>(number: i64, least: i64, most: i64) -> Result<T, OutOfRange> {
    let bad = OutOfRange { number, least, most };
    if (least..=most).contains(&number) {
        T::try_from(number).map_err(|_| bad)
    } else {
        Err(bad)
    }
}

/// A whole number between `LEAST` and `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Ranged<const LEAST: i64, const MOST: i64>(u64);

impl<const LEAST: i64, const MOST: i64> Ranged<LEAST, MOST> {
    /// The number, held to its range.
    pub fn new(number: u64) -> Self {
        let number = i64::try_from(number).unwrap_or(i64::MAX).clamp(LEAST, MOST);
        Self(u64::try_from(number).unwrap_or(0))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const LEAST: i64, const MOST: i64> TryFrom<i64> for Ranged<LEAST, MOST> {
    type Error = OutOfRange;
    fn try_from(number: i64) -> Result<Self, OutOfRange> {
        within(number, LEAST, MOST).map(Self)
    }
}

impl<const LEAST: i64, const MOST: i64> From<Ranged<LEAST, MOST>> for i64 {
    fn from(number: Ranged<LEAST, MOST>) -> i64 {
        i64::try_from(number.0).unwrap_or(i64::MAX)
    }
}

impl<const LEAST: i64, const MOST: i64> fmt::Display for Ranged<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Seconds, at most thirty days: as far back as history is looked at.
pub type WindowS = Ranged<0, 2_592_000>;

/// How many different people must approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// From this score on, 0–101; 101 never asks for a second one.
    pub from: Ranged<0, 101>,
    /// So many.
    pub people: Ranged<1, 10>,
}

/// When people work, in the company's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Working days and hours.
    pub working: Week,
    /// The night.
    pub night: Daily,
    /// When somebody is on call. Absent, nobody is known to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_call: Option<Week>,
}

/// Teams whose troubles weigh more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamTier {
    /// The tier's name.
    pub name: String,
    /// Points where one of its teams is affected.
    pub points: Points,
    /// The teams, by the gateway's ids.
    pub teams: Vec<TeamId>,
}

/// Points that raise a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raises {
    /// It is night.
    pub night: Points,
    /// It is no working day.
    pub weekend: Points,
    /// A change freeze is on.
    pub change_freeze: Points,
    /// Each team that is affected, after the first.
    pub each_team: Points,
    /// The most that teams add.
    pub most_teams: Points,
    /// All of the gateway's traffic is touched; less of it adds less, none up to `traffic_from_ppm`.
    pub traffic: Points,
    /// The share of traffic from which it weighs, parts per million.
    pub traffic_from_ppm: Ranged<0, 999_999>,
    /// A team that the gateway calls critical is affected.
    pub critical_team: Points,
    /// The largest change that the action can make; smaller ones add less.
    pub largest_change: Points,
    /// Each action on the same target within the window.
    pub each_repeat: Points,
    /// The most that repeats add.
    pub most_repeats: Points,
    /// The same action on the same target failed or was taken back within the window.
    pub reverted: Points,
    /// Each other incident within the window.
    pub each_incident: Points,
    /// The most that other incidents add.
    pub most_incidents: Points,
    /// Traffic moves, and no other healthy provider is there to take it.
    pub no_alternative: Points,
    /// The gateway did not confirm the event.
    pub unconfirmed: Points,
    /// The evidence is older than the window.
    pub stale: Points,
    /// By how the action is taken back.
    pub undo: ByUndo,
}

/// Points by how an action is taken back. The baselines hold the usual difference already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByUndo {
    /// It ends by itself.
    pub restores: Points,
    /// A person may ask for it.
    pub on_demand: Points,
    /// It cannot be taken back.
    pub one_shot: Points,
}

impl ByUndo {
    /// The points of one.
    pub fn of(&self, undo: Undo) -> Points {
        match undo {
            Undo::Restore { .. } => self.restores,
            Undo::OnDemand => self.on_demand,
            Undo::OneShot => self.one_shot,
        }
    }
}

/// Points that lower a score, never below the action's floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowers {
    /// The same action on the same target succeeded, and its metric was seen to recover, within the window.
    pub proven: Points,
    /// The smallest change that the action can make.
    pub smallest_change: Points,
    /// People work and somebody is on call.
    pub staffed: Points,
}

/// How far back factors look, seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// For actions on the same target.
    pub repeat_s: WindowS,
    /// For actions that failed or were taken back.
    pub reverted_s: WindowS,
    /// For other incidents; they are recorded for an hour.
    pub incidents_s: Ranged<0, 3600>,
    /// For actions that are proven.
    pub proven_s: WindowS,
    /// For evidence: older is stale.
    pub stale_s: WindowS,
}

impl Policy {
    /// How many different people must approve a proposal of this score.
    pub fn approvals_needed(&self, score: u8) -> u8 {
        if self.is_within_quorum(score) {
            u8::try_from(self.quorum.people.get()).unwrap_or(u8::MAX)
        } else {
            1
        }
    }

    /// Whether the quorum decides about a proposal of this score: then nothing runs by itself.
    pub fn is_within_quorum(&self, score: u8) -> bool {
        u64::from(score) >= self.quorum.from.get()
    }

    /// The change freeze at a local time.
    pub fn freeze_at(&self, local: &Local) -> Option<&Freeze> {
        self.freeze.iter().find(|freeze| freeze.covers(local))
    }

    /// From which share of traffic on it weighs.
    pub fn traffic_from(&self) -> Ppm {
        Ppm(u32::try_from(self.raises.traffic_from_ppm.get()).unwrap_or(0))
    }

    /// Whether one of these groups may decide.
    pub fn approves(&self, groups: &[String]) -> bool {
        self.approvers
            .iter()
            .any(|group| group == EVERY_OPERATOR || groups.contains(group))
    }
}

/// In [`Policy::approvers`]: every operator of the directory.
pub const EVERY_OPERATOR: &str = "*";

impl Default for Policy {
    /// The documented defaults, as in `infra/policy/risk.toml`: a test compares them.
    fn default() -> Self {
        let points = Points::new;
        Self {
            time_zone: Zone::default(),
            shadow: BTreeSet::new(),
            approvers: vec![EVERY_OPERATOR.to_owned()],
            quorum: Quorum {
                from: Ranged::new(75),
                people: Ranged::new(2),
            },
            hours: Hours {
                working: Week::working(),
                night: Daily {
                    from: DayTime::at(22, 0),
                    to: DayTime::at(6, 0),
                },
                on_call: None,
            },
            freeze: Vec::new(),
            team_tier: Vec::new(),
            raises: Raises {
                night: points(10),
                weekend: points(5),
                change_freeze: points(40),
                each_team: points(2),
                most_teams: points(20),
                traffic: points(15),
                traffic_from_ppm: Ranged::new(250_000),
                critical_team: points(10),
                largest_change: points(10),
                each_repeat: points(10),
                most_repeats: points(30),
                reverted: points(20),
                each_incident: points(3),
                most_incidents: points(15),
                no_alternative: points(15),
                unconfirmed: points(15),
                stale: points(10),
                undo: ByUndo {
                    restores: points(0),
                    on_demand: points(0),
                    one_shot: points(0),
                },
            },
            lowers: Lowers {
                proven: points(5),
                smallest_change: points(5),
                staffed: points(5),
            },
            windows: Windows {
                repeat_s: Ranged::new(3600),
                reverted_s: Ranged::new(86_400),
                incidents_s: Ranged::new(900),
                proven_s: Ranged::new(604_800),
                stale_s: Ranged::new(300),
            },
            automatic: Automatic {
                per_hour: Ranged::new(10),
                per_target_per_hour: Ranged::new(2),
                cooldown_s: Ranged::new(3600),
                failures_in_a_row: Ranged::new(3),
                human_share_ppm: Ranged::new(0),
            },
        }
    }
}
