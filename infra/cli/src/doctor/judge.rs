//! From what was seen to what is missing, and what is to be done about it.

use domain::telling::checkup::Checkup;
use domain::trail::Switches;
use domain::value::Tier;

use super::finding::{Finding, missing, note, ok, put_back, unknown};
use super::keys::keys;
use super::people::{alarms, commands, operators, slack, subscribers};
use super::reach::reached;
use super::seen::{Function, Protection, Seen, Standing};
use crate::checkup::Answer;
use crate::print::{count, duration, quote};
use crate::status::Part;

/// The version of this command.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is to be done where the stack is of another version.
pub(super) const ONE_VERSION: &str = "deploy this version, or install that one's command";

/// The most outputs that are named where several are not there.
const MOST_NAMED: usize = 4;

/// How far two clocks may be apart, ms. AWS refuses a request that is signed five minutes off; what is shown as "8 min ago"
/// is wrong long before.
const APART_MS: u64 = 5_000;

/// How many messages the agent's event sources hand to its functions at once, in all.
pub(super) const EVENT_SOURCES: i32 = 43;

/// Everything that was found, in the order in which it is mended.
pub(super) fn findings(seen: &Seen) -> Vec<Finding> {
    let mut all = vec![stack(seen)];
    all.extend(outputs(seen));
    all.extend(seen.functions.iter().flat_map(|one| function(seen, one)));
    all.extend(secrets(seen));
    all.extend(reached(seen));
    all.extend(slack(seen));
    all.extend(commands(seen));
    all.extend(operators(seen));
    all.extend(licence(seen));
    all.extend(policy(seen));
    all.extend(switched(seen));
    all.extend(keys(seen));
    all.extend(seen.trail.iter().flat_map(trail));
    all.extend(subscribers(seen));
    all.push(alarms(seen));
    all.push(senders(seen));
    all.extend(concurrency(seen));
    all
}

fn stack(seen: &Seen) -> Finding {
    let says = format!("{} in {}: {}", seen.stack, seen.region, seen.status);
    match seen.status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => ok("stack", says),
        "UPDATE_ROLLBACK_COMPLETE" => note(
            "stack",
            says,
            "the last deployment was taken back: its events say why",
        ),
        _ => missing(
            "stack",
            says,
            format!(
                "aws cloudformation describe-stack-events --stack-name {}, and deploy again",
                seen.stack
            ),
        ),
    }
}

/// That the stack is older than this command, or is not all there: what is looked at by these outputs is not told besides.
fn outputs(seen: &Seen) -> Option<Finding> {
    let named = seen.lacks.iter().take(MOST_NAMED).copied();
    let more = seen.lacks.len().saturating_sub(MOST_NAMED);
    let more = (more > 0).then(|| format!(" and {more} more"));
    (!seen.lacks.is_empty()).then(|| {
        missing(
            "stack",
            format!(
                "it has no output {}{}: it is older than this command, or was not deployed to its end",
                named.collect::<Vec<_>>().join(", "),
                more.unwrap_or_default()
            ),
            "deploy this version: infra/docs/deploy.md",
        )
    })
}

/// Whether a function starts, in which version, and by which clock.
fn function(seen: &Seen, function: &Function) -> Vec<Finding> {
    let name = function.name;
    let told = match &function.answer {
        Part::Seen(Answer::Told(told)) => told,
        Part::Seen(Answer::Failed(why)) => {
            return vec![missing(
                "functions",
                format!("{name} does not answer: {}", quote(why)),
                "look into its log group: it does not start, or is not of this version",
            )];
        }
        Part::Seen(Answer::NotThere(why)) => {
            return vec![missing("functions", quote(why), put_back(&seen.stack))];
        }
        Part::Unseen(why) => return vec![unknown("functions", &format!("whether {name} answers"), why)],
    };
    let mut found = vec![match told.version == VERSION {
        true => ok("functions", format!("{name} answers, version {VERSION}")),
        false => missing(
            "functions",
            format!(
                "{name} is version {}, this command is {VERSION}",
                quote(&told.version)
            ),
            ONE_VERSION,
        ),
    }];
    found.extend(clock(function, told));
    found
}

/// That a function's clock and this machine's are apart.
fn clock(function: &Function, told: &Checkup) -> Option<Finding> {
    let (from, until) = (function.asked_at, function.answered_at);
    let apart = from.millis_since(told.at).max(told.at.millis_since(until));
    (apart > APART_MS).then(|| {
        missing(
            "clock",
            format!("this machine's clock and that of {} are {} apart", function.name, duration(apart)),
            "set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong",
        )
    })
}

/// Whether each secret was set that is used.
fn secrets(seen: &Seen) -> Vec<Finding> {
    let in_slack = !seen.parameter("SlackChannel").is_empty() || !seen.parameter("SlackAppId").is_empty();
    let models = !matches!(seen.parameter("ModelApi"), "none" | "bedrock");
    let is_used = |purpose: &str| match purpose {
        "slack-signing" | "slack-bot" => in_slack,
        "model" => models,
        _ => true,
    };
    let mut found: Vec<Finding> = Vec::new();
    for (purpose, standing) in seen.secrets.iter().filter(|(purpose, _)| is_used(purpose)) {
        let name = format!("{}/{purpose}", seen.stack);
        let set = format!("aws secretsmanager put-secret-value --secret-id {name} --secret-string …");
        match standing {
            Part::Seen(Standing::Set) => {}
            Part::Seen(Standing::Initial) => {
                found.push(missing(
                    "secrets",
                    format!("{name} holds what the deployment made, and nobody knows"),
                    set,
                ));
            }
            Part::Seen(Standing::Deleted) => found.push(missing(
                "secrets",
                format!("{name} is marked for deletion"),
                format!("aws secretsmanager restore-secret --secret-id {name}"),
            )),
            Part::Seen(Standing::NotThere) => found.push(missing(
                "secrets",
                format!("{name} is not there"),
                put_back(&seen.stack),
            )),
            Part::Unseen(why) => found.push(unknown("secrets", &format!("whether {name} was set"), why)),
        }
    }
    if found.is_empty() {
        found.push(ok("secrets", "every secret that is used was set"));
    }
    found
}

/// That the agent does not run on this tier.
fn licence(seen: &Seen) -> Option<Finding> {
    let tier: Option<Tier> = seen.parameter("LicenseTier").parse().ok();
    let tier = tier.filter(|tier| !tier.runs_agent())?;
    Some(missing(
        "licence",
        format!(
            "the {} tier does not run the agent: every incident is recorded and declined",
            tier.name()
        ),
        "deploy with LicenseTier=business or enterprise",
    ))
}

/// What operators, or the agent itself, have stopped.
fn switched(seen: &Seen) -> Vec<Finding> {
    let Some(Part::Seen(switches)) = &seen.switches else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(pause) = &switches.paused {
        found.push(note(
            "pause",
            format!(
                "the agent is paused since {}, and incidents wait: {}",
                pause.since,
                quote(&pause.reason)
            ),
            "sre-agent resume, or deploy with AgentEnabled=true where the template pauses it",
        ));
    }
    let automatic = seen.parameter("SreAutoApprove") == "true";
    if let Some(why) = switches.automatic_off.as_ref().filter(|_| automatic) {
        found.push(note(
            "automatic",
            format!("nothing is executed without a person: {}", quote(why)),
            "sre-agent automatic on, once the cause is mended",
        ));
    }
    found
}

fn policy(seen: &Seen) -> Option<Finding> {
    Some(match seen.switches.as_ref()? {
        Part::Seen(Switches {
            policy: Some(hash), ..
        }) => ok("policy", format!("sha256 {hash} was published")),
        Part::Seen(Switches { policy: None, .. }) => missing(
            "policy",
            "none was published: the one that this version brings is in force, and nobody has signed for it",
            "sre-agent policy publish infra/policy, or a copy of it with your changes",
        ),
        Part::Unseen(why) => unknown("policy", "which was published", why),
    })
}

/// What a table that was restored from a backup does not have.
fn trail(trail: &Protection) -> Vec<Finding> {
    let table = &trail.table;
    if trail.gone {
        return vec![missing(
            "trail",
            format!("{table} is not there: nothing can be recorded, and the agent does nothing"),
            "follow infra/docs/restore.md",
        )];
    }
    let mut found = Vec::new();
    let again = "deploy again; after a restore, follow infra/docs/restore.md";
    for (part, without, remedy) in [
        (
            &trail.insert_only,
            "has no policy that denies changes: a record can be changed and removed",
            again,
        ),
        (
            &trail.streamed,
            "has no stream: nothing that is recorded is acted on",
            again,
        ),
        (&trail.expires, "lets no record expire", again),
        (&trail.recoverable, "cannot be restored to a point in time", again),
        (
            &trail.deletion_protected,
            "can be deleted by a slip",
            "deploy with TrailDeletionProtection=true",
        ),
    ] {
        match part {
            Part::Seen(true) => {}
            Part::Seen(false) => found.push(missing("trail", format!("{table} {without}"), remedy)),
            Part::Unseen(why) => found.push(unknown("trail", &format!("whether {table} {without}"), why)),
        }
    }
    if found.is_empty() {
        let says =
            format!("{table} takes inserts only, and is streamed, expiring, recoverable and protected");
        found.push(ok("trail", says));
    }
    found
}

fn senders(seen: &Seen) -> Finding {
    let named = |name| {
        seen.parameter(name)
            .split(',')
            .filter(|one| !one.trim().is_empty())
            .count()
    };
    let sources = quote(seen.parameter("EventSources"));
    match named("SenderRoles") {
        0 => missing(
            "senders",
            "SenderRoles is empty: whoever IAM lets put events in this account can report incidents",
            "deploy with SenderRoles, the ARNs of the gateway's role and of whoever else reports, and with RedriveRoles",
        ),
        roles => ok(
            "senders",
            format!(
                "{} and {} may report, as {sources}",
                count(roles, "role"),
                count(named("SenderAccounts"), "other account")
            ),
        ),
    }
}

fn concurrency(seen: &Seen) -> Option<Finding> {
    let reserved: Vec<&str> = [
        ("IngestReservedConcurrency", "ingest-and-propose"),
        ("ApprovalCallbackReservedConcurrency", "approval-callback"),
        ("ExecutionReservedConcurrency", "execution"),
    ]
    .into_iter()
    .filter(|(name, _)| !matches!(seen.parameter(name), "" | "0"))
    .map(|(_, function)| function)
    .collect();
    Some(match seen.concurrency.as_ref()? {
        Part::Unseen(why) => unknown("concurrency", "how many functions may run at once", why),
        Part::Seen(one) if one.unreserved <= EVENT_SOURCES => missing(
            "concurrency",
            format!(
                "{} of the account's {} concurrent executions are free of reservations, and the agent's queues alone hand out \
                 {EVENT_SOURCES}: clicks and commands may be refused while many incidents come",
                one.unreserved, one.limit
            ),
            "ask for a higher quota of concurrent executions (Service Quotas, Lambda, L-B99A9384)",
        ),
        Part::Seen(one) if reserved.is_empty() => note(
            "concurrency",
            format!(
                "nothing is reserved: the account's other functions can use all {} concurrent executions, and then incidents \
                 wait in their queues and clicks are refused",
                one.limit
            ),
            "deploy with ExecutionReservedConcurrency=17 or more, and the like, where other functions run in this account",
        ),
        Part::Seen(_) => ok("concurrency", format!("reserved for {}", reserved.join(", "))),
    })
}
