//! A score that says otherwise because something was left out.

use domain::permission::InForce;
use domain::policy::{Freeze, LocalTime};
use domain::proposal::Decision;
use domain::value::Deployment;
use serde_json::json;
use tests::World;

use super::{a_break, inserted, score};

/// What a forger takes to be in force instead.
type Lie = fn(&mut InForce, &mut Deployment);

/// A break that a person must approve, and a score that says otherwise because something was left out.
struct Left {
    out: &'static str,
    truth: fn(&mut World),
    lie: Lie,
    told: &'static str,
}

#[tokio::test]
async fn what_is_left_out_of_a_score_is_computed_again() {
    let table = [
        Left {
            out: "a factor",
            truth: |world| {
                let weights = domain::policy::Policy::default();
                world.policies.change(|in_force| in_force.policy = weights);
            },
            lie: |in_force, _| in_force.policy = testkit::flat(),
            told: "factor critical_team: recorded nothing, computed again +10",
        },
        Left {
            out: "the threshold",
            truth: |world| world.deployment.risk_threshold = 10,
            lie: |_, deployment| deployment.risk_threshold = 40,
            told: "threshold: recorded 40, computed again 10",
        },
        Left {
            out: "the switch of the template",
            truth: |world| world.deployment.auto_approve = false,
            lie: |_, deployment| deployment.auto_approve = true,
            told: "auto_approve: recorded true, computed again false",
        },
        Left {
            out: "the shadow",
            truth: |world| {
                let kinds = domain::action::ActionKind::ALL.into();
                world.policies.change(|in_force| in_force.policy.shadow = kinds);
            },
            lie: |in_force, _| in_force.policy.shadow.clear(),
            told: "decision: recorded auto, computed again shadow",
        },
        Left {
            out: "the freeze",
            truth: |world| {
                world.policies.change(|in_force| {
                    let time = |text: &str| LocalTime::try_from(text.to_owned()).unwrap();
                    in_force.policy.freeze = vec![Freeze {
                        name: "release".to_owned(),
                        from: time("2026-11-22T09:00"),
                        to: time("2026-11-23T00:00"),
                    }];
                });
            },
            lie: |in_force, _| in_force.policy.freeze.clear(),
            told: "because: recorded the score of 15 is not above the threshold of 40",
        },
        Left {
            out: "the rules",
            truth: |world| {
                let rules = std::sync::Arc::new(Nothing);
                world.policies.change(|in_force| in_force.rules = rules);
            },
            lie: |in_force, _| in_force.rules = testkit::rules(),
            told: "decision: recorded auto, computed again gate",
        },
        Left {
            out: "the quorum",
            truth: |world| {
                world.policies.change(|in_force| {
                    let mut policy = serde_json::to_value(&in_force.policy).unwrap();
                    policy["quorum"] = json!({"from": 10, "people": 2});
                    in_force.policy = serde_json::from_value(policy).unwrap();
                });
            },
            lie: |in_force, _| in_force.policy = testkit::flat(),
            told: "approvals_needed: recorded 1, computed again 2",
        },
    ];
    for Left {
        out,
        truth,
        lie,
        told,
    } in table
    {
        let (mut world, id) = a_break(true).await;
        truth(&mut world);
        let (mut in_force, mut deployment) = (world.policies.get(), world.deployment.clone());
        lie(&mut in_force, &mut deployment);
        let forged = score(&world, &id, &in_force, &deployment).await;
        assert_eq!(forged.decision, Decision::Auto, "{out}: {}", forged.because);
        assert_eq!(forged.policy, world.policies.get().digest);
        let why = inserted(&world, &id, forged).await;
        let why = why.unwrap_or_else(|| panic!("{out} is left out, and it started"));
        assert!(why.starts_with("refused: "), "{out}: {why}");
        assert!(why.contains(told), "{out}: {why}");
    }
}

/// Rules that allow nothing.
struct Nothing;

impl domain::permission::Rules for Nothing {
    fn ask(
        &self,
        _: domain::permission::Verb,
        _: &domain::permission::Principal<'_>,
        _: &domain::permission::Resource<'_>,
        _: &domain::permission::Circumstances,
    ) -> domain::permission::Verdict {
        domain::permission::Verdict {
            allowed: false,
            rules: Vec::new(),
            because: None,
        }
    }
}
