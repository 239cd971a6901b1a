//! What is recorded, what is told, and what happens where two people switch at once.

use domain::trail::Entry;
use expect_test::{Expect, expect};
use testkit::{FrozenClock, MemoryTrail, sample};

use super::*;

fn ada() -> Actor {
    Actor::Operator {
        id: "123456789012:assumed-role/Sre/ada".parse().unwrap(),
        name: "ada".to_owned(),
        channel: "cli".to_owned(),
    }
}

struct Desk {
    trail: MemoryTrail,
    clock: FrozenClock,
    lines: Vec<String>,
}

impl Desk {
    fn new() -> Self {
        Self {
            trail: MemoryTrail::new(),
            clock: FrozenClock::default(),
            lines: Vec::new(),
        }
    }

    async fn says(&mut self, seconds: u64, switch: Switch) {
        self.clock.set(sample::now().plus_seconds(seconds));
        let outcome = flip(&self.trail, &self.clock, &ada(), &switch).await.unwrap();
        self.lines.extend(told(&switch, &outcome, self.clock.now()));
    }

    fn told(&self, expected: Expect) {
        expected.assert_eq(&self.lines.join("\n"));
    }
}

fn pauses(reason: &str) -> Switch {
    Switch::Pause(reason.to_owned())
}

#[tokio::test]
async fn a_pause_and_its_end_are_recorded_with_who_and_why() {
    let mut desk = Desk::new();
    desk.says(0, pauses("gateway upgrade\u{1b}[2J")).await;
    desk.says(7_200, Switch::Resume(Some("it is done".to_owned())))
        .await;
    desk.told(expect![[r#"
        paused at 2026-11-22T10:00:00.000Z, by ada (123456789012:assumed-role/Sre/ada) in cli
          incidents are recorded, and nobody reasons about them: no model is asked
          nothing new is scored or started: housekeeping switches those queues off within a minute
          approvals are refused, rejections are taken, and deadlines move by the time paused
          restores, undos and verifications go on
          nothing is lost, however long it takes: sre-agent resume
        resumed after 2 h of a pause (gateway upgrade\u{1b}[2J) at 2026-11-22T12:00:00.000Z, by ada (123456789012:assumed-role/Sre/ada) in cli
          within a minute housekeeping switches the queues on and begins to take up what was recorded
          deadlines of what waits for people, and approvals not yet used, moved by the time paused"#]]);
    let records = desk.trail.records(&StreamId::Control);
    let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["paused", "resumed"]);
    assert!(records.iter().all(|record| record.actor == ada()));
    let control = Control::read(records.last()).unwrap();
    assert_eq!(control.switches.resumed_because.as_deref(), Some("it is done"));
    assert_eq!(control.paused_ms(desk.clock.now()), 7_200_000);
}

#[tokio::test]
async fn what_is_so_already_is_told_with_since_when_and_changes_nothing() {
    let mut desk = Desk::new();
    desk.says(0, Switch::Resume(None)).await;
    desk.says(0, Switch::AutomaticOn(None)).await;
    assert!(desk.trail.records(&StreamId::Control).is_empty());
    desk.says(10, pauses("gateway upgrade")).await;
    desk.says(20, Switch::AutomaticOff("a bad week".to_owned())).await;
    let records = desk.trail.records(&StreamId::Control).len();
    desk.lines.clear();
    desk.says(7_210, pauses("again")).await;
    desk.says(7_210, Switch::AutomaticOff("again".to_owned())).await;
    assert_eq!(desk.trail.records(&StreamId::Control).len(), records);
    desk.says(7_210, Switch::Resume(None)).await;
    desk.says(7_210, Switch::AutomaticOn(Some("a good week".to_owned())))
        .await;
    desk.says(7_300, Switch::Resume(None)).await;
    desk.says(7_300, Switch::AutomaticOn(None)).await;
    desk.told(expect![[r#"
        paused already since 2026-11-22T10:00:10.000Z (2 h), by ada (123456789012:assumed-role/Sre/ada) in cli: gateway upgrade
          nothing was changed
        automatic execution is off already since 2026-11-22T10:00:20.000Z (119 min), by ada (123456789012:assumed-role/Sre/ada) in cli: a bad week
          nothing was changed
        resumed after 2 h of a pause (gateway upgrade) at 2026-11-22T12:00:10.000Z, by ada (123456789012:assumed-role/Sre/ada) in cli
          within a minute housekeeping switches the queues on and begins to take up what was recorded
          deadlines of what waits for people, and approvals not yet used, moved by the time paused
        automatic execution allowed again at 2026-11-22T12:00:10.000Z, by ada (123456789012:assumed-role/Sre/ada) in cli
          the policy decides what asks a person: SreAutoApprove and SreRiskThreshold
        not paused since 2026-11-22T12:00:10.000Z (90 s), by ada (123456789012:assumed-role/Sre/ada) in cli
          nothing was changed
        automatic execution is not switched off since 2026-11-22T12:00:10.000Z (90 s), by ada (123456789012:assumed-role/Sre/ada) in cli: a good week
          nothing was changed"#]]);
}

#[tokio::test]
async fn a_switch_goes_after_what_somebody_else_switched_at_the_same_time() {
    let mut desk = Desk::new();
    desk.trail.before_next_append(|trail| {
        let fact = Control::default().automatic_off("a rival").unwrap();
        let entry = Entry::next(StreamId::Control, None, sample::now(), Actor::System, &fact, None);
        trail.insert(entry).unwrap();
    });
    desk.says(0, pauses("gateway upgrade")).await;
    let control = Control::read(desk.trail.records(&StreamId::Control).last()).unwrap();
    assert_eq!(control.seq, 2);
    assert_eq!(control.switches.automatic_off.as_deref(), Some("a rival"));
    assert!(control.switches.paused.is_some());
}

#[tokio::test]
async fn a_rival_that_pauses_first_has_paused() {
    let mut desk = Desk::new();
    desk.trail.before_next_append(|trail| {
        let fact = Control::default().pause("a rival", sample::now()).unwrap();
        let entry = Entry::next(StreamId::Control, None, sample::now(), Actor::System, &fact, None);
        trail.insert(entry).unwrap();
    });
    desk.says(1, pauses("gateway upgrade")).await;
    assert_eq!(desk.trail.records(&StreamId::Control).len(), 1);
    desk.told(expect![[r#"
        paused already since 2026-11-22T10:00:00.000Z (1 s), by the system: a rival
          nothing was changed"#]]);
}

#[tokio::test]
async fn a_lost_reply_is_told_as_what_it_is() {
    let desk = Desk::new();
    desk.trail.outages.next_replies(1);
    let problem = flip(&desk.trail, &desk.clock, &ada(), &pauses("x"))
        .await
        .unwrap_err();
    assert!(
        problem
            .to_string()
            .contains("is not known: sre-agent status tells"),
        "{problem}"
    );
    desk.trail.outages.next(1);
    let problem = flip(&desk.trail, &desk.clock, &ada(), &pauses("x"))
        .await
        .unwrap_err();
    assert!(problem.to_string().contains("nothing was changed"), "{problem}");
}

#[tokio::test]
async fn a_resume_against_the_template_says_so() {
    let mut desk = Desk::new();
    let fact = Control::default().follow_template(false, sample::now()).unwrap();
    let entry = Entry::next(StreamId::Guard, None, sample::now(), Actor::System, &fact, None);
    desk.trail.insert(entry).unwrap();
    desk.says(5, pauses("x")).await;
    desk.says(60, Switch::Resume(None)).await;
    desk.told(expect![[r#"
        paused already: the template's AgentEnabled is false
          nothing was changed
        resumed after 60 s of a pause (the template's AgentEnabled is false) at 2026-11-22T10:01:00.000Z, by ada (123456789012:assumed-role/Sre/ada) in cli
          within a minute housekeeping switches the queues on and begins to take up what was recorded
          deadlines of what waits for people, and approvals not yet used, moved by the time paused
          the template's AgentEnabled is still false: it is followed again when it changes"#]]);
}

#[test]
fn a_reason_is_short_and_not_empty() {
    assert_eq!(reason("  a release "), Ok("a release".to_owned()));
    assert!(reason(" \n").is_err());
    assert!(reason(&"ä".repeat(500)).is_ok());
    assert!(reason(&"ä".repeat(501)).is_err());
}
