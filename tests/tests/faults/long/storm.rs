//! What goes on in a history, step by step.

use std::cell::RefCell;
use std::time::Duration;

use domain::message::Lane;
use domain::ports::Clock;
use domain::value::Timestamp;
use testkit::{WriteFault, sample};
use tests::walk::{self, REQUEST_MS, Task};
use trail::load_control;

use super::clicks::Click;
use super::history::{Life, Stage};

/// Functions at a time.
const MOST_AT_A_TIME: usize = 3;

/// A function's life, ms: it is killed then.
const LIFE_MS: u64 = 60_000;

/// Hints about a proposal that may be on all queues together: each of the seven has one, and one that is worked.
const MOST_HINTS: usize = 8;

/// Services that go away for a while.
const SERVICES: [&str; 9] = [
    "Trail",
    "Gateway",
    "Actuator",
    "Queue",
    "Bus",
    "Topic",
    "View",
    "Operators",
    "Slack",
];

/// One function on its way.
struct Running<'a> {
    task: Task<'a>,
    what: &'static str,
    began: Timestamp,
    stepped: Timestamp,
}

/// What goes on.
pub(super) struct Storm<'a, 'b> {
    stage: &'a Stage,
    life: &'b mut Life,
    running: Vec<Running<'a>>,
    looked_at: (usize, usize),
}

impl<'a, 'b> Storm<'a, 'b> {
    /// Nothing runs yet.
    pub(super) fn over(stage: &'a Stage, life: &'b mut Life) -> Self {
        Self {
            stage,
            life,
            running: Vec::new(),
            looked_at: (0, 0),
        }
    }

    /// One thing happens.
    pub(super) fn happens(&mut self) {
        let world = &self.stage.world;
        match self.life.dice.below(1_000) {
            0..560 => self.step(),
            560..810 => self.begin(),
            810..845 => self.pass(),
            845..851 => self.write_fault(),
            851..853 => self.outage(),
            853..867 => self.event(),
            867..873 if !self.running.is_empty() => {
                let dies = self.life.dice.below(self.running.len());
                drop(self.running.swap_remove(dies));
            }
            902..967 => _ = world.turn_bus(),
            967..987 => _ = world.turn_topic(),
            987..990 => self.switch(),
            990..993 => self.stage.is_well(self.life.dice.below(6) == 0),
            993..995 => world.lose_stream(),
            995..996 => world.view.clear(),
            996..998 => self.removes(),
            998..1_000 if self.life.jumps => self.goes_on(3_600),
            _ => {}
        }
        self.time_kills();
        self.looks();
    }

    /// Whether everything is as it must be at every moment.
    fn looks(&mut self) {
        let world = &self.stage.world;
        let now = (world.trail.len(), world.gateway.writes().len());
        if now != self.looked_at {
            self.looked_at = now;
            walk::now(world.assert_sound());
            self.assert_few_messages();
            self.assert_one_effect();
        }
    }

    /// One function goes on for a while.
    fn step(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let world = &self.stage.world;
        let at = self.life.dice.below(self.running.len());
        // Whoever acts dies most often.
        let acts = matches!(self.running[at].what, "execution" | "restore");
        if acts && self.life.dice.below(40) == 0 {
            drop(self.running.swap_remove(at));
            return;
        }
        for _ in 0..[1, 1, 3, 10, 40][self.life.dice.below(5)] {
            let began = world.clock.now();
            let ended = walk::step(&mut self.running[at].task);
            let now = world.clock.now();
            self.running[at].stepped = now;
            if now > began {
                world.gateway.land_late_writes();
            }
            self.looks();
            if ended || now.millis_since(self.running[at].began) > LIFE_MS {
                drop(self.running.swap_remove(at));
                return;
            }
        }
    }

    fn begin(&mut self) {
        if self.running.len() >= MOST_AT_A_TIME {
            return;
        }
        let what = match self.life.dice.below(16) {
            0..3 => "stream",
            3 => "housekeeping",
            4..6 => "callback",
            _ => {
                let now = self.stage.world.clock.now();
                let has_work = |lane: &Lane| {
                    self.stage
                        .world
                        .queue(*lane)
                        .next_due()
                        .is_some_and(|due| due <= now)
                };
                let lanes: Vec<_> = Lane::QUEUES.into_iter().filter(has_work).collect();
                if lanes.is_empty() {
                    return;
                }
                lanes[self.life.dice.below(lanes.len())].name()
            }
        };
        // Of the stream's reader and of housekeeping there is one at a time, and housekeeping begins each minute.
        let alone = matches!(what, "stream" | "housekeeping");
        if alone && self.running.iter().any(|one| one.what == what) {
            return;
        }
        let now = self.stage.world.clock.now();
        if what == "housekeeping" {
            if self
                .life
                .kept_house_at
                .is_some_and(|at| now < at.plus_seconds(60))
            {
                return;
            }
            self.life.kept_house_at = Some(now);
        }
        let Some(task) = self.task(what) else { return };
        self.running.push(Running {
            task,
            what,
            began: now,
            stepped: now,
        });
    }

    fn task(&mut self, what: &'static str) -> Option<Task<'a>> {
        let world = &self.stage.world;
        let cutter = self.stage.cutters.iter().find(|(function, _)| *function == what);
        let cutter = cutter.map(|(_, cutter)| cutter)?;
        Some(match what {
            "stream" => Box::pin(async move { _ = world.turn_stream(cutter).await }),
            "housekeeping" => Box::pin(async move { _ = world.keep_house(cutter).await }),
            "callback" => {
                let (who, id, click) = Click::chosen(world, &mut self.life.dice)?;
                Box::pin(async move { _ = click.made(world, who, &id, cutter).await })
            }
            lane => {
                let lane = Lane::QUEUES.into_iter().find(|one| one.name() == lane)?;
                if self.life.dice.below(12) == 0
                    && let Some(twice) = world.queue(lane).contents().into_iter().next()
                {
                    world.queue(lane).send(&twice.body, Duration::ZERO);
                    self.life.copies += 1;
                }
                Box::pin(async move { _ = world.deliver(lane, cutter).await })
            }
        })
    }

    /// An event of one of the troubles; mostly a true one.
    pub(super) fn event(&mut self) {
        self.life.events += 1;
        let event = match self.life.dice.below(32) {
            0..10 => sample::provider_unhealthy_text("openai"),
            10..17 => sample::provider_unhealthy_text("anthropic"),
            17 => sample::provider_unhealthy_text("mistral"),
            18..24 => sample::latency_spike_text("openai"),
            24..29 => sample::budget_exceeded_text("payments"),
            _ => sample::sla_violation_text("gold"),
        };
        // Now and then one that was sent before.
        let nth = match self.life.dice.below(10) {
            0 => self.life.dice.below(self.life.events),
            _ => self.life.events,
        };
        let event = sample::with_event_id(&event, &format!("evt-{nth}"));
        // Now and then one that is too large for a record.
        let note = if self.life.dice.below(12) == 0 {
            "n".repeat(40_000)
        } else {
            String::new()
        };
        let event = event.replacen("\"event_id\"", &format!("\"note\":\"{note}\",\"event_id\""), 1);
        self.stage.world.route(&event);
        self.life.sent.push(event);
    }

    fn pass(&mut self) {
        let seconds = [0, 1, 1, 2, 4, 4, 10, 45][self.life.dice.below(8)];
        self.goes_on(seconds);
    }

    /// Time passes. A write that is on its way arrives before that.
    fn goes_on(&self, seconds: u64) {
        let world = &self.stage.world;
        world.gateway.land_late_writes();
        world.clock.advance(Duration::from_secs(seconds));
    }

    fn write_fault(&mut self) {
        let fault = [
            WriteFault::UnclearBefore,
            WriteFault::UnclearAfter,
            WriteFault::Late,
            WriteFault::Refuse,
            WriteFault::Slow(Duration::from_secs(3)),
        ][self.life.dice.below(5)];
        self.stage.world.acting.next(fault);
    }

    fn outage(&mut self) {
        if self.life.dice.below(8) == 0 {
            // Whoever has to sign cannot.
            let calls = 1 + self.life.dice.below(20);
            self.stage.world.trail.as_memory().signing.outages.next(calls);
            return;
        }
        let service = SERVICES[self.life.dice.below(SERVICES.len())];
        let seconds = [5, 20, 90, 240][self.life.dice.below(4)];
        self.stage.weather.loses(service, seconds);
    }

    /// Somebody pauses the agent, switches off what runs by itself, or freezes changes; or ends that.
    fn switch(&mut self) {
        let world = &self.stage.world;
        // Whoever does that comes back until KMS signs it.
        world.trail.as_memory().signing.outages.end();
        let control = walk::now(load_control(&world.trail)).unwrap();
        match self.life.dice.below(4) {
            0 | 1 => match control.switches.paused {
                Some(_) => walk::now(world.resume()),
                None if self.life.dice.below(2) == 0 => walk::now(world.pause("of the test")),
                None => {}
            },
            2 => {
                let off = control.automatic_off("of the test");
                let switched = off.or_else(|| control.automatic_on(world.clock.now()));
                if let Some(switched) = switched {
                    walk::now(world.switch(switched));
                }
            }
            _ => {
                self.life.is_frozen = !self.life.is_frozen;
                self.stage.is_frozen(self.life.is_frozen);
            }
        }
    }

    /// Time to live removes some of what has expired.
    fn removes(&mut self) {
        let trail = self.stage.world.trail.as_memory();
        let now = u64::try_from(self.stage.world.clock.now().as_seconds()).unwrap();
        let dice = RefCell::new(&mut self.life.dice);
        for stream in trail.streams() {
            trail.expire(&stream, |record| {
                record.expires_at.is_some_and(|at| at <= now) && dice.borrow_mut().below(2) == 0
            });
        }
    }

    /// A call takes a request's time at most, and a function lives for its own; a slower one is dead.
    fn time_kills(&mut self) {
        let now = self.stage.world.clock.now();
        self.running.retain(|one| {
            now.millis_since(one.stepped) <= REQUEST_MS && now.millis_since(one.began) <= LIFE_MS
        });
    }

    /// What functions send themselves and each other is bounded by what there is to do: by the proposals, by the copies that
    /// were made outside, and by the sends whose replies were lost. (What the bus and the topic deliver is one message a
    /// record and queue, at least.)
    fn assert_few_messages(&self) {
        let world = &self.stage.world;
        let hints = |lane: &Lane| {
            let contents = world.queue(*lane).contents();
            contents
                .iter()
                .filter(|mail| mail.body.starts_with("{\"hint\""))
                .count()
        };
        let messages: usize = Lane::QUEUES.iter().map(hints).sum();
        let most =
            MOST_HINTS * world.proposals().len() + self.life.copies + self.stage.weather.failed_sends();
        if messages > most {
            let queues = Lane::QUEUES.map(|lane| (lane, hints(&lane)));
            panic!(
                "{messages} hints, more than {most}: {queues:?}\n{}",
                walk::now(world.story())
            );
        }
    }

    /// No proposal changes a target twice.
    fn assert_one_effect(&self) {
        let mut effects = self.stage.world.gateway.effects();
        let all = effects.len();
        effects.sort();
        effects.dedup();
        assert_eq!(
            effects.len(),
            all,
            "two effects of one proposal\n{}",
            walk::now(self.stage.world.story())
        );
    }
}
