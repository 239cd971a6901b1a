//! Whatever the weights: what is worse never lowers.

use super::*;

fn arb_policy() -> impl Strategy<Value = Policy> {
    let points = || (0u8..=100).prop_map(Points::new);
    (
        proptest::collection::vec(points(), 16),
        proptest::collection::vec(points(), 3),
        0u64..=999_999,
        any::<bool>(),
    )
        .prop_map(|(raises, lowers, from, tiers)| {
            let mut policy = Policy::default();
            let into = &mut policy.raises;
            let places = [
                &mut into.night,
                &mut into.weekend,
                &mut into.change_freeze,
                &mut into.each_team,
                &mut into.most_teams,
                &mut into.traffic,
                &mut into.critical_team,
                &mut into.largest_change,
                &mut into.each_repeat,
                &mut into.most_repeats,
                &mut into.reverted,
                &mut into.each_incident,
                &mut into.most_incidents,
                &mut into.no_alternative,
                &mut into.unconfirmed,
                &mut into.stale,
            ];
            for (place, points) in places.into_iter().zip(raises) {
                *place = points;
            }
            into.most_teams = into.most_teams.max(into.each_team);
            into.most_repeats = into.most_repeats.max(into.each_repeat);
            into.most_incidents = into.most_incidents.max(into.each_incident);
            into.traffic_from_ppm = Ranged::new(from);
            policy.lowers.proven = lowers[0];
            policy.lowers.smallest_change = lowers[1];
            policy.lowers.staffed = lowers[2];
            if tiers {
                policy.team_tier = vec![TeamTier {
                    name: "gold".to_owned(),
                    points: lowers[0],
                    teams: vec![id("team-3")],
                }];
            }
            policy
        })
}

fn arb_action() -> impl Strategy<Value = Action> {
    (0usize..7, 30u64..=300, 1u64..=50).prop_map(|(which, seconds, percent)| match which {
        0 => breaks(seconds),
        2 => action(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": percent})),
        which => one_of_each()[which].clone(),
    })
}

fn score_of(action: &Action, evidence: &Evidence, policy: &Policy) -> u8 {
    let proposed = proposed_with(action.clone(), evidence.clone());
    let risk = assess(&proposed, policy, quiet_weekday());
    sums(&proposed, &risk);
    assert!((action.kind().floor()..=100).contains(&risk.score));
    risk.score
}

proptest! {
    #[test]
    fn more_of_what_raises_never_lowers(
        action in arb_action(),
        evidence in arb_evidence(),
        policy in arb_policy(),
        more in 0u64..100,
        incident in 0u64..3600,
    ) {
        let score = score_of(&action, &evidence, &policy);
        let with = |change: &dyn Fn(&mut Evidence)| {
            let mut changed = evidence.clone();
            change(&mut changed);
            score_of(&action, &changed, &policy)
        };
        // More teams: whoever is new may be of any tier, and the first twenty are named.
        let teams = with(&|evidence| {
            evidence.teams_affected += more;
            let named = evidence.teams.len() as u64;
            let room = 20u64.saturating_sub(named).min(more);
            evidence.teams.extend((0..room).map(|number| id(&format!("more-{number}"))));
        });
        let critical = with(&|evidence| evidence.critical_team = true);
        let traffic = with(&|evidence| {
            evidence.traffic_share = Ppm((evidence.traffic_share.0 + 100_000).min(1_000_000));
        });
        let cascade = with(&|evidence| {
            if let Some(history) = &mut evidence.history {
                history.incidents.push(quiet_weekday().minus_seconds(incident));
            }
        });
        let alone = with(&|evidence| evidence.alternatives = evidence.alternatives.map(|_| 0));
        for raised in [teams, critical, traffic, cascade, alone] {
            prop_assert!(raised >= score);
        }
    }

    #[test]
    fn less_evidence_never_lowers(action in arb_action(), evidence in arb_evidence(), policy in arb_policy()) {
        let score = score_of(&action, &evidence, &policy);
        let without: [&dyn Fn(&mut Evidence); 5] = [
            &|evidence| evidence.history = None,
            &|evidence| evidence.read_at = None,
            &|evidence| evidence.condition = Condition::Unreadable("no answer".to_owned()),
            &|evidence| evidence.read_at = evidence.read_at.map(|at| at.minus_seconds(600)),
            &|evidence| *evidence = Evidence::unreadable("no answer"),
        ];
        for less in without {
            let mut changed = evidence.clone();
            less(&mut changed);
            let lessened = score_of(&action, &changed, &policy);
            prop_assert!(lessened >= score, "{:?}", changed);
        }
    }

    #[test]
    fn a_larger_change_never_lowers(
        smaller in 30u64..=300, larger in 30u64..=300,
        evidence in arb_evidence(), policy in arb_policy(),
    ) {
        let (smaller, larger) = (smaller.min(larger), smaller.max(larger));
        prop_assert!(score_of(&breaks(larger), &evidence, &policy) >= score_of(&breaks(smaller), &evidence, &policy));
        let raises = |seconds: u64| {
            let percent = 1 + (seconds - 30) * 49 / 270;
            action(json!({"action": "raise_rate_limit", "team": "payments", "tpm_percent": percent}))
        };
        prop_assert!(score_of(&raises(larger), &evidence, &policy) >= score_of(&raises(smaller), &evidence, &policy));
    }
}

// ---------------------------------------------------------------- where a score leads
