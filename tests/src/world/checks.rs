//! What must hold at every moment, and what must hold in the end.

use std::collections::BTreeMap;

use domain::inventory::{Setting, Target};
use domain::ports::{Clock, Trail};
use domain::proposal::{Proposal, Standing, State, claim_counts};
use domain::trail::{StreamId, claim_of, verify_chain};

use super::World;

impl World {
    /// Says what is wrong now, if anything is. This must hold between any two steps of any functions:
    ///
    /// - no two effects overlap on a target,
    /// - an effect is in force from `succeeded` until its end or an approved undo: nobody else took it back,
    /// - every model group that had a deployment has one.
    pub async fn trouble(&self) -> Option<String> {
        let mut holders: Vec<(Target, Proposal)> = Vec::new();
        for id in self.proposals() {
            let proposal = self.glance(&id).await;
            let Some(execution) = proposal.state().execution() else {
                continue;
            };
            let succeeded = matches!(proposal.state(), State::Succeeded(_));
            let is_to_end = matches!(proposal.state(), State::Succeeded(done) if done.undo.is_approved());
            let holds = !succeeded || execution.restore_at.is_some();
            if holds {
                for target in &execution.plan.claims {
                    if let Some((_, other)) = holders.iter().find(|(held, _)| held == target) {
                        return Some(format!("{} and {id} hold {target} both", other.id()));
                    }
                    holders.push((target.clone(), proposal.clone()));
                }
            }
            let in_force = succeeded && !is_to_end && !execution.restore_due(self.clock.now());
            for change in execution.plan.changes.iter().filter(|_| in_force && holds) {
                let value = self.gateway.setting(&change.target);
                if value != change.after {
                    return Some(format!("{id} is in force, and {} reads {value}", change.target));
                }
            }
        }
        let (first, now) = (&self.at_first, self.gateway.inventory());
        let served = |inventory: &domain::inventory::Inventory, group: &domain::inventory::ModelGroup| {
            inventory.live_routes(group).next().is_some()
        };
        for (before, group) in first.model_groups.iter().zip(&now.model_groups) {
            if served(first, before) && !served(&now, group) {
                return Some(format!("model group {} has no deployment", group.id));
            }
        }
        None
    }

    /// Panics where something is wrong now.
    pub async fn assert_sound(&self) {
        if let Some(trouble) = self.trouble().await {
            panic!("{trouble}\n{}", self.story().await);
        }
    }

    /// Panics unless everything has come to its end: every stream is an unbroken chain, every proposal
    /// replays and is settled, no target is claimed, we left no provider blocked, and no message was given up.
    pub async fn assert_at_rest(&self) {
        self.assert_sound().await;
        self.assert_verified().await;
        self.assert_nothing_held().await;
        let story = self.story().await;
        for queue in domain::message::Lane::QUEUES {
            assert_eq!(self.queue(queue).dead(), [], "{queue:?}\n{story}");
        }
    }

    /// The same, but that messages may have been given up: what they were about is settled all the same.
    pub async fn assert_nothing_held(&self) {
        let story = self.story().await;
        for id in self.proposals() {
            let proposal = self.proposal(&id).await;
            assert!(
                proposal.settled_at().is_some(),
                "{id} is {}\n{story}",
                proposal.state().name()
            );
        }
        for stream in self.trail.streams() {
            if let StreamId::Target(target) = &stream {
                let last = self.trail.seen(&stream).await.pop();
                let Some(claim) = claim_of(last.as_ref()).unwrap() else {
                    continue;
                };
                // One that was not given up, since its holder died, may stand there; it must not count.
                let now = self.clock.now();
                let holder = self.proposals().contains(&claim.proposal);
                let counts = holder && claim_counts(&claim, &self.proposal(&claim.proposal).await, now);
                assert!(!counts, "{target} is still claimed\n{story}");
            }
        }
        let written: BTreeMap<Target, Setting> = self.gateway.writes().into_iter().collect();
        for (target, value) in written {
            assert_ne!(
                value,
                Setting::Blocked(true),
                "{target} is still blocked\n{story}"
            );
        }
    }

    /// Panics unless every stream of the trail that has not expired is an unbroken chain, and every proposal replays.
    pub async fn assert_verified(&self) {
        let now = u64::try_from(self.clock.now().as_seconds()).unwrap();
        let kept = |stream: &StreamId| !self.trail.is_expired(stream, now);
        for stream in self.trail.streams().into_iter().filter(kept) {
            let records = self.trail.seen(&stream).await;
            verify_chain(&records).unwrap();
            if let StreamId::Proposal(_) = stream {
                let proposal = Proposal::read(&records, self.trail.keys(), &[]).unwrap();
                assert_eq!(proposal.standing(), &Standing::default(), "{stream}");
            }
        }
    }

    /// Panics unless the gateway is set as it was at first.
    pub fn assert_as_before(&self) {
        let mut now = self.gateway.inventory();
        now.read_at = self.at_first.read_at;
        assert_eq!(now, self.at_first);
    }

    /// The effects on a provider's breaker: each time that it was blocked.
    pub fn breaks(&self, provider: &str) -> usize {
        let target = testkit::sample::target("provider", provider);
        let mut blocked = false;
        let mut breaks = 0;
        for (written, value) in self.gateway.writes() {
            if written == target {
                let now = value == Setting::Blocked(true);
                breaks += usize::from(now && !blocked);
                blocked = now;
            }
        }
        breaks
    }
}
