//! `page_oncall`: wake a person.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Complaint, Entry, Lowers, Operation, Page, Plan, Preview, Undo, tool};
use crate::incident::{Event, Severity};
use crate::inventory::Inventory;
use crate::value::{Limits, is_dangerous};

/// Pages the on-call engineer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageOncall {
    /// How bad.
    pub severity: Severity,
    /// One sentence, 1–300 characters, no control or invisible characters.
    pub summary: String,
}

impl PageOncall {
    /// The longest summary, characters.
    pub const MAX_CHARS: usize = 300;

    /// The preview, which depends on nothing outside.
    pub(super) fn one_shot(&self) -> Preview {
        let page = Page {
            severity: self.severity,
            summary: self.summary.clone(),
        };
        Preview {
            plan: Plan {
                changes: Vec::new(),
                page: Some(page),
                claims: Vec::new(),
            },
            impact: vec!["one page to the on-call engineer".to_owned()],
            undo: Undo::OneShot,
        }
    }
}

/// What the library says of it.
pub(super) const ENTRY: Entry = Entry {
    name: "page_oncall",
    baseline: 35,
    floor: 10,
    undone: "A page cannot be taken back.",
    schema: tool::schema::<PageOncall>,
};

impl Operation for PageOncall {
    fn out_of_bounds(&self, _limits: &Limits) -> Vec<Complaint> {
        let length = self.summary.chars().count();
        if length == 0 || length > Self::MAX_CHARS {
            let problem = format!("has {length} characters, not 1–{}", Self::MAX_CHARS);
            vec![Complaint::new("summary", problem)]
        } else if self.summary.chars().any(is_dangerous) {
            vec![Complaint::new(
                "summary",
                "holds a control or invisible character",
            )]
        } else {
            Vec::new()
        }
    }

    fn unrelated(&self, _event: &Event, _inventory: &Inventory) -> Option<Complaint> {
        None
    }

    fn preview(&self, _inventory: &Inventory) -> Result<Preview, Complaint> {
        Ok(self.one_shot())
    }

    fn narrows(&self, other: &Action) -> bool {
        let Action::PageOncall(other) = other else {
            return false;
        };
        self.summary == other.summary && self.severity <= other.severity
    }

    fn lowers(&self) -> Vec<Lowers> {
        vec![Lowers::new(
            "severity",
            "Severity: critical, warning or info",
            self.severity.name(),
        )]
    }

    fn preview_within(&self, _wider: &Preview) -> Result<Preview, Complaint> {
        Ok(self.one_shot())
    }
}

impl fmt::Display for PageOncall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "page the on-call engineer ({}): {}",
            self.severity.name(),
            self.summary
        )
    }
}
