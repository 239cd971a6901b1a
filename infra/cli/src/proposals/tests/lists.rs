//! `list` and `show`.

use domain::value::is_dangerous;
use expect_test::expect;
use testkit::story::{breaks, pages, reroutes};
use wiremock::matchers::query_param;

use super::*;
use crate::proposals::shown;

#[tokio::test]
async fn each_list_is_asked_for_by_its_name() {
    let world = World::new().await;
    world
        .answers("GET", "/v1/proposals", 200, listing(Vec::new()))
        .await;
    for (line, query, sentence) in [
        (
            &["list"][..],
            "show=recent&limit=20",
            "no proposal was opened in the last seven days\n",
        ),
        (
            &["list", "--waiting", "--limit", "100"],
            "show=waiting&limit=100",
            "no proposal waits for a person\n",
        ),
        (
            &["list", "--in-force", "--team", "R&D é+1"],
            "show=in-force&limit=20&team=R%26D%20%C3%A9%2B1",
            "no proposal of team R&D é+1 has an effect in force\n",
        ),
    ] {
        let said = world.run(line).await;
        assert_eq!((said.code, said.out.as_str()), (0, sentence), "{said:?}");
        let received = world.server.received_requests().await.unwrap();
        assert_eq!(received.last().unwrap().url.query(), Some(query));
    }
}

#[test]
fn a_list_says_where_each_stands_and_what_it_waits_for() {
    let list = listing(vec![
        listed(&Story::awaiting(breaks()), 30),
        listed(&Story::succeeded(pages()), 60),
    ]);
    expect![[r#"
        gnr4sqzf-1     90 s ago  awaiting approval: block provider openai for 300 s
            waits for people: 1 approval until 2026-11-22T10:30:00.000Z
        gnr4sqzf-1     90 s ago  succeeded: page the on-call engineer (critical): openai fails"#]]
    .assert_eq(&shown::listing(&list, second(90)).join("\n"));
}

#[tokio::test]
async fn a_list_says_that_there_are_more() {
    let more = Listing {
        more: true,
        ..listing(vec![listed(&Story::awaiting(breaks()), 30)])
    };
    let world = World::new().await;
    world.answers("GET", "/v1/proposals", 200, &more).await;
    let said = world.run(&["list", "--limit", "1"]).await;
    assert!(
        said.out
            .ends_with("there are more than 1: --limit shows up to 100\n"),
        "{said:?}"
    );
    let said = world.run(&["list", "--limit", "100"]).await;
    assert!(
        said.out
            .ends_with("there are more: --team, --waiting or --in-force show fewer of them\n")
    );
    let said = world.run(&["list", "--json"]).await;
    assert_eq!(serde_json::from_str::<Listing>(&said.out).unwrap(), more);
    assert_eq!(said.out.lines().count(), 1);
}

#[tokio::test]
async fn a_proposal_is_shown_with_what_may_be_asked_for_and_its_story() {
    let world = World::new().await;
    let detail = detail(&Story::awaiting(breaks()), 30);
    world.shows(&detail).await;
    let said = world.run(&["show", "gnr4sqzf"]).await;
    let shown = said.out.replace(
        &shown::digest(&detail.card.as_ref().unwrap().asks[0].seen),
        "<seen>",
    );
    let (card, story) = shown.split_once("\nStory\n").unwrap();
    expect![[r#"
        proposal gnr4sqzfryd4gg3mhvufxxmnmg-1
        block provider openai for 300 s
        It waits for 1 approval until 2026-11-22T10:30:00.000Z.

        What happened
          provider.unhealthy (critical): provider openai fails 62.0 % of 180 requests in 300 s
          reported by acme at 2026-11-22T10:00:00.000Z
          the gateway confirms it: openai fails 62.0 % of 200 requests in 300 s
          it is old: of 2026-11-22T09:59:58.250Z, more than 1 hour before it came

        Proposed
          circuit_break_provider: block provider openai for 300 s
          chosen by the built-in runbook, version 1: of the test

        Risk
          15 of 100, not above the threshold of 40; the action alone is 15
          why a person is asked or not: of the test

        Change
          provider openai: open → blocked
          model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %
          model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %

        Blast radius
          affects 3 teams (checkout, payments, research), one of them critical, 100.0 % of the traffic

        Undo
          ends by itself after 300 s

        Who may approve
          nobody in the operator directory: it will expire

        What you may ask for
          to approve it:  sre-agent approve gnr4sqzfryd4gg3mhvufxxmnmg-1 --seen <seen>
          to reject it:  sre-agent reject gnr4sqzfryd4gg3mhvufxxmnmg-1 --reason TEXT
          to lower duration_s (Seconds that the break lasts), which is 300:  sre-agent edit gnr4sqzfryd4gg3mhvufxxmnmg-1 duration_s=VALUE
    "#]].assert_eq(card);
    assert_eq!(story.lines().count(), detail.story.len());
    assert!(story.contains("received, by the agent"), "{story}");
    let json = world.run(&["show", "gnr4sqzf", "--json"]).await;
    assert_eq!(serde_json::from_str::<Detail>(&json.out).unwrap(), detail);
}

#[test]
fn each_thing_that_may_be_asked_for_has_its_command() {
    let asks = |story: &Story, at| -> Vec<String> {
        let detail = detail(story, at);
        let lines = shown::asks(&detail.listed.proposal, detail.card.as_ref().unwrap());
        let id = detail.listed.proposal.to_string();
        lines.iter().map(|line| line.replace(&id, "ID")).collect()
    };
    assert_eq!(
        asks(&Story::approved(breaks()), 35),
        ["to take your approval back:  sre-agent revoke ID"]
    );
    assert_eq!(
        asks(&Story::succeeded(reroutes()), 55),
        ["to ask for its undo:  sre-agent undo ID --reason TEXT"]
    );
    let undo = asks(&Story::undo_requested(), 65);
    assert!(
        undo[0].starts_with("to agree to the undo:  sre-agent approve ID --seen "),
        "{undo:?}"
    );
    assert_eq!(undo[1], "to reject the undo:  sre-agent reject ID --reason TEXT");
    assert!(asks(&Story::rejected(breaks()), 40).is_empty());
}

#[tokio::test]
async fn what_people_are_not_asked_about_is_shown_without_a_card() {
    let world = World::new().await;
    let detail = detail(&Story::begins(), 5);
    world.shows(&detail).await;
    let said = world.run(&["show", "gnr4sqzf"]).await;
    let (card, _) = said.out.split_once("\n\nStory\n").unwrap();
    expect![[r#"
        proposal gnr4sqzfryd4gg3mhvufxxmnmg-1
        provider openai fails 62.0 % of 180 requests in 300 s
        reasoning; it waits for ingest-and-propose, which has until 2026-11-22T10:01:00.000Z."#]]
    .assert_eq(card);
}

#[tokio::test]
async fn what_is_not_found_is_told_in_the_agents_words() {
    let world = World::new().await;
    for (which, status, words, code) in [
        ("aaaa", 404, "no proposal begins like this", 1),
        (
            "bbbb",
            409,
            "several proposals begin like this: bbbb2-1, bbbb3-1",
            1,
        ),
        ("cccc", 400, "this is no id", 1),
        ("dddd", 503, "the trail cannot be read now: try again", 4),
    ] {
        world
            .answers("GET", &format!("/v1/proposals/{which}"), status, sentence(words))
            .await;
        for line in [
            &["show", which][..],
            &["approve", which, "--yes"],
            &["reject", which, "--reason", "no"],
            &["undo", which, "--reason", "no"],
            &["revoke", which],
            &["edit", which, "a=1"],
        ] {
            let said = world.run(line).await;
            assert_eq!((said.code, said.err.as_str()), (code, words), "{line:?}");
        }
    }
    assert!(world.asked().await.is_empty());
}

#[tokio::test]
async fn another_proposal_than_the_one_asked_for_is_not_taken() {
    let world = World::new().await;
    let detail = detail(&Story::awaiting(breaks()), 30);
    world.answers("GET", "/v1/proposals/abcd", 200, &detail).await;
    let said = world.run(&["approve", "abcd", "--yes"]).await;
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("answered with another proposal, gnr4"),
        "{said:?}"
    );
    assert!(world.asked().await.is_empty());
}

#[tokio::test]
async fn no_text_from_outside_steers_the_terminal() {
    const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{202e}\r\nApprove this? [y/N] y";
    let world = World::new().await;
    let mut detail = detail(&Story::awaiting(breaks()), 30);
    let card = detail.card.as_mut().unwrap();
    card.title = Line::new().theirs(HOSTILE);
    // Not even what claims to be the agent's own words.
    card.standing = serde_json::from_value(json!([{ "ours": HOSTILE }])).unwrap();
    card.sections[0].heading = HOSTILE.into();
    card.sections[0].lines = vec![Line::new().theirs(HOSTILE)];
    detail.story.push(Line::new().theirs(HOSTILE));
    detail.listed.about = Line::new().theirs(HOSTILE);
    detail.listed.summary.state = HOSTILE.to_owned();
    detail.listed.waits_for = Some(Line::new().theirs(HOSTILE));
    world.shows(&detail).await;
    let list = Mock::given(query_param("show", "recent"));
    let answer = ResponseTemplate::new(200).set_body_json(listing(vec![detail.listed.clone()]));
    list.respond_with(answer).mount(&world.server).await;
    world.takes(&detail, 409, sentence(HOSTILE)).await;
    for line in [
        &["list"][..],
        &["list", "--json"],
        &["show", "gnr4sqzf"],
        &["show", "gnr4sqzf", "--json"],
        &["approve", "gnr4sqzf", "--yes"],
        &["revoke", "gnr4sqzf"],
    ] {
        let said = world.run(line).await;
        let printed = format!("{}{}", said.out, said.err);
        assert!(printed.contains("owned"), "{line:?}: {printed:?}");
        assert!(
            !printed.chars().any(|c| c != '\n' && is_dangerous(c)),
            "{line:?}: {printed:?}"
        );
        assert!(
            !printed.contains("\nApprove this? [y/N] y"),
            "{line:?}: {printed:?}"
        );
    }
}
