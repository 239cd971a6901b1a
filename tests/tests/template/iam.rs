//! Who is allowed what: policies evaluated as IAM does, for the few operators that the template uses. No local stack
//! evaluates them all.
//!
//! Facts: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deployed::{ACCOUNT, Deployed};
use super::tree::{entries, items, texts};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// A role of the template, by its logical id: it may what its policies say.
    Ours(String),
    /// A role of the account that has one managed policy of the template, by its logical id, and nothing else.
    Holder(String),
    /// A role or user of any account, whom that account's own IAM lets do everything.
    Mighty {
        /// Its ARN.
        arn: String,
    },
    /// A service of AWS, which works for the resource of this ARN.
    Service {
        /// Such as `sns.amazonaws.com`.
        name: &'static str,
        /// The resource.
        source: String,
    },
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The action.
    pub(crate) action: &'static str,
    /// The ARN of what it is done to.
    pub(crate) on: String,
    /// The keys that AWS would know besides those of the caller.
    pub(crate) keys: Vec<(&'static str, String)>,
}

type Keys = BTreeMap<String, Vec<String>>;

impl Who {
    fn arn(&self, deployed: &Deployed) -> Option<String> {
        match self {
            Who::Ours(id) => Some(deployed.arn(id)),
            Who::Holder(id) => Some(format!("arn:aws:iam::{ACCOUNT}:role/with-{id}")),
            Who::Mighty { arn } => Some(arn.clone()),
            Who::Service { .. } => None,
        }
    }

    /// What AWS knows of the caller. A service has no principal ARN.
    fn keys(&self, deployed: &Deployed) -> Keys {
        let key = |name: &str, value: String| (name.to_owned(), vec![value]);
        match (self.arn(deployed), self) {
            (Some(arn), _) => Keys::from([
                key("aws:PrincipalAccount", account(&arn).to_owned()),
                key("aws:PrincipalArn", arn),
                key("aws:PrincipalIsAWSService", "false".to_owned()),
                key("aws:SecureTransport", "true".to_owned()),
            ]),
            (None, Who::Service { source, .. }) => Keys::from([
                key("aws:SourceArn", source.clone()),
                key("aws:PrincipalIsAWSService", "true".to_owned()),
                key("aws:SecureTransport", "true".to_owned()),
            ]),
            (None, Who::Ours(_) | Who::Holder(_) | Who::Mighty { .. }) => Keys::new(),
        }
    }
}

fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// Whether a deployment lets somebody do something.
pub(crate) fn allows(deployed: &Deployed, who: &Who, ask: &Ask) -> bool {
    let mut keys = who.keys(deployed);
    for (name, value) in &ask.keys {
        keys.entry((*name).to_owned()).or_default().push(value.clone());
    }
    let own = match who {
        Who::Ours(id) => deployed.of_role(id),
        Who::Holder(id) => deployed.of_managed(id),
        Who::Mighty { .. } | Who::Service { .. } => Vec::new(),
    };
    let own: Vec<&Value> = own
        .iter()
        .filter(|statement| covers(statement, ask, &keys))
        .collect();
    let theirs = deployed.of_resources();
    let theirs: Vec<(&Value, Named)> = theirs
        .iter()
        .filter(|statement| covers(statement, ask, &keys))
        .filter_map(|statement| Some((statement, named(&statement["Principal"], who, deployed)?)))
        .collect();
    let denies = |statement: &Value| statement["Effect"] == "Deny";
    if own.iter().any(|statement| denies(statement)) || theirs.iter().any(|(statement, _)| denies(statement))
    {
        return false;
    }
    let by_itself = own.iter().any(|statement| !denies(statement)) || matches!(who, Who::Mighty { .. });
    let directly = theirs.iter().any(|(_, named)| *named == Named::Directly);
    let arn = who.arn(deployed);
    match arn.as_deref().map(account) {
        // A service is allowed by the resource alone.
        None => directly,
        // A key's own policy has to name who asks, or leave it to the account's IAM.
        Some(ACCOUNT) if ask.action.starts_with("kms:") => directly || (by_itself && !theirs.is_empty()),
        Some(ACCOUNT) => by_itself || directly,
        // From another account both must allow it.
        Some(_) => by_itself && !theirs.is_empty(),
    }
}

/// How a statement names somebody.
#[derive(PartialEq, Eq)]
enum Named {
    /// Itself.
    Directly,
    /// By its account, which leaves it to that account's IAM; or as everybody.
    Indirectly,
}

fn named(principal: &Value, who: &Who, deployed: &Deployed) -> Option<Named> {
    if *principal == "*" || principal["AWS"] == "*" {
        return Some(Named::Indirectly);
    }
    match (who, who.arn(deployed)) {
        (Who::Service { name, .. }, _) => texts(&principal["Service"])
            .contains(name)
            .then_some(Named::Directly),
        (_, Some(arn)) => {
            let listed = texts(&principal["AWS"]);
            let root = format!("arn:aws:iam::{}:root", account(&arn));
            if listed.contains(&arn.as_str()) {
                Some(Named::Directly)
            } else {
                let account = [account(&arn), root.as_str()];
                listed
                    .iter()
                    .any(|listed| account.contains(listed))
                    .then_some(Named::Indirectly)
            }
        }
        (Who::Ours(_) | Who::Holder(_) | Who::Mighty { .. }, None) => None,
    }
}

fn covers(statement: &Value, ask: &Ask, keys: &Keys) -> bool {
    let any = |patterns: &Value, text: &str| texts(patterns).into_iter().any(|pattern| like(pattern, text));
    for inverted in ["NotAction", "NotResource", "NotPrincipal"] {
        assert!(statement[inverted].is_null(), "{inverted} is not evaluated here");
    }
    any(&statement["Action"], ask.action)
        && any(&statement["Resource"], &ask.on)
        && entries(&statement["Condition"])
            .flat_map(|(operator, of)| entries(of).map(move |(key, values)| (operator, key, values)))
            .all(|(operator, key, values)| holds(operator, keys.get(key), &expected(values)))
}

fn expected(values: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    items(values).into_iter().map(text).collect()
}

/// Whether a condition holds for a key's values, which may be absent.
fn holds(operator: &str, actual: Option<&Vec<String>>, expected: &[String]) -> bool {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (Some(set), operator),
        None => (None, operator),
    };
    if operator == "Null" {
        return expected == [actual.is_none().to_string()];
    }
    let (if_exists, operator) = match operator.strip_suffix("IfExists") {
        Some(operator) => (true, operator),
        None => (false, operator),
    };
    let (negated, fits): (bool, fn(&str, &str) -> bool) = match operator {
        "StringEquals" => (false, |pattern, text| pattern == text),
        "StringNotEquals" => (true, |pattern, text| pattern == text),
        "StringLike" | "ArnEquals" | "ArnLike" => (false, like),
        "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => (true, like),
        "Bool" => (false, |pattern, text| pattern.eq_ignore_ascii_case(text)),
        other => panic!("{other} is not evaluated here"),
    };
    let one = |value: &String| expected.iter().any(|pattern| fits(pattern, value)) != negated;
    match (set, actual) {
        (Some("ForAllValues"), actual) => actual.is_none_or(|values| values.iter().all(one)),
        (Some("ForAnyValue"), actual) => actual.is_some_and(|values| values.iter().any(one)),
        (Some(other), _) => panic!("{other} is no set operator"),
        (None, None) => negated || if_exists,
        (None, Some(values)) => values.iter().all(one),
    }
}

/// Whether a text fits a pattern in which `*` stands for any part and `?` for any character.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| like(rest, &text[at..]))
        }
        Some(first) => match text.chars().next() {
            Some(c) if first == '?' || first == c => {
                like(&pattern[first.len_utf8()..], &text[c.len_utf8()..])
            }
            Some(_) | None => false,
        },
    }
}

#[test]
fn operators_are_what_iam_says_they_are() {
    let of = |values: &[&str]| -> Vec<String> { values.iter().map(|value| (*value).to_owned()).collect() };
    let holds = |operator: &str, actual: Option<&[&str]>, expected: &[&str]| {
        holds(operator, actual.map(&of).as_ref(), &of(expected))
    };
    for (operator, actual, expected, so) in [
        ("StringEquals", Some(&["a"][..]), &["a", "b"][..], true),
        ("StringEquals", None, &["a"], false),
        ("StringEqualsIfExists", None, &["a"], true),
        // The trap: a negated operator holds where the key is absent.
        ("StringNotEquals", None, &["a"], true),
        ("ArnNotLike", None, &["arn:*"], true),
        (
            "ArnNotLike",
            Some(&["arn:aws:iam::1:role/x"]),
            &["arn:aws:iam::1:role/*", "y"],
            false,
        ),
        (
            "ArnNotEquals",
            Some(&["arn:aws:iam::1:role/x"]),
            &["arn:aws:iam::1:role/y"],
            true,
        ),
        ("Bool", None, &["false"], false),
        ("Bool", Some(&["false"]), &["false"], true),
        // And so does this one.
        ("ForAllValues:StringEquals", None, &["a"], true),
        ("ForAllValues:StringEquals", Some(&["a", "c"]), &["a", "b"], false),
        ("ForAllValues:StringNotEquals", Some(&["a"]), &["a"], false),
        ("ForAnyValue:StringEquals", None, &["a"], false),
        ("ForAnyValue:StringNotEquals", Some(&["a", "c"]), &["a"], true),
        ("Null", None, &["true"], true),
        ("Null", Some(&["a"]), &["false"], true),
        ("Null", None, &["false"], false),
    ] {
        assert_eq!(
            holds(operator, actual, expected),
            so,
            "{operator} {actual:?} {expected:?}"
        );
    }
    assert!(like("a*c?", "abbcd") && !like("a*c?", "abbc") && like("*", "") && !like("a", "ab"));
}
