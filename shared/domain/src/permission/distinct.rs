//! No two entries of the directory are one person: a quorum counts entries.

use std::collections::BTreeMap;

use super::Operator;
use crate::value::{lookalike, visible};

/// What a person is known by, as people compare it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Id(String),
    Email(String),
    Slack { team: String, user: String },
    Aws(String),
}

/// Says which two entries are one person, and by what.
pub(super) fn check(operators: &[Operator]) -> Result<(), String> {
    let mut seen: BTreeMap<Known, (usize, String)> = BTreeMap::new();
    for (at, operator) in operators.iter().enumerate() {
        for (known, shown) in known(operator) {
            match seen.get(&known) {
                // Said twice of the same person, it is still one person.
                Some((of, _)) if *of == at => {}
                Some((of, other)) => {
                    return Err(one_person(&operators[*of], other, operator, &shown, &known));
                }
                None => {
                    seen.insert(known, (at, shown));
                }
            }
        }
    }
    Ok(())
}

/// Everything that an operator is known by, and how it is written there. A blank e-mail address is none.
fn known(operator: &Operator) -> Vec<(Known, String)> {
    let id = operator.id.as_str();
    let mut known = vec![(Known::Id(lookalike(id)), id.to_owned())];
    let email = operator.email.iter().map(|email| (lookalike(email), email));
    known.extend(
        email
            .filter(|(alike, _)| !alike.is_empty())
            .map(|(alike, email)| (Known::Email(alike), email.clone())),
    );
    known.extend(operator.slack.iter().map(|identity| {
        let (team, user) = (lookalike(&identity.team), lookalike(&identity.user));
        let shown = format!("{} of {}", identity.user, identity.team);
        (Known::Slack { team, user }, shown)
    }));
    let arns = operator.aws.iter();
    known.extend(arns.map(|arn| (Known::Aws(lookalike(arn)), arn.clone())));
    known
}

fn one_person(one: &Operator, its: &str, other: &Operator, others: &str, known: &Known) -> String {
    let what = match known {
        Known::Id(_) => "id",
        Known::Email(_) => "e-mail address",
        Known::Slack { .. } => "Slack user",
        Known::Aws(_) => "AWS principal",
    };
    let difference = match its == others {
        true => visible(its),
        false => format!(
            "{} and {} differ in nothing but case, spaces or characters that cannot be seen",
            visible(its),
            visible(others)
        ),
    };
    format!(
        "the operator directory has one {what} for {one} and for {other} ({difference}): a person is one entry, \
         or has two votes; remove one of them"
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use crate::permission::Directory;

    /// Ada, and a second entry with `change` laid over it: what is wrong with a directory of the two, both ways round.
    fn check(ada: Value, change: Value, expected: &Expect) {
        let entry = |id: &str, name: &str, more: Value| {
            let mut entry = json!({"id": id, "name": name, "active": true});
            for (key, value) in more.as_object().unwrap() {
                entry[key] = value.clone();
            }
            entry
        };
        let (ada, other) = (entry("ada", "Ada", ada), entry("grace", "Grace", change));
        let parse = |operators: Value| Directory::parse(&json!({ "operators": operators }).to_string());
        let problem = parse(json!([ada, other])).err().unwrap_or_default();
        expected.assert_eq(&problem);
        assert_eq!(parse(json!([other, ada])).is_err(), !problem.is_empty());
        for one in [ada, other] {
            assert!(parse(json!([one])).is_ok(), "each by itself is sound");
        }
    }

    #[test]
    fn one_email_is_one_person_whatever_its_case() {
        let ada = json!({"email": "ada@example.com"});
        check(
            ada.clone(),
            json!({"email": "ada@example.com"}),
            &expect![
                "the operator directory has one e-mail address for Ada (ada) and for Grace (grace) (ada@example.com): a person is one entry, or has two votes; remove one of them"
            ],
        );
        check(
            ada.clone(),
            json!({"email": " Ada@Example.COM"}),
            &expect![
                "the operator directory has one e-mail address for Ada (ada) and for Grace (grace) (ada@example.com and  Ada@Example.COM differ in nothing but case, spaces or characters that cannot be seen): a person is one entry, or has two votes; remove one of them"
            ],
        );
        check(ada, json!({"email": "grace@example.com"}), &expect![""]);
        check(json!({"email": ""}), json!({"email": " "}), &expect![""]);
        check(json!({"email": null}), json!({}), &expect![""]);
    }

    #[test]
    fn ids_that_only_look_different_to_a_machine_are_one_person() {
        for id in [
            "ADA",
            "Ada",
            "a\u{200b}da",
            "ad\u{ad}a",
            "ada\u{2060}",
            "a da",
            "a\u{a0}da",
            "ada\u{2800}",
        ] {
            let directory = json!({"operators": [{"id": "ada", "name": "Ada", "active": true},
                                                 {"id": id, "name": "Other", "active": false}]});
            let problem = Directory::parse(&directory.to_string()).unwrap_err();
            assert!(
                problem.contains("one id for Ada (ada) and for Other ("),
                "{problem}"
            );
            let shown = problem.chars().all(|c| !crate::value::is_dangerous(c));
            assert!(shown, "what cannot be seen is written out: {problem}");
        }
        check(
            json!({}),
            json!({"id": "a\u{200b}da"}),
            &expect![[
                r"the operator directory has one id for Ada (ada) and for Grace (a\u{200b}da) (ada and a\u{200b}da differ in nothing but case, spaces or characters that cannot be seen): a person is one entry, or has two votes; remove one of them"
            ]],
        );
        check(
            json!({}),
            json!({"id": "ada"}),
            &expect![
                "the operator directory has one id for Ada (ada) and for Grace (ada) (ada): a person is one entry, or has two votes; remove one of them"
            ],
        );
        check(json!({}), json!({"id": "ada2"}), &expect![""]);
    }

    #[test]
    fn a_slack_user_and_an_aws_principal_are_one_person_each() {
        let slack = |team: &str, user: &str| json!({"slack": [{"team": "T9", "user": "U9"}, {"team": team, "user": user}]});
        let one = |team: &str, user: &str| json!({"slack": [{"team": team, "user": user}]});
        check(
            slack("T1", "U1"),
            one("T1", "U1"),
            &expect![
                "the operator directory has one Slack user for Ada (ada) and for Grace (grace) (U1 of T1): a person is one entry, or has two votes; remove one of them"
            ],
        );
        check(slack("T1", "U1"), one("T2", "U1"), &expect![""]);
        assert!(!parses_twice(&slack("T1", "U1"), &one("t1", "u1")));
        let aws = |arn: &str| json!({"aws": [arn]});
        check(
            aws("arn:aws:sts::1:assumed-role/Sre/ada"),
            aws("arn:aws:sts::1:assumed-role/Sre/Ada"),
            &expect![
                "the operator directory has one AWS principal for Ada (ada) and for Grace (grace) (arn:aws:sts::1:assumed-role/Sre/ada and arn:aws:sts::1:assumed-role/Sre/Ada differ in nothing but case, spaces or characters that cannot be seen): a person is one entry, or has two votes; remove one of them"
            ],
        );
        let twice = json!({"slack": [{"team": "T1", "user": "U1"}, {"team": "T1", "user": "U1"}]});
        check(twice, json!({}), &expect![""]);
    }

    fn parses_twice(one: &Value, other: &Value) -> bool {
        let directory = json!({"operators": [
            {"id": "ada", "name": "Ada", "active": true, "slack": one["slack"]},
            {"id": "grace", "name": "Grace", "active": true, "slack": other["slack"]},
        ]});
        Directory::parse(&directory.to_string()).is_ok()
    }
}
