//! A policy that was checked: the only one that can come into force.

use std::sync::Arc;

use domain::permission::{InForce, Rules};
use domain::policy::Policy;
use domain::value::Digest;

use crate::bundle::{Bundle, SCHEMA, SCHEMA_TEXT};
use crate::fault::{Faults, PolicyFault};
use crate::rules::CedarRules;
use crate::{gate, risk};

/// A policy in which nothing is wrong.
#[derive(Clone)]
pub struct Checked {
    digest: Digest,
    policy: Policy,
    rules: Arc<CedarRules>,
}

impl Checked {
    /// Checks a policy, or says everything that is wrong with it.
    pub fn new(bundle: &Bundle) -> Result<Self, Faults> {
        let mut faults: Vec<PolicyFault> = bundle.other_schema().map(differs).into_iter().collect();
        let policy = risk::read(bundle.risk()).map_err(|found| faults.extend(found));
        let rules = gate::read(bundle.rules()).map_err(|found| faults.extend(found));
        match (policy, rules, Faults::of(faults)) {
            (Ok(policy), Ok(rules), None) => Ok(Self {
                digest: bundle.digest(),
                policy,
                rules: Arc::new(rules),
            }),
            (_, _, Some(faults)) => Err(faults),
            (Ok(_) | Err(()), Ok(_) | Err(()), None) => {
                Err(PolicyFault::of_file("policy", "could not be read").into())
            }
        }
    }

    /// The policy that is in force where none was published.
    #[expect(
        clippy::expect_used,
        reason = "compiled in, and every test of this crate reads it"
    )]
    pub fn builtin() -> Self {
        Self::new(&Bundle::builtin()).expect("nothing is wrong with the policy of infra/policy")
    }

    /// SHA-256 of the whole policy.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Weights, windows, calendars and limits.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The rules beside it.
    pub fn rules(&self) -> &dyn Rules {
        self.rules.as_ref()
    }

    /// It as the policy in force. `instead_because` says why it is, where another one was published.
    pub fn in_force(&self, instead_because: Option<String>) -> InForce {
        InForce {
            policy: self.policy.clone(),
            rules: Arc::clone(&self.rules) as Arc<dyn Rules>,
            digest: self.digest,
            instead_because,
        }
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Checked").field(&self.digest).finish()
    }
}

fn differs(schema: &str) -> PolicyFault {
    let common = schema
        .bytes()
        .zip(SCHEMA_TEXT.bytes())
        .take_while(|(its, ours)| its == ours);
    let reason = "differs from this version's schema: it cannot be changed; leave the file out";
    PolicyFault::at(SCHEMA, schema, common.count(), reason)
}
