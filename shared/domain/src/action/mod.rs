//! The closed library of actions. One file each; everything that lists actions derives from [`Action`].
//!
//! Adding one is a new file that implements [`Operation`], a variant of [`Action`] and of [`ActionKind`],
//! and the lines the compiler then asks for.

mod bump_budget_cap;
mod circuit_break_provider;
mod disable_guardrail;
mod disable_sla_contract;
mod narrowing;
mod page_oncall;
mod raise_rate_limit;
mod reroute_model_group;
pub mod tool;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::bump_budget_cap::BumpBudgetCap;
pub use self::circuit_break_provider::CircuitBreakProvider;
pub use self::disable_guardrail::DisableGuardrail;
pub use self::disable_sla_contract::DisableSlaContract;
pub use self::narrowing::{Lowers, Narrowing};
pub use self::page_oncall::PageOncall;
pub use self::raise_rate_limit::RaiseRateLimit;
pub use self::reroute_model_group::RerouteModelGroup;
pub use self::tool::ActionTool;
use crate::incident::{Event, Severity};
use crate::inventory::{Change, Inventory, ModelGroup, Setting, Target};
use crate::value::{Limits, Ppm, ProviderId};

/// Which action, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Stop sending a provider traffic for a while.
    CircuitBreakProvider,
    /// Move a model group's traffic from one provider to another.
    RerouteModelGroup,
    /// Raise one team's rate limits.
    RaiseRateLimit,
    /// Wake a person.
    PageOncall,
    /// Switch a guardrail off.
    DisableGuardrail,
    /// Raise a budget's hard cap.
    BumpBudgetCap,
    /// Take an SLA contract out of force.
    DisableSlaContract,
}

impl ActionKind {
    /// Every action, in the order of the documents' table.
    pub const ALL: [ActionKind; 7] = [
        ActionKind::CircuitBreakProvider,
        ActionKind::RerouteModelGroup,
        ActionKind::RaiseRateLimit,
        ActionKind::PageOncall,
        ActionKind::DisableGuardrail,
        ActionKind::BumpBudgetCap,
        ActionKind::DisableSlaContract,
    ];

    /// The action's name in configuration, records and events.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Risk before any factor, 0–100.
    pub fn baseline(self) -> u8 {
        self.entry().baseline
    }

    /// Risk that nothing can bring the action below, 0–100.
    pub fn floor(self) -> u8 {
        self.entry().floor
    }

    fn entry(self) -> &'static Entry {
        match self {
            ActionKind::CircuitBreakProvider => &circuit_break_provider::ENTRY,
            ActionKind::RerouteModelGroup => &reroute_model_group::ENTRY,
            ActionKind::RaiseRateLimit => &raise_rate_limit::ENTRY,
            ActionKind::PageOncall => &page_oncall::ENTRY,
            ActionKind::DisableGuardrail => &disable_guardrail::ENTRY,
            ActionKind::BumpBudgetCap => &bump_budget_cap::ENTRY,
            ActionKind::DisableSlaContract => &disable_sla_contract::ENTRY,
        }
    }
}

/// What the library says of an action whatever its parameters: each file's one table.
struct Entry {
    /// Its name in configuration, records and events.
    name: &'static str,
    /// Risk before any factor, 0–100.
    baseline: u8,
    /// Risk that nothing can bring it below, 0–100.
    floor: u8,
    /// How it is taken back, in a sentence for a model.
    undone: &'static str,
    /// The schema of its parameters.
    schema: fn() -> serde_json::Value,
}

/// How most actions are taken back, in a sentence for a model.
const UNDONE: &str = "It stays until a person takes it back.";

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ActionKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        ActionKind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| {
                format!(
                    "\"{text}\" is not an action: {}",
                    ActionKind::ALL.map(ActionKind::name).join(", ")
                )
            })
    }
}

/// One concrete action with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// See [`CircuitBreakProvider`].
    CircuitBreakProvider(CircuitBreakProvider),
    /// See [`RerouteModelGroup`].
    RerouteModelGroup(RerouteModelGroup),
    /// See [`RaiseRateLimit`].
    RaiseRateLimit(RaiseRateLimit),
    /// See [`PageOncall`].
    PageOncall(PageOncall),
    /// See [`DisableGuardrail`].
    DisableGuardrail(DisableGuardrail),
    /// See [`BumpBudgetCap`].
    BumpBudgetCap(BumpBudgetCap),
    /// See [`DisableSlaContract`].
    DisableSlaContract(DisableSlaContract),
}

/// What is wrong with an action's parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Complaint {
    /// The parameter.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Complaint {
    pub(crate) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

/// How an action is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum Undo {
    /// It ends by itself.
    Restore {
        /// After this many seconds.
        after_s: u64,
    },
    /// A person may ask for it.
    OnDemand,
    /// There is nothing to take back.
    OneShot,
}

/// A call to PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// How bad it is, as PagerDuty is told.
    pub severity: Severity,
    /// One sentence for the person woken, at most 300 characters.
    pub summary: String,
}

/// What an action will do, exactly: the approver sees it, and execution must find it unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Absolute changes, in the order they are made.
    pub changes: Vec<Change>,
    /// The page to send, for the one action that pages.
    pub page: Option<Page>,
    /// Every target that must be held meanwhile, sorted: what is changed, and what the change thins.
    pub claims: Vec<Target>,
}

impl Plan {
    /// The targets that are changed.
    pub fn changed(&self) -> Vec<Target> {
        self.changes.iter().map(|change| change.target.clone()).collect()
    }

    /// What whoever takes it back must claim, sorted. While the effect's own claims count (`held`), only what is
    /// written, so that one does it at a time; otherwise everything, and what the values of before rely on: nobody may
    /// break a provider while traffic goes back to it.
    pub fn claims_to_undo(&self, held: bool) -> Vec<Target> {
        let written = self.changes.iter().map(|change| change.target.clone());
        let mut claims: Vec<Target> = written.collect();
        if !held {
            claims.extend(self.claims.iter().cloned());
            claims.extend(self.relied_on_by_undo().cloned().map(Target::Provider));
        }
        claims.sort();
        claims.dedup();
        claims
    }

    /// The providers that get traffic once it is taken back.
    fn relied_on_by_undo(&self) -> impl Iterator<Item = &ProviderId> {
        let befores = self.changes.iter().map(|change| &change.before);
        let routes = befores.flat_map(|before| match before {
            Setting::Routes(routes) => routes.as_slice(),
            Setting::Blocked(_) | Setting::RateLimit { .. } | Setting::Enabled(_) | Setting::HardCap(_) => {
                &[]
            }
        });
        routes
            .filter(|route| route.weight > 0)
            .map(|route| &route.provider)
    }

    /// Why it cannot be taken back as the gateway is now: a model group would be left without a deployment.
    pub fn undo_empties(&self, inventory: &Inventory) -> Option<String> {
        self.changes.iter().find_map(|change| {
            let (Target::ModelGroup(group), Setting::Routes(routes)) = (&change.target, &change.before)
            else {
                return None;
            };
            let back = ModelGroup {
                id: group.clone(),
                routes: routes.clone(),
            };
            let empty = inventory.live_routes(&back).next().is_none();
            empty.then(|| format!("model group {group} would have no deployment left"))
        })
    }
}

/// A plan with what a person needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What will be done.
    #[serde(flatten)]
    pub plan: Plan,
    /// What it means, one sentence each.
    pub impact: Vec<String>,
    /// How it is taken back.
    #[serde(flatten)]
    pub undo: Undo,
}

/// What every action must say of itself. Its `Display` is one sentence for people.
pub trait Operation: fmt::Display {
    /// Parameters out of their bounds, if any.
    fn out_of_bounds(&self, limits: &Limits) -> Vec<Complaint>;

    /// Whether the event's structured fields justify this target, as far as they belong together on the gateway. Free
    /// text never does.
    fn unrelated(&self, event: &Event, inventory: &Inventory) -> Option<Complaint>;

    /// What it would do to this inventory, or why it cannot be done.
    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint>;

    /// Whether what it would set is more than the company allows at all.
    fn too_much(&self, plan: &Plan, limits: &Limits) -> Option<Complaint> {
        let _ = (plan, limits);
        None
    }

    /// Whether this is `other`, or `other` with less effect: all that an approver may amend it to.
    fn narrows(&self, other: &Action) -> bool;

    /// The parameters that an approver may lower; none where there is no less of it.
    fn lowers(&self) -> Vec<Lowers> {
        Vec::new()
    }

    /// What it would do, given the preview of an action that it narrows: the same as on the inventory which that one
    /// was made on. Or why there is nothing left to do.
    fn preview_within(&self, wider: &Preview) -> Result<Preview, Complaint> {
        Ok(wider.clone())
    }

    /// How large the change is within the action's bounds: 0 the smallest, 1 the largest. `None` for actions that have
    /// no size.
    fn size(&self, plan: &Plan) -> Option<Ppm> {
        let _ = plan;
        None
    }
}

/// Where a value stands between the least and the most.
fn part_of_range(value: u64, least: u64, most: u64) -> Ppm {
    Ppm::ratio(value.saturating_sub(least), most.saturating_sub(least))
}

impl Action {
    /// Which action it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Action::CircuitBreakProvider(_) => ActionKind::CircuitBreakProvider,
            Action::RerouteModelGroup(_) => ActionKind::RerouteModelGroup,
            Action::RaiseRateLimit(_) => ActionKind::RaiseRateLimit,
            Action::PageOncall(_) => ActionKind::PageOncall,
            Action::DisableGuardrail(_) => ActionKind::DisableGuardrail,
            Action::BumpBudgetCap(_) => ActionKind::BumpBudgetCap,
            Action::DisableSlaContract(_) => ActionKind::DisableSlaContract,
        }
    }

    /// What it says of itself.
    pub fn operation(&self) -> &dyn Operation {
        match self {
            Action::CircuitBreakProvider(action) => action,
            Action::RerouteModelGroup(action) => action,
            Action::RaiseRateLimit(action) => action,
            Action::PageOncall(action) => action,
            Action::DisableGuardrail(action) => action,
            Action::BumpBudgetCap(action) => action,
            Action::DisableSlaContract(action) => action,
        }
    }

    /// Parameters out of their bounds, if any.
    pub fn out_of_bounds(&self, limits: &Limits) -> Vec<Complaint> {
        self.operation().out_of_bounds(limits)
    }

    /// What it would do to this inventory, or why it cannot be done.
    pub fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        self.operation().preview(inventory)
    }

    /// Whether the agent may propose it for this event at all: within bounds, on existing targets that
    /// the event is about. `None` stands for a gateway that could not be read: then only a page can be.
    pub fn check(
        &self,
        event: &Event,
        inventory: Option<&Inventory>,
        limits: &Limits,
    ) -> Result<Preview, Vec<Complaint>> {
        let complaints = self.out_of_bounds(limits);
        if !complaints.is_empty() {
            return Err(complaints);
        }
        match (inventory, self) {
            (Some(inventory), _) => {
                let believed = inventory.believe(event).event;
                // Without the group that it names, an event about one would be about all.
                if let (Action::RerouteModelGroup(_), Some(group)) = (self, event.model_group())
                    && believed.model_group() != Some(group)
                {
                    let problem = format!("the event names {group}, which does not belong to it");
                    return Err(vec![Complaint::new("model_group", problem)]);
                }
                if let Some(complaint) = self.operation().unrelated(&believed, inventory) {
                    return Err(vec![complaint]);
                }
                let preview = self.preview(inventory).map_err(|complaint| vec![complaint])?;
                match self.operation().too_much(&preview.plan, limits) {
                    Some(complaint) => Err(vec![complaint]),
                    None => Ok(preview),
                }
            }
            (None, Action::PageOncall(page)) => Ok(page.one_shot()),
            (None, _) => Err(vec![Complaint::new(
                "action",
                "cannot be checked: the gateway could not be read",
            )]),
        }
    }

    /// What it would do, given the preview of an action that it narrows.
    pub fn preview_within(&self, wider: &Preview) -> Result<Preview, Complaint> {
        self.operation().preview_within(wider)
    }

    /// Whether this is `other` with less effect, and not the same.
    pub fn narrows(&self, other: &Action) -> bool {
        self.operation().narrows(other) && self != other
    }
}

impl fmt::Display for Action {
    /// One sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation().fmt(f)
    }
}

/// A preview of one change of one target, which is all that must be held.
fn single(change: Change, impact: String) -> Preview {
    let claims = vec![change.target.clone()];
    let plan = Plan {
        changes: vec![change],
        page: None,
        claims,
    };
    Preview {
        plan,
        impact: vec![impact],
        undo: Undo::OnDemand,
    }
}

/// A preview of what takes a guardrail or a contract out of force.
fn switches_off(target: Target, impact: String) -> Preview {
    let change = Change {
        target,
        before: Setting::Enabled(true),
        after: Setting::Enabled(false),
    };
    single(change, impact)
}

#[cfg(test)]
mod tests;
