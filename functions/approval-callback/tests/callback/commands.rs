//! The command line's door: who asks is whom IAM names, and what is listed is what the trail holds.

use domain::telling::{Answered, Detail, Listing, Row};
use serde_json::{Value, json};
use testkit::story::{Story, breaks, pages, reroutes, second};

use crate::door::{Door, command, request, shown};

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";
const BOB: &str = "arn:aws:iam::123456789012:user/bob";

impl Door {
    /// Where requests on the story's proposal go.
    fn requests(&self) -> String {
        format!("/v1/proposals/{}/requests", self.story.proposal().id())
    }

    /// The digest that the card of the story shows.
    fn seen(&self) -> String {
        self.value().split_once('.').unwrap().1.to_owned()
    }

    /// A person asks, naming what is shown.
    async fn asks(&self, arn: &str, request: Value) -> (u16, String) {
        let body = json!({ "seen": self.seen(), "request": request });
        let answer = self.command(&command(arn, "POST", &self.requests(), &body)).await;
        let told = serde_json::from_str::<Answered>(&answer.body).map(|answered| {
            assert_eq!(answered.recorded, answer.status == 200);
            shown(&answered.told)
        });
        (answer.status, told.unwrap_or(answer.body))
    }

    async fn reads(&self, path: &str, query: &str) -> (u16, Value) {
        let mut event = request("GET", path);
        event["rawQueryString"] = json!(query);
        let answer = self.command(&event).await;
        (answer.status, answer.json())
    }

    async fn lists(&self, query: &str) -> Listing {
        let (status, body) = self.reads("/v1/proposals", query).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).unwrap()
    }
}

#[tokio::test]
async fn health_tells_the_version_to_those_whom_iam_lets_in() {
    let door = Door::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        door.reads("/healthz", "").await,
        (200, json!({ "status": "ok", "version": version }))
    );
    let public = door.send(&request("GET", "/healthz")).await;
    assert!(!public.body.contains(version), "{}", public.body);
}

#[tokio::test]
async fn an_operator_decides_by_their_arn() {
    let door = Door::new();
    let told = "Your approval is recorded. It is to start before 10:15.".to_owned();
    assert_eq!(
        door.asks(ALICE, json!({"ask": "approve"})).await,
        (200, told.clone())
    );
    assert_eq!(door.asks(ALICE, json!({"ask": "approve"})).await, (200, told));
    let record = door.trail.records(&door.story.last().stream).pop().unwrap();
    let domain::trail::Actor::Operator { id, channel, .. } = record.actor else {
        panic!("not by a person");
    };
    assert_eq!((id.to_string(), channel.as_str()), ("alice".to_owned(), "cli"));
    let told = "It was approved by Alice at 10:00; it is to start before 10:15.".to_owned();
    assert_eq!(door.asks(BOB, json!({"ask": "approve"})).await, (409, told));
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn every_sort_of_request_has_its_way() {
    let door = Door::new();
    let (status, words) = door
        .asks(ALICE, json!({"ask": "narrow", "to": {"duration_s": "60"}}))
        .await;
    assert_eq!(
        (status, door.since()),
        (200, vec!["amended".to_owned()]),
        "{words}"
    );

    let door = Door::new();
    let (status, words) = door
        .asks(ALICE, json!({"ask": "reject", "reason": "not now"}))
        .await;
    assert_eq!(
        (status, door.since()),
        (200, vec!["rejected".to_owned()]),
        "{words}"
    );

    let door = Door::with(Story::approved(breaks()));
    let (status, words) = door.asks(BOB, json!({"ask": "revoke"})).await;
    assert_eq!((status, door.since().len()), (200, 1), "{words}");

    let door = Door::with(Story::succeeded(reroutes()));
    let (status, words) = door
        .asks(ALICE, json!({"ask": "undo", "reason": "it is over"}))
        .await;
    assert_eq!(
        (status, door.since()),
        (200, vec!["undo_requested".to_owned()]),
        "{words}"
    );

    let door = Door::with(Story::called());
    let seen_to = json!({"ask": "acknowledge", "reason": "failed over by hand"});
    let (status, words) = door.asks(ALICE, seen_to.clone()).await;
    assert_eq!(
        (status, door.since()),
        (200, vec!["acknowledged".to_owned()]),
        "{words}"
    );
    let (status, words) = door.asks(ALICE, seen_to.clone()).await;
    assert_eq!(
        (status, door.since().len()),
        (200, 1),
        "said twice, it counts once: {words}"
    );
    let (status, words) = door.asks(BOB, seen_to).await;
    assert_eq!((status, door.since().len()), (409, 1), "{words}");
    assert!(words.contains("It was acknowledged by"), "{words}");

    let door = Door::with(Story::succeeded(pages()));
    let (status, words) = door
        .asks(ALICE, json!({"ask": "undo", "reason": "it is over"}))
        .await;
    assert_eq!(status, 409);
    assert_eq!(words, "This action cannot be taken back: a page was sent.");
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn who_is_not_known_decides_nothing() {
    let door = Door::new();
    let stranger = "arn:aws:sts::123456789012:assumed-role/Admin/mallory";
    let (status, words) = door.asks(stranger, json!({"ask": "approve"})).await;
    assert_eq!(status, 403);
    assert!(
        words.contains("not in the operator directory") && words.contains(stranger),
        "{words}"
    );
    let mut nobody = command("", "POST", &door.requests(), &json!({}));
    nobody["requestContext"]
        .as_object_mut()
        .unwrap()
        .remove("authorizer");
    assert_eq!(door.command(&nobody).await.status, 403);
    let bot = "arn:aws:iam::123456789012:user/deploy-bot";
    assert_eq!(
        door.asks(bot, json!({"ask": "approve"})).await,
        (409, "A bot cannot decide.".to_owned())
    );
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_and_says_why() {
    let door = Door::new();
    let path = door.requests();
    let seen = door.seen();
    let cases = [
        (json!({}), "missing field"),
        (json!({"seen": seen}), "missing field"),
        (
            json!({"seen": "x", "request": {"ask": "approve"}}),
            "the body cannot be read",
        ),
        (
            json!({"seen": seen, "request": {"ask": "approve_all"}}),
            "unknown variant",
        ),
        (json!({"seen": seen, "request": {"ask": "undo"}}), "missing field"),
        (
            json!({"seen": seen, "request": {"ask": "undo", "reason": ""}}),
            "the body cannot be read",
        ),
        (
            json!({"seen": seen, "request": {"ask": "approve"}, "operator": "bob"}),
            "unknown field",
        ),
        (json!(null), "the body cannot be read"),
    ];
    for (body, words) in cases {
        let answer = door.command(&command(ALICE, "POST", &path, &body)).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.body.contains(words), "{body}: {answer:?}");
    }
    let sound = json!({"seen": seen, "request": {"ask": "approve"}});
    let mut form = command(ALICE, "POST", &path, &sound);
    form["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    assert_eq!(door.command(&form).await.status, 415);
    let long = json!({"seen": seen, "request": {"ask": "undo", "reason": "x".repeat(20_000)}});
    assert_eq!(
        door.command(&command(ALICE, "POST", &path, &long)).await.status,
        413
    );
    let nowhere = command(ALICE, "POST", "/v1/proposals/x/requests", &sound);
    assert_eq!(door.command(&nowhere).await.status, 400);
    let unknown = format!(
        "/v1/proposals/{}-9/requests",
        door.story.proposal().id().fingerprint()
    );
    assert_eq!(
        door.command(&command(ALICE, "POST", &unknown, &sound))
            .await
            .status,
        404
    );
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn each_door_has_its_own_paths() {
    let door = Door::new();
    for (method, path) in [("POST", door.requests()), ("GET", "/v1/proposals".to_owned())] {
        assert_eq!(
            door.send(&request(method, &path)).await.status,
            404,
            "public {path}"
        );
    }
    for path in ["/slack/interactions", "/proposals/x"] {
        assert_eq!(
            door.command(&request("GET", path)).await.status,
            404,
            "IAM {path}"
        );
    }
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let body = json!({ "seen": door.seen(), "request": {"ask": "approve"} });
        let answer = door
            .command(&command(ALICE, method, &door.requests(), &body))
            .await;
        assert_eq!(answer.status, 405, "{method}");
    }
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn what_was_opened_lately_is_listed() {
    let door = Door::new();
    let listing = door.lists("").await;
    assert_eq!((listing.proposals.len(), listing.more), (1, false));
    let listed = &listing.proposals[0];
    assert_eq!(&listed.proposal, door.story.proposal().id());
    assert_eq!(listed.summary.state, "awaiting_approval");
    door.clock.set(second(8 * 86_400));
    assert!(door.lists("").await.proposals.is_empty());
}

#[tokio::test]
async fn what_waits_and_what_is_in_force_are_looked_up_and_then_read() {
    use domain::ports::View as _;

    let door = Door::new();
    assert!(
        door.lists("show=waiting").await.proposals.is_empty(),
        "the view knows of none"
    );
    door.view.put(&Row::of(door.story.proposal())).await.unwrap();
    assert_eq!(door.lists("show=waiting").await.proposals.len(), 1);
    assert!(door.lists("show=in-force").await.proposals.is_empty());
    door.clock.set(second(1801));
    assert!(
        door.lists("show=waiting").await.proposals.is_empty(),
        "its deadline has passed"
    );

    let door = Door::with(Story::succeeded(reroutes()));
    let row = Row {
        open: true,
        ..Row::of(door.story.proposal())
    };
    door.view.put(&row).await.unwrap();
    assert_eq!(door.lists("show=in-force").await.proposals.len(), 1);
    assert!(
        door.lists("show=waiting").await.proposals.is_empty(),
        "the trail knows better"
    );
    assert!(door.lists("show=in-force&team=nobody").await.proposals.is_empty());
}

#[tokio::test]
async fn a_query_that_asks_for_something_else_is_refused() {
    let door = Door::new();
    for query in ["show=all", "limit=0", "limit=101", "limit=x", "since=yesterday"] {
        assert_eq!(door.reads("/v1/proposals", query).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn one_proposal_is_shown_by_the_beginning_of_its_id() {
    let door = Door::new();
    let id = door.story.proposal().id().to_string();
    for beginning in [
        id.as_str(),
        &id[..26],
        &id[..8],
        &id[..4],
        &format!("{}-1", &id[..8]),
    ] {
        let (status, body) = door.reads(&format!("/v1/proposals/{beginning}"), "").await;
        assert_eq!(status, 200, "{beginning}: {body}");
        let detail: Detail = serde_json::from_value(body).unwrap();
        assert_eq!(detail.listed.proposal.to_string(), id);
        let card = detail.card.unwrap();
        assert_eq!(card.asks[0].seen.to_string(), door.seen());
        assert!(!detail.story.is_empty());
    }
    for (beginning, status) in [
        (&id[..3], 400),
        ("%2e%2e", 400),
        ("ABCDEFGH", 400),
        ("zzzzzzzz", 404),
        (&format!("{}-2", &id[..8]), 404),
        (&format!("{}-9", &id[..26]), 404),
    ] {
        let (answered, body) = door.reads(&format!("/v1/proposals/{beginning}"), "").await;
        assert_eq!(answered, status, "{beginning}: {body}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_now_says_so() {
    let door = Door::new();
    door.trail.outages.next(usize::MAX);
    for path in ["/v1/proposals", "/v1/proposals/abcdefgh"] {
        assert_eq!(door.reads(path, "").await.0, 503, "{path}");
    }
    assert_eq!(door.asks(ALICE, json!({"ask": "approve"})).await.0, 503);
}

#[tokio::test]
async fn an_emulated_caller_stands_in_for_nobody_whom_iam_names() {
    let mut door = Door::new();
    door.emulated_caller = Some(ALICE);
    let stranger = "arn:aws:iam::123456789012:user/mallory";
    assert_eq!(door.asks(stranger, json!({"ask": "approve"})).await.0, 403);
    assert!(door.since().is_empty(), "IAM says who it is");
    let body = json!({ "seen": door.seen(), "request": {"ask": "approve"} });
    let mut nobody = command("", "POST", &door.requests(), &body);
    nobody["requestContext"]
        .as_object_mut()
        .unwrap()
        .remove("authorizer");
    assert_eq!(door.command(&nobody).await.status, 200);
    assert_eq!(door.since(), ["approved"]);
}
