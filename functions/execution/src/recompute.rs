//! What was decided without a person is computed again before it starts.

use domain::permission::InForce;
use domain::proposal::{Precondition, Proposal, Refused};
use domain::risk::recompute::{self, Difference};
use domain::trail::Control;
use domain::value::Timestamp;

use crate::Deps;

/// The most differences that one record tells.
const MOST_TOLD: usize = 5;

/// Why what the policy approved does not start: its `scored` record is not what evidence, policy, deployment and
/// switches give. Each thing that differs is told.
pub(crate) fn refusal(
    deps: &Deps<'_>,
    proposal: &Proposal,
    in_force: &InForce,
    control: &Control,
    now: Timestamp,
) -> Option<Refused> {
    let differences = recompute::automatic(proposal, in_force, deps.deployment, control, now);
    told(
        &differences,
        "what was decided without a person is not what evidence and policy give",
    )
}

/// The refusal that differences make; none where there are none.
pub(crate) fn told(differences: &[Difference], what: &str) -> Option<Refused> {
    if differences.is_empty() {
        return None;
    }
    let mut each: Vec<String> = differences
        .iter()
        .take(MOST_TOLD)
        .map(ToString::to_string)
        .collect();
    match differences.len().saturating_sub(MOST_TOLD) {
        0 => {}
        more => each.push(format!("and {more} more")),
    }
    Some(Refused {
        precondition: Precondition::Recomputed,
        explanation: format!("{what}: {}", each.join("; ")),
    })
}
