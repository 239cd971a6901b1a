//! What holds when everything works again.

use std::collections::BTreeMap;

use domain::inventory::{Setting, Target};
use domain::message::Lane;
use domain::ports::{Clock, View as _};
use domain::proposal::{Proposal, State};
use domain::telling::{Announcement, Urgency};
use domain::trail::StreamId;
use domain::value::{ProposalId, Timestamp};
use housekeeping::chores;
use tests::walk;
use tests::world::VERIFY_AFTER_S;
use trail::load_control;

use super::history::History;

/// Within what time the work of a function that died is taken over, seconds: its lease, and housekeeping's next run.
const TAKEN_OVER_S: u64 = 240;

/// How long after its end an effect is ended where all works, seconds.
const ENDED_S: u64 = 15;

impl History {
    /// Everything works again, and comes to its end.
    pub(super) fn ends(&mut self) {
        self.becomes_calm();
        let world = &self.stage.world;
        walk::now(self.ends_its_effects());
        walk::now(async {
            world.settle().await;
            world.assert_sound().await;
            world.assert_verified().await;
            // An hour later.
            world.advance(3_600).await;
            world.assert_nothing_held().await;
            self.assert_set_as_recorded().await;
            self.assert_everybody_told().await;
            self.assert_nothing_swallowed().await;
            self.assert_what_rests_rests().await;
        });
        for lane in Lane::QUEUES {
            assert_eq!(world.queue(lane).contents(), [], "{lane}");
        }
        for id in world.proposals() {
            self.visits
                .note(&walk::now(world.trail.seen(&StreamId::Proposal(id))));
        }
    }

    fn becomes_calm(&mut self) {
        let world = &self.stage.world;
        self.stage.weather.is_calm(true);
        self.stage.is_frozen(false);
        self.stage.is_well(false);
        world.trail.as_memory().signing.outages.end();
        world.acting.forget_faults();
        world.gateway.land_late_writes();
        walk::now(async {
            let control = load_control(&world.trail).await.unwrap();
            if control.switches.paused.is_some() {
                world.resume().await;
            }
        });
    }

    /// Every effect with an end ends with it.
    async fn ends_its_effects(&self) {
        let world = &self.stage.world;
        let earliest = world.clock.now().plus_seconds(TAKEN_OVER_S);
        for _ in 0..(TAKEN_OVER_S + 400) / 5 {
            world.advance(5).await;
            world.assert_sound().await;
            for id in world.proposals() {
                let proposal = world.proposal(&id).await;
                let execution = proposal.state().execution();
                let end = execution.and_then(|execution| execution.restore_at);
                let over = |end: Timestamp| end.max(earliest).plus_seconds(ENDED_S) < world.clock.now();
                assert!(
                    !end.is_some_and(over),
                    "{id} is in force after its end\n{}",
                    world.story().await
                );
            }
        }
    }

    /// What housekeeping does not look at any more has nothing due, whenever one looks.
    async fn assert_what_rests_rests(&self) {
        let world = &self.stage.world;
        let control = load_control(&world.trail).await.unwrap();
        let now = world.clock.now();
        for id in world.proposals() {
            let proposal = world.proposal(&id).await;
            let announced = world.view.announced(&id).await.unwrap();
            if !chores::rests(&proposal, &control, announced, VERIFY_AFTER_S, now) {
                continue;
            }
            for minute in (0..180).chain((180..3_000).step_by(10)) {
                let then = now.plus_seconds(minute * 60);
                assert!(
                    chores::due(&proposal, &control, VERIFY_AFTER_S, then).is_empty()
                        && !chores::untold(&proposal, Some(then), then)
                        && chores::expiry(&proposal, &control, then).is_none()
                        && !chores::unannounced(&proposal, announced, then),
                    "{id} rests, and something is due after {minute} minutes\n{}",
                    world.story().await
                );
            }
        }
    }

    /// Every target that was written reads as the last record about it says.
    async fn assert_set_as_recorded(&self) {
        let world = &self.stage.world;
        let mut says: BTreeMap<Target, (Timestamp, Setting)> = BTreeMap::new();
        for id in world.proposals() {
            let proposal = world.proposal(&id).await;
            let Some(execution) = proposal.state().execution().or_else(|| proposal.effect()) else {
                continue;
            };
            let at = proposal.state_since();
            for change in &execution.plan.changes {
                let value = match proposal.state() {
                    State::Succeeded(_) => &change.after,
                    _ => &change.before,
                };
                let newest = says.get(&change.target).is_none_or(|(before, _)| *before <= at);
                if newest {
                    says.insert(change.target.clone(), (at, value.clone()));
                }
            }
        }
        for (target, (_, value)) in says {
            let reads = world.gateway.setting(&target);
            assert_eq!(reads, value, "{target}\n{}", world.story().await);
        }
    }

    /// Whoever was to decide or to look was told.
    async fn assert_everybody_told(&self) {
        let world = &self.stage.world;
        let told: Vec<_> = world
            .topic
            .told()
            .into_iter()
            .map(|(told, _)| (told.proposal, told.seq))
            .collect();
        for id in world.proposals() {
            for announcement in self.announcements(&id).await {
                let concern = announcement.concerns_people();
                let urgent = concern.filter(|concern| concern.urgency != Urgency::Inform);
                if let Some(concern) = urgent {
                    assert!(
                        told.contains(&(id.clone(), announcement.seq)),
                        "nobody was told of {id} {}: {}\n{}",
                        announcement.seq,
                        concern.reason,
                        world.story().await
                    );
                }
            }
        }
    }

    async fn announcements(&self, id: &ProposalId) -> Vec<Announcement> {
        let records = self.stage.world.trail.seen(&StreamId::Proposal(id.clone())).await;
        let upto = |end: usize| Announcement::of(&Proposal::replay(&records[..end]).unwrap());
        (1..=records.len()).map(upto).collect()
    }

    /// Every event is in the trail, or in the dead letters.
    async fn assert_nothing_swallowed(&self) {
        let world = &self.stage.world;
        let records = world.records().await;
        let dead = world.queue(Lane::Ingest).dead();
        for event in &self.life.sent {
            let id = testkit::sample::event(event).event_id;
            let id = format!("\"{id}\"");
            let recorded = records.iter().any(|record| {
                matches!(record.kind.as_str(), "received" | "repeated") && record.body.contains(&id)
            });
            let given_up = dead.iter().any(|dead| dead.body.contains(&id));
            assert!(
                recorded || given_up,
                "{id} was swallowed\n{}",
                world.story().await
            );
        }
    }
}
