//! What cannot be taken: it goes to the dead-letter queue with its reason, and a person hears of it.
//!
//! So does of one that is taken, and declined because the gateway has nothing of the name that it is about: nobody else would
//! learn that a sender calls things by other names.
//!
//! It is recorded before the message is given up, and the outbox tells what was recorded. Each source is told of once an
//! hour.

use std::convert::Infallible;

use domain::incident::Malformed;
use domain::message::{Reported, Sender, is_hint, sender};
use domain::ports::TrailError;
use domain::proposal::Proposal;
use domain::trail::refusal::{self, Refusal, RefusalFact, UnknownName};
use domain::trail::{Actor, Record};
use runtime::queue::Fault;
use trail::{Next, Stream, extend};

use crate::Deps;
use crate::sources::spending_team;

/// Records that a message's event is not taken, and says why the message is given up. Where that cannot be recorded now,
/// the message comes back instead.
pub(crate) async fn event(deps: &Deps<'_>, body: &str, malformed: Malformed) -> Fault {
    let reason = malformed.to_string();
    if is_hint(body) {
        return Fault::Poison(reason);
    }
    let Sender { source, event } = sender(body);
    let refusal = Refusal::of(source, event, &malformed);
    let tell = |records: &[Record]| refusal::tell(records, &refusal, |source| deps.sources.has(source));
    let Err(err) = record(deps, tell).await else {
        return Fault::Poison(reason);
    };
    let fault = Fault::from(err);
    if let Fault::Poison(untold) = &fault {
        // The dead letter tells of it, and its alarm.
        tracing::error!(error = %untold, "nobody is told of an event that could not be taken");
        return Fault::Poison(reason);
    }
    fault
}

/// Why an event's source may not report it, if it may not. Whose a team is the gateway knows: where it does not tell now, the
/// event is taken.
pub(crate) async fn not_theirs(deps: &Deps<'_>, incident: &Reported) -> Option<Malformed> {
    let (sources, source, event) = (deps.sources, incident.source.as_str(), &incident.event);
    let refused = sources.refuse(source, event);
    if refused.is_some() || !sources.is_limited(source) || spending_team(event).is_none() {
        return refused;
    }
    match deps.gateway.reading(deps.clock.now()).await {
        Ok(inventory) => sources.refuse_team(source, event, &inventory),
        Err(err) => {
            tracing::warn!(source, error = %err, "whose the team is that has spent its budget is not known");
            None
        }
    }
}

/// Records that what a proposal's event is about is not on the gateway, so that people are told of it. Where that cannot be
/// recorded now, the message comes back.
pub(crate) async fn name(deps: &Deps<'_>, proposal: &Proposal, problem: &str) -> Result<(), Fault> {
    let received = proposal.received();
    let event = received.event.event_id.as_str();
    let unknown = UnknownName::of(received.source.as_deref(), event, problem, proposal.id());
    match record(deps, |records| unknown.tell(records)).await {
        // Its alarm rings already; the event is judged all the same.
        Err(TrailError::Forged(untold)) => {
            tracing::error!(error = %untold, "nobody is told of an event about what the gateway does not have");
            Ok(())
        }
        recorded => Ok(recorded?),
    }
}

async fn record(deps: &Deps<'_>, tell: impl Fn(&[Record]) -> Option<RefusalFact>) -> Result<(), TrailError> {
    let now = deps.clock.now();
    let days = 1 + deps.deployment.tier.retention_days();
    let expires = now.plus_seconds(days * 86_400).as_seconds();
    let stream = Stream {
        id: refusal::stream(now),
        actor: Actor::Agent,
        expires_at: Some(u64::try_from(expires).unwrap_or(0)),
        // People are told, whatever somebody else has written there.
        stops_at_forged: false,
    };
    let tells = |records: &[Record], _| {
        Ok(match tell(records) {
            Some(fact) => Next::Append(fact),
            None => Next::<_, Infallible>::Nothing,
        })
    };
    extend(deps.trail, deps.clock, &stream, tells).await.map(|_| ())
}
