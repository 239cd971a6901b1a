//! What was decided without a person is computed again before it starts.

use domain::inventory::Inventory;
use domain::permission::InForce;
use domain::proposal::{Evidence, Precondition, Proposal, Proposed, Refused};
use domain::risk::recompute::{self, Difference};
use domain::trail::Control;
use domain::value::Timestamp;
use runtime::queue::Fault;
use trail::{load_control, look_back};

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

/// Why what the policy approved does not start on what the gateway and the trail say now: they give a higher score than
/// the evidence that was recorded, and with it a person is asked.
pub(crate) async fn on_evidence_of_now(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
    inventory: &Inventory,
) -> Result<Option<Refused>, Fault> {
    let plan = &proposed.preview.plan;
    let now = deps.clock.now();
    let before = look_back(deps.trail, deps.incidents, proposal.id(), &plan.changed(), now).await?;
    let evidence = Evidence::gather(&proposal.received().event, plan, inventory);
    let control = load_control(deps.trail).await?;
    let in_force = deps.policies.in_force(&control).await;
    if let Some(why) = in_force.instead_because {
        // What stands in for a policy refuses nobody for good.
        return Err(Fault::Later(why));
    }
    let evidence = evidence.with_history(Some(before));
    let differences = recompute::on_evidence(proposal, evidence, &in_force, deps.deployment, &control, now);
    Ok(told(
        &differences,
        "what was decided without a person is not what gateway and trail give now",
    ))
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
