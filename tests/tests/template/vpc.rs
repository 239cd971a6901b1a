//! The functions in a VPC, and in none.

use serde_json::json;

use super::deployed::{ACCOUNT, Deployed};
use super::iam::{Ask, Who, allows};
use super::tree::{Template, items};

const GIVEN: [(&str, &str); 2] = [
    ("VpcSubnetIds", "subnet-0a,subnet-0b"),
    ("VpcSecurityGroupIds", "sg-0c"),
];

const ROLE: &str = "AWS::IAM::Role";

#[test]
fn every_functions_role_lets_lambda_make_its_interfaces() {
    let template = Template::read();
    let powers = |given: &[(&str, &str)], id: &str| {
        let deployed = Deployed::of(Template::read(), given);
        let ask = |keys| Ask {
            action: "ec2:CreateNetworkInterface",
            on: "*".to_owned(),
            keys,
        };
        let role = Who::Ours(id.to_owned());
        // Of a call by the function's own code, AWS says whose.
        let code = format!("arn:aws:lambda:eu-central-1:{ACCOUNT}:function:sre-agent-scoring");
        let by_code = ask(vec![("lambda:SourceFunctionArn", code)]);
        (
            allows(&deployed, &role, &ask(Vec::new())),
            allows(&deployed, &role, &by_code),
        )
    };
    for (id, _) in template.of_type(ROLE) {
        assert_eq!(powers(&[], id), (false, false), "{id}");
        assert_eq!(powers(&GIVEN, id), (true, false), "{id}");
    }
}

#[test]
fn functions_are_in_a_vpc_where_one_is_given_and_in_none_otherwise() {
    let config = |given: &[(&str, &str)]| {
        let template = Template::read();
        let shared = template.root()["Globals"]["Function"]["VpcConfig"].clone();
        let deployed = Deployed::of(template, given);
        let policies = deployed.of_type("AWS::IAM::ManagedPolicy");
        let powers = policies.iter().any(|(id, _)| id == "VpcPolicy");
        (deployed.value(&shared), powers)
    };
    assert_eq!(config(&[]), (None, false));
    let there = json!({"SubnetIds": ["subnet-0a", "subnet-0b"], "SecurityGroupIds": ["sg-0c"]});
    assert_eq!(config(&GIVEN), (Some(there), true));
}

/// What Lambda does with the role for the function, the function's code may not do.
#[test]
fn the_functions_own_code_makes_no_interfaces() {
    let deployed = Deployed::of(Template::read(), &GIVEN);
    let policies = deployed.of_type("AWS::IAM::ManagedPolicy");
    let (_, policy) = policies.iter().find(|(id, _)| id == "VpcPolicy").unwrap();
    let [allowed, denied] = items(&policy["PolicyDocument"]["Statement"])[..] else {
        panic!("{policy}");
    };
    assert_eq!(
        (&allowed["Effect"], &denied["Effect"]),
        (&json!("Allow"), &json!("Deny"))
    );
    for action in items(&allowed["Action"]) {
        assert!(items(&denied["Action"]).contains(&action), "{action}");
    }
    let code = "arn:aws:lambda:eu-central-1:111122223333:function:sre-agent-*";
    assert_eq!(
        denied["Condition"],
        json!({"ArnLike": {"lambda:SourceFunctionArn": code}})
    );
    for (id, function) in deployed.of_type("AWS::Serverless::Function") {
        let name = function["FunctionName"].as_str().unwrap();
        assert!(name.starts_with("sre-agent-"), "{id}");
    }
}
