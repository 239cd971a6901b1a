//! What a person asks for, and what is sent.

use domain::telling::What;
use expect_test::expect;
use testkit::story::{breaks, reroutes};

use super::*;

/// The digest of what the card offers of this sort.
fn seen(detail: &Detail, sort: impl Fn(&What) -> bool) -> String {
    let asks = &detail.card.as_ref().unwrap().asks;
    asks.iter().find(|ask| sort(&ask.what)).unwrap().seen.to_string()
}

async fn awaiting() -> (World, Detail) {
    let world = World::new().await;
    let detail = detail(&Story::awaiting(breaks()), 30);
    world.shows(&detail).await;
    (world, detail)
}

#[tokio::test]
async fn what_was_shown_is_what_is_approved() {
    let (world, detail) = awaiting().await;
    world
        .takes(&detail, 200, answered(true, "Your approval is recorded."))
        .await;
    let said = world.typing(" Yes\n", &["approve", "gnr4sqzf"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let (card, rest) = said.out.split_once("\nWhat happened\n").unwrap();
    expect![[r#"
        proposal gnr4sqzfryd4gg3mhvufxxmnmg-1
        block provider openai for 300 s
        It waits for 1 approval until 2026-11-22T10:30:00.000Z.
    "#]]
    .assert_eq(card);
    assert!(
        rest.ends_with("Approve this? [y/N] Your approval is recorded.\n"),
        "{rest}"
    );
    let seen = seen(&detail, |what| matches!(what, What::Approve));
    assert_eq!(
        world.asked().await,
        [json!({ "seen": seen, "request": { "ask": "approve" } })]
    );
}

#[tokio::test]
async fn only_a_yes_approves() {
    let (world, _) = awaiting().await;
    for typed in ["", "\n", "n\n", "yep\n", "y y\n", &"y".repeat(300)] {
        let said = world.typing(typed, &["approve", "gnr4sqzf"]).await;
        assert_eq!(said.code, 1, "{typed:?}");
        assert!(said.out.ends_with("nothing was sent\n"), "{said:?}");
    }
    assert!(world.asked().await.is_empty());
}

#[tokio::test]
async fn where_nobody_can_answer_it_says_how_to_go_on() {
    let (world, detail) = awaiting().await;
    for line in [
        &["approve", "gnr4sqzf"][..],
        &["approve", "gnr4sqzf", "--seen", "01234567"],
    ] {
        let said = world.run(line).await;
        assert_eq!(said.code, 2);
        assert!(
            said.err.contains("add --yes, and --seen with the digest"),
            "{said:?}"
        );
    }
    assert!(world.server.received_requests().await.unwrap().is_empty());
    world
        .takes(&detail, 200, answered(true, "Your approval is recorded."))
        .await;
    let said = world.run(&["approve", "gnr4sqzf", "--yes"]).await;
    assert_eq!(said.code, 0);
    assert!(
        said.out.contains("block provider openai for 300 s\n"),
        "it prints what it approved"
    );
    assert!(!said.out.contains("[y/N]"));
}

#[tokio::test]
async fn what_is_not_what_was_seen_is_not_approved() {
    let (world, detail) = awaiting().await;
    world
        .takes(&detail, 200, answered(true, "Your approval is recorded."))
        .await;
    let said = world
        .run(&["approve", "gnr4sqzf", "--yes", "--seen", "0123456789"])
        .await;
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .starts_with("nothing was sent: it is not what was seen with 0123456789"),
        "{said:?}"
    );
    assert!(world.asked().await.is_empty());
    let seen = seen(&detail, |what| matches!(what, What::Approve));
    for digits in [&seen[..8], &seen.to_uppercase()] {
        let said = world
            .run(&["approve", "gnr4sqzf", "--yes", "--seen", digits])
            .await;
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[tokio::test]
async fn where_an_undo_is_asked_for_that_is_what_is_decided() {
    let world = World::new().await;
    let detail = detail(&Story::undo_requested(), 65);
    world.shows(&detail).await;
    world
        .takes(&detail, 200, answered(true, "Your agreement is recorded."))
        .await;
    let said = world.typing("y\n", &["approve", "gnr4sqzf"]).await;
    assert!(said.out.contains("Agree to its undo? [y/N]"), "{said:?}");
    world
        .run(&["reject", "gnr4sqzf", "--reason", " traffic is not back "])
        .await;
    let asked = world.asked().await;
    let seen = seen(&detail, |what| matches!(what, What::ApproveUndo));
    assert_eq!(
        asked,
        [
            json!({ "seen": seen, "request": { "ask": "approve" } }),
            json!({ "seen": seen, "request": { "ask": "reject", "reason": "traffic is not back" } }),
        ]
    );
}

#[tokio::test]
async fn every_other_request_is_sent_with_the_digest_that_the_card_offers() {
    for (story, at, line, request) in [
        (
            Story::awaiting(breaks()),
            30,
            &["reject", "gnr4sqzf", "--reason", "it is a drill"][..],
            json!({ "ask": "reject", "reason": "it is a drill" }),
        ),
        (
            Story::awaiting(breaks()),
            30,
            &["edit", "gnr4sqzf", "duration_s = 120"],
            json!({ "ask": "narrow", "to": { "duration_s": "120" } }),
        ),
        (
            Story::approved(breaks()),
            35,
            &["revoke", "gnr4sqzf"],
            json!({ "ask": "revoke" }),
        ),
        (
            Story::succeeded(reroutes()),
            55,
            &["undo", "gnr4sqzf", "--reason", "traffic is back"],
            json!({ "ask": "undo", "reason": "traffic is back" }),
        ),
        (
            Story::called(),
            15,
            &["acknowledge", "gnr4sqzf", "--reason", "failed over by hand"],
            json!({ "ask": "acknowledge", "reason": "failed over by hand" }),
        ),
    ] {
        let world = World::new().await;
        let detail = detail(&story, at);
        world.shows(&detail).await;
        world.takes(&detail, 200, answered(true, "It is recorded.")).await;
        let said = world.run(line).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.ends_with("It is recorded.\n"), "{said:?}");
        let seen = seen(&detail, |_| true);
        assert_eq!(world.asked().await, [json!({ "seen": seen, "request": request })]);
    }
}

#[tokio::test]
async fn what_the_card_does_not_offer_is_answered_with_where_it_stands() {
    for (story, at, line, told) in [
        (
            Story::rejected(breaks()),
            40,
            &["approve", "gnr4sqzf", "--yes"][..],
            "cannot be approved now: It was rejected by alice at 2026-11-22T10:00:30.000Z.",
        ),
        (
            Story::approved(breaks()),
            35,
            &["reject", "gnr4sqzf", "--reason", "x"],
            "cannot be rejected now: It was approved by alice",
        ),
        (
            Story::awaiting(reroutes()),
            30,
            &["edit", "gnr4sqzf", "from=x"],
            "cannot be edited now: It waits for 1 approval",
        ),
        (
            Story::awaiting(breaks()),
            30,
            &["revoke", "gnr4sqzf"],
            "cannot be revoked now: It waits for 1 approval",
        ),
        (
            Story::restored(),
            400,
            &["undo", "gnr4sqzf", "--reason", "x"],
            "cannot be undone now: It was approved by alice",
        ),
        (
            Story::declined(),
            15,
            &["acknowledge", "gnr4sqzf", "--reason", "x"],
            "cannot be acknowledged now: declined.",
        ),
        (
            Story::begins(),
            5,
            &["approve", "gnr4sqzf", "--yes"],
            "cannot be approved now: reasoning; it waits for ingest-and-propose",
        ),
    ] {
        let world = World::new().await;
        world.shows(&detail(&story, at)).await;
        let said = world.run(line).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(told), "{said:?}");
        assert!(world.asked().await.is_empty());
    }
}

#[tokio::test]
async fn what_may_be_lowered_is_said_where_something_else_is_edited() {
    let (world, _) = awaiting().await;
    let said = world
        .run(&["edit", "gnr4sqzf", "provider=anthropic", "duration_s=60"])
        .await;
    assert_eq!(said.code, 2);
    assert_eq!(
        said.err,
        "provider cannot be lowered: only duration_s (Seconds that the break lasts), which is 300 can"
    );
    let said = world
        .run(&["edit", "gnr4sqzf", "duration_s=60", "duration_s=90"])
        .await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "duration_s is given more than once")
    );
    assert!(world.asked().await.is_empty());
}

#[tokio::test]
async fn a_request_that_does_not_count_is_told_and_ends_with_1() {
    for (status, told) in [
        (409, "It is too late: the deadline for this decision was 10:30."),
        (
            403,
            "You are not in the operator directory, so your decision does not count.",
        ),
    ] {
        let (world, detail) = awaiting().await;
        world.takes(&detail, status, answered(false, told)).await;
        let said = world.run(&["approve", "gnr4sqzf", "--yes"]).await;
        assert_eq!((said.code, said.err.as_str()), (1, ""));
        assert!(said.out.ends_with(&format!("{told}\n")), "{said:?}");
    }
    for status in [400, 404] {
        let (world, detail) = awaiting().await;
        world
            .takes(&detail, status, sentence("the body cannot be read"))
            .await;
        let said = world.run(&["approve", "gnr4sqzf", "--yes"]).await;
        assert_eq!(said.code, 1);
        assert_eq!(said.err, "nothing was recorded: the body cannot be read");
    }
}
