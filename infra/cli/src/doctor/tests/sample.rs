//! A deployment that lacks nothing.

use std::collections::BTreeMap;

use domain::telling::checkup::{Checkup, Needed, Reached};
use domain::trail::Switches;
use domain::value::Digest;

use super::super::seen::*;
use crate::checkup::Answer;
use crate::status::{DecidersPart, Part};
use crate::trail::tests::at;

pub(super) fn answer(reached: Vec<Reached>) -> Part<Answer> {
    Part::Seen(Answer::Told(Checkup {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: at(1),
        reached,
    }))
}

pub(super) fn reaches(what: Needed, name: &str) -> Reached {
    Reached {
        what,
        name: name.to_owned(),
        problem: None,
    }
}

pub(super) fn function(name: &'static str, reached: Vec<Reached>) -> Function {
    Function {
        name,
        asked_at: at(0),
        answered_at: at(2),
        answer: answer(reached),
    }
}

pub(super) fn subscriber(confirmed: bool) -> Subscriber {
    Subscriber {
        protocol: "email".to_owned(),
        confirmed,
    }
}

pub(super) fn audience(all: Vec<Subscriber>) -> Part<Audience> {
    Part::Seen(Audience { all, gone: None })
}

/// A deployment that lacks nothing.
pub(super) fn ready() -> Seen {
    let parameters = [
        ("GatewayUrl", "https://gateway.example"),
        ("LicenseTier", "enterprise"),
        ("SreAutoApprove", "true"),
        ("ModelApi", "anthropic"),
        ("SlackAppId", "A0SRE"),
        ("SlackTeamIds", "T0SRE"),
        ("SlackChannel", "C0SRE"),
        ("SenderRoles", "arn:aws:iam::123456789012:role/gateway"),
        ("EventSources", "llm-gateway"),
        ("ExecutionReservedConcurrency", "20"),
    ];
    Seen {
        stack: "sre-agent".to_owned(),
        region: "eu-central-1".to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        lacks: Vec::new(),
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        functions: vec![
            function(
                "ingest-and-propose",
                vec![
                    reaches(Needed::Gateway, "read"),
                    reaches(Needed::Model, "claude-sonnet-4-6"),
                ],
            ),
            function("scoring", vec![reaches(Needed::Policy, "policy in force")]),
            function(
                "execution",
                vec![
                    reaches(Needed::Gateway, "write"),
                    reaches(Needed::Pager, "routing key"),
                    reaches(Needed::Operators, "directory of operators"),
                ],
            ),
            function("outbox", vec![reaches(Needed::Link, "key of the links")]),
            function("notification", vec![reaches(Needed::Channel, "C0SRE")]),
            function("housekeeping", vec![]),
        ],
        callback: Some(Part::Seen(())),
        commands: Some(Part::Seen(Some(env!("CARGO_PKG_VERSION").to_owned()))),
        secrets: BTreeMap::from(
            [
                "slack-signing",
                "slack-bot",
                "gateway-read",
                "gateway-write",
                "model",
                "pagerduty",
            ]
            .map(|name| (name, Part::Seen(Standing::Set))),
        ),
        deciders: Some(DecidersPart::Known {
            people: 2,
            shortages: Vec::new(),
        }),
        subscribers: Some(audience(Vec::new())),
        alarmed: Some(audience(vec![subscriber(true)])),
        switches: Some(Part::Seen(Switches {
            policy: Some(Digest::of(b"a policy")),
            ..Switches::default()
        })),
        keys: vec![
            key("DecisionKeyArns", "Enabled"),
            key("OperatorKeyArns", "Enabled"),
        ],
        keyring: Some(Ok(())),
        trail: Some(Protection {
            table: "sre_actions".to_owned(),
            gone: false,
            deletion_protected: Part::Seen(true),
            streamed: Part::Seen(true),
            expires: Part::Seen(true),
            recoverable: Part::Seen(true),
            insert_only: Part::Seen(true),
        }),
        concurrency: Some(Part::Seen(Concurrency {
            limit: 1000,
            unreserved: 980,
        })),
    }
}

/// The ARN of the key in use of a sort.
pub(super) fn arn(parameter: &str) -> String {
    format!("arn:aws:kms:eu-central-1:123456789012:key/{parameter}")
}

pub(super) fn key(parameter: &'static str, state: &str) -> Key {
    Key {
        parameter,
        arn: arn(parameter),
        state: Part::Seen(KeyState::Is(state.to_owned())),
    }
}
