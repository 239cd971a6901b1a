//! The page behind a link: it shows, to whoever has the link, and does nothing.

use domain::proposal::{ProposalFact, Rejected};
use domain::value::Digest;
use serde_json::json;
use testkit::story::{Story, breaks, person};

use crate::door::{Answer, Door, request};

async fn page(door: &Door, method: &str) -> Answer {
    let path = door.links.path(door.story.proposal().id());
    let (path, query) = path.split_once('?').unwrap();
    let mut event = request(method, path);
    event["rawQueryString"] = json!(query);
    door.send(&event).await
}

#[tokio::test]
async fn every_state_has_its_page() {
    for story in Story::in_every_state() {
        let door = Door::with(story);
        let shown = page(&door, "GET").await;
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(shown.body.starts_with("<!doctype html>") && shown.body.ends_with("</html>\n"));
        let id = door.story.proposal().id().to_string();
        assert!(shown.body.contains(&id));
        assert!(door.since().is_empty());
        for tag in [
            "<script", "<form", "<button", "<img", "<iframe", "<link", "<a ", " style=", " on",
        ] {
            let body = shown.body.split("</style>").nth(1).unwrap();
            let tagged = body.split('<').skip(1).any(|part| {
                let tag_text = part.split('>').next().unwrap_or_default();
                format!("<{tag_text}").contains(tag)
            });
            assert!(!tagged, "{tag}");
        }
        let head = page(&door, "HEAD").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.headers, shown.headers);
    }
}

#[tokio::test]
async fn a_page_may_do_nothing() {
    let door = Door::new();
    let shown = page(&door, "GET").await;
    let header = |name: &str| {
        let found = shown.headers.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'sha256-",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    // The hash is of what stands between the tags, byte for byte: the browser takes no other style.
    let style = shown
        .body
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(style.as_bytes());
    assert!(policy.contains(&data_encoding::BASE64.encode(&hash)), "{policy}");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "no-store");
}

#[tokio::test]
async fn words_from_outside_are_text_and_nothing_else() {
    let evil = "<script>alert(1)</script>\"><img src=x onerror=alert(2)> \u{202e}";
    let story = Story::awaiting(breaks());
    let rejected = ProposalFact::Rejected(Rejected {
        scored: story.last().digest,
        policy: Digest::of(b"policy"),
        reason: Some(evil.to_owned()),
        extension: None,
        decider: None,
    });
    let door = Door::with(story.then(40, person("alice"), &rejected));
    let shown = page(&door, "GET").await;
    assert!(shown.body.contains("&lt;script&gt;alert(1)"), "{}", shown.body);
    assert!(
        !shown.body.contains("<script") && !shown.body.contains("<img") && !shown.body.contains('\u{202e}')
    );
}

#[tokio::test]
async fn only_the_link_of_this_proposal_opens_it() {
    let door = Door::new();
    let whole = door.links.path(door.story.proposal().id());
    let (path, query) = whole.split_once('?').unwrap();
    let nothing = door.send(&request("GET", path)).await;
    assert_eq!(nothing.status, 404);
    for query in [
        "",
        "t=",
        "t=x",
        "T=x",
        &query[..query.len() - 1],
        &format!("{query}A"),
        &format!("t=x&{query}"),
    ] {
        let mut event = request("GET", path);
        event["rawQueryString"] = json!(query);
        let answer = door.send(&event).await;
        assert_eq!(answer.status, 404, "{query}");
        assert_eq!(answer.body, nothing.body, "a wrong token says no more than none");
    }
    // A link that was never anybody's: the same answer as a wrong token.
    let other = format!("{}-7", door.story.proposal().id().fingerprint())
        .parse()
        .unwrap();
    let whole = door.links.path(&other);
    let (path, query) = whole.split_once('?').unwrap();
    let mut event = request("GET", path);
    event["rawQueryString"] = json!(query);
    assert_eq!(door.send(&event).await.body, nothing.body);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        assert_eq!(page(&door, method).await.status, 405, "{method}");
    }
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_trail_that_does_not_answer_is_said() {
    let door = Door::new();
    door.trail.outages.next(usize::MAX);
    let shown = page(&door, "GET").await;
    assert_eq!(shown.status, 503);
    assert!(shown.body.contains("Load this page again"));
}
