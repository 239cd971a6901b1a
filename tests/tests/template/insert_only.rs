//! Records are inserted and never changed, and only the outbox tells of them.

use std::collections::BTreeSet;

use serde_json::json;

use super::permissions::{allows, sid};
use super::tree::{Template, items, target, texts};
use super::{notices, passes};

/// Whatever could change or remove a record of the trail.
const CHANGES_A_RECORD: [&str; 6] = [
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
];

fn nobody_changes_a_record(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, statement) in allows(template) {
        let on_the_trail = items(&statement["Resource"]).into_iter().any(|resource| {
            let names = Template::names_in(resource);
            resource == "*" || names.iter().any(|name| name == "Trail" || name == "TrailTable")
        });
        let changes = texts(&statement["Action"])
            .into_iter()
            .find(|action| CHANGES_A_RECORD.contains(action) || *action == "*" || *action == "dynamodb:*");
        if let Some(action) = changes.filter(|_| on_the_trail) {
            wrong.push(format!("{id}/{} may {action} on the trail", sid(&statement)));
        }
    }
    let policy = &template.properties("Trail")["ResourcePolicy"]["PolicyDocument"]["Statement"];
    let table = json!({"Fn::Sub":
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TrailTable}"});
    let denied = items(policy).into_iter().any(|statement| {
        let actions: BTreeSet<&str> = texts(&statement["Action"]).into_iter().collect();
        statement["Effect"] == "Deny"
            && statement["Principal"] == "*"
            && statement["Condition"].is_null()
            && items(&statement["Resource"]) == [&table]
            && CHANGES_A_RECORD.iter().all(|action| actions.contains(action))
    });
    if !denied {
        wrong.push("the trail's own policy does not deny changes to everybody".to_owned());
    }
    wrong
}

#[test]
fn nobody_may_change_or_remove_a_record_of_the_trail() {
    passes(nobody_changes_a_record);
    for action in CHANGES_A_RECORD {
        notices(nobody_changes_a_record, "ScoringRole", |root| {
            root["Resources"]["ScoringRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]
                ["Action"] = json!(["dynamodb:PartiQLInsert", action]);
        });
        notices(nobody_changes_a_record, "does not deny", |root| {
            let denied = &mut root["Resources"]["Trail"]["Properties"]["ResourcePolicy"]["PolicyDocument"];
            let actions = denied["Statement"][0]["Action"].as_array_mut().unwrap();
            actions.retain(|denied| *denied != action);
        });
    }
    notices(nobody_changes_a_record, "OutboxRole", |root| {
        root["Resources"]["OutboxRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][4]["Resource"] =
            json!([{"Fn::GetAtt": ["Proposals", "Arn"]}, {"Fn::GetAtt": ["Trail", "Arn"]}]);
    });
    notices(nobody_changes_a_record, "does not deny", |root| {
        root["Resources"]["Trail"]["Properties"]["ResourcePolicy"]["PolicyDocument"]["Statement"][0]["Condition"] =
            json!({"StringNotEquals": {"aws:PrincipalArn": "admin"}});
    });
}

fn only_the_outbox_speaks(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, statement) in allows(template) {
        for action in texts(&statement["Action"]) {
            let announces = ["events:PutEvents", "sns:Publish"].contains(&action);
            if announces && id.ends_with("Role") && id != "OutboxRole" {
                wrong.push(format!("{id} may {action}"));
            }
        }
    }
    let policy = &template.properties("IncidentBus")["Policy"]["Statement"];
    let denied = items(policy).into_iter().any(|statement| {
        statement["Effect"] == "Deny"
            && statement["Condition"]["ForAnyValue:StringEquals"]["events:source"] == domain::trail::SOURCE
            && target(&statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]).as_deref()
                == Some("OutboxRole")
    });
    if !denied {
        wrong.push("others than the outbox may speak as the agent".to_owned());
    }
    wrong
}

#[test]
fn only_the_outbox_announces() {
    passes(only_the_outbox_speaks);
    notices(only_the_outbox_speaks, "ScoringRole", |root| {
        root["Resources"]["ScoringRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]["Action"] =
            json!("events:PutEvents");
    });
    notices(only_the_outbox_speaks, "others", |root| {
        root["Resources"]["IncidentBus"]["Properties"]["Policy"]["Statement"][1]["Effect"] = json!("Allow");
    });
}
