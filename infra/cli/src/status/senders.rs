//! Who may send incidents.

use serde::Serialize;

use crate::print::{count, quote};
use crate::stack::Stack;

/// Who may send incidents, as the stack was deployed.
#[derive(Debug, Serialize)]
pub(crate) struct SendersPart {
    /// Roles and users of the stack's own account; empty where nobody is named, and IAM alone says who may.
    pub(crate) roles: Vec<String>,
    /// Other accounts.
    pub(crate) accounts: Vec<String>,
}

impl SendersPart {
    /// As a stack was deployed.
    pub(super) fn of(stack: &Stack) -> Self {
        let listed = |name| {
            let list = stack.parameter(name).unwrap_or_default().split(',');
            let named = list.map(str::trim).filter(|item| !item.is_empty());
            named.map(str::to_owned).collect()
        };
        Self {
            roles: listed("SenderRoles"),
            accounts: listed("SenderAccounts"),
        }
    }

    /// The part for people.
    pub(super) fn line(&self) -> String {
        let own = match self.roles.len() {
            0 => "whoever IAM lets in this account, since SenderRoles is empty".to_owned(),
            named => format!("{} of this account", count(named, "name")),
        };
        match self.accounts.as_slice() {
            [] => format!("senders: {own}"),
            others => format!("senders: {own}; account {}", quote(&others.join(", "))),
        }
    }
}
