//! Questions to the rules, and policies to ask: the default one with a change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::action::{ActionKind, Undo};
use domain::permission::{Circumstances, Claimed, Operator, Principal, Resource, Targets, Verb, Verdict};
use domain::policy::Policy;
use domain::ports::{Clock, Payloads, Unavailable};
use domain::value::{Digest, Fingerprint, OrgId, ProposalId, ProviderId, TeamId, Timestamp};
use policy::{Bundle, Checked, Faults};

/// A Monday at ten.
pub(crate) fn ten() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// An active operator who is no bot.
pub(crate) fn operator(id: &str) -> Operator {
    Operator {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        bot: false,
        active: true,
        groups: Vec::new(),
        slack: Vec::new(),
        aws: Vec::new(),
        email: None,
    }
}

/// The usual: a confirmed event on a Monday at ten, no freeze.
pub(crate) fn circumstances() -> Circumstances {
    let policy = Policy::default();
    Circumstances {
        threshold: 40,
        confirmed: true,
        ..Circumstances::at(&policy, policy.time_zone.local(ten()))
    }
}

/// What is asked about.
pub(crate) struct Subject {
    id: ProposalId,
    org: OrgId,
    team: TeamId,
    provider: ProviderId,
}

impl Subject {
    pub(crate) fn new() -> Self {
        Self {
            id: ProposalId::new(Fingerprint::of(&Digest::of(b"a trouble")), 1),
            org: "acme".parse().unwrap(),
            team: "payments".parse().unwrap(),
            provider: "openai".parse().unwrap(),
        }
    }

    pub(crate) fn resource(&self, action: ActionKind, score: u8) -> Resource<'_> {
        Resource {
            id: &self.id,
            action,
            score,
            targets: Targets::default(),
            claimed: Claimed {
                org: &self.org,
                team: Some(&self.team),
                provider: Some(&self.provider),
            },
            undo: Undo::OnDemand,
        }
    }
}

/// May this operator?
pub(crate) fn asks(
    policy: &Checked,
    verb: Verb,
    operator: &Operator,
    approver: bool,
    circumstances: &Circumstances,
) -> Verdict {
    let subject = Subject::new();
    let resource = subject.resource(ActionKind::CircuitBreakProvider, 15);
    let principal = Principal::Operator { operator, approver };
    policy.rules().ask(verb, &principal, &resource, circumstances)
}

/// May the agent?
pub(crate) fn asks_itself(
    policy: &Checked,
    action: ActionKind,
    score: u8,
    circumstances: &Circumstances,
) -> Verdict {
    let subject = Subject::new();
    let resource = subject.resource(action, score);
    policy
        .rules()
        .ask(Verb::AutoExecute, &Principal::Agent, &resource, circumstances)
}

/// The files of the default policy.
pub(crate) fn files() -> BTreeMap<String, String> {
    let bundle = Bundle::builtin();
    let files = bundle.files().into_iter();
    files
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// The default policy where one text stands in the place of another, which occurs once.
pub(crate) fn replaced(file: &str, from: &str, to: &str) -> Bundle {
    let mut files = files();
    let text = files.get_mut(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
    *text = text.replace(from, to);
    Bundle::new(files).unwrap()
}

/// The default policy with another file.
pub(crate) fn with(file: &str, text: &str) -> Result<Bundle, Faults> {
    let mut files = files();
    files.insert(file.to_owned(), text.to_owned());
    Bundle::new(files)
}

/// A bucket of policies, which may be down.
#[derive(Default)]
pub(crate) struct Bucket {
    objects: Mutex<BTreeMap<Digest, Vec<u8>>>,
    down: Mutex<bool>,
    gets: AtomicUsize,
}

impl Bucket {
    pub(crate) fn set_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    pub(crate) fn holds(&self, digest: Digest, bytes: &[u8]) {
        self.objects.lock().unwrap().insert(digest, bytes.to_vec());
    }

    /// How often it was asked.
    pub(crate) fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Payloads for Bucket {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Unavailable> {
        let digest = Digest::of(bytes);
        self.holds(digest, bytes);
        Ok(digest)
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Unavailable> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        if *self.down.lock().unwrap() {
            return Err(Unavailable::new("the bucket", "down"));
        }
        Ok(self.objects.lock().unwrap().get(digest).cloned())
    }
}

/// Time that moves when told to.
pub(crate) struct Hand(Mutex<Timestamp>);

impl Hand {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(ten())))
    }

    pub(crate) fn forward(&self, seconds: u64) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus_seconds(seconds);
    }
}

#[async_trait]
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.forward(time.as_secs());
    }
}
