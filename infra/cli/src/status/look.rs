//! Looks at every part of a deployed agent at once. What cannot be seen does not hide the rest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapters::{DynamoView, Secret, SystemClock};
use anyhow::Context as _;
use aws_sdk_sqs::types::QueueAttributeName;
use domain::inventory::Inventory;
use domain::message::Lane;
use domain::ports::{Gateway, Trail, View};
use domain::proposal::Proposal;
use domain::telling::waits_for;
use domain::trail::{Control, StreamId};
use domain::value::{ProposalId, Timestamp};
use futures::StreamExt as _;
use futures::stream;
use gateway::AdminApi;
use outbound::{BaseUrl, same_origin};
use trail::verify::verified;
use trail::walk::{self, Window};
use trail::{in_force, load_end};

use crate::end::Answered as _;
use crate::print::told;
use crate::stack::Stack;
use crate::status::deciders::DecidersPart;
use crate::status::open::{EffectPart, OpenPart, ProposalPart};
use crate::status::people::PeoplePart;
use crate::status::picture::{AgentPart, GatewayPart, Messages, Picture, QueuePart, SourcePart, StackPart};
use crate::status::senders::SendersPart;

/// The stack's output with the URL of the approval callback.
pub(super) const CALLBACK: &str = "ApprovalCallbackUrl";

/// The stack's outputs that are read here, but for those of the queues.
#[cfg(test)]
pub(crate) const OUTPUTS: &[&str] = &[
    "TrailTableName",
    "ProposalsTableName",
    "GatewayReadSecretArn",
    crate::operators::SECRET_OUTPUT,
    crate::policy::BUCKET_OUTPUT,
    "IngestAndProposeFunctionName",
    "ScoringFunctionName",
    "ExecutionFunctionName",
    "OutboxFunctionName",
    "BusName",
    "IncidentTopicArn",
    "ApprovalTopicArn",
    CALLBACK,
];

/// The most proposals whose trails are read: those of a burst that a pause holds are among them.
const MOST_READ: usize = 1000;

/// Trails read at once.
const AT_ONCE: usize = 16;

/// Everything there is to see.
pub(crate) async fn look_at(stack: &Stack, now: Timestamp) -> Picture {
    let people = PeoplePart::of(stack);
    let (agent, queues, event_sources, open, deciders, gateway) = tokio::join!(
        agent(stack),
        queues(stack),
        event_sources(stack),
        open(stack, &people, now),
        DecidersPart::of(stack, now),
        gateway(stack)
    );
    Picture {
        stack: StackPart {
            name: stack.name.clone(),
            region: stack.aws.region().map(ToString::to_string).unwrap_or_default(),
            status: stack.status.clone(),
            outputs: stack.outputs.clone(),
        },
        agent: agent.into(),
        queues: queues.into(),
        event_sources: event_sources.into(),
        open: open.into(),
        people,
        deciders,
        senders: SendersPart::of(stack),
        gateway,
    }
}

async fn agent(stack: &Stack) -> anyhow::Result<AgentPart> {
    let trail = stack.trail()?;
    let (control, guard) = tokio::try_join!(
        load_end(&trail, &StreamId::Control),
        load_end(&trail, &StreamId::Guard)
    )?;
    let in_force = in_force(&control, &guard)?;
    let mut forged: Vec<String> = [&control.fault, &guard.fault]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    // What an operator has set aside has been looked at.
    let open = in_force.guard().forged.iter();
    let open = open.filter(|one| !in_force.set_aside_of(&one.stream).contains(&one.seq));
    for one in open {
        let told = format!("record {} of {} {}", one.seq, one.stream, one.problem);
        let known = |known: &String| known.starts_with(&format!("record {} of {} ", one.seq, one.stream));
        if !forged.iter().any(known) {
            forged.push(match one.taken_back {
                true => format!("{told}; what was in force before it was taken back"),
                false => told,
            });
        }
    }
    let last = [&control.held, &guard.held].into_iter().flatten();
    forged.extend(in_force.switches.unverified.clone());
    Ok(AgentPart {
        changed_at: last.map(|record| record.at).max(),
        tampered: in_force.guard().tampered.clone(),
        switches: in_force.switches,
        forged,
    })
}

async fn queues(stack: &Stack) -> anyhow::Result<Vec<QueuePart>> {
    let client = aws_sdk_sqs::Client::new(&stack.aws);
    let mut parts = Vec::new();
    for lane in Lane::ALL {
        let messages = match lane.queue_output() {
            Some(output) => Some(messages(&client, stack.output(&output)?).await?),
            None => None,
        };
        let dead = messages_of_dead_letters(&client, stack, lane).await?;
        parts.push(QueuePart {
            name: lane,
            messages,
            dead_letters: dead.all(),
        });
    }
    Ok(parts)
}

async fn messages_of_dead_letters(
    client: &aws_sdk_sqs::Client,
    stack: &Stack,
    lane: Lane,
) -> anyhow::Result<Messages> {
    messages(client, stack.output(&lane.dead_letters_output())?).await
}

/// How many messages a queue has: approximately, and as of up to a minute ago. What it does not tell is not none.
pub(crate) async fn messages(client: &aws_sdk_sqs::Client, url: &str) -> anyhow::Result<Messages> {
    let asked = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let reply = client
        .get_queue_attributes()
        .queue_url(url)
        .set_attribute_names(Some(asked.to_vec()))
        .send()
        .await
        .answered(|| format!("queue {url}"))?;
    let found = reply.attributes.unwrap_or_default();
    let [waiting, in_flight, delayed] = asked.map(|name| {
        let number = found.get(&name).and_then(|number| number.parse().ok());
        number.with_context(|| format!("queue {url} does not tell its {}", name.as_str()))
    });
    Ok(Messages {
        waiting: waiting?,
        in_flight: in_flight?,
        delayed: delayed?,
    })
}

async fn event_sources(stack: &Stack) -> anyhow::Result<Vec<SourcePart>> {
    let client = aws_sdk_lambda::Client::new(&stack.aws);
    let mut states: BTreeMap<Lane, String> = BTreeMap::new();
    for output in [
        "IngestAndProposeFunctionName",
        "ScoringFunctionName",
        "ExecutionFunctionName",
        "OutboxFunctionName",
        "NotificationFunctionName",
    ] {
        let function = stack.output(output)?;
        let mut pages = client
            .list_event_source_mappings()
            .function_name(function)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for mapping in page
                .answered(|| format!("function {function}"))?
                .event_source_mappings()
            {
                let lane = mapping.event_source_arn().and_then(|arn| lane_of(stack, arn));
                if let Some(lane) = lane {
                    states.insert(lane, mapping.state().unwrap_or("unknown").to_owned());
                }
            }
        }
    }
    let expected = Lane::ALL.into_iter().filter(|lane| lane.has_event_source());
    Ok(expected
        .map(|lane| SourcePart {
            name: lane,
            state: states.remove(&lane),
        })
        .collect())
}

/// Whose event source it is: a queue's ARN ends as its URL does, and the trail's stream wakes the outbox.
fn lane_of(stack: &Stack, arn: &str) -> Option<Lane> {
    if arn.contains(":dynamodb:") {
        return Some(Lane::Outbox);
    }
    let queue = arn.rsplit(':').next()?;
    Lane::ALL.into_iter().find(|lane| {
        let output = lane.queue_output();
        let url = output.and_then(|output| stack.output(&output).ok());
        url.is_some_and(|url| url.rsplit('/').next() == Some(queue))
    })
}

/// The proposals that the view calls in force or open, and those with records in the last two hours, whatever the view knows.
async fn open(stack: &Stack, people: &PeoplePart, now: Timestamp) -> anyhow::Result<OpenPart> {
    let view = DynamoView::new(&stack.aws, stack.output("ProposalsTableName")?);
    open_of(&stack.trail()?, &view, people, now).await
}

/// The same of a trail and its view.
pub(super) async fn open_of(
    trail: &dyn Trail,
    view: &dyn View,
    people: &PeoplePart,
    now: Timestamp,
) -> anyhow::Result<OpenPart> {
    let (operators, guard) = tokio::try_join!(
        load_end(trail, &StreamId::Control),
        load_end(trail, &StreamId::Guard)
    )?;
    let control = in_force(&operators, &guard)?;
    let last = [&operators.held, &guard.held].into_iter().flatten();
    let switched_at = last.map(|record| record.at).max();
    let mut ids: Vec<ProposalId> = view.in_force().await?;
    let recent = walk::proposals(trail, Window::hours_back(2, now)).await?;
    ids.extend(view.open().await?);
    ids.extend(recent);
    // What is in force is looked at first, however much there is of the others.
    let mut met = BTreeSet::new();
    ids.retain(|id| met.insert(id.clone()));
    let mut part = OpenPart {
        unread: ids.len().saturating_sub(MOST_READ),
        ..OpenPart::default()
    };
    let mut untold = Vec::new();
    let reads = stream::iter(ids.into_iter().take(MOST_READ)).map(|id| async move {
        let records = trail.load(&StreamId::Proposal(id.clone())).await;
        (id, records)
    });
    let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
    while let Some((id, records)) = reads.next().await {
        let records = records?;
        let aside = control.set_aside_of(&StreamId::Proposal(id.clone()));
        match verified(&records, trail.keys(), &aside) {
            Ok(proposal) => {
                let shown = described(&proposal, &control, switched_at, now);
                part.proposals.extend(shown);
                part.in_force.extend(EffectPart::of(&proposal));
                let one = people.untold(&proposal, &control, now);
                untold.extend(one.map(|one| (proposal.opened_at(), one)));
            }
            Err(fault) => part.broken.push((id.to_string(), fault)),
        }
    }
    part.proposals.sort_by_key(|one| one.opened_at);
    part.in_force.sort_by_key(|one| (one.helped, Reverse(one.since)));
    untold.sort_by_key(|(opened_at, _)| *opened_at);
    part.untold = untold.into_iter().map(|(_, one)| one).collect();
    Ok(part)
}

/// An open proposal in a few words; `None` where it is not open any more.
pub(super) fn described(
    proposal: &Proposal,
    control: &Control,
    switched_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<ProposalPart> {
    let waiting = waits_for(proposal, control, switched_at, now)?;
    let mut what = proposal.received().event.to_string();
    if let Some(proposed) = proposal.proposed() {
        what = proposed.action.to_string();
    }
    if let Some(scored) = proposal.scored() {
        what = format!("{what}, score {}", scored.score);
    }
    Some(ProposalPart {
        proposal: proposal.id().to_string(),
        opened_at: proposal.opened_at(),
        state: proposal.state().name(),
        what,
        waits_for: told(&waiting.on),
        overdue: waiting.overdue.as_ref().map(told),
    })
}

/// Reads the gateway's inventory as `ingest-and-propose` does, where the caller may read its token.
async fn gateway(stack: &Stack) -> GatewayPart {
    let (url, secret) = match (
        stack.parameter("GatewayUrl"),
        stack.output("GatewayReadSecretArn"),
    ) {
        (Ok(url), Ok(secret)) => (url, secret),
        (Err(err), _) | (_, Err(err)) => return GatewayPart::NotAsked(format!("{err:#}")),
    };
    let url = match BaseUrl::new("GatewayUrl", url) {
        Ok(_) => url.to_owned(),
        Err(bad) => {
            return GatewayPart::Unreadable {
                url: "(hidden)".to_owned(),
                problem: bad.to_string(),
            };
        }
    };
    let token = match Secret::new(&stack.aws, secret, Arc::new(SystemClock))
        .value()
        .await
    {
        Ok(token) => token,
        Err(err) => return GatewayPart::NotAsked(format!("its token could not be read: {err}")),
    };
    let read = match AdminApi::new(&url, token.expose()) {
        Ok(api) => api.inventory().await.map_err(|err| err.to_string()),
        Err(bad) => Err(bad.to_string()),
    };
    match read {
        Ok(inventory) => {
            let models = models_through(stack, &url);
            readable(url, &inventory, &models)
        }
        Err(problem) => GatewayPart::Unreadable { url, problem },
    }
}

/// The models that the agent is to ask through the gateway itself.
fn models_through(stack: &Stack, gateway: &str) -> Vec<String> {
    let parameter = |name| stack.parameter(name).unwrap_or_default();
    let asks = !matches!(parameter("ModelApi"), "" | "none" | "bedrock");
    if !asks || !same_origin(parameter("ModelUrl"), gateway) {
        return Vec::new();
    }
    let fallbacks = parameter("SreAgentFallbackModels").split(',');
    let models = [parameter("SreAgentModel")].into_iter().chain(fallbacks);
    models
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn readable(url: String, inventory: &Inventory, models: &[String]) -> GatewayPart {
    let has = |name: &String| {
        inventory
            .model_groups
            .iter()
            .any(|group| group.id.as_str() == name)
    };
    let blocked = inventory.providers.iter().filter(|provider| provider.blocked);
    GatewayPart::Readable {
        url,
        providers: inventory.providers.len(),
        blocked: blocked.map(|provider| provider.id.to_string()).collect(),
        model_groups: inventory.model_groups.len(),
        teams: inventory.teams.len(),
        missing_models: models.iter().filter(|name| !has(name)).cloned().collect(),
    }
}
