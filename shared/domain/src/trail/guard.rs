//! `guard`: what the agent's own functions say against themselves. Each record holds the whole state, is signed by nobody,
//! and can only tighten what `control` says; a signed record of `control` names how much of it an operator has seen.

use serde::{Deserialize, Serialize};

use super::control::AutomaticFailure;
use super::{BadBody, BrokenChain, Control, Fact, Record, Seq, StreamId};
use crate::value::{ProposalId, Timestamp};

/// Records that do not hold and are remembered; with more, the oldest are forgotten.
pub const MOST_FORGED: usize = 50;

/// What the functions say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guard {
    /// Why nothing executes by itself, where too many executions failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_off: Option<GuardOff>,
    /// Automatic executions that failed one after the other, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub automatic_failures: Vec<AutomaticFailure>,
    /// The last automatic execution that succeeded after others had failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_since: Option<Timestamp>,
    /// What the template's `AgentEnabled` said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_enabled: Option<bool>,
    /// The pause that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<GuardPause>,
    /// Milliseconds of such pauses that the template ended itself.
    #[serde(default)]
    pub paused_ms: u64,
    /// Records that were found not to hold, the newest last, at most [`MOST_FORGED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forged: Vec<ForgedRecord>,
    /// What was seen when somebody changed or removed a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tampered: Option<String>,
}

/// Automatic execution was switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardOff {
    /// Why.
    pub reason: String,
    /// The record of `guard` that did; none in that record itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

/// The template pauses the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardPause {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// The record of `guard` that said so; none in that record itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

/// A record that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgedRecord {
    /// Its stream.
    pub stream: StreamId,
    /// Its position.
    pub seq: Seq,
    /// Its kind, as it says itself.
    pub kind: String,
    /// Why it does not hold, in words after "record N of S".
    pub problem: String,
    /// Whether the effect that was in force before it has been taken back since.
    #[serde(default)]
    pub taken_back: bool,
}

/// Facts of the `guard` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum GuardFact {
    /// An automatic execution failed.
    AutomaticFailed(Guard),
    /// One succeeded after others had failed.
    AutomaticSucceeded(Guard),
    /// So many failed that nothing executes by itself any more.
    AutomaticOff(Guard),
    /// The template's `AgentEnabled` became false.
    AgentDisabled(Guard),
    /// It became true again.
    AgentEnabled(Guard),
    /// A record was found not to hold, or what was in force before it was taken back: the last of the list.
    ForgedRecord(Guard),
    /// Somebody changed or removed a record of the trail.
    TamperDetected(Guard),
}

impl GuardFact {
    /// What the functions say after it.
    pub fn guard(&self) -> &Guard {
        match self {
            GuardFact::AutomaticFailed(guard)
            | GuardFact::AutomaticSucceeded(guard)
            | GuardFact::AutomaticOff(guard)
            | GuardFact::AgentDisabled(guard)
            | GuardFact::AgentEnabled(guard)
            | GuardFact::ForgedRecord(guard)
            | GuardFact::TamperDetected(guard) => guard,
        }
    }
}

impl Fact for GuardFact {
    fn kind(&self) -> &'static str {
        match self {
            GuardFact::AutomaticFailed(_) => "automatic_failed",
            GuardFact::AutomaticSucceeded(_) => "automatic_succeeded",
            GuardFact::AutomaticOff(_) => "automatic_off",
            GuardFact::AgentDisabled(_) => "agent_disabled",
            GuardFact::AgentEnabled(_) => "agent_enabled",
            GuardFact::ForgedRecord(_) => "forged_record",
            GuardFact::TamperDetected(_) => "tamper_detected",
        }
    }
}

impl Guard {
    /// What a record of `guard` says.
    pub fn read(record: &Record) -> Result<Self, BadBody> {
        let mut guard = GuardFact::read(record)?.guard().clone();
        if let Some(off) = &mut guard.automatic_off {
            off.seq.get_or_insert(record.seq);
        }
        if let Some(pause) = &mut guard.paused {
            pause.seq.get_or_insert(record.seq);
        }
        Ok(guard)
    }

    /// Whether a record was found not to hold, and told.
    pub fn names(&self, fault: &BrokenChain) -> bool {
        self.found(&fault.stream, fault.seq).is_some()
    }

    /// Whether the effect that was in force before a record that does not hold was taken back.
    pub fn has_taken_back(&self, stream: &StreamId, seq: Seq) -> bool {
        self.found(stream, seq).is_some_and(|forged| forged.taken_back)
    }

    fn found(&self, stream: &StreamId, seq: Seq) -> Option<&ForgedRecord> {
        let mut forged = self.forged.iter();
        forged.find(|forged| forged.stream == *stream && forged.seq == seq)
    }
}

impl Control {
    /// The fact that an automatic execution's outcome makes, `settled` then: counted once, and so many failures in a
    /// row switch automatic execution off. `None` where there is nothing to remember.
    pub fn automatic_outcome(
        &self,
        proposal: &ProposalId,
        failed: bool,
        settled: Timestamp,
        failures_in_a_row: u64,
    ) -> Option<GuardFact> {
        let row = &self.switches.automatic_failures;
        let mut guard = self.guard().clone();
        if !failed {
            // One that came before the last failure does not end the row, however late it is told.
            let last = row.iter().map(|failure| failure.at).max()?;
            if settled <= last {
                return None;
            }
            guard.automatic_failures.clear();
            guard.automatic_since = Some(settled);
            return Some(GuardFact::AutomaticSucceeded(guard));
        }
        let counted = row.iter().any(|failure| failure.proposal == *proposal)
            || self.switches.automatic_since.is_some_and(|since| settled < since);
        if counted {
            return None;
        }
        guard.automatic_failures.push(AutomaticFailure {
            proposal: proposal.clone(),
            at: settled,
        });
        // Held to what one record should say, however long nobody looks.
        let most = usize::try_from(failures_in_a_row).unwrap_or(usize::MAX).max(1);
        let surplus = guard.automatic_failures.len().saturating_sub(most);
        guard.automatic_failures.drain(..surplus);
        let failures = row.len() + 1;
        if (failures as u64) < failures_in_a_row || self.switches.automatic_off.is_some() {
            return Some(GuardFact::AutomaticFailed(guard));
        }
        guard.automatic_off = Some(GuardOff {
            reason: format!(
                "{failures} automatic executions failed one after the other, the last of them {proposal}"
            ),
            seq: None,
        });
        Some(GuardFact::AutomaticOff(guard))
    }

    /// What the template's `AgentEnabled` asks for, where it changed since the last record. It ends the pause that it
    /// asked for itself, and never one of an operator's.
    pub fn follow_template(&self, enabled: bool, now: Timestamp) -> Option<GuardFact> {
        if enabled == self.switches.agent_enabled {
            return None;
        }
        let mut guard = self.guard().clone();
        guard.agent_enabled = Some(enabled);
        let under_way = guard.paused.take();
        if !enabled {
            // Paused already, by a person: the record still remembers what the template said.
            if self.switches.paused.is_none() {
                guard.paused = Some(GuardPause {
                    since: now,
                    reason: "the template's AgentEnabled is false".to_owned(),
                    seq: None,
                });
            }
            return Some(GuardFact::AgentDisabled(guard));
        }
        if let Some(pause) = under_way
            && self
                .switches
                .paused
                .as_ref()
                .is_some_and(|paused| paused.since == pause.since)
        {
            guard.paused_ms = guard.paused_ms.saturating_add(now.millis_since(pause.since));
        }
        Some(GuardFact::AgentEnabled(guard))
    }

    /// The fact that names a record that does not hold; `None` where it was named.
    pub fn names_forged(&self, fault: &BrokenChain) -> Option<GuardFact> {
        if self.guard().names(fault) {
            return None;
        }
        let mut guard = self.guard().clone();
        guard.forged.push(ForgedRecord {
            stream: fault.stream.clone(),
            seq: fault.seq,
            kind: crate::value::shorten(&fault.kind),
            problem: crate::value::shorten(&fault.problem),
            taken_back: false,
        });
        let surplus = guard.forged.len().saturating_sub(MOST_FORGED);
        guard.forged.drain(..surplus);
        Some(GuardFact::ForgedRecord(guard))
    }

    /// The fact that what was in force before a record that does not hold was taken back; `None` where that was told.
    pub fn took_back(&self, fault: &BrokenChain) -> Option<GuardFact> {
        if self.guard().has_taken_back(&fault.stream, fault.seq) {
            return None;
        }
        let mut guard = match self.names_forged(fault) {
            Some(named) => named.guard().clone(),
            None => self.guard().clone(),
        };
        for forged in &mut guard.forged {
            if forged.stream == fault.stream && forged.seq == fault.seq {
                forged.taken_back = true;
            }
        }
        Some(GuardFact::ForgedRecord(guard))
    }
}

#[cfg(test)]
mod tests;
