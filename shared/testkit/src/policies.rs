//! A policy that the test sets.

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use domain::permission::{InForce, Rules};
use domain::policy::Policy;
use domain::ports::Policies;
use domain::trail::Control;
use domain::value::Digest;
use policy::Checked;

/// A policy in force that the test changes as it goes.
pub struct FixedPolicies(Mutex<InForce>);

impl FixedPolicies {
    /// This policy, with these rules.
    pub fn new(policy: Policy, rules: Arc<dyn Rules>) -> Self {
        Self(Mutex::new(InForce {
            digest: Digest::of(&serde_json::to_vec(&policy).unwrap()),
            policy,
            rules,
            instead_because: None,
        }))
    }

    /// Changes it.
    pub fn change(&self, change: impl FnOnce(&mut InForce)) {
        change(&mut self.0.lock().unwrap());
    }

    /// It as it is.
    pub fn get(&self) -> InForce {
        self.0.lock().unwrap().clone()
    }
}

impl Default for FixedPolicies {
    /// [`flat`] with the rules of `infra/policy`.
    fn default() -> Self {
        Self::new(flat(), rules())
    }
}

/// The rules of `infra/policy`, parsed once: that takes milliseconds, and a test may have thousands of worlds.
pub fn rules() -> Arc<dyn Rules> {
    static RULES: LazyLock<Arc<dyn Rules>> = LazyLock::new(|| Checked::builtin().in_force(None).rules);
    Arc::clone(&RULES)
}

/// The default policy without any weight: every score is its baseline.
pub fn flat() -> Policy {
    let mut policy = serde_json::to_value(Policy::default()).unwrap();
    for section in ["raises", "lowers"] {
        for (name, weight) in policy[section].as_object_mut().unwrap() {
            if weight.is_number() && name != "traffic_from_ppm" {
                *weight = 0.into();
            }
        }
    }
    serde_json::from_value(policy).unwrap()
}

#[async_trait]
impl Policies for FixedPolicies {
    async fn in_force(&self, _: &Control) -> InForce {
        self.get()
    }
}
