//! A history: its world, what becomes of it, and its ends.

use std::sync::Arc;
use std::time::Duration;

use domain::action::ActionKind;
use domain::message::Lane;
use domain::policy::{Freeze, LocalTime, Ranged};
use domain::ports::Clock;
use domain::value::{Ppm, Timestamp};
use notification::routes::Routes;
use testkit::{Cutter, sample};
use tests::World;
use tests::walk::{self, Random};

use super::storm::Storm;
use super::visits::Visits;
use super::weather::Weather;
use super::whims::Whims;

/// How many things happen before everything works again.
const STEPS: usize = 2_600;

/// What runs beside the queues' functions.
const OTHERS: [&str; 3] = ["stream", "housekeeping", "callback"];

/// The function that works something.
fn function_of(what: &'static str) -> &'static str {
    match what {
        "restore" | "verify" => "execution",
        "announce" | "stream" => "outbox",
        other => other,
    }
}

/// A world with its weather, in which functions run.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) weather: Weather,
    pub(super) cutters: Vec<(&'static str, Cutter)>,
}

/// What has become of it.
pub(super) struct Life {
    pub(super) dice: Random,
    /// The events that were sent.
    pub(super) sent: Vec<String>,
    pub(super) events: usize,
    /// Messages that were put on a queue a second time.
    pub(super) copies: usize,
    pub(super) kept_house_at: Option<Timestamp>,
    pub(super) is_frozen: bool,
    /// Whether time may jump ahead by an hour.
    pub(super) jumps: bool,
}

/// A history.
pub(super) struct History {
    seed: u64,
    pub(super) stage: Stage,
    pub(super) life: Life,
    pub(super) visits: Visits,
}

/// Says which seed panicked.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the history of LONG_WALK_SEED={}", self.0);
        }
    }
}

impl History {
    /// The history of a seed, before anything has happened.
    pub(super) fn of(seed: u64) -> Self {
        let mut world = World::new(sample::inventory());
        let chance = |one_in: u64, nth: u64| seed % one_in == nth;
        world.deployment.auto_approve = chance(2, 0);
        world.deployment.risk_threshold = 20;
        // A trouble that is still there soon after is another proposal.
        world.deployment.correlation_window_s = if chance(4, 2) { 900 } else { 60 };
        world.deployment.approval_veto_s = if chance(5, 1) { 60 } else { 0 };
        world.deployment.approval_valid_s = if chance(3, 1) { 120 } else { 900 };
        world.reasoner = Arc::new(Whims(seed));
        if !chance(4, 3) {
            world.weigh_nothing();
        }
        world.policies.change(|in_force| {
            if chance(4, 1) {
                in_force.policy.quorum.from = Ranged::new(20);
            }
            if chance(6, 2) {
                in_force.policy.shadow = [ActionKind::DisableGuardrail, ActionKind::RaiseRateLimit].into();
            }
        });
        if chance(2, 1) {
            world.routes = Some(Routes::read("C0SRE", "").unwrap());
        }
        let weather = Weather::of(seed, &world.clock);
        let functions = Lane::QUEUES.map(Lane::name).into_iter().chain(OTHERS);
        let cutters = functions.map(|what| (what, weather.over(function_of(what))));
        Self {
            seed,
            stage: Stage {
                cutters: cutters.collect(),
                weather,
                world,
            },
            life: Life {
                dice: Random::seeded(seed),
                sent: Vec::new(),
                events: 0,
                copies: 0,
                kept_house_at: None,
                is_frozen: false,
                jumps: chance(5, 4),
            },
            visits: Visits::default(),
        }
    }

    /// Lets it happen, and looks at how it ends.
    pub(super) fn walk(mut self) -> Self {
        let named = Named(self.seed);
        self.happens(STEPS);
        self.ends();
        if self.seed % 4 == 3 {
            // Years later the trouble is back, while time to live works.
            self.expires();
            self.happens(STEPS / 2);
            self.ends();
        }
        drop(named);
        self
    }

    /// Where it has been.
    pub(super) fn visits(mut self) -> Visits {
        self.visits.call(self.stage.weather.calls());
        self.visits
    }

    /// Its world.
    pub(super) fn world(&self) -> &World {
        &self.stage.world
    }

    /// Goes on to when every record of now has expired.
    fn expires(&mut self) {
        let world = &self.stage.world;
        let records = walk::now(world.records());
        let last = records.iter().filter_map(|record| record.expires_at).max();
        let now = u64::try_from(world.clock.now().as_seconds()).unwrap();
        world
            .clock
            .advance(Duration::from_secs(last.unwrap_or(now) - now + 60));
        self.life.sent.clear();
    }

    fn happens(&mut self, steps: usize) {
        self.stage.weather.is_calm(false);
        self.stage.is_well(false);
        let mut storm = Storm::over(&self.stage, &mut self.life);
        storm.event();
        for _ in 0..steps {
            storm.happens();
        }
        // Whatever still runs dies.
    }
}

impl Stage {
    /// Whether the gateway is well: then no event is true.
    pub(super) fn is_well(&self, well: bool) {
        let ill = {
            let mut ill = sample::inventory_with_spent_budget("payments");
            ill.contracts = sample::inventory_with_violation("gold").contracts;
            for provider in &mut ill.providers[..2] {
                provider.error_rate = Ppm(620_000);
            }
            ill.providers[0].latency_p50_ms = Some(2_000);
            ill
        };
        let now = if well { sample::inventory() } else { ill };
        self.world.gateway.change(|inventory| {
            for (provider, now) in inventory.providers.iter_mut().zip(now.providers) {
                provider.error_rate = now.error_rate;
                provider.latency_p50_ms = now.latency_p50_ms;
            }
            for (budget, now) in inventory.budgets.iter_mut().zip(now.budgets) {
                budget.spend = now.spend;
            }
            for (contract, now) in inventory.contracts.iter_mut().zip(now.contracts) {
                contract.measured = now.measured;
            }
        });
    }

    /// Whether changes are frozen.
    pub(super) fn is_frozen(&self, frozen: bool) {
        let time = |text: &str| LocalTime::try_from(text.to_owned()).unwrap();
        let freeze = Freeze {
            name: "release".to_owned(),
            from: time("2026-11-01T00:00"),
            to: time("2099-01-01T00:00"),
        };
        let freezes = if frozen { vec![freeze] } else { Vec::new() };
        self.world
            .policies
            .change(|in_force| in_force.policy.freeze = freezes);
    }
}
