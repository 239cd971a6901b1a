//! What a proposal waits for, and for too long.

use super::*;

#[test]
fn a_proposal_waits_for_somebody_and_not_for_ever() {
    let begun = Told::begin();
    let proposed = Told::begin().proposed();
    let gated = Told::begin().proposed().gated(2);
    let approved = Told::begin().proposed().gated(1).approved(15);
    let started = Told::begin().proposed().gated(1).approved(15).started();
    let succeeded = Told::begin()
        .proposed()
        .gated(1)
        .approved(15)
        .started()
        .succeeded();
    let mut lines = Vec::new();
    for (story, soon, late) in [
        (begun, 60, 248),
        (proposed, 181, 182),
        (gated, 1800, 1983),
        (approved, 900, 1081),
        (started, 200, 411),
        (succeeded, 410, 411),
    ] {
        let proposal = replayed(&story);
        let control = Control::default();
        let soon = waits_for(&proposal, &control, None, at(soon)).unwrap();
        assert_eq!(soon.overdue, None, "{}", proposal.state().name());
        let late = waits_for(&proposal, &control, None, at(late)).unwrap();
        lines.push(format!(
            "{}: {}; {}",
            proposal.state().name(),
            told(&soon.on),
            told(&late.overdue.unwrap())
        ));
    }
    expect![[r#"
        reasoning: ingest-and-propose, which has until 2026-11-22T10:01:07.000Z; nobody has reasoned about it for 3 min
        proposed: scoring; it has not been scored for 3 min
        awaiting_approval: people: 2 approvals until 2026-11-22T10:30:02.000Z; its deadline passed 3 min ago and nobody expired it
        approved: execution, which may start until 2026-11-22T10:15:00.000Z; its approval ran out 3 min ago and nobody expired it
        executing: execution, which has until 2026-11-22T10:01:27.000Z; its effect should have ended 91 s ago
        succeeded: the end of its effect at 2026-11-22T10:05:20.000Z; its effect should have ended 91 s ago"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_pause_moves_deadlines_and_excuses_work_but_no_restore() {
    let control = Control::of(
        1,
        Switches {
            paused: Some(Pause {
                since: at(10),
                reason: "upgrade".to_owned(),
            }),
            ..Switches::default()
        },
    );
    let overdue = |story: Told| {
        let waiting = waits_for(&replayed(&story), &control, Some(at(10)), at(5000)).unwrap();
        waiting.overdue.as_ref().map(told)
    };
    assert_eq!(overdue(Told::begin()), None);
    assert_eq!(overdue(Told::begin().proposed()), None);
    assert_eq!(overdue(Told::begin().proposed().gated(1)), None);
    let in_force = Told::begin()
        .proposed()
        .gated(1)
        .approved(5)
        .started()
        .succeeded();
    assert_eq!(
        overdue(in_force),
        Some("its effect should have ended 78 min ago".to_owned())
    );
}

#[test]
fn what_a_pause_holds_waits_for_its_end_and_then_has_a_while() {
    let control = Control::of(
        1,
        Switches {
            paused: Some(Pause {
                since: at(100),
                reason: "upgrade".to_owned(),
            }),
            ..Switches::default()
        },
    );
    let resumed = Control::of(2, control.resume(at(9000)).unwrap().switches().clone());
    let mut lines = Vec::new();
    for story in [Told::begin(), Told::begin().proposed()] {
        let proposal = replayed(&story);
        let waits =
            |control, switched, now| waits_for(&proposal, control, Some(at(switched)), at(now)).unwrap();
        let paused = waits(&control, 100, 5000);
        assert_eq!(paused.overdue, None);
        lines.push(told(&paused.on));
        assert_eq!(waits(&resumed, 9000, 9180).overdue, None);
        lines.extend(waits(&resumed, 9000, 9181).overdue.as_ref().map(told));
    }
    // No pause makes an approval good for longer: housekeeping expires it in the pause as well.
    let approved = replayed(&Told::begin().proposed().gated(1).approved(15));
    let waits = |now| waits_for(&approved, &control, Some(at(100)), at(now)).unwrap();
    assert_eq!(waits(500).overdue, None);
    lines.push(told(&waits(500).on));
    lines.extend(waits(5000).overdue.as_ref().map(told));
    expect![[r#"
        the end of the pause: then it is reasoned about
        nobody has reasoned about it for 3 min
        the end of the pause: then it is scored
        it has not been scored for 3 min
        the end of the pause: it may start until 2026-11-22T10:15:00.000Z, and is scored again after that
        its approval ran out 68 min ago and nobody expired it"#]]
    .assert_eq(&lines.join("\n"));
}
