//! The keys of tests: one that signs decisions, one of the operators, and their public halves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use adapters::{Keyring, LocalKey};
use async_trait::async_trait;
use domain::ports::{Signer, Trail, TrailError, Unavailable};
use domain::trail::author::signed_by;
use domain::trail::{Author, Authority, Doubt, Entry, Record, Seq, Signature, StreamId, Verifier};
use domain::value::{Digest, Timestamp, WriterId};

use crate::outages::Outages;

/// The stack that tests sign for.
pub const STACK: &str = "sre-agent";

struct Keys {
    decisions: LocalKey,
    operators: LocalKey,
    ring: Keyring,
    // A signature is drawn at random: the same record is signed the same way in one run, so that records can be compared.
    signed: Mutex<BTreeMap<(Authority, String), Signature>>,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |by, name: &str| LocalKey::generate(by, name, STACK).unwrap();
        let decisions = key(Authority::Decisions, "key/decisions");
        let operators = key(Authority::Operators, "key/operators");
        let public = [decisions.public().unwrap(), operators.public().unwrap()];
        Keys {
            ring: Keyring::new(STACK, public),
            decisions,
            operators,
            signed: Mutex::default(),
        }
    })
}

/// The public keys of tests.
pub fn keyring() -> &'static Keyring {
    &keys().ring
}

/// A public key of tests, as `GetPublicKey` tells one.
pub fn der(by: Authority) -> Vec<u8> {
    match by {
        Authority::Decisions => keys().decisions.der(),
        Authority::Operators => keys().operators.der(),
    }
}

/// Signs a digest with one of the keys of tests.
pub fn sign(by: Authority, digest: &Digest) -> Signature {
    let keys = keys();
    let mut signed = keys.signed.lock().unwrap();
    let key = match by {
        Authority::Decisions => &keys.decisions,
        Authority::Operators => &keys.operators,
    };
    signed
        .entry((by, digest.to_string()))
        .or_insert_with(|| key.sign_now(digest).unwrap())
        .clone()
}

/// Whose key an author has.
pub fn key_of(author: Author) -> Option<Authority> {
    match author {
        Author::Callback => Some(Authority::Decisions),
        Author::Operator => Some(Authority::Operators),
        Author::Ingest
        | Author::Scoring
        | Author::Execution
        | Author::Notification
        | Author::Housekeeping
        | Author::Archive => None,
    }
}

/// A record as its author stores it: signed, where its kind is and the author has the key.
pub fn sealed(entry: Entry, writer: WriterId) -> Record {
    let author = entry.author;
    let mut record = entry.seal(writer);
    let by = signed_by(&record.stream, &record.kind);
    record.signature = by
        .filter(|by| key_of(author) == Some(*by))
        .map(|by| sign(by, &record.digest));
    record
}

/// Both private keys of tests, as a port.
#[derive(Debug, Default)]
pub struct TestKeys {
    /// When signing fails.
    pub outages: Outages,
}

impl TestKeys {
    /// Keys that answer, shared.
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::default())
    }
}

#[async_trait]
impl Signer for TestKeys {
    async fn sign(&self, by: Authority, digest: &Digest) -> Result<Signature, Unavailable> {
        self.outages.before("KMS")?;
        Ok(sign(by, digest))
    }
}

/// The public keys of tests, as long as they are known.
#[derive(Debug, Default)]
pub struct TestKeyring {
    unknown: Mutex<Option<String>>,
}

impl TestKeyring {
    /// From now on the keys are not known, for this reason; or they are again.
    pub fn unknown(&self, because: Option<&str>) {
        *self.unknown.lock().unwrap() = because.map(str::to_owned);
    }
}

impl Verifier for TestKeyring {
    fn verify(&self, by: Authority, record: &Record, signature: &Signature) -> Result<(), Doubt> {
        match &*self.unknown.lock().unwrap() {
            Some(because) => Err(Doubt::Unknown(because.clone())),
            None => keyring().verify(by, record, signature),
        }
    }
}

/// A trail as one part of the agent writes it.
pub struct Writes<'a> {
    trail: &'a dyn Trail,
    author: Author,
}

impl<'a> Writes<'a> {
    /// Whatever is appended is appended as `author`.
    pub fn by(author: Author, trail: &'a dyn Trail) -> Self {
        Self { trail, author }
    }
}

#[async_trait]
impl Trail for Writes<'_> {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.trail.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.trail.last(stream).await
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        self.trail.append(entry.by(self.author)).await
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        self.trail.streams_of(hour).await
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.trail.opened_in(hour, since, most).await
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.trail.newest(stream, most).await
    }

    fn keys(&self) -> &dyn Verifier {
        self.trail.keys()
    }
}

/// A position and a writer for a record that a test makes itself.
pub fn writer(number: Seq) -> WriterId {
    WriterId::new(&format!("w{number}")).unwrap()
}
