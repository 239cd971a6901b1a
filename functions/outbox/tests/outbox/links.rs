//! The link to the page in what people are told.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Credential, Unavailable};
use domain::value::ProposalId;
use outbox::links::Links;
use runtime::link::LinkKey;

use super::*;

const PAGES: &str = "https://pages.example";

/// A secret that is read as what it holds now, or not at all.
struct Readable {
    now: Mutex<Option<&'static str>>,
    reads: Mutex<u32>,
}

impl Readable {
    fn new(now: Option<&'static str>) -> Self {
        Self {
            now: Mutex::new(now),
            reads: Mutex::new(0),
        }
    }
}

#[async_trait]
impl Credential for Readable {
    async fn current(&self) -> Result<String, Unavailable> {
        *self.reads.lock().unwrap() += 1;
        let now = *self.now.lock().unwrap();
        now.map(str::to_owned)
            .ok_or_else(|| Unavailable::new("Secrets Manager", "access denied"))
    }

    async fn reread(&self, _: &str) -> Result<Option<String>, Unavailable> {
        Ok(None)
    }
}

/// Announces what a story holds, and returns the links that people were told, one for each message.
async fn told(out: &Out, story: &Story, links: &Links<'_>) -> Vec<Option<String>> {
    let before = out.topic.told().len();
    let deps = Deps {
        trail: &out.trail,
        bus: &out.bus,
        topic: &out.topic,
        view: &out.view,
        links,
        clock: &out.clock,
    };
    let body = hint(story.proposal().id()).to_string();
    let delivery = Delivery {
        body: &body,
        receives: 1,
    };
    handle_hint(&deps, delivery).await.unwrap();
    let told = out.topic.told().split_off(before);
    assert!(!told.is_empty());
    for (_, concern) in &told {
        let last = concern.text.lines().last().unwrap_or_default();
        match &concern.link {
            Some(link) => assert_eq!(last, format!("All of it: {link}")),
            None => assert!(!concern.text.contains("http"), "{}", concern.text),
        }
    }
    told.into_iter().map(|(_, concern)| concern.link).collect()
}

#[tokio::test]
async fn whatever_people_are_told_leads_to_the_page_of_that_proposal() {
    let story = Story::succeeded(breaks());
    let id = story.proposal().id();
    let other = ProposalId::new(id.fingerprint().clone(), id.generation() + 1);
    let key = LinkKey::new("k3y".to_owned()).unwrap();
    for pages in [PAGES.to_owned(), format!("{PAGES}/")] {
        let out = Out::with(&story);
        let secret = Readable::new(Some("k3y"));
        for link in told(&out, &story, &Links::new(&secret, &pages)).await {
            let link = link.unwrap();
            let (page, token) = link.split_once("?t=").unwrap();
            assert_eq!(page, format!("{PAGES}/proposals/{id}"));
            assert!(key.opens(id, token) && !key.opens(&other, token));
        }
        assert_eq!(*secret.reads.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn without_the_key_people_are_told_all_the_same_and_it_is_asked_for_again_later() {
    let story = Story::succeeded(breaks());
    for unusable in [None, Some(""), Some(" \n")] {
        let out = Out::with(&story);
        let secret = Readable::new(unusable);
        let links = Links::new(&secret, PAGES);
        assert!(told(&out, &story, &links).await.iter().all(Option::is_none));
        assert_eq!(*secret.reads.lock().unwrap(), 1, "not once for each message");
        *secret.now.lock().unwrap() = Some("k3y");
        out.view.clear();
        out.clock.advance(Duration::from_secs(59));
        assert!(told(&out, &story, &links).await.iter().all(Option::is_none));
        out.view.clear();
        out.clock.advance(Duration::from_secs(1));
        assert!(told(&out, &story, &links).await.iter().all(Option::is_some));
        assert_eq!(*secret.reads.lock().unwrap(), 2);
    }
}

#[tokio::test]
async fn where_there_are_no_pages_there_is_no_link() {
    let story = Story::succeeded(breaks());
    let links = Links::none();
    assert!(
        told(&Out::with(&story), &story, &links)
            .await
            .iter()
            .all(Option::is_none)
    );
    for left_out in ["", "LINK_SECRET", "PAGES_URL"] {
        let lookup = |name: &str| (name != left_out && name != "KEY_ARCHIVES").then(|| "x".to_owned());
        let config = Config::from(&Env::new(&lookup)).unwrap();
        assert_eq!(config.pages.is_some(), left_out.is_empty(), "{left_out}");
    }
}

#[test]
fn the_key_of_the_links_is_not_shown() {
    let secret = Readable::new(Some("k3y"));
    assert!(!format!("{:?}", Links::new(&secret, PAGES)).contains("k3y"));
}
