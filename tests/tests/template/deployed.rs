//! The template as it is deployed with some parameters: its functions worked out, and the names and ARNs that AWS would
//! give.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tree::{Template, entries, items, walk};

/// The account of the stack.
pub(crate) const ACCOUNT: &str = "111122223333";

const REGION: &str = "eu-central-1";
const STACK: &str = "sre-agent";

/// A deployed stack.
pub(crate) struct Deployed {
    template: Template,
    parameters: BTreeMap<String, Value>,
}

impl Deployed {
    /// The template with these parameters, and the others at their defaults. Lists are texts with commas.
    pub(crate) fn of(template: Template, given: &[(&str, &str)]) -> Self {
        let declared = template.parameters().map(|(name, parameter)| {
            let given = given.iter().find(|(known, _)| *known == name);
            let value = given.map_or_else(|| parameter["Default"].clone(), |(_, value)| json!(value));
            let value = match (parameter["Type"].as_str(), value.as_str()) {
                (Some("CommaDelimitedList"), Some(text)) => text.split(',').map(Value::from).collect(),
                _ => value,
            };
            (name.to_owned(), value)
        });
        let parameters: BTreeMap<String, Value> = declared.collect();
        for (name, _) in given {
            assert!(parameters.contains_key(*name), "there is no parameter {name}");
        }
        Self { template, parameters }
    }

    /// The resources that this deployment has, of a type: logical id and properties.
    pub(crate) fn of_type(&self, wanted: &str) -> Vec<(String, Value)> {
        let found = self.template.of_type(wanted).into_iter();
        let deployed = found.filter(|(_, resource)| match resource["Condition"].as_str() {
            Some(condition) => self.holds(condition),
            None => true,
        });
        deployed
            .map(|(id, resource)| (id.to_owned(), self.value(&resource["Properties"]).unwrap()))
            .collect()
    }

    /// The ARN of a resource.
    pub(crate) fn arn(&self, id: &str) -> String {
        let text = self.value(&json!({"Fn::GetAtt": [id, "Arn"]})).unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// A value as it is deployed; `None` where it is left out.
    pub(crate) fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(list) => Some(list.iter().filter_map(|item| self.value(item)).collect()),
            Value::Object(fields) => match self.function(value) {
                Some(worked_out) => worked_out,
                None => {
                    let fields = fields.iter();
                    let fields = fields.filter_map(|(name, field)| Some((name.clone(), self.value(field)?)));
                    Some(Value::Object(fields.collect::<Map<_, _>>()))
                }
            },
            plain => Some(plain.clone()),
        }
    }

    fn text(&self, value: &Value) -> String {
        match self.value(value) {
            Some(Value::String(text)) => text,
            other => panic!("{value} is no text: {other:?}"),
        }
    }

    /// What a function of CloudFormation comes to; `None` where the value is none.
    fn function(&self, value: &Value) -> Option<Option<Value>> {
        let (name, of) = entries(value).next()?;
        Some(match name {
            "Ref" if *of == "AWS::NoValue" => None,
            "Ref" => Some(self.named(of.as_str().unwrap())),
            "Fn::GetAtt" => Some(json!(
                self.attribute(of[0].as_str().unwrap(), of[1].as_str().unwrap())
            )),
            "Fn::Sub" => Some(json!(self.substituted(of.as_str().unwrap()))),
            "Fn::If" => match self.holds(of[0].as_str().unwrap()) {
                true => self.value(&of[1]),
                false => self.value(&of[2]),
            },
            "Fn::Join" => {
                let parts = self.value(&of[1]).unwrap();
                let parts: Vec<&str> = items(&parts).into_iter().filter_map(Value::as_str).collect();
                Some(json!(parts.join(of[0].as_str().unwrap())))
            }
            "Fn::Split" => Some(
                self.text(&of[1])
                    .split(of[0].as_str().unwrap())
                    .map(Value::from)
                    .collect(),
            ),
            "Fn::Select" => {
                let at = usize::try_from(of[0].as_u64().unwrap()).unwrap();
                Some(self.value(&of[1]).unwrap()[at].clone())
            }
            "Fn::FindInMap" => {
                let key = |at: usize| self.text(&of[at]);
                Some(self.template.root()["Mappings"][&key(0)][&key(1)][&key(2)].clone())
            }
            _ => return None,
        })
    }

    fn holds(&self, condition: &str) -> bool {
        self.is_true(&self.template.root()["Conditions"][condition])
    }

    fn is_true(&self, value: &Value) -> bool {
        let (name, of) = entries(value).next().unwrap();
        match name {
            "Fn::Equals" => {
                let side = |at: usize| self.value(&of[at]).unwrap().to_string();
                side(0).trim_matches('"') == side(1).trim_matches('"')
            }
            "Fn::Not" => !self.is_true(&of[0]),
            "Condition" => self.holds(of.as_str().unwrap()),
            other => panic!("{other} is no condition known here"),
        }
    }

    fn named(&self, name: &str) -> Value {
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        json!(match name {
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::StackName" => STACK.to_owned(),
            "AWS::StackId" => format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1"),
            topic if self.is(topic, "AWS::SNS::Topic") => self.attribute(topic, "Arn"),
            other => {
                assert!(!self.template.properties(other).is_null(), "{other} is nothing");
                format!("{other}-id")
            }
        })
    }

    fn is(&self, id: &str, wanted: &str) -> bool {
        self.template.root()["Resources"][id]["Type"] == wanted
    }

    fn attribute(&self, id: &str, attribute: &str) -> String {
        let properties = self.template.properties(id);
        let kind = self.template.root()["Resources"][id]["Type"]
            .as_str()
            .unwrap_or_default();
        let arn = |service: &str, rest: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
        let own = |name: &str| self.text(&properties[name]);
        match (kind, attribute) {
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{STACK}-{id}"),
            ("AWS::SQS::Queue", "Arn") => arn("sqs", own("QueueName")),
            ("AWS::SNS::Topic", "Arn") => arn("sns", own("TopicName")),
            ("AWS::Events::EventBus", "Arn") => arn("events", format!("event-bus/{}", own("Name"))),
            ("AWS::Events::Rule", "Arn") => arn("events", format!("rule/{id}")),
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", format!("table/{}", own("TableName"))),
            ("AWS::Serverless::Function", "Arn") => {
                arn("lambda", format!("function:{}", own("FunctionName")))
            }
            ("AWS::KMS::Key", "Arn") => arn("kms", format!("key/{id}")),
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{}", id.to_lowercase()),
            (_, attribute) => arn("other", format!("{id}/{attribute}")),
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut done = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap();
            let value = match name.split_once('.') {
                Some((id, attribute)) => self.attribute(id, attribute),
                None => self.named(name).as_str().unwrap().to_owned(),
            };
            done.push_str(&value);
            done.push_str(rest);
        }
        done
    }

    /// The statements of the policies that a role has.
    pub(crate) fn of_role(&self, id: &str) -> Vec<Value> {
        let roles = self
            .of_type("AWS::IAM::Role")
            .into_iter()
            .filter(|(known, _)| known == id);
        let mut found: Vec<Value> = roles
            .flat_map(|(_, role)| statements(&role["Policies"]))
            .collect();
        for (managed, policy) in self.of_type("AWS::IAM::ManagedPolicy") {
            let roles = self.of_type("AWS::IAM::Role").into_iter();
            let mut role = roles.filter(|(known, _)| known == id);
            if role
                .any(|(_, role)| items(&role["ManagedPolicyArns"]).contains(&&json!(format!("{managed}-id"))))
            {
                found.extend(statements(&policy["PolicyDocument"]));
            }
        }
        let attached = self.of_type("AWS::IAM::Policy").into_iter();
        let attached =
            attached.filter(|(_, policy)| items(&policy["Roles"]).contains(&&json!(format!("{id}-id"))));
        found.extend(attached.flat_map(|(_, policy)| statements(&policy["PolicyDocument"])));
        found
    }

    /// The statements of a managed policy.
    pub(crate) fn of_managed(&self, id: &str) -> Vec<Value> {
        let policies = self.of_type("AWS::IAM::ManagedPolicy").into_iter();
        let policies = policies.filter(|(known, _)| known == id);
        policies
            .flat_map(|(_, policy)| statements(&policy["PolicyDocument"]))
            .collect()
    }

    /// The statements of the policies that resources have. Those of a key, which say `*`, are of that key.
    pub(crate) fn of_resources(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for (kind, at) in [
            ("AWS::SQS::QueuePolicy", "/PolicyDocument"),
            ("AWS::SNS::TopicPolicy", "/PolicyDocument"),
            ("AWS::S3::BucketPolicy", "/PolicyDocument"),
            ("AWS::Events::EventBus", "/Policy"),
            ("AWS::DynamoDB::Table", "/ResourcePolicy/PolicyDocument"),
            ("AWS::KMS::Key", "/KeyPolicy"),
        ] {
            let policies = self.of_type(kind).into_iter();
            for (id, properties) in policies {
                let mut of_one = properties.pointer(at).map(statements).unwrap_or_default();
                if kind == "AWS::KMS::Key" {
                    for statement in &mut of_one {
                        statement["Resource"] = json!(self.arn(&id));
                    }
                }
                found.extend(of_one);
            }
        }
        found
    }
}

/// Every statement below a value.
fn statements(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(value, &mut |_, value| {
        if value["Effect"].is_string() {
            found.push(value.clone());
        }
    });
    found
}

#[test]
fn a_deployment_works_the_templates_functions_out() {
    let deployed = Deployed::of(
        Template::read(),
        &[("SenderAccounts", "999988887777,444455556666")],
    );
    let value = |value: Value| deployed.value(&value);
    let accounts = &deployed.of_type("AWS::Events::Rule")[0].1["EventPattern"]["account"];
    assert_eq!(*accounts, json!([ACCOUNT, "999988887777", "444455556666"]));
    assert_eq!(value(json!({"Ref": "AWS::NoValue"})), None);
    assert_eq!(value(json!([1, {"Ref": "AWS::NoValue"}])), Some(json!([1])));
    assert_eq!(
        value(json!({"Fn::Sub": "${Trail.Arn}/index/${AWS::StackName}"})),
        Some(json!(
            "arn:aws:dynamodb:eu-central-1:111122223333:table/sre_actions/index/sre-agent"
        ))
    );
    let policies = deployed.of_type("AWS::IAM::Policy");
    let policies: Vec<&str> = policies.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(
        policies,
        ["SigningPolicy", "PublicKeysPolicy"],
        "what only the emulator or another model needs is not deployed"
    );
}
