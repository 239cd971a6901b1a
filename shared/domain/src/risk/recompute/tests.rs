use super::*;
use crate::proposal::{Factor, ProposalFact};
use crate::samples::*;
use crate::trail::{Actor, Switches};

/// Under which every score may run by itself.
fn in_force() -> InForce {
    let mut in_force = crate::samples::in_force();
    in_force.policy.quorum.from = crate::policy::Ranged::new(101);
    in_force
}

fn automatic_deployment() -> Deployment {
    Deployment {
        auto_approve: true,
        risk_threshold: 100,
        ..Deployment::default()
    }
}

/// A break that was scored at second 10 as it is, but for what `forge` changes.
fn scored(forge: impl FnOnce(&mut Scored)) -> Story {
    let story = Story::of(&unhealthy(), None).then(5, Actor::Agent, &proposes(breaks(60)));
    let subject = Subject::of(story.proposal()).unwrap();
    let mut scored = score(
        &subject,
        &in_force(),
        &automatic_deployment(),
        &Control::default(),
        at(10),
    );
    assert_eq!(scored.decision, Decision::Auto);
    forge(&mut scored);
    story.then(10, Actor::Agent, &ProposalFact::Scored(scored))
}

/// What differs at a second, by name.
fn differs(story: &Story, control: &Control, second: u64) -> Vec<String> {
    let differences = automatic(
        story.proposal(),
        &in_force(),
        &automatic_deployment(),
        control,
        at(second),
    );
    differences
        .into_iter()
        .map(|difference| difference.name)
        .collect()
}

/// `control` after a pause between two seconds.
fn paused(from: u64, to: u64) -> Control {
    let switches = Switches {
        paused_total_ms: (to - from) * 1000,
        ..Switches::default()
    };
    Control::of(2, switches)
}

#[test]
fn a_score_is_what_it_was_whenever_it_is_computed_again() {
    let story = scored(|_| {});
    for second in [10, 11, 300, 900] {
        assert_eq!(differs(&story, &Control::default(), second), Vec::<String>::new());
    }
}

#[test]
fn a_pause_since_then_is_no_difference_and_a_longer_one_is() {
    let later = paused(20, 80);
    assert_eq!(differs(&scored(|_| {}), &later, 100), Vec::<String>::new());
    let forged = scored(|scored| scored.paused_before_ms = 60_001);
    assert_eq!(differs(&forged, &later, 100), ["paused_before_ms"]);
    let before = paused(1, 4);
    assert_eq!(differs(&scored(|_| {}), &before, 11), ["paused_before_ms"]);
}

#[test]
fn factors_in_another_order_are_told() {
    let factor = |name: &str, points| Factor {
        name: name.to_owned(),
        points,
        because: "of the test".to_owned(),
    };
    let (one, other) = (factor("a", 1), factor("b", -1));
    let with = |factors: Vec<Factor>| Scored {
        factors,
        ..crate::samples::scored(15, Decision::Gate, 1)
    };
    let names = |differences: Vec<Difference>| -> Vec<String> {
        differences
            .into_iter()
            .map(|difference| difference.name)
            .collect()
    };
    let (as_is, turned) = (
        with(vec![one.clone(), other.clone()]),
        with(vec![other, one.clone()]),
    );
    assert_eq!(names(compare(&as_is, &as_is)), Vec::<String>::new());
    assert_eq!(names(compare(&turned, &as_is)), ["factors"]);
    assert_eq!(names(compare(&with(vec![one]), &as_is)), ["factor b"]);
}

#[test]
fn what_was_never_scored_does_not_stand() {
    let story = Story::of(&unhealthy(), None).then(5, Actor::Agent, &proposes(breaks(60)));
    assert_eq!(differs(&story, &Control::default(), 10), ["scored"]);
    let shown: Vec<String> = shown(story.proposal(), &in_force())
        .into_iter()
        .map(|difference| difference.name)
        .collect();
    assert_eq!(shown, ["scored"]);
}
