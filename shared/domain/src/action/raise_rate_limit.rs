//! `raise_rate_limit`: one team may send more for now.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Action, Complaint, Entry, Lowers, Operation, Plan, Preview, UNDONE, part_of_range, single, tool,
};
use crate::incident::{Event, Trouble};
use crate::inventory::{Change, Inventory, Setting, Target};
use crate::value::{BudgetOwner, Limits, Ppm, TeamId};

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

impl RaiseRateLimit {
    /// The smallest raise, percent.
    pub const MIN_PERCENT: u64 = 1;
    /// The largest raise, percent.
    pub const MAX_PERCENT: u64 = 50;

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

    fn unrelated(&self, event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        let budgeted = match &event.trouble {
            Trouble::BudgetExceeded {
                owner: BudgetOwner::Team(team),
                ..
            } => *team == self.team,
            Trouble::BudgetExceeded {
                owner: BudgetOwner::Org(_),
                ..
            }
            | Trouble::ProviderUnhealthy { .. }
            | Trouble::SlaViolation { .. }
            | Trouble::LatencySpike { .. } => false,
        };
        let related = budgeted || event.team.as_ref() == Some(&self.team);
        (!related).then(|| Complaint::new("team", format!("{} is not the one the event is about", self.team)))
    }

    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        let team = inventory
            .team(&self.team)
            .ok_or_else(|| Complaint::new("team", format!("{} is not on the gateway", self.team)))?;
        self.raises(team.rpm, team.tpm)
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
