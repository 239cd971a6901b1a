//! `control`: the switches of the whole agent, which are the operators'. Each record is signed with their key and holds the
//! whole state. What the agent's own functions say against themselves stands on `guard`, and is put on top of it.

use serde::{Deserialize, Serialize};

use crate::trail::{BadBody, Fact, Guard, Record, Seq, StreamId};
use crate::value::{Digest, ProposalId, Timestamp};

/// Earlier policies that are remembered on `control`.
pub const MOST_POLICIES: usize = 5;

/// Records that are remembered as set aside; with more, the oldest are forgotten, whose streams ended long ago.
pub const MOST_SET_ASIDE: usize = 100;

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
    /// Records that do not hold, and that an operator has looked at: their streams go on without them. Newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
    /// The last record of `guard` that an operator had seen who ended a pause: what it said before counts no more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resumed_guard: Seq,
    /// The same for whoever allowed automatic execution again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub automatic_on_guard: Seq,
    /// Why nothing executes by itself under these switches: nobody is known to have signed them. Not stored.
    #[serde(skip)]
    pub unverified: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(seq: &Seq) -> bool {
    *seq == 0
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
            set_aside: Vec::new(),
            resumed_guard: 0,
            automatic_on_guard: 0,
            unverified: None,
        }
    }
}

/// A record that does not hold, without which its stream goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its stream.
    pub stream: StreamId,
    /// Its position.
    pub seq: Seq,
    /// Why it may be left out, in the words of whoever looked at it.
    pub reason: String,
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
    /// An automatic execution failed. Told on `guard` since schema 2.
    AutomaticFailed(Switches),
    /// One succeeded after others had failed. Told on `guard` since schema 2.
    AutomaticSucceeded(Switches),
    /// Nothing executes by itself any more.
    AutomaticOff(Switches),
    /// Automatic execution is allowed again.
    AutomaticOn(Switches),
    /// A record that does not hold was looked at, and its stream goes on without it: the last of the list.
    SetAside(Switches),
    /// Somebody changed or removed a record of the trail. Told on `guard` since schema 2.
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
            | ControlFact::SetAside(switches)
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
            ControlFact::SetAside(_) => "set_aside",
            ControlFact::TamperDetected { .. } => "tamper_detected",
        }
    }
}

/// What is in force: `control` as read from its last record, and what `guard` tightens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    /// The last record's position on `control`; 0 before the first.
    pub seq: Seq,
    /// The switches in force.
    pub switches: Switches,
    /// What `control` itself says: what the operators' next record goes on from.
    own: Switches,
    guard: Guard,
    guard_seq: Seq,
}

impl Control {
    /// Switches that nothing tightens.
    pub fn of(seq: Seq, switches: Switches) -> Self {
        Self {
            seq,
            own: switches.clone(),
            switches,
            guard: Guard::default(),
            guard_seq: 0,
        }
    }

    /// Reads the last record of `control`; running where there is none yet.
    pub fn read(last: Option<&Record>) -> Result<Self, BadBody> {
        Ok(match last {
            Some(record) => Self::of(record.seq, ControlFact::read(record)?.switches().clone()),
            None => Self::default(),
        })
    }

    /// What is in force with the last record of `guard`: it can only tighten.
    pub fn guarded(self, last: Option<&Record>) -> Result<Self, BadBody> {
        let (guard, guard_seq) = match last {
            Some(record) => (Guard::read(record)?, record.seq),
            None => return Ok(self),
        };
        let own = self.own;
        let mut switches = own.clone();
        let off = guard.automatic_off.as_ref();
        let off = off.filter(|off| off.seq.is_none_or(|seq| seq > own.automatic_on_guard));
        switches.automatic_off = switches.automatic_off.or(off.map(|off| off.reason.clone()));
        let pause = guard.paused.as_ref();
        let pause = pause.filter(|pause| pause.seq.is_none_or(|seq| seq > own.resumed_guard));
        switches.paused = switches.paused.or(pause.map(|pause| Pause {
            since: pause.since,
            reason: pause.reason.clone(),
        }));
        switches.paused_total_ms = switches.paused_total_ms.saturating_add(guard.paused_ms);
        switches.automatic_since = own.automatic_since.max(guard.automatic_since);
        switches
            .automatic_failures
            .extend(guard.automatic_failures.iter().cloned());
        let since = switches.automatic_since;
        switches
            .automatic_failures
            .retain(|failure| since.is_none_or(|since| failure.at >= since));
        switches.agent_enabled = guard.agent_enabled.unwrap_or(own.agent_enabled);
        Ok(Self {
            seq: self.seq,
            switches,
            own,
            guard,
            guard_seq,
        })
    }

    /// The same, but nobody is known to have signed it: what it allows is not allowed, and nothing executes by itself.
    pub fn unverified(mut self, because: impl Into<String>) -> Self {
        let because = because.into();
        self.switches.automatic_off.get_or_insert_with(|| because.clone());
        self.switches.unverified = Some(because);
        self
    }

    /// What `guard` says.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The positions of a stream that an operator set aside.
    pub fn set_aside_of(&self, stream: &StreamId) -> Vec<Seq> {
        let aside = self.switches.set_aside.iter();
        aside
            .filter(|aside| aside.stream == *stream)
            .map(|aside| aside.seq)
            .collect()
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
            ..self.own.clone()
        }))
    }

    /// The fact that lets the agent go on; `None` when it is not paused.
    pub fn resume(&self, now: Timestamp) -> Option<ControlFact> {
        self.resume_because(None, now)
    }

    /// [`Control::resume`], with the reason of whoever resumes.
    pub fn resume_because(&self, reason: Option<&str>, now: Timestamp) -> Option<ControlFact> {
        self.switches.paused.as_ref()?;
        // What `guard` counts of pauses that are over is added by whoever reads it.
        let paused_total_ms = self.paused_ms(now).saturating_sub(self.guard.paused_ms);
        Some(ControlFact::Resumed(Switches {
            paused: None,
            paused_total_ms,
            resumed_because: reason.map(str::to_owned),
            resumed_guard: self.guard_seq,
            ..self.own.clone()
        }))
    }

    /// The fact after which nothing executes by itself; `None` when that is so already.
    pub fn automatic_off(&self, reason: &str) -> Option<ControlFact> {
        if self.switches.automatic_off.is_some() {
            return None;
        }
        Some(ControlFact::AutomaticOff(Switches {
            automatic_off: Some(reason.to_owned()),
            ..self.own.clone()
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
            automatic_on_guard: self.guard_seq,
            ..self.own.clone()
        }))
    }

    /// The fact that puts another policy in force; `None` where it is already.
    pub fn publish(&self, policy: Digest) -> Option<ControlFact> {
        // Signed anew where nobody is known to have signed it.
        if self.switches.policy == Some(policy) && self.switches.unverified.is_none() {
            return None;
        }
        let mut before = self.own.policies_before.clone();
        before.retain(|earlier| *earlier != policy);
        if let Some(current) = self.own.policy.filter(|current| *current != policy) {
            before.insert(0, current);
        }
        before.truncate(MOST_POLICIES);
        Some(ControlFact::PolicyPublished(Switches {
            policy: Some(policy),
            policies_before: before,
            ..self.own.clone()
        }))
    }

    /// The fact that sets a record aside; `None` where that was done.
    pub fn set_aside(&self, aside: SetAside) -> Option<ControlFact> {
        if self.set_aside_of(&aside.stream).contains(&aside.seq) {
            return None;
        }
        let mut set_aside = self.own.set_aside.clone();
        set_aside.push(aside);
        let surplus = set_aside.len().saturating_sub(MOST_SET_ASIDE);
        set_aside.drain(..surplus);
        Some(ControlFact::SetAside(Switches {
            set_aside,
            ..self.own.clone()
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
