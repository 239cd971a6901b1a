//! Whoever follows links, previews or probes them: nothing that they send decides anything, and nobody hears of it.

use serde_json::{Value, json};
use testkit::sample::ALICE;
use testkit::story::{Story, breaks};

use crate::door::{Answer, Door, command, interaction, request};

/// What scanners of links call themselves, and some that say nothing. Of those that publish no name, the product's stands
/// here.
///
/// Facts: <https://api.slack.com/robots>, <https://developers.facebook.com/docs/sharing/webmasters/web-crawlers>,
/// <https://developers.google.com/search/docs/crawling-indexing/google-common-crawlers>.
const AGENTS: [&str; 12] = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slackbot 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) MS-ATP SafeLinks",
    "BarracudaCentral/1.0 (link protection)",
    "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
    "curl/8.5.0",
    "-",
    "",
];

const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Queries that look like a decision.
fn queries(door: &Door) -> Vec<String> {
    let value = door.value();
    vec![
        String::new(),
        "action=approve&confirm=yes".to_owned(),
        format!("approve={value}"),
        format!("payload={}", door.payload(ALICE, "approve")),
        door.signed(&door.payload(ALICE, "approve")).body,
        format!("t=&action_id=approve&value={value}"),
        "_method=POST".to_owned(),
    ]
}

/// Every route of both doors, whether it is there for this method or not.
fn paths(door: &Door) -> Vec<String> {
    let id = door.story.proposal().id();
    vec![
        "/".to_owned(),
        "/healthz".to_owned(),
        "/slack/interactions".to_owned(),
        format!("/proposals/{id}"),
        format!("/proposals/{id}/approve"),
        "/v1/proposals".to_owned(),
        format!("/v1/proposals/{id}"),
        format!("/v1/proposals/{id}/requests"),
        format!("/v1/proposals/{id}/requests/approve"),
    ]
}

/// Bodies with their headers, as a decision would have them.
fn bodies(door: &Door) -> Vec<Value> {
    let alice = "arn:aws:iam::123456789012:user/alice";
    let seen = door.value().split_once('.').unwrap().1.to_owned();
    let approval = json!({"seen": seen, "request": {"ask": "approve"}});
    vec![
        request("GET", "/"),
        interaction(&door.signed(&door.payload(ALICE, "approve"))),
        interaction(&door.signed(&door.payload(ALICE, "reject"))),
        command(alice, "GET", "/", &approval),
    ]
}

/// Asks with every agent, method, path and query, and each body in turn; returns how many asked.
async fn scan(door: &Door) -> usize {
    let own = door.links.path(door.story.proposal().id());
    let (_, token) = own.split_once('?').unwrap();
    let mut queries = queries(door);
    queries.push(format!("{token}&approve=yes"));
    let bodies = bodies(door);
    let mut asked = 0;
    for path in paths(door) {
        for (nth, query) in queries.iter().enumerate() {
            for (at, agent) in AGENTS.into_iter().enumerate() {
                let mut event = bodies[(at + nth) % bodies.len()].clone();
                event["rawPath"] = json!(path);
                event["rawQueryString"] = json!(query);
                event["headers"]["user-agent"] = json!(agent);
                event["requestContext"]["http"]["userAgent"] = json!(agent);
                for method in METHODS {
                    event["requestContext"]["http"]["method"] = json!(method);
                    for answer in [door.send(&event).await, door.command(&event).await] {
                        answers_a_scanner(method, &answer);
                        asked += 1;
                    }
                }
            }
        }
    }
    asked
}

fn answers_a_scanner(method: &str, answer: &Answer) {
    let status = answer.status;
    assert!(
        status == 200 || (400..500).contains(&status),
        "{method}: {answer:?}"
    );
    assert!(
        method != "OPTIONS" || status == 404 || status == 405,
        "{method}: {answer:?}"
    );
    assert!(method != "HEAD" || answer.body.is_empty(), "{method}: {answer:?}");
}

#[tokio::test]
async fn whoever_scans_links_changes_nothing_and_nobody_hears_of_it() {
    for story in [
        Story::awaiting(breaks()),
        Story::approved(breaks()),
        Story::undo_requested(),
    ] {
        let door = Door::with(story);
        let before = door.trail.everything();
        let asked = scan(&door).await;
        assert_eq!(asked, 9 * 8 * AGENTS.len() * METHODS.len() * 2);
        assert_eq!(door.trail.everything(), before);
        assert!(door.opened().is_empty(), "no form opens");
        assert!(door.told().is_empty(), "nobody is told");
    }
}

#[tokio::test]
async fn every_agent_sees_the_page_and_health_and_nothing_else() {
    let door = Door::new();
    let own = door.links.path(door.story.proposal().id());
    let (page, token) = own.split_once('?').unwrap();
    for agent in AGENTS {
        for (method, path, query, status) in [
            ("GET", page, token, 200),
            ("HEAD", page, token, 200),
            ("OPTIONS", page, token, 405),
            ("GET", page, "", 404),
            ("GET", "/healthz", "", 200),
            ("OPTIONS", "/healthz", "", 405),
            ("GET", "/slack/interactions", "", 405),
            ("HEAD", "/slack/interactions", "", 405),
            ("OPTIONS", "/slack/interactions", "", 405),
        ] {
            let mut event = interaction(&door.signed(&door.payload(ALICE, "approve")));
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
            event["headers"]["user-agent"] = json!(agent);
            event["requestContext"]["http"]["method"] = json!(method);
            assert_eq!(door.send(&event).await.status, status, "{method} {path} {agent}");
        }
    }
    assert!(door.since().is_empty() && door.told().is_empty() && door.opened().is_empty());
}
