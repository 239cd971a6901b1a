//! The closed library of actions. One file each; everything that lists actions derives from [`Action`].
//!
//! Adding one is a new file that implements [`Operation`], a variant of [`Action`] and of [`ActionKind`],
//! and the lines the compiler then asks for.

mod bump_budget_cap;
mod circuit_break_provider;
mod disable_guardrail;
mod disable_sla_contract;
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
pub use self::page_oncall::PageOncall;
pub use self::raise_rate_limit::RaiseRateLimit;
pub use self::reroute_model_group::RerouteModelGroup;
pub use self::tool::ActionTool;
use crate::deployment::Limits;
use crate::event::{Event, Severity};
use crate::inventory::Inventory;
use crate::target::{Change, Target};

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
        match self {
            ActionKind::CircuitBreakProvider => "circuit_break_provider",
            ActionKind::RerouteModelGroup => "reroute_model_group",
            ActionKind::RaiseRateLimit => "raise_rate_limit",
            ActionKind::PageOncall => "page_oncall",
            ActionKind::DisableGuardrail => "disable_guardrail",
            ActionKind::BumpBudgetCap => "bump_budget_cap",
            ActionKind::DisableSlaContract => "disable_sla_contract",
        }
    }

    /// Risk before any factor, 0–100.
    pub fn baseline(self) -> u8 {
        match self {
            ActionKind::CircuitBreakProvider => 15,
            ActionKind::RerouteModelGroup => 25,
            ActionKind::RaiseRateLimit => 30,
            ActionKind::PageOncall => 35,
            ActionKind::DisableGuardrail => 60,
            ActionKind::BumpBudgetCap => 75,
            ActionKind::DisableSlaContract => 85,
        }
    }

    /// Risk that nothing can bring the action below, 0–100.
    pub fn floor(self) -> u8 {
        match self {
            ActionKind::CircuitBreakProvider => 5,
            ActionKind::RerouteModelGroup | ActionKind::PageOncall => 10,
            ActionKind::RaiseRateLimit => 20,
            ActionKind::DisableGuardrail => 50,
            ActionKind::BumpBudgetCap => 65,
            ActionKind::DisableSlaContract => 75,
        }
    }
}

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
    /// How bad.
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

/// What every action must say of itself.
pub trait Operation {
    /// Parameters out of their bounds, if any.
    fn out_of_bounds(&self, limits: &Limits) -> Vec<Complaint>;

    /// Whether the event's structured fields justify this target. Free text never does.
    fn unrelated(&self, event: &Event, inventory: &Inventory) -> Option<Complaint>;

    /// What it would do to this inventory, or why it cannot be done.
    fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint>;

    /// Whether this is `other` with less effect: all that an approver may amend it to.
    fn narrows(&self, other: &Self) -> bool;
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

    /// Parameters out of their bounds, if any.
    pub fn out_of_bounds(&self, limits: &Limits) -> Vec<Complaint> {
        match self {
            Action::CircuitBreakProvider(action) => action.out_of_bounds(limits),
            Action::RerouteModelGroup(action) => action.out_of_bounds(limits),
            Action::RaiseRateLimit(action) => action.out_of_bounds(limits),
            Action::PageOncall(action) => action.out_of_bounds(limits),
            Action::DisableGuardrail(action) => action.out_of_bounds(limits),
            Action::BumpBudgetCap(action) => action.out_of_bounds(limits),
            Action::DisableSlaContract(action) => action.out_of_bounds(limits),
        }
    }

    fn unrelated(&self, event: &Event, inventory: &Inventory) -> Option<Complaint> {
        match self {
            Action::CircuitBreakProvider(action) => action.unrelated(event, inventory),
            Action::RerouteModelGroup(action) => action.unrelated(event, inventory),
            Action::RaiseRateLimit(action) => action.unrelated(event, inventory),
            Action::PageOncall(action) => action.unrelated(event, inventory),
            Action::DisableGuardrail(action) => action.unrelated(event, inventory),
            Action::BumpBudgetCap(action) => action.unrelated(event, inventory),
            Action::DisableSlaContract(action) => action.unrelated(event, inventory),
        }
    }

    /// What it would do to this inventory, or why it cannot be done.
    pub fn preview(&self, inventory: &Inventory) -> Result<Preview, Complaint> {
        match self {
            Action::CircuitBreakProvider(action) => action.preview(inventory),
            Action::RerouteModelGroup(action) => action.preview(inventory),
            Action::RaiseRateLimit(action) => action.preview(inventory),
            Action::PageOncall(action) => action.preview(inventory),
            Action::DisableGuardrail(action) => action.preview(inventory),
            Action::BumpBudgetCap(action) => action.preview(inventory),
            Action::DisableSlaContract(action) => action.preview(inventory),
        }
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
            (Some(inventory), _) => match self.unrelated(event, inventory) {
                Some(complaint) => Err(vec![complaint]),
                None => self.preview(inventory).map_err(|complaint| vec![complaint]),
            },
            (None, Action::PageOncall(page)) => Ok(page.one_shot()),
            (None, _) => Err(vec![Complaint::new(
                "action",
                "cannot be checked: the gateway could not be read",
            )]),
        }
    }

    /// Whether this is `other` with less effect, and not the same.
    pub fn narrows(&self, other: &Action) -> bool {
        let narrower = match (self, other) {
            (Action::CircuitBreakProvider(a), Action::CircuitBreakProvider(b)) => a.narrows(b),
            (Action::RerouteModelGroup(a), Action::RerouteModelGroup(b)) => a.narrows(b),
            (Action::RaiseRateLimit(a), Action::RaiseRateLimit(b)) => a.narrows(b),
            (Action::PageOncall(a), Action::PageOncall(b)) => a.narrows(b),
            (Action::DisableGuardrail(a), Action::DisableGuardrail(b)) => a.narrows(b),
            (Action::BumpBudgetCap(a), Action::BumpBudgetCap(b)) => a.narrows(b),
            (Action::DisableSlaContract(a), Action::DisableSlaContract(b)) => a.narrows(b),
            (
                Action::CircuitBreakProvider(_)
                | Action::RerouteModelGroup(_)
                | Action::RaiseRateLimit(_)
                | Action::PageOncall(_)
                | Action::DisableGuardrail(_)
                | Action::BumpBudgetCap(_)
                | Action::DisableSlaContract(_),
                _,
            ) => false,
        };
        narrower && self != other
    }
}

impl fmt::Display for Action {
    /// One sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::CircuitBreakProvider(action) => action.fmt(f),
            Action::RerouteModelGroup(action) => action.fmt(f),
            Action::RaiseRateLimit(action) => action.fmt(f),
            Action::PageOncall(action) => action.fmt(f),
            Action::DisableGuardrail(action) => action.fmt(f),
            Action::BumpBudgetCap(action) => action.fmt(f),
            Action::DisableSlaContract(action) => action.fmt(f),
        }
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

#[cfg(test)]
mod tests;
