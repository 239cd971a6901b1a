//! The policy in force: the one that `control` says was published, or the last one that was good.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use domain::permission::{Circumstances, InForce, Principal, Resource, Rules, Verb, Verdict};
use domain::ports::{Clock, Payloads, Policies};
use domain::trail::Control;
use domain::value::{Digest, Timestamp};
use futures::future::join_all;

use crate::bundle::Bundle;
use crate::checked::Checked;

/// How many policies are kept.
const KEPT: usize = 4;

/// How long a policy that was of no use is not asked for again, ms.
const REMEMBERED_MS: u64 = 30_000;

/// How many failures are remembered.
const FAILURES: usize = 16;

/// Published policies, by their hash, from where `sre-agent policy publish` put them.
pub struct Published {
    payloads: Arc<dyn Payloads>,
    clock: Arc<dyn Clock>,
    /// Read where it is needed: where a policy was published, that is seldom, and reading one is most of what a start computes.
    builtin: OnceLock<Checked>,
    builtin_digest: Digest,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Loaded and checked, the last used first.
    kept: VecDeque<Checked>,
    /// The last that was in force as published.
    last_good: Option<Checked>,
    /// Of no use, the newest last: since when, and why.
    failed: VecDeque<(Digest, Timestamp, String)>,
}

/// Why a policy is of no use.
struct Useless {
    reason: String,
    /// Whether it was found just now; else it is remembered.
    new: bool,
}

impl Published {
    /// The policies in a bucket.
    pub fn new(payloads: Arc<dyn Payloads>, clock: Arc<dyn Clock>) -> Self {
        Self {
            payloads,
            clock,
            builtin: OnceLock::new(),
            builtin_digest: Bundle::builtin().digest(),
            memory: Mutex::default(),
        }
    }

    fn builtin(&self) -> &Checked {
        self.builtin.get_or_init(Checked::builtin)
    }

    /// A policy by its hash, or why it is of no use.
    async fn load(&self, hash: Digest) -> Result<Checked, Useless> {
        if let Some(known) = self.known(hash) {
            return known;
        }
        let loaded = self.fetch(hash).await;
        let mut memory = self.memory();
        match loaded {
            Ok(policy) => {
                memory.keep(&policy);
                Ok(policy)
            }
            Err(reason) => {
                memory.failed.retain(|(failed, _, _)| *failed != hash);
                memory.failed.push_back((hash, self.clock.now(), reason.clone()));
                if memory.failed.len() > FAILURES {
                    memory.failed.pop_front();
                }
                Err(Useless { reason, new: true })
            }
        }
    }

    async fn fetch(&self, hash: Digest) -> Result<Checked, String> {
        let bytes = self.payloads.get(&hash).await.map_err(|err| err.to_string())?;
        let bytes = bytes.ok_or("nothing is stored under its hash")?;
        let found = Digest::of(&bytes);
        if found != hash {
            return Err(format!("what is stored under its hash has the hash {found}"));
        }
        let bundle = Bundle::decode(&bytes).map_err(|faults| faults.to_string())?;
        Checked::new(&bundle).map_err(|faults| faults.to_string())
    }

    /// What is known of a hash without asking the bucket.
    fn known(&self, hash: Digest) -> Option<Result<Checked, Useless>> {
        if hash == self.builtin_digest {
            return Some(Ok(self.builtin().clone()));
        }
        let mut memory = self.memory();
        if let Some(kept) = memory.kept.iter().find(|kept| kept.digest() == hash).cloned() {
            memory.keep(&kept);
            return Some(Ok(kept));
        }
        let now = self.clock.now();
        let fresh = |since: Timestamp| now.millis_since(since) < REMEMBERED_MS;
        let failed = memory
            .failed
            .iter()
            .find(|(failed, since, _)| *failed == hash && fresh(*since));
        failed.map(|(_, _, reason)| {
            let reason = reason.clone();
            Err(Useless { reason, new: false })
        })
    }

    /// The last good one: of those that were in force before, the newest that this process has; else the last that it
    /// had in force; else the newest that can be had; else the built-in one, if nothing else was ever in force.
    async fn last_good(&self, before: &[Digest]) -> Option<Checked> {
        let known = before.iter().find_map(|hash| self.known(*hash)?.ok());
        let last = known.or_else(|| self.memory().last_good.clone());
        if last.is_some() {
            return last;
        }
        // At once: whoever asks may have few seconds, and a bucket that does not answer takes its time for each.
        let loaded = join_all(before.iter().map(|hash| self.load(*hash))).await;
        for (hash, loaded) in before.iter().zip(&loaded) {
            if let Err(Useless { reason, new: true }) = loaded {
                tracing::warn!(policy.hash = %hash, error = reason.as_str(), "an earlier policy is of no use");
            }
        }
        let newest = loaded.into_iter().find_map(Result::ok);
        newest.or_else(|| before.is_empty().then(|| self.builtin().clone()))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where no policy that was ever in force can be had: people may say no.
struct NothingButNo;

impl Rules for NothingButNo {
    fn ask(&self, verb: Verb, _: &Principal<'_>, _: &Resource<'_>, _: &Circumstances) -> Verdict {
        let allowed = verb == Verb::Reject;
        Verdict {
            allowed,
            rules: Vec::new(),
            because: (!allowed).then(|| {
                "neither the policy in force nor an earlier one can be had; try again in a minute".to_owned()
            }),
        }
    }
}

impl Memory {
    fn keep(&mut self, policy: &Checked) {
        self.kept.retain(|kept| kept.digest() != policy.digest());
        self.kept.push_front(policy.clone());
        self.kept.truncate(KEPT);
    }
}

#[async_trait]
impl Policies for Published {
    async fn in_force(&self, control: &Control) -> InForce {
        let switches = &control.switches;
        let Some(hash) = switches.policy else {
            return self.builtin().in_force(None);
        };
        match self.load(hash).await {
            Ok(policy) => {
                self.memory().last_good = Some(policy.clone());
                policy.in_force(None)
            }
            Err(Useless { reason, new }) => {
                if new {
                    // A metric filter of the template looks for this alarm.
                    tracing::error!(
                        alarm = "policy_not_in_force",
                        policy.hash = %hash,
                        error = reason.as_str(),
                        "the published policy is not in force"
                    );
                }
                let because = Some(format!("the published policy {hash} is not in force: {reason}"));
                match self.last_good(&switches.policies_before).await {
                    Some(instead) => instead.in_force(because),
                    // The built-in one may allow what the company's own policies forbid.
                    None => InForce {
                        rules: Arc::new(NothingButNo),
                        ..self.builtin().in_force(because)
                    },
                }
            }
        }
    }
}
