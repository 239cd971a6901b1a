//! The default policy says what the documents say.

use std::collections::BTreeSet;

use domain::action::{ActionKind, Undo};
use domain::permission::{Circumstances, Principal, Rules, Targets, Verb, Verdict};
use domain::policy::{Local, Policy, Weekday};
use domain::value::BudgetOwner;
use expect_test::{Expect, expect};
use policy::{Bundle, Checked};

use crate::world::{self, Subject, asks, asks_itself, circumstances, operator};

#[test]
fn the_documented_file_is_the_default() {
    assert_eq!(*Checked::builtin().policy(), Policy::default());
}

#[test]
fn an_action_runs_by_itself_up_to_the_threshold_where_automatic_approval_is_on() {
    let policy = Checked::builtin();
    for action in ActionKind::ALL {
        for threshold in [0, 20, 40, 41, 85, 100] {
            for (score, auto_approve) in (0..=100).flat_map(|score| [(score, false), (score, true)]) {
                let circumstances = Circumstances {
                    threshold,
                    auto_approve,
                    ..circumstances()
                };
                let verdict = asks_itself(&policy, action, score, &circumstances);
                let expected = Verdict {
                    allowed: auto_approve && score <= threshold,
                    rules: Vec::new(),
                    because: None,
                };
                let rules = if expected.allowed {
                    vec!["auto-execute-low-risk".to_owned()]
                } else {
                    Vec::new()
                };
                assert_eq!(
                    verdict,
                    Verdict { rules, ..expected },
                    "{action} {score} {threshold} {auto_approve}"
                );
            }
        }
    }
}

/// What the default policy says, in a line.
fn told(verdict: Verdict) -> String {
    let Verdict {
        allowed,
        rules,
        because,
    } = verdict;
    let allowed = if allowed { "yes" } else { "no" };
    let because = because.map_or(String::new(), |because| format!(": {because}"));
    format!("{allowed} [{}]{because}\n", rules.join(" "))
}

#[test]
fn nothing_runs_by_itself_unconfirmed_or_in_a_freeze() {
    let policy = Checked::builtin();
    let mut story = String::new();
    for (confirmed, freeze) in [(true, false), (false, false), (true, true), (false, true)] {
        let circumstances = Circumstances {
            auto_approve: true,
            confirmed,
            freeze,
            ..circumstances()
        };
        let verdict = asks_itself(&policy, ActionKind::CircuitBreakProvider, 15, &circumstances);
        story.push_str(&told(verdict));
    }
    expect![[r#"
        yes [auto-execute-low-risk]
        no [no-auto-execute-unconfirmed]: the gateway did not confirm what the event says
        no [no-auto-execute-in-a-freeze]: a change freeze is on
        no [no-auto-execute-in-a-freeze no-auto-execute-unconfirmed]: a change freeze is on; the gateway did not confirm what the event says
    "#]]
    .assert_eq(&story);
}

/// What the default policy says to a yes and to a no.
fn decides(
    change: impl Fn(&mut domain::permission::Operator, &mut bool, &mut Circumstances),
    expected: &Expect,
) {
    let policy = Checked::builtin();
    let (mut who, mut approver, mut circumstances) = (operator("alice"), true, circumstances());
    change(&mut who, &mut approver, &mut circumstances);
    let yes = asks(&policy, Verb::Approve, &who, approver, &circumstances);
    let no = asks(&policy, Verb::Reject, &who, approver, &circumstances);
    expected.assert_eq(&format!("approve: {}reject: {}", told(yes), told(no)));
}

#[test]
fn approvers_decide() {
    decides(
        |_, _, _| {},
        &expect![[r#"
            approve: yes [approvers-decide]
            reject: yes [approvers-decide]
        "#]],
    );
    decides(
        |_, approver, _| *approver = false,
        &expect![[r#"
            approve: no []
            reject: no []
        "#]],
    );
    // A directory group is a group, whatever its name.
    decides(
        |who, approver, _| {
            who.groups = vec!["approver".to_owned(), "SreAgent::Role::\"approver\"".to_owned()];
            *approver = false;
        },
        &expect![[r#"
            approve: no []
            reject: no []
        "#]],
    );
}

#[test]
fn bots_and_inactive_operators_never_decide() {
    decides(
        |who, _, _| who.bot = true,
        &expect![[r#"
            approve: no [bots-never-decide]: bots never decide
            reject: no [bots-never-decide]: bots never decide
        "#]],
    );
    decides(
        |who, _, _| who.active = false,
        &expect![[r#"
            approve: no [inactive-operators-never-decide]: your operator account is not active
            reject: no [inactive-operators-never-decide]: your operator account is not active
        "#]],
    );
}

#[test]
fn nobody_approves_their_own_but_may_reject_it() {
    decides(
        |_, _, circumstances| circumstances.own = true,
        &expect![[r#"
            approve: no [nobody-approves-their-own]: you requested, triggered or edited this proposal
            reject: yes [approvers-decide]
        "#]],
    );
}

#[test]
fn a_short_quorum_approves_nothing_and_one_person_may_reject() {
    decides(
        |_, _, circumstances| circumstances.votes_needed = 2,
        &expect![[r#"
            approve: no [quorum]: more people must approve it
            reject: yes [approvers-decide]
        "#]],
    );
    let policy = Checked::builtin();
    let numbers = [0, 1, 2, 9, 10, 254, u8::MAX];
    for (other_votes, votes_needed) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
        let circumstances = Circumstances {
            other_votes,
            votes_needed,
            ..circumstances()
        };
        let verdict = asks(&policy, Verb::Approve, &operator("alice"), true, &circumstances);
        let enough = u16::from(other_votes) + 1 >= u16::from(votes_needed);
        assert_eq!(verdict.allowed, enough, "{other_votes} of {votes_needed}");
    }
}

#[test]
fn the_agent_decides_nothing_and_no_operator_is_the_agent() {
    let policy = Checked::builtin();
    let subject = Subject::new();
    let resource = subject.resource(ActionKind::CircuitBreakProvider, 0);
    let circumstances = Circumstances {
        auto_approve: true,
        ..circumstances()
    };
    let somebody = operator("sre-agent");
    let questions = [
        (Verb::Approve, Principal::Agent),
        (Verb::Reject, Principal::Agent),
        (
            Verb::AutoExecute,
            Principal::Operator {
                operator: &somebody,
                approver: true,
            },
        ),
    ];
    for (verb, principal) in questions {
        let verdict = policy.rules().ask(verb, &principal, &resource, &circumstances);
        assert!(!verdict.allowed, "{verb:?} {principal:?}");
    }
}

fn names<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(names: &[&str]) -> BTreeSet<T> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn every_fact_that_rules_may_speak_of_reaches_them() {
    let rules = r#"
        @id("sees-all") @reason("all of it was seen")
        forbid (principal in SreAgent::Group::"leads", action == SreAgent::Action::"approve", resource)
        when {
          principal.id == "alice" && principal.name == "alice" && !principal.bot && principal.active
          && principal in SreAgent::Role::"approver"
          && resource.action == SreAgent::ActionKind::"page_oncall" && resource.score == 35
          && resource.reversibility == SreAgent::Reversibility::"one_shot"
          && resource.teams == ["a", "b"] && resource.providers == ["c", "d"] && resource.reroute_to == ["d"]
          && resource.model_groups == ["e"] && resource.budgets == ["org/f", "team/b"]
          && resource.guardrails == ["g"] && resource.contracts == ["h"]
          && resource.affected_teams == ["i"] && resource.affected_teams_known
          && resource.claimed_org == "acme" && resource has claimed_team && resource.claimed_team == "payments"
          && resource has claimed_provider && resource.claimed_provider == "openai"
          && context.threshold == 40 && !context.auto_approve && context.confirmed && !context.freeze
          && context.hour == 10 && context.weekday == SreAgent::Weekday::"monday" && context.working_hours
          && !context.on_call && context.other_votes == 1 && context.votes_needed == 2 && !context.own
        };"#;
    let policy = Checked::new(&world::with("company.cedar", rules).unwrap()).unwrap();
    let subject = Subject::new();
    let mut resource = subject.resource(ActionKind::PageOncall, 35);
    resource.undo = Undo::OneShot;
    resource.targets = Targets {
        teams: names(&["a", "b"]),
        providers: names(&["c", "d"]),
        reroute_to: names(&["d"]),
        model_groups: names(&["e"]),
        budgets: [("org", "f"), ("team", "b")]
            .map(|(scope, id)| BudgetOwner::parse(scope, id).unwrap())
            .into(),
        guardrails: names(&["g"]),
        contracts: names(&["h"]),
        affected_teams: names(&["i"]),
        affected_teams_known: true,
    };
    let mut alice = operator("alice");
    alice.groups = vec!["others".to_owned(), "leads".to_owned()];
    let principal = Principal::Operator {
        operator: &alice,
        approver: true,
    };
    let circumstances = Circumstances {
        other_votes: 1,
        votes_needed: 2,
        ..circumstances()
    };
    let verdict = policy
        .rules()
        .ask(Verb::Approve, &principal, &resource, &circumstances);
    assert_eq!(told(verdict), "no [sees-all]: all of it was seen\n");
    // Without a team or a provider there is none to speak of, and no error.
    (resource.claimed.team, resource.claimed.provider) = (None, None);
    let verdict = policy
        .rules()
        .ask(Verb::Approve, &principal, &resource, &circumstances);
    assert_eq!(told(verdict), "yes [approvers-decide]\n");
}

#[test]
fn the_schema_knows_every_word_that_is_put_to_it() {
    let rules = Checked::builtin();
    let monday: domain::value::Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let days: Vec<Local> = (0..7)
        .map(|day| {
            Policy::default()
                .time_zone
                .local(monday.plus_seconds(day * 86_400))
        })
        .collect();
    assert_eq!(days.iter().map(Local::weekday).collect::<Vec<_>>(), Weekday::ALL);
    let subject = Subject::new();
    for (action, local) in ActionKind::ALL.into_iter().zip(days) {
        for undo in [Undo::Restore { after_s: 60 }, Undo::OnDemand, Undo::OneShot] {
            let mut resource = subject.resource(action, 0);
            resource.undo = undo;
            let circumstances = Circumstances {
                auto_approve: true,
                local,
                ..circumstances()
            };
            let verdict = rules
                .rules()
                .ask(Verb::AutoExecute, &Principal::Agent, &resource, &circumstances);
            assert!(verdict.allowed, "{action} {local} {undo:?}: {verdict:?}");
        }
    }
}

#[test]
fn the_schema_names_no_action_that_there_is_not() {
    let bundle = Bundle::builtin();
    let schema = bundle.files()[policy::SCHEMA];
    let (_, names) = schema.split_once("entity ActionKind enum [").unwrap();
    let (names, _) = names.split_once("];").unwrap();
    let names: Vec<&str> = names
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .collect();
    assert_eq!(names, ActionKind::ALL.map(ActionKind::name));
}

#[test]
fn the_default_policy_comes_into_force_as_it_is() {
    let builtin = Checked::builtin();
    let in_force = builtin.in_force(None);
    assert_eq!(in_force.digest, Bundle::builtin().digest());
    assert_eq!(in_force.policy, Policy::default());
    let subject = Subject::new();
    let resource = subject.resource(ActionKind::CircuitBreakProvider, 41);
    let rules: &dyn Rules = in_force.rules.as_ref();
    let circumstances = Circumstances {
        auto_approve: true,
        ..circumstances()
    };
    let verdict = rules.ask(Verb::AutoExecute, &Principal::Agent, &resource, &circumstances);
    assert!(!verdict.allowed);
}
