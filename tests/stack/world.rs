//! What every test on the stack starts from.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::aws::{self, Bounds};
use adapters::{DynamoTrail, KeySources, KmsSigner, PayloadBucket, PublicKeys, SdkConfig, SystemClock};
use domain::incident::Event;
use domain::ports::{Clock as _, Trail, TrailError};
use domain::proposal::{Proposal, State};
use domain::trail::generation::{Course, IncidentFact};
use domain::trail::{Actor, Author, Authority, Entry, Record, StreamId, generation, verify_chain};
use domain::value::{Fingerprint, ProposalId};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use trail::load_control;

use crate::aws::Aws;
use crate::policy;
use crate::sandbox::Sandbox;
use crate::slack::{self, Answer};

/// For one call of the emulator, which may be starting fifty functions.
const PATIENCE: Duration = Duration::from_secs(30);

/// One test at a time: they share a gateway.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct Deployed {
    pub(crate) aws: Aws,
    pub(crate) sandbox: Sandbox,
    pub(crate) trail: DynamoTrail,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) transcripts: PayloadBucket,
    pub(crate) http: reqwest::Client,
    callback: String,
    signing_secret: String,
    _turn: MutexGuard<'static, ()>,
}

/// A variable of the stack's environment.
#[expect(clippy::disallowed_methods, reason = "the stack is named by the environment")]
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: eval \"$(cargo xtask env)\" first"))
}

/// Waits until `look` sees something, for a bounded time.
pub(crate) async fn within<T>(seconds: u64, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            began.elapsed() < Duration::from_secs(seconds),
            "{what}: not within {seconds} s"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The trail, with the operators' key: what the tests switch is signed as `sre-agent` signs it.
async fn signing(config: &SdkConfig, aws: &Aws) -> DynamoTrail {
    let key = |output: &str| vec![aws.output(output).to_owned()];
    let sources = KeySources {
        stack: variable("SRE_AGENT_STACK"),
        decisions: key("DecisionKeys"),
        operators: key("OperatorKeys"),
        archives: Vec::new(),
        bucket: aws.output("PolicyBucketName").to_owned(),
    };
    let (stack, operators) = (sources.stack.clone(), sources.operators[0].clone());
    let signer =
        KmsSigner::new(config, Authority::Operators, operators, stack).within(config, PATIENCE, "KMS");
    let keys = Arc::new(PublicKeys::new(config, sources));
    keys.ready().await;
    DynamoTrail::new(config, variable("TRAIL_TABLE"))
        .written_by(Author::Operator)
        .signed_with(Arc::new(signer))
        .trusting_kms(keys)
}

impl Deployed {
    pub(crate) async fn new() -> Self {
        let turn = TURN.lock().await;
        // With patience, and once: what is sent a second time because the first was slow arrives twice.
        let bounds = Bounds {
            connect: Duration::from_secs(5),
            attempt: PATIENCE,
            operation: PATIENCE,
            attempts: 1,
        };
        let (config, _) = aws::in_function(&bounds, &runtime::env::process);
        // What is read may be read again: the emulator closes connections that are just being used.
        let reading = aws::within(
            &config,
            &Bounds {
                attempts: 3,
                ..bounds
            },
        );
        let aws = Aws::new(&config, &reading).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(15))
            .build()
            .unwrap();
        let sandbox = Sandbox::new(http.clone());
        sandbox.clear().await;
        let world = Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            trail: signing(&reading, &aws).await,
            transcripts: PayloadBucket::new(&reading, aws.output("TranscriptBucketName")),
            callback: variable("CALLBACK_URL"),
            signing_secret: aws.secret("slack-signing").await,
            aws,
            sandbox,
            http,
            _turn: turn,
        };
        // Scores that do not depend on the time of day, or on what an earlier test did to the same target.
        policy::put_in_force(&world, &policy::weightless()).await;
        world
    }

    /// The current proposal of a trouble, once it is there.
    pub(crate) async fn proposal_of(&self, fingerprint: &Fingerprint, after_generation: u32) -> ProposalId {
        let stream = StreamId::Incident(fingerprint.clone());
        within(30, "a proposal is opened", async || {
            let last = self.trail.last(&stream).await.unwrap();
            let (generation, _) = generation::opened_by(last.as_ref()).unwrap();
            let id = ProposalId::new(fingerprint.clone(), generation);
            (generation > after_generation && self.proposal(&id).await.is_some()).then_some(id)
        })
        .await
    }

    /// The generation a trouble has reached, once its next event does not belong to that any more: a test before this
    /// one may just have settled it.
    pub(crate) async fn settled_generation(&self, fingerprint: &Fingerprint) -> u32 {
        let generation = self.generation(fingerprint).await;
        if generation > 0 {
            let id = ProposalId::new(fingerprint.clone(), generation);
            if self.proposal(&id).await.is_none() {
                // It was begun anew, and nothing has come since.
                return generation - 1;
            }
            within(60, &format!("{id} has settled"), async || {
                let proposal = self.proposal(&id).await.unwrap();
                // The gateway may have reported it once more when an earlier test had what it wanted: nobody decides
                // on that for half an hour.
                if matches!(proposal.state(), State::AwaitingApproval(_)) {
                    self.click("reject", &proposal).await;
                }
                proposal.settled_at()
            })
            .await;
            self.forget(fingerprint, generation).await;
        }
        generation
    }

    /// Begins a trouble anew, as a day of quiet does, for which no test waits: otherwise what an earlier test turned down
    /// would not be asked again, and what did not help would be for people.
    async fn forget(&self, fingerprint: &Fingerprint, generation: u32) {
        let stream = StreamId::Incident(fingerprint.clone());
        let last = self.trail.last(&stream).await.unwrap();
        if generation::opened_by(last.as_ref()).unwrap().0 != generation {
            return;
        }
        let next = generation + 1;
        let fact = IncidentFact::Opened {
            generation: next,
            proposal: ProposalId::new(fingerprint.clone(), next),
            course: Course::default(),
        };
        let entry = Entry::next(
            stream,
            last.as_ref(),
            SystemClock.now(),
            Actor::Agent,
            &fact,
            None,
        );
        // The gateway may have reported it at the same moment: then that is the next outbreak.
        let appended = self.trail.clone().written_by(Author::Ingest).append(entry).await;
        assert!(
            matches!(appended, Ok(_) | Err(TrailError::Conflict { .. })),
            "{appended:?}"
        );
    }

    /// The generation a trouble has reached so far.
    pub(crate) async fn generation(&self, fingerprint: &Fingerprint) -> u32 {
        let last = self
            .trail
            .last(&StreamId::Incident(fingerprint.clone()))
            .await
            .unwrap();
        generation::opened_by(last.as_ref()).unwrap().0
    }

    pub(crate) async fn records(&self, id: &ProposalId) -> Vec<Record> {
        self.trail.load(&StreamId::Proposal(id.clone())).await.unwrap()
    }

    /// The proposal, as it stands without what was set aside.
    pub(crate) async fn proposal(&self, id: &ProposalId) -> Option<Proposal> {
        let records = self.records(id).await;
        if records.is_empty() {
            return None;
        }
        let control = load_control(&self.trail).await.unwrap();
        let aside = control.set_aside_of(&StreamId::Proposal(id.clone()));
        Some(Proposal::read(&records, self.trail.keys(), &aside).unwrap())
    }

    /// The name of the proposal's state.
    pub(crate) async fn state(&self, id: &ProposalId) -> &'static str {
        self.proposal(id).await.unwrap().state().name()
    }

    /// Waits until the proposal's state has a name, and returns it.
    pub(crate) async fn until(&self, id: &ProposalId, seconds: u64, state: &str) -> Proposal {
        within(seconds, &format!("{id} is {state}"), async || {
            let proposal = self.proposal(id).await?;
            (proposal.state().name() == state).then_some(proposal)
        })
        .await
    }

    /// Waits until the proposal has a record of a kind.
    pub(crate) async fn until_recorded(&self, id: &ProposalId, seconds: u64, kind: &str) -> Record {
        within(seconds, &format!("{id} has a record {kind}"), async || {
            self.records(id)
                .await
                .into_iter()
                .find(|record| record.kind == kind)
        })
        .await
    }

    /// How often a kind is on a proposal's trail, which must verify.
    pub(crate) async fn count(&self, id: &ProposalId, kind: &str) -> usize {
        let records = self.records(id).await;
        verify_chain(&records).unwrap();
        Proposal::replay(&records).unwrap();
        records.iter().filter(|record| record.kind == kind).count()
    }

    /// Waits until no queue before a function holds anything.
    pub(crate) async fn at_rest(&self, seconds: u64) {
        for queue in ["Ingest", "Scoring", "Execution", "Restore", "Verify", "Slack"] {
            within(seconds, &format!("{queue} is empty"), async || {
                (self.aws.unfinished(&format!("{queue}QueueUrl")).await == 0).then_some(())
            })
            .await;
        }
    }

    /// How the callback says it is.
    pub(crate) async fn healthz(&self) -> u16 {
        let reply = self.http.get(format!("{}/healthz", self.callback)).send().await;
        reply.unwrap().status().as_u16()
    }

    /// Ada clicks a button under the proposal's present score.
    pub(crate) async fn click(&self, choice: &str, proposal: &Proposal) -> Answer {
        let State::AwaitingApproval(waiting) = proposal.state() else {
            panic!(
                "{} is {}, and waits for nobody",
                proposal.id(),
                proposal.state().name()
            );
        };
        let value = format!("{}.{}", proposal.id(), waiting.scored);
        slack::click(&self.http, &self.callback, &self.signing_secret, choice, &value).await
    }

    /// Fails a provider for real, and returns the fingerprint of its trouble.
    pub(crate) async fn fail_provider(&self, provider: &str) -> Fingerprint {
        let fault =
            json!({ "fault": "fail_provider", "provider": provider, "error_rate": 0.9, "burst": 120 });
        self.sandbox.fault(&fault).await;
        unhealthy("probe", provider).fingerprint()
    }

    /// An incident of a provider that nobody knows, concluded: its proposal has its records.
    pub(crate) async fn concluded(&self) -> ProposalId {
        let detail = unhealthy_detail(&fresh("event"), &fresh("nowhere"));
        self.aws
            .put_event("llm-gateway", "provider.unhealthy", &detail)
            .await;
        let event = Event::parse("provider.unhealthy", &detail).unwrap();
        let id = self.proposal_of(&event.fingerprint(), 0).await;
        self.until_recorded(&id, 30, "declined").await;
        id
    }

    /// Spends a team's budget for real, and returns the fingerprint of its trouble.
    pub(crate) async fn spend_budget(&self, scope: &str, id: &str, amount: &str) -> Fingerprint {
        self.sandbox
            .fault(&json!({ "fault": "spend_budget", "scope": scope, "id": id, "amount": amount }))
            .await;
        overspent(scope, id)
    }
}

/// What the emulator has written so far, the functions' output with it. `cargo xtask` keeps it below cargo's target
/// directory.
pub(crate) fn emulator_log() -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let log = target.join("stack/logs/emulator.log");
    let bytes = fs::read(&log).unwrap_or_else(|err| panic!("{}: {err}", log.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The trouble of a hard budget that is spent.
pub(crate) fn overspent(scope: &str, id: &str) -> Fingerprint {
    let detail = json!({ "version": 1, "event_id": "probe", "org_id": "acme", "scope": scope, "scope_id": id,
        "kind": "hard", "spend": "1", "limit": "1", "period": "monthly" });
    Event::parse("budget.exceeded", &detail).unwrap().fingerprint()
}

/// The detail of an event that says that a provider fails.
pub(crate) fn unhealthy_detail(event_id: &str, provider: &str) -> Value {
    json!({ "version": 1, "event_id": event_id, "org_id": "acme", "provider": provider,
        "error_rate": 0.8, "requests": 40, "window_s": 15, "severity": "critical" })
}

pub(crate) fn unhealthy(event_id: &str, provider: &str) -> Event {
    Event::parse("provider.unhealthy", &unhealthy_detail(event_id, provider)).unwrap()
}

/// An id that no earlier run used.
pub(crate) fn fresh(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

/// What the operators' command prints where all is well; `cargo xtask` has built it next to this test.
pub(crate) fn sre_agent(arguments: &[&str]) -> String {
    let (well, printed) = sre_agent_says(arguments);
    assert!(well, "{arguments:?}: {printed}");
    printed
}

/// Whether the operators' command finds that all is well, and what it prints. Its complaints come last.
pub(crate) fn sre_agent_says(arguments: &[&str]) -> (bool, String) {
    let test = std::env::current_exe().unwrap();
    let command = test.ancestors().nth(2).unwrap().join("sre-agent");
    let output = Command::new(&command).args(arguments).output();
    let output = output.unwrap_or_else(|err| panic!("{}: {err}", command.display()));
    let printed = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), printed + &complaint)
}
