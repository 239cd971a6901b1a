//! Who may sign with which key, and who may write what to which stream.

use std::collections::BTreeSet;

use domain::trail::Author;
use serde_json::{Value, json};

use super::permissions::{allows, sid};
use super::tree::{Template, items, target, texts};
use super::{notices, passes};

/// As whom each role writes, to which streams, and whether it signs.
const WRITERS: [(&str, Author, &[&str], bool); 8] = [
    (
        "IngestAndProposeRole",
        Author::Ingest,
        &["proposal/*", "incident/*", "limit/*"],
        false,
    ),
    ("ScoringRole", Author::Scoring, &["proposal/*", "limit/*"], false),
    ("ApprovalCallbackRole", Author::Callback, &["proposal/*"], true),
    ("ApprovalCommandsRole", Author::Callback, &["proposal/*"], true),
    ("NotificationRole", Author::Notification, &["proposal/*"], false),
    (
        "ExecutionRole",
        Author::Execution,
        &["proposal/*", "target/*", "limit/*", "guard"],
        false,
    ),
    (
        "HousekeepingRole",
        Author::Housekeeping,
        &["proposal/*", "guard"],
        false,
    ),
    ("SwitchesPolicy", Author::Operator, &["control"], true),
];

/// The attributes of every record.
const ATTRIBUTES: [&str; 13] = [
    "stream",
    "seq",
    "kind",
    "at",
    "actor",
    "body",
    "digest",
    "writer",
    "source",
    "schema",
    "hour",
    "prev",
    "expires_at",
];

/// What a key's own policy leaves to the account's administrators: everything but to sign.
pub(super) const ADMINISTERS: [&str; 15] = [
    "kms:DescribeKey",
    "kms:GetPublicKey",
    "kms:GetKeyPolicy",
    "kms:PutKeyPolicy",
    "kms:EnableKey",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:UpdateKeyDescription",
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ListResourceTags",
];

fn set(value: &Value) -> BTreeSet<String> {
    texts(value).into_iter().map(str::to_owned).collect()
}

fn everybody_writes_as_themselves(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut writers: BTreeSet<&str> = WRITERS.iter().map(|(id, ..)| *id).collect();
    for (id, statement) in allows(template) {
        if !texts(&statement["Action"]).contains(&"dynamodb:PartiQLInsert") {
            continue;
        }
        let Some((_, author, streams, signs)) = WRITERS.iter().find(|(of, ..)| *of == id) else {
            wrong.push(format!("{id} appends to the trail"));
            continue;
        };
        writers.remove(id.as_str());
        let condition = &statement["Condition"];
        let mut attributes: BTreeSet<String> = ATTRIBUTES.map(str::to_owned).into();
        attributes.insert(author.attribute().to_owned());
        if *signs {
            attributes.extend(["signature", "key"].map(str::to_owned));
        }
        let all = &condition["ForAllValues:StringEquals"]["dynamodb:Attributes"];
        if set(all) != attributes {
            wrong.push(format!("{id} writes the attributes {:?}", set(all)));
        }
        // Every value is among them where there is none: a guard against absence, and its own attribute must be there.
        let own = &condition["ForAnyValue:StringEquals"]["dynamodb:Attributes"];
        if texts(own) != [author.attribute()] {
            wrong.push(format!("{id} need not write {}", author.attribute()));
        }
        for absent in ["dynamodb:Attributes", "dynamodb:LeadingKeys"] {
            if condition["Null"][absent] != "false" {
                wrong.push(format!("{id} passes where {absent} is absent"));
            }
        }
        let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
        if texts(keys) != *streams {
            wrong.push(format!("{id} writes to {:?}", texts(keys)));
        }
    }
    wrong.extend(writers.into_iter().map(|id| format!("{id} appends nothing")));
    wrong
}

#[test]
fn each_role_writes_its_own_attribute_to_its_own_streams_and_no_other() {
    passes(everybody_writes_as_themselves);
    let of = |root: &mut Value, role: &str, change: &dyn Fn(&mut Value)| {
        let document = &mut root["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"];
        change(&mut document["Statement"][1]["Condition"]);
    };
    notices(everybody_writes_as_themselves, "ScoringRole", |root| {
        of(root, "ScoringRole", &|condition| *condition = Value::Null);
    });
    notices(
        everybody_writes_as_themselves,
        "ScoringRole passes where",
        |root| {
            of(root, "ScoringRole", &|condition| condition["Null"] = json!({}));
        },
    );
    notices(
        everybody_writes_as_themselves,
        "ScoringRole writes the attributes",
        |root| {
            of(root, "ScoringRole", &|condition| {
                let listed = &mut condition["ForAllValues:StringEquals"]["dynamodb:Attributes"];
                listed.as_array_mut().unwrap().push(json!("by_callback"));
            });
        },
    );
    notices(everybody_writes_as_themselves, "ScoringRole writes to", |root| {
        of(root, "ScoringRole", &|condition| {
            condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(["*"]);
        });
    });
}

fn who_signs_is_written_down(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, statement) in allows(template) {
        let actions = texts(&statement["Action"]);
        let signs = actions.contains(&"kms:Sign");
        let known = matches!(
            (id.as_str(), sid(&statement)),
            ("DecisionKey", "TheCallbackSigns")
                | ("SigningPolicy", "SignDecisions")
                | ("OperatorKey", "OperatorsSign")
                | ("SwitchesPolicy", "Sign")
        );
        if signs && !known {
            wrong.push(format!("{id}/{} may sign", sid(&statement)));
        }
        if (id.as_str(), sid(&statement)) == ("DecisionKey", "TheCallbackSigns") {
            let named = &statement["Condition"]["ArnLike"]["aws:PrincipalArn"];
            let on_aws = |name: &&Value| {
                name["Fn::If"][0] != "OnLocalStack" || name["Fn::If"][2]["Ref"] != "AWS::NoValue"
            };
            let who: Vec<Option<String>> = items(named).into_iter().filter(on_aws).map(target).collect();
            let callback = ["ApprovalCallbackRole", "ApprovalCommandsRole"].map(|role| Some(role.to_owned()));
            if who != callback {
                wrong.push(format!("{who:?} sign decisions"));
            }
        }
        if actions
            .iter()
            .any(|action| ["kms:CreateGrant", "kms:*"].contains(action))
        {
            wrong.push(format!("{id}/{} may let others sign", sid(&statement)));
        }
    }
    for key in ["DecisionKey", "OperatorKey"] {
        let properties = template.properties(key);
        if properties["KeySpec"] != "ECC_NIST_P256" || properties["KeyUsage"] != "SIGN_VERIFY" {
            wrong.push(format!("{key} is no key that signs on P-256"));
        }
    }
    let operators = &template.properties("OperatorKey")["KeyPolicy"]["Statement"];
    let denied = items(operators).into_iter().any(|statement| {
        statement["Effect"] == "Deny"
            && statement["Principal"] == "*"
            && statement["Action"] == "kms:Sign"
            && statement["Condition"]["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"]
                == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-*"
    });
    if !denied {
        wrong.push("a function may sign as an operator".to_owned());
    }
    wrong
}

#[test]
fn only_the_callback_signs_decisions_and_only_operators_sign_switches() {
    passes(who_signs_is_written_down);
    notices(
        who_signs_is_written_down,
        "a function may sign as an operator",
        |root| {
            root["Resources"]["OperatorKey"]["Properties"]["KeyPolicy"]["Statement"][2]["Effect"] =
                json!("Allow");
        },
    );
    notices(who_signs_is_written_down, "sign decisions", |root| {
        root["Resources"]["DecisionKey"]["Properties"]["KeyPolicy"]["Statement"][1]["Condition"]["ArnLike"]
            ["aws:PrincipalArn"] = json!([{"Fn::GetAtt": ["ScoringRole", "Arn"]}]);
    });
    notices(who_signs_is_written_down, "ScoringRole", |root| {
        root["Resources"]["ScoringRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]["Action"] =
            json!("kms:Sign");
    });
}
