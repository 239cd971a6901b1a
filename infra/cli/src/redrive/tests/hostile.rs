//! Events that were refused for what is in them, as they are listed.

use domain::incident::EventType;
use domain::message::Message;
use testkit::hostile;

use super::*;

#[tokio::test]
async fn no_refused_event_steers_the_terminal() {
    let mut listed = 0;
    for place in hostile::places(EventType::ProviderUnhealthy) {
        for injection in hostile::injections() {
            let body = hostile::event_with(EventType::ProviderUnhealthy, &place, &injection.text);
            let Err(refused) = Message::parse(&body) else {
                continue;
            };
            listed += 1;
            let queues = MemoryQueues::default();
            let reason = refused.to_string();
            queues.put(
                DEAD,
                "m-1",
                &body,
                &[("reason", &reason), ("function", "ingest-and-propose")],
            );
            for json in [false, true] {
                let mut buffer = Vec::new();
                let mut terminal = Terminal::buffer(&mut buffer);
                desk(&queues, Lane::Ingest, &[])
                    .list(json, &mut terminal)
                    .await
                    .unwrap();
                drop(terminal);
                let shown = String::from_utf8(buffer).unwrap();
                let lines = if json { 1 } else { 4 };
                assert_eq!(shown.lines().count(), lines, "{place} {injection}: {shown}");
                let steers = |c: char| {
                    c.is_control()
                        || ('\u{200b}'..='\u{206f}').contains(&c) && !('\u{2010}'..='\u{2027}').contains(&c)
                };
                assert!(
                    !shown.replace('\n', "").chars().any(steers),
                    "{place} {injection}: {shown:?}"
                );
            }
        }
    }
    assert!(listed > 400, "{listed}");
}
