//! The tables and the bucket, against what the adapters and their tests expect of them.

use aws_sdk_dynamodb::operation::create_table::builders::CreateTableInputBuilder;
use aws_sdk_dynamodb::types::KeySchemaElement;
use domain::proposal::LONGEST_LIFE_DAYS;
use domain::value::Tier;
use serde_json::{Value, json};

use super::deployed::Deployed;
use super::tree::Template;
use super::{notices, passes};

/// The part of a table that code depends on, in CloudFormation's words.
fn shape(table: &Value) -> Value {
    json!({
        "BillingMode": table["BillingMode"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": table["GlobalSecondaryIndexes"],
        "StreamViewType": table["StreamSpecification"]["StreamViewType"],
    })
}

/// The same of a table that tests run against.
fn shape_of(table: &CreateTableInputBuilder) -> Value {
    let keys = |schema: &[KeySchemaElement]| -> Vec<Value> {
        let element = |key: &KeySchemaElement| json!({"AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str()});
        schema.iter().map(element).collect()
    };
    let attributes = table.get_attribute_definitions().iter().flatten().map(
        |one| json!({"AttributeName": one.attribute_name(), "AttributeType": one.attribute_type().as_str()}),
    );
    let indexes = table.get_global_secondary_indexes().iter().flatten().map(|one| {
        let projection = one
            .projection()
            .and_then(|projection| projection.projection_type());
        json!({"IndexName": one.index_name(), "KeySchema": keys(one.key_schema()),
               "Projection": {"ProjectionType": projection.unwrap().as_str()}})
    });
    let stream = table
        .get_stream_specification()
        .as_ref()
        .and_then(|one| one.stream_view_type());
    json!({
        "BillingMode": table.get_billing_mode().as_ref().map(|mode| mode.as_str()),
        "AttributeDefinitions": attributes.collect::<Vec<_>>(),
        "KeySchema": keys(table.get_key_schema().as_deref().unwrap_or_default()),
        "GlobalSecondaryIndexes": indexes.collect::<Vec<_>>(),
        "StreamViewType": stream.map(|view| view.as_str()),
    })
}

fn tables_are_those_of_the_tests(template: &Template) -> Vec<String> {
    let tested = [
        ("Trail", shape_of(&testkit::trail_table(testkit::TRAIL_TABLE))),
        ("Proposals", shape_of(&testkit::view_table(testkit::VIEW_TABLE))),
    ];
    tested
        .into_iter()
        .filter(|(id, tested)| shape(template.properties(id)) != *tested)
        .map(|(id, tested)| format!("{id} is another table than the tests': {tested:#}"))
        .collect()
}

#[test]
fn the_tables_are_the_ones_that_tests_run_against() {
    passes(tables_are_those_of_the_tests);
    notices(tables_are_those_of_the_tests, "Trail", |root| {
        root["Resources"]["Trail"]["Properties"]["KeySchema"][1]["AttributeName"] = json!("at");
    });
    notices(tables_are_those_of_the_tests, "Trail", |root| {
        root["Resources"]["Trail"]["Properties"]["StreamSpecification"]["StreamViewType"] =
            json!("KEYS_ONLY");
    });
    notices(tables_are_those_of_the_tests, "Proposals", |root| {
        root["Resources"]["Proposals"]["Properties"]["GlobalSecondaryIndexes"][0]["IndexName"] =
            json!("open");
    });
}

/// What outlives the stack.
const RETAINED: [&str; 6] = [
    "Trail",
    "PayloadBucket",
    "TranscriptBucket",
    "PolicyBucket",
    "DecisionKey",
    "OperatorKey",
];

fn the_trail_stays(template: &Template) -> Vec<String> {
    let resource = |id: &str| &template.root()["Resources"][id];
    let mut wrong = Vec::new();
    for id in RETAINED {
        // Whatever was made by a deployment that failed is of no use, and in the way of the next one.
        for (policy, kept) in [
            ("DeletionPolicy", "RetainExceptOnCreate"),
            ("UpdateReplacePolicy", "Retain"),
        ] {
            if resource(id)[policy] != kept {
                wrong.push(format!("{id} has no {policy} of {kept}"));
            }
        }
    }
    for (id, resource) in template.resources() {
        if resource["DeletionPolicy"].to_string().contains("Retain") && !RETAINED.contains(&id) {
            wrong.push(format!("{id} is retained"));
        }
    }
    let trail = template.properties("Trail");
    let bucket = template.properties("PayloadBucket");
    for (what, holds) in [
        (
            "deletion protection",
            trail["DeletionProtectionEnabled"] == json!({"Fn::If": ["ProtectsTrail", true, false]}),
        ),
        (
            "point-in-time recovery",
            trail["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true,
        ),
        (
            "time to live",
            trail["TimeToLiveSpecification"] == json!({"AttributeName": "expires_at", "Enabled": true}),
        ),
        ("encryption", trail["SSESpecification"]["SSEEnabled"] == true),
        ("its name", trail["TableName"] == json!({"Ref": "TrailTable"})),
        ("object lock", bucket["ObjectLockEnabled"] == true),
        (
            "versions",
            bucket["VersioningConfiguration"]["Status"] == "Enabled",
        ),
        (
            "retention by tier",
            bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"]
                == json!({"Fn::FindInMap": ["Retention", {"Ref": "LicenseTier"}, "LockedDays"]}),
        ),
    ] {
        if !holds {
            wrong.push(format!("the trail or its payloads lack {what}"));
        }
    }
    for (id, what) in [("TranscriptBucket", "transcripts"), ("PolicyBucket", "policies")] {
        if template.properties(id) != bucket {
            wrong.push(format!("{what} are not kept as the payloads are"));
        }
    }
    let block = &bucket["PublicAccessBlockConfiguration"];
    for setting in [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ] {
        if block[setting] != true {
            wrong.push(format!("the payload bucket lacks {setting}"));
        }
    }
    wrong
}

#[test]
fn the_trail_survives_the_stack_and_its_administrators_mistakes() {
    passes(the_trail_stays);
    for (id, policy) in [
        ("Trail", "Delete"),
        ("Trail", "Retain"),
        ("DecisionKey", "Retain"),
    ] {
        notices(the_trail_stays, id, |root| {
            root["Resources"][id]["DeletionPolicy"] = json!(policy);
        });
    }
    notices(the_trail_stays, "IngestQueue is retained", |root| {
        root["Resources"]["IngestQueue"]["DeletionPolicy"] = json!("Retain");
    });
    for (field, culprit) in [
        ("DeletionProtectionEnabled", "deletion protection"),
        ("PointInTimeRecoverySpecification", "point-in-time recovery"),
        ("TimeToLiveSpecification", "time to live"),
    ] {
        notices(the_trail_stays, culprit, |root| {
            let properties = root["Resources"]["Trail"]["Properties"].as_object_mut().unwrap();
            properties.remove(field);
        });
    }
    notices(the_trail_stays, "RestrictPublicBuckets", |root| {
        root["Resources"]["PayloadBucket"]["Properties"]["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] =
            json!(false);
    });
}

/// CloudFormation deletes what a first deployment made before it failed: nothing of it may refuse to be deleted.
#[test]
fn a_failed_first_deployment_leaves_nothing_in_the_way_of_the_next() {
    let deployed = |given: &[(&str, &str)]| Deployed::of(Template::read(), given);
    let protected = |given: &[(&str, &str)]| {
        let tables = deployed(given).of_type("AWS::DynamoDB::Table").into_iter();
        let protected = tables.filter(|(_, table)| table["DeletionProtectionEnabled"] == true);
        protected.map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert!(protected(&[]).is_empty());
    assert_eq!(protected(&[("TrailDeletionProtection", "true")]), ["Trail"]);
    for (id, bucket) in deployed(&[]).of_type("AWS::S3::Bucket") {
        assert!(bucket["BucketName"].is_null(), "{id} has a name that stays taken");
    }
}

/// A lock that nobody can lift is chosen by whoever deploys, never by leaving a parameter out.
#[test]
fn a_lock_that_nobody_can_lift_is_no_default() {
    let modes = |given: &[(&str, &str)]| -> Vec<Value> {
        let buckets = Deployed::of(Template::read(), given).of_type("AWS::S3::Bucket");
        let mode =
            |bucket: &Value| bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"].clone();
        buckets.iter().map(|(_, bucket)| mode(bucket)).collect()
    };
    assert_eq!(modes(&[]), vec![json!("GOVERNANCE"); 3]);
    assert_eq!(
        modes(&[("PayloadLockMode", "COMPLIANCE")]),
        vec![json!("COMPLIANCE"); 3]
    );
}

/// Payloads are locked for as long as the records that name them are kept.
fn retention_is_the_tiers(template: &Template) -> Vec<String> {
    let allowed = &template.root()["Parameters"]["LicenseTier"]["AllowedValues"];
    let mut wrong = Vec::new();
    if *allowed != json!(Tier::ALL.map(Tier::name)) {
        wrong.push(format!("LicenseTier allows {allowed}"));
    }
    for tier in Tier::ALL {
        // What names it may be recorded at the end of a proposal's life, of which each record is kept for as long.
        let kept = LONGEST_LIFE_DAYS + tier.retention_days();
        let days = &template.root()["Mappings"]["Retention"][tier.name()]["LockedDays"];
        if days.as_u64() != Some(kept + 1) {
            wrong.push(format!(
                "{} keeps payloads for {days} days, and records for {kept}",
                tier.name()
            ));
        }
    }
    wrong
}

#[test]
fn payloads_are_kept_as_long_as_the_tiers_records() {
    passes(retention_is_the_tiers);
    notices(retention_is_the_tiers, "business", |root| {
        root["Mappings"]["Retention"]["business"]["LockedDays"] = json!(365);
    });
}
