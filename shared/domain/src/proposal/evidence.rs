//! What was known when a proposal was made: recorded with it, and all that scoring may look at.

use serde::{Deserialize, Serialize};

use crate::action::{ActionKind, Plan};
use crate::incident::{Badness, Event, Measure};
use crate::inventory::{Condition, Inventory, ModelGroup, Provider, Setting, Target};
use crate::proposal::History;
use crate::trail::generation::{Ending, Tried};
use crate::value::{ModelGroupId, Ppm, ProposalId, TeamId, Timestamp, shorten};

/// The most teams named in a record; `teams_affected` counts them all.
const MOST_TEAMS: usize = 20;

/// The most complaints that are kept with the evidence; `received` has all of them.
const MOST_COMPLAINTS: usize = 10;

/// The longest complaint that is kept, characters.
const MOST_CHARS: usize = 300;

/// What is known of a report besides what it claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who reported it: the `source` of the bus event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What of it was left out, or taken for what it must mean: the first 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<String>,
    /// What was tried against the same trouble before, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Before>,
}

/// What came of an earlier proposal against the same trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The proposal.
    pub proposal: ProposalId,
    /// What it proposed; absent where it proposed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
    /// How it ended.
    pub ended: Ending,
}

impl Report {
    /// The report of an event of a source, after what was tried before it.
    pub fn new(by: Option<&str>, complaints: &[String], tried: &[Tried]) -> Self {
        let short = |text: &String| text.chars().take(MOST_CHARS).collect();
        let before = |one: &Tried| Before {
            proposal: one.proposal.clone(),
            action: one.action,
            ended: one.ended,
        };
        Self {
            by: by.map(shorten),
            complaints: complaints.iter().take(MOST_COMPLAINTS).map(short).collect(),
            tried: tried.iter().map(before).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The facts a proposal was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the gateway says of the event's condition.
    pub condition: Condition,
    /// Which of the event's fields do not belong together on the gateway, a sentence each: evidence for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What the event measures, as the gateway measured it; absent where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<(Measure, u64)>,
    /// When the gateway was read; absent where it could not be.
    pub read_at: Option<Timestamp>,
    /// Whether nobody can tell whom it affects: the gateway names no team, or knows of no traffic of theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub affected_unknown: bool,
    /// How many teams use what the action changes.
    pub teams_affected: u64,
    /// The first of them by name, at most 20.
    pub teams: Vec<TeamId>,
    /// Whether one of them is critical.
    pub critical_team: bool,
    /// Their share of the gateway's requests in the last 5 minutes.
    pub traffic_share: Ppm,
    /// Where traffic moves: the healthy deployments that are left to take it, in the model group with the fewest.
    pub alternatives: Option<u64>,
    /// What was before; absent where the trail could not be read.
    pub history: Option<History>,
    /// Who reported it, how well, and what was tried against it. Older records do not have it.
    #[serde(default, skip_serializing_if = "Report::is_empty")]
    pub report: Report,
}

impl Evidence {
    /// Where the gateway could not be read.
    pub fn unreadable(problem: &str) -> Self {
        Self {
            condition: Condition::Unreadable(problem.to_owned()),
            left_out: Vec::new(),
            measured: None,
            read_at: None,
            affected_unknown: true,
            teams_affected: 0,
            teams: Vec::new(),
            critical_team: false,
            traffic_share: Ppm(0),
            alternatives: None,
            history: None,
            report: Report::default(),
        }
    }

    /// What the inventory says about an event and what a plan would change.
    pub fn gather(event: &Event, plan: &Plan, inventory: &Inventory) -> Self {
        let believed = inventory.believe(event);
        let targets = plan.changed();
        let groups = changed_groups(&targets, inventory);
        let alternatives = groups
            .iter()
            .filter_map(|id| inventory.model_group(id))
            .map(|group| left_to(group, plan, inventory))
            .min();
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
        let requests = volume(&mut inventory.teams.iter().map(|team| team.requests_5m));
        Self {
            condition: inventory.condition(event),
            left_out: believed.left_out,
            measured: inventory.measured(event),
            read_at: Some(inventory.read_at),
            affected_unknown: requests == 0,
            teams_affected: affected.len() as u64,
            teams: affected
                .iter()
                .take(MOST_TEAMS)
                .map(|team| team.id.clone())
                .collect(),
            critical_team: affected.iter().any(|team| team.critical),
            traffic_share: Ppm::ratio(
                volume(&mut affected.iter().map(|team| team.requests_5m)),
                requests,
            ),
            alternatives,
            history: None,
            report: Report::default(),
        }
    }

    /// How bad the event's trouble is as far as the gateway bears it out; absent where it does not.
    pub fn borne_out(&self, event: &Event) -> Option<Badness> {
        let confirmed = matches!(self.condition, Condition::Confirmed(_));
        confirmed.then(|| Badness::of(event).as_measured(self.measured))
    }

    /// Without what a sender may not say, and why.
    pub fn without(mut self, foreign: Option<String>) -> Self {
        self.left_out.extend(foreign);
        self
    }

    /// With what is known of the report.
    pub fn with_report(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    /// With what was before.
    pub fn with_history(mut self, history: Option<History>) -> Self {
        self.history = history;
        self
    }
}

/// The model groups whose traffic a change of these targets moves.
fn changed_groups<'a>(targets: &'a [Target], inventory: &'a Inventory) -> Vec<&'a ModelGroupId> {
    let groups = targets.iter().flat_map(|target| match target {
        Target::ModelGroup(id) => vec![id],
        Target::Provider(id) => inventory.groups_of(id).map(|group| &group.id).collect(),
        Target::Team(_) | Target::Guardrail(_) | Target::Budget(_) | Target::Contract(_) => Vec::new(),
    });
    groups.collect()
}

/// The healthy deployments that a group has once the plan is carried out.
fn left_to(group: &ModelGroup, plan: &Plan, inventory: &Inventory) -> u64 {
    let after = plan
        .changes
        .iter()
        .find_map(|change| match (&change.target, &change.after) {
            (Target::ModelGroup(id), Setting::Routes(routes)) if *id == group.id => Some(ModelGroup {
                id: group.id.clone(),
                routes: routes.clone(),
            }),
            (_, _) => None,
        });
    let changed = plan.changed();
    let after = after.as_ref().unwrap_or(group);
    let left = inventory.live_routes(after).filter(|route| {
        let taken = changed.contains(&Target::Provider(route.provider.clone()));
        let healthy = inventory
            .provider(&route.provider)
            .is_some_and(Provider::is_healthy);
        healthy && !taken
    });
    left.count() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples::*;
    use crate::value::BudgetOwner;

    /// A plan that changes these targets.
    fn plan(targets: &[Target]) -> Plan {
        let change = |target: &Target| crate::inventory::Change {
            target: target.clone(),
            before: Setting::Enabled(true),
            after: Setting::Enabled(false),
        };
        Plan {
            changes: targets.iter().map(change).collect(),
            page: None,
            claims: targets.to_vec(),
        }
    }

    /// Who is affected by a change of the targets: the teams, whether one is critical, their traffic.
    fn affected(targets: &[Target]) -> (Vec<String>, bool, u32) {
        let evidence = Evidence::gather(&unhealthy(), &plan(targets), &inventory());
        assert_eq!(evidence.teams_affected, evidence.teams.len() as u64);
        let teams = evidence.teams.iter().map(ToString::to_string).collect();
        (teams, evidence.critical_team, evidence.traffic_share.0)
    }

    fn teams(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn those_are_affected_who_use_what_changes() {
        let chat = (teams(&["payments", "research"]), true, 400_000);
        assert_eq!(affected(&[Target::Provider(id("openai"))]), chat);
        assert_eq!(affected(&[Target::ModelGroup(id("chat"))]), chat);
        let both = [Target::ModelGroup(id("chat")), Target::Provider(id("openai"))];
        assert_eq!(affected(&both), chat, "each team counts once");
        let ocr = (teams(&["archive", "research"]), false, 700_000);
        assert_eq!(affected(&[Target::Provider(id("mistral"))]), ocr);
        let one = (teams(&["payments"]), true, 300_000);
        assert_eq!(affected(&[Target::Team(id("payments"))]), one);
        assert_eq!(
            affected(&[Target::Budget(BudgetOwner::Team(id("payments")))]),
            one
        );
        let all = (teams(&["archive", "payments", "research"]), true, 1_000_000);
        assert_eq!(affected(&[Target::Budget(BudgetOwner::Org(id("acme")))]), all);
        assert_eq!(affected(&[Target::Guardrail(id("pii"))]), all);
        assert_eq!(affected(&[Target::Contract(id("gold"))]), all);
    }

    #[test]
    fn a_page_and_an_unused_provider_affect_nobody() {
        let nobody = (Vec::new(), false, 0);
        assert_eq!(affected(&[]), nobody);
        assert_eq!(affected(&[Target::Provider(id("nobody"))]), nobody);
    }

    #[test]
    fn the_deployments_left_are_those_that_do_well() {
        let left = |targets: &[Target], inventory: &Inventory| {
            Evidence::gather(&unhealthy(), &plan(targets), inventory).alternatives
        };
        let openai = [Target::Provider(id("openai"))];
        assert_eq!(left(&openai, &inventory()), Some(1), "anthropic is left to chat");
        let mut both_fail = inventory();
        both_fail.providers[0].error_rate = Ppm(500_000);
        assert_eq!(left(&openai, &both_fail), Some(0));
        assert_eq!(left(&[Target::ModelGroup(id("chat"))], &inventory()), Some(1));
        assert_eq!(left(&[Target::Team(id("payments"))], &inventory()), None);
    }

    #[test]
    fn a_reroute_affects_the_group_that_it_changes_and_leaves_what_serves_it_then() {
        // anthropic, where the traffic goes, is a route of code as well, which archive uses.
        let mut inventory = inventory();
        inventory.teams[2].model_groups = vec![id("code")];
        let preview = reroutes().preview(&inventory).unwrap();
        let evidence = Evidence::gather(&unhealthy(), &preview.plan, &inventory);
        assert_eq!(evidence.teams, [id("payments"), id("research")]);
        assert_eq!(evidence.alternatives, Some(1), "anthropic does well");
        inventory.providers[0].error_rate = Ppm(500_000);
        let evidence = Evidence::gather(&unhealthy(), &preview.plan, &inventory);
        assert_eq!(evidence.alternatives, Some(0));
    }

    #[test]
    fn without_traffic_nobody_can_tell_whom_it_affects() {
        let mut quiet = inventory();
        for team in &mut quiet.teams {
            team.requests_5m = 0;
        }
        let evidence = Evidence::gather(&unhealthy(), &plan(&[Target::Guardrail(id("pii"))]), &quiet);
        assert_eq!((evidence.teams_affected, evidence.traffic_share), (3, Ppm(0)));
        assert!(evidence.affected_unknown, "no traffic is no measure");
    }

    #[test]
    fn at_most_twenty_teams_are_named_and_all_are_counted() {
        let mut crowded = inventory();
        crowded.teams = (0..50)
            .rev()
            .map(|number| crate::inventory::Team {
                id: id(&format!("team-{number:02}")),
                ..inventory().teams[0].clone()
            })
            .collect();
        let evidence = Evidence::gather(&unhealthy(), &plan(&[Target::Guardrail(id("pii"))]), &crowded);
        assert_eq!(evidence.teams_affected, 50);
        assert_eq!(evidence.teams.len(), 20);
        assert_eq!(evidence.teams[0], id("team-00"));
    }

    #[test]
    fn it_says_what_the_gateway_says_and_when_it_was_asked() {
        let evidence = Evidence::gather(&event("latency.spike", json!({})), &plan(&[]), &inventory());
        assert_eq!(evidence.read_at, Some(at(5)));
        assert!(matches!(evidence.condition, Condition::Confirmed(_)));
        let none = Evidence::unreadable("it does not answer");
        assert_eq!(none.read_at, None);
        assert_eq!(
            none.condition,
            Condition::Unreadable("it does not answer".to_owned())
        );
    }
}
