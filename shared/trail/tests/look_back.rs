//! What else is going on: each incident of the hour is looked at until it is known to be one.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::incident::Event;
use domain::proposal::{DeclineReason, Declined, ProposalFact, Received};
use domain::trail::{Actor, StreamId};
use domain::value::ProposalId;
use testkit::story::{Story, breaks, second};
use testkit::{CountedTrail, MemoryTrail, sample};
use trail::{KnownIncidents, load_proposal, look_back};

fn opens(trail: &MemoryTrail, event: &Event) -> ProposalId {
    trail.insert(Story::received(event).entries()[0].clone()).unwrap();
    sample::proposal_of(event)
}

async fn then(trail: &MemoryTrail, id: &ProposalId, seconds: u64, fact: &ProposalFact) {
    let proposal = load_proposal(trail, id).await.unwrap().unwrap();
    let entry = proposal.entry(second(seconds), Actor::Agent, fact).unwrap();
    trail.insert(entry).unwrap();
}

fn unconfirmed() -> ProposalFact {
    ProposalFact::Declined(Declined {
        reason: DeclineReason::Unconfirmed,
        explanation: "the gateway does not confirm it".to_owned(),
        proposer: None,
        borne_out: None,
    })
}

#[tokio::test]
async fn what_is_known_to_be_an_incident_is_not_loaded_again_and_what_may_change_is() {
    let trail = MemoryTrail::new();
    let broken = opens(&trail, &sample::provider_unhealthy("openai"));
    let proposed = Story::proposed(breaks()).proposal().proposed().unwrap().clone();
    then(&trail, &broken, 10, &ProposalFact::Proposed(Box::new(proposed))).await;
    let reasoned = opens(&trail, &sample::sla_violation("sla-1"));
    let worthless = opens(&trail, &sample::latency_spike("anthropic"));
    then(&trail, &worthless, 10, &unconfirmed()).await;
    let own = opens(&trail, &sample::budget_exceeded("payments"));

    let (counted, known) = (CountedTrail::of(&trail), KnownIncidents::default());
    let incidents = async |known: &KnownIncidents| {
        let history = look_back(&counted, known, &own, &[], second(100)).await;
        history.unwrap().incidents.len()
    };
    let loads = || {
        let of = |id: &ProposalId| counted.loads_of(&StreamId::Proposal(id.clone()));
        [of(&broken), of(&reasoned), of(&worthless), of(&own)]
    };
    assert_eq!(incidents(&known).await, 2, "the worthless event is none");
    assert_eq!(loads(), [1, 1, 1, 0]);
    assert_eq!(incidents(&known).await, 2);
    assert_eq!(loads(), [1, 2, 2, 0], "what was proposed stays an incident");

    // What was reasoned about turns out to be worthless, and the other way round.
    then(&trail, &reasoned, 110, &unconfirmed()).await;
    let other = sample::with_event_id(&sample::latency_spike_text("anthropic"), "evt-other");
    let again = ProposalFact::Received(Received {
        occurred_at: second(110),
        lease_until: second(170),
        ..Story::received(&sample::event(&other))
            .proposal()
            .received()
            .clone()
    });
    then(&trail, &worthless, 110, &again).await;
    assert_eq!(incidents(&known).await, 2);
    assert_eq!(loads(), [1, 3, 3, 0]);

    // Another process knows nothing, and comes to the same.
    assert_eq!(incidents(&KnownIncidents::default()).await, 2);
    assert_eq!(loads(), [2, 4, 4, 0]);
}
