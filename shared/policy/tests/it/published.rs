//! Which policy is in force, where the published one cannot be.

use std::io;
use std::sync::{Arc, Mutex};

use domain::action::ActionKind;
use domain::permission::{InForce, Principal, Verb};
use domain::ports::{Payloads, Policies};
use domain::trail::{Control, ControlFact, Switches};
use domain::value::Digest;
use policy::{Bundle, Published, RISK};

use crate::world::{Bucket, Hand, Subject, circumstances, operator, replaced};

/// A policy that differs from others by a weight.
fn version(night: u8) -> Bundle {
    replaced(RISK, "night = 10", &format!("night = {night}"))
}

/// A process, its bucket and its clock.
struct Scene {
    bucket: Arc<Bucket>,
    clock: Arc<Hand>,
    published: Published,
    control: Control,
}

impl Scene {
    fn new() -> Self {
        let (bucket, clock) = (Arc::new(Bucket::default()), Hand::new());
        Self {
            published: Published::new(bucket.clone(), clock.clone()),
            bucket,
            clock,
            control: Control::default(),
        }
    }

    /// A process that knows nothing yet.
    fn restarted(self) -> Self {
        Self {
            published: Published::new(self.bucket.clone(), self.clock.clone()),
            ..self
        }
    }

    fn names(&mut self, digest: Digest) {
        let Some(fact) = self.control.publish(digest) else {
            return;
        };
        assert!(matches!(fact, ControlFact::PolicyPublished(_)));
        self.control = Control::of(self.control.seq + 1, fact.switches().clone());
    }

    async fn publishes(&mut self, bundle: &Bundle) {
        let digest = self.bucket.put(bundle.bytes()).await.unwrap();
        assert_eq!(digest, bundle.digest());
        self.names(digest);
    }

    async fn in_force(&self) -> InForce {
        self.published.in_force(&self.control).await
    }

    /// The policy in force is this one, and is the published one.
    async fn has(&self, bundle: &Bundle) {
        let in_force = self.in_force().await;
        assert_eq!(
            (in_force.digest, in_force.instead_because),
            (bundle.digest(), None)
        );
    }

    /// The policy in force is this one, instead of the published one, because of something.
    async fn falls_back_on(&self, bundle: &Bundle, because: &str) {
        let in_force = self.in_force().await;
        assert_eq!(in_force.digest, bundle.digest());
        let told = in_force.instead_because.unwrap();
        assert!(told.contains(because), "{told}");
    }
}

#[tokio::test]
async fn before_the_first_was_published_the_built_in_one_is_in_force() {
    let scene = Scene::new();
    scene.bucket.set_down(true);
    scene.has(&Bundle::builtin()).await;
    assert_eq!(scene.bucket.gets(), 0);
}

#[tokio::test]
async fn the_published_one_is_in_force_and_is_read_once() {
    let mut scene = Scene::new();
    scene.publishes(&version(11)).await;
    for _ in 0..3 {
        scene.has(&version(11)).await;
    }
    assert_eq!(scene.in_force().await.policy.raises.night.get(), 11);
    assert_eq!(scene.bucket.gets(), 1);
    scene.publishes(&version(12)).await;
    scene.has(&version(12)).await;
    scene.publishes(&version(11)).await;
    scene.has(&version(11)).await;
    assert_eq!(scene.bucket.gets(), 2, "an older one is still known");
}

#[tokio::test]
async fn the_built_in_one_may_be_published_and_needs_no_bucket() {
    let mut scene = Scene::new();
    scene.bucket.set_down(true);
    scene.names(Bundle::builtin().digest());
    scene.has(&Bundle::builtin()).await;
    assert_eq!(scene.bucket.gets(), 0);
}

#[tokio::test]
async fn writing_to_the_bucket_changes_nothing() {
    let mut scene = Scene::new();
    scene.publishes(&version(11)).await;
    scene
        .bucket
        .holds(version(11).digest(), Bundle::builtin().bytes());
    scene.bucket.put(version(12).bytes()).await.unwrap();
    scene
        .falls_back_on(&Bundle::builtin(), "what is stored under its hash has the hash")
        .await;
}

#[tokio::test]
async fn an_unreachable_one_leaves_the_last_good_one_in_force() {
    let mut scene = Scene::new();
    scene.publishes(&version(11)).await;
    scene.has(&version(11)).await;
    scene.publishes(&version(12)).await;
    scene.bucket.set_down(true);
    let reason = "the bucket is unavailable: down";
    scene.falls_back_on(&version(11), reason).await;
    let asked = scene.bucket.gets();
    scene.clock.forward(29);
    scene.bucket.set_down(false);
    scene.falls_back_on(&version(11), reason).await;
    assert_eq!(
        scene.bucket.gets(),
        asked,
        "a failure is remembered for half a minute"
    );
    scene.clock.forward(1);
    scene.has(&version(12)).await;
}

#[tokio::test]
async fn a_new_process_falls_back_on_the_newest_earlier_one_that_is_valid() {
    let mut scene = Scene::new();
    scene.publishes(&version(11)).await;
    scene.publishes(&version(12)).await;
    let invalid = replaced(RISK, "night = 10", "night = 200");
    scene.publishes(&invalid).await;
    let gone = Digest::of(b"gone");
    scene.names(gone);
    scene.names(Digest::of(b"gone too"));
    let scene = scene.restarted();
    scene
        .falls_back_on(&version(12), "nothing is stored under its hash")
        .await;
    let asked = scene.bucket.gets();
    scene
        .falls_back_on(&version(12), "nothing is stored under its hash")
        .await;
    assert_eq!(scene.bucket.gets(), asked);
}

#[tokio::test]
async fn where_the_first_that_was_published_is_gone_the_built_in_one_is_in_force_as_before() {
    let mut scene = Scene::new();
    scene.names(Digest::of(b"gone"));
    scene
        .falls_back_on(&Bundle::builtin(), "nothing is stored under its hash")
        .await;
}

#[tokio::test]
async fn where_none_that_was_ever_in_force_can_be_had_people_may_only_say_no() {
    let mut scene = Scene::new();
    scene.names(Digest::of(b"gone"));
    scene.names(Digest::of(b"gone too"));
    let in_force = scene.in_force().await;
    assert!(in_force.instead_because.is_some());
    let (subject, alice) = (Subject::new(), operator("alice"));
    let resource = subject.resource(ActionKind::CircuitBreakProvider, 15);
    let who = Principal::Operator {
        operator: &alice,
        approver: true,
    };
    let asks = |verb, who: &Principal<'_>| in_force.rules.ask(verb, who, &resource, &circumstances());
    assert!(asks(Verb::Reject, &who).allowed);
    let refused = asks(Verb::Approve, &who);
    assert!(!refused.allowed && refused.because.unwrap().contains("try again"));
    assert!(!asks(Verb::AutoExecute, &Principal::Agent).allowed);
}

#[tokio::test]
async fn one_that_was_in_force_here_is_preferred_to_asking_the_bucket() {
    let mut scene = Scene::new();
    scene.publishes(&version(11)).await;
    scene.has(&version(11)).await;
    let asked = scene.bucket.gets();
    // So many that the first is not remembered on `control`.
    for number in 0..7_u8 {
        scene.names(Digest::of(&[number]));
    }
    assert!(
        !scene
            .control
            .switches
            .policies_before
            .contains(&version(11).digest())
    );
    scene
        .falls_back_on(&version(11), "nothing is stored under its hash")
        .await;
    assert_eq!(scene.bucket.gets(), asked + 1);
}

#[tokio::test]
async fn what_is_no_policy_is_refused_with_its_fault() {
    let mut scene = Scene::new();
    for (bytes, because) in [
        (b"".as_slice(), "policy: is not a policy: EOF"),
        (b"{\"files\":{}}", "gate.cedar: is missing"),
        (b"\xff\xfe", "is not a policy"),
        (
            &[b'x'; 300_000],
            "has 300000 bytes, more than the 262144 of a policy",
        ),
    ] {
        scene.bucket.put(bytes).await.unwrap();
        scene.names(Digest::of(bytes));
        scene.falls_back_on(&Bundle::builtin(), because).await;
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_under_its_fixed_message() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    // For the whole binary: what a callsite is interested in is remembered for all threads.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let scene = Scene::new();
    let hash = Digest::of(b"gone, and logged");
    let control = Control::of(
        1,
        Switches {
            policy: Some(hash),
            ..Switches::default()
        },
    );
    scene.published.in_force(&control).await;
    scene.published.in_force(&control).await;
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = logged
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["fields"]["policy.hash"] == hash.to_string())
        .collect();
    assert_eq!(lines.len(), 1, "{logged}");
    assert_eq!(lines[0]["level"], "ERROR");
    let fields = &lines[0]["fields"];
    assert_eq!(fields["message"], "the published policy is not in force");
    assert_eq!(fields["policy.hash"], hash.to_string());
    assert_eq!(fields["error"], "nothing is stored under its hash");
}
