//! Where a score leads.

use super::*;

fn automatic() -> Deployment {
    Deployment {
        auto_approve: true,
        tier: Tier::Business,
        ..Deployment::default()
    }
}

fn scores(
    action: Action,
    evidence: Evidence,
    in_force: &InForce,
    deployment: &Deployment,
    control: &Control,
) -> Scored {
    let event: Event = unhealthy();
    let id = ProposalId::new(event.fingerprint(), 1);
    let proposed = proposed_with(action, evidence);
    let subject = Subject {
        id: &id,
        event: &event,
        proposed: &proposed,
        touched: false,
    };
    score(&subject, in_force, deployment, control, quiet_weekday())
}

fn leads(in_force: &InForce, deployment: &Deployment, control: &Control) -> (Decision, String) {
    let scored = scores(breaks(45), quiet_evidence(), in_force, deployment, control);
    (scored.decision, scored.because)
}

#[test]
fn at_or_below_the_threshold_it_runs_by_itself_only_where_that_is_on() {
    let (on, control) = (automatic(), Control::default());
    assert_eq!(leads(&in_force(), &on, &control).0, Decision::Auto);
    assert_eq!(
        leads(&in_force(), &Deployment::default(), &control).0,
        Decision::Gate
    );
    let exactly = Deployment {
        risk_threshold: 15,
        ..automatic()
    };
    assert_eq!(leads(&in_force(), &exactly, &control).0, Decision::Auto);
    let below = Deployment {
        risk_threshold: 14,
        ..automatic()
    };
    assert_eq!(leads(&in_force(), &below, &control).0, Decision::Gate);
}

#[test]
fn from_the_quorums_score_on_nothing_runs_by_itself_whatever_the_threshold() {
    let deployment = Deployment {
        risk_threshold: 100,
        ..automatic()
    };
    let control = Control::default();
    let mut from = in_force();
    for (quorum, decision) in [(15, Decision::Gate), (16, Decision::Auto)] {
        from.policy.quorum.from = Ranged::new(quorum);
        assert_eq!(leads(&from, &deployment, &control).0, decision, "{quorum}");
    }
    from.policy.quorum.from = Ranged::new(15);
    assert_eq!(
        leads(&from, &deployment, &control).1,
        "the quorum begins at a score of 15: from there on people decide, whatever the threshold"
    );
    for people in [1, 2, 10] {
        from.policy.quorum.people = Ranged::new(people);
        assert_eq!(leads(&from, &deployment, &control).0, Decision::Gate, "{people}");
    }
}

#[test]
fn every_doubt_leads_to_a_person() {
    let (on, control) = (automatic(), Control::default());
    let mut off = Control::default();
    off.switches.automatic_off = Some("three failures".to_owned());
    assert_eq!(
        leads(&in_force(), &on, &off),
        (
            Decision::Gate,
            "automatic execution was switched off: three failures".to_owned()
        )
    );
    let instead = InForce {
        instead_because: Some("it is not there".to_owned()),
        ..in_force()
    };
    assert_eq!(
        leads(&instead, &on, &control),
        (Decision::Gate, "it is not there".to_owned())
    );
    let mut evidence = quiet_evidence();
    evidence.condition = Condition::Unreadable("no answer".to_owned());
    let unconfirmed = scores(breaks(45), evidence, &in_force(), &on, &control);
    assert_eq!(unconfirmed.decision, Decision::Gate);
    assert_eq!(unconfirmed.because, "the gateway could not confirm the event");
    let mut frozen = in_force();
    frozen.policy.raises.change_freeze = Points::new(0);
    frozen.policy.freeze = vec![Freeze {
        name: "release".to_owned(),
        from: LocalTime::try_from("2026-11-25T00:00".to_owned()).unwrap(),
        to: LocalTime::try_from("2026-11-26T00:00".to_owned()).unwrap(),
    }];
    assert_eq!(
        leads(&frozen, &on, &control),
        (Decision::Gate, "the rules of the test say no".to_owned())
    );
}

#[test]
fn an_automatic_approval_ends_where_a_freeze_begins() {
    let mut freezing = in_force();
    freezing.policy.freeze = vec![Freeze {
        name: "release".to_owned(),
        from: LocalTime::try_from("2026-11-25T10:05".to_owned()).unwrap(),
        to: LocalTime::try_from("2026-11-26T00:00".to_owned()).unwrap(),
    }];
    let scored = scores(
        breaks(45),
        quiet_evidence(),
        &freezing,
        &automatic(),
        &Control::default(),
    );
    assert_eq!(scored.decision, Decision::Auto);
    assert_eq!(scored.valid_until, Some(quiet_weekday().plus_seconds(300)));
}

#[test]
fn what_the_policy_only_watches_is_closed() {
    let mut watching = in_force();
    watching.policy.shadow = ActionKind::ALL.into_iter().collect();
    for action in one_of_each() {
        let scored = scores(
            action,
            quiet_evidence(),
            &watching,
            &automatic(),
            &Control::default(),
        );
        assert_eq!(scored.decision, Decision::Shadow);
        assert_eq!((scored.deadline, scored.valid_until), (None, None));
    }
}

#[test]
fn a_share_of_what_would_run_by_itself_is_asked_about() {
    let mut half = in_force();
    half.policy.automatic.human_share_ppm = Ranged::new(500_000);
    let sampled = (1..=1000)
        .filter(|generation| {
            is_sampled(
                &ProposalId::new(unhealthy().fingerprint(), *generation),
                Ppm(500_000),
            )
        })
        .count();
    assert!((400..600).contains(&sampled), "{sampled}");
    let id = ProposalId::new(unhealthy().fingerprint(), 1);
    assert!(!is_sampled(&id, Ppm(0)));
    assert!(is_sampled(&id, Ppm::ONE));
    let mut all = in_force();
    all.policy.automatic.human_share_ppm = Ranged::new(1_000_000);
    let scored = scores(
        breaks(45),
        quiet_evidence(),
        &all,
        &automatic(),
        &Control::default(),
    );
    assert_eq!((scored.decision, scored.sampled), (Decision::Gate, true));
}

proptest! {
    #[test]
    fn what_runs_by_itself_is_below_the_threshold_and_below_the_quorum(
        which in 0usize..7,
        evidence in arb_evidence(),
        threshold in prop_oneof![Just(100u8), 0u8..=100],
        quorum in 0u64..=101,
        people in 1u64..=10,
    ) {
        let mut from = in_force();
        from.policy.quorum.from = Ranged::new(quorum);
        from.policy.quorum.people = Ranged::new(people);
        let deployment = Deployment { risk_threshold: threshold, ..automatic() };
        let action = one_of_each()[which].clone();
        let confirmed = Evidence { condition: Condition::Confirmed("it fails".to_owned()), ..evidence };
        let scored = scores(action, confirmed, &from, &deployment, &Control::default());
        let below = scored.score <= threshold && u64::from(scored.score) < quorum;
        prop_assert_eq!(scored.decision == Decision::Auto, below, "{}", scored.because);
    }
}
