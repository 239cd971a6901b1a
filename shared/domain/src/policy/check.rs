//! What is wrong with a policy that is well-formed: what takes two values to see.

use std::collections::BTreeMap;

use super::{Points, Policy, Week};

/// Something wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: keys and positions from the root, such as `freeze`, `1`, `from`.
    pub at: Vec<String>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Policy {
    /// Everything that contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problem = |at: &[&str], reason: String| {
            found.push(Problem {
                at: at.iter().map(ToString::to_string).collect(),
                reason,
            });
        };
        if self.approvers.is_empty() {
            problem(
                &["approvers"],
                "nobody may decide: name a group of the operator directory, or \"*\" for every operator"
                    .to_owned(),
            );
        }
        if self.approvers.iter().any(|group| group.trim().is_empty()) {
            problem(&["approvers"], "a group has no name".to_owned());
        }
        let weeks = [
            ("working", Some(&self.hours.working)),
            ("on_call", self.hours.on_call.as_ref()),
        ];
        for (name, week) in weeks {
            if let Some(reason) = week.and_then(empty) {
                problem(&["hours", name], reason);
            }
        }
        let raises = &self.raises;
        let mosts: [(&str, Points, &str, Points); 3] = [
            ("each_team", raises.each_team, "most_teams", raises.most_teams),
            (
                "each_repeat",
                raises.each_repeat,
                "most_repeats",
                raises.most_repeats,
            ),
            (
                "each_incident",
                raises.each_incident,
                "most_incidents",
                raises.most_incidents,
            ),
        ];
        for (each_name, each, most_name, most) in mosts {
            if most < each {
                let reason = format!(
                    "is {}, less than {each_name}, which is {}",
                    most.get(),
                    each.get()
                );
                problem(&["raises", most_name], reason);
            }
        }
        if self.automatic.per_target_per_hour.get() > self.automatic.per_hour.get() {
            let reason = format!(
                "is {}, more than per_hour, which is {}",
                self.automatic.per_target_per_hour, self.automatic.per_hour
            );
            problem(&["automatic", "per_target_per_hour"], reason);
        }
        self.freezes(&mut problem);
        self.tiers(&mut problem);
        found
    }

    fn freezes(&self, problem: &mut impl FnMut(&[&str], String)) {
        for (at, freeze) in self.freeze.iter().enumerate() {
            let position = at.to_string();
            if freeze.from >= freeze.to {
                let reason = format!("\"{}\" ends at {}, not after it begins", freeze.name, freeze.to);
                problem(&["freeze", &position, "to"], reason);
            }
            let overlapping = self.freeze[..at]
                .iter()
                .find(|other| other.from < freeze.to && freeze.from < other.to);
            if let Some(other) = overlapping {
                let reason = format!(
                    "\"{}\" overlaps \"{}\", which is from {} to {}",
                    freeze.name, other.name, other.from, other.to
                );
                problem(&["freeze", &position, "from"], reason);
            }
        }
    }

    fn tiers(&self, problem: &mut impl FnMut(&[&str], String)) {
        let mut seen = BTreeMap::new();
        for (at, tier) in self.team_tier.iter().enumerate() {
            let position = at.to_string();
            if tier.teams.is_empty() {
                problem(
                    &["team_tier", &position, "teams"],
                    format!("\"{}\" has no teams", tier.name),
                );
            }
            for team in &tier.teams {
                if let Some(other) = seen.insert(team, &tier.name) {
                    let reason = format!("{team} is in \"{other}\" and in \"{}\"", tier.name);
                    problem(&["team_tier", &position, "teams"], reason);
                }
            }
        }
    }
}

fn empty(week: &Week) -> Option<String> {
    if week.days.is_empty() {
        Some("has no days".to_owned())
    } else if week.from >= week.to {
        Some(format!(
            "ends at {}, not after it begins at {}",
            week.to, week.from
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use super::*;

    /// What is wrong with the default policy where `change` is laid over it.
    fn check(change: impl Fn(&mut Value), expected: &Expect) {
        let mut policy = serde_json::to_value(Policy::default()).unwrap();
        change(&mut policy);
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let told: Vec<String> = policy
            .problems()
            .into_iter()
            .map(|problem| format!("{}: {}\n", problem.at.join("."), problem.reason))
            .collect();
        expected.assert_eq(&told.concat());
    }

    #[test]
    fn the_default_policy_does_not_contradict_itself() {
        assert_eq!(Policy::default().problems(), []);
    }

    #[test]
    fn what_contradicts_itself_is_named_with_its_place() {
        let freeze = |name: &str, from: &str, to: &str| json!({"name": name, "from": from, "to": to});
        check(
            |policy| policy["approvers"] = json!([]),
            &expect![[r#"
                approvers: nobody may decide: name a group of the operator directory, or "*" for every operator
            "#]],
        );
        check(
            |policy| {
                policy["freeze"] = json!([
                    freeze("year end", "2026-12-19T00:00", "2027-01-04T00:00"),
                    freeze("audit", "2027-01-03T12:00", "2027-01-05T00:00"),
                    freeze("back", "2027-02-02T00:00", "2027-02-01T00:00"),
                ]);
            },
            &expect![[r#"
                freeze.1.from: "audit" overlaps "year end", which is from 2026-12-19T00:00 to 2027-01-04T00:00
                freeze.2.to: "back" ends at 2027-02-01T00:00, not after it begins
            "#]],
        );
        check(
            |policy| {
                policy["team_tier"] = json!([
                    {"name": "gold", "points": 10, "teams": ["payments"]},
                    {"name": "silver", "points": 5, "teams": ["payments", "search"]},
                    {"name": "bronze", "points": 1, "teams": []},
                ]);
            },
            &expect![[r#"
                team_tier.1.teams: payments is in "gold" and in "silver"
                team_tier.2.teams: "bronze" has no teams
            "#]],
        );
        check(
            |policy| {
                policy["hours"]["working"]["to"] = json!("08:00");
                policy["hours"]["on_call"] = json!({"days": [], "from": "08:00", "to": "18:00"});
                policy["raises"]["most_repeats"] = json!(3);
                policy["automatic"]["per_target_per_hour"] = json!(11);
            },
            &expect![[r"
                hours.working: ends at 08:00, not after it begins at 08:00
                hours.on_call: has no days
                raises.most_repeats: is 3, less than each_repeat, which is 10
                automatic.per_target_per_hour: is 11, more than per_hour, which is 10
            "]],
        );
    }

    #[test]
    fn what_is_out_of_its_range_is_not_read_at_all() {
        for (section, key, value) in [
            ("raises", "night", json!(101)),
            ("lowers", "proven", json!(-1)),
            ("quorum", "people", json!(0)),
            ("windows", "repeat_s", json!(2_592_001)),
            ("automatic", "failures_in_a_row", json!(0)),
            ("automatic", "human_share_ppm", json!(1_000_001)),
            ("raises", "nights", json!(1)),
        ] {
            let mut policy = serde_json::to_value(Policy::default()).unwrap();
            policy[section][key] = value;
            assert!(
                serde_json::from_value::<Policy>(policy).is_err(),
                "{section}.{key}"
            );
        }
    }
}
