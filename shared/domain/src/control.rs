//! `control`: the switches of the whole agent. Each record holds the whole state.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::ProposalId;
use crate::record::{BadBody, Fact, Record};
use crate::stream::Seq;
use crate::time::Timestamp;

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
    /// Which.
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

/// A deadline that a pause moved: which record of `control` says so, and how far. The audit checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Position on `control`.
    pub control_seq: Seq,
    /// Milliseconds.
    pub ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
    }

    fn after(control: &Control, fact: ControlFact) -> Control {
        Control {
            seq: control.seq + 1,
            switches: fact.switches().clone(),
        }
    }

    #[test]
    fn the_time_paused_is_added_up_over_several_pauses() {
        let running = Control::default();
        let paused = after(&running, running.pause("storm", at(0)).unwrap());
        assert_eq!(paused.pause("again", at(1)), None);
        assert_eq!(paused.paused_ms(at(10)), 10_000);
        let resumed = after(&paused, paused.resume(at(20)).unwrap());
        assert_eq!(resumed.paused_ms(at(1000)), 20_000);
        assert_eq!(resumed.extension(20_000, at(1000)), None);
        let again = after(&resumed, resumed.pause("storm", at(100)).unwrap());
        assert_eq!(
            again.extension(5_000, at(101)),
            Some(Extension {
                control_seq: 3,
                ms: 16_000
            })
        );
    }

    #[test]
    fn automatic_execution_is_off_until_it_is_switched_on_whatever_a_pause_does() {
        let running = Control::default();
        assert_eq!(running.automatic_on(at(500)), None);
        let off = after(&running, running.automatic_off("a bad week").unwrap());
        assert_eq!(off.automatic_off("again"), None, "the first reason stays");
        let paused = after(&off, off.pause("storm", at(0)).unwrap());
        let resumed = after(&paused, paused.resume(at(9)).unwrap());
        assert_eq!(resumed.switches.automatic_off.as_deref(), Some("a bad week"));
        let on = after(&resumed, resumed.automatic_on(at(500)).unwrap());
        assert_eq!(on.switches.automatic_off, None);
        assert_eq!(
            on.paused_ms(at(100)),
            9_000,
            "the other switches are as they were"
        );
    }

    #[test]
    fn why_a_switch_went_back_is_recorded_and_the_next_time_forgets_it() {
        let running = Control::default();
        let paused = after(&running, running.pause("storm", at(0)).unwrap());
        let resumed = after(&paused, paused.resume_because(Some("it is over"), at(1)).unwrap());
        assert_eq!(resumed.switches.resumed_because.as_deref(), Some("it is over"));
        let again = after(&resumed, resumed.pause("storm", at(2)).unwrap());
        let silent = after(&again, again.resume(at(3)).unwrap());
        assert_eq!(silent.switches.resumed_because, None);
        let off = after(&silent, silent.automatic_off("a bad week").unwrap());
        let on = after(
            &off,
            off.automatic_on_because(Some("a good one"), at(500)).unwrap(),
        );
        assert_eq!(on.switches.automatic_on_because.as_deref(), Some("a good one"));
        let off = after(&on, on.automatic_off("a bad week").unwrap());
        let silent = after(&off, off.automatic_on(at(500)).unwrap());
        assert_eq!(silent.switches.automatic_on_because, None);
    }

    #[test]
    fn a_body_of_before_a_field_existed_reads_as_it_was_meant() {
        let body =
            r#"{"paused":null,"paused_total_ms":7,"policy":null,"automatic_off":null,"agent_enabled":true}"#;
        let switches: Switches = serde_json::from_str(body).unwrap();
        let expected = Switches {
            paused_total_ms: 7,
            ..Switches::default()
        };
        assert_eq!(switches, expected);
    }

    #[test]
    fn the_template_is_followed_once_and_does_not_fight_an_operator() {
        let running = Control::default();
        assert_eq!(running.follow_template(true, at(0)), None);
        let off = after(&running, running.follow_template(false, at(0)).unwrap());
        assert!(off.switches.paused.is_some());
        let resumed_by_hand = after(&off, off.resume(at(5)).unwrap());
        assert_eq!(
            resumed_by_hand.follow_template(false, at(6)),
            None,
            "the template said so before the operator did"
        );
        let on = after(
            &resumed_by_hand,
            resumed_by_hand.follow_template(true, at(7)).unwrap(),
        );
        assert!(on.switches.agent_enabled && on.switches.paused.is_none());
    }

    fn outcome(control: &Control, generation: u32, failed: bool, seconds: u64) -> Option<ControlFact> {
        let proposal = ProposalId::new(crate::samples::unhealthy().fingerprint(), generation);
        control.automatic_outcome(&proposal, failed, at(seconds), 3)
    }

    #[test]
    fn so_many_failures_in_a_row_switch_automatic_execution_off() {
        let none = Control::default();
        assert_eq!(outcome(&none, 1, false, 1), None, "nothing to remember");
        let one = after(&none, outcome(&none, 1, true, 1).unwrap());
        assert_eq!(outcome(&one, 1, true, 1), None, "told twice, it counts once");
        assert_eq!(
            outcome(&one, 2, false, 1),
            None,
            "a success of before, told late, ends nothing"
        );
        let good = after(&one, outcome(&one, 2, false, 2).unwrap());
        assert!(
            good.switches.automatic_failures.is_empty(),
            "a success ends the row"
        );
        assert_eq!(
            outcome(&good, 1, true, 1),
            None,
            "what was before it does not count any more"
        );
        let mut row = good;
        for generation in 3..=5 {
            assert_eq!(row.switches.automatic_off, None);
            row = after(
                &row,
                outcome(&row, generation, true, u64::from(generation)).unwrap(),
            );
        }
        let off = row.switches.automatic_off.clone().unwrap();
        assert!(
            off.starts_with("3 automatic executions failed one after the other"),
            "{off}"
        );
        let kinds: Vec<_> = [outcome(&one, 2, true, 2), outcome(&one, 2, false, 2)]
            .into_iter()
            .flatten()
            .map(|fact| fact.kind())
            .collect();
        assert_eq!(kinds, ["automatic_failed", "automatic_succeeded"]);
        // Later ones are remembered and switch nothing; the row does not grow without end.
        for generation in 6..20 {
            row = after(
                &row,
                outcome(&row, generation, true, u64::from(generation)).unwrap(),
            );
        }
        assert_eq!(row.switches.automatic_failures.len(), 3);
        assert_eq!(row.switches.automatic_off.as_deref(), Some(off.as_str()));
        let on = after(&row, row.automatic_on(at(500)).unwrap());
        assert!(on.switches.automatic_failures.is_empty());
        assert_eq!(
            outcome(&on, 19, true, 19),
            None,
            "a late report of what a person knew"
        );
        assert!(outcome(&on, 20, true, 501).is_some());
    }

    #[test]
    fn the_policies_before_are_remembered_newest_first() {
        let policy = |number: u8| Digest::of(&[number]);
        let mut control = Control::default();
        for number in 1..=8 {
            control = after(&control, control.publish(policy(number)).unwrap());
        }
        assert_eq!(control.publish(policy(8)), None, "in force already");
        assert_eq!(control.switches.policy, Some(policy(8)));
        assert_eq!(control.switches.policies_before, [7, 6, 5, 4, 3].map(policy));
        let back = after(&control, control.publish(policy(6)).unwrap());
        assert_eq!(back.switches.policies_before, [8, 7, 5, 4, 3].map(policy));
    }
}
