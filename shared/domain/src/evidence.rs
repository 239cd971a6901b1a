//! What was known when a proposal was made: recorded with it, and all that scoring may look at.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{ModelGroupId, TeamId};
use crate::inventory::{Condition, Inventory};
use crate::target::Target;
use crate::time::Timestamp;
use crate::units::Ppm;

/// The most teams named in a record; `teams_affected` counts them all.
const MOST_TEAMS: usize = 20;

/// The facts a proposal was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the gateway says of the event's condition.
    pub condition: Condition,
    /// When the gateway was read; absent where it could not be.
    pub read_at: Option<Timestamp>,
    /// How many teams use what the action changes.
    pub teams_affected: u64,
    /// The first of them by name, at most 20.
    pub teams: Vec<TeamId>,
    /// Whether one of them is critical.
    pub critical_team: bool,
    /// Their share of the gateway's requests in the last 5 minutes.
    pub traffic_share: Ppm,
}

impl Evidence {
    /// Where the gateway could not be read.
    pub fn unreadable(problem: &str) -> Self {
        Self {
            condition: Condition::Unreadable(problem.to_owned()),
            read_at: None,
            teams_affected: 0,
            teams: Vec::new(),
            critical_team: false,
            traffic_share: Ppm(0),
        }
    }

    /// What the inventory says about an event and the targets an action would change.
    pub fn gather(event: &Event, targets: &[Target], inventory: &Inventory) -> Self {
        let groups: Vec<&ModelGroupId> = targets
            .iter()
            .flat_map(|target| match target {
                Target::ModelGroup(id) => vec![id],
                Target::Provider(id) => inventory.groups_of(id).map(|group| &group.id).collect(),
                Target::Team(_) | Target::Guardrail(_) | Target::Budget(_) | Target::Contract(_) => {
                    Vec::new()
                }
            })
            .collect();
        let touched = |target: &Target, team: &TeamId| match target {
            Target::Team(id) => id == team,
            Target::Budget(owner) => owner.scope() == "org" || owner.id() == team.as_str(),
            // A guardrail or a contract stands before everybody's traffic.
            Target::Guardrail(_) | Target::Contract(_) => true,
            Target::Provider(_) | Target::ModelGroup(_) => false,
        };
        let mut affected: Vec<_> = inventory
            .teams
            .iter()
            .filter(|team| {
                targets.iter().any(|target| touched(target, &team.id))
                    || team.model_groups.iter().any(|group| groups.contains(&group))
            })
            .collect();
        affected.sort_by(|a, b| a.id.cmp(&b.id));
        let volume = |teams: &mut dyn Iterator<Item = u64>| teams.fold(0, u64::saturating_add);
        Self {
            condition: inventory.condition(event),
            read_at: Some(inventory.read_at),
            teams_affected: affected.len() as u64,
            teams: affected
                .iter()
                .take(MOST_TEAMS)
                .map(|team| team.id.clone())
                .collect(),
            critical_team: affected.iter().any(|team| team.critical),
            traffic_share: Ppm::ratio(
                volume(&mut affected.iter().map(|team| team.requests_5m)),
                volume(&mut inventory.teams.iter().map(|team| team.requests_5m)),
            ),
        }
    }
}
