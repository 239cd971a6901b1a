//! The sender matrix: who reaches the bus, the topics, the queues, the buckets and the keys, by the template's own
//! policies. More doors are more lines in [`doors`].

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::deployed::{ACCOUNT, Deployed};
use super::iam::{Ask, Who, allows};
use super::tree::Template;

/// Something that can be done to a resource.
struct Door {
    name: String,
    ask: Ask,
}

fn door(name: impl Into<String>, action: &'static str, on: String) -> Door {
    Door {
        name: name.into(),
        ask: Ask {
            action,
            on,
            keys: Vec::new(),
        },
    }
}

fn with(mut door: Door, key: &'static str, value: &str) -> Door {
    door.ask.keys.push((key, value.to_owned()));
    door
}

/// Every door of a deployment.
fn doors(deployed: &Deployed) -> Vec<Door> {
    let put = |name: &str| door(name, "events:PutEvents", deployed.arn("IncidentBus"));
    let mut doors = vec![
        with(put("bus"), "events:source", "llm-gateway"),
        with(put("bus as the agent"), "events:source", "sre-agent"),
        with(
            with(put("bus as both"), "events:source", "llm-gateway"),
            "events:source",
            "sre-agent",
        ),
        with(put("bus as another"), "events:source", "somebody"),
        put("bus as nobody"),
    ];
    for (id, _) in deployed.of_type("AWS::SNS::Topic") {
        doors.push(door(&id, "sns:Publish", deployed.arn(&id)));
    }
    for (id, _) in deployed.of_type("AWS::SQS::Queue") {
        doors.push(door(&id, "sqs:SendMessage", deployed.arn(&id)));
    }
    for (id, _) in deployed.of_type("AWS::S3::Bucket") {
        for (verb, action) in [("write", "s3:PutObject"), ("read", "s3:GetObject")] {
            doors.push(door(
                format!("{verb} {id}"),
                action,
                format!("{}/x", deployed.arn(&id)),
            ));
        }
        doors.push(door(format!("list {id}"), "s3:ListBucket", deployed.arn(&id)));
    }
    for (id, _) in deployed.of_type("AWS::KMS::Key") {
        for (verb, action) in [
            ("sign with", "kms:Sign"),
            ("check with", "kms:GetPublicKey"),
            ("say who uses", "kms:PutKeyPolicy"),
            ("lend", "kms:CreateGrant"),
        ] {
            doors.push(door(format!("{verb} {id}"), action, deployed.arn(&id)));
        }
    }
    doors
}

const SENDER: &str = "arn:aws:iam::111122223333:role/gateway/llm-gateway-eu";
const REDRIVER: &str = "arn:aws:iam::111122223333:role/sre-oncall";
const OTHER_ACCOUNT: &str = "999988887777";

/// A deployment that says who may send.
const NAMED: [(&str, &str); 3] = [
    (
        "SenderRoles",
        "arn:aws:iam::111122223333:role/gateway/llm-gateway-*,arn:aws:iam::111122223333:user/drill",
    ),
    ("RedriveRoles", REDRIVER),
    ("SenderAccounts", OTHER_ACCOUNT),
];

/// Everybody who might try: name, and who it is.
fn everybody(deployed: &Deployed) -> Vec<(String, Who)> {
    let mighty = |arn: String| Who::Mighty { arn };
    let role = |account: &str, name: &str| mighty(format!("arn:aws:iam::{account}:role/{name}"));
    let service = |name: &'static str, source: String| Who::Service { name, source };
    let mut all: Vec<(String, Who)> = vec![
        ("a sender".to_owned(), mighty(SENDER.to_owned())),
        ("the redriver".to_owned(), mighty(REDRIVER.to_owned())),
        ("an administrator".to_owned(), role(ACCOUNT, "admin")),
        (
            "one almost named as a sender".to_owned(),
            role(ACCOUNT, "gateway/llm-gatewa"),
        ),
        ("the other account".to_owned(), role(OTHER_ACCOUNT, "gateway")),
        (
            "the sender's name in the other account".to_owned(),
            role(OTHER_ACCOUNT, "gateway/llm-gateway-eu"),
        ),
        (
            "a stranger".to_owned(),
            role("444455556666", "gateway/llm-gateway-eu"),
        ),
    ];
    let roles = deployed.of_type("AWS::IAM::Role").into_iter();
    all.extend(roles.map(|(id, _)| (id.clone(), Who::Ours(id))));
    let policies = deployed.of_type("AWS::IAM::ManagedPolicy").into_iter();
    all.extend(policies.map(|(id, _)| (format!("a holder of {id}"), Who::Holder(id))));
    let topics = deployed.of_type("AWS::SNS::Topic").into_iter();
    all.extend(topics.map(|(id, _)| {
        (
            format!("SNS for {id}"),
            service("sns.amazonaws.com", deployed.arn(&id)),
        )
    }));
    let rules = deployed.of_type("AWS::Events::Rule").into_iter();
    all.extend(rules.map(|(id, _)| {
        (
            format!("EventBridge for {id}"),
            service("events.amazonaws.com", deployed.arn(&id)),
        )
    }));
    for (name, source) in [
        (
            "sns.amazonaws.com",
            "arn:aws:sns:eu-central-1:444455556666:sre-agent-incidents",
        ),
        (
            "events.amazonaws.com",
            "arn:aws:events:eu-central-1:444455556666:rule/IncidentRule",
        ),
        ("s3.amazonaws.com", "arn:aws:s3:::anybodys"),
    ] {
        all.push((format!("{name} for a stranger"), service(name, source.to_owned())));
    }
    all
}

/// Who reaches what: all that is not listed is denied.
fn matrix(template: Template, given: &[(&str, &str)]) -> String {
    let deployed = Deployed::of(template, given);
    let doors = doors(&deployed);
    let mut told = String::new();
    for (name, who) in everybody(&deployed) {
        let open = doors.iter().filter(|door| allows(&deployed, &who, &door.ask));
        let open: Vec<&str> = open.map(|door| door.name.as_str()).collect();
        let open = match (open.len(), open.as_slice()) {
            (0, _) => "nothing".to_owned(),
            (all, _) if all == doors.len() => "everything".to_owned(),
            (_, open) => open.join(", "),
        };
        told += &format!("{name}: {open}\n");
    }
    told
}

fn shows(given: &[(&str, &str)], expected: &Expect) {
    expected.assert_eq(&matrix(Template::read(), given));
}

#[test]
fn who_reaches_what_where_senders_are_named() {
    shows(
        &NAMED,
        &expect![[r#"
            a sender: bus, bus as another, bus as nobody, IncidentTopic, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            the redriver: IngestQueue, ScoringQueue, ExecutionQueue, RestoreQueue, VerifyQueue, AnnounceQueue, SlackQueue, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            an administrator: write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            one almost named as a sender: write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            the other account: bus, IncidentTopic
            the sender's name in the other account: bus, IncidentTopic
            a stranger: nothing
            IngestAndProposeRole: IngestDeadLetterQueue, write PayloadBucket, write TranscriptBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            ScoringRole: ScoringDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            ApprovalCallbackRole: read PolicyBucket, list PolicyBucket, sign with DecisionKey, check with DecisionKey, check with OperatorKey
            ApprovalCommandsRole: read PolicyBucket, list PolicyBucket, sign with DecisionKey, check with DecisionKey, check with OperatorKey
            ExecutionRole: ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            NotificationRole: SlackQueue, SlackDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            OutboxRole: bus as the agent, bus as nobody, ApprovalTopic, AnnounceDeadLetterQueue, OutboxDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            HousekeepingRole: IngestQueue, ScoringQueue, ExecutionQueue, RestoreQueue, VerifyQueue, AnnounceQueue, SlackQueue, HousekeepingDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            a holder of SwitchesPolicy: write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, sign with OperatorKey, check with OperatorKey
            a holder of OperatorPolicy: nothing
            SNS for IncidentTopic: IngestQueue, IngestDeadLetterQueue
            SNS for ApprovalTopic: SlackQueue, SlackDeadLetterQueue
            EventBridge for IncidentRule: IngestQueue, IngestDeadLetterQueue
            EventBridge for StrayTypeRule: StraysDeadLetterQueue
            EventBridge for StraySourceRule: StraysDeadLetterQueue
            EventBridge for ScoringRule: ScoringQueue, ScoringDeadLetterQueue
            EventBridge for ExecutionApprovedRule: ExecutionQueue, ExecutionDeadLetterQueue
            EventBridge for ExecutionAutomaticRule: ExecutionQueue, ExecutionDeadLetterQueue
            EventBridge for HousekeepingSchedule: HousekeepingDeadLetterQueue
            sns.amazonaws.com for a stranger: nothing
            events.amazonaws.com for a stranger: nothing
            s3.amazonaws.com for a stranger: nothing
        "#]],
    );
}

#[test]
fn who_reaches_what_where_no_sender_is_named() {
    shows(
        &[],
        &expect![[r#"
            a sender: bus, bus as another, bus as nobody, IncidentTopic, IngestQueue, IngestDeadLetterQueue, ScoringQueue, ScoringDeadLetterQueue, ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, AnnounceQueue, AnnounceDeadLetterQueue, SlackQueue, SlackDeadLetterQueue, OutboxDeadLetterQueue, HousekeepingDeadLetterQueue, StraysDeadLetterQueue, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            the redriver: bus, bus as another, bus as nobody, IncidentTopic, IngestQueue, IngestDeadLetterQueue, ScoringQueue, ScoringDeadLetterQueue, ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, AnnounceQueue, AnnounceDeadLetterQueue, SlackQueue, SlackDeadLetterQueue, OutboxDeadLetterQueue, HousekeepingDeadLetterQueue, StraysDeadLetterQueue, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            an administrator: bus, bus as another, bus as nobody, IncidentTopic, IngestQueue, IngestDeadLetterQueue, ScoringQueue, ScoringDeadLetterQueue, ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, AnnounceQueue, AnnounceDeadLetterQueue, SlackQueue, SlackDeadLetterQueue, OutboxDeadLetterQueue, HousekeepingDeadLetterQueue, StraysDeadLetterQueue, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            one almost named as a sender: bus, bus as another, bus as nobody, IncidentTopic, IngestQueue, IngestDeadLetterQueue, ScoringQueue, ScoringDeadLetterQueue, ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, AnnounceQueue, AnnounceDeadLetterQueue, SlackQueue, SlackDeadLetterQueue, OutboxDeadLetterQueue, HousekeepingDeadLetterQueue, StraysDeadLetterQueue, write PayloadBucket, read PayloadBucket, list PayloadBucket, write TranscriptBucket, read TranscriptBucket, list TranscriptBucket, write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, say who uses DecisionKey, sign with OperatorKey, check with OperatorKey, say who uses OperatorKey
            the other account: nothing
            the sender's name in the other account: nothing
            a stranger: nothing
            IngestAndProposeRole: IngestDeadLetterQueue, write PayloadBucket, write TranscriptBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            ScoringRole: ScoringDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            ApprovalCallbackRole: read PolicyBucket, list PolicyBucket, sign with DecisionKey, check with DecisionKey, check with OperatorKey
            ApprovalCommandsRole: read PolicyBucket, list PolicyBucket, sign with DecisionKey, check with DecisionKey, check with OperatorKey
            ExecutionRole: ExecutionQueue, ExecutionDeadLetterQueue, RestoreQueue, RestoreDeadLetterQueue, VerifyQueue, VerifyDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            NotificationRole: SlackQueue, SlackDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            OutboxRole: bus as the agent, bus as nobody, ApprovalTopic, AnnounceDeadLetterQueue, OutboxDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            HousekeepingRole: IngestQueue, ScoringQueue, ExecutionQueue, RestoreQueue, VerifyQueue, AnnounceQueue, SlackQueue, HousekeepingDeadLetterQueue, read PolicyBucket, list PolicyBucket, check with DecisionKey, check with OperatorKey
            a holder of SwitchesPolicy: write PolicyBucket, read PolicyBucket, list PolicyBucket, check with DecisionKey, sign with OperatorKey, check with OperatorKey
            a holder of OperatorPolicy: nothing
            SNS for IncidentTopic: IngestQueue, IngestDeadLetterQueue
            SNS for ApprovalTopic: SlackQueue, SlackDeadLetterQueue
            EventBridge for IncidentRule: IngestQueue, IngestDeadLetterQueue
            EventBridge for StrayTypeRule: StraysDeadLetterQueue
            EventBridge for StraySourceRule: StraysDeadLetterQueue
            EventBridge for ScoringRule: ScoringQueue, ScoringDeadLetterQueue
            EventBridge for ExecutionApprovedRule: ExecutionQueue, ExecutionDeadLetterQueue
            EventBridge for ExecutionAutomaticRule: ExecutionQueue, ExecutionDeadLetterQueue
            EventBridge for HousekeepingSchedule: HousekeepingDeadLetterQueue
            sns.amazonaws.com for a stranger: nothing
            events.amazonaws.com for a stranger: nothing
            s3.amazonaws.com for a stranger: nothing
        "#]],
    );
}

/// What somebody reaches, of a matrix.
fn of<'a>(matrix: &'a str, name: &str) -> &'a str {
    let line = matrix
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("{name} is not in the matrix"))
}

/// Takes an operator out of the conditions of every statement of a name, and says of how many.
fn strip(value: &mut Value, sid: &str, operator: &str) -> usize {
    match value {
        Value::Object(fields) => {
            let named = fields.get("Sid").is_some_and(|known| known == sid);
            let condition = fields.get_mut("Condition").filter(|_| named);
            let taken = condition.and_then(|condition| condition.as_object_mut()?.remove(operator));
            let below = fields.iter_mut().map(|(_, field)| strip(field, sid, operator));
            usize::from(taken.is_some()) + below.sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(|item| strip(item, sid, operator)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn without(sid: &str, operator: &str) -> Template {
    Template::read().with(|root| {
        let stripped = strip(&mut root["Resources"], sid, operator);
        assert!(stripped > 0, "no {sid} has {operator}");
    })
}

#[test]
fn without_its_guard_a_denial_would_stop_what_services_deliver() {
    let sound = matrix(Template::read(), &NAMED);
    let broken = matrix(without("NobodyElseSends", "Bool"), &NAMED);
    for (service, queue) in [
        ("SNS for IncidentTopic", "IngestQueue"),
        ("SNS for ApprovalTopic", "SlackQueue"),
        ("EventBridge for IncidentRule", "IngestQueue"),
        ("EventBridge for ScoringRule", "ScoringQueue"),
        ("EventBridge for ExecutionApprovedRule", "ExecutionQueue"),
        ("EventBridge for ExecutionAutomaticRule", "ExecutionQueue"),
        (
            "EventBridge for HousekeepingSchedule",
            "HousekeepingDeadLetterQueue",
        ),
        ("EventBridge for StrayTypeRule", "StraysDeadLetterQueue"),
        ("EventBridge for StraySourceRule", "StraysDeadLetterQueue"),
    ] {
        assert!(
            of(&sound, service).split(", ").any(|door| door == queue),
            "{service} does not deliver"
        );
        assert_eq!(
            of(&broken, service),
            "nothing",
            "the guard is not what lets {service} deliver"
        );
    }
}

#[test]
fn whoever_is_not_named_is_let_in_nowhere() {
    const NOBODY: &str = "arn:aws:iam::111122223333:role/nobody";
    let reaches = |given: &[(&str, &str)], who: &str, door: &str| {
        let matrix = matrix(Template::read(), given);
        of(&matrix, who).split(", ").any(|open| open == door)
    };
    let [senders, redrivers, accounts] = NAMED;
    assert!(reaches(&NAMED, "the redriver", "IngestQueue"));
    assert!(!reaches(
        &[senders, ("RedriveRoles", NOBODY), accounts],
        "the redriver",
        "IngestQueue"
    ));
    for door in ["bus", "IncidentTopic"] {
        assert!(reaches(&NAMED, "a sender", door));
        assert!(!reaches(
            &[("SenderRoles", NOBODY), redrivers, accounts],
            "a sender",
            door
        ));
        assert!(reaches(&NAMED, "the other account", door));
        assert!(!reaches(&[senders, redrivers], "the other account", door));
    }
}

/// Whether somebody may do something to the trail's table or a mapping.
fn may(given: &[(&str, &str)], who: &Who, ask: &Ask) -> bool {
    allows(&Deployed::of(Template::read(), given), who, ask)
}

#[test]
fn when_records_expire_is_changed_and_the_trail_is_deleted_by_the_deployment_alone() {
    for action in ["dynamodb:UpdateTimeToLive", "dynamodb:DeleteTable"] {
        the_deployment_alone_may(action);
    }
}

fn the_deployment_alone_may(action: &'static str) {
    let deployed = Deployed::of(Template::read(), &[]);
    let ask = |keys: Vec<(&'static str, String)>| Ask {
        action,
        on: deployed.arn("Trail"),
        keys,
    };
    let through = |service: &str| ask(vec![("aws:CalledVia", service.to_owned())]);
    let directly = ask(Vec::new());
    let deploys = "arn:aws:iam::111122223333:role/deploy";
    let is = |arn: &str| Who::Mighty { arn: arn.to_owned() };
    let admin = is("arn:aws:iam::111122223333:role/admin");
    // Nobody is named: CloudFormation does it, with the credentials of whoever updates the stack.
    assert!(may(&[], &admin, &through("cloudformation.amazonaws.com")));
    assert!(!may(&[], &admin, &directly));
    assert!(!may(&[], &admin, &through("athena.amazonaws.com")));
    // A role is named: it alone, also as CloudFormation's service role, of which aws:CalledVia does not tell.
    let named = [("DeployRoleArn", deploys)];
    assert!(may(&named, &is(deploys), &directly));
    assert!(may(
        &named,
        &is(deploys),
        &through("cloudformation.amazonaws.com")
    ));
    assert!(!may(&named, &admin, &directly));
    assert!(!may(&named, &admin, &through("cloudformation.amazonaws.com")));
    for (id, _) in deployed.of_type("AWS::IAM::Role") {
        for given in [&[][..], &named] {
            assert!(!may(given, &Who::Ours(id.clone()), &directly), "{id}");
        }
    }
}

#[test]
fn housekeeping_switches_its_own_event_sources_and_leaves_them_where_they_are() {
    let deployed = Deployed::of(Template::read(), &[]);
    let mapping = |id: &str| format!("arn:aws:lambda:eu-central-1:{ACCOUNT}:event-source-mapping:{id}");
    let sources = deployed.of_type("AWS::Lambda::EventSourceMapping");
    let functions = deployed.of_type("AWS::Serverless::Function");
    let mut switched = Vec::new();
    for (role, _) in deployed.of_type("AWS::IAM::Role") {
        for (source, _) in &sources {
            for (function, _) in &functions {
                for action in ["lambda:UpdateEventSourceMapping", "lambda:GetEventSourceMapping"] {
                    let ask = Ask {
                        action,
                        on: mapping(&format!("{source}-id")),
                        keys: vec![("lambda:FunctionArn", deployed.arn(function))],
                    };
                    let unknown = Ask {
                        keys: Vec::new(),
                        ..ask.clone()
                    };
                    let who = Who::Ours(role.clone());
                    assert!(
                        !allows(&deployed, &who, &unknown),
                        "{role} {action} {source} of no function"
                    );
                    if allows(&deployed, &who, &ask) && action == "lambda:UpdateEventSourceMapping" {
                        switched.push(json!([role, source, function]));
                    }
                }
            }
        }
    }
    assert_eq!(
        switched,
        [
            json!(["HousekeepingRole", "ScoringSource", "ScoringFunction"]),
            json!(["HousekeepingRole", "ExecutionSource", "ExecutionFunction"]),
        ]
    );
}

#[test]
fn whoever_may_read_a_policy_is_told_that_it_is_not_there_and_not_that_they_may_not() {
    // S3 tells so only whoever may list: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    let deployed = Deployed::of(Template::read(), &NAMED);
    let may = |who: &Who, name: &str| {
        let doors = doors(&deployed);
        let door = doors.iter().find(|door| door.name == name).unwrap();
        allows(&deployed, who, &door.ask)
    };
    let readers: Vec<_> = everybody(&deployed)
        .into_iter()
        .filter(|(_, who)| may(who, "read PolicyBucket"))
        .collect();
    assert!(
        readers.iter().any(|(name, _)| name == "ScoringRole"),
        "{}",
        readers.len()
    );
    for (name, who) in readers {
        assert!(may(&who, "list PolicyBucket"), "{name}");
    }
}
