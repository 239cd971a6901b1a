//! Whether the directory has the people that a quorum asks for.

use std::fmt;

use super::{Circumstances, Claimed, Directory, InForce, Operator, Principal, Resource, Targets, Verb};
use crate::action::{ActionKind, Undo};
use crate::value::{BadId, Digest, Fingerprint, OrgId, ProposalId, Timestamp};

/// Rules may depend on the hour and the day: each of these times of the coming week is tried, hours from now.
const TRIED_HOURS: [u64; 28] = {
    let mut hours = [0; 28];
    let mut at = 0;
    while at < hours.len() {
        hours[at] = at as u64 * 6;
        at += 1;
    }
    hours
};

/// Actions that, at a score, more people must approve than there are who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage<'a> {
    /// The actions. What the policy only watches is none of them.
    pub actions: Vec<ActionKind>,
    /// The lowest score that was tried and is so.
    pub score: u8,
    /// Different people who must approve.
    pub needed: u8,
    /// Everybody who may, fewer than that.
    pub may: Vec<&'a Operator>,
}

/// What nobody of a directory could bring to an end under a policy, however long it waits: it can only expire.
///
/// Tried are the lowest and the highest score of each action below and within the quorum, of a proposal that names no
/// team and no provider, outside of change freezes. A rule that asks for more than that may leave still fewer people.
/// An error means that nothing was tried.
pub fn shortages<'a>(
    directory: &'a Directory,
    in_force: &InForce,
    now: Timestamp,
) -> Result<Vec<Shortage<'a>>, BadId> {
    let asked = Asked {
        people: directory
            .operators()
            .iter()
            .filter(|one| one.active && !one.bot)
            .collect(),
        in_force,
        now,
        id: ProposalId::new(Fingerprint::of(&Digest::of(b"")), 1),
        org: OrgId::new("any")?,
    };
    let mut found: Vec<Shortage<'a>> = Vec::new();
    let acts = |action: &ActionKind| !in_force.policy.shadow.contains(action);
    for action in ActionKind::ALL.into_iter().filter(acts) {
        for Shortage {
            score, needed, may, ..
        } in asked.shortages_of(action)
        {
            let alike =
                |one: &&mut Shortage<'a>| one.score == score && one.needed == needed && one.may == may;
            match found.iter_mut().find(alike) {
                Some(one) => one.actions.push(action),
                None => found.push(Shortage {
                    actions: vec![action],
                    score,
                    needed,
                    may,
                }),
            }
        }
    }
    Ok(found)
}

struct Asked<'a, 'p> {
    people: Vec<&'a Operator>,
    in_force: &'p InForce,
    now: Timestamp,
    id: ProposalId,
    org: OrgId,
}

impl<'a> Asked<'a, '_> {
    /// Below the quorum and within it, at most one each.
    fn shortages_of(&self, action: ActionKind) -> Vec<Shortage<'a>> {
        let policy = &self.in_force.policy;
        let floor = action.floor();
        let from = u8::try_from(policy.quorum.from.get()).unwrap_or(u8::MAX);
        let below = [floor, from.saturating_sub(1).min(100)];
        let within = [floor.max(from), 100];
        let mut found = Vec::new();
        for (quorum, scores) in [(false, below), (true, within)] {
            let tried = scores
                .into_iter()
                .filter(|score| (floor..=100).contains(score) && policy.is_within_quorum(*score) == quorum);
            found.extend(tried.filter_map(|score| self.shortage_at(action, score)).next());
        }
        found
    }

    fn shortage_at(&self, action: ActionKind, score: u8) -> Option<Shortage<'a>> {
        let needed = self.in_force.policy.approvals_needed(score);
        let people = self.people.iter().copied();
        let may: Vec<&Operator> = people
            .filter(|one| self.may(one, action, score, needed))
            .collect();
        (may.len() < usize::from(needed)).then(|| Shortage {
            actions: vec![action],
            score,
            needed,
            may,
        })
    }

    /// Whether the rules let somebody approve, at some time of the coming week, if everybody else had.
    fn may(&self, operator: &Operator, action: ActionKind, score: u8, needed: u8) -> bool {
        let InForce { policy, rules, .. } = self.in_force;
        let principal = Principal::Operator {
            operator,
            approver: policy.approves(&operator.groups),
        };
        let resource = Resource {
            id: &self.id,
            action,
            score,
            // What a rule says of one target says nothing of the others.
            targets: Targets::default(),
            claimed: Claimed {
                org: &self.org,
                team: None,
                provider: None,
            },
            undo: Undo::OnDemand,
        };
        TRIED_HOURS.into_iter().any(|hours| {
            let then = self.now.plus_seconds(hours * 3600);
            let circumstances = Circumstances {
                confirmed: true,
                freeze: false,
                other_votes: u8::MAX,
                votes_needed: needed,
                ..Circumstances::at(policy, policy.time_zone.local(then))
            };
            rules
                .ask(Verb::Approve, &principal, &resource, &circumstances)
                .allowed
        })
    }
}

/// A sentence for people.
impl fmt::Display for Shortage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<&str> = self.actions.iter().map(|action| action.name()).collect();
        let people = match self.needed {
            1 => "a person".to_owned(),
            needed => format!("{needed} people"),
        };
        let may: Vec<String> = self.may.iter().map(ToString::to_string).collect();
        let may = match may.as_slice() {
            [] => "nobody may".to_owned(),
            [one] => format!("only {one} may"),
            several => format!("only {} may", several.join(", ")),
        };
        write!(
            f,
            "nothing can be approved of {} from a score of {} on: {people} must say yes, and {may}",
            actions.join(", "),
            self.score
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use super::*;
    use crate::permission::{Rules, Verdict};
    use crate::policy::Ranged;
    use crate::samples::{at, in_force};

    fn person(id: &str, more: Value) -> Value {
        let mut person = json!({"id": id, "name": id.to_uppercase(), "active": true});
        for (key, value) in more.as_object().unwrap() {
            person[key] = value.clone();
        }
        person
    }

    fn directory(people: &[Value]) -> Directory {
        Directory::parse(&json!({ "operators": people }).to_string()).unwrap()
    }

    fn check(people: &[Value], in_force: &InForce, expected: &Expect) {
        let directory = directory(people);
        let found = shortages(&directory, in_force, at(0)).unwrap();
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn two_who_may_decide_are_enough_for_two() {
        let (ada, grace) = (person("ada", json!({})), person("grace", json!({})));
        check(&[ada, grace], &in_force(), &expect![""]);
    }

    #[test]
    fn bots_and_those_who_left_are_nobody() {
        check(
            &[
                person("ada", json!({})),
                person("bot", json!({"bot": true})),
                person("left", json!({"active": false})),
            ],
            &in_force(),
            &expect![
                "nothing can be approved of circuit_break_provider, reroute_model_group, raise_rate_limit, page_oncall, disable_guardrail, bump_budget_cap, disable_sla_contract from a score of 75 on: 2 people must say yes, and only ADA (ada) may"
            ],
        );
    }

    #[test]
    fn an_empty_directory_approves_nothing() {
        let directory = Directory::default();
        let from = in_force();
        let found = shortages(&directory, &from, at(0)).unwrap();
        for action in ActionKind::ALL {
            let of: Vec<_> = found.iter().filter(|one| one.actions.contains(&action)).collect();
            assert!(of.iter().all(|one| one.may.is_empty()), "{action}");
            assert!(of.iter().any(|one| one.needed == 2), "{action}");
        }
        assert!(found.iter().any(|one| one.needed == 1));
    }

    #[test]
    fn only_the_policys_approvers_count_and_what_is_only_watched_needs_nobody() {
        let mut from = in_force();
        from.policy.approvers = vec!["lead".to_owned()];
        from.policy.quorum.people = Ranged::new(3);
        from.policy.shadow = ActionKind::ALL.into_iter().collect();
        from.policy.shadow.remove(&ActionKind::DisableSlaContract);
        let people = [
            person("ada", json!({"groups": ["lead"]})),
            person("grace", json!({"groups": ["lead", "sre"]})),
            person("linus", json!({"groups": ["sre"]})),
        ];
        check(
            &people,
            &from,
            &expect![
                "nothing can be approved of disable_sla_contract from a score of 75 on: 3 people must say yes, and only ADA (ada), GRACE (grace) may"
            ],
        );
        from.policy.quorum.from = Ranged::new(101);
        check(&people, &from, &expect![""]);
    }

    /// Nobody approves a guardrail's end above a score, and everybody else only at night.
    struct Few;

    impl Rules for Few {
        fn ask(&self, _: Verb, _: &Principal<'_>, resource: &Resource<'_>, when: &Circumstances) -> Verdict {
            let guardrail = resource.action == ActionKind::DisableGuardrail && resource.score > 90;
            Verdict {
                allowed: !guardrail && !when.working_hours,
                rules: Vec::new(),
                because: None,
            }
        }
    }

    #[test]
    fn what_a_rule_forbids_at_a_high_score_is_found_and_what_it_allows_at_night_is_not() {
        let few = InForce {
            rules: Arc::new(Few),
            ..in_force()
        };
        check(
            &[person("ada", json!({})), person("grace", json!({}))],
            &few,
            &expect![
                "nothing can be approved of disable_guardrail from a score of 100 on: 2 people must say yes, and nobody may"
            ],
        );
    }
}
