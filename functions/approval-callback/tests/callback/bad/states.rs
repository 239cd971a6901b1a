//! Trails on which more happened than in a story.

use domain::action::Narrowing;
use domain::proposal::{Amended, Proposal, ProposalFact};
use domain::trail::{Actor, ControlFact, Entry, Fact as _, Pause, Record, StreamId, Switches};
use domain::value::{Deployment, Tier};
use testkit::sample;
use testkit::story::{Story, breaks, inventory, person, second};

use crate::door::Door;

/// Writes a second proposal to the trail, which waits for a person as well.
pub(super) fn also_waits(door: &Door) -> Proposal {
    let event = sample::provider_unhealthy("anthropic");
    let story = Story::awaiting(breaks());
    let facts = story
        .records()
        .iter()
        .map(|record| ProposalFact::read(record).unwrap());
    let mut proposal: Option<Proposal> = None;
    for (record, fact) in story.records().iter().zip(facts) {
        let (at, actor) = (record.at, record.actor.clone());
        let entry = match (&proposal, fact) {
            (None, ProposalFact::Received(mut received)) => {
                received.event = event.clone();
                Proposal::first_entry(sample::proposal_of(&event), received, at, actor, Tier::Enterprise)
            }
            (Some(proposal), fact) => proposal.entry(at, actor, &fact).unwrap(),
            (None, fact) => panic!("begins with {fact:?}"),
        };
        let record: Record = door.trail.insert(entry).unwrap();
        proposal = Some(match proposal {
            Some(proposal) => proposal.apply(&record).unwrap(),
            None => Proposal::replay(&[record]).unwrap(),
        });
    }
    proposal.unwrap()
}

/// Alice made it less, and it was scored again.
pub(super) fn narrowed() -> Story {
    let story = Story::awaiting(breaks());
    let scored = story.last().clone();
    let proposed = story.proposal().proposed().unwrap().clone();
    let to = Narrowing([("duration_s".to_owned(), "60".to_owned())].into());
    let action = proposed
        .action
        .narrowed(&to, &Deployment::default().limits)
        .unwrap();
    assert_eq!(
        action.preview(&inventory()),
        action.preview_within(&proposed.preview)
    );
    let amended = ProposalFact::Amended(Box::new(Amended {
        scored: scored.digest,
        preview: action.preview_within(&proposed.preview).unwrap(),
        action,
        policy: None,
        extension: None,
        decider: None,
    }));
    let again = ProposalFact::read(&scored).unwrap();
    story
        .then(30, person("alice"), &amended)
        .then(40, Actor::Agent, &again)
}

/// The agent is paused.
pub(super) fn pause(door: &Door) {
    let switches = Switches {
        paused: Some(Pause {
            since: second(40),
            reason: "of the test".to_owned(),
        }),
        ..Switches::default()
    };
    let fact = ControlFact::Paused(switches);
    let entry = Entry::next(StreamId::Control, None, second(40), person("bob"), &fact, None);
    door.trail.insert(entry).unwrap();
}
