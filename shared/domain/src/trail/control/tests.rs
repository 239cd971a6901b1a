use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
}

fn after(control: &Control, fact: ControlFact) -> Control {
    Control::of(control.seq + 1, fact.switches().clone())
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
