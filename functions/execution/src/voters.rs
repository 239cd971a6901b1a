//! What people approved is asked again before it starts: what they were shown, and whether their approval counts now.

use domain::permission::{InForce, Under, still_approved};
use domain::proposal::{Approval, Precondition, Proposal, Refused};
use domain::risk::recompute;
use domain::trail::Control;
use domain::value::Timestamp;
use runtime::queue::Fault;

use crate::Deps;
use crate::recompute::told;

/// Why what people approved does not start; none where the approval holds.
pub(crate) async fn refusal(
    deps: &Deps<'_>,
    proposal: &Proposal,
    approval: &Approval,
    in_force: &InForce,
    control: &Control,
    now: Timestamp,
) -> Result<Option<Refused>, Fault> {
    let shown = recompute::shown(proposal, in_force);
    if let Some(refused) = told(
        &shown,
        "people were shown another risk than evidence and policy give",
    ) {
        return Ok(Some(refused));
    }
    let directory = deps.operators.directory().await?;
    let under = Under {
        in_force,
        deployment: deps.deployment,
        control,
    };
    let lapsed = still_approved(proposal, approval, &directory, &under, now).err();
    Ok(lapsed.map(|lapsed| Refused {
        precondition: Precondition::Approval,
        explanation: lapsed.to_string(),
    }))
}
