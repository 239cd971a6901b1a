//! Weather: everything at once, at random, from a seed that repeats it.
//!
//! Up to three functions run at a time, step by step; they die, slow down, lose replies and meet an outage of any
//! service; messages come twice; people click; housekeeping and the outbox run in between; time passes. After every
//! step the same must hold as in the walks, and in the end everything has settled.

use std::time::Duration;

use domain::message::Lane;
use domain::ports::Clock;
use domain::value::{Ppm, ProposalId, Timestamp};
use serde_json::json;
use testkit::{Cutter, WriteFault, sample};
use tests::World;
use tests::walk::{self, REQUEST_MS, Random, Task};
use tests::world::Script;

/// Functions at a time.
const MOST_AT_A_TIME: usize = 3;

/// A function's life, ms: it is killed then.
const LIFE_MS: u64 = 60_000;

/// One function on its way.
struct Running<'a> {
    task: Task<'a>,
    what: What,
    began: Timestamp,
    stepped: Timestamp,
}

/// What runs: of some of them there is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Message,
    Click,
    Outbox,
    Housekeeping,
}

/// Two failing providers of one model group, a slow one, a spent budget.
fn stormy() -> World {
    let mut inventory = sample::inventory_with_spent_budget("payments");
    for provider in &mut inventory.providers[..2] {
        provider.error_rate = Ppm(620_000);
    }
    inventory.providers[0].latency_p50_ms = Some(5_000);
    let mut world = World::new(inventory);
    world.deployment.auto_approve = true;
    // A break runs by itself while its limits allow it; a page needs a person.
    world.weigh_nothing();
    world.deployment.risk_threshold = 20;
    world.reasoner = Script::chooses(|event| match event.provider() {
        Some(provider) => json!({"action": "circuit_break_provider", "provider": provider, "duration_s": 60}),
        None => json!({"action": "page_oncall", "severity": "critical", "summary": "the budget is spent"}),
    });
    world
}

fn events() -> [String; 4] {
    [
        sample::provider_unhealthy_text("openai"),
        sample::provider_unhealthy_text("anthropic"),
        sample::latency_spike_text("openai"),
        sample::budget_exceeded_text("payments"),
    ]
}

struct Storm<'a> {
    world: &'a World,
    cutter: &'a Cutter,
    dice: Random,
    running: Vec<Running<'a>>,
    looked_at: (usize, usize),
}

impl<'a> Storm<'a> {
    fn blows(&mut self, steps: usize) {
        for _ in 0..steps {
            self.happens();
            self.time_kills();
            let now = (self.world.trail.len(), self.world.gateway.writes().len());
            if now != self.looked_at {
                self.looked_at = now;
                walk::now(self.world.assert_sound());
            }
        }
        // Whatever runs dies.
        self.running.clear();
    }

    fn happens(&mut self) {
        match self.dice.below(100) {
            0..68 => self.step(),
            68..86 => self.begin(),
            86..88 => self.pass(),
            88..91 => self.fault(),
            91..93 => self.outage(),
            93..96 => {
                let event = self.dice.below(4);
                self.world.send(&events()[event]);
            }
            96..98 if !self.running.is_empty() => {
                let dies = self.dice.below(self.running.len());
                drop(self.running.swap_remove(dies));
            }
            _ => _ = self.world.turn_bus(),
        }
    }

    fn step(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = self.dice.below(self.running.len());
        let began = self.world.clock.now();
        let ended = walk::step(&mut self.running[at].task);
        self.running[at].stepped = self.world.clock.now();
        if self.world.clock.now() > began {
            self.world.gateway.land_late_writes();
        }
        if ended {
            drop(self.running.swap_remove(at));
        }
    }

    fn begin(&mut self) {
        if self.running.len() >= MOST_AT_A_TIME {
            return;
        }
        let (world, cutter) = (self.world, self.cutter);
        let alone = |what: What| self.running.iter().all(|one| one.what != what);
        let (what, task): (What, Task<'a>) = match self.dice.below(10) {
            0 | 1 if alone(What::Outbox) => (
                What::Outbox,
                Box::pin(async move { _ = world.turn_stream(cutter).await }),
            ),
            2 if alone(What::Housekeeping) => (
                What::Housekeeping,
                Box::pin(async move { _ = world.keep_house(cutter).await }),
            ),
            3 => {
                let Some(id) = self.somebody_asked() else { return };
                let who = ["alice", "bob"][self.dice.below(2)];
                // Everybody clicks on what was shown just now.
                let shown = walk::now(world.shown(&id));
                let click = async move { _ = world.click(who, "approve", &id, shown, cutter).await };
                (What::Click, Box::pin(click))
            }
            _ => {
                let queue = Lane::QUEUES[self.dice.below(5)];
                if self.dice.below(12) == 0
                    && let Some(twice) = world.queue(queue).contents().into_iter().next()
                {
                    world.queue(queue).send(&twice.body, Duration::ZERO);
                }
                (
                    What::Message,
                    Box::pin(async move { _ = world.deliver(queue, cutter).await }),
                )
            }
        };
        let now = world.clock.now();
        self.running.push(Running {
            task,
            what,
            began: now,
            stepped: now,
        });
    }

    fn somebody_asked(&mut self) -> Option<ProposalId> {
        let mut waiting = self.world.proposals();
        waiting.retain(|id| walk::now(self.world.state(id)) == "awaiting_approval");
        (!waiting.is_empty()).then(|| waiting.swap_remove(self.dice.below(waiting.len())))
    }

    fn pass(&mut self) {
        self.world.gateway.land_late_writes();
        let seconds = [0, 1, 2, 4, 4, 10, 30][self.dice.below(7)];
        self.world.clock.advance(Duration::from_secs(seconds));
    }

    fn fault(&mut self) {
        let fault = [
            WriteFault::UnclearBefore,
            WriteFault::UnclearAfter,
            WriteFault::Late,
            WriteFault::Refuse,
            WriteFault::Slow(Duration::from_secs(3)),
        ][self.dice.below(5)];
        self.world.acting.next(fault);
    }

    fn outage(&mut self) {
        let calls = 1 + self.dice.below(3);
        let world = self.world;
        match self.dice.below(8) {
            0 => world.trail.as_memory().outages.next(calls),
            1 => world.trail.as_memory().outages.next_replies(calls),
            2 => world.reading.outages.next(calls),
            3 => world.acting.outages.next(calls),
            4 => world.bus.outages.next_replies(calls),
            5 => world.view.outages.next(calls),
            6 => world.topic.outages.next(calls),
            _ => world.operators.outages.next(calls),
        }
    }

    /// A call takes a request's time at most, and a function lives for its own; a slower one is dead.
    fn time_kills(&mut self) {
        let now = self.world.clock.now();
        self.running.retain(|one| {
            now.millis_since(one.stepped) <= REQUEST_MS && now.millis_since(one.began) <= LIFE_MS
        });
    }
}

fn calm_after(world: &World) {
    world.trail.as_memory().outages.end();
    for outages in [
        &world.reading.outages,
        &world.acting.outages,
        &world.bus.outages,
        &world.view.outages,
        &world.topic.outages,
        &world.operators.outages,
    ] {
        outages.end();
    }
    world.acting.forget_faults();
    world.gateway.land_late_writes();
    walk::now(async {
        world.settle().await;
        // Housekeeping looks after what a dead function left behind.
        world.advance(240).await;
        world.assert_sound().await;
        world.assert_verified().await;
        world.assert_nothing_held().await;
    });
    world.assert_as_before();
    let mut pages: Vec<String> = world.gateway.pages().into_iter().map(|(key, _)| key).collect();
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), world.gateway.pages().len(), "no key twice");
}

#[test]
fn any_weather_ends_well() {
    let mut breaks = 0;
    for seed in 0..40 {
        let world = stormy();
        let cutter = Cutter::gives_way();
        for event in &events()[..2 + usize::try_from(seed % 3).unwrap()] {
            world.send(event);
        }
        let named = Named(seed);
        let mut storm = Storm {
            world: &world,
            cutter: &cutter,
            dice: Random::seeded(seed),
            running: Vec::new(),
            looked_at: (0, 0),
        };
        storm.blows(1500);
        drop(storm);
        calm_after(&world);
        drop(named);
        breaks += world.breaks("openai") + world.breaks("anthropic");
    }
    assert!(
        breaks >= 20,
        "{breaks}: the weather was too bad for anything to happen"
    );
}

/// Says which seed panicked.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the weather of seed {}", self.0);
        }
    }
}
