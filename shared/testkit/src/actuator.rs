//! An actuator on a [`Outside`] that goes wrong in every way a network can.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::action::Page;
use domain::inventory::{Change, Setting, Target};
use domain::ports::{ActError, Actuator, Unavailable};
use domain::proposal::{Permit, Power};
use domain::value::ProposalId;

use crate::gateway::Outside;
use crate::outages::Outages;

/// How a write goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// It is refused, and has no effect.
    Refuse,
    /// Its outcome is unclear; it had no effect.
    UnclearBefore,
    /// Its outcome is unclear; it had its effect.
    UnclearAfter,
    /// Its outcome is unclear; it has its effect when the test calls [`Outside::land_late_writes`].
    Late,
    /// It takes this long on the world's clock, and succeeds.
    Slow(Duration),
}

/// The gateway and the pager, writing. As strict about permits as the real one.
#[derive(Debug)]
pub struct FakeActuator {
    /// When targets cannot be read.
    pub outages: Outages,
    world: Outside,
    request_ms: u64,
    faults: Mutex<Vec<(Option<Target>, WriteFault)>>,
}

impl FakeActuator {
    /// The actuator of a world. A request takes at most 5 s.
    pub fn new(world: &Outside) -> Self {
        Self {
            outages: Outages::default(),
            world: world.clone(),
            request_ms: 5_000,
            faults: Mutex::default(),
        }
    }

    /// Another bound on a request, ms.
    pub fn with_request_ms(mut self, request_ms: u64) -> Self {
        self.request_ms = request_ms;
        self
    }

    /// The next write (or page) that no earlier fault waits for goes wrong.
    pub fn next(&self, fault: WriteFault) {
        self.faults.lock().unwrap().push((None, fault));
    }

    /// The next write of this target goes wrong.
    pub fn on(&self, target: &Target, fault: WriteFault) {
        self.faults.lock().unwrap().push((Some(target.clone()), fault));
    }

    /// From now on every write works.
    pub fn forget_faults(&self) {
        self.faults.lock().unwrap().clear();
    }

    fn fault(&self, target: Option<&Target>) -> Option<WriteFault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults
            .iter()
            .position(|(meant, _)| meant.is_none() || meant.as_ref() == target)?;
        Some(faults.remove(at).1)
    }

    /// Writes a value, for a proposal whose effect it is; taking one back is nobody's.
    fn write(
        &self,
        target: &Target,
        value: &Setting,
        effect_of: Option<&ProposalId>,
    ) -> Result<(), ActError> {
        let unclear = || ActError::Unclear("the connection broke, as the test asked".to_owned());
        let fault = self.fault(Some(target));
        if let Some(WriteFault::Slow(time)) = fault {
            self.world.clock.advance(time);
        }
        let mut inner = self.world.inner.lock().unwrap();
        match fault {
            Some(WriteFault::Refuse) => return Err(ActError::Refused("as the test asked".to_owned())),
            Some(WriteFault::UnclearBefore) => return Err(unclear()),
            Some(WriteFault::Late) => {
                inner.late.push((target.clone(), value.clone()));
                return Err(unclear());
            }
            Some(WriteFault::UnclearAfter | WriteFault::Slow(_)) | None => {}
        }
        let changes = inner
            .inventory
            .setting(target)
            .is_some_and(|before| before != *value);
        if !inner.write(target, value.clone()) {
            return Err(ActError::Refused(format!(
                "the gateway has no {target} that takes {value}"
            )));
        }
        if let Some(proposal) = effect_of.filter(|_| changes) {
            inner.effects.push((proposal.clone(), target.clone()));
        }
        match fault {
            Some(WriteFault::UnclearAfter) => Err(unclear()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Actuator for FakeActuator {
    fn request_ms(&self) -> u64 {
        self.request_ms
    }

    async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        self.outages.before("the gateway")?;
        let setting = self.world.inner.lock().unwrap().inventory.setting(target);
        self.outages.after("the gateway")?;
        setting.ok_or_else(|| Unavailable::new("the gateway", format_args!("it has no {target}")))
    }

    async fn apply(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        if permit.power() != Power::Apply || !permit.plan().changes.contains(change) {
            return Err(ActError::Refused(format!("the permit does not cover {change}")));
        }
        self.write(&change.target, &change.after, Some(permit.proposal()))
    }

    async fn revert(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        if !permit.plan().changes.contains(change) {
            return Err(ActError::Refused(format!("the permit does not cover {change}")));
        }
        self.write(&change.target, &change.before, None)
    }

    async fn page(&self, _: &Permit, page: &Page, dedup_key: &str) -> Result<(), ActError> {
        // Any permit allows it, as with the real one: a page that tells of drift belongs to a plan without.
        let fault = self.fault(None);
        match fault {
            Some(WriteFault::Refuse) => return Err(ActError::Refused("as the test asked".to_owned())),
            Some(WriteFault::UnclearBefore | WriteFault::Late) => {
                return Err(ActError::Unclear(
                    "the connection broke, as the test asked".to_owned(),
                ));
            }
            Some(WriteFault::Slow(time)) => self.world.clock.advance(time),
            Some(WriteFault::UnclearAfter) | None => {}
        }
        let mut inner = self.world.inner.lock().unwrap();
        if !inner.pages.iter().any(|(key, _)| key == dedup_key) {
            inner.pages.push((dedup_key.to_owned(), page.clone()));
        }
        match fault {
            Some(WriteFault::UnclearAfter) => Err(ActError::Unclear(
                "the connection broke, as the test asked".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}
