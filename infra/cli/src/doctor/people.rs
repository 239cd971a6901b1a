//! Whether people are asked, can answer, and hear the alarms.

use domain::telling::checkup::Needed;

use super::finding::{Finding, missing, note, ok, put_back, unknown};
use super::judge::{ONE_VERSION, VERSION};
use super::seen::{Audience, Function, Seen, Subscriber};
use crate::print::{count, quote};
use crate::slack as channels;
use crate::status::{DecidersPart, Part};

/// Whether people can be asked in Slack, and their clicks come back.
pub(super) fn slack(seen: &Seen) -> Vec<Finding> {
    let parameter = |name| seen.parameter(name);
    if parameter("SlackChannel").is_empty() {
        let says = "Slack is not set up: nobody is asked there, SlackChannel is empty";
        return vec![note(
            "slack",
            says,
            "deploy with SlackAppId, SlackTeamIds and SlackChannel, or decide by command",
        )];
    }
    let mut found: Vec<Finding> = ["SlackAppId", "SlackTeamIds"]
        .into_iter()
        .filter(|name| parameter(name).is_empty())
        .map(|name| {
            let says = format!("{name} is empty: every click is refused");
            missing("slack", says, format!("deploy with {name}"))
        })
        .collect();
    let reached = seen.functions.iter().flat_map(Function::reached);
    for one in reached.filter(|one| one.what == Needed::Channel) {
        let channel = quote(&one.name);
        found.push(match &one.problem {
            None => ok("slack", format!("the bot may post in {channel}")),
            Some(problem) => missing(
                "slack",
                format!("the bot does not reach {channel}: {}", quote(problem)),
                channels::remedy(problem, &seen.stack),
            ),
        });
    }
    match &seen.callback {
        Some(Part::Seen(())) => found.push(ok("slack", "the function that takes clicks answers")),
        Some(Part::Unseen(why)) => found.push(missing(
            "slack",
            format!("the function that takes clicks does not answer from here: {}", quote(why)),
            "open ApprovalCallbackUrl with /healthz behind it, and look into the log group of approval-callback",
        )),
        None => {}
    }
    found
}

/// Whether whoever runs this can decide by command. `approval-commands` may be asked over its URL alone, and says its version
/// there; that is `approval-callback`'s too, the same program, which does not tell everybody.
pub(super) fn commands(seen: &Seen) -> Option<Finding> {
    Some(match seen.commands.as_ref()? {
        Part::Seen(Some(version)) if version == VERSION => ok(
            "commands",
            format!("the function that takes commands answers you, version {VERSION}"),
        ),
        Part::Seen(Some(version)) => missing(
            "commands",
            format!(
                "the function that takes commands is version {}, this command is {VERSION}",
                quote(version)
            ),
            ONE_VERSION,
        ),
        Part::Seen(None) => missing(
            "commands",
            format!("the function that takes commands does not tell its version: it is older than {VERSION}"),
            ONE_VERSION,
        ),
        Part::Unseen(why) => missing(
            "commands",
            format!(
                "the function that takes commands does not answer you: {}",
                quote(why)
            ),
            "attach the policy of the output OperatorPolicyArn to your role; SRE_AGENT_COMMANDS_URL names another URL",
        ),
    })
}

pub(super) fn operators(seen: &Seen) -> Vec<Finding> {
    let remedy = format!(
        "write them into the secret {}/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it",
        seen.stack
    );
    let Some(deciders) = &seen.deciders else {
        return Vec::new();
    };
    match deciders {
        DecidersPart::Known { people, shortages } if shortages.is_empty() => {
            vec![ok(
                "operators",
                format!("{}, enough for every approval", count(*people, "active operator")),
            )]
        }
        DecidersPart::Known { shortages, .. } => shortages
            .iter()
            .map(|short| missing("operators", quote(short), remedy.clone()))
            .collect(),
        DecidersPart::Refused(problem) => {
            vec![missing(
                "operators",
                format!("nobody can decide: {}", quote(problem)),
                remedy,
            )]
        }
        DecidersPart::NotAsked(why) => vec![unknown("operators", "whether enough people may decide", why)],
    }
}

/// Whether anybody is told what the agent asks, outside of Slack.
pub(super) fn subscribers(seen: &Seen) -> Option<Finding> {
    let in_slack = !seen.parameter("SlackChannel").is_empty();
    let remedy = "aws sns subscribe --topic-arn … (output ApprovalTopicArn) --protocol email --notification-endpoint …";
    Some(match seen.subscribers.as_ref()? {
        Part::Unseen(why) => unknown("people", "who subscribes to the approval topic", why),
        Part::Seen(Audience {
            gone: Some(topic), ..
        }) => gone("people", topic, seen),
        Part::Seen(Audience { all, .. }) => match (heard(all), waiting(all)) {
            (_, Some(waiting)) => missing("people", format!("{waiting} to the approval topic"), CONFIRM),
            (0, None) if in_slack => ok(
                "people",
                "Slack is where people are asked; nobody else subscribes",
            ),
            (0, None) => missing(
                "people",
                "nobody is told of a proposal: no Slack, and no subscriber of the approval topic",
                remedy,
            ),
            (heard, None) => ok(
                "people",
                format!("{} of the approval topic", count(heard, "subscriber")),
            ),
        },
    })
}

pub(super) fn alarms(seen: &Seen) -> Finding {
    let remedy = "deploy with AlarmEmail, or with AlarmTopicArn, a topic of yours";
    match &seen.alarmed {
        None => missing(
            "alarms",
            "no alarm has a target: they ring, and nobody hears them",
            remedy,
        ),
        Some(Part::Unseen(why)) => unknown("alarms", "who hears them", why),
        Some(Part::Seen(Audience {
            gone: Some(topic), ..
        })) => gone("alarms", topic, seen),
        Some(Part::Seen(Audience { all, .. })) => match (heard(all), waiting(all)) {
            (_, Some(waiting)) => missing("alarms", format!("{waiting} to the alarms"), CONFIRM),
            (0, None) => missing(
                "alarms",
                "nobody subscribes to the alarms' topic",
                "subscribe somebody to it: aws sns subscribe",
            ),
            (heard, None) => ok(
                "alarms",
                format!("{} of the alarms' topic", count(heard, "subscriber")),
            ),
        },
    }
}

/// That a topic is not there. One that was given is another's to put back.
fn gone(about: &'static str, topic: &str, seen: &Seen) -> Finding {
    let remedy = match seen.parameter("AlarmTopicArn") == topic {
        true => "deploy with AlarmTopicArn, a topic that is there, or with AlarmEmail".to_owned(),
        false => put_back(&seen.stack),
    };
    missing(about, format!("topic {} is not there", quote(topic)), remedy)
}

/// What is to be done about a subscription that waits.
const CONFIRM: &str = "open the link in the message that AWS sent there";

fn heard(all: &[Subscriber]) -> usize {
    all.iter().filter(|one| one.confirmed).count()
}

/// What is told of subscriptions that wait.
fn waiting(all: &[Subscriber]) -> Option<String> {
    let mut waiting = all.iter().filter(|one| !one.confirmed);
    let first = waiting.next()?;
    let protocol = quote(&first.protocol);
    Some(match waiting.count() {
        0 => format!("a subscription by {protocol} waits for its confirmation"),
        more => format!("a subscription by {protocol} and {more} more wait for their confirmation"),
    })
}
