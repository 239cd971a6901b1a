//! The whole agent: its functions' processes, AWS and the world outside, and what is delivered between them.
//!
//! Messages are delivered in the order they were sent, one after the other, as the template's rules and event sources have it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use domain::action::ActionKind;
use domain::message::hinted;
use domain::ports::Trail as _;
use domain::trail::{Record, StreamId};
use domain::value::ProposalId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::world::rules;

use crate::cloud::tls::Authority;
use crate::cloud::{Calls, Cloud, REGION, Reader};
use crate::deployment::{FUNCTIONS, Places, Template};
use crate::lambda::{Answered, Function, Program};
use crate::outside::{self, Outside};
use crate::trouble::Trouble;

/// The functions' programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs(BTreeMap<String, Vec<String>>);

impl Programs {
    /// Those of a folder: `<folder>/<binary>/bootstrap` as cargo-lambda builds them, or `<folder>/<binary>`.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let mut programs = BTreeMap::new();
        for (_, name, binary) in FUNCTIONS {
            let nested = folder.join(binary).join("bootstrap");
            let path = if nested.is_file() {
                nested
            } else {
                folder.join(binary)
            };
            ensure!(
                path.is_file(),
                "there is no {}: build the functions first",
                path.display()
            );
            programs.insert(name.to_owned(), vec![path.display().to_string()]);
        }
        Ok(Self(programs))
    }

    /// The same in Python: `<folder>/<function>.py`.
    pub(crate) fn in_python(python: &Path, folder: &Path) -> Result<Self> {
        let mut programs = BTreeMap::new();
        for (_, name, _) in FUNCTIONS {
            let path = folder.join(format!("{}.py", name.replace('-', "_")));
            if path.is_file() {
                let command = [python, path.as_path()].map(|path| path.display().to_string());
                programs.insert(name.to_owned(), command.to_vec());
            }
        }
        ensure!(
            !programs.is_empty(),
            "there are no functions in {}",
            folder.display()
        );
        Ok(Self(programs))
    }

    /// The same without one of them: nobody works what it is sent.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Whether there is a program of this function.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A function's file.
    pub(crate) fn file(&self, name: &str) -> Result<&Path> {
        let command = self.0.get(name).and_then(|command| command.first());
        command
            .map(Path::new)
            .with_context(|| format!("{name} has no program"))
    }
}

/// One step: a function, its event, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The function.
    pub(crate) function: &'static str,
    /// What it is invoked with.
    pub(crate) event: Value,
}

/// The agent.
pub(crate) struct Agent {
    pub(crate) cloud: Cloud,
    pub(crate) outside: Outside,
    template: Template,
    authority: Authority,
    programs: Programs,
    directory: TempDir,
    running: BTreeMap<&'static str, Function>,
    /// What each called before its first event.
    starting: BTreeMap<&'static str, Calls>,
    waiting: VecDeque<Step>,
    later: Vec<(Instant, Step)>,
    stream: Reader,
    incidents: u64,
    /// The last one.
    trouble: Option<Trouble>,
}

impl Agent {
    /// Starts it: nothing runs yet.
    pub(crate) async fn start(programs: Programs) -> Result<Self> {
        let directory = TempDir::new()?;
        let authority = Authority::new(directory.path())?;
        let cloud = Cloud::start(&authority, Template::secrets()).await?;
        let outside = Outside::start(&authority).await?;
        let stream = cloud.tables().reader().await?;
        Ok(Self {
            cloud,
            outside,
            template: Template::read()?,
            authority,
            programs,
            directory,
            running: BTreeMap::new(),
            starting: BTreeMap::new(),
            waiting: VecDeque::new(),
            later: Vec::new(),
            stream,
            incidents: 0,
            trouble: None,
        })
    }

    /// Whether what is appended is delivered, from now on.
    pub(crate) async fn listens(&mut self, on: bool) -> Result<()> {
        self.cloud.tables().streams(on).await?;
        if on {
            self.stream = self.cloud.tables().reader().await?;
        }
        Ok(())
    }

    /// Where a function's process logs.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    /// A function's environment.
    pub(crate) fn environment(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let found = FUNCTIONS.iter().find(|(_, known, _)| *known == name);
        let (resource, name, _) = found.with_context(|| format!("there is no function {name}"))?;
        let places = Places {
            aws: self.cloud.url(),
            outside: self.outside.url(),
            certificates: self.authority.file(),
        };
        let mut environment = self.template.environment(resource, name, &places)?;
        // botocore's names for the same: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html
        let certificates = self.authority.file().display().to_string();
        environment.insert("AWS_CA_BUNDLE".to_owned(), certificates);
        environment.insert("AWS_DEFAULT_REGION".to_owned(), REGION.to_owned());
        Ok(environment)
    }

    /// Starts a process of a function.
    pub(crate) async fn launch(&self, name: &str) -> Result<Function> {
        let command = self.programs.0.get(name);
        let command = command.with_context(|| format!("{name} has no program"))?;
        Function::start(&Program {
            command,
            name,
            environment: &self.environment(name)?,
            log: &self.log(name),
        })
        .await
    }

    /// Another provider is slow, and the gateway says so.
    pub(crate) fn incident(&mut self) {
        self.incident_of(ActionKind::RerouteModelGroup);
    }

    /// Something goes wrong that this action answers, and the gateway says so.
    pub(crate) fn incident_of(&mut self, action: ActionKind) {
        self.incidents += 1;
        let trouble = Trouble::answered_by(action, self.incidents);
        self.outside.suffers(&trouble);
        self.reports(&trouble, &format!("evt-{}", self.incidents));
        self.trouble = Some(trouble);
    }

    /// The incident of before is reported once more, by an event of its own.
    pub(crate) fn reported_again(&mut self, time: usize) {
        if let Some(trouble) = self.trouble.take() {
            self.reports(&trouble, &format!("evt-{}-{time}", self.incidents));
            self.trouble = Some(trouble);
        }
    }

    fn reports(&mut self, trouble: &Trouble, event: &str) {
        let event = trouble.event(event).to_string();
        self.waiting.push_back(message("IngestQueue", &event));
    }

    /// Puts a step before all others.
    pub(crate) fn next(&mut self, step: Step) {
        self.waiting.push_front(step);
    }

    /// The time on a processor of every process that runs.
    pub(crate) fn on_cpu(&self) -> Result<Duration> {
        self.running.values().map(Function::on_cpu).sum()
    }

    /// Works the next step with a process that runs, which is started where there is none. `None` where nothing waits.
    pub(crate) async fn step(&mut self) -> Result<Option<(Step, Answered)>> {
        let Some(step) = self.due() else { return Ok(None) };
        self.run(step.function).await?;
        let function = self.running.get_mut(step.function);
        let function = function.context("a function that was just started")?;
        let answered = function.invoke(&step.event).await;
        let answered = answered.with_context(|| self.complaints(step.function))?;
        self.deliver().await?;
        Ok(Some((step, answered)))
    }

    /// Starts a function's process where there is none.
    pub(crate) async fn run(&mut self, name: &'static str) -> Result<()> {
        if !self.running.contains_key(name) {
            let function = self.launch(name).await?;
            self.running.insert(name, function);
            self.starting.insert(name, self.cloud.take_calls());
        }
        Ok(())
    }

    /// What each function has called from its process's start until it asked for its first event.
    pub(crate) fn calls_of_starts(&self) -> &BTreeMap<&'static str, Calls> {
        &self.starting
    }

    /// Works the next step with a process of its own, which is given back. `None` where nothing waits.
    pub(crate) async fn cold_step(&mut self) -> Result<Option<(Step, Function, Answered)>> {
        let Some(step) = self.due() else { return Ok(None) };
        self.cloud.take_first_connection();
        let mut function = self.launch(step.function).await?;
        let answered = function.invoke(&step.event).await;
        let answered = answered.with_context(|| self.complaints(step.function))?;
        self.deliver().await?;
        Ok(Some((step, function, answered)))
    }

    /// Waits until the next of what is delayed is due. `false` where nothing is.
    pub(crate) async fn wait_for_what_is_delayed(&self) -> bool {
        let next = self.later.iter().map(|(due, _)| *due).min();
        if let Some(due) = next {
            tokio::time::sleep_until(due.into()).await;
        }
        next.is_some()
    }

    /// What waits for its time is forgotten.
    pub(crate) fn forget_what_is_delayed(&mut self) {
        self.later.clear();
    }

    fn due(&mut self) -> Option<Step> {
        // What nobody works here is left out: the peers ask nobody in Slack.
        self.waiting.retain(|step| self.programs.has(step.function));
        let now = Instant::now();
        if let Some(at) = self.later.iter().position(|(due, _)| *due <= now) {
            let (_, step) = self.later.remove(at);
            self.waiting.push_back(step);
        }
        self.waiting.pop_front()
    }

    /// The end of what a function has logged.
    pub(crate) fn complaints(&self, name: &str) -> String {
        let log = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        format!("{name} logged: {}", lines.join("\n"))
    }

    /// Hands on what was sent and appended since the last time.
    async fn deliver(&mut self) -> Result<()> {
        for sent in self.cloud.take_sent() {
            if sent.to == "bus" {
                let event = serde_json::from_str(&sent.body)?;
                for lane in rules::targets(&event) {
                    let queue = format!("{}Queue", capitalized(lane.name()));
                    self.waiting.push_back(message(&queue, &sent.body));
                }
                continue;
            }
            let step = message(&sent.to, &sent.body);
            if step.function.is_empty() {
                bail!("a message went to {}: {}", sent.to, sent.body);
            }
            if sent.delay_s == 0 {
                self.waiting.push_back(step);
            } else {
                let due = Instant::now() + Duration::from_secs(sent.delay_s);
                self.later.push((due, step));
            }
        }
        let mut records = self.cloud.tables().appended(&mut self.stream).await?;
        // The event source's filter.
        records.retain(|record| {
            let stream = record["dynamodb"]["Keys"]["stream"]["S"].as_str();
            stream
                .is_some_and(|name| name.starts_with("proposal/") || name.starts_with("limit/refused-events"))
        });
        if !records.is_empty() {
            for record in &mut records {
                record["eventSourceARN"] = json!("arn:aws:dynamodb:us-east-1:123456789012:table/sre_actions");
            }
            let event = json!({ "Records": records });
            self.waiting.push_back(Step {
                function: "outbox",
                event,
            });
        }
        Ok(())
    }

    /// The records of a proposal, as they are in the table.
    pub(crate) async fn records(&self, proposal: &ProposalId) -> Result<Vec<Record>> {
        let trail = self.cloud.tables().dynamo().trail();
        Ok(trail.load(&StreamId::Proposal(proposal.clone())).await?)
    }

    /// The proposal that a step is about.
    pub(crate) fn about(step: &Step) -> Option<ProposalId> {
        let body = step.event["Records"][0]["body"].as_str();
        if let Some(Ok(proposal)) = body.map(hinted) {
            return Some(proposal);
        }
        let text = step.event.to_string();
        let after = text.split("proposal/").nth(1)?;
        let id: String = after
            .chars()
            .take_while(|one| one.is_ascii_alphanumeric() || *one == '-')
            .collect();
        id.parse().ok()
    }
}

/// The schedule's event, in another minute than an hour's first: in that one, a run looks for what is older, too.
pub(crate) async fn minute() -> Step {
    while minute_of_the_hour() == 0 {
        eprintln!("the first minute of an hour is waited out");
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    scheduled()
}

/// The schedule's event in an hour's first minute, which is waited for.
pub(crate) async fn first_minute() -> Step {
    while minute_of_the_hour() != 0 {
        eprintln!("the next hour is waited for: {} min", 60 - minute_of_the_hour());
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    scheduled()
}

fn minute_of_the_hour() -> i64 {
    outside::millis().div_euclid(60_000).rem_euclid(60)
}

fn scheduled() -> Step {
    Step {
        function: "housekeeping",
        event: json!({ "source": "aws.events" }),
    }
}

/// A message of a queue, for the function that works it; for none where the queue is a dead-letter queue.
fn message(queue: &str, body: &str) -> Step {
    let function = match queue {
        "IngestQueue" => "ingest-and-propose",
        "ScoringQueue" => "scoring",
        "ExecutionQueue" | "RestoreQueue" | "VerifyQueue" => "execution",
        "SlackQueue" => "notification",
        "AnnounceQueue" => "outbox",
        _ => "",
    };
    let lane = queue.trim_end_matches("Queue").to_lowercase();
    Step {
        function,
        event: json!({ "Records": [{
            "messageId": "059f36b4-87a3-44ab-83d2-000000000001", "receiptHandle": "r", "body": body,
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": outside::millis().to_string(),
                            "SenderId": "S", "ApproximateFirstReceiveTimestamp": outside::millis().to_string() },
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:123456789012:sre-agent-{lane}"), "awsRegion": REGION,
        }] }),
    }
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
