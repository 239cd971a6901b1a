//! How many there are, how many of them are meant, and what is said of the others.

use std::sync::atomic::{AtomicBool, Ordering};

use testkit::FrozenClock;

use super::*;

fn queues(number: usize) -> MemoryQueues {
    let queues = MemoryQueues::default();
    for number in 0..number {
        let reason = ["provider: is missing", "event_id: is too long"][number % 2];
        let body = sample::provider_unhealthy_text("openai").replace("evt-1", &format!("evt-{number}"));
        queues.put(
            DEAD,
            &format!("m-{number}"),
            &body,
            &[("reason", reason), ("function", "ingest-and-propose")],
        );
    }
    queues
}

/// What is said, and whether all is well.
async fn said(
    desk: &Desk<'_>,
    what: impl AsyncFnOnce(&Desk<'_>, &mut Terminal<'_>) -> anyhow::Result<bool>,
) -> (bool, String) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let well = what(desk, &mut terminal).await.unwrap();
    drop(terminal);
    (well, String::from_utf8(buffer).unwrap())
}

async fn listed(desk: &Desk<'_>) -> (bool, String) {
    said(desk, async |desk, terminal| desk.list(false, terminal).await).await
}

#[tokio::test]
async fn one_message_can_be_meant() {
    let queues = MemoryQueues::default();
    for number in 0..5 {
        queues.put(DEAD, &format!("m-{number}"), &format!("body {number}"), REFUSED);
    }
    let only = ["m-3".to_owned()];
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let desk = desk(&queues, Lane::Ingest, &only);
    assert!(desk.redrive(&mut terminal).await.unwrap());
    assert_eq!(queues.bodies(SOURCE), [("body 3".to_owned(), true)]);
    assert_eq!(queues.bodies(DEAD).len(), 4);
    assert!(queues.bodies(DEAD).iter().all(|(_, visible)| *visible));
}

#[tokio::test]
async fn a_message_that_is_not_there_is_said_and_is_no_success() {
    let queues = queues(3);
    let only = ["m-1".to_owned(), "m-9".to_owned()];
    let desk = desk(&queues, Lane::Ingest, &only);
    let (well, told) = listed(&desk).await;
    assert!(!well);
    assert_eq!(
        told.lines().last().unwrap(),
        "m-9 is not here: ingest has no such dead letter"
    );
    assert!(told.contains("  m-1, received"), "{told}");

    let (well, told) = said(&desk, async |desk, terminal| desk.redrive(terminal).await).await;
    assert!(!well);
    expect![[r#"
        ingest: 1 of about 3 dead letters
          m-1 put back
        m-9 is not here: ingest has no such dead letter
    "#]]
    .assert_eq(&told);
    // The one is gone now, and neither is there to be discarded.
    let (well, told) = said(&desk, async |desk, terminal| desk.discard(terminal).await).await;
    assert!(!well);
    assert!(
        told.contains("m-1 is not here") && told.contains("m-9 is not here"),
        "{told}"
    );
    assert_eq!(queues.bodies(DEAD).len(), 2);
}

#[tokio::test]
async fn a_limit_is_kept_by_a_list_and_what_is_left_is_said() {
    let queues = queues(25);
    let only = [];
    for limit in [1, 2, 3] {
        let desk = Desk {
            limit,
            ..desk(&queues, Lane::Ingest, &only)
        };
        let (well, told) = listed(&desk).await;
        assert!(well);
        assert_eq!(told.matches(", received ").count(), limit, "{told}");
        assert!(
            told.starts_with(&format!("ingest: {limit} of about 25 dead letters\n")),
            "{told}"
        );
        let last = format!("  there may be more: run it again, or with more than --limit {limit}");
        assert_eq!(told.lines().last().unwrap(), last);
    }
    assert!(queues.bodies(DEAD).iter().all(|(_, visible)| *visible));
}

#[tokio::test]
async fn what_stays_above_a_limit_is_no_success() {
    let more = "ingest: there may be more: run it again, or with more than --limit 2";
    let only = [];
    let queues = queues(3);
    let desk = Desk {
        limit: 2,
        ..desk(&queues, Lane::Ingest, &only)
    };
    let said = complained(&desk, async |desk, terminal| desk.redrive(terminal).await).await;
    assert_eq!(said.lines().collect::<Vec<_>>(), [more]);
    assert_eq!(queues.bodies(DEAD).len(), 1);
    // The last one is all there is.
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    assert!(desk.redrive(&mut terminal).await.unwrap());
    assert!(queues.bodies(DEAD).is_empty());
}

/// Somebody else has all but every third message out, until the command looks again.
struct Shared {
    queues: MemoryQueues,
    for_ever: bool,
    asked: AtomicBool,
}

#[async_trait]
impl Queues for Shared {
    async fn count(&self, url: &str) -> anyhow::Result<usize> {
        self.asked.store(true, Ordering::Relaxed);
        self.queues.count(url).await
    }
    async fn receive(&self, url: &str, most: usize, invisible_s: i32) -> anyhow::Result<Vec<Letter>> {
        let others = self.for_ever || !self.asked.load(Ordering::Relaxed);
        let received = self.queues.receive(url, most, invisible_s).await?;
        let of_others = |letter: &Letter| others && !letter.id.ends_with(['0', '3', '6', '9']);
        let (_, ours): (Vec<Letter>, Vec<Letter>) = received.into_iter().partition(of_others);
        match ours.is_empty() && !self.queues.bodies(url).iter().all(|(_, visible)| !visible) {
            // All of these were somebody else's: the next ones.
            true => self.receive(url, most, invisible_s).await,
            false => Ok(ours),
        }
    }
    async fn send(
        &self,
        url: &str,
        body: &str,
        attributes: &BTreeMap<String, MessageAttributeValue>,
    ) -> anyhow::Result<()> {
        self.queues.send(url, body, attributes).await
    }
    async fn delete(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        self.queues.delete(url, receipt).await
    }
    async fn show_again(&self, url: &str, receipt: &str) -> anyhow::Result<()> {
        // The other one shows theirs again, too.
        if !self.for_ever {
            let mut messages = self.queues.messages.lock().unwrap();
            messages.iter_mut().for_each(|held| held.visible = true);
        }
        self.queues.show_again(url, receipt).await
    }
}

#[tokio::test]
async fn a_list_looks_again_while_somebody_else_has_some_out_and_never_says_all_where_it_is_not() {
    for for_ever in [false, true] {
        let shared = Shared {
            queues: queues(10),
            for_ever,
            asked: AtomicBool::new(false),
        };
        let clock = FrozenClock::default();
        let only = [];
        let desk = Desk {
            queues: &shared,
            clock: &clock,
            ..desk(&shared.queues, Lane::Ingest, &only)
        };
        let (well, told) = listed(&desk).await;
        assert!(well);
        let (first, last) = (told.lines().next().unwrap(), told.lines().last().unwrap());
        if for_ever {
            assert_eq!(first, "ingest: 4 of about 10 dead letters");
            expect!["  about 6 more were counted and not seen: somebody else has them out just now, or SQS's count, which may be a minute old, is wrong. Run it again"].assert_eq(last);
            let (well, told) = said(&desk, async |desk, terminal| desk.redrive(terminal).await).await;
            assert!(!well, "something stays: {told}");
        } else {
            assert_eq!(first, "ingest: 10 dead letters");
            assert!(last.starts_with("    421 bytes, event_id evt-"), "{last}");
        }
    }
}

#[tokio::test]
async fn those_of_a_reason_are_discarded_after_a_question_and_no_others() {
    let queues = queues(7);
    queues.put(
        DEAD,
        "m-7",
        "{}",
        &[("RULE_ARN", "r"), ("ERROR_CODE", "NO_PERMISSIONS")],
    );
    let only = [];
    let of = |reason| Desk {
        reason: Some(reason),
        ..desk(&queues, Lane::Ingest, &only)
    };
    let discards = async |reason, answer: Option<&str>| {
        let mut lines = answer.unwrap_or_default().as_bytes();
        let consent = answer.map(|_| Consent::Asked(&mut lines));
        said(&of(reason), async |desk, terminal| {
            desk.discard_those_of_a_reason(consent, terminal).await
        })
        .await
    };
    let (well, told) = discards("is missing", Some("no\n")).await;
    assert!(!well);
    expect![[r#"
        ingest: 4 of about 8 dead letters
          4 refused by ingest-and-propose: provider: is missing
        Discard 4 dead letters for good? [y/N] nothing was discarded
    "#]]
    .assert_eq(&told);
    assert_eq!(queues.bodies(DEAD).len(), 8);
    assert!(queues.bodies(DEAD).iter().all(|(_, visible)| *visible));

    let (well, told) = discards("IS MISSING", Some("y\n")).await;
    assert!(well, "{told}");
    assert_eq!(told.matches("  discarded\n").count(), 4);
    assert!(
        told.contains(r#""message_id":"m-0""#),
        "what is deleted is printed: {told}"
    );
    assert_eq!(queues.bodies(DEAD).len(), 4);
    // By the code of whoever could not deliver it, and without a question.
    let (well, told) = discards("no_permissions", None).await;
    assert!(well, "{told}");
    assert_eq!(queues.bodies(DEAD).len(), 3);

    let (well, told) = discards("no_permissions", None).await;
    assert!(well);
    expect![[r#"
        ingest: 0 of about 3 dead letters
          none of them has that reason, and nothing was discarded
    "#]]
    .assert_eq(&told);

    let mut buffer = Vec::new();
    let nobody = of("too long")
        .discard_those_of_a_reason(Some(Consent::NobodyThere), &mut Terminal::buffer(&mut buffer))
        .await;
    assert_eq!(crate::end::code(&nobody.unwrap_err()), 2);
    assert_eq!(queues.bodies(DEAD).len(), 3);

    // The same word chooses what is listed and what goes back.
    let (_, told) = listed(&of("too long")).await;
    assert_eq!(told.matches(", received ").count(), 3);
    let (well, _) = said(&of("too long"), async |desk, terminal| {
        desk.redrive(terminal).await
    })
    .await;
    assert!(well);
    assert_eq!(queues.bodies(SOURCE).len(), 3);
}

/// What standard error has of a command that did not do what was asked for.
async fn complained(
    desk: &Desk<'_>,
    what: impl AsyncFnOnce(&Desk<'_>, &mut Terminal<'_>) -> anyhow::Result<bool>,
) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::apart(&mut out, &mut err);
    assert!(!what(desk, &mut terminal).await.unwrap());
    drop(terminal);
    String::from_utf8(err).unwrap()
}

#[tokio::test]
async fn why_something_was_not_done_is_said_on_standard_error() {
    let only = ["m-9".to_owned()];
    let absent = "m-9 is not here: ingest has no such dead letter\n";
    let (queues, all) = (queues(3), []);
    let named = desk(&queues, Lane::Ingest, &only);
    for json in [false, true] {
        let said = complained(&named, async |desk, terminal| desk.list(json, terminal).await).await;
        assert_eq!(said, absent);
    }
    let said = complained(&named, async |desk, terminal| desk.redrive(terminal).await).await;
    assert_eq!(said, absent);
    let said = complained(&named, async |desk, terminal| desk.discard(terminal).await).await;
    assert_eq!(said, absent);
    let failures = desk(&queues, Lane::Outbox, &only);
    let said = complained(&failures, async |desk, terminal| desk.redrive(terminal).await).await;
    assert_eq!(said, absent.replace("ingest", "outbox"));

    let of_a_reason = Desk {
        reason: Some("is missing"),
        ..desk(&queues, Lane::Ingest, &all)
    };
    let declined = async |desk: &Desk<'_>, terminal: &mut Terminal<'_>| {
        let mut no = &b"no\n"[..];
        let consent = Some(Consent::Asked(&mut no));
        desk.discard_those_of_a_reason(consent, terminal).await
    };
    assert_eq!(
        complained(&of_a_reason, declined).await,
        "nothing was discarded\n"
    );
    let broken = MemoryQueues {
        broken: Some(("delete", 1)),
        ..self::queues(1)
    };
    let broken = desk(&broken, Lane::Ingest, &all);
    let said = complained(&broken, async |desk, terminal| desk.redrive(terminal).await).await;
    assert!(said.starts_with("m-0 put back, but also still here"), "{said}");
}

#[test]
fn what_would_discard_all_that_can_be_put_back_is_not_asked_for_like_this() {
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }
    for (line, sound) in [
        ("--queue ingest --discard", false),
        ("--queue ingest --discard --limit 3", false),
        ("--queue ingest --discard --message m-1", true),
        ("--queue ingest --discard --reason x", true),
        ("--queue strays --discard", true),
        ("--queue ingest", true),
        ("", true),
    ] {
        let line = Line::parse_from(["redrive"].into_iter().chain(line.split_whitespace()));
        let refused = line.arguments.offline();
        assert_eq!(refused.is_none(), sound, "{line:?}");
        if let Some(refused) = refused {
            assert_eq!(crate::end::code(&refused.unwrap_err()), 2);
        }
    }
}

#[test]
fn an_excerpt_shows_what_an_event_is_about_and_no_envelope() {
    let event = sample::provider_unhealthy_text("openai");
    let sns = serde_json::json!({"Type": "Notification", "TopicArn": "arn:x", "Message": event}).to_string();
    let (subject, text) = diagnosis::inside(&event);
    assert_eq!(diagnosis::inside(&sns), (subject.clone(), text.clone()));
    expect!["event_id evt-1, provider openai, model_group chat"].assert_eq(&subject);
    assert!(text.starts_with('{') && !text.contains("detail-type"), "{text}");
    let broken = event.replace(r#""openai""#, r#"["openai"]"#);
    expect!["event_id evt-1, model_group chat"].assert_eq(&diagnosis::inside(&broken).0);
    for other in [
        "",
        "null",
        "[]",
        "{\"detail\":7}",
        r#"{"TopicArn":"x","Message":"\u001b["}"#,
    ] {
        assert_eq!(diagnosis::inside(other).0, "", "{other}");
    }
    assert_eq!(
        diagnosis::inside(r#"{"TopicArn":"x","Message":"hello"}"#).1,
        "hello"
    );
}
