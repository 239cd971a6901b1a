//! `raise_rate_limit`: one team may send more for now.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Action, Complaint, Entry, Lowers, Operation, Plan, Preview, UNDONE, part_of_range, single, tool,
};
use crate::incident::{Event, Trouble};
use crate::inventory::{Change, Inventory, Setting, Target, Team};
use crate::value::{BudgetOwner, Limits, Ppm, Spender, TeamId};

/// Raises one team's requests or tokens a minute by a percentage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RaiseRateLimit {
    /// The team.
    pub team: TeamId,
    /// Raise of requests a minute, 1–50 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm_percent: Option<u64>,
    /// Raise of tokens a minute, 1–50 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm_percent: Option<u64>,
}

/// From this much of its limit on, a team is at its limit, percent.
const NEARLY_PERCENT: u64 = 90;

/// Fewer refused requests than this say nothing about a team's limits, as fewer requests say nothing about a provider.
const LEAST_REFUSED: u64 = 5;

/// The least part of a team's requests that its limits refuse, percent: below, what the team misses is something else.
const LEAST_REFUSED_PERCENT: u64 = 1;

impl RaiseRateLimit {
    /// The smallest raise, percent.
    pub const MIN_PERCENT: u64 = 1;
    /// The largest raise, percent.
    pub const MAX_PERCENT: u64 = 50;

    /// Why these limits are not seen to refuse the team anything: then a raise helps nobody.
    fn not_the_cause(&self, team: &Team) -> Option<Complaint> {
        let complain = |field: &str, problem: String| Some(Complaint::new(field, problem));
        // What is refused does not reach a provider.
        let sent = team
            .requests_5m
            .saturating_add(team.rate_limited_5m.unwrap_or_default());
        match team.rate_limited_5m {
            Some(0) => complain(
                "team",
                format!(
                    "{} was refused nothing by its limits in the last 5 minutes",
                    team.id
                ),
            ),
            Some(refused)
                if (refused < LEAST_REFUSED && refused < sent)
                    || refused.saturating_mul(100) < sent.saturating_mul(LEAST_REFUSED_PERCENT) =>
            {
                complain(
                    "team",
                    format!(
                        "{} was refused {refused} of {sent} requests by its limits in the last 5 minutes: too few to be what \
                         it suffers from",
                        team.id
                    ),
                )
            }
            Some(_) => None,
            // Where the gateway does not count what it refuses, nearly all that the limit allows must have come.
            None if team.requests_5m.saturating_mul(100) < team.rpm.saturating_mul(5 * NEARLY_PERCENT) => {
                complain(
                    "team",
                    format!(
                        "{} sent {} requests in the last 5 minutes, and its limit is {} a minute: that is not what refuses it",
                        team.id, team.requests_5m, team.rpm
                    ),
                )
            }
            None if self.tpm_percent.is_some() => complain(
                "tpm_percent",
                "cannot be judged: the gateway does not tell what its limits refuse".to_owned(),
            ),
            None => None,
        }
    }

    /// What it does to limits of so many requests and tokens a minute.
    fn raises(&self, rpm: u64, tpm: u64) -> Result<Preview, Complaint> {
        let raised = |limit: u64, percent: Option<u64>| {
            limit.saturating_add(limit.saturating_mul(percent.unwrap_or(0)) / 100)
        };
        let change = Change {
            target: Target::Team(self.team.clone()),
            before: Setting::RateLimit { rpm, tpm },
            after: Setting::RateLimit {
                rpm: raised(rpm, self.rpm_percent),
                tpm: raised(tpm, self.tpm_percent),
            },
        };
        if change.before == change.after {
            return Err(Complaint::new(
                "team",
                format!("{} has limits that this raise does not change", self.team),
            ));
        }
        Ok(single(
            change,
            format!("team {} may send more until somebody takes it back", self.team),
        ))
    }
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "raise_rate_limit",
    baseline: 30,
    floor: 20,
    undone: UNDONE,
    schema: tool::schema::<RaiseRateLimit>,
};

impl Operation for RaiseRateLimit {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (field, percent) in [
            ("rpm_percent", self.rpm_percent),
            ("tpm_percent", self.tpm_percent),
        ] {
            if let Some(percent) = percent
                && !(Self::MIN_PERCENT..=Self::MAX_PERCENT).contains(&percent)
            {
                let problem = format!(
                    "is {percent} %, not within {}–{}",
                    Self::MIN_PERCENT,
                    Self::MAX_PERCENT
                );
                complaints.push(Complaint::new(field, problem));
            }
        }
        if self.rpm_percent.is_none() && self.tpm_percent.is_none() {
            complaints.push(Complaint::new("rpm_percent", "or tpm_percent must be given"));
        }
        complaints
    }

    fn unrelated(&self, event: &Event, inventory: &Inventory) -> Option<Complaint> {
        let budgeted = match &event.trouble {
            Trouble::BudgetExceeded {
                owner: Spender::Owner(BudgetOwner::Team(team)),
                ..
            } => *team == self.team,
            Trouble::BudgetExceeded {
                owner: Spender::Owner(BudgetOwner::Org(_)) | Spender::Other { .. },
                ..
            }
            | Trouble::ProviderUnhealthy { .. }
            | Trouble::SlaViolation { .. }
            | Trouble::LatencySpike { .. } => false,
        };
        // What a team's key or user ran out of is not the team's limit.
        let is_out_of_reach = match &event.trouble {
            Trouble::BudgetExceeded { owner, .. } => owner.owner().is_none(),
            Trouble::ProviderUnhealthy { .. }
            | Trouble::SlaViolation { .. }
            | Trouble::LatencySpike { .. } => false,
        };
        let related = budgeted || event.team.as_ref() == Some(&self.team);
        if !related || is_out_of_reach {
            let problem = format!("{} is not the one the event is about", self.team);
            return Some(Complaint::new("team", problem));
        }
        inventory
            .team(&self.team)
            .and_then(|team| self.not_the_cause(team))
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let team = inventory
            .team(&self.team)
            .ok_or_else(|| Complaint::new("team", format!("{} is not on the gateway", self.team)))?;
        self.raises(team.rpm, team.tpm)
    }

    fn too_much(&self, plan: &Plan, limits: &Limits) -> Option<Complaint> {
        let above = |(field, raised, value, most): (&str, bool, u64, u64)| {
            let problem = format!("gives {value} a minute, above the most of {most} that any team may have");
            (raised && value > most).then(|| Complaint::new(field, problem))
        };
        plan.changes
            .iter()
            .find_map(|change| match (&change.before, &change.after) {
                (
                    Setting::RateLimit { rpm, tpm },
                    Setting::RateLimit {
                        rpm: new_rpm,
                        tpm: new_tpm,
                    },
                ) => {
                    let each = [
                        ("rpm_percent", new_rpm > rpm, *new_rpm, limits.max_rpm),
                        ("tpm_percent", new_tpm > tpm, *new_tpm, limits.max_tpm),
                    ];
                    each.into_iter().find_map(above)
                }
                (_, _) => None,
            })
    }

    fn lowers(&self) -> Vec<Lowers> {
        let rpm = self.rpm_percent;
        let tpm = self.tpm_percent;
        let rpm =
            rpm.map(|percent| Lowers::new("rpm_percent", "Raise of requests a minute, percent", percent));
        let tpm = tpm.map(|percent| Lowers::new("tpm_percent", "Raise of tokens a minute, percent", percent));
        rpm.into_iter().chain(tpm).collect()
    }

    fn preview_within(&self, wider: &Preview) -> Result<Preview, Complaint> {
        match wider.plan.changes.first().map(|change| &change.before) {
            Some(Setting::RateLimit { rpm, tpm }) => self.raises(*rpm, *tpm),
            Some(_) | None => Err(Complaint::new("team", "has no limits in the preview")),
        }
    }

    fn narrows(&self, other: &Action) -> bool {
        let Action::RaiseRateLimit(other) = other else {
            return false;
        };
        let within = |mine: Option<u64>, theirs: Option<u64>| mine.unwrap_or(0) <= theirs.unwrap_or(0);
        self.team == other.team
            && within(self.rpm_percent, other.rpm_percent)
            && within(self.tpm_percent, other.tpm_percent)
    }

    fn size(&self, _plan: &Plan) -> Option<Ppm> {
        let percent = self.rpm_percent.max(self.tpm_percent).unwrap_or_default();
        Some(part_of_range(percent, Self::MIN_PERCENT, Self::MAX_PERCENT))
    }
}

impl fmt::Display for RaiseRateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name: &str, percent: Option<u64>| percent.map(|percent| format!("{name} by {percent} %"));
        let parts: Vec<String> = [
            part("requests a minute", self.rpm_percent),
            part("tokens a minute", self.tpm_percent),
        ]
        .into_iter()
        .flatten()
        .collect();
        write!(f, "raise team {}'s {}", self.team, parts.join(" and "))
    }
}
