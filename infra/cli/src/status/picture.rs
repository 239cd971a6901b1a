//! What was seen of the agent: whether that is healthy, and how it is shown.

use std::collections::BTreeMap;

use domain::trail::Switches;
use domain::value::Timestamp;
use serde::Serialize;

use crate::print::{count, duration, quote};
use crate::status::deciders::DecidersPart;
use crate::status::look::CALLBACK;
use crate::status::open::OpenPart;
use crate::status::people::{self, PeoplePart};
use crate::status::senders::SendersPart;
use domain::message::Lane;

/// `housekeeping` makes the event sources agree with `control` every minute: for so long they may differ.
const FOLLOWS_WITHIN_MS: u64 = 180_000;

/// One part, or why it could not be seen.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part<T> {
    /// It was seen.
    Seen(T),
    /// It could not be seen, and this is why.
    Unseen(String),
}

impl<T> From<anyhow::Result<T>> for Part<T> {
    fn from(result: anyhow::Result<T>) -> Self {
        match result {
            Ok(part) => Part::Seen(part),
            Err(err) => Part::Unseen(format!("{err:#}")),
        }
    }
}

/// Everything that was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    pub(crate) stack: StackPart,
    pub(crate) agent: Part<AgentPart>,
    pub(crate) queues: Part<Vec<QueuePart>>,
    pub(crate) event_sources: Part<Vec<SourcePart>>,
    pub(crate) open: Part<OpenPart>,
    pub(crate) people: PeoplePart,
    pub(crate) deciders: DecidersPart,
    pub(crate) senders: SendersPart,
    pub(crate) gateway: GatewayPart,
}

/// The stack.
#[derive(Debug, Serialize)]
pub(crate) struct StackPart {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) status: String,
    pub(crate) outputs: BTreeMap<String, String>,
}

impl StackPart {
    /// With the URL by which its approval callback is reached, where that is another one than it says.
    pub(super) fn reached_at(&mut self, callback: Option<&str>) {
        let url = callback.map(str::to_owned);
        self.outputs.extend(url.map(|url| (CALLBACK.to_owned(), url)));
    }
}

/// What `control` says.
#[derive(Debug, Serialize)]
pub(crate) struct AgentPart {
    pub(crate) switches: Switches,
    /// When it was changed last.
    pub(crate) changed_at: Option<Timestamp>,
    /// Somebody changed or removed a record, as the last record of `control` says.
    pub(crate) tampered: Option<String>,
    /// Records that do not hold and that nobody has set aside.
    pub(crate) forged: Vec<String>,
}

/// A queue and its dead letters.
#[derive(Debug, Serialize)]
pub(crate) struct QueuePart {
    pub(crate) name: Lane,
    /// Absent where there is no queue, only a destination for failures.
    pub(crate) messages: Option<Messages>,
    pub(crate) dead_letters: u64,
}

/// A queue's messages.
#[derive(Debug, Serialize)]
pub(crate) struct Messages {
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
}

impl Messages {
    /// However they stand.
    pub(crate) fn all(&self) -> u64 {
        self.waiting + self.in_flight + self.delayed
    }
}

/// What wakes a function.
#[derive(Debug, Serialize)]
pub(crate) struct SourcePart {
    pub(crate) name: Lane,
    /// Lambda's word, such as `Enabled`; absent where there is no such event source.
    pub(crate) state: Option<String>,
}

/// The gateway.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GatewayPart {
    /// Its inventory was read.
    Readable {
        url: String,
        providers: usize,
        blocked: Vec<String>,
        model_groups: usize,
        teams: usize,
        /// Models that the agent is to ask through it, and that it does not have.
        missing_models: Vec<String>,
    },
    /// It did not answer as it should.
    Unreadable { url: String, problem: String },
    /// Its token could not be read: nothing is known of it.
    NotAsked(String),
}

/// A picture with its judgement.
#[derive(Serialize)]
pub(crate) struct Judged<'a> {
    healthy: bool,
    reasons: &'a [String],
    #[serde(flatten)]
    picture: &'a Picture,
}

impl Picture {
    /// The picture with its judgement.
    pub(crate) fn judged<'a>(&'a self, reasons: &'a [String]) -> Judged<'a> {
        Judged {
            healthy: reasons.is_empty(),
            reasons,
            picture: self,
        }
    }

    /// Why the agent is not healthy; empty where it is. A pause that somebody wants is no reason.
    pub(crate) fn reasons(&self, now: Timestamp) -> Vec<String> {
        let mut reasons = Vec::new();
        if !is_sound(&self.stack.status) {
            reasons.push(format!("the stack is {}", self.stack.status));
        }
        match &self.agent {
            Part::Seen(agent) => {
                let tampered = agent.tampered.iter();
                reasons.extend(tampered.map(|what| format!("the trail was tampered with: {}", quote(what))));
                reasons.extend(agent.forged.iter().map(|what| format!("does not hold: {what}")));
            }
            Part::Unseen(problem) => reasons.push(format!("control could not be read: {problem}")),
        }
        match &self.queues {
            Part::Seen(queues) => {
                let dead = queues.iter().filter(|queue| queue.dead_letters > 0);
                reasons.extend(dead.map(|queue| {
                    let letters = count(
                        usize::try_from(queue.dead_letters).unwrap_or(usize::MAX),
                        "dead letter",
                    );
                    format!(
                        "{letters} of {0}: sre-agent redrive --list --queue {0}",
                        queue.name
                    )
                }));
            }
            Part::Unseen(problem) => reasons.push(format!("the queues could not be read: {problem}")),
        }
        match &self.event_sources {
            Part::Seen(sources) => {
                reasons.extend(sources.iter().filter_map(|source| self.disagrees(source, now)))
            }
            Part::Unseen(problem) => reasons.push(format!("the event sources could not be read: {problem}")),
        }
        match &self.open {
            Part::Seen(open) => {
                let broken = open.broken.iter();
                reasons.extend(broken.map(|(id, fault)| format!("the trail of {id} does not hold: {fault}")));
                let overdue = open.proposals.iter();
                reasons.extend(overdue.filter_map(|one| {
                    let overdue = one.overdue.as_ref()?;
                    Some(format!("{} is {}: {overdue}", one.proposal, one.state))
                }));
                reasons.extend(people::reasons(&open.untold, now));
                reasons.extend(open.not_all());
            }
            Part::Unseen(problem) => reasons.push(format!("the open proposals could not be read: {problem}")),
        }
        reasons.extend(self.deciders.reasons());
        match &self.gateway {
            GatewayPart::Unreadable { problem, .. } => reasons.push(problem.clone()),
            GatewayPart::Readable { missing_models, .. } => reasons.extend(missing_models.iter().map(|model| {
                let model = quote(model);
                format!("the gateway has no model {model}, which the agent is to ask: the next one or the runbook stands in")
            })),
            GatewayPart::NotAsked(why) => reasons.push(format!("the gateway was not asked: {}", quote(why))),
        }
        reasons
    }

    /// How an event source is not as `control` wants it, once it had the time to follow.
    fn disagrees(&self, source: &SourcePart, now: Timestamp) -> Option<String> {
        let name = source.name;
        let Some(state) = &source.state else {
            return Some(format!("{name} has no event source: nothing wakes its function"));
        };
        let paused = match &self.agent {
            Part::Seen(agent) => agent.switches.paused.is_some(),
            Part::Unseen(_) => return None,
        };
        let wanted = !(paused && name.is_pausable());
        let follows = match &self.agent {
            Part::Seen(AgentPart {
                changed_at: Some(at), ..
            }) => name.is_pausable() && now.millis_since(*at) <= FOLLOWS_WITHIN_MS,
            Part::Seen(_) | Part::Unseen(_) => false,
        };
        let is = match state.as_str() {
            "Enabled" => true,
            "Disabled" => false,
            // Creating, Enabling, Disabling, Updating, Deleting: on its way.
            _ => wanted,
        };
        (is != wanted && !follows).then(|| {
            let agent = if paused { "paused" } else { "not paused" };
            format!("the event source of {name} is {state}, but the agent is {agent}")
        })
    }

    /// The picture for people, with the judgement in the last line.
    pub(crate) fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = self.of_stack();
        lines.push(String::new());
        lines.extend(self.of_agent(now));
        lines.push(String::new());
        lines.extend(self.of_queues());
        lines.push(String::new());
        lines.extend(self.of_sources());
        lines.push(String::new());
        lines.extend(self.of_open(now));
        lines.push(String::new());
        lines.push(self.people.line());
        lines.push(self.deciders.line());
        lines.push(self.senders.line());
        lines.push(String::new());
        lines.push(self.of_gateway());
        lines.push(String::new());
        lines
    }

    fn of_stack(&self) -> Vec<String> {
        let StackPart {
            name,
            region,
            status,
            outputs,
        } = &self.stack;
        let mut lines = vec![format!("stack {name} in {region}: {status}")];
        for (key, label) in [
            ("BusName", "bus"),
            ("IncidentTopicArn", "incident topic"),
            ("ApprovalTopicArn", "approval topic"),
            (CALLBACK, "approval callback"),
            ("TrailTableName", "trail"),
        ] {
            if let Some(value) = outputs.get(key) {
                lines.push(format!("  {label:<19}{value}"));
            }
        }
        lines
    }

    fn of_agent(&self, now: Timestamp) -> Vec<String> {
        let agent = match &self.agent {
            Part::Seen(agent) => agent,
            Part::Unseen(problem) => return vec![format!("agent: {problem}")],
        };
        let mut lines = match &agent.switches.paused {
            None => vec!["agent: running".to_owned()],
            Some(pause) => vec![
                format!(
                    "agent: paused since {} ({}): {}",
                    pause.since,
                    duration(now.millis_since(pause.since)),
                    quote(&pause.reason)
                ),
                "  incidents are recorded and wait, scoring and new executions wait in their queues"
                    .to_owned(),
                "  approvals are refused, rejections are taken; restores, undos and verifications go on"
                    .to_owned(),
            ],
        };
        lines.push(match agent.switches.policy {
            Some(hash) => format!("  policy in force: sha256 {hash}"),
            None => "  policy in force: none was published, so the one that this version brings".to_owned(),
        });
        let off = agent.switches.automatic_off.iter();
        lines.extend(off.map(|why| format!("  nothing executes by itself: {}", quote(why))));
        lines
    }

    fn of_queues(&self) -> Vec<String> {
        let queues = match &self.queues {
            Part::Seen(queues) => queues,
            Part::Unseen(problem) => return vec![format!("queues: {problem}")],
        };
        let mut lines = vec![format!(
            "{:<16}{:>8}{:>11}{:>9}{:>14}",
            "queues", "waiting", "in flight", "delayed", "dead letters"
        )];
        lines.extend(queues.iter().map(|queue| match &queue.messages {
            Some(Messages {
                waiting,
                in_flight,
                delayed,
            }) => format!(
                "  {:<14}{waiting:>8}{in_flight:>11}{delayed:>9}{:>14}",
                queue.name, queue.dead_letters
            ),
            None => format!("  {:<42}{:>14}", queue.name, queue.dead_letters),
        }));
        lines
    }

    fn of_sources(&self) -> Vec<String> {
        let sources = match &self.event_sources {
            Part::Seen(sources) => sources,
            Part::Unseen(problem) => return vec![format!("event sources: {problem}")],
        };
        let mut lines = vec!["event sources".to_owned()];
        lines.extend(sources.iter().map(|source| {
            let state = source.state.as_deref().unwrap_or("missing");
            format!("  {:<14}{state}", source.name)
        }));
        lines
    }

    fn of_open(&self, now: Timestamp) -> Vec<String> {
        match &self.open {
            Part::Seen(open) => open.lines(now),
            Part::Unseen(problem) => vec![format!("open proposals: {problem}")],
        }
    }

    fn of_gateway(&self) -> String {
        match &self.gateway {
            GatewayPart::Readable {
                url,
                providers,
                blocked,
                model_groups,
                teams,
                missing_models: _,
            } => {
                let blocked = match blocked.len() {
                    0 => String::new(),
                    _ => format!(" (blocked: {})", quote(&blocked.join(", "))),
                };
                let (providers, groups) =
                    (count(*providers, "provider"), count(*model_groups, "model group"));
                let teams = count(*teams, "team");
                format!("gateway {url}: {providers}{blocked}, {groups}, {teams}")
            }
            GatewayPart::Unreadable { url, problem } => format!("gateway {url}: {}", quote(problem)),
            GatewayPart::NotAsked(why) => format!("gateway: not asked, {}", quote(why)),
        }
    }

    /// How it is in all, the end of what is told.
    pub(super) fn verdict(&self, reasons: &[String]) -> Vec<String> {
        let is = match self.unseen(reasons) {
            Some(_) => "unknown",
            None => "unhealthy",
        };
        let paused = match &self.agent {
            Part::Seen(agent) => agent.switches.paused.is_some(),
            Part::Unseen(_) => false,
        };
        match reasons {
            [] if paused => vec!["healthy, but paused".to_owned()],
            [] => vec!["healthy".to_owned()],
            [only] => vec![format!("{is}: {only}")],
            several => {
                let mut lines = vec![format!("{is}:")];
                lines.extend(several.iter().map(|reason| format!("  {reason}")));
                lines
            }
        }
    }
}

/// Whether a stack in this state works as deployed: also after a deployment that was rolled back, and during one.
fn is_sound(status: &str) -> bool {
    matches!(
        status,
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_COMPLETE"
            | "UPDATE_IN_PROGRESS"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    )
}
