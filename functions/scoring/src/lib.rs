//! `scoring`: scores a proposal's risk and decides whether a person must approve it.
//!
//! There is no gateway in its [`Deps`]: scoring cannot act.

pub mod config;

use domain::message::Message;
use domain::policy::Policy;
use domain::ports::{Clock, Trail, TrailError, load_control, load_proposal};
use domain::proposal::{ProposalFact, State};
use domain::record::Actor;
use domain::risk;
use runtime::queue::{Delivery, Fault};

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// Threshold, switches and deadlines.
    pub policy: &'a Policy,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Works one message of the queue.
pub async fn handle(deps: &Deps<'_>, delivery: Delivery<'_>) -> Result<(), Fault> {
    let id = match Message::parse(delivery.body).map_err(|err| Fault::Poison(err.to_string()))? {
        Message::Hint(id) => id,
        Message::Incident(_) => {
            return Err(Fault::Poison(
                "an incident event does not belong on this queue".to_owned(),
            ));
        }
    };
    loop {
        let proposal = load_proposal(deps.trail, &id).await?;
        let proposal = proposal
            .ok_or_else(|| Fault::Poison(format!("there is no proposal {id}: its stream has no records")))?;
        let (State::Proposed, Some(proposed)) = (proposal.state(), proposal.proposed()) else {
            return Ok(());
        };
        let control = load_control(deps.trail).await?;
        let now = deps.clock.now();
        let scored = risk::score(proposed, deps.policy, &control, now);
        let (score, decision) = (scored.score, scored.decision);
        let entry = proposal
            .entry(now, Actor::Agent, &ProposalFact::Scored(scored))
            .map_err(TrailError::from)?;
        match deps.trail.append(entry).await {
            Ok(_) => {
                tracing::info!(proposal.id = %id, risk.score = score, risk.decision = decision.name(), "scored");
                return Ok(());
            }
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
}
