//! `control`: the switches of the whole agent. Each record holds the whole state.

use serde::{Deserialize, Serialize};

use crate::trail::{BadBody, Fact, Record, Seq};
use crate::value::{Digest, ProposalId, Timestamp};

/// Earlier policies that are remembered on `control`.
pub const MOST_POLICIES: usize = 5;

/// The switches as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// The pause under way, if any.
    pub paused: Option<Pause>,
    /// Milliseconds of all pauses that are over.
    pub paused_total_ms: u64,
    /// Digest of the policy that was published last.
    pub policy: Option<Digest>,
    /// Policies that were in force before, the newest first, at most [`MOST_POLICIES`]: what is fallen back on.
    #[serde(default)]
    pub policies_before: Vec<Digest>,
    /// Why nothing executes by itself, if that was switched off.
    pub automatic_off: Option<String>,
    /// Automatic executions that failed one after the other, the newest last.
    #[serde(default)]
    pub automatic_failures: Vec<AutomaticFailure>,
    /// Since when they are counted: the last that succeeded, or when a person allowed them again.
    #[serde(default)]
    pub automatic_since: Option<Timestamp>,
    /// What the template's `AgentEnabled` said last.
    pub agent_enabled: bool,
    /// Why the last pause was ended, where whoever ended it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_because: Option<String>,
    /// Why automatic execution was allowed again the last time, where whoever did said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_on_because: Option<String>,
}

impl Default for Switches {
    /// Before the first record: running.
    fn default() -> Self {
        Self {
            paused: None,
            paused_total_ms: 0,
            policy: None,
            policies_before: Vec::new(),
            automatic_off: None,
            automatic_failures: Vec::new(),
            automatic_since: None,
            agent_enabled: true,
            resumed_because: None,
            automatic_on_because: None,
        }
    }
}

/// An automatic execution that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomaticFailure {
    /// The proposal that failed.
    pub proposal: ProposalId,
    /// When it failed.
    pub at: Timestamp,
}

/// A pause under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Why, in the words of whoever paused.
    pub reason: String,
}

/// Facts of the `control` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum ControlFact {
    /// The agent stopped taking, scoring and starting.
    Paused(Switches),
    /// It goes on.
    Resumed(Switches),
    /// Another policy is in force.
    PolicyPublished(Switches),
    /// An automatic execution failed.
    AutomaticFailed(Switches),
    /// One succeeded after others had failed.
    AutomaticSucceeded(Switches),
    /// Nothing executes by itself any more.
    AutomaticOff(Switches),
    /// Automatic execution is allowed again.
    AutomaticOn(Switches),
    /// Somebody changed or removed a record of the trail.
    TamperDetected {
        /// What was seen.
        what: String,
        /// The switches, unchanged.
        switches: Switches,
    },
}

impl ControlFact {
    /// The switches after it.
    pub fn switches(&self) -> &Switches {
        match self {
            ControlFact::Paused(switches)
            | ControlFact::Resumed(switches)
            | ControlFact::PolicyPublished(switches)
            | ControlFact::AutomaticFailed(switches)
            | ControlFact::AutomaticSucceeded(switches)
            | ControlFact::AutomaticOff(switches)
            | ControlFact::AutomaticOn(switches)
            | ControlFact::TamperDetected { switches, .. } => switches,
        }
    }
}

impl Fact for ControlFact {
    fn kind(&self) -> &'static str {
        match self {
            ControlFact::Paused(_) => "paused",
            ControlFact::Resumed(_) => "resumed",
            ControlFact::PolicyPublished(_) => "policy_published",
            ControlFact::AutomaticFailed(_) => "automatic_failed",
            ControlFact::AutomaticSucceeded(_) => "automatic_succeeded",
            ControlFact::AutomaticOff(_) => "automatic_off",
            ControlFact::AutomaticOn(_) => "automatic_on",
            ControlFact::TamperDetected { .. } => "tamper_detected",
        }
    }
}

/// `control` as read from its last record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    /// The last record's position; 0 before the first.
    pub seq: Seq,
    /// The switches.
    pub switches: Switches,
}

impl Control {
    /// Reads the last record of `control`; running where there is none yet.
    pub fn read(last: Option<&Record>) -> Result<Self, BadBody> {
        Ok(match last {
            Some(record) => Self {
                seq: record.seq,
                switches: ControlFact::read(record)?.switches().clone(),
            },
            None => Self::default(),
        })
    }

    /// Milliseconds paused in all, until now. Deadlines of what waits for a person move by the difference
    /// since they were set.
    pub fn paused_ms(&self, now: Timestamp) -> u64 {
        let under_way = self
            .switches
            .paused
            .as_ref()
            .map_or(0, |pause| now.millis_since(pause.since));
        self.switches.paused_total_ms.saturating_add(under_way)
    }

    /// How far a deadline moved that was set when `paused_before_ms` had been paused; `None` if not at all.
    pub fn extension(&self, paused_before_ms: u64, now: Timestamp) -> Option<Extension> {
        let ms = self.paused_ms(now).saturating_sub(paused_before_ms);
        (ms > 0).then_some(Extension {
            control_seq: self.seq,
            ms,
        })
    }

    /// A deadline that was set when `paused_before_ms` had been paused, as it stands now.
    pub fn deadline(&self, set: Timestamp, paused_before_ms: u64, now: Timestamp) -> Deadline {
        let extension = self.extension(paused_before_ms, now);
        Deadline { set, extension }
    }

    /// The fact that pauses the agent; `None` when it is paused already.
    pub fn pause(&self, reason: &str, now: Timestamp) -> Option<ControlFact> {
        if self.switches.paused.is_some() {
            return None;
        }
        let paused = Some(Pause {
            since: now,
            reason: reason.to_owned(),
        });
        Some(ControlFact::Paused(Switches {
            paused,
            ..self.switches.clone()
        }))
    }

    /// The fact that lets the agent go on; `None` when it is not paused.
    pub fn resume(&self, now: Timestamp) -> Option<ControlFact> {
        self.resume_because(None, now)
    }

    /// [`Control::resume`], with the reason of whoever resumes.
    pub fn resume_because(&self, reason: Option<&str>, now: Timestamp) -> Option<ControlFact> {
        self.switches.paused.as_ref()?;
        let paused_total_ms = self.paused_ms(now);
        Some(ControlFact::Resumed(Switches {
            paused: None,
            paused_total_ms,
            resumed_because: reason.map(str::to_owned),
            ..self.switches.clone()
        }))
    }

    /// The fact after which nothing executes by itself; `None` when that is so already.
    pub fn automatic_off(&self, reason: &str) -> Option<ControlFact> {
        if self.switches.automatic_off.is_some() {
            return None;
        }
        Some(ControlFact::AutomaticOff(Switches {
            automatic_off: Some(reason.to_owned()),
            ..self.switches.clone()
        }))
    }

    /// The fact after which the policy may let things execute by themselves again; `None` when it may already.
    pub fn automatic_on(&self, now: Timestamp) -> Option<ControlFact> {
        self.automatic_on_because(None, now)
    }

    /// [`Control::automatic_on`], with the reason of whoever allows it.
    pub fn automatic_on_because(&self, reason: Option<&str>, now: Timestamp) -> Option<ControlFact> {
        self.switches.automatic_off.as_ref()?;
        Some(ControlFact::AutomaticOn(Switches {
            automatic_off: None,
            automatic_failures: Vec::new(),
            automatic_since: Some(now),
            automatic_on_because: reason.map(str::to_owned),
            ..self.switches.clone()
        }))
    }

    /// The fact that puts another policy in force; `None` where it is already.
    pub fn publish(&self, policy: Digest) -> Option<ControlFact> {
        if self.switches.policy == Some(policy) {
            return None;
        }
        let mut before = self.switches.policies_before.clone();
        before.retain(|earlier| *earlier != policy);
        if let Some(current) = self.switches.policy {
            before.insert(0, current);
        }
        before.truncate(MOST_POLICIES);
        Some(ControlFact::PolicyPublished(Switches {
            policy: Some(policy),
            policies_before: before,
            ..self.switches.clone()
        }))
    }

    /// The fact that an automatic execution's outcome makes, `settled` then: counted once, and so many failures in a
    /// row switch automatic execution off. `None` where there is nothing to remember.
    pub fn automatic_outcome(
        &self,
        proposal: &ProposalId,
        failed: bool,
        settled: Timestamp,
        failures_in_a_row: u64,
    ) -> Option<ControlFact> {
        let row = &self.switches.automatic_failures;
        let mut switches = self.switches.clone();
        if !failed {
            // One that came before the last failure does not end the row, however late it is told.
            let last = row.iter().map(|failure| failure.at).max()?;
            if settled <= last {
                return None;
            }
            switches.automatic_failures.clear();
            switches.automatic_since = Some(settled);
            return Some(ControlFact::AutomaticSucceeded(switches));
        }
        let counted = row.iter().any(|failure| failure.proposal == *proposal)
            || self.switches.automatic_since.is_some_and(|since| settled < since);
        if counted {
            return None;
        }
        switches.automatic_failures.push(AutomaticFailure {
            proposal: proposal.clone(),
            at: settled,
        });
        let failures = switches.automatic_failures.len();
        if (failures as u64) < failures_in_a_row || switches.automatic_off.is_some() {
            // Held to what one record should say, however long nobody looks.
            let most = usize::try_from(failures_in_a_row).unwrap_or(usize::MAX).max(1);
            let surplus = failures.saturating_sub(most);
            switches.automatic_failures.drain(..surplus);
            return Some(ControlFact::AutomaticFailed(switches));
        }
        switches.automatic_off = Some(format!(
            "{failures} automatic executions failed one after the other, the last of them {proposal}"
        ));
        Some(ControlFact::AutomaticOff(switches))
    }

    /// What the template's `AgentEnabled` asks for, where it changed since the last record.
    pub fn follow_template(&self, enabled: bool, now: Timestamp) -> Option<ControlFact> {
        if enabled == self.switches.agent_enabled {
            return None;
        }
        let mut switches = self.switches.clone();
        switches.agent_enabled = enabled;
        let changed = Control {
            seq: self.seq,
            switches,
        };
        let reason = "the template's AgentEnabled is false";
        let fact = if enabled {
            changed.resume(now)
        } else {
            changed.pause(reason, now)
        };
        // Already as asked, by a person: the record still remembers what the template said.
        fact.or(Some(if enabled {
            ControlFact::Resumed(changed.switches)
        } else {
            ControlFact::Paused(changed.switches)
        }))
    }
}

/// A deadline, and how far a pause moved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The instant that was set, before any pause.
    pub set: Timestamp,
    /// What a pause added.
    pub extension: Option<Extension>,
}

impl Deadline {
    /// The instant that counts.
    pub fn at(&self) -> Timestamp {
        self.set
            .plus_millis(self.extension.map_or(0, |extension| extension.ms))
    }

    /// Whether it is over. Its own instant is in time.
    pub fn has_passed(&self, now: Timestamp) -> bool {
        now > self.at()
    }
}

/// A deadline that a pause moved: which record of `control` says so, and how far. The audit checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Position on `control`.
    pub control_seq: Seq,
    /// Milliseconds.
    pub ms: u64,
}

#[cfg(test)]
mod tests;
