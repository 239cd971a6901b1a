//! Reading what is decided from.

use domain::ports::{Trail, TrailError};
use domain::proposal::Proposal;
use domain::trail::{Control, StreamId};
use domain::value::ProposalId;

/// Loads a proposal; `None` where its stream has no records.
pub async fn load_proposal(trail: &dyn Trail, id: &ProposalId) -> Result<Option<Proposal>, TrailError> {
    let records = trail.load(&StreamId::Proposal(id.clone())).await?;
    if records.is_empty() {
        Ok(None)
    } else {
        Ok(Some(Proposal::replay(&records)?))
    }
}

/// Loads the switches of the whole agent.
pub async fn load_control(trail: &dyn Trail) -> Result<Control, TrailError> {
    Ok(Control::read(trail.last(&StreamId::Control).await?.as_ref())?)
}
