//! A gateway's world: one inventory that is read and changed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::action::Page;
use domain::inventory::{Inventory, Setting, Target};
use domain::ports::{Clock, Gateway, Unavailable};
use domain::value::ProposalId;

use crate::clock::FrozenClock;
use crate::outages::Outages;
use crate::sample;

/// The gateway and the pager behind [`FakeGateway`] and [`crate::FakeActuator`]. Clones are the same world.
#[derive(Debug, Clone)]
pub struct Outside {
    pub(crate) inner: Arc<Mutex<Inner>>,
    pub(crate) clock: FrozenClock,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) inventory: Inventory,
    pub(crate) writes: Vec<(Target, Setting)>,
    pub(crate) pages: Vec<(String, Page)>,
    pub(crate) late: Vec<(Target, Setting)>,
    pub(crate) effects: Vec<(ProposalId, Target)>,
    /// How old what is read is, seconds.
    pub(crate) age_s: u64,
}

impl Outside {
    /// A world with this inventory.
    pub fn new(inventory: Inventory, clock: &FrozenClock) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                inventory,
                writes: Vec::new(),
                pages: Vec::new(),
                late: Vec::new(),
                effects: Vec::new(),
                age_s: 0,
            })),
            clock: clock.clone(),
        }
    }

    /// [`sample::inventory`] as a world.
    pub fn sample(clock: &FrozenClock) -> Self {
        Self::new(sample::inventory(), clock)
    }

    /// Changes the world behind the agent's back.
    pub fn change<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        change(&mut self.inner.lock().unwrap().inventory)
    }

    /// From now on what is read is this old, seconds.
    pub fn ages(&self, seconds: u64) {
        self.inner.lock().unwrap().age_s = seconds;
    }

    /// The inventory now.
    pub fn inventory(&self) -> Inventory {
        let mut inventory = self.inner.lock().unwrap().inventory.clone();
        inventory.read_at = self.clock.now().minus_seconds(self.inner.lock().unwrap().age_s);
        inventory
    }

    /// A target's value now. Panics on a target that does not exist.
    pub fn setting(&self, target: &Target) -> Setting {
        self.inner
            .lock()
            .unwrap()
            .inventory
            .setting(target)
            .expect("a target that exists")
    }

    /// Sets a target behind the agent's back: drift.
    pub fn set(&self, target: &Target, value: Setting) {
        assert!(
            set(&mut self.inner.lock().unwrap().inventory, target, value),
            "{target} does not exist"
        );
    }

    /// Every write that had its effect, in order.
    pub fn writes(&self) -> Vec<(Target, Setting)> {
        self.inner.lock().unwrap().writes.clone()
    }

    /// The writes that changed a target for a proposal at once, in order; those that landed late are not among them.
    pub fn effects(&self) -> Vec<(ProposalId, Target)> {
        self.inner.lock().unwrap().effects.clone()
    }

    /// Whether a write is still on its way.
    pub fn has_late_writes(&self) -> bool {
        !self.inner.lock().unwrap().late.is_empty()
    }

    /// The distinct incidents paged, by dedup key, in order.
    pub fn pages(&self) -> Vec<(String, Page)> {
        self.inner.lock().unwrap().pages.clone()
    }

    /// Lets the writes of [`crate::WriteFault::Late`] have their effect.
    pub fn land_late_writes(&self) {
        let mut inner = self.inner.lock().unwrap();
        for (target, value) in std::mem::take(&mut inner.late) {
            inner.write(&target, value);
        }
    }
}

impl Inner {
    /// Whether the target exists, and so was written.
    pub(crate) fn write(&mut self, target: &Target, value: Setting) -> bool {
        let exists = set(&mut self.inventory, target, value.clone());
        if exists {
            self.writes.push((target.clone(), value));
        }
        exists
    }
}

/// Sets a target; whether it exists and takes such a value.
fn set(inventory: &mut Inventory, target: &Target, value: Setting) -> bool {
    let found = match (target, value) {
        (Target::Provider(id), Setting::Blocked(blocked)) => {
            let provider = inventory.providers.iter_mut().find(|provider| provider.id == *id);
            provider.map(|provider| provider.blocked = blocked)
        }
        (Target::ModelGroup(id), Setting::Routes(routes)) => {
            let group = inventory.model_groups.iter_mut().find(|group| group.id == *id);
            group.map(|group| group.routes = routes)
        }
        (Target::Team(id), Setting::RateLimit { rpm, tpm }) => {
            let team = inventory.teams.iter_mut().find(|team| team.id == *id);
            team.map(|team| (team.rpm, team.tpm) = (rpm, tpm))
        }
        (Target::Guardrail(id), Setting::Enabled(enabled)) => {
            let guardrail = inventory
                .guardrails
                .iter_mut()
                .find(|guardrail| guardrail.id == *id);
            guardrail.map(|guardrail| guardrail.enabled = enabled)
        }
        (Target::Budget(owner), Setting::HardCap(cap)) => {
            let budget = inventory.budgets.iter_mut().find(|budget| budget.owner == *owner);
            budget.map(|budget| budget.hard_cap = cap)
        }
        (Target::Contract(id), Setting::Enabled(enabled)) => {
            let contract = inventory.contracts.iter_mut().find(|contract| contract.id == *id);
            contract.map(|contract| contract.enabled = enabled)
        }
        (_, _) => None,
    };
    found.is_some()
}

/// The gateway, reading.
#[derive(Debug)]
pub struct FakeGateway {
    /// When it cannot be read.
    pub outages: Outages,
    world: Outside,
}

impl FakeGateway {
    /// The gateway of a world.
    pub fn new(world: &Outside) -> Self {
        Self {
            outages: Outages::default(),
            world: world.clone(),
        }
    }
}

#[async_trait]
impl Gateway for FakeGateway {
    async fn inventory(&self) -> Result<Inventory, Unavailable> {
        self.outages.before("the gateway")?;
        let inventory = self.world.inventory();
        self.outages.after("the gateway")?;
        Ok(inventory)
    }
}
