//! The link to a proposal's page, for those who read the topic's messages.
//!
//! A link shows and decides nothing. Nobody waits for one: where the key cannot be had, people are told without it.

use domain::ports::{Clock, Credential};
use domain::telling::checkup::{Needed, Reached};
use domain::value::{ProposalId, Timestamp};
use runtime::link::LinkKey;
use tokio::sync::Mutex;

/// How long after it could not be had the key is not asked for again, seconds: what is announced meanwhile does not wait
/// for it.
const AGAIN_S: u64 = 60;

/// The links to the proposals' pages.
pub struct Links<'a> {
    /// The secret of the key, and where the pages are; `None` where this stack has no pages.
    source: Option<(&'a dyn Credential, &'a str)>,
    key: Mutex<Key>,
}

/// What is known of the key.
enum Key {
    NotAsked,
    Known(LinkKey),
    Failed(Timestamp),
}

impl<'a> Links<'a> {
    /// Links to the pages below a URL, made with the key that a secret holds. Nothing is read yet.
    pub fn new(secret: &'a dyn Credential, pages: &'a str) -> Self {
        Self {
            source: Some((secret, pages.trim_end_matches('/'))),
            key: Mutex::new(Key::NotAsked),
        }
    }

    /// No links.
    pub fn none() -> Self {
        Self {
            source: None,
            key: Mutex::new(Key::NotAsked),
        }
    }

    /// The link to a proposal's page, if there is one.
    pub async fn of(&self, proposal: &ProposalId, clock: &dyn Clock) -> Option<String> {
        let (secret, pages) = self.source?;
        let mut key = self.key.lock().await;
        let now = clock.now();
        let is_asked = match &*key {
            Key::Known(key) => return Some(link(pages, key, proposal)),
            Key::NotAsked => true,
            Key::Failed(at) => at.plus_seconds(AGAIN_S) <= now,
        };
        if !is_asked {
            return None;
        }
        let problem = match secret.current().await {
            Ok(text) => match LinkKey::new(text) {
                Some(read) => {
                    let link = link(pages, &read, proposal);
                    *key = Key::Known(read);
                    return Some(link);
                }
                None => "the secret is empty".to_owned(),
            },
            Err(err) => err.to_string(),
        };
        tracing::error!(
            alarm = "link_key_unusable",
            problem,
            "people are told without a link"
        );
        *key = Key::Failed(now);
        None
    }
}

impl Links<'_> {
    /// Whether the key can be read; `None` where this stack has no pages.
    pub async fn reach(&self) -> Option<Reached> {
        let (secret, _) = self.source?;
        let key = secret.current().await.map_err(|err| err.to_string());
        let usable = key.and_then(|key| match LinkKey::new(key) {
            Some(_) => Ok(()),
            None => Err("the secret is empty".to_owned()),
        });
        Some(Reached::of(Needed::Link, "key of the links", usable))
    }
}

impl std::fmt::Debug for Links<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Links({:?})", self.source.map(|(_, pages)| pages))
    }
}

fn link(pages: &str, key: &LinkKey, proposal: &ProposalId) -> String {
    format!("{pages}{}", key.path(proposal))
}
