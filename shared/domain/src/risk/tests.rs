mod properties;

mod gate;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::action::Action;
use crate::incident::Event;
use crate::policy::{DayTime, Freeze, LocalTime, Points, Ranged, TeamTier, Week, Weekday};
use crate::proposal::{Came, Evidence, History, Past, ProposalFact, Report};
use crate::samples::*;
use crate::value::Tier;

/// Wednesday, 10:00 in UTC.
fn quiet_weekday() -> Timestamp {
    "2026-11-25T10:00:00Z".parse().unwrap()
}

/// A gateway that one small team uses, which is not critical.
fn quiet_evidence() -> Evidence {
    Evidence {
        measured: None,
        left_out: Vec::new(),
        condition: Condition::Confirmed("it fails".to_owned()),
        read_at: Some(quiet_weekday()),
        affected_unknown: false,
        teams_affected: 1,
        teams: vec![id("search")],
        critical_team: false,
        traffic_share: Ppm(100_000),
        alternatives: Some(1),
        history: Some(History::default()),
        report: Report::default(),
    }
}

/// One of each action, none of them of the smallest or of a large size.
fn one_of_each() -> [Action; 7] {
    [
        breaks(45),
        reroutes(),
        action(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 5})),
        pages(),
        action(json!({"action": "disable_guardrail", "guardrail": "pii"})),
        action(
            json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "105.00"}),
        ),
        action(json!({"action": "disable_sla_contract", "sla_id": "gold"})),
    ]
}

fn proposed_with(action: Action, evidence: Evidence) -> Proposed {
    let ProposalFact::Proposed(proposed) = proposes(action) else {
        panic!("not a proposal")
    };
    Proposed {
        evidence,
        ..*proposed
    }
}

/// The points of a factor, 0 where it does not fire.
fn points(name: &str, proposed: &Proposed, policy: &Policy, now: Timestamp) -> i32 {
    let risk = assess(proposed, policy, now);
    sums(proposed, &risk);
    let found = risk.factors.iter().find(|factor| factor.name == name);
    found.map_or(0, |factor| factor.points)
}

/// Baseline and factors are the score, and every factor says why.
fn sums(proposed: &Proposed, risk: &Risk) {
    let baseline = i32::from(proposed.action.kind().baseline());
    let sum = risk
        .factors
        .iter()
        .fold(baseline, |sum, factor| sum + factor.points);
    assert_eq!(sum, i32::from(risk.score), "{:?}", risk.factors);
    for factor in &risk.factors {
        assert!(factor.points != 0 && !factor.because.is_empty(), "{factor:?}");
    }
}

/// A factor that `evidence` moves by so many points on a break of 45 s, and that the quiet weekday leaves.
fn moved(name: &str, by: i32, change: impl FnOnce(&mut Evidence)) {
    let policy = Policy::default();
    let quiet = proposed_with(breaks(45), quiet_evidence());
    assert_eq!(
        points(name, &quiet, &policy, quiet_weekday()),
        0,
        "{name} is left alone"
    );
    let mut evidence = quiet_evidence();
    change(&mut evidence);
    let changed = proposed_with(breaks(45), evidence);
    assert_eq!(points(name, &changed, &policy, quiet_weekday()), by, "{name}");
}

/// A factor that another policy or time moves by so many points on the quiet evidence, and that the default leaves.
fn moved_by(name: &str, by: i32, at: &str, change: impl FnOnce(&mut Policy)) {
    let quiet = proposed_with(breaks(45), quiet_evidence());
    let mut policy = Policy::default();
    assert_eq!(
        points(name, &quiet, &policy, quiet_weekday()),
        0,
        "{name} is left alone"
    );
    change(&mut policy);
    let now: Timestamp = at.parse().unwrap();
    let mut fresh = quiet;
    fresh.evidence.read_at = Some(now);
    assert_eq!(points(name, &fresh, &policy, now), by, "{name} at {at}");
}

fn past(action: ActionKind, came: Came, seconds_ago: u64, helped: Option<bool>) -> Past {
    Past {
        proposal: ProposalId::new(unhealthy().fingerprint(), 1),
        action,
        came,
        since: quiet_weekday().minus_seconds(seconds_ago),
        helped,
    }
}

fn before(actions: Vec<Past>) -> impl FnOnce(&mut Evidence) {
    move |evidence| {
        evidence.history = Some(History {
            actions,
            incidents: Vec::new(),
        });
    }
}

const BREAK: ActionKind = ActionKind::CircuitBreakProvider;

#[test]
fn a_quiet_weekday_is_the_seven_baselines() {
    for action in one_of_each() {
        let kind = action.kind();
        let risk = assess(
            &proposed_with(action, quiet_evidence()),
            &Policy::default(),
            quiet_weekday(),
        );
        assert_eq!(risk.factors, [], "{kind}");
        assert_eq!(risk.score, kind.baseline());
    }
    let baselines = ActionKind::ALL.map(ActionKind::baseline);
    assert_eq!(baselines, [15, 25, 30, 35, 60, 75, 85]);
}

#[test]
fn every_factor_has_a_test_that_moves_it() {
    let source = include_str!("tests.rs");
    for rule in &FACTORS {
        let tested = source.contains(&format!("moved(\"{}\"", rule.name))
            || source.contains(&format!("moved_by(\"{}\"", rule.name))
            || source.contains(&format!("points(\"{}\"", rule.name));
        assert!(tested, "{}", rule.name);
        assert!(!rule.looks_at.is_empty());
    }
}

#[test]
fn night_and_weekend_are_those_of_the_company() {
    moved_by("night", 10, "2026-11-25T23:00:00Z", |_| {});
    moved_by("weekend", 5, "2026-11-28T10:00:00Z", |_| {});
    let tokyo = |policy: &mut Policy| policy.time_zone = "Asia/Tokyo".to_owned().try_into().unwrap();
    moved_by("night", 10, "2026-11-25T14:00:00Z", tokyo);
    moved_by("weekend", 5, "2026-11-27T16:00:00Z", tokyo);
}

#[test]
fn a_change_freeze_weighs_while_it_lasts() {
    let time = |text: &str| LocalTime::try_from(text.to_owned()).unwrap();
    let year_end = |policy: &mut Policy| {
        policy.freeze = vec![Freeze {
            name: "year end".to_owned(),
            from: time("2026-12-19T00:00"),
            to: time("2027-01-04T00:00"),
        }];
    };
    moved_by("change_freeze", 40, "2026-12-21T10:00:00Z", year_end);
    moved_by("change_freeze", 0, "2027-01-04T10:00:00Z", year_end);
}

#[test]
fn teams_and_their_traffic_weigh_up_to_a_limit() {
    moved("teams", 2, |evidence| evidence.teams_affected = 2);
    moved("teams", 20, |evidence| evidence.teams_affected = 5_000);
    moved("traffic", 15, |evidence| evidence.traffic_share = Ppm(1_000_000));
    moved("traffic", 5, |evidence| evidence.traffic_share = Ppm(510_000));
    moved("traffic", 0, |evidence| evidence.traffic_share = Ppm(250_000));
    moved("critical_team", 10, |evidence| evidence.critical_team = true);
}

#[test]
fn the_highest_tier_among_the_teams_counts() {
    let tiers = |policy: &mut Policy| {
        let tier = |name: &str, points: u8, team: &str| TeamTier {
            name: name.to_owned(),
            points: Points::new(points),
            teams: vec![id(team)],
        };
        policy.team_tier = vec![tier("silver", 5, "search"), tier("gold", 12, "payments")];
    };
    let at = "2026-11-25T10:00:00Z";
    moved_by("team_tier", 5, at, tiers);
    let mut policy = Policy::default();
    tiers(&mut policy);
    let mut evidence = quiet_evidence();
    evidence.teams.push(id("payments"));
    evidence.teams_affected = 2;
    let both = proposed_with(breaks(45), evidence.clone());
    assert_eq!(points("team_tier", &both, &policy, quiet_weekday()), 12);
    evidence.teams = vec![id("archive")];
    evidence.teams_affected = 1;
    let neither = proposed_with(breaks(45), evidence.clone());
    assert_eq!(points("team_tier", &neither, &policy, quiet_weekday()), 0);
    // Records name twenty teams: the others may be anybody.
    evidence.teams_affected = 21;
    let some = proposed_with(breaks(45), evidence);
    assert_eq!(points("team_tier", &some, &policy, quiet_weekday()), 12);
}

#[test]
fn a_large_change_weighs_more_than_a_small_one() {
    let policy = Policy::default();
    let of = |action: Action| {
        let proposed = proposed_with(action, quiet_evidence());
        points("magnitude", &proposed, &policy, quiet_weekday())
    };
    assert_eq!(of(breaks(30)), -5);
    assert_eq!(of(breaks(45)), 0);
    assert_eq!(of(breaks(165)), 5);
    assert_eq!(of(breaks(300)), 10);
    let raises = |percent: u64| {
        action(
            json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 1, "tpm_percent": percent}),
        )
    };
    assert_eq!([1, 5, 50].map(|percent| of(raises(percent))), [-5, 0, 10]);
    let bumps = |cap: &str| {
        action(json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": cap}))
    };
    assert_eq!(
        ["105.00", "150.00", "900.00"].map(|cap| of(bumps(cap))),
        [0, 5, 10]
    );
    assert_eq!(of(pages()), 0);
}

#[test]
fn what_was_done_on_the_target_before_weighs_within_its_window() {
    let other = ActionKind::RerouteModelGroup;
    moved("repeat", 10, before(vec![past(other, Came::Ended, 3600, None)]));
    moved("repeat", 0, before(vec![past(other, Came::Ended, 3601, None)]));
    moved("repeat", 30, before(vec![past(BREAK, Came::Ended, 60, None); 9]));
    moved(
        "reverted",
        20,
        before(vec![past(BREAK, Came::Undone, 86_400, None)]),
    );
    moved("reverted", 20, before(vec![past(BREAK, Came::Failed, 60, None)]));
    moved(
        "reverted",
        0,
        before(vec![past(BREAK, Came::Failed, 86_401, None)]),
    );
    moved("reverted", 0, before(vec![past(other, Came::Failed, 60, None)]));
    moved(
        "reverted",
        0,
        before(vec![past(BREAK, Came::Ended, 60, Some(false))]),
    );
}

#[test]
fn other_incidents_weigh_within_their_window() {
    let incidents = |number: u64, seconds_ago: u64| {
        move |evidence: &mut Evidence| {
            evidence.history = Some(History {
                actions: Vec::new(),
                incidents: (0..number)
                    .map(|_| quiet_weekday().minus_seconds(seconds_ago))
                    .collect(),
            });
        }
    };
    moved("cascade", 3, incidents(1, 900));
    moved("cascade", 0, incidents(1, 901));
    moved("cascade", 15, incidents(50, 10));
}

#[test]
fn moving_traffic_to_nobody_weighs() {
    moved("no_alternative", 15, |evidence| evidence.alternatives = Some(0));
    moved("no_alternative", 0, |evidence| evidence.alternatives = None);
}

#[test]
fn what_is_not_known_or_is_old_weighs() {
    moved("unconfirmed", 15, |evidence| {
        evidence.condition = Condition::Unreadable("no answer".to_owned());
    });
    moved("stale_evidence", 10, |evidence| evidence.read_at = None);
    moved("stale_evidence", 10, |evidence| {
        evidence.read_at = Some(quiet_weekday().minus_seconds(301));
    });
    moved("stale_evidence", 0, |evidence| {
        evidence.read_at = Some(quiet_weekday().minus_seconds(300));
    });
    moved("repeat", 30, |evidence| evidence.history = None);
    moved("reverted", 20, |evidence| evidence.history = None);
    moved("cascade", 15, |evidence| evidence.history = None);
    moved("teams", 20, |evidence| evidence.read_at = None);
    moved("traffic", 15, |evidence| evidence.read_at = None);
    moved("critical_team", 10, |evidence| evidence.read_at = None);
    moved("no_alternative", 15, |evidence| evidence.read_at = None);
}

#[test]
fn a_page_affects_nobody_whatever_is_not_known() {
    let page = proposed_with(pages(), Evidence::unreadable("no answer"));
    let risk = assess(&page, &Policy::default(), quiet_weekday());
    let names: Vec<_> = risk.factors.iter().map(|factor| factor.name.as_str()).collect();
    assert_eq!(names, ["cascade", "unconfirmed", "stale_evidence"]);
    assert_eq!(risk.score, 75);
}

#[test]
fn how_it_is_taken_back_weighs_where_the_policy_says_so() {
    moved_by("undo", 7, "2026-11-25T10:00:00Z", |policy| {
        policy.raises.undo.restores = Points::new(7);
    });
    let mut policy = Policy::default();
    policy.raises.undo.one_shot = Points::new(9);
    let page = proposed_with(pages(), quiet_evidence());
    assert_eq!(points("undo", &page, &policy, quiet_weekday()), 9);
}

#[test]
fn what_helped_here_lately_lowers() {
    let good = |seconds| past(BREAK, Came::Ended, seconds, Some(true));
    moved("proven", -5, before(vec![good(604_800)]));
    moved("proven", 0, before(vec![good(604_801)]));
    moved("proven", 0, before(vec![past(BREAK, Came::Ended, 7200, None)]));
    moved(
        "proven",
        0,
        before(vec![past(BREAK, Came::Failed, 7200, None), good(9000)]),
    );
    moved(
        "proven",
        0,
        before(vec![past(
            ActionKind::RerouteModelGroup,
            Came::InForce,
            7200,
            Some(true),
        )]),
    );
}

#[test]
fn working_hours_lower_only_where_somebody_is_known_to_be_on_call() {
    let on_call = |policy: &mut Policy| {
        policy.hours.on_call = Some(Week {
            days: Weekday::ALL.into_iter().collect(),
            from: DayTime::at(0, 0),
            to: DayTime::at(24, 0),
        });
    };
    moved_by("staffed", -5, "2026-11-25T10:00:00Z", on_call);
    moved_by("staffed", 0, "2026-11-25T19:00:00Z", on_call);
    moved_by("staffed", 0, "2026-11-28T10:00:00Z", on_call);
}

#[test]
fn the_floor_holds_whatever_lowers_and_the_ceiling_whatever_raises() {
    for action in ActionKind::ALL {
        let factor = |points: i32| Factor {
            name: "test".to_owned(),
            points,
            because: "of the test".to_owned(),
        };
        assert_eq!(clamp(action, vec![]).score, action.baseline());
        let low = clamp(action, vec![factor(-1_000_000), factor(-1_000_000)]);
        assert_eq!(low.score, action.floor());
        assert_eq!(low.factors[2].name, "floor");
        let high = clamp(action, vec![factor(1_000_000)]);
        assert_eq!(high.score, 100);
        assert_eq!(high.factors[1].name, "ceiling");
    }
    let floors = ActionKind::ALL.map(ActionKind::floor);
    assert_eq!(floors, [5, 10, 20, 10, 50, 65, 75]);
}

prop_compose! {
    fn arb_past()(action in 0usize..7, came in 0usize..4, ago in 0u64..700_000, helped in any::<Option<bool>>()) -> Past {
        let came = [Came::InForce, Came::Ended, Came::Undone, Came::Failed][came];
        past(ActionKind::ALL[action], came, ago, helped)
    }
}

prop_compose! {
    fn arb_evidence()(
        confirmed in any::<bool>(),
        age in 0u64..1000,
        teams in 0u64..100,
        critical in any::<bool>(),
        share in 0u32..=1_000_000,
        alternatives in proptest::option::of(0u64..3),
        actions in proptest::collection::vec(arb_past(), 0..12),
        incidents in proptest::collection::vec(0u64..3600, 0..50),
    ) -> Evidence {
        Evidence {
            left_out: Vec::new(),
            measured: None,
            condition: if confirmed {
                Condition::Confirmed("so".to_owned())
            } else {
                Condition::Unreadable("no answer".to_owned())
            },
            read_at: Some(quiet_weekday().minus_seconds(age)),
            affected_unknown: false,
            teams_affected: teams,
            teams: (0..teams.min(20)).map(|number| id(&format!("team-{number}"))).collect(),
            critical_team: critical,
            traffic_share: Ppm(share),
            alternatives,
            history: Some(History {
                actions,
                incidents: incidents.into_iter().map(|ago| quiet_weekday().minus_seconds(ago)).collect(),
            }),
            report: Report::default(),
        }
    }
}
