//! What changes on the board, a story to its end, and outages meanwhile.

use domain::trail::Actor;
use expect_test::expect;
use serde_json::json;
use testkit::story::{Story, breaks, reroutes};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use super::super::tests::{Said, World, detail, listed, listing, sentence};
use super::*;

/// Looks at once again.
const AT_ONCE: Duration = Duration::ZERO;

fn ids(board: &mut Board) -> Vec<String> {
    let ended = std::mem::take(&mut board.ended);
    ended.iter().map(ToString::to_string).collect()
}

const ID: &str = "gnr4sqzfryd4gg3mhvufxxmnmg-1";

#[test]
fn each_change_of_what_waits_or_is_in_force_is_told_once() {
    let mut board = Board::default();
    let nothing = || listing(Vec::new());
    let waits = || listing(vec![listed(&Story::awaiting(breaks()), 30)]);
    expect!["gnr4sqzfryd4gg3mhvufxxmnmg-1  awaiting approval: block provider openai for 300 s; waits for people: 1 approval until 2026-11-22T10:30:00.000Z"].assert_eq(&board.changes(waits(), nothing()).join("\n"));
    assert!(board.changes(waits(), nothing()).is_empty());
    assert!(ids(&mut board).is_empty());
    // It was approved: where that left it is looked up.
    assert!(board.changes(nothing(), nothing()).is_empty());
    assert_eq!(ids(&mut board), [ID]);
    let in_force = || listing(vec![listed(&Story::succeeded(breaks()), 60)]);
    expect!["gnr4sqzfryd4gg3mhvufxxmnmg-1  in force: block provider openai for 300 s; waits for the end of its effect at 2026-11-22T10:05:40.000Z"].assert_eq(&board.changes(nothing(), in_force()).join("\n"));
    assert!(board.changes(nothing(), in_force()).is_empty());
    assert!(board.changes(nothing(), nothing()).is_empty());
    assert_eq!(ids(&mut board), [ID]);
}

#[test]
fn an_undo_that_is_asked_for_waits_and_is_in_force() {
    let mut board = Board::default();
    let nothing = || listing(Vec::new());
    let before = || listing(vec![listed(&Story::succeeded(reroutes()), 55)]);
    let asked = || listing(vec![listed(&Story::undo_requested(), 65)]);
    let agreed = || listing(vec![listed(&Story::undo_approved(), 75)]);
    board.changes(nothing(), before());
    expect!["gnr4sqzfryd4gg3mhvufxxmnmg-1  succeeded: re-route model group chat from openai to anthropic; waits for a person other than alice, who asked, to agree to the undo"].assert_eq(&board.changes(asked(), asked()).join("\n"));
    expect!["gnr4sqzfryd4gg3mhvufxxmnmg-1  in force: re-route model group chat from openai to anthropic; waits for execution, to undo it"].assert_eq(&board.changes(nothing(), agreed()).join("\n"));
    assert_eq!(ids(&mut board), [ID], "it does not wait for a person any more");
}

#[test]
fn what_goes_from_waiting_into_force_between_two_looks_is_told_once() {
    let mut board = Board::default();
    board.changes(
        listing(vec![listed(&Story::awaiting(breaks()), 30)]),
        listing(Vec::new()),
    );
    let lines = board.changes(
        listing(Vec::new()),
        listing(vec![listed(&Story::succeeded(breaks()), 60)]),
    );
    assert_eq!(lines.len(), 1);
    assert!(ids(&mut board).is_empty());
}

#[test]
fn that_there_are_more_than_are_watched_is_told_once() {
    let mut board = Board::default();
    let many = || Listing {
        more: true,
        ..listing(Vec::new())
    };
    let lines = board.changes(many(), listing(Vec::new()));
    assert!(lines[0].starts_with("there are more than 100:"), "{lines:?}");
    assert!(board.changes(many(), listing(Vec::new())).is_empty());
}

/// Answers a list, so many times.
async fn lists(world: &World, show: &str, listing: Listing, times: u64) {
    Mock::given(method("GET"))
        .and(path("/v1/proposals"))
        .and(query_param("show", show))
        .and(query_param("limit", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_json(listing))
        .up_to_n_times(times)
        .mount(&world.server)
        .await;
}

#[tokio::test]
async fn the_board_tells_what_became_of_what_waited_and_ends_where_it_may_not_look() {
    let world = World::new().await;
    lists(
        &world,
        "waiting",
        listing(vec![listed(&Story::awaiting(breaks()), 30)]),
        1,
    )
    .await;
    lists(&world, "waiting", listing(Vec::new()), 1).await;
    lists(&world, "in-force", listing(Vec::new()), 2).await;
    let shown = format!("/v1/proposals/{ID}");
    world
        .answers("GET", &shown, 200, detail(&Story::rejected(breaks()), 40))
        .await;
    world
        .answers("GET", "/v1/proposals", 403, sentence("not any more"))
        .await;
    let mut out = Vec::new();
    let outcome = board(&world.api, AT_ONCE, &mut Terminal::buffer(&mut out)).await;
    let said = Said::of(&outcome, out);
    assert_eq!((said.code, said.err.as_str()), (1, "not any more"));
    let lines: Vec<&str> = said
        .out
        .lines()
        .map(|line| &line["2026-11-22T10:00:00.000Z  ".len()..])
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with(&format!("{ID}  awaiting approval: block provider openai")),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        format!("{ID}  It was rejected by alice at 2026-11-22T10:00:30.000Z.")
    );
}

#[tokio::test]
async fn where_there_is_nothing_the_board_says_so() {
    let world = World::new().await;
    lists(&world, "waiting", listing(Vec::new()), 2).await;
    lists(&world, "in-force", listing(Vec::new()), 2).await;
    world
        .answers("GET", "/v1/proposals", 400, sentence("the end"))
        .await;
    let mut out = Vec::new();
    let outcome = board(&world.api, AT_ONCE, &mut Terminal::buffer(&mut out)).await;
    let said = Said::of(&outcome, out);
    assert!(
        said.out
            .ends_with("  nothing waits for a person, and nothing is in force\n"),
        "{said:?}"
    );
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
}

#[tokio::test]
async fn where_nobody_reads_any_more_nothing_is_watched() {
    let world = World::new().await;
    lists(&world, "waiting", listing(Vec::new()), 1).await;
    lists(&world, "in-force", listing(Vec::new()), 1).await;
    let waits = detail(&Story::awaiting(breaks()), 30);
    world.shows(&waits).await;
    assert!(board(&world.api, AT_ONCE, &mut Terminal::unread()).await.unwrap());
    let which = ID.parse().unwrap();
    assert!(
        follow(&world.api, &which, AT_ONCE, &mut Terminal::unread())
            .await
            .unwrap()
    );
    assert_eq!(world.server.received_requests().await.unwrap().len(), 3);
}

/// Follows a proposal that is answered like this, one answer after the other.
async fn followed(answers: &[(u16, serde_json::Value)]) -> Said {
    let world = World::new().await;
    for (at, (status, body)) in answers.iter().enumerate() {
        let which = if at == 0 { &ID[..8] } else { ID };
        Mock::given(method("GET"))
            .and(path(format!("/v1/proposals/{which}")))
            .respond_with(ResponseTemplate::new(*status).set_body_json(body))
            .up_to_n_times(1)
            .mount(&world.server)
            .await;
    }
    let mut out = Vec::new();
    let which = ID[..8].parse().unwrap();
    let outcome = follow(&world.api, &which, AT_ONCE, &mut Terminal::buffer(&mut out)).await;
    Said::of(&outcome, out)
}

fn shows(story: &Story, at: u64) -> (u16, serde_json::Value) {
    (200, json!(detail(story, at)))
}

/// A line without digests, which change with the format of a record, and without the present time.
fn without_digests(line: &str) -> String {
    let is_digest = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let now = line.starts_with("20");
    let words = line.split(' ').enumerate().map(|(at, word)| match word {
        _ if now && at == 0 => "<now>",
        word if is_digest(word) => "<digest>",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_story_is_told_line_by_line_until_it_is_over() {
    let said = followed(&[
        shows(&Story::awaiting(breaks()), 30),
        shows(&Story::awaiting(breaks()), 31),
        (503, sentence("the trail cannot be read now: try again")),
        (502, json!("Bad Gateway")),
        shows(&Story::approved(breaks()), 35),
        shows(&Story::executing(breaks()), 45),
        shows(&Story::succeeded(breaks()), 55),
        shows(&Story::restored(), 400),
    ])
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    let known: Vec<String> = said.out.lines().map(without_digests).collect();
    expect![[r#"
        proposal gnr4sqzfryd4gg3mhvufxxmnmg-1
        block provider openai for 300 s
        It waits for 1 approval until 2026-11-22T10:30:00.000Z.
           1  2026-11-22T10:00:00.000Z  <digest>  received, by the agent
              provider.unhealthy (critical): provider openai fails 62.0 % of 180 requests in 300 s
              event evt-1 of acme, of 2026-11-22T10:00:00.000Z; 2 bytes, kept verbatim in this record
              its writer reasons about it until 2026-11-22T10:01:00.000Z
              it is old: of 2026-11-22T09:59:58.250Z, more than 1 hour before it came
           2  2026-11-22T10:00:10.000Z  <digest>  proposed, by the agent
              circuit_break_provider: block provider openai for 300 s
              chosen by the built-in runbook, version 1: of the test
              provider openai: open → blocked
              model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %
              model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %
              ends by itself after 300 s
              the gateway confirms it: openai fails 62.0 % of 200 requests in 300 s
              affects 3 teams (checkout, payments, research), one of them critical, 100.0 % of the traffic
           3  2026-11-22T10:00:20.000Z  <digest>  scored, by the agent
              score 15 = baseline 15, at least 5; threshold 40, automatic approval off
              gate: of the test
              needs 1 approval by 2026-11-22T10:30:00.000Z
              policy <digest>
        waits for people: 1 approval until 2026-11-22T10:30:00.000Z
        <now>  cannot be read now, and is tried again: the trail cannot be read now: try again
        <now>  it can be read again
           4  2026-11-22T10:00:30.000Z  <digest>  approved, by alice (alice) in slack
              approves <digest>
              may start until 2026-11-22T10:15:00.000Z
        waits for execution, which may start until 2026-11-22T10:15:00.000Z
           5  2026-11-22T10:00:40.000Z  <digest>  started, by the agent
              provider openai: open → blocked
              holds provider openai (fence 1), model group chat (fence 1), model group embeddings (fence 1)
              its writer acts until 2026-11-22T10:01:40.000Z
              ends by itself at 2026-11-22T10:05:40.000Z
        waits for execution, which has until 2026-11-22T10:01:40.000Z
           6  2026-11-22T10:00:50.000Z  <digest>  succeeded, by the agent
              provider openai reads blocked
        waits for the end of its effect at 2026-11-22T10:05:40.000Z
           7  2026-11-22T10:05:41.000Z  <digest>  restored, by the agent
              provider openai reads open
        It was approved by alice at 2026-11-22T10:00:30.000Z. Its effect was taken back at 2026-11-22T10:05:41.000Z."#]].assert_eq(&known.join("\n"));
}

#[tokio::test]
async fn what_is_over_already_is_told_and_not_waited_for() {
    let said = followed(&[shows(&Story::rejected(breaks()), 40)]).await;
    assert_eq!(said.code, 0);
    assert!(
        said.out
            .ends_with("It was rejected by alice at 2026-11-22T10:00:30.000Z.\n"),
        "{said:?}"
    );
    let world = World::new().await;
    world.shows(&detail(&Story::rejected(breaks()), 40)).await;
    let again = world.run(&["watch", ID, "--every", "60"]).await;
    assert_eq!((again.code, again.out), (0, said.out));
    let said = followed(&[(404, sentence("no proposal begins like this"))]).await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (1, "no proposal begins like this")
    );
}

#[test]
fn a_proposal_is_over_when_nothing_is_awaited_and_nothing_can_be_taken_back() {
    for story in Story::in_every_state() {
        let over = is_settled(&detail(&story, 60));
        let closed = story.proposal().settled_at().is_some();
        assert_eq!(over, closed, "{}", story.state());
    }
    assert!(
        !is_settled(&detail(&Story::succeeded(reroutes()), 55)),
        "it is in force"
    );
    assert!(!is_settled(&detail(&Story::undo_requested(), 65)));
}

#[test]
fn a_story_that_is_not_the_same_any_more_is_told_again() {
    let mut followed = Followed::default();
    let story = Story::awaiting(breaks());
    followed.advance(detail(&story, 30));
    let (lines, next) = followed.advance(detail(&story, 31));
    assert_eq!((lines, next), (Vec::new(), Next::Look));
    let mut other = detail(&story, 32);
    other.story[0] = Line::of("told in other words");
    let (lines, _) = followed.advance(other.clone());
    assert_eq!(lines.len(), other.story.len());
    let noted = story.then(
        33,
        Actor::System,
        &domain::proposal::ProposalFact::Escalated(domain::proposal::Escalated {
            to: "the on-call".to_owned(),
        }),
    );
    let (lines, _) = Followed {
        last: Some(detail(&Story::awaiting(breaks()), 30)),
    }
    .advance(detail(&noted, 34));
    assert_eq!(lines.len(), 2, "{lines:?}");
}
