//! What functions say tightens what operators said, and no more.

use super::*;
use crate::samples::{person, writer};
use crate::trail::{Actor, ControlFact, Entry, SetAside};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
}

/// `control` and `guard`, as they are written.
#[derive(Default)]
struct Both {
    control: Vec<Record>,
    guard: Vec<Record>,
}

impl Both {
    fn in_force(&self) -> Control {
        let control = Control::read(self.control.last()).unwrap();
        control.guarded(self.guard.last()).unwrap()
    }

    fn operators(&mut self, fact: Option<ControlFact>) -> &mut Self {
        let entry = Entry::next(
            StreamId::Control,
            self.control.last(),
            at(0),
            person("ada"),
            &fact.unwrap(),
            None,
        );
        self.control.push(entry.seal(writer(1)));
        self
    }

    fn functions(&mut self, fact: Option<GuardFact>) -> &mut Self {
        let entry = Entry::next(
            StreamId::Guard,
            self.guard.last(),
            at(0),
            Actor::System,
            &fact.unwrap(),
            None,
        );
        self.guard.push(entry.seal(writer(1)));
        self
    }

    fn outcome(&self, generation: u32, failed: bool, seconds: u64) -> Option<GuardFact> {
        let proposal = ProposalId::new(crate::samples::unhealthy().fingerprint(), generation);
        self.in_force()
            .automatic_outcome(&proposal, failed, at(seconds), 3)
    }
}

#[test]
fn the_template_is_followed_once_and_does_not_fight_an_operator() {
    let mut both = Both::default();
    assert_eq!(both.in_force().follow_template(true, at(0)), None);
    both.functions(both.in_force().follow_template(false, at(0)));
    assert!(both.in_force().switches.paused.is_some());
    both.operators(both.in_force().resume(at(5)));
    assert_eq!(both.in_force().switches.paused, None);
    assert_eq!(
        both.in_force().follow_template(false, at(6)),
        None,
        "the template said so before the operator did"
    );
    both.functions(both.in_force().follow_template(true, at(7)));
    let on = both.in_force();
    assert!(on.switches.agent_enabled && on.switches.paused.is_none());
    assert_eq!(on.paused_ms(at(100)), 5_000, "counted once");
}

#[test]
fn the_template_ends_its_own_pause_and_no_operators() {
    let mut both = Both::default();
    both.functions(both.in_force().follow_template(false, at(0)));
    both.functions(both.in_force().follow_template(true, at(9)));
    assert_eq!(both.in_force().switches.paused, None);
    assert_eq!(both.in_force().paused_ms(at(100)), 9_000);
    both.operators(both.in_force().pause("storm", at(20)));
    both.functions(both.in_force().follow_template(false, at(21)));
    both.functions(both.in_force().follow_template(true, at(22)));
    assert!(both.in_force().switches.paused.is_some(), "the operator's stays");
    both.operators(both.in_force().resume(at(30)));
    assert_eq!(both.in_force().paused_ms(at(100)), 19_000);
}

#[test]
fn so_many_failures_in_a_row_switch_automatic_execution_off() {
    let mut both = Both::default();
    assert_eq!(both.outcome(1, false, 1), None, "nothing to remember");
    both.functions(both.outcome(1, true, 1));
    assert_eq!(both.outcome(1, true, 1), None, "told twice, it counts once");
    assert_eq!(
        both.outcome(2, false, 1),
        None,
        "a success of before, told late, ends nothing"
    );
    both.functions(both.outcome(2, false, 2));
    assert!(
        both.in_force().switches.automatic_failures.is_empty(),
        "a success ends the row"
    );
    assert_eq!(
        both.outcome(1, true, 1),
        None,
        "what was before it does not count any more"
    );
    for generation in 3..=5 {
        assert_eq!(both.in_force().switches.automatic_off, None);
        both.functions(both.outcome(generation, true, u64::from(generation)));
    }
    let off = both.in_force().switches.automatic_off.unwrap();
    assert!(
        off.starts_with("3 automatic executions failed one after the other"),
        "{off}"
    );
    // Later ones are remembered and switch nothing; the row does not grow without end.
    for generation in 6..20 {
        both.functions(both.outcome(generation, true, u64::from(generation)));
    }
    assert_eq!(both.in_force().switches.automatic_failures.len(), 3);
    assert_eq!(both.in_force().switches.automatic_off, Some(off));
    both.operators(both.in_force().automatic_on(at(500)));
    assert!(both.in_force().switches.automatic_failures.is_empty());
    assert_eq!(both.in_force().switches.automatic_off, None);
    assert_eq!(
        both.outcome(19, true, 19),
        None,
        "a late report of what a person knew"
    );
    for generation in 20..23 {
        both.functions(both.outcome(generation, true, 501 + u64::from(generation)));
    }
    assert!(
        both.in_force().switches.automatic_off.is_some(),
        "it is switched off again"
    );
}

#[test]
fn what_guard_says_after_an_operator_looked_counts() {
    let mut both = Both::default();
    for generation in 1..=3 {
        both.functions(both.outcome(generation, true, u64::from(generation)));
    }
    // Whoever publishes a policy has not looked at why automatic execution is off.
    both.operators(both.in_force().publish(crate::value::Digest::of(b"p")));
    assert!(both.in_force().switches.automatic_off.is_some());
    both.operators(both.in_force().automatic_on(at(10)));
    assert_eq!(both.in_force().switches.automatic_off, None);
}

#[test]
fn no_record_of_guard_loosens_what_control_says() {
    let mut both = Both::default();
    both.operators(both.in_force().pause("storm", at(0)));
    both.operators(both.in_force().automatic_off("a bad week"));
    both.operators(both.in_force().publish(crate::value::Digest::of(b"p")));
    let said = both.in_force().switches;
    let everything = Guard {
        agent_enabled: Some(true),
        automatic_since: Some(at(50)),
        ..Guard::default()
    };
    for fact in [
        GuardFact::AgentEnabled(everything.clone()),
        GuardFact::AutomaticSucceeded(everything.clone()),
        GuardFact::ForgedRecord(everything),
    ] {
        both.functions(Some(fact));
        let switches = both.in_force().switches;
        assert_eq!(switches.paused, said.paused);
        assert_eq!(switches.automatic_off, said.automatic_off);
        assert_eq!(switches.policy, said.policy);
    }
}

#[test]
fn a_record_that_does_not_hold_is_named_once_and_the_list_ends() {
    let mut both = Both::default();
    let fault = |seq: Seq| BrokenChain {
        stream: StreamId::Control,
        seq,
        kind: "resumed".to_owned(),
        problem: "is not signed".to_owned(),
    };
    for seq in 1..=60 {
        both.functions(both.in_force().names_forged(&fault(seq)));
        assert_eq!(both.in_force().names_forged(&fault(seq)), None);
    }
    assert_eq!(both.in_force().guard().forged.len(), MOST_FORGED);
    assert!(!both.in_force().guard().has_taken_back(&StreamId::Control, 60));
    both.functions(both.in_force().took_back(&fault(60)));
    assert!(both.in_force().guard().has_taken_back(&StreamId::Control, 60));
    assert_eq!(both.in_force().took_back(&fault(60)), None);
    both.operators(both.in_force().set_aside(SetAside {
        stream: StreamId::Control,
        seq: 60,
        reason: "a drill".to_owned(),
    }));
    assert_eq!(both.in_force().set_aside_of(&StreamId::Control), [60]);
    assert_eq!(both.in_force().set_aside_of(&StreamId::Guard), [0; 0]);
}
