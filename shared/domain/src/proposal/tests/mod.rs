//! The state machine from outside: what may follow what, and what can never happen.

mod approvals;
mod effects;
mod plausible;
mod properties;
mod reasoning;
mod table;
